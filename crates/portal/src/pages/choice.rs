//! The choices of a list in a form.

use crate::text::Text;
use crate::{text::Language, when};
use countersign_core::people::hours::Zone;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

/// The zones that most people of this software's users live in. The list always contains the chosen one.
const ZONES: [&str; 24] = [
    "Europe/Warsaw",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Bratislava",
    "Europe/Brussels",
    "Europe/Bucharest",
    "Europe/Budapest",
    "Europe/Copenhagen",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Kyiv",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Prague",
    "Europe/Rome",
    "Europe/Sofia",
    "Europe/Stockholm",
    "Europe/Tallinn",
    "Europe/Vienna",
    "Europe/Vilnius",
    "Europe/Zurich",
    "UTC",
];

pub fn languages(chosen: Language) -> Vec<Choice> {
    let choice = |language: Language| Choice {
        value: language.tag().to_owned(),
        label: language.name().to_owned(),
        is_chosen: language == chosen,
    };
    Language::ALL.map(choice).into()
}

pub fn zones(chosen: &Zone) -> Vec<Choice> {
    let chosen = chosen.as_str();
    let other = (!ZONES.contains(&chosen)).then_some(chosen);
    let choice = |zone: &str| Choice {
        value: zone.to_owned(),
        label: zone.replace('_', " "),
        is_chosen: zone == chosen,
    };
    other.into_iter().chain(ZONES).map(choice).collect()
}

/// Lengths of time in seconds.
pub fn spans(t: Text, seconds: impl IntoIterator<Item = u32>, chosen: u32) -> Vec<Choice> {
    let choice = |seconds: u32| Choice {
        value: seconds.to_string(),
        label: when::span(t, seconds.into()),
        is_chosen: seconds == chosen,
    };
    seconds.into_iter().map(choice).collect()
}
