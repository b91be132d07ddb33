use super::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The variables of each text: the words after `$`.
fn texts(file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut texts = BTreeMap::<String, BTreeSet<String>>::new();
    let mut key = String::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) =
            line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_alphabetic()))
        {
            name.clone_into(&mut key);
            assert!(texts.insert(key.clone(), BTreeSet::new()).is_none(), "{name} stands twice");
        }
        for variable in line.split('$').skip(1) {
            let end = variable.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(variable.len());
            texts.get_mut(&key).unwrap().insert(variable[..end].to_owned());
        }
    }
    texts
}

#[test]
fn the_files_are_sound_and_hold_the_same_texts() {
    for language in Language::ALL {
        // In one bundle a key that stands in two files would show the later text on both places.
        texts(&language.files().concat());
        for file in language.files() {
            let (resource, errors) = match FluentResource::try_new(file.to_owned()) {
                Ok(resource) => (resource, Vec::new()),
                Err((resource, errors)) => (resource, errors),
            };
            assert!(errors.is_empty(), "{language:?}: {errors:?}");
            let comments = resource.entries().filter(|entry| !format!("{entry:?}").starts_with("Message"));
            assert_eq!(resource.entries().count(), texts(file).len() + comments.count());
        }
    }
    for (english, polish) in Language::English.files().into_iter().zip(Language::Polish.files()) {
        let (english, polish) = (texts(english), texts(polish));
        assert_eq!(english.keys().collect::<Vec<_>>(), polish.keys().collect::<Vec<_>>());
        for (key, variables) in english {
            assert_eq!(variables, polish[&key], "the variables of {key}");
        }
    }
}

fn read(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            read(&path, sources);
        } else if path.file_stem().is_some_and(|name| name != "tests") {
            sources.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// The text inside the first quotes of `rest`.
fn quoted(rest: &str) -> Option<&str> {
    rest.strip_prefix('"')?.split('"').next()
}

#[test]
fn each_text_is_used_and_each_key_has_a_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "templates/portal"] {
        read(&root.join(folder), &mut sources);
    }
    let [pages, mails, _] = Language::English.files();
    let known = texts(&[pages, mails].concat());
    let mut words = BTreeSet::new();
    for source in &sources {
        words.extend(source.split('"'));
        for call in ["t.get(", "t.with(", "t.one("] {
            for (at, _) in source.match_indices(call) {
                if let Some(key) = quoted(source[at + call.len()..].trim_start()) {
                    assert!(known.contains_key(key), "{key} has no text");
                }
            }
        }
    }
    let unused = |key: &&String| !words.contains(key.as_str()) && !mails.contains(&format!("{{ {key} }}"));
    let unused: Vec<_> = known.keys().filter(unused).collect();
    assert!(unused.is_empty(), "nothing uses {unused:?}");
}

#[test]
fn polish_has_its_plurals() {
    let polish = Text(Language::Polish);
    let left = |count: u32| polish.one("code-wrong", "left", count);
    assert_eq!(left(1), "To nie ten kod. Została Ci 1 próba.");
    assert_eq!(left(3), "To nie ten kod. Zostały Ci 3 próby.");
    assert_eq!(left(5), "To nie ten kod. Zostało Ci 5 prób.");
    assert_eq!(left(22), "To nie ten kod. Zostały Ci 22 próby.");
}

#[test]
fn values_stand_without_marks() {
    let said = Text(Language::English).one("check-address", "host", "a.example");
    assert!(said.contains(" a.example."), "{said:?}");
    assert!(said.is_ascii(), "{said:?}");
}
