//! The three kinds of bodies. Values are inserted into the JSON tree or into the pairs of a form, and encoded
//! afterwards, so that no value can end a text early.

use super::template::{Placeholder, Template, Values};
use crate::{outbound::Request, settings::Fields};
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

const MOST_FIELDS: usize = 50;
/// The maximum size of a body template, written as JSON.
const MAX_BODY: usize = 16 * 1024;

pub(super) enum Body {
    None,
    Json(Json),
    Form(Vec<(String, Template)>),
    Text(Template),
}

/// JSON whose texts are templates.
pub(super) enum Json {
    Literal(Value),
    Text(Template),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Body {
    pub(super) fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        #[derive(Clone, Copy)]
        enum Kind {
            Json,
            Form,
            Text,
        }
        let kind = fields.read("content_type", "one of json, form, text", |value| match value.as_str()? {
            "json" => Some(Kind::Json),
            "form" => Some(Kind::Form),
            "text" => Some(Kind::Text),
            _ => None,
        });
        let Some(body) = fields.value("body") else { return Some(Body::None) };
        let kind = fields.require("content_type", kind)?;
        if body.to_string().len() > MAX_BODY {
            fields.fault("body", "must be at most 16 KiB long");
            return None;
        }
        let parsed = match (kind, body) {
            (Kind::Json, Value::Object(_) | Value::Array(_)) => Json::parse(body).map(Body::Json),
            (Kind::Json, _) => Err("must be an object or an array for json"),
            (Kind::Form, Value::Object(form)) if form.len() <= MOST_FIELDS => {
                let field = |(name, value): (&String, &Value)| {
                    let text = value.as_str().ok_or("must hold texts for form")?;
                    Ok((name.clone(), Template::parse(text)?))
                };
                form.iter().map(field).collect::<Result<_, _>>().map(Body::Form)
            }
            (Kind::Form, _) => Err("must be an object of at most 50 texts for form"),
            (Kind::Text, Value::String(text)) => Template::parse(text).map(Body::Text),
            (Kind::Text, _) => Err("must be a text for text"),
        };
        parsed.map_err(|message| fields.fault("body", message)).ok()
    }

    pub(super) fn placeholders(&self) -> Vec<&Placeholder> {
        let mut found = Vec::new();
        match self {
            Self::None => {}
            Self::Json(json) => json.collect(&mut found),
            Self::Form(form) => found.extend(form.iter().flat_map(|(_, value)| value.placeholders())),
            Self::Text(text) => found.extend(text.placeholders()),
        }
        found
    }

    /// Adds the body to the request. A part that needs the receipt URL is left out if there is none.
    pub(super) fn fill(&self, request: Request, values: &Values<'_>) -> Request {
        match self {
            Self::None => request,
            Self::Json(json) => {
                let json = json.render(values).unwrap_or_default();
                request.body("application/json", json.to_string().into_bytes())
            }
            Self::Form(form) => {
                let mut body = Serializer::new(String::new());
                for (name, value) in form {
                    if let Some(value) = value.render(values, str::to_owned) {
                        body.append_pair(name, &value);
                    }
                }
                request.body("application/x-www-form-urlencoded", body.finish().into_bytes())
            }
            Self::Text(text) => {
                let text = text.render(values, str::to_owned).unwrap_or_default();
                request.body("text/plain; charset=utf-8", text.as_bytes().to_vec())
            }
        }
    }
}

impl Json {
    fn parse(value: &Value) -> Result<Self, &'static str> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?),
            Value::Array(values) => Self::Array(values.iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Object(object) => {
                let field = |(name, value): (&String, &Value)| Ok((name.clone(), Self::parse(value)?));
                Self::Object(object.iter().map(field).collect::<Result<_, &'static str>>()?)
            }
            other => Self::Literal(other.clone()),
        })
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Placeholder>) {
        match self {
            Self::Literal(_) => {}
            Self::Text(text) => found.extend(text.placeholders()),
            Self::Array(values) => values.iter().for_each(|value| value.collect(found)),
            Self::Object(fields) => fields.iter().for_each(|(_, value)| value.collect(found)),
        }
    }

    fn render(&self, values: &Values<'_>) -> Option<Value> {
        Some(match self {
            Self::Literal(value) => value.clone(),
            Self::Text(text) => text.render(values, str::to_owned)?.as_str().into(),
            Self::Array(list) => list.iter().filter_map(|value| value.render(values)).collect(),
            Self::Object(fields) => {
                let field = |(name, value): &(String, Self)| Some((name.clone(), value.render(values)?));
                Value::Object(fields.iter().filter_map(field).collect::<Map<_, _>>())
            }
        })
    }
}
