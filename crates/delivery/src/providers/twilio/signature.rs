//! Checks `X-Twilio-Signature`: the base64 of HMAC-SHA1 over the URL and, for a form, its sorted parameters
//! (twilio.com/docs/usage/security).

use crate::{receipt::ReceiptRequest, secret::Secret};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::collections::BTreeSet;

/// Returns whether the token signed the request. The URL is tried as it is, and with the default port added
/// or removed: Twilio signs the URL that it was given, and a proxy may write it differently.
pub(super) fn is_valid(token: &Secret, request: &ReceiptRequest<'_>, form: &[(String, String)]) -> bool {
    let given = request.header("x-twilio-signature").and_then(|text| STANDARD.decode(text).ok());
    let Some(given) = given.filter(|_| request.method == "POST") else { return false };
    // Twilio signs a repeated pair only once.
    let pairs: BTreeSet<_> = form.iter().collect();
    let urls = [Some(request.url.to_owned()), other_port(request.url)];
    urls.into_iter().flatten().any(|url| {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha1>::new_from_slice(token.expose().as_bytes()).expect("any length");
        mac.update(url.as_bytes());
        for (name, value) in &pairs {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        mac.verify_slice(&given).is_ok()
    })
}

/// The URL without its port, or with the default port if it has none.
fn other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        _ => format!("{authority}:{}", if scheme == "https" { 443 } else { 80 }),
    };
    Some(format!("{scheme}://{authority}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::testing::{pairs, receipt};

    /// The example from Twilio's documentation.
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    const FORM: [(&str, &str); 5] = [
        ("Digits", "1234"),
        ("To", "+18005551212"),
        ("From", "+14158675309"),
        ("Caller", "+14158675309"),
        ("CallSid", "CA1234567890ABCDE"),
    ];

    fn valid(token: &str, method: &str, url: &str, signature: &str, form: &[(&str, &str)]) -> bool {
        let headers = pairs(&[("X-Twilio-Signature", signature)]);
        let request = ReceiptRequest { url, headers: &headers, ..receipt(method, &[]) };
        is_valid(&Secret::new(token), &request, &pairs(form))
    }

    #[test]
    fn the_published_example_is_valid() {
        assert!(valid("12345", "POST", URL, SIGNATURE, &FORM));
        let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
        assert!(valid("12345", "POST", with_port, SIGNATURE, &FORM));
        let twice: Vec<_> = FORM.into_iter().chain([FORM[0]]).collect();
        assert!(valid("12345", "POST", URL, SIGNATURE, &twice));
    }

    #[test]
    fn anything_else_is_not() {
        assert!(!valid("12346", "POST", URL, SIGNATURE, &FORM));
        assert!(!valid("12345", "GET", URL, SIGNATURE, &FORM));
        assert!(!valid("12345", "POST", "https://mycompany.com/myapp.php?foo=1", SIGNATURE, &FORM));
        assert!(!valid("12345", "POST", "http://mycompany.com/myapp.php?foo=1&bar=2", SIGNATURE, &FORM));
        assert!(!valid("12345", "POST", URL, SIGNATURE, &FORM[1..]));
        let changed: Vec<_> = FORM.into_iter().map(|(name, value)| (name, value.trim_matches('1'))).collect();
        assert!(!valid("12345", "POST", URL, SIGNATURE, &changed));
        for signature in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "not base64", "RSOYDt4T1cUTdK1P"] {
            assert!(!valid("12345", "POST", URL, signature, &FORM), "{signature}");
        }
        let unsigned = receipt("POST", &[]);
        assert!(!is_valid(&Secret::new("12345"), &unsigned, &[]));
    }

    #[test]
    fn the_other_port_is_found_in_the_authority_alone() {
        for (url, other) in [
            ("https://a.example/x?y=b:1", "https://a.example:443/x?y=b:1"),
            ("http://a.example", "http://a.example:80"),
            ("https://a.example:8443?x", "https://a.example?x"),
            ("https://[2001:db8::a]/x", "https://[2001:db8::a]:443/x"),
            ("https://[::1]:443/x", "https://[::1]/x"),
        ] {
            assert_eq!(other_port(url).as_deref(), Some(other));
        }
    }
}
