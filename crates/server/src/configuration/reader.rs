//! Reads settings one by one and collects every problem, so that all are reported at once. Settings that
//! nothing has read at the end are unknown.

use super::Secret;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::Path,
    time::Duration,
};
use toml::{Table, Value};

/// The prefix of environment variables that are settings.
const PREFIX: &str = "COUNTERSIGN__";

/// The number of seconds of a day.
pub(super) const DAY: u64 = 86_400;

struct Entry {
    value: Value,
    source: String,
    /// True for variables and flags: they contain text, whatever the type of the setting is.
    untyped: bool,
}

/// The settings from a file, then from variables, then from flags. Later ones override earlier ones.
#[derive(Default)]
pub(super) struct Reader {
    entries: BTreeMap<String, Entry>,
    sections: BTreeMap<String, String>,
    known: BTreeSet<String>,
    problems: Vec<String>,
}

impl Reader {
    /// Adds the settings of a file.
    pub fn add_file(&mut self, path: &Path) {
        let source = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_text(&text, &source),
            Err(error) => self.problems.push(format!("{source}: cannot be read: {error}")),
        }
    }

    /// Adds the settings of a TOML text that came from `source`.
    pub fn add_text(&mut self, text: &str, source: &str) {
        match text.parse::<Table>() {
            Ok(table) => self.add_table("", table, source),
            // Use only the parser's message: its full report quotes the line, which may contain a secret.
            Err(error) => {
                let line = error.span().and_then(|span| text.get(..span.start));
                let line = line.map_or(1, |before| before.matches('\n').count() + 1);
                self.problems.push(format!("{source}, line {line}: {}", error.message()));
            }
        }
    }

    fn add_table(&mut self, section: &str, table: Table, source: &str) {
        for (key, value) in table {
            let key = if section.is_empty() { key } else { format!("{section}.{key}") };
            match value {
                Value::Table(table) => {
                    self.sections.insert(key.clone(), source.to_owned());
                    self.add_table(&key, table, source);
                }
                value => {
                    let entry = Entry { value, source: source.to_owned(), untyped: false };
                    self.entries.insert(key, entry);
                }
            }
        }
    }

    /// Adds the environment variables that are settings: `COUNTERSIGN__SECTION__KEY`.
    pub fn add_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            if let Some(path) = name.strip_prefix(PREFIX) {
                let key = path.to_ascii_lowercase().replace("__", ".");
                let entry = Entry { value: Value::String(text), source: name, untyped: true };
                self.entries.insert(key, entry);
            }
        }
    }

    /// Adds a setting that a command fixes.
    pub fn add_flag(&mut self, key: &str, text: String, flag: &str) {
        let entry = Entry { value: Value::String(text), source: flag.to_owned(), untyped: true };
        self.entries.insert(key.to_owned(), entry);
    }

    /// Records a problem of a setting, with the source of its value.
    pub fn problem(&mut self, key: &str, problem: &str) {
        let described = self.describe(key, problem);
        self.problems.push(described);
    }

    /// A problem with the key and the place where it is set.
    pub fn describe(&self, key: &str, problem: &str) -> String {
        let source = self.entries.get(key).map_or("default", |entry| &entry.source);
        format!("{key} ({source}): {problem}")
    }

    fn take(&mut self, key: &str) -> Option<&Entry> {
        self.known.insert(key.to_owned());
        self.entries.get(key)
    }

    /// Reads a text by `read`.
    pub fn text<T>(
        &mut self,
        key: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let outcome = match self.take(key).map(|entry| &entry.value) {
            None => read(default),
            Some(Value::String(text)) => read(text),
            Some(_) => Err("must be a text in quotes".to_owned()),
        };
        outcome.map_err(|problem| self.problem(key, &problem)).ok()
    }

    /// Texts, as `read` understands each: an array; in a variable one of JSON, or separated by commas.
    pub fn list<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let texts: Option<Vec<_>> = match self.take(key) {
            None => Some(Vec::new()),
            Some(Entry { value: Value::Array(values), .. }) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Some(Entry { value: Value::String(text), untyped: true, .. }) => split_list(text),
            Some(_) => None,
        };
        let Some(texts) = texts else {
            let untyped = self.entries.get(key).is_some_and(|entry| entry.untyped);
            let more = if untyped { " or a,b" } else { "" };
            self.problem(key, &format!("must be a list of texts in quotes, such as [\"a\", \"b\"]{more}"));
            return None;
        };
        let mut good = Vec::new();
        for text in &texts {
            match read(text) {
                Ok(value) => good.push(value),
                Err(problem) => self.problem(key, &problem),
            }
        }
        (good.len() == texts.len()).then_some(good)
    }

    /// Reads a whole number within bounds.
    pub fn number(&mut self, key: &str, default: u32, bounds: RangeInclusive<u32>) -> Option<u32> {
        let number = match self.take(key) {
            None => Some(default),
            Some(Entry { value: Value::Integer(number), .. }) => u32::try_from(*number).ok(),
            Some(Entry { value: Value::String(text), untyped: true, .. }) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let number = number.filter(|number| bounds.contains(number));
        if number.is_none() {
            let (floor, ceiling) = bounds.into_inner();
            self.problem(key, &format!("must be a whole number from {floor} to {ceiling}"));
        }
        number
    }

    /// Reads a time such as "25s", in whole seconds within bounds.
    pub fn duration(&mut self, key: &str, default: &str, bounds: RangeInclusive<u64>) -> Option<Duration> {
        let (floor, ceiling) = (*bounds.start(), *bounds.end());
        let within = Duration::from_secs(floor)..=Duration::from_secs(ceiling);
        self.text(key, default, |text| {
            let read = parse_duration(text).filter(|duration| within.contains(duration));
            read.ok_or_else(|| {
                let (floor, ceiling) = (seconds_text(floor), seconds_text(ceiling));
                format!("must be a time from \"{floor}\" to \"{ceiling}\", such as \"{default}\"")
            })
        })
    }

    /// Reads a size such as "1GiB" within bounds.
    pub fn size(&mut self, key: &str, default: &str, bounds: RangeInclusive<u64>) -> Option<u64> {
        self.text(key, default, |text| {
            let read = parse_size(text).filter(|size| bounds.contains(size));
            read.ok_or_else(|| {
                let (floor, ceiling) = (bounds.start() >> 20, bounds.end() >> 20);
                format!("must be a size from \"{floor}MiB\" to \"{ceiling}MiB\", such as \"{default}\"")
            })
        })
    }

    /// Reads one of a few words.
    pub fn choice<T: Copy>(&mut self, key: &str, default: &str, choices: &[(&str, T)]) -> Option<T> {
        self.text(key, default, |text| {
            let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            found.ok_or_else(|| format!("must be one of {}", words.join(", ")))
        })
    }

    /// Reads a secret from `key`, or from the file that `key_file` names. An empty text counts as absent.
    pub fn secret(&mut self, key: &str, base: &Path) -> Option<Secret> {
        let file_key = format!("{key}_file");
        let inline = self.text(key, "", |text| Ok(text.to_owned()))?;
        let file = self.text(&file_key, "", |text| Ok((!text.is_empty()).then(|| base.join(text))))?;
        match (inline.is_empty(), file) {
            (true, None) => None,
            (false, None) => Some(Secret::new(&inline)),
            (false, Some(_)) => {
                self.problem(&file_key, &format!("{key} is set too; set one of them"));
                None
            }
            (true, Some(file)) => match Secret::read(&file) {
                Ok(secret) => Some(secret),
                Err(error) => {
                    self.problem(&file_key, &error.to_string());
                    None
                }
            },
        }
    }

    /// Returns every problem, including the unknown settings.
    pub fn finish(mut self) -> Vec<String> {
        for (key, entry) in &self.entries {
            if !self.known.contains(key) {
                self.problems.push(format!("{key} ({}): unknown setting{}", entry.source, self.hint(key)));
            }
        }
        for (section, source) in &self.sections {
            let prefix = format!("{section}.");
            let filled = self.entries.keys().any(|key| key.starts_with(&prefix));
            if !filled && !self.known.iter().any(|key| key.starts_with(&prefix)) {
                self.problems.push(format!("[{section}] ({source}): unknown section"));
            }
        }
        self.problems
    }

    /// The settings that were given.
    #[cfg(test)]
    pub fn keys(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// The settings that were read.
    #[cfg(test)]
    pub fn known_keys(&self) -> Vec<String> {
        self.known.iter().cloned().collect()
    }

    fn hint(&self, unknown: &str) -> String {
        let nearest = self.known.iter().map(|key| (distance(key, unknown), key)).min();
        match nearest {
            Some((steps, key)) if steps <= 3 => format!("; did you mean {key}?"),
            _ => String::new(),
        }
    }
}

/// The list in a variable: JSON if it begins with a bracket, as templates of charts write it.
fn split_list(text: &str) -> Option<Vec<String>> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let texts = text.split(',').map(|text| text.trim().to_owned());
    Some(texts.filter(|text| !text.is_empty()).collect())
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3_600).map(Duration::from_secs),
        "d" => number.checked_mul(DAY).map(Duration::from_secs),
        _ => None,
    }
}

fn seconds_text(seconds: u64) -> String {
    if seconds > 0 && seconds.is_multiple_of(DAY) {
        format!("{}d", seconds / DAY)
    } else {
        format!("{seconds}s")
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    match unit {
        "KiB" => number.checked_mul(1 << 10),
        "MiB" => number.checked_mul(1 << 20),
        "GiB" => number.checked_mul(1 << 30),
        _ => None,
    }
}

/// The number of insertions, deletions and replacements between two keys (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_slips() {
        assert_eq!(distance("server.bind", "server.bind"), 0);
        assert_eq!(distance("server.bind", "server.bnd"), 1);
        assert_eq!(distance("log.level", "log.lvl"), 2);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn times_need_a_number_and_a_known_unit() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("25s"), Some(Duration::from_secs(25)));
        assert_eq!(parse_duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("5h"), Some(Duration::from_secs(18_000)));
        assert_eq!(parse_duration("90d"), Some(Duration::from_secs(90 * DAY)));
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "5w",
            "999999999999999999d",
            "99999999999999999999s",
            "18446744073709551615m",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!((seconds_text(300), seconds_text(3_650 * DAY)), ("300s".into(), "3650d".into()));
    }

    #[test]
    fn sizes_need_a_number_and_a_known_unit() {
        assert_eq!(parse_size("1GiB"), Some(1 << 30));
        assert_eq!(parse_size("2MiB"), Some(2 << 20));
        for text in ["", "5", "GiB", "-1GiB", "1 GiB", "1GB", "99999999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
