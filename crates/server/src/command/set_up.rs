//! The offer of `serve` while no person has ever existed: a link that makes the operator's first person.

use crate::machine::rng;
use countersign_core::{
    people::{
        invitation::LinkSecret,
        link::{Link, LinkKind},
        notice::LinkPath,
    },
    ports::error::StoreError,
    sign_in::Entrance,
    time::Timestamp,
};
use zeroize::Zeroizing;

/// What a server offers at its start.
pub(super) enum Offer {
    /// Persons exist, or existed.
    Nothing,
    /// The command that makes a link. A log is kept and read by others, so it never has a link.
    Command,
    /// The link, which is good once and for a day. It is for a terminal only.
    Link(Zeroizing<String>),
}

/// Makes the link if the answer goes to a terminal. A former link is void then.
pub(super) async fn offer(entrance: &Entrance, terminal: bool, now: Timestamp) -> Result<Offer, StoreError> {
    if entrance.people.ever_had_people().await? {
        return Ok(Offer::Nothing);
    }
    if !terminal {
        return Ok(Offer::Command);
    }
    let secret = LinkSecret::generate(&mut rng());
    let link = Link {
        secret: secret.hash(),
        kind: LinkKind::SetUp,
        person: None,
        epoch: 0,
        sealed: None,
        made_at: now,
        expires_at: now + LinkKind::SetUp.life(),
    };
    entrance.people.add_link(&link, &[]).await?;
    Ok(Offer::Link(Zeroizing::new(format!("{}{}", entrance.origin, LinkPath::setup(&secret).expose()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Application, Parts, Settings, machine::SystemClock};
    use countersign_core::ports::clock::Clock as _;
    use std::path::Path;

    async fn application(folder: &Path, dev: bool) -> Application {
        // This fails only if a provider is installed already, which is fine.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Application::build(Parts { dev, ..Parts::new(Settings::embedded(folder).unwrap()) }).await.unwrap()
    }

    fn secret(offered: &Offer, origin: &str) -> LinkSecret {
        let Offer::Link(link) = offered else { panic!("no link") };
        LinkSecret::parse(link.strip_prefix(&format!("{origin}/portal/setup/")).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_terminal_gets_one_good_link_and_a_log_none() {
        let folder = tempfile::tempdir().unwrap();
        let application = application(folder.path(), false).await;
        let (entrance, now) = (&application.entrance, SystemClock.now());
        assert!(matches!(offer(entrance, false, now).await.unwrap(), Offer::Command));
        let first = secret(&offer(entrance, true, now).await.unwrap(), &application.base_url());
        let found = entrance.people.link(first.hash(), now).await.unwrap().unwrap();
        assert_eq!((found.kind, found.person), (LinkKind::SetUp, None));
        assert!(entrance.people.link(first.hash(), now + LinkKind::SetUp.life()).await.unwrap().is_none());
        let second = secret(&offer(entrance, true, now).await.unwrap(), &application.base_url());
        assert!(entrance.people.link(first.hash(), now).await.unwrap().is_none(), "the former one is void");
        // A start whose output goes into a log leaves the terminal's link as it is.
        assert!(matches!(offer(entrance, false, now).await.unwrap(), Offer::Command));
        assert!(entrance.people.link(second.hash(), now).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn nothing_is_offered_once_a_person_existed() {
        let folder = tempfile::tempdir().unwrap();
        let application = application(folder.path(), true).await;
        let offered = offer(&application.entrance, true, SystemClock.now()).await.unwrap();
        assert!(matches!(offered, Offer::Nothing));
    }
}
