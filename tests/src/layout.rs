//! Checks the layout of the code by reading its text: the floors of a crate, its root files, circles of
//! files, and the length of files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The maximum number of lines of a file before its tests.
const MOST_LINES: usize = 400;

/// Files that are longer today. A file that has become shorter must leave this list.
const LONGER: [&str; 1] = ["bench::bin::chaos::trials"];

/// A crate whose modules form floors: a folder uses only the folders below it.
struct Floors {
    source: &'static str,
    /// The floors from top to bottom.
    floors: &'static str,
    /// The root files that all floors may use.
    ground: &'static str,
}

const CORE: Floors = Floors {
    source: "core/src",
    floors: "lib fakes sign_in management acts context ports snapshot webhook history audit delivery verification message people \
             tenant keyring access code phone",
    ground: "id mode time pack locale printable error",
};

const API: Floors = Floors { source: "api/src", floors: "lib app compatible v1 access http", ground: "" };

/// The text of each file, by its module path.
type Files = BTreeMap<String, String>;
type Arrows = BTreeSet<(String, String)>;

fn read(folder: &Path, module: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let inner = if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") };
        if name == "tests" {
            continue;
        } else if path.is_dir() {
            read(&path, &inner, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.insert(inner, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The text before the tests, without comments.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    lines.map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Adds the paths of a tree such as `a::{b, c::D}`, and returns the text after it.
fn expand<'a>(mut text: &'a str, path: &str, paths: &mut Vec<String>) -> &'a str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let path = if path.is_empty() { text[..end].to_owned() } else { format!("{path}::{}", &text[..end]) };
    text = &text[end..];
    let Some(rest) = text.strip_prefix("::") else {
        paths.push(path);
        return text;
    };
    let Some(mut rest) = rest.strip_prefix('{') else { return expand(rest, &path, paths) };
    while !rest.starts_with('}') && !rest.is_empty() {
        rest = expand(rest.trim_start(), &path, paths);
        // The rest of the item is an alias or a star.
        rest = rest[rest.find([',', '}']).unwrap_or(rest.len())..].trim_start_matches(',').trim_start();
    }
    rest.strip_prefix('}').unwrap_or(rest)
}

/// The paths inside its own crate that a module names, from the crate's root.
fn paths(module: &str, text: &str) -> Vec<Vec<String>> {
    let (code, mut found) = (code(text), Vec::new());
    for word in ["crate::", "super::"] {
        for (at, _) in code.match_indices(word) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && !"_:$".contains(c)) {
                expand(&code[at..], "", &mut found);
            }
        }
    }
    let resolve = |path: String| {
        let mut at: Vec<_> = module.split("::").map(str::to_owned).collect();
        for part in path.split("::") {
            match part {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                part => at.push(part.to_owned()),
            }
        }
        at
    };
    found.into_iter().map(resolve).collect()
}

/// The pairs of files of which the first uses the second.
fn arrows(files: &Files) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, text) in files {
        for path in paths(module, text) {
            let known = (1..=path.len()).rev().map(|n| path[..n].join("::")).find(|m| files.contains_key(m));
            let used = known.unwrap_or_else(|| "lib".to_owned());
            if used != *module {
                arrows.insert((module.clone(), used));
            }
        }
    }
    arrows
}

impl Floors {
    fn files(&self) -> Files {
        let mut files = Files::new();
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        read(&crates.join(self.source), "", &mut files);
        files
    }

    /// The index of a module's floor from the top. The ground is the lowest.
    fn floor(&self, module: &str) -> Option<usize> {
        let folder = module.split("::").next().unwrap_or_default();
        let ground = self.ground.split(' ').any(|file| file == folder).then_some(usize::MAX);
        self.floors.split(' ').position(|floor| floor == folder).or(ground)
    }

    fn strangers<'a>(&self, files: &'a Files) -> Vec<&'a String> {
        files.keys().filter(|module| self.floor(module).is_none()).collect()
    }

    fn arrows_up(&self, arrows: &Arrows) -> Vec<String> {
        let up = arrows.iter().filter(|(from, to)| self.floor(to) < self.floor(from));
        up.map(|(from, to)| format!("{from} uses {to}")).collect()
    }
}

/// The groups of files that use each other, each once.
fn circles(arrows: &Arrows) -> BTreeSet<Vec<&str>> {
    fn reach<'a>(arrows: &'a Arrows, from: &str, reached: &mut BTreeSet<&'a str>) {
        for (_, to) in arrows.range((from.to_owned(), String::new())..).take_while(|(of, _)| of == from) {
            if reached.insert(to) {
                reach(arrows, to, reached);
            }
        }
    }
    let reached = |from: &str| {
        let mut reached = BTreeSet::new();
        reach(arrows, from, &mut reached);
        reached
    };
    let all: BTreeMap<_, _> = arrows.iter().map(|(from, _)| (from.as_str(), reached(from))).collect();
    let circle = |from: &str| {
        let back = |to: &&&str| all.get(**to).is_some_and(|of| of.contains(from));
        all[from].iter().filter(back).copied().collect::<Vec<_>>()
    };
    all.keys().map(|from| circle(from)).filter(|circle| !circle.is_empty()).collect()
}

/// Files that are too long and not listed, and listed files that are no longer too long.
fn lengths<'a>(files: impl Iterator<Item = (&'a str, &'a str)>, listed: &[&'a str]) -> Vec<&'a str> {
    let long = |text: &str| text.lines().take_while(|line| *line != "#[cfg(test)]").count() > MOST_LINES;
    let long: BTreeSet<_> = files.filter(|(_, text)| long(text)).map(|(name, _)| name).collect();
    long.symmetric_difference(&listed.iter().copied().collect()).copied().collect()
}

#[test]
fn a_folder_uses_only_folders_below_it_and_no_files_use_each_other() {
    for floors in [CORE, API] {
        let (files, source) = (floors.files(), floors.source);
        let arrows = arrows(&files);
        let (strangers, up, circles) =
            (floors.strangers(&files), floors.arrows_up(&arrows), circles(&arrows));
        assert!(strangers.is_empty(), "{source}: no floor and no root file that is known: {strangers:?}");
        assert!(up.is_empty(), "{source}: a folder may use only those below it: {up:#?}");
        assert!(circles.is_empty(), "{source}: these files use each other: {circles:#?}");
    }
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    let mut files = Files::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")).unwrap() {
        let entry = entry.unwrap();
        read(&entry.path().join("src"), entry.file_name().to_str().unwrap(), &mut files);
    }
    let wrong = lengths(files.iter().map(|(name, text)| (name.as_str(), text.as_str())), &LONGER);
    assert!(wrong.is_empty(), "more than {MOST_LINES} lines and not in LONGER, or the reverse: {wrong:#?}");
}

#[test]
fn each_rule_can_fail() {
    let tree = |files: &[(&str, &str)]| -> Files {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let files = tree(&[
        ("id", "// crate::acts::start::Start\n#[cfg(test)]\nuse crate::acts::start::Start;"),
        (
            "acts::start",
            "use crate::{id::{self, TenantId as Id}, acts::check::*};\nfn f() { super::check::g() }",
        ),
        ("acts::check", "fn g() -> crate::ports::Codes<crate::id::TenantId> {}"),
        ("ports", "use crate::id;\npub use crate::acts::check::Found;"),
        ("stranger", ""),
    ]);
    let found = arrows(&files);
    let names: Vec<_> = found.iter().map(|(from, to)| format!("{from} {to}")).collect();
    assert_eq!(
        names,
        [
            "acts::check id",
            "acts::check ports",
            "acts::start acts::check",
            "acts::start id",
            "ports acts::check",
            "ports id"
        ]
    );
    assert_eq!(CORE.strangers(&files), ["stranger"]);
    assert_eq!(CORE.arrows_up(&found), ["ports uses acts::check"]);
    assert_eq!(circles(&found), [vec!["acts::check", "ports"]].into());
    let (long, short) = ("\n".repeat(MOST_LINES + 1), format!("#[cfg(test)]{}", "\n".repeat(MOST_LINES)));
    let files = || [("long", long.as_str()), ("tested", short.as_str()), ("former", "")].into_iter();
    assert_eq!(lengths(files(), &["former"]), ["former", "long"]);
    assert!(lengths(files(), &["long"]).is_empty());
}
