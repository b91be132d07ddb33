//! What sends a live message that no route takes, and what sends mails.

use crate::{configuration::Settings, wiring::read_authority};
use anyhow::Context as _;
use countersign_core::ports::{
    clock::Clock,
    inbox::{ConsoleSwitch, Inbox},
};
use countersign_delivery::{Console, MailAccess, Mailer, Provider, Relay, Way};
use std::sync::Arc;
use zeroize::Zeroizing;

/// `dev` never sends anything, whatever is configured.
pub(super) fn open_relay(
    settings: &Settings,
    dev: bool,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<Relay>>> {
    let Some(relay) = settings.delivery.relay.as_ref().filter(|_| !dev) else { return Ok(None) };
    let relay = Relay::new(relay.settings(), Arc::clone(clock)).context("The relay cannot be used")?;
    let authorities = read_authority("delivery.ca_file", settings.delivery.ca.as_deref())?;
    relay.outbound().change(Way { authorities, proxy: None }).context("delivery.ca_file")?;
    Ok(Some(Arc::new(relay)))
}

/// The virtual phone of `dev`, else the relay.
pub(super) fn choose_provider(
    relay: Option<Arc<Relay>>,
    inbox: Option<&Arc<dyn Inbox>>,
    switch: &Arc<ConsoleSwitch>,
    clock: &Arc<dyn Clock>,
) -> Option<Arc<dyn Provider>> {
    if let Some(inbox) = inbox {
        return Some(Arc::new(Console::new(Arc::clone(inbox), Arc::clone(switch), Arc::clone(clock))));
    }
    relay.map(|relay| relay as Arc<dyn Provider>)
}

/// The way to the SMTP server, if one is configured.
pub(crate) fn open_mailer(settings: &Settings) -> anyhow::Result<Option<Arc<Mailer>>> {
    let Some(server) = &settings.mail else { return Ok(None) };
    let access = MailAccess {
        password: server.password.as_ref().map(|secret| Zeroizing::new(secret.expose().to_owned())),
        authority: read_authority("mail.ca_file", server.ca.as_deref())?,
    };
    let mailer = Mailer::new(server.settings.clone(), access).context("mail.url")?;
    Ok(Some(Arc::new(mailer)))
}
