//! Reads the file: TOML, in which secrets stand as references to files and variables.

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Most bytes of the file.
const MOST: u64 = 4 * 1024 * 1024;
/// Most bytes of one secret.
const MOST_SECRET: u64 = 64 * 1024;

/// What the file says, with secrets in the place of their references.
pub(super) struct Source {
    /// Its fields.
    pub values: Map<String, Value>,
    /// The texts that no line may show.
    pub secrets: Vec<Zeroizing<String>>,
    /// References that lead nowhere, each with its place.
    pub faults: Vec<String>,
}

pub(super) fn read(path: &Path) -> anyhow::Result<Source> {
    let (shown, text) = if path == Path::new("-") {
        ("standard input".to_owned(), read_text(std::io::stdin(), MOST))
    } else {
        (path.display().to_string(), File::open(path).and_then(|file| read_text(file, MOST)))
    };
    let text = text.with_context(|| format!("{shown} cannot be read"))?;
    ensure!(text.len() as u64 <= MOST, "{shown} has more than 4 MiB");
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The parser's own words only: its full report quotes the line, which may hold a secret.
        let line = error.span().and_then(|span| text.get(..span.start));
        let line = line.map_or(1, |before| before.matches('\n').count() + 1);
        anyhow::anyhow!("{shown}, line {line}: {}", error.message())
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut references = References { folder, secrets: Vec::new(), faults: Vec::new() };
    let values = table.into_iter().map(|(name, value)| {
        let value = references.resolve(&name, value);
        (name, value)
    });
    let values = values.collect();
    Ok(Source { values, secrets: references.secrets, faults: references.faults })
}

/// One byte more than `most` is read, so that who is too long is seen.
fn read_text(from: impl Read, most: u64) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    from.take(most + 1).read_to_string(&mut text)?;
    Ok(text)
}

struct References {
    /// Relative names of files begin here.
    folder: PathBuf,
    secrets: Vec<Zeroizing<String>>,
    faults: Vec<String>,
}

impl References {
    /// The value as JSON.
    fn resolve(&mut self, place: &str, value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => text.into(),
            toml::Value::Integer(number) => number.into(),
            toml::Value::Float(number) => number.into(),
            toml::Value::Boolean(flag) => flag.into(),
            toml::Value::Datetime(time) => time.to_string().into(),
            toml::Value::Array(values) => {
                let one = |(n, value)| self.resolve(&format!("{place}[{n}]"), value);
                values.into_iter().enumerate().map(one).collect()
            }
            toml::Value::Table(table) => match reference(&table) {
                Some(read) => self.follow(place, read),
                None => {
                    let one = |(name, value): (String, toml::Value)| {
                        let value = self.resolve(&format!("{place}.{name}"), value);
                        (name, value)
                    };
                    Value::Object(table.into_iter().map(one).collect())
                }
            },
        }
    }

    fn follow(&mut self, place: &str, reference: Reference<'_>) -> Value {
        let read = match reference {
            Reference::File(name) => {
                let file = File::open(self.folder.join(name)).and_then(|file| read_text(file, MOST_SECRET));
                file.map_err(|error| format!("the file {name} cannot be read: {error}"))
            }
            Reference::Variable(name) => read_variable(name),
        };
        let read = read.and_then(|text| match text.len() as u64 {
            0..=MOST_SECRET => Ok(text),
            _ => Err("a secret has at most 64 KiB".to_owned()),
        });
        match read {
            Ok(text) => {
                let line = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
                let text = line.unwrap_or(&text).to_owned();
                self.secrets.push(Zeroizing::new(text.clone()));
                text.into()
            }
            Err(fault) => {
                self.faults.push(format!("{place}: {fault}"));
                // The place is wrong already; what reads it later says nothing of it.
                Value::String(String::new())
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the file names the variable")]
fn read_variable(name: &str) -> Result<Zeroizing<String>, String> {
    match std::env::var(name) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(std::env::VarError::NotPresent) => Err(format!("the variable {name} is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {name} is no text")),
    }
}

enum Reference<'a> {
    File(&'a str),
    Variable(&'a str),
}

/// A table with nothing but `file` or `env`.
fn reference(table: &toml::Table) -> Option<Reference<'_>> {
    let (name, value) = table.iter().next().filter(|_| table.len() == 1)?;
    match (name.as_str(), value.as_str()?) {
        ("file", name) => Some(Reference::File(name)),
        ("env", name) => Some(Reference::Variable(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reference_stands_for_a_text_without_its_last_newline() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "secret\n\n").unwrap();
        std::fs::write(folder.path().join("windows"), "line\r\n").unwrap();
        let text = r#"
            at = 2027-01-31T12:00:00Z
            list = [{ file = "token" }, { file = "windows" }, { file = "none" }, { env = "NO_SUCH_VARIABLE" }]
            [plain]
            file = "token"
            kept = 1.5
        "#;
        let file = folder.path().join("apply.toml");
        std::fs::write(&file, text).unwrap();
        let source = read(&file).unwrap();
        assert_eq!(source.values["at"], "2027-01-31T12:00:00Z");
        assert_eq!(source.values["list"], json!(["secret\n", "line", "", ""]));
        assert_eq!(source.values["plain"], json!({"file": "token", "kept": 1.5}));
        assert_eq!(source.secrets.len(), 2);
        assert!(source.faults[0].starts_with("list[2]: the file none cannot be read"), "{:?}", source.faults);
        assert_eq!(source.faults[1], "list[3]: the variable NO_SUCH_VARIABLE is not set");
    }

    #[test]
    fn what_cannot_be_read_is_said_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apply.toml");
        std::fs::write(&file, "name = \"a\"\ntoken = hunter2\n").unwrap();
        let told = read(&file).err().unwrap().to_string();
        assert!(told.contains("line 2") && !told.contains("hunter2"), "{told}");
        std::fs::write(&file, vec![b'#'; MOST as usize + 1]).unwrap();
        assert!(read(&file).err().unwrap().to_string().contains("4 MiB"));
    }
}
