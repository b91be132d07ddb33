mod html;
mod samples;

use crate::text::{Language, Text};
use samples::{Names, all};
use std::{env, fs, path::Path};

#[test]
fn each_page_is_sound_in_each_language() {
    for language in Language::ALL {
        for names in [Names::Plain, Names::Hostile] {
            for (name, page) in all(Text(language), names) {
                let faults = html::faults(&page, language.tag());
                assert!(faults.is_empty(), "{name} in {}: {faults:#?}\n{page}", language.tag());
            }
        }
    }
}

#[test]
fn names_that_look_like_markup_are_shown_as_text() {
    for (name, page) in all(Text(Language::English), Names::Hostile) {
        assert!(!page.contains("<script>alert"), "{name}");
        assert!(!page.contains("<img"), "{name}");
    }
    let (_, home) = all(Text(Language::English), Names::Hostile).remove(0);
    assert!(home.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{home}");
}

/// Writes the pages with their files into the folder `COUNTERSIGN_PAGES`, for those who want to look at them.
#[test]
#[expect(clippy::disallowed_methods, reason = "the reader of the pages chooses the folder")]
fn the_pages_can_be_looked_at() {
    let Some(folder) = env::var_os("COUNTERSIGN_PAGES") else { return };
    let folder = Path::new(&folder);
    let assets = folder.join("portal/assets");
    fs::create_dir_all(&assets).unwrap();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), assets.join(file.file_name())).unwrap();
    }
    for language in Language::ALL {
        for (name, page) in all(Text(language), Names::Plain) {
            fs::write(folder.join(format!("{name}.{}.html", language.tag())), page).unwrap();
        }
    }
}
