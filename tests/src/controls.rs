//! Checks docs/controls.md: each test that it names exists, and each requirement of the four chapters of OWASP
//! ASVS 5.0.0 is there once.

use std::{collections::BTreeMap, fs, path::Path};

/// The sections of the four chapters, each with the number of its requirements.
const SECTIONS: [(&str, usize); 23] = [
    ("6.1", 3),
    ("6.2", 12),
    ("6.3", 8),
    ("6.4", 6),
    ("6.5", 8),
    ("6.6", 4),
    ("6.7", 2),
    ("6.8", 4),
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 3),
    ("7.6", 2),
    ("8.1", 4),
    ("8.2", 4),
    ("8.3", 3),
    ("8.4", 2),
    ("16.1", 1),
    ("16.2", 5),
    ("16.3", 4),
    ("16.4", 3),
    ("16.5", 4),
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/controls.md")).unwrap()
}

/// The parts of the text between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Returns whether a file of tests has a test of this name. `parent` is the text of the file that lists the
/// contract tests of its folder.
fn has_test(file: &str, text: &str, parent: &str, name: &str) -> bool {
    if !file.ends_with(".rs") {
        return text.contains(&format!("test(\"{name}\"")) || text.contains(&format!("def {name}("));
    }
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else { return false };
    let attribute = before.trim_end_matches("async ").trim_end_matches("pub ").trim_end();
    let module = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    attribute.lines().next_back().is_some_and(|line| line.contains("test"))
        || parent.contains(&format!("{module}::{name}"))
}

fn missing(page: &str) -> Vec<&str> {
    let named = quoted(page).filter(|quoted| quoted.contains("::"));
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let exists = |named: &&str| {
        named.split_once("::").is_some_and(|(file, name)| {
            let path = root().join(file);
            let parent = path.parent().map(|folder| read(&folder.with_extension("rs"))).unwrap_or_default();
            has_test(file, &read(&path), &parent, name)
        })
    };
    named.filter(|named| !exists(named)).collect()
}

/// How often each requirement begins a row of a table or stands in a list of those that are left out.
fn counts(page: &str) -> BTreeMap<String, usize> {
    let chapters = page.split("## ISO/IEC").next().unwrap_or_default();
    let listed = chapters.lines().filter_map(|line| {
        line.strip_prefix("Left out: ")
            .or_else(|| line.strip_prefix("- "))?
            .split(", because")
            .next()?
            .split(':')
            .next()
    });
    let rows = chapters.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let mut counts = BTreeMap::new();
    for word in listed.chain(rows).flat_map(|text| text.split([',', ' '])) {
        if word.split('.').count() == 3 && word.split('.').all(|part| part.parse::<u8>().is_ok()) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn each_test_that_the_page_of_controls_names_exists() {
    let page = page();
    assert!(quoted(&page).filter(|quoted| quoted.contains("::")).count() > 100);
    assert_eq!(missing(&page), [""; 0]);
}

#[test]
fn each_requirement_of_the_four_chapters_is_there_once() {
    let expected =
        SECTIONS.iter().flat_map(|(section, most)| (1..=*most).map(move |n| format!("{section}.{n}")));
    assert_eq!(counts(&page()), expected.map(|number| (number, 1)).collect());
}

#[test]
fn a_test_that_does_not_exist_is_found() {
    let real = "tests/src/controls.rs::a_test_that_does_not_exist_is_found";
    let page = format!("`{real}` `tests/src/controls.rs::missing` `tests/src/none.rs::x` `{real}x`");
    assert_eq!(
        missing(&page),
        ["tests/src/controls.rs::missing", "tests/src/none.rs::x", &format!("{real}x")]
    );
    assert_eq!(missing("`tests/src/codes/rules.rs::nothing_outlasts_thirty_days`"), [""; 0]);
    assert!(!has_test("a/b.rs", "fn x() {}", "", "x"), "a function is no test");
    assert!(has_test("a/b.mjs", "test(\"the code\", f)", "", "the code"));
}
