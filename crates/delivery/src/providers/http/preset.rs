//! Presets for known services: with one, an account's settings need only credentials.

use super::super::merge::merge;
use crate::settings::Fault;
use serde_json::Value;

const PRESETS: [(&str, &str); 3] = [
    ("vonage", include_str!("presets/vonage.json")),
    ("plivo", include_str!("presets/plivo.json")),
    ("sinch", include_str!("presets/sinch.json")),
];

pub const NAMES: [&str; 3] = [PRESETS[0].0, PRESETS[1].0, PRESETS[2].0];

/// Merges the settings over those of the preset that they name, if they name one.
pub(super) fn apply(settings: &Value) -> Result<Value, Vec<Fault>> {
    let mut settings = settings.clone();
    let preset = settings.as_object_mut().and_then(|object| object.remove("preset"));
    let Some(name) = preset.filter(|name| !name.is_null()) else { return Ok(settings) };
    let preset = PRESETS.iter().find(|(known, _)| name.as_str() == Some(known));
    let preset = preset.and_then(|(_, text)| serde_json::from_str(text).ok());
    let mut whole: Value = preset.ok_or_else(|| {
        let message = format!("must be one of {}", NAMES.join(", "));
        vec![Fault { field: "preset".into(), message }]
    })?;
    merge(&mut whole, &settings);
    Ok(whole)
}
