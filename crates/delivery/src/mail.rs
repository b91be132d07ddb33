//! Mail: hands the notices of persons to the operator's SMTP server.

mod url;

pub use url::{MailUrl, MailUrlError};

use countersign_core::{id::NoticeId, people::person::EmailAddress, time::Timestamp};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self, PoolConfig,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use std::{
    sync::{PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio::time::timeout;
use url::Security;
use zeroize::Zeroizing;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// The address in `From`, with a name if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSender(Mailbox);

impl MailSender {
    /// Reads `Name <address>`, or an address alone.
    pub fn parse(text: &str) -> Option<Self> {
        let mailbox: Mailbox = text.parse().ok()?;
        EmailAddress::parse(mailbox.email.as_ref()).map(|_| Self(mailbox))
    }
}

/// How mails are handed over.
#[derive(Clone, Debug)]
pub struct MailSettings {
    pub url: MailUrl,
    pub from: MailSender,
    /// The longest time for one mail, from connecting to the server's answer.
    pub timeout: Duration,
    /// The maximum number of connections.
    pub parallel: u32,
}

/// What may change while the server runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailAccess {
    pub password: Option<Zeroizing<String>>,
    /// The authority of the server's certificate (PEM), if the system does not know it.
    pub authority: Option<Vec<u8>>,
}

/// One mail.
pub struct OutgoingMail<'a> {
    /// It is a part of `Message-ID`, the same at each try.
    pub id: NoticeId,
    pub to: &'a EmailAddress,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    /// The time in `Date`.
    pub at: Timestamp,
}

/// Why a mail was not taken. The reasons contain no address: those go to the log.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server refuses this mail for good.
    #[error("the server refused the mail: {0}")]
    Refused(u16),
    /// Another try may succeed.
    #[error("{0}")]
    Later(String),
}

/// The settings or the authority cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("mail cannot be sent with these settings: {0}")]
pub struct MailSetupError(String);

/// Hands mails to the server.
pub struct Mailer {
    settings: MailSettings,
    current: RwLock<(MailAccess, Transport)>,
}

impl Mailer {
    /// Makes no connection yet.
    pub fn new(settings: MailSettings, access: MailAccess) -> Result<Self, MailSetupError> {
        let transport = open(&settings, &access)?;
        Ok(Self { settings, current: RwLock::new((access, transport)) })
    }

    /// Uses another password or authority from now on. Returns whether it is another one.
    pub fn change(&self, access: MailAccess) -> Result<bool, MailSetupError> {
        if self.current.read().unwrap_or_else(PoisonError::into_inner).0 == access {
            return Ok(false);
        }
        let transport = open(&self.settings, &access)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (access, transport);
        Ok(true)
    }

    fn transport(&self) -> Transport {
        self.current.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Connects, signs in and leaves.
    pub async fn check(&self) -> Result<(), MailError> {
        match timeout(self.settings.timeout, self.transport().test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(MailError::Later("the server does not answer as one for mail".to_owned())),
            Ok(Err(error)) => Err(meaning(&error)),
            Err(_) => Err(self.too_late()),
        }
    }

    pub async fn send(&self, mail: &OutgoingMail<'_>) -> Result<(), MailError> {
        let message = self.compose(mail).map_err(|error| MailError::Later(error.to_string()))?;
        match timeout(self.settings.timeout, self.transport().send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(meaning(&error)),
            Err(_) => Err(self.too_late()),
        }
    }

    fn too_late(&self) -> MailError {
        MailError::Later(format!("no answer in {} s", self.settings.timeout.as_secs()))
    }

    fn compose(&self, mail: &OutgoingMail<'_>) -> Result<Message, lettre::error::Error> {
        let from = &self.settings.from.0;
        let to: Address = mail.to.expose().parse().map_err(|_| lettre::error::Error::MissingTo)?;
        let micros = u64::try_from(mail.at.micros()).unwrap_or_default();
        // Answers of machines, such as notes of absence, stay away.
        let machine = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .raw_header(HeaderValue::new(machine, "auto-generated".to_owned()))
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(mail.subject))
            .multipart(MultiPart::alternative_plain_html(mail.text.to_owned(), mail.html.to_owned()))
    }
}

/// A line break in a header would begin another header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn open(settings: &MailSettings, access: &MailAccess) -> Result<Transport, MailSetupError> {
    let MailUrl { security, host, port, user } = &settings.url;
    let tls = || tls(host, access.authority.as_deref());
    let mut builder = Transport::builder_dangerous(host)
        .port(*port)
        .hello_name(ClientId::Domain(settings.from.0.email.domain().to_owned()))
        .timeout(Some(settings.timeout))
        .pool_config(PoolConfig::new().max_size(settings.parallel))
        .tls(match security {
            Security::Wrapped => Tls::Wrapper(tls()?),
            Security::Upgraded => Tls::Required(tls()?),
            // Only to this machine. With an authority the server there is expected to have a certificate.
            Security::Plain if access.authority.is_some() => Tls::Required(tls()?),
            Security::Plain => Tls::None,
        });
    if let Some(user) = user {
        let password = access.password.as_ref().map_or_else(String::new, |password| password.to_string());
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

fn tls(host: &str, authority: Option<&[u8]>) -> Result<TlsParameters, MailSetupError> {
    let setup = |error: &dyn std::error::Error| MailSetupError(error.to_string());
    let mut builder = TlsParameters::builder(host.to_owned());
    for certificate in CertificateDer::pem_slice_iter(authority.unwrap_or_default()) {
        let certificate = certificate.map_err(|error| setup(&error))?;
        let certificate = Certificate::from_der(certificate.to_vec()).map_err(|error| setup(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| setup(&error))
}

/// What an error means. The server's words may quote the recipient, so only its number is kept.
fn meaning(error: &smtp::Error) -> MailError {
    if let Some(code) = error.status().map(u16::from) {
        // These numbers say that the server does not accept us: a right password mends that.
        let ours = matches!(code, 530 | 534 | 535 | 538);
        return match error.is_permanent() && !ours {
            true => MailError::Refused(code),
            false if ours => MailError::Later(format!("the server refused the user or the password: {code}")),
            false => MailError::Later(format!("the server put the mail off: {code}")),
        };
    }
    let reason = if error.is_timeout() {
        "the server did not answer in time"
    } else if error.is_tls() {
        "the TLS connection to the server failed"
    } else if error.is_client() {
        "the server does not offer what the settings demand"
    } else if error.is_response() {
        "the server's answer cannot be read"
    } else {
        "the server cannot be reached"
    };
    MailError::Later(reason.to_owned())
}

#[cfg(test)]
mod tests;
