//! What stands in the SMS.

use crate::{
    code::Code,
    pack::{Reader, Writer},
    tenant::TenantName,
};
use zeroize::Zeroizing;

/// A host name for the origin-bound last line (WICG "origin-bound one-time codes").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// A lower-case host name with a dot in it, at most 100 characters; no scheme, port or path.
    pub fn parse(text: &str) -> Option<Self> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        let host = text.len() <= 100 && text.contains('.') && text.split('.').all(label);
        host.then(|| Self(text.to_owned()))
    }
}

/// The 11-character hash by which Android's SMS Retriever finds its app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppHash(String);

impl AppHash {
    /// 11 characters of base64.
    pub fn parse(text: &str) -> Option<Self> {
        let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        (text.len() == 11 && text.bytes().all(base64)).then(|| Self(text.to_owned()))
    }
}

/// Longest message that Android's SMS Retriever reads, in bytes.
pub const RETRIEVER_BYTES: usize = 140;

/// A code and the lines around it, as sealed in the record.
#[derive(Clone, Debug)]
pub struct CodeText {
    /// The code.
    pub code: Code,
    /// The site that the code is bound to.
    pub origin: Option<Origin>,
    /// The app that may read the message.
    pub app_hash: Option<AppHash>,
}

impl CodeText {
    /// The message: `123456 is your Acme code. Don't share it.`, and below an
    /// empty line what machines read: `@example.com #123456 FA+9qCX9VSu`.
    pub fn compose(&self, company: &TenantName) -> Zeroizing<String> {
        let code = self.code.expose();
        let name = company.as_str();
        let mut text = Zeroizing::new(format!("{code} is your {name} code. Don't share it."));
        let origin = self.origin.as_ref().map(|origin| format!("@{} #{code}", origin.0));
        let app_hash = self.app_hash.as_ref().map(|hash| hash.0.clone());
        let last_line: Vec<_> = origin.into_iter().chain(app_hash).map(Zeroizing::new).collect();
        for (index, part) in last_line.iter().enumerate() {
            text.push_str(if index == 0 { "\n\n" } else { " " });
            text.push_str(part);
        }
        text
    }

    pub(crate) fn pack(&self) -> Zeroizing<Vec<u8>> {
        let text = |value: Option<&String>| value.map(String::as_bytes).unwrap_or_default().to_vec();
        let packed = Writer::default()
            .byte(1)
            .blob(self.code.expose().as_bytes())
            .blob(&text(self.origin.as_ref().map(|o| &o.0)))
            .blob(&text(self.app_hash.as_ref().map(|h| &h.0)));
        Zeroizing::new(packed.finish())
    }

    pub(crate) fn unpack(packed: &[u8]) -> Option<Self> {
        let mut reader = Reader(packed);
        if reader.byte()? != 1 {
            return None;
        }
        let code = Zeroizing::new(reader.text()?);
        let (origin, app_hash) = (reader.text()?, reader.text()?);
        Some(Self {
            code: Code::from_record(&code),
            origin: (!origin.is_empty()).then_some(Origin(origin)),
            app_hash: (!app_hash.is_empty()).then_some(AppHash(app_hash)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(origin: Option<&str>, app_hash: Option<&str>) -> CodeText {
        CodeText {
            code: Code::parse("123456").unwrap(),
            origin: origin.map(|o| Origin::parse(o).unwrap()),
            app_hash: app_hash.map(|h| AppHash::parse(h).unwrap()),
        }
    }

    #[test]
    fn machines_find_their_line_last() {
        let acme = TenantName::parse("Acme").unwrap();
        let plain = "123456 is your Acme code. Don't share it.";
        let hash = "FA+9qCX9VSu";
        assert_eq!(*text(None, None).compose(&acme), plain);
        assert_eq!(
            *text(Some("example.com"), None).compose(&acme),
            format!("{plain}\n\n@example.com #123456")
        );
        assert_eq!(*text(None, Some(hash)).compose(&acme), format!("{plain}\n\n{hash}"));
        let both = text(Some("example.com"), Some(hash)).compose(&acme);
        assert_eq!(*both, format!("{plain}\n\n@example.com #123456 {hash}"));
    }

    #[test]
    fn packed_form_round_trips() {
        let acme = TenantName::parse("Acme").unwrap();
        for (origin, hash) in [(None, None), (Some("a.example"), Some("FA+9qCX9VSu"))] {
            let text = text(origin, hash);
            let back = CodeText::unpack(&text.pack()).unwrap();
            assert_eq!(back.compose(&acme), text.compose(&acme));
        }
        assert!(CodeText::unpack(b"\x02").is_none());
    }

    #[test]
    fn hosts_and_hashes_are_checked() {
        for bad in [
            "",
            "localhost",
            "https://a.example",
            "a.example:80",
            "A.example",
            "-a.example",
            "a..b",
            "a.b/c",
            "a b.c",
        ] {
            assert!(Origin::parse(bad).is_none(), "{bad}");
        }
        for bad in ["", "short", "FA+9qCX9VS\n", "FA+9qCX9VSuu"] {
            assert!(AppHash::parse(bad).is_none(), "{bad}");
        }
    }
}
