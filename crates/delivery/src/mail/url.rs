//! The URL of an SMTP server.

use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use url::{Host, Url};

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte.
    Wrapped,
    /// STARTTLS, which the server must offer.
    Upgraded,
    /// None: the server is on this machine.
    Plain,
}

/// The place of an SMTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailUrl {
    pub(super) security: Security,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
}

/// Why a URL is refused. The error quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailUrlError {
    #[error("must be \"smtp://USER@HOST:587\" (STARTTLS) or \"smtps://USER@HOST:465\"")]
    Form,
    #[error("must hold no password: name its file in mail.password_file")]
    Password,
}

impl MailUrl {
    pub fn parse(text: &str) -> Result<Self, MailUrlError> {
        let url = Url::parse(text).map_err(|_| MailUrlError::Form)?;
        let (wrapped, usual_port) = match url.scheme() {
            "smtp" => (false, 587),
            "smtps" => (true, 465),
            _ => return Err(MailUrlError::Form),
        };
        if url.password().is_some() {
            return Err(MailUrlError::Password);
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| bare && !host.is_empty()).ok_or(MailUrlError::Form)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        // The scheme is not one that the parser knows, so it reads an address as a name.
        let here = match Host::parse(&host) {
            Ok(Host::Domain(name)) => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            Ok(Host::Ipv4(address)) => address.is_loopback(),
            Ok(Host::Ipv6(address)) => address.is_loopback(),
            Err(_) => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        };
        let security = match (wrapped, here) {
            (true, _) => Security::Wrapped,
            (false, true) => Security::Plain,
            (false, false) => Security::Upgraded,
        };
        let user = percent_decode_str(url.username()).decode_utf8().map_err(|_| MailUrlError::Form)?;
        let user = (!user.is_empty()).then(|| user.into_owned());
        Ok(Self { security, host, port: url.port().unwrap_or(usual_port), user })
    }

    /// Whether the server asks for a user, and so for a password.
    pub fn names_user(&self) -> bool {
        self.user.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        for (text, security, host, port, user) in [
            ("smtp://mail.example.com", Security::Upgraded, "mail.example.com", 587, None),
            (
                "smtp://a%40b.pl@mail.example.com:25/",
                Security::Upgraded,
                "mail.example.com",
                25,
                Some("a@b.pl"),
            ),
            ("smtps://anna@mail.example.com", Security::Wrapped, "mail.example.com", 465, Some("anna")),
            ("smtp://10.0.0.1:25", Security::Upgraded, "10.0.0.1", 25, None),
            ("smtp://127.0.0.1:1025", Security::Plain, "127.0.0.1", 1025, None),
            ("smtp://localhost", Security::Plain, "localhost", 587, None),
            ("smtp://[::1]:25", Security::Plain, "::1", 25, None),
            ("smtp://localhost.example.com", Security::Upgraded, "localhost.example.com", 587, None),
            ("smtps://127.0.0.1", Security::Wrapped, "127.0.0.1", 465, None),
        ] {
            let user = user.map(str::to_owned);
            let url = MailUrl { security, host: host.to_owned(), port, user };
            assert_eq!(MailUrl::parse(text), Ok(url), "{text}");
        }
        for text in
            ["", "mail.example.com", "http://a.b", "smtp://", "smtp://a.b/path", "smtp://a.b?tls=none"]
        {
            assert_eq!(MailUrl::parse(text), Err(MailUrlError::Form), "{text}");
        }
        assert_eq!(MailUrl::parse("smtp://a:hunter2@b.pl"), Err(MailUrlError::Password));
    }
}
