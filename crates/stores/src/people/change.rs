//! Changes of accounts.

use super::{
    SqlPeople,
    codes::{DELETE_HALVES, DELETE_PROOFS, STANDING_PERSON},
    devices::{FORGET_OTHER_DEVICES, UNTRUST_DEVICES},
    entries::Act,
    links::{END_LINKS, use_link},
    notices::insert_notice,
    sessions::KEEP_SESSION,
};
use crate::{
    directory::{add_joining, lock_number, take_number},
    sql::{
        Batch,
        Kind::{Bytes, Int, Text},
        Statement, Value,
    },
};
use countersign_core::{
    access::{change::Change, key::HashedSecret},
    audit::{entry::Draft, state::of_member},
    people::{
        account::{Account, AccountChange, OwnPhone},
        password::REMEMBERED,
        recovery::RecoveryMark,
        session::Factors,
    },
    ports::{
        directory::members::Joining,
        error::StoreError,
        people::accounts::{Accounts as _, Along, Consumed},
    },
    time::Timestamp,
};

/// The first statement of each change: the person must be as it was read.
pub(super) const RAISE: Statement = Statement {
    table: "people",
    text: "UPDATE people SET epoch = $4, version = version + 1 WHERE id = $1 AND epoch = $2 AND version = $3",
    params: &[Text, Int, Int, Int],
};

/// $2: the time of the change. A clock that was set back does not change the order.
pub(super) const REMEMBER_PASSWORD: Statement = Statement {
    table: "former_passwords",
    text: "INSERT INTO former_passwords (person_id, made_at, password)
        SELECT id, CASE WHEN latest < $2 THEN $2 ELSE latest + 1 END, password FROM
            (SELECT id, password,
                (SELECT coalesce(max(made_at), 0) FROM former_passwords WHERE person_id = $1) AS latest
            FROM people WHERE id = $1 AND password IS NOT NULL) AS present",
    params: &[Text, Int],
};

/// Keeps the $2 newest.
pub(super) const FORGET_PASSWORDS: Statement = Statement {
    table: "former_passwords",
    text: "DELETE FROM former_passwords WHERE person_id = $1 AND made_at NOT IN
            (SELECT made_at FROM former_passwords WHERE person_id = $1 ORDER BY made_at DESC LIMIT $2)",
    params: &[Text, Int],
};

pub(super) const SET_PASSWORD: Statement = Statement {
    table: "people",
    text: "UPDATE people SET password = $2, password_at = $3 WHERE id = $1",
    params: &[Text, Text, Int],
};

pub(super) const REHASH: Statement = Statement {
    table: "people",
    text: "UPDATE people SET password = $2 WHERE id = $1 AND password IS NOT NULL",
    params: &[Text, Text],
};

/// The phone and the end of a reset that was begun.
pub(super) const SET_PHONE: Statement = Statement {
    table: "people",
    text: "UPDATE people SET phone = $2, phone_mark = $3, phone_at = $4, reset_2fa_at = NULL WHERE id = $1",
    params: &[Text, Bytes, Bytes, Int],
};

pub(super) const SET_RESET: Statement = Statement {
    table: "people",
    text: "UPDATE people SET reset_2fa_at = $2 WHERE id = $1",
    params: &[Text, Int],
};

pub(super) const SET_EMAIL: Statement = Statement {
    table: "people",
    text: "UPDATE people SET email = $2, sealed = $3 WHERE id = $1",
    params: &[Text, Bytes, Bytes],
};

pub(super) const SET_PROFILE: Statement = Statement {
    table: "people",
    text: "UPDATE people SET sealed = $2, language = $3, zone = $4 WHERE id = $1",
    params: &[Text, Bytes, Text, Text],
};

pub(super) const SET_LENGTHS: Statement = Statement {
    table: "people",
    text: "UPDATE people SET session_idle = $2, session_total = $3 WHERE id = $1",
    params: &[Text, Int, Int],
};

pub(super) const DELETE_RECOVERY_CODES: Statement = Statement {
    table: "recovery_codes",
    text: "DELETE FROM recovery_codes WHERE person_id = $1",
    params: &[Text],
};

pub(super) const INSERT_RECOVERY_CODE: Statement = Statement {
    table: "recovery_codes",
    text: "INSERT INTO recovery_codes (person_id, mark) VALUES ($1, $2)",
    params: &[Text, Bytes],
};

pub(super) const USE_RECOVERY_CODE: Statement = Statement {
    table: "recovery_codes",
    text: "DELETE FROM recovery_codes WHERE person_id = $1 AND mark = $2",
    params: &[Text, Bytes],
};

pub(super) const USE_PROOF: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE session_id = $1 AND act = $2 AND object = $3 AND digest = $4
            AND person_id = $5 AND epoch = $6 AND expires_at > $7",
    params: &[Text, Text, Text, Bytes, Text, Int, Int],
};

/// Returns one row while no person has ever existed.
pub(super) const NOBODY_YET: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1 AND NOT EXISTS (SELECT 1 FROM first_person)",
    params: &[],
};

pub(super) const USE_SET_UP_LINK: Statement = Statement {
    table: "links",
    text: "UPDATE links SET used_at = $2 WHERE secret_hash = $1 AND kind = 'set_up' AND used_at IS NULL
            AND expires_at > $2",
    params: &[Bytes, Int],
};

fn set_phone(batch: Batch, id: Value, phone: Option<&OwnPhone>) -> Batch {
    let values = vec![
        id,
        phone.map(|phone| phone.sealed.as_slice()).into(),
        phone.map(|phone| phone.mark.0.as_slice()).into(),
        phone.map(|phone| phone.confirmed_at.micros()).into(),
    ];
    batch.run_unmoved(&SET_PHONE, values)
}

fn set_recovery_codes(batch: Batch, id: &Value, codes: &[RecoveryMark]) -> Batch {
    let batch = batch.run(&DELETE_RECOVERY_CODES, vec![id.clone()]);
    codes.iter().fold(batch, |batch, mark| {
        batch.run(&INSERT_RECOVERY_CODE, vec![id.clone(), mark.0.as_slice().into()])
    })
}

/// Adds the statements of one kind of change.
fn changed(
    batch: Batch,
    account: &Account,
    change: &AccountChange,
    along: &Along<'_>,
    at: Timestamp,
) -> Batch {
    let id = || Value::from(account.person.id.to_string());
    match change {
        AccountChange::Password(password) => batch
            .run(&REMEMBER_PASSWORD, vec![id(), at.micros().into()])
            // The present one is remembered too.
            .run(&FORGET_PASSWORDS, vec![id(), (REMEMBERED as i64 - 1).into()])
            .run_unmoved(&SET_PASSWORD, vec![id(), password.as_str().into(), at.micros().into()])
            .run(&UNTRUST_DEVICES, vec![id()]),
        AccountChange::Rehash(password) => batch.run_unmoved(&REHASH, vec![id(), password.as_str().into()]),
        AccountChange::TwoFactorOn(phone, codes) => {
            set_recovery_codes(set_phone(batch, id(), Some(phone)), &id(), codes)
        }
        AccountChange::Phone(phone) => set_phone(batch, id(), Some(phone)),
        AccountChange::TwoFactorOff => set_recovery_codes(set_phone(batch, id(), None), &id(), &[]),
        AccountChange::RecoveryCodes(codes) => set_recovery_codes(batch, &id(), codes),
        // A constraint refuses an address that another person has.
        AccountChange::Email(mark, sealed) => {
            batch.run_unmoved(&SET_EMAIL, vec![id(), mark.0.as_slice().into(), sealed.as_slice().into()])
        }
        AccountChange::SignOutEverywhere { forget_devices } => {
            let batch = batch.run_unmoved(&SET_RESET, vec![id(), Value::Null]);
            let kept = along.kept.map_or_else(String::new, |(session, _)| session.to_string());
            if *forget_devices { batch.run(&FORGET_OTHER_DEVICES, vec![id(), kept.into()]) } else { batch }
        }
        AccountChange::Profile(person) => batch.run_unmoved(
            &SET_PROFILE,
            vec![
                id(),
                person.sealed.as_slice().into(),
                person.language.as_str().into(),
                person.zone.as_str().into(),
            ],
        ),
        AccountChange::SessionLengths(idle, total) => {
            let idle = idle.map(|idle| i64::from(idle.seconds()));
            let total = total.map(|total| i64::from(total.seconds()));
            batch.run_unmoved(&SET_LENGTHS, vec![id(), idle.into(), total.into()])
        }
        AccountChange::ResetTwoFactorAt(reset) => {
            batch.run_unmoved(&SET_RESET, vec![id(), reset.map(|reset| reset.micros()).into()])
        }
    }
}

fn consume(batch: Batch, account: &Account, consumed: &Consumed<'_>, at: Timestamp) -> Batch {
    let id = || Value::from(account.person.id.to_string());
    match consumed {
        Consumed::Proof(session, act, object, digest) => batch.run_unmoved(
            &USE_PROOF,
            vec![
                session.to_string().into(),
                (*act).into(),
                (*object).into(),
                digest.as_slice().into(),
                id(),
                account.person.epoch.into(),
                at.micros().into(),
            ],
        ),
        Consumed::Link(secret) => use_link(batch, *secret, &account.person, at),
        Consumed::RecoveryCode(mark) => {
            batch.run_unmoved(&USE_RECOVERY_CODE, vec![id(), mark.0.as_slice().into()])
        }
    }
}

/// All statements of a change after its entries.
fn whole(batch: Batch, account: &Account, change: &AccountChange, along: &Along<'_>, at: Timestamp) -> Batch {
    let person = &account.person;
    let (id, former) = (|| Value::from(person.id.to_string()), person.epoch);
    let epoch = former + i64::from(change.raises());
    let mut batch = if change.raises_version() {
        batch.run_unmoved(&RAISE, vec![id(), former.into(), person.version.into(), epoch.into()])
    } else {
        // A thief of a session who repeats a change that asks for no proof would otherwise void each password change
        // and each link of the person.
        batch.run_unmoved(&STANDING_PERSON, vec![id(), former.into()])
    };
    for consumed in along.consumes {
        batch = consume(batch, account, consumed, at);
    }
    if change.raises() {
        batch = batch
            .run(&DELETE_HALVES, vec![id()])
            .run(&DELETE_PROOFS, vec![id()])
            .run(&END_LINKS, vec![id(), at.micros().into()]);
    }
    if let Some((session, secret)) = along.kept {
        // Its person has just shown the first code, or needs none any more.
        let factors = match change {
            AccountChange::TwoFactorOn(..) => Some(Factors::Code),
            AccountChange::TwoFactorOff => Some(Factors::Password),
            _ => None,
        };
        let values = vec![
            session.to_string().into(),
            id(),
            former.into(),
            epoch.into(),
            secret.bytes().as_slice().into(),
            factors.map(Factors::as_str).into(),
        ];
        batch = batch.run_unmoved(&KEEP_SESSION, values);
    }
    batch = changed(batch, account, change, along, at);
    along.notices.iter().fold(batch, insert_notice)
}

impl SqlPeople {
    pub(super) async fn change(
        &self,
        account: &Account,
        change: &AccountChange,
        along: Along<'_>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let person = account.person.id;
        let Some(action) = change.action() else {
            let batch = whole(lock_number(Batch::default()), account, change, &along, by.at);
            return self.sql().batch(batch).await.map(drop);
        };
        let draft = &Draft::act(action, person);
        // What raises the epoch ends what a thief may have begun.
        let act = Act { person, tenant: None, draft, by, counted: !change.raises(), ends: change.raises() };
        let along = &along;
        self.audited(act, |batch| async move {
            let stored = self.account(person).await?.ok_or(StoreError::Moved)?.person;
            let moved = change.raises_version() && stored.version != account.person.version;
            if moved || stored.epoch != account.person.epoch {
                return Err(StoreError::Moved);
            }
            self.sql().batch(whole(batch, account, change, along, by.at)).await.map(drop)
        })
        .await
    }

    pub(super) async fn first_person(
        &self,
        link: HashedSecret,
        joining: Joining<'_>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let draft = &Draft::created("member.create", joining.member.id, of_member(joining.member));
        self.directory
            .audited_in_each(&[joining.member.tenant], false, |mut chains| async move {
                let values = vec![link.bytes().as_slice().into(), by.at.micros().into()];
                let batch = take_number(Batch::default())
                    .run_unmoved(&NOBODY_YET, Vec::new())
                    .run_unmoved(&USE_SET_UP_LINK, values);
                let batch = add_joining(chains.append(batch, draft, by), &joining, by);
                self.sql().batch(batch).await.map(drop)
            })
            .await
    }
}
