//! The settings of an SMSC account.

use super::{fields::Fields, ids::IdFormat, tls};
use crate::settings::{Fault, REDACTED};
use serde_json::Value;
use std::{fmt, time::Duration};
use zeroize::Zeroizing;

/// The alphabet that the SMSC uses for `data_coding` 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultAlphabet {
    /// GSM 03.38, one septet an octet.
    #[default]
    Gsm,
    /// ISO 8859-1. The SMSC converts it to GSM 03.38.
    Latin1,
}

/// How a long text is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LongMessages {
    /// One `submit_sm` for each part, numbered by the TLVs `sar_*`.
    #[default]
    Sar,
    /// One `submit_sm` for each part, with a user data header in the message.
    Udh,
    /// One `submit_sm` with the whole text in the TLV `message_payload`; the SMSC splits it.
    Payload,
}

/// The form in which `validity_period` tells the SMSC until when it may deliver a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validity {
    /// A duration. It is right even if the two clocks differ.
    #[default]
    Relative,
    /// A time in UTC, for an SMSC that does not understand durations.
    Absolute,
    /// No validity period: the SMSC decides how long it keeps trying.
    Omitted,
}

/// Type of number and numbering plan. A value of `None` is derived from the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Type of number (SMPP 3.4, 5.2.5).
    pub ton: Option<u8>,
    /// Numbering plan indicator (SMPP 3.4, 5.2.6).
    pub npi: Option<u8>,
}

/// An account at an SMSC, and the peculiarities of that SMSC.
#[derive(Clone)]
pub struct SmppSettings {
    /// The name or address of the SMSC.
    pub host: String,
    /// The port; by default 3550 with TLS and 2775 without.
    pub port: u16,
    /// Whether to use TLS and require a certificate for `host`. On by default: without TLS, password and
    /// codes cross the network in clear text, which is acceptable only on a private line or in a tunnel.
    pub tls: bool,
    /// Certificate authorities to trust instead of the system's, as PEM.
    pub ca: Option<String>,
    pub system_id: String,
    /// The password. The standard allows 8 characters; many SMSCs allow more.
    pub password: Zeroizing<String>,
    /// The `system_type` that some SMSCs require in a bind, at most 12 characters.
    pub system_type: String,
    /// The `service_type` that some SMSCs require in each message, at most 5 characters.
    pub service_type: String,
    /// The plan of the sender. By default 5 and 0 for letters, 1 and 1 for a phone number, 3 and 0 for a
    /// number of at most 6 digits.
    pub source: Plan,
    /// The plan of the phone number; by default 1 and 1.
    pub destination: Plan,
    /// The maximum number of messages without a response at one time, 1 to 100. Default 10.
    pub window: usize,
    /// After this long a silence, the client sends an `enquire_link`. Default 30 s.
    pub enquire_link: Duration,
    /// The longest time for a response. Default 5 s.
    pub response_timeout: Duration,
    /// The maximum number of messages a second; `None` for no limit.
    pub throughput: Option<u32>,
    /// The alphabet for `data_coding` 0.
    pub default_alphabet: DefaultAlphabet,
    pub long_messages: LongMessages,
    pub validity: Validity,
    /// How ids are written in responses and in receipts.
    pub id_format: IdFormat,
}

impl fmt::Debug for SmppSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, tls, window, .. } = self;
        f.debug_struct("SmppSettings")
            .field("host", host)
            .field("port", port)
            .field("tls", tls)
            .field("window", window)
            .finish_non_exhaustive()
    }
}

impl SmppSettings {
    /// Reads `{"host": "smsc.example.net", "system_id": "...", "password": "...", ...}`. Returns all errors
    /// at once. The fields have the names of this struct, but for `source_ton`, `source_npi`,
    /// `destination_ton`, `destination_npi`, `enquire_link_seconds` and `response_timeout_seconds`. No error
    /// repeats a value.
    pub fn parse(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::new(value)?;
        let tls = fields.flag("tls", true);
        let alphabets = [("gsm", DefaultAlphabet::Gsm), ("latin1", DefaultAlphabet::Latin1)];
        let long =
            [("sar", LongMessages::Sar), ("udh", LongMessages::Udh), ("payload", LongMessages::Payload)];
        let validities = [
            ("relative", Validity::Relative),
            ("absolute", Validity::Absolute),
            ("omitted", Validity::Omitted),
        ];
        let settings = Self {
            host: fields.text("host", 1..=253),
            port: fields.number("port", 1..=65_535).unwrap_or(if tls { 3_550 } else { 2_775 }),
            tls,
            ca: fields.present("ca").then(|| fields.text("ca", 1..=100_000)),
            system_id: fields.text("system_id", 1..=15),
            password: Zeroizing::new(fields.text("password", 1..=64)),
            system_type: fields.text("system_type", 0..=12),
            service_type: fields.text("service_type", 0..=5),
            source: plan(&mut fields, "source_ton", "source_npi"),
            destination: plan(&mut fields, "destination_ton", "destination_npi"),
            window: fields.number("window", 1..=100).unwrap_or(10),
            enquire_link: seconds(fields.number("enquire_link_seconds", 5..=3_600).unwrap_or(30)),
            response_timeout: seconds(fields.number("response_timeout_seconds", 1..=30).unwrap_or(5)),
            throughput: fields.number("throughput", 1..=1_000),
            default_alphabet: fields.choice("default_alphabet", &alphabets),
            long_messages: fields.choice("long_messages", &long),
            validity: fields.choice("validity", &validities),
            id_format: fields.choice("id_format", &IdFormat::NAMES),
        };
        settings.check_server(&mut fields);
        if *settings.password == REDACTED {
            fields.fault("password", format!("must be the password itself, not {REDACTED}"));
        }
        fields.finish()?;
        Ok(settings)
    }

    fn check_server(&self, fields: &mut Fields<'_>) {
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b".-_:".contains(&octet);
        if !self.host.bytes().all(plain) {
            fields.fault("host", "must be a host name or an address");
        } else if self.tls && !self.host.is_empty() && tls::server_name(&self.host).is_none() {
            fields.fault("host", "must be a name that a certificate can be made for, or an address");
        }
        match &self.ca {
            Some(_) if !self.tls => fields.fault("ca", "is of no use without tls"),
            Some(pem) if tls::roots(Some(pem)).is_err() => {
                fields.fault("ca", "must hold at least one certificate as PEM");
            }
            _ => {}
        }
    }
}

fn plan(fields: &mut Fields<'_>, ton: &'static str, npi: &'static str) -> Plan {
    Plan { ton: fields.number(ton, 0..=6), npi: fields.number(npi, 0..=18) }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn minimal() -> Value {
        json!({ "host": "smsc.example.net", "system_id": "acme", "password": "s3cr3t-w0rd" })
    }

    fn faults(value: &Value) -> Vec<(String, String)> {
        let faults = SmppSettings::parse(value).unwrap_err();
        faults.into_iter().map(|fault| (fault.field, fault.message)).collect()
    }

    #[test]
    fn little_must_be_said() {
        let settings = SmppSettings::parse(&minimal()).unwrap();
        assert_eq!((settings.port, settings.tls, settings.window), (3_550, true, 10));
        assert_eq!(settings.enquire_link, Duration::from_secs(30));
        assert_eq!(settings.response_timeout, Duration::from_secs(5));
        assert_eq!((settings.throughput, settings.source), (None, Plan::default()));
        assert_eq!(settings.default_alphabet, DefaultAlphabet::Gsm);
        assert_eq!((settings.long_messages, settings.validity), (LongMessages::Sar, Validity::Relative));
        let shown = format!("{settings:?}");
        assert!(shown.contains("smsc.example.net"), "{shown}");
        assert!(!shown.contains("s3cr3t") && !shown.contains("acme"), "{shown}");
    }

    #[test]
    fn everything_can_be_said() {
        let mut value = minimal();
        let more = json!({
            "port": 9_000, "tls": false, "system_type": "VMA", "service_type": "OTP", "source_ton": 0,
            "source_npi": 9, "destination_ton": 2, "destination_npi": 8, "window": 100,
            "enquire_link_seconds": 60, "response_timeout_seconds": 10, "throughput": 50,
            "default_alphabet": "latin1", "long_messages": "payload", "validity": "absolute",
            "id_format": "hex_decimal",
        });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let settings = SmppSettings::parse(&value).unwrap();
        assert_eq!((settings.port, settings.tls, settings.window), (9_000, false, 100));
        assert_eq!(settings.source, Plan { ton: Some(0), npi: Some(9) });
        assert_eq!(settings.destination, Plan { ton: Some(2), npi: Some(8) });
        assert_eq!((settings.throughput, settings.id_format), (Some(50), IdFormat::HexDecimal));
        assert_eq!(settings.long_messages, LongMessages::Payload);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let value = json!({
            "host": "bad host/", "port": 0, "tls": "yes", "system_id": "sixteen-letters!", "window": 101,
            "throughput": 1.5, "id_format": "octal", "passwort": "hunter2", "ca": "nothing", "source_ton": -1,
            "system_type": "żółw",
        });
        let expected = [
            ("tls", "must be true or false"),
            ("port", "must be a whole number from 1 to 65535"),
            ("system_id", "must be 1 to 15 characters of ASCII"),
            ("password", "is missing"),
            ("system_type", "must be 0 to 12 characters of ASCII"),
            ("source_ton", "must be a whole number from 0 to 6"),
            ("window", "must be a whole number from 1 to 100"),
            ("throughput", "must be a whole number from 1 to 1000"),
            ("id_format", "must be one of: text, hex, decimal, hex_decimal, decimal_hex"),
            ("host", "must be a host name or an address"),
            ("ca", "must hold at least one certificate as PEM"),
            ("passwort", "is no field of this provider"),
        ];
        let expected: Vec<_> = expected.iter().map(|(f, m)| ((*f).to_owned(), (*m).to_owned())).collect();
        assert_eq!(faults(&value), expected);
        assert_eq!(faults(&json!([]))[0].1, "must be an object");
    }
}
