//! Reads the parameters of a start and of a change.

use crate::{
    compatible::twilio::{
        amount,
        error::Refusal,
        form::Form,
        rate_limits::limit_name,
        sid::{Kind, Sid},
    },
    http::values::{MAX_LIMIT_VALUE, MOST_LIMITS},
};
use countersign_core::{
    access::share::Share,
    acts::start::request::StartRequest,
    code::payment::Transaction,
    id::TemplateId,
    locale::Locale,
    message::{binding::AppHash, template::set::TemplateName},
    mode::Mode,
    phone::{PhoneError, PhoneNumber, magic},
    snapshot::view::TenantView,
    tenant::{
        limits::LimitName,
        profile::{Policy, Profile},
    },
    verification::contact::Metadata,
};
use countersign_web::fields::Object;
use serde_json::Value;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};
use utoipa::ToSchema;

/// The validity of a code if the profile has the default value.
const LIFE: Duration = Duration::from_secs(600);
/// The name of the rate limit under which Twilio's clients send the end user's address.
const END_USER_IP: &str = "end_user_ip";

/// Parameters that would change the code or the message.
const REFUSED: [(&str, &str); 5] = [
    ("CustomCode", "codes are always drawn here"),
    ("CustomFriendlyName", "the message names what is set up here"),
    ("CustomMessage", "use TemplateSid"),
    ("TemplateCustomSubstitutions", "templates take no values of yours"),
    ("Templates", "use TemplateSid"),
];

/// Starts a verification; see docs/twilio.md for all other parameters.
#[derive(ToSchema)]
#[schema(as = TwilioVerificationForm, rename_all = "PascalCase")]
pub struct VerificationForm {
    /// The number in international form.
    #[schema(value_type = String, example = "+48500500500")]
    pub to: PhoneNumber,
    #[schema(value_type = String, pattern = "^sms$", example = "sms")]
    pub channel: (),
    /// The language of the message.
    #[schema(value_type = Option<String>)]
    pub locale: Option<Locale>,
    /// A number and a currency, such as `€39.99` or `39.99 USD`.
    pub amount: Option<String>,
    pub payee: Option<String>,
    /// An object as JSON: values for rate limits of the service, by their unique names.
    #[schema(value_type = Option<String>)]
    pub rate_limits: Vec<(LimitName, String)>,
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9+/]{11}$")]
    pub app_hash: Option<AppHash>,
    #[schema(value_type = Option<String>, pattern = "^HJ[0-9a-f]{32}$")]
    pub template_sid: Option<TemplateName>,
    /// The end user's address.
    #[schema(value_type = Option<String>)]
    pub device_ip: Option<IpAddr>,
    /// An object of texts as JSON: at most 10 keys, 512 bytes in all.
    #[schema(value_type = Option<String>)]
    pub tags: Metadata,
    #[schema(ignore)]
    pub payment: Option<Transaction>,
}

impl VerificationForm {
    /// Reads a start for this profile, with the settings of the tenant, by a caller that may use these templates.
    pub fn read(
        form: &Form,
        mode: Mode,
        (view, templates): (&TenantView, &Share<TemplateId>),
        profile: &Profile,
    ) -> Result<Self, Refusal> {
        form.refuse(&REFUSED)?;
        let to = number(form.required("To")?, mode)?;
        if !form.required("Channel")?.eq_ignore_ascii_case("sms") {
            return Err(Refusal::invalid_because("Channel", "must be sms"));
        }
        let address = |text: &str| text.parse::<IpAddr>().ok();
        let mut device_ip = form.parsed("DeviceIp", address)?;
        let mut rate_limits = Vec::new();
        for (name, value) in values(form, "RateLimits", MOST_LIMITS)? {
            if name == END_USER_IP {
                device_ip = device_ip.or_else(|| address(&value));
            }
            rate_limits.extend(limit(view, profile, &name, value, device_ip.is_some())?);
        }
        Ok(Self {
            to,
            channel: (),
            app_hash: form.parsed("AppHash", AppHash::parse)?,
            template_sid: template(form, view, templates)?,
            locale: form.parsed("Locale", Locale::parse)?,
            payment: payment(form)?,
            tags: metadata(form)?,
            amount: form.get("Amount")?.map(str::to_owned),
            payee: form.get("Payee")?.map(str::to_owned),
            device_ip,
            rate_limits,
        })
    }

    /// Converts it to core's form.
    pub fn start(self, profile: &Profile) -> StartRequest {
        let expires_in = (profile.policy.expires_in == Policy::default().expires_in).then_some(LIFE);
        let Self {
            to,
            channel: (),
            app_hash,
            template_sid,
            locale,
            payment,
            tags,
            device_ip,
            rate_limits,
            ..
        } = self;
        StartRequest {
            profile: profile.name.clone(),
            expires_in,
            app_hash,
            template: template_sid,
            locale,
            transaction: payment,
            metadata: tags,
            end_user_ip: device_ip,
            limits: rate_limits,
            ..StartRequest::plain(to)
        }
    }
}

/// Ends a verification.
#[derive(ToSchema)]
#[schema(as = TwilioVerificationUpdate, rename_all = "PascalCase")]
pub struct VerificationUpdate {
    #[schema(value_type = String, pattern = "^canceled$", example = "canceled")]
    pub status: (),
}

impl VerificationUpdate {
    /// Reads it.
    pub fn read(form: &Form) -> Result<Self, Refusal> {
        match form.required("Status")? {
            "canceled" => Ok(Self { status: () }),
            "approved" => {
                let why = "an approval is said only for a code that was compared; check the code";
                Err(Refusal::invalid_because("Status", why))
            }
            _ => Err(Refusal::invalid("Status")),
        }
    }
}

/// Reads a phone number by the rules of the key's mode.
pub fn number(text: &str, mode: Mode) -> Result<PhoneNumber, Refusal> {
    let number = match mode {
        Mode::Live => PhoneNumber::parse(text),
        Mode::Test => magic::parse_number(text),
    };
    number.map_err(|error| match error {
        PhoneError::Invalid => Refusal::invalid("To"),
        PhoneError::CannotReceiveSms(_) => Refusal::new(403, 60205, format!("To: {error}")),
    })
}

/// The payment of a start or a check. Either both parameters are present or none.
pub fn payment(form: &Form) -> Result<Option<Transaction>, Refusal> {
    match (form.get("Amount")?, form.get("Payee")?) {
        (None, None) => Ok(None),
        (Some(amount), Some(payee)) => amount::transaction(amount, payee).map(Some).map_err(|name| {
            let why = match name {
                "Amount" => "must be a decimal number with its currency, such as 39.99 EUR or €39.99",
                _ => "must be 1 to 140 printable characters on one line",
            };
            Refusal::invalid_because(name, why)
        }),
        _ => Err(Refusal::new(400, 60206, "'Amount' & 'Payee' params are required")),
    }
}

fn template(
    form: &Form,
    view: &TenantView,
    shared: &Share<TemplateId>,
) -> Result<Option<TemplateName>, Refusal> {
    let sid = form.parsed("TemplateSid", |text| Sid::parse(Kind::Template, text))?;
    let Some(id) = sid.map(TemplateId::from_bytes) else { return Ok(None) };
    let found = view.templates.values().find(|set| set.id == id && shared.admits(&set.id));
    let unknown = || Refusal::new(400, 60228, "Template was not found");
    found.map(|set| Some(set.name.clone())).ok_or_else(unknown)
}

/// The limit that a value counts against: one of the profile or the tenant. `None` if the limit has no bucket
/// yet, and for an address that the built-in limit counts.
fn limit(
    view: &TenantView,
    profile: &Profile,
    unique: &str,
    value: String,
    has_address: bool,
) -> Result<Option<(LimitName, String)>, Refusal> {
    let unknown = || Refusal::invalid_because("RateLimits", "names no rate limit of the service");
    let name = limit_name(unique).ok_or_else(unknown)?;
    if profile.limits.as_map().contains_key(&name) || view.settings.limits.contains_key(&name) {
        return Ok(Some((name, value)));
    }
    let counted = unique == END_USER_IP && has_address;
    if counted || profile.limit_notes.as_map().contains_key(&name) { Ok(None) } else { Err(unknown()) }
}

fn metadata(form: &Form) -> Result<Metadata, Refusal> {
    let tags = values(form, "Tags", Metadata::MAX_KEYS)?.into_iter().collect();
    let why = "must be an object of at most 10 texts and 512 bytes in all";
    Metadata::new(tags).ok_or_else(|| Refusal::invalid_because("Tags", why))
}

/// Reads a JSON object of texts and numbers in a parameter.
fn values(form: &Form, name: &'static str, most: usize) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(text) = form.get(name)? else { return Ok(BTreeMap::new()) };
    let invalid = || {
        let why = format!("must be a JSON object of at most {most} texts of 1 to {MAX_LIMIT_VALUE} bytes");
        Refusal::invalid_because(name, &why)
    };
    let object: Object = serde_json::from_str(text).map_err(|_| invalid())?;
    if !object.twice.is_empty() || object.values.len() > most {
        return Err(invalid());
    }
    let one = |(name, value): (String, Value)| {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (1..=MAX_LIMIT_VALUE).contains(&value.len()).then_some((name, value))
    };
    object.values.into_iter().map(one).collect::<Option<_>>().ok_or_else(invalid)
}
