//! Links in mails.

use super::{
    SqlPeople,
    codes::STANDING_PERSON,
    notices::{insert_none, insert_notice},
};
use crate::{
    directory::lock_number,
    sql::{
        Batch,
        Kind::{Bytes, Int, Text},
        Row, Statement, Value,
    },
};
use async_trait::async_trait;
use countersign_core::{
    access::key::HashedSecret,
    id::PersonId,
    people::{
        link::{Link, LinkKind},
        notice::SealedNotice,
        person::Person,
    },
    ports::{error::StoreError, people::links::Links},
    time::Timestamp,
};
use std::time::Duration;

/// The time of the bound on links of one kind.
pub(super) const COUNTED_IN: Duration = Duration::from_secs(3_600);

/// Locks the row of a person, whatever its epoch.
pub(super) const LOCK_PERSON: Statement =
    Statement { table: "people", text: "UPDATE people SET epoch = epoch WHERE id = $1", params: &[Text] };

/// Returns one row while the person got fewer links of the kind since this time.
pub(super) const COUNT_LINKS: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM links WHERE person_id = $1 AND kind = $2 AND made_at > $3) < $4",
    params: &[Text, Text, Int, Int],
};

pub(super) const INSERT_LINK: Statement = Statement {
    table: "links",
    text: "INSERT INTO links (secret_hash, kind, person_id, epoch, sealed, made_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
    params: &[Bytes, Text, Text, Int, Bytes, Int, Int],
};

pub(super) const DELETE_SET_UP_LINKS: Statement =
    Statement { table: "links", text: "DELETE FROM links WHERE kind = 'set_up'", params: &[] };

pub(super) const SELECT_LINK: Statement = Statement {
    table: "links",
    text: "SELECT kind, secret_hash, person_id, epoch, sealed, made_at, expires_at FROM links
        WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2
            AND (kind NOT IN ('reset', 'confirm_address', 'enrol_two_factor')
                OR epoch = (SELECT people.epoch FROM people WHERE people.id = links.person_id))",
    params: &[Bytes, Int],
};

pub(super) const SELECT_NEWEST_LINK: Statement = Statement {
    table: "links",
    text: "SELECT kind, secret_hash, person_id, epoch, sealed, made_at, expires_at FROM links
        WHERE person_id = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3
            AND (kind NOT IN ('reset', 'confirm_address', 'enrol_two_factor')
                OR epoch = (SELECT people.epoch FROM people WHERE people.id = links.person_id))
        ORDER BY made_at DESC, secret_hash LIMIT 1",
    params: &[Text, Text, Int],
};

/// Uses a link of a person up. $4: the epoch of the person.
pub(super) const USE_LINK: Statement = Statement {
    table: "links",
    text: "UPDATE links SET used_at = $2, sealed = NULL
        WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2 AND person_id = $3
            AND (kind NOT IN ('reset', 'confirm_address', 'enrol_two_factor') OR epoch = $4)",
    params: &[Bytes, Int, Text, Int],
};

/// Ends the links that end with the epoch. They go on counting in the bound.
pub(super) const END_LINKS: Statement = Statement {
    table: "links",
    text: "UPDATE links SET used_at = $2, sealed = NULL WHERE person_id = $1 AND used_at IS NULL
            AND kind IN ('reset', 'confirm_address', 'enrol_two_factor')",
    params: &[Text, Int],
};

/// A person who puts a former address back voids the links that undo a later change: a thief may have changed the
/// address twice, so that such a link came to the thief.
pub(super) const END_LATER_UNDO_LINKS: Statement = Statement {
    table: "links",
    text: "UPDATE links SET used_at = $2, sealed = NULL WHERE person_id = $1 AND used_at IS NULL
            AND kind = 'undo_address'
            AND made_at >= (SELECT made_at FROM links WHERE secret_hash = $3 AND kind = 'undo_address')",
    params: &[Text, Int, Bytes],
};

pub(super) fn use_link(batch: Batch, secret: HashedSecret, person: &Person, at: Timestamp) -> Batch {
    let values = vec![
        secret.bytes().as_slice().into(),
        at.micros().into(),
        person.id.to_string().into(),
        person.epoch.into(),
    ];
    let undone = vec![person.id.to_string().into(), at.micros().into(), secret.bytes().as_slice().into()];
    batch.run_unmoved(&USE_LINK, values).run(&END_LATER_UNDO_LINKS, undone)
}

/// Adds a link with its notices. A link of nobody takes the same statements, but they find no person and insert no
/// notice: so the time of a forgotten password tells nobody which addresses are known.
fn adding(link: &Link, notices: &[SealedNotice]) -> Batch {
    let insert = if link.person.is_some() { insert_notice } else { insert_none };
    notices.iter().fold(add_link(Batch::default(), link), insert)
}

/// Adds a link. The batch fails with `Full` if the person got too many of its kind.
pub(super) fn add_link(batch: Batch, link: &Link) -> Batch {
    let person = || Value::from(link.person.map_or_else(String::new, |person| person.to_string()));
    let (lock, values) = if link.kind.ends_with_epoch() {
        (&STANDING_PERSON, vec![person(), link.epoch.into()])
    } else {
        (&LOCK_PERSON, vec![person()])
    };
    let batch = match link.person {
        Some(_) => batch.run_unmoved(lock, values),
        None => batch.run(lock, values),
    };
    let most = link.kind.most_an_hour();
    let since = (link.made_at - COUNTED_IN).micros();
    let values = vec![person(), link.kind.as_str().into(), since.into(), i64::from(most).into()];
    let mut batch = batch.run_within(("links of one kind an hour", most), &COUNT_LINKS, values);
    if link.kind == LinkKind::SetUp {
        batch = lock_number(batch).run(&DELETE_SET_UP_LINKS, Vec::new());
    }
    let values = vec![
        link.secret.bytes().as_slice().into(),
        link.kind.as_str().into(),
        link.person.map(|person| person.to_string()).into(),
        link.epoch.into(),
        link.sealed.as_deref().into(),
        link.made_at.micros().into(),
        link.expires_at.micros().into(),
    ];
    batch.run_touching(1, &INSERT_LINK, values)
}

#[async_trait]
impl Links for SqlPeople {
    async fn add_link(&self, link: &Link, notices: &[SealedNotice]) -> Result<(), StoreError> {
        self.sql().batch(adding(link, notices)).await.map(drop)
    }

    async fn link(&self, secret: HashedSecret, now: Timestamp) -> Result<Option<Link>, StoreError> {
        let values = vec![secret.bytes().as_slice().into(), now.micros().into()];
        let rows = self.sql().query(&SELECT_LINK, values).await?;
        rows.first().map(read_link).transpose()
    }

    async fn newest_link(
        &self,
        person: PersonId,
        kind: LinkKind,
        now: Timestamp,
    ) -> Result<Option<Link>, StoreError> {
        let values = vec![person.to_string().into(), kind.as_str().into(), now.micros().into()];
        let rows = self.sql().query(&SELECT_NEWEST_LINK, values).await?;
        rows.first().map(read_link).transpose()
    }
}

fn read_link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        secret: HashedSecret::from_bytes(row.bytes(1)?.try_into().map_err(|_| row.corrupt())?),
        kind: row.parsed(0, LinkKind::parse)?,
        person: match row.optional_text(2)? {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| row.corrupt())?),
        },
        epoch: row.int(3)?,
        sealed: row.optional_bytes(4)?.map(<[u8]>::to_vec),
        made_at: Timestamp::from_micros(row.int(5)?),
        expires_at: Timestamp::from_micros(row.int(6)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::{
        id::{NoticeId, PersonId},
        people::notice::Channel,
    };

    #[test]
    fn a_link_of_nobody_takes_the_statements_of_any_other() {
        let statements = |person: Option<PersonId>| {
            let link = Link {
                secret: HashedSecret::from_bytes([1; 32]),
                kind: LinkKind::Reset,
                person,
                epoch: 1,
                sealed: None,
                made_at: Timestamp::from_millis(1_790_000_000_000),
                expires_at: Timestamp::from_millis(1_790_000_001_000),
            };
            let notice = SealedNotice {
                id: NoticeId::from_bytes([2; 16]),
                person,
                kind: "reset_password",
                channel: Channel::Mail,
                sealed: vec![3; 200],
                made_at: link.made_at,
            };
            adding(&link, &[notice]).texts()
        };
        let known = statements(Some(PersonId::from_bytes([4; 16])));
        assert_eq!(known.len(), 5);
        assert_eq!(known, statements(None));
    }

    #[test]
    fn the_statements_name_the_kinds_that_end_with_the_epoch() {
        let kinds = LinkKind::ALL.into_iter().filter(|kind| kind.ends_with_epoch());
        let named = kinds.map(|kind| format!("'{}'", kind.as_str())).collect::<Vec<_>>().join(", ");
        for statement in [&SELECT_LINK, &SELECT_NEWEST_LINK, &USE_LINK, &END_LINKS] {
            assert!(statement.text.contains(&format!("IN ({named})")), "{}", statement.text);
        }
    }
}
