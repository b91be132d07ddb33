//! The section `[mail]`: the SMTP server that mails to persons go through.

use super::{Reader, Secret, ServerSettings, certificates::read_path};
use countersign_delivery::{MailSender, MailSettings, MailUrl};
use std::path::{Path, PathBuf};

/// The SMTP server, and the files that may change while the program runs.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub settings: MailSettings,
    /// The password of the user in the URL.
    pub password: Option<Secret>,
    /// The authority of the server's certificate, if the system does not know it.
    pub ca: Option<PathBuf>,
}

/// Reads the section. `Some(None)` without a URL.
pub(super) fn read_mail(
    reader: &mut Reader,
    base: &Path,
    server: Option<&ServerSettings>,
) -> Option<Option<MailServer>> {
    let url = reader.text("mail.url", "", |text| match text {
        "" => Ok(None),
        text => MailUrl::parse(text).map(Some).map_err(|error| error.to_string()),
    });
    let from = reader.text("mail.from", "", |text| match text {
        "" => Ok(None),
        text => {
            let problem = || "must be like \"Name <address@example.com>\"".to_owned();
            MailSender::parse(text).map(Some).ok_or_else(problem)
        }
    });
    let password_file = read_path(reader, base, "mail.password_file");
    let ca = read_path(reader, base, "mail.ca_file");
    let timeout = reader.duration("mail.timeout", "20s", 1..=60);
    let parallel = reader.number("mail.parallel", 4, 1..=64);
    let (url, from, password_file, ca) = (url?, from?, password_file?, ca?);
    let Some(url) = url else {
        for (key, is_set) in [
            ("mail.from", from.is_some()),
            ("mail.password_file", password_file.is_some()),
            ("mail.ca_file", ca.is_some()),
        ] {
            if is_set {
                reader.problem(key, "is of use with mail.url only");
            }
        }
        return Some(None);
    };
    if server.is_some_and(|server| server.portal_origin().is_none()) {
        reader.problem(
            "mail.url",
            "needs server.portal_url or server.public_url, where links in mails lead to",
        );
    }
    let password = match (url.names_user(), password_file) {
        (true, Some(file)) => match Secret::read_password(&file) {
            Ok(password) => Some(password),
            Err(error) => {
                reader.problem("mail.password_file", &error.to_string());
                return None;
            }
        },
        (true, None) => {
            reader.problem("mail.password_file", "must be set: mail.url names a user");
            return None;
        }
        (false, Some(_)) => {
            reader.problem("mail.password_file", "is of use with a user in mail.url only");
            return None;
        }
        (false, None) => None,
    };
    let Some(from) = from else {
        reader.problem("mail.from", "must be set when mail.url is");
        return None;
    };
    let settings = MailSettings { url, from, timeout: timeout?, parallel: parallel? };
    Some(Some(MailServer { settings, password, ca }))
}

/// Reads the support contact: addresses, phone numbers or URLs, separated by commas.
pub(super) fn parse_support(text: &str) -> Result<Option<String>, String> {
    let fits = text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if !fits {
        return Err("must be one line of at most 200 characters".to_owned());
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
