//! The one layout of all mails: HTML in one column, and text of 72 characters a line.

use super::{
    Office,
    part::{Body, Part},
};
use crate::text::Text;
use askama::Template;

/// The longest line of the text part. Only an address may be longer: a broken one leads nowhere.
const WIDTH: usize = 72;

/// A finished mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The addresses to which the mail leads.
    pub links: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    tag: &'a str,
    body: &'a Body,
    foot: &'a Foot,
}

struct Foot {
    never_asks: String,
    links_lead: String,
    questions: String,
    support: Vec<Contact>,
}

/// One way to reach the support, such as an address or a phone number.
struct Contact {
    text: String,
    href: Option<String>,
}

impl Foot {
    fn new(words: Text, office: &Office) -> Self {
        let support = office.support.as_deref().unwrap_or_default().split(',').map(str::trim);
        Self {
            never_asks: words.get("mail-never-asks").into_owned(),
            links_lead: words.with("mail-links-lead", &[("host", office.host().into())]),
            questions: words.get("mail-questions").into_owned(),
            support: support.filter(|text| !text.is_empty()).map(Contact::new).collect(),
        }
    }
}

impl Contact {
    fn new(text: &str) -> Self {
        // A URL would be a link that leads elsewhere than to the portal.
        let mail = text.contains('@') && !text.contains([' ', ':', '/', '?']);
        Self { text: text.to_owned(), href: mail.then(|| format!("mailto:{text}")) }
    }
}

pub(super) fn lay_out(words: Text, body: Body, office: &Office) -> Letter {
    let foot = Foot::new(words, office);
    let text = write_text(words, &body, &foot);
    // Rendering writes into memory, and no value of the template can fail.
    let html = Html { tag: words.tag(), body: &body, foot: &foot }.render().unwrap_or_default();
    let links = body.parts.iter().filter_map(|part| match part {
        Part::Button { url, .. } => Some(url.clone()),
        _ => None,
    });
    Letter { links: links.collect(), subject: body.subject, text, html }
}

fn write_text(words: Text, body: &Body, foot: &Foot) -> String {
    let mut blocks = vec![wrap(&body.greeting)];
    for part in &body.parts {
        blocks.push(match part {
            Part::Text(text) | Part::Small(text) => wrap(text),
            Part::Heading(text) => text.to_uppercase(),
            Part::Button { label, url } => {
                format!("{}\n{url}", words.with("mail-fact", &[("label", label.as_str().into())]))
            }
            Part::Facts(facts) => write_facts(words, facts),
        });
    }
    let mut text = blocks.first().cloned().unwrap_or_default();
    for (part, block) in body.parts.iter().zip(blocks.iter().skip(1)) {
        text.push_str("\n\n");
        text.push_str(block);
        // A heading stands right above what it heads.
        if matches!(part, Part::Heading(_)) {
            text.push('\u{0}');
        }
    }
    let mut text = text.replace("\u{0}\n\n", "\n");
    // Mail programs take what follows this line for the sender's signature.
    text.push_str("\n\n-- \n");
    for line in [&foot.never_asks, &foot.links_lead] {
        text.push_str(&wrap(line));
        text.push('\n');
    }
    if !foot.support.is_empty() {
        let all: Vec<_> = foot.support.iter().map(|contact| contact.text.as_str()).collect();
        text.push_str(&wrap(&format!("{} {}", foot.questions, all.join(", "))));
        text.push('\n');
    }
    text
}

/// Labels and values in two columns.
fn write_facts(words: Text, facts: &[(String, String)]) -> String {
    let facts: Vec<_> = facts
        .iter()
        .map(|(label, value)| (words.with("mail-fact", &[("label", label.as_str().into())]), value))
        .collect();
    let widest = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
    let lines = facts.iter().map(|(label, value)| {
        let gap = " ".repeat(widest - label.chars().count());
        format!("  {label}{gap} {value}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Breaks a paragraph between words. A word that is longer than a line has a line of its own.
fn wrap(text: &str) -> String {
    let (mut wrapped, mut width) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            wrapped.push('\n');
            width = 0;
        } else if width > 0 {
            wrapped.push(' ');
            width += 1;
        }
        wrapped.push_str(word);
        width += length;
    }
    wrapped
}
