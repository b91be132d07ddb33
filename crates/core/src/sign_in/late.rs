//! What a person typed and what a page will say, kept sealed for a short time: forms that came after their session
//! had ended, and the message that the next page shows.

use crate::{
    id::{PersonId, SessionId},
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    pack::{Reader, Writer},
    people::{invitation::LinkSecret, session::Session},
    ports::{error::StoreError, people::sessions::LateForm},
    sign_in::{Entrance, visit::Visit},
    tenant::OPERATOR,
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a form is kept.
pub const KEPT: Duration = Duration::from_secs(15 * 60);
/// The largest form that is kept, in bytes of names and values.
const LARGEST: usize = 64 * 1_024;

/// A form that came late, without its secret fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The path of the page.
    pub path: String,
    pub fields: Vec<(String, String)>,
}

impl Late {
    fn pack(&self) -> Vec<u8> {
        let texts = self.fields.iter().flat_map(|(name, value)| [name, value]);
        let packed = Writer::default().blob(self.path.as_bytes());
        texts.fold(packed, |packed, text| packed.blob(text.as_bytes())).finish()
    }

    fn unpack(packed: &[u8]) -> Option<Self> {
        let mut reader = Reader(packed);
        let (path, mut fields) = (reader.text()?, Vec::new());
        while !reader.is_done() {
            fields.push((reader.text()?, reader.text()?));
        }
        Some(Self { path, fields })
    }
}

fn place_of_form(person: PersonId) -> Place {
    Place { kind: Sealed::Form, tenant: OPERATOR, id: *person.bytes(), number: Fingerprint::default() }
}

fn place_of_flash(session: SessionId) -> Place {
    Place { kind: Sealed::Form, tenant: OPERATOR, id: *session.bytes(), number: Fingerprint([1; 16]) }
}

/// Keeps a form of a session that has ended by its length. The form must be the session's own: the caller has
/// compared its token. Nothing is kept of a session that is gone or was signed out.
pub async fn keep_late(
    entrance: &Entrance,
    secret: &LinkSecret,
    late: &Late,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), StoreError> {
    let packed = Zeroizing::new(late.pack());
    let found = entrance.people.session(secret.hash()).await?;
    let Some((session, account)) = found.filter(|_| packed.len() <= LARGEST) else { return Ok(()) };
    if session.epoch != account.person.epoch {
        return Ok(());
    }
    let form = LateForm {
        person: session.person,
        tenant: session.tenant,
        sealed: entrance.context.keyring.seal(&place_of_form(session.person), &packed, rng),
        expires_at: now + KEPT,
    };
    entrance.people.keep_form(&form).await
}

/// Takes the form that was kept for this person in this tenant.
pub async fn take_late(
    entrance: &Entrance,
    visit: &Visit,
    now: Timestamp,
) -> Result<Option<Late>, StoreError> {
    let Session { person, tenant, .. } = visit.session;
    let kept = entrance.people.take_form(person, tenant, now).await?;
    let opened = |kept: LateForm| {
        let packed = entrance.context.keyring.open(&place_of_form(person), &kept.sealed).ok()?;
        Late::unpack(&packed)
    };
    Ok(kept.and_then(opened))
}

/// Sets the message that the next page of the session shows.
pub async fn set_flash(
    entrance: &Entrance,
    session: SessionId,
    message: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<(), StoreError> {
    let sealed = entrance.context.keyring.seal(&place_of_flash(session), message, rng);
    entrance.people.set_flash(session, Some(&sealed)).await
}

/// The message of a session. Returns `None` if there is none, or if the key ring cannot open it.
pub fn open_flash(session: &Session, keyring: &KeyRing) -> Option<Zeroizing<Vec<u8>>> {
    keyring.open(&place_of_flash(session.id), session.flash.as_ref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_it_was_kept() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = vec![pair("name", "Zażółć"), pair("name", ""), pair("", "x")];
        for fields in [Vec::new(), fields] {
            let late = Late { path: "/portal/profile".to_owned(), fields };
            assert_eq!(Late::unpack(&late.pack()), Some(late));
        }
        assert_eq!(Late::unpack(&[255]), None);
    }
}
