//! The end of a sign-in: a session.

use super::{
    SqlPeople, activity::insert_sign_in, change::USE_RECOVERY_CODE, codes::FINISH_HALF, entries::Act,
    links::add_link, notices::insert_notice, waits::reset,
};
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Statement, Value,
};
use countersign_core::{
    access::change::Change,
    audit::entry::Draft,
    people::session::{Device, MOST_SESSIONS, Session},
    ports::{error::StoreError, people::sessions::Finished},
};

/// The session that the browser had before. Another person may have signed in there.
pub(super) const END_FORMER: Statement =
    Statement { table: "sessions", text: "DELETE FROM sessions WHERE secret_hash = $1", params: &[Bytes] };

pub(super) const END_FORMER_PROOF: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE session_id IN (SELECT id FROM sessions WHERE secret_hash = $1)",
    params: &[Bytes],
};

/// Touches no row if the browser has another secret.
pub(super) const SEE_DEVICE: Statement = Statement {
    table: "devices",
    text: "INSERT INTO devices (id, secret_hash, agent, made_at, seen_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET agent = excluded.agent,
            seen_at = CASE WHEN devices.seen_at < $5 THEN $5 ELSE devices.seen_at END
        WHERE devices.secret_hash = excluded.secret_hash",
    params: &[Text, Bytes, Text, Int, Int],
};

/// $4: the time of a mail on this attempt; null without one.
pub(super) const OWN_DEVICE: Statement = Statement {
    table: "device_people",
    text: "INSERT INTO device_people (person_id, device_id, first_at, last_at, mailed_at)
            VALUES ($1, $2, $3, $3, $4)
        ON CONFLICT (person_id, device_id) DO UPDATE SET
            last_at = CASE WHEN device_people.last_at < $3 THEN $3 ELSE device_people.last_at END,
            mailed_at = COALESCE(excluded.mailed_at, device_people.mailed_at)",
    params: &[Text, Text, Int, Int],
};

/// The person must have the epoch, and a password. A person who has left the tenant meanwhile is in none.
pub(super) const INSERT_SESSION: Statement = Statement {
    table: "sessions",
    text: "INSERT INTO sessions (id, secret_hash, person_id, epoch, device_id, tenant_id, factors, invited,
            signed_in_at, seen_at, address, flash)
        SELECT $1, $2, people.id, people.epoch, $5, (SELECT tenant_id FROM members
                WHERE members.tenant_id = $6 AND members.person_id = people.id AND members.disabled = 0),
            $7, $8, $9, $10, $11, $12
        FROM people WHERE people.id = $3 AND people.epoch = $4 AND people.password IS NOT NULL",
    params: &[Text, Bytes, Text, Int, Text, Text, Text, Int, Int, Int, Text, Bytes],
};

/// Ends all sessions of the person but the new one, $2, and the $3 that were seen last. Those of former epochs go
/// first.
pub(super) const END_OLDEST: Statement = Statement {
    table: "sessions",
    text: "DELETE FROM sessions WHERE person_id = $1 AND id <> $2 AND id NOT IN
            (SELECT id FROM sessions WHERE person_id = $1 AND id <> $2
                ORDER BY epoch DESC, seen_at DESC, id DESC LIMIT $3)",
    params: &[Text, Text, Int],
};

/// Proofs of sessions that have ended.
pub(super) const DROP_PROOFS: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE person_id = $1
            AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = proofs.session_id)",
    params: &[Text],
};

fn session_values(session: &Session) -> Vec<Value> {
    vec![
        session.id.to_string().into(),
        session.secret.bytes().as_slice().into(),
        session.person.to_string().into(),
        session.epoch.into(),
        session.device.to_string().into(),
        session.tenant.map(|tenant| tenant.to_string()).into(),
        session.factors.as_str().into(),
        session.invited.into(),
        session.signed_in_at.micros().into(),
        session.seen_at.micros().into(),
        session.address.to_string().into(),
        session.flash.as_deref().into(),
    ]
}

fn device_values(device: &Device) -> Vec<Value> {
    vec![
        device.id.to_string().into(),
        device.secret.bytes().as_slice().into(),
        device.agent.as_str().into(),
        device.made_at.micros().into(),
        device.seen_at.micros().into(),
    ]
}

/// All statements after the entries.
fn whole(mut batch: Batch, finished: &Finished<'_>, by: &Change) -> Batch {
    let Finished { session, device, half, recovery, former, sign_in, notices, mail, mailed, tries } =
        finished;
    let person = || Value::from(session.person.to_string());
    // The link comes first, because it locks the person. What waits for a code locks the person before a proof: a batch
    // that took the proof first could wait for it.
    if let Some((link, notice)) = mail {
        batch = insert_notice(add_link(batch, link), notice);
    }
    if let Some(half) = half {
        let values =
            vec![half.bytes().as_slice().into(), person(), session.epoch.into(), by.at.micros().into()];
        batch = batch.run_unmoved(&FINISH_HALF, values);
    }
    if let Some(mark) = recovery {
        batch = batch.run_unmoved(&USE_RECOVERY_CODE, vec![person(), mark.0.as_slice().into()]);
    }
    if let Some(former) = former {
        let secret = || vec![former.bytes().as_slice().into()];
        batch = batch.run(&END_FORMER_PROOF, secret()).run(&END_FORMER, secret());
    }
    let mailed_at = mailed.then_some(by.at.micros());
    let own = vec![person(), device.id.to_string().into(), by.at.micros().into(), mailed_at.into()];
    let most = i64::from(MOST_SESSIONS) - 1;
    batch = batch
        .run_unmoved(&SEE_DEVICE, device_values(device))
        .run(&OWN_DEVICE, own)
        .run_unmoved(&INSERT_SESSION, session_values(session))
        .run(&END_OLDEST, vec![person(), session.id.to_string().into(), most.into()])
        .run(&DROP_PROOFS, vec![person()]);
    notices.iter().fold(reset(insert_sign_in(batch, sign_in), tries), insert_notice)
}

impl SqlPeople {
    pub(super) async fn finish(&self, finished: Finished<'_>, by: &Change) -> Result<(), StoreError> {
        let (person, finished) = (finished.session.person, &finished);
        let draft = &Draft::act("portal.sign_in", person);
        let act = Act { person, tenant: None, draft, by, counted: false, ends: false };
        let round = |batch| async move { self.sql().batch(whole(batch, finished, by)).await.map(drop) };
        self.audited(act, round).await
    }
}
