//! Where a person goes on after sign-in.

use percent_encoding::percent_decode_str;

const LONGEST: usize = 512;

/// Returns the path if it leads to a page of the portal on this host. Anything else could send a person who has
/// just signed in to a copy of the page on another host.
pub fn safe(path: &str) -> Option<&str> {
    let clean = |text: &str| {
        let (place, _) = text.split_once(['?', '#']).unwrap_or((text, ""));
        (place == "/portal" || place.starts_with("/portal/"))
            && !place.contains("//")
            && !place.split('/').any(|part| part == "." || part == "..")
            && !text.contains('\\')
            && !text.chars().any(char::is_control)
    };
    // A browser decodes some of it before it looks, so both forms must be clean.
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    (path.len() <= LONGEST && path.is_ascii() && clean(path) && clean(&decoded)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_portal_are_followed() {
        for path in
            ["/portal", "/portal/security", "/portal/members?after=x", "/portal?mode=test", "/portal/a%20b"]
        {
            assert_eq!(safe(path), Some(path));
        }
        for path in [
            "",
            "/",
            "/portalx",
            "/portal.evil.example",
            "portal",
            "//evil.example/portal",
            "/portal//evil.example",
            "/portal/../v1",
            "/portal/./..",
            "/portal/%2e%2e/v1",
            "/portal/%2F/evil.example",
            "/portal\\@evil.example",
            "/portal/%5Cevil.example",
            "/\\evil.example",
            "https://evil.example/portal",
            "javascript:alert(1)",
            "/portal/\r\nLocation: https://evil.example",
            "/portal/%0d%0aLocation:x",
            "/portal/\u{0}",
            "/portal/ż",
            "/portal/%ff",
            " /portal",
        ] {
            assert_eq!(safe(path), None, "{path:?}");
        }
        assert_eq!(safe(&format!("/portal/{}", "a".repeat(LONGEST))), None);
    }
}
