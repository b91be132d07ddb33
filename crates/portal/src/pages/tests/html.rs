//! Looks for faults in a page, as far as its text shows them.

use std::collections::BTreeSet;

const VOID: [&str; 6] = ["meta", "link", "input", "hr", "br", "img"];
/// The attributes that name elements of the page.
const NAMING: [&str; 5] = ["for", "aria-labelledby", "aria-describedby", "popovertarget", "data-copy"];

struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    is_end: bool,
    is_closed: bool,
}

impl Tag<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

/// All tags. A `<` inside a quoted value is not one.
fn tags(page: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut quoted = false;
        let end = rest.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let Some(end) = end else { break };
        let (inside, after) = rest.split_at(end);
        rest = after;
        let is_end = inside.starts_with('/');
        let is_closed = inside.ends_with('/');
        let inside = inside.trim_matches('/');
        let (name, mut list) = inside.split_at(inside.find(char::is_whitespace).unwrap_or(inside.len()));
        let mut attributes = Vec::new();
        loop {
            list = list.trim_start();
            let length = list.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(list.len());
            if length == 0 {
                break;
            }
            let (attribute, after) = list.split_at(length);
            match after.strip_prefix("=\"").and_then(|value| value.split_once('"')) {
                Some((value, after)) => {
                    attributes.push((attribute, value));
                    list = after;
                }
                None => {
                    attributes.push((attribute, ""));
                    list = after;
                }
            }
        }
        tags.push(Tag { name, attributes, is_end, is_closed });
    }
    tags
}

pub fn faults(page: &str, language: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut expect = |sound: bool, fault: String| {
        if !sound {
            faults.push(fault);
        }
    };
    let tags = tags(page);
    let starts = || tags.iter().filter(|tag| !tag.is_end);
    let count = |name: &str| starts().filter(|tag| tag.name == name).count();
    expect(page.starts_with("<!doctype html>"), "no doctype".to_owned());
    for name in ["html", "title", "main", "h1", "body"] {
        expect(count(name) == 1, format!("{} times {name}", count(name)));
    }
    let html = starts().find(|tag| tag.name == "html");
    expect(html.and_then(|html| html.get("lang")) == Some(language), "another language".to_owned());
    expect(!page.contains("<title></title>") && !page.contains("<h1></h1>"), "an empty title".to_owned());

    let mut ids = BTreeSet::new();
    for id in starts().filter_map(|tag| tag.get("id")) {
        expect(ids.insert(id), format!("{id} stands twice"));
    }
    let mut open: Vec<&str> = Vec::new();
    let mut labels = 0;
    let mut form = None;
    for tag in &tags {
        let name = tag.name;
        for (attribute, value) in &tag.attributes {
            expect(!attribute.starts_with("on") && *attribute != "style", format!("{attribute} of {name}"));
            expect(!value.contains("javascript:"), format!("{attribute} of {name}: {value}"));
            if NAMING.contains(attribute) {
                for id in value.split(' ') {
                    expect(ids.contains(id), format!("{attribute} of {name}: no {id}"));
                }
            }
            if let Some(id) = value.strip_prefix('#').filter(|_| *attribute == "href") {
                expect(ids.contains(id), format!("a link to #{id}"));
            }
        }
        if name == "!doctype" || VOID.contains(&name) || tag.is_closed {
            // It has no end.
        } else if tag.is_end {
            let opened = open.pop();
            expect(opened == Some(name), format!("</{name}> ends {opened:?}"));
        } else {
            open.push(name);
        }
        match (name, tag.is_end) {
            ("style" | "img" | "iframe", false) => expect(false, format!("an element {name}")),
            ("script", false) => expect(tag.get("src").is_some(), "a script in the page".to_owned()),
            ("label", _) => labels = i32::from(!tag.is_end),
            ("form", false) => {
                expect(form.is_none(), "a form in a form".to_owned());
                expect(tag.get("method") == Some("post"), "a form without method=post".to_owned());
                form = Some(false);
            }
            ("form", true) => expect(form.take() == Some(true), "a form without token".to_owned()),
            ("input", false) if tag.get("name") == Some("form_token") => form = Some(true),
            ("input" | "select" | "textarea", false) if tag.get("type") != Some("hidden") => {
                let named = |tag: &Tag<'_>, id| tag.name == "label" && tag.get("for") == id;
                let id = tag.get("id");
                expect(
                    labels > 0 || id.is_some() && starts().any(|tag| named(tag, id)),
                    format!("no label for {id:?}"),
                );
            }
            _ => {}
        }
    }
    expect(open.is_empty(), format!("without end: {open:?}"));
    faults
}

#[test]
fn each_fault_is_found() {
    let sound = "<!doctype html><html lang=\"en\"><head><title>a</title></head><body><main id=\"m\">\
                 <h1>a</h1>@</main></body></html>";
    let page = |inside: &str| sound.replace('@', inside);
    assert_eq!(faults(&page("<p title=\"a > b\">x</p>"), "en"), Vec::<String>::new());
    assert_eq!(faults(&page(""), "pl"), ["another language"]);
    for (inside, fault) in [
        ("<p id=\"m\"></p>", "m stands twice"),
        ("<p><b></p></b>", "</p> ends Some(\"b\")"),
        ("<a href=\"#x\"></a>", "a link to #x"),
        ("<p aria-describedby=\"m x\"></p>", "aria-describedby of p: no x"),
        ("<script>x</script>", "a script in the page"),
        ("<p style=\"x\"></p>", "style of p"),
        ("<p onclick=\"x\"></p>", "onclick of p"),
        ("<form method=\"post\"></form>", "a form without token"),
        ("<form><input type=\"hidden\" name=\"form_token\"></form>", "a form without method=post"),
        ("<input name=\"x\">", "no label for None"),
        ("<h1>b</h1>", "2 times h1"),
    ] {
        let found = faults(&page(inside), "en");
        assert!(found.iter().any(|found| found == fault), "{inside}: {found:?}");
    }
}
