//! The memory of the virtual phone: one SQLite file in the data folder. Each message is sealed, and found by
//! the fingerprint of its phone number.

use crate::sqlite::{Database, Options, sqlite_error};
use async_trait::async_trait;
use countersign_core::{
    id::{MessageId, TenantId},
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    phone::{PhoneNumber, magic},
    ports::{
        error::StoreError,
        inbox::{Inbox, InboxMessage},
    },
    time::Timestamp,
};
use rusqlite::params;
use std::{path::Path, sync::Arc};
use tokio::sync::watch;

/// The number of messages that are kept.
const KEPT: i64 = 10_000;

/// The inbox belongs to no tenant. Its fingerprints use a tenant id that no client has.
const NOBODY: TenantId = TenantId::from_bytes([0; 16]);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS inbox (
    seq INTEGER PRIMARY KEY,
    message BLOB NOT NULL UNIQUE,
    number BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS inbox_number ON inbox (number, seq);";

/// The inbox of `dev`.
pub struct SqliteInbox {
    database: Database,
    keyring: Arc<KeyRing>,
    arrivals: watch::Sender<u64>,
}

impl SqliteInbox {
    /// Opens the file, and creates it if it does not exist.
    pub async fn open(path: &Path, keyring: Arc<KeyRing>) -> Result<Self, StoreError> {
        let database = Database::open(path, Options { full_sync: false })?;
        database.write(|c| c.execute_batch(SCHEMA).map_err(sqlite_error)).await?;
        Ok(Self { database, keyring, arrivals: watch::Sender::new(0) })
    }

    pub fn file(&self) -> &Database {
        &self.database
    }

    /// Returns whether any message is sealed with this version of the seal key.
    pub async fn is_sealed_with(&self, version: u8) -> Result<bool, StoreError> {
        let select = move |connection: &rusqlite::Connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM inbox WHERE substr(sealed, 1, 1) = ?1)";
            connection.query_row(sql, [[version].as_slice()], |row| row.get(0)).map_err(sqlite_error)
        };
        self.database.read(select).await
    }

    fn fingerprint(&self, to: &str) -> Option<Fingerprint> {
        let number = PhoneNumber::parse(to).or_else(|_| magic::parse_number(to)).ok()?;
        Some(self.keyring.fingerprint(NOBODY, &number))
    }

    fn open_message(
        &self,
        id: [u8; 16],
        number: [u8; 16],
        sealed: &[u8],
    ) -> Result<InboxMessage, StoreError> {
        let number = Fingerprint(number);
        let place = Place { kind: Sealed::Inbox, tenant: NOBODY, id, number };
        let corrupt = || StoreError::Corrupt { table: "inbox", id: MessageId::from_bytes(id).to_string() };
        let plain = self.keyring.open(&place, sealed).map_err(|_| corrupt())?;
        let (verification, to, from, text, code, at): (String, String, String, String, String, i64) =
            serde_json::from_slice(&plain).map_err(|_| corrupt())?;
        Ok(InboxMessage {
            id: MessageId::from_bytes(id),
            verification: verification.parse().map_err(|_| corrupt())?,
            to,
            from,
            text,
            code,
            at: Timestamp::from_micros(at),
        })
    }
}

#[async_trait]
impl Inbox for SqliteInbox {
    async fn put(&self, message: &InboxMessage) -> Result<(), StoreError> {
        let InboxMessage { id, verification, to, from, text, code, at } = message;
        let number = self.fingerprint(to).ok_or_else(|| StoreError::unavailable("not a number"))?;
        let plain = (verification.to_string(), to, from, text, code, at.micros());
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&plain).map_err(StoreError::unavailable)?);
        let id = *id.bytes();
        let place = Place { kind: Sealed::Inbox, tenant: NOBODY, id, number };
        #[expect(
            clippy::disallowed_methods,
            reason = "only `dev` keeps an inbox, and a nonce is never replayed"
        )]
        let sealed = self.keyring.seal(&place, &plain, &mut rand::rng());
        let put = move |connection: &rusqlite::Connection| {
            let insert = "INSERT INTO inbox (message, number, sealed) VALUES (?1, ?2, ?3)
                ON CONFLICT (message) DO NOTHING";
            connection.execute(insert, params![id, number.0, sealed]).map_err(sqlite_error)?;
            let trim = "DELETE FROM inbox WHERE seq <= (SELECT max(seq) FROM inbox) - ?1";
            connection.execute(trim, [KEPT]).map(drop).map_err(sqlite_error)
        };
        self.database.write(put).await?;
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
        Ok(())
    }

    async fn list(&self, to: Option<&str>, limit: u16) -> Result<Vec<InboxMessage>, StoreError> {
        let number = match to.map(|to| self.fingerprint(to)) {
            Some(None) => return Ok(Vec::new()),
            Some(Some(number)) => Some(number.0),
            None => None,
        };
        let select = move |connection: &rusqlite::Connection| {
            let sql = "SELECT message, number, sealed FROM inbox
                WHERE ?1 IS NULL OR number = ?1 ORDER BY seq DESC LIMIT ?2";
            let mut select = connection.prepare_cached(sql).map_err(sqlite_error)?;
            let rows =
                select.query_map(params![number, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.and_then(Iterator::collect::<rusqlite::Result<Vec<([u8; 16], [u8; 16], Vec<u8>)>>>)
                .map_err(sqlite_error)
        };
        let rows = self.database.read(select).await?;
        rows.into_iter().map(|(id, number, sealed)| self.open_message(id, number, &sealed)).collect()
    }

    async fn arrived(&self) {
        let mut arrivals = self.arrivals.subscribe();
        // This fails only when the inbox is gone, and then nobody waits for it.
        let _ = arrivals.changed().await;
    }
}
