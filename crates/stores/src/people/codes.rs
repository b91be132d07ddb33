//! What waits for a code: half-way sign-ins and proofs.

use super::{
    SqlPeople,
    account::{COLUMNS, read_account},
    change::USE_PROOF,
};
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    access::key::HashedSecret,
    id::{SessionId, VerificationId},
    people::{
        account::Account,
        proof::Proof,
        session::{HalfSignIn, RECOVERY_TRIES},
    },
    ports::{error::StoreError, people::codes::PendingCodes},
    time::Timestamp,
};

/// Touches and locks the person, if it has the epoch.
pub(super) const STANDING_PERSON: Statement = Statement {
    table: "people",
    text: "UPDATE people SET epoch = epoch WHERE id = $1 AND epoch = $2",
    params: &[Text, Int],
};

pub(super) const INSERT_HALF: Statement = Statement {
    table: "half_sign_ins",
    text: "INSERT INTO half_sign_ins (secret_hash, person_id, epoch, device_id, verification, sends,
            wrong_recovery, made_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    params: &[Bytes, Text, Int, Text, Text, Int, Int, Int, Int],
};

pub(super) const SELECT_HALF: Statement = Statement {
    table: "half_sign_ins",
    text: "SELECT people.id, people.email, people.sealed, people.language, people.zone, people.epoch,
            people.version, people.created_at, people.password, people.password_at, people.phone,
            people.phone_mark, people.phone_at, people.session_idle, people.session_total, people.reset_2fa_at,
            half.device_id, half.verification, half.sends, half.wrong_recovery, half.made_at, half.expires_at
        FROM half_sign_ins AS half JOIN people ON people.id = half.person_id AND people.epoch = half.epoch
        WHERE half.secret_hash = $1 AND half.expires_at > $2",
    params: &[Bytes, Int],
};

/// $2: the number of codes sent so far.
pub(super) const NOTE_HALF_SENT: Statement = Statement {
    table: "half_sign_ins",
    text: "UPDATE half_sign_ins SET verification = $3, sends = sends + 1 WHERE secret_hash = $1 AND sends = $2",
    params: &[Bytes, Int, Text],
};

pub(super) const COUNT_RECOVERY_TRY: Statement = Statement {
    table: "half_sign_ins",
    text: "UPDATE half_sign_ins SET wrong_recovery = wrong_recovery + 1
        WHERE secret_hash = $1 AND expires_at > $2 AND wrong_recovery < $3",
    params: &[Bytes, Int, Int],
};

pub(super) const END_HALF: Statement = Statement {
    table: "half_sign_ins",
    text: "DELETE FROM half_sign_ins WHERE secret_hash = $1",
    params: &[Bytes],
};

/// Ends the half-way sign-in of a sign-in that is finished. It must be there, for this person and epoch.
pub(super) const FINISH_HALF: Statement = Statement {
    table: "half_sign_ins",
    text: "DELETE FROM half_sign_ins
        WHERE secret_hash = $1 AND person_id = $2 AND epoch = $3 AND expires_at > $4",
    params: &[Bytes, Text, Int, Int],
};

pub(super) const DELETE_HALVES: Statement = Statement {
    table: "half_sign_ins",
    text: "DELETE FROM half_sign_ins WHERE person_id = $1",
    params: &[Text],
};

pub(super) const DELETE_PROOFS: Statement =
    Statement { table: "proofs", text: "DELETE FROM proofs WHERE person_id = $1", params: &[Text] };

/// Touches and locks the person of a session, if both have the epoch.
pub(super) const STANDING_SESSION: Statement = Statement {
    table: "people",
    text: "UPDATE people SET epoch = epoch WHERE epoch = $2
            AND id = (SELECT person_id FROM sessions WHERE sessions.id = $1 AND sessions.epoch = $2)",
    params: &[Text, Int],
};

/// Touches no row if the session has ended.
pub(super) const BEGIN_PROOF: Statement = Statement {
    table: "proofs",
    text:
        "INSERT INTO proofs (session_id, person_id, epoch, act, object, digest, verification, sends, sealed,
            made_at, expires_at)
        SELECT sessions.id, sessions.person_id, $2, $3, $4, $5, $6, $7, $8, $9, $10
        FROM sessions WHERE sessions.id = $1 AND sessions.epoch = $2
        ON CONFLICT (session_id) DO UPDATE SET epoch = excluded.epoch, act = excluded.act,
            object = excluded.object, digest = excluded.digest, verification = excluded.verification,
            sends = excluded.sends, sealed = excluded.sealed, made_at = excluded.made_at,
            expires_at = excluded.expires_at",
    params: &[Text, Int, Text, Text, Bytes, Text, Int, Bytes, Int, Int],
};

pub(super) const SELECT_PROOF: Statement = Statement {
    table: "proofs",
    text: "SELECT session_id, epoch, act, object, digest, verification, sends, sealed, made_at, expires_at
        FROM proofs WHERE session_id = $1 AND act = $2 AND object = $3 AND expires_at > $4
            AND epoch = (SELECT people.epoch FROM people WHERE people.id = proofs.person_id)",
    params: &[Text, Text, Text, Int],
};

pub(super) const NOTE_PROOF_SENT: Statement = Statement {
    table: "proofs",
    text: "UPDATE proofs SET verification = $6, sends = sends + 1
        WHERE session_id = $1 AND act = $2 AND object = $3 AND digest = $4 AND sends = $5",
    params: &[Text, Text, Text, Bytes, Int, Text],
};

/// The person of a proof.
pub(super) const PERSON_OF_PROOF: Statement = Statement {
    table: "proofs",
    text: "SELECT person_id FROM proofs WHERE session_id = $1",
    params: &[Text],
};

fn verification_of(row: &Row, index: usize) -> Result<Option<VerificationId>, StoreError> {
    match row.optional_text(index)? {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| row.corrupt()),
    }
}

fn read_half(row: &Row, secret: HashedSecret) -> Result<(HalfSignIn, Account), StoreError> {
    let account = read_account(row)?;
    let small = |index: usize| row.int(COLUMNS + index)?.try_into().map_err(|_| row.corrupt());
    let half = HalfSignIn {
        secret,
        person: account.person.id,
        epoch: account.person.epoch,
        device: match row.optional_text(COLUMNS)? {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| row.corrupt())?),
        },
        verification: verification_of(row, COLUMNS + 1)?,
        sends: small(2)?,
        wrong_recovery: small(3)?,
        made_at: Timestamp::from_micros(row.int(COLUMNS + 4)?),
        expires_at: Timestamp::from_micros(row.int(COLUMNS + 5)?),
    };
    Ok((half, account))
}

fn read_proof(row: &Row) -> Result<Proof, StoreError> {
    Ok(Proof {
        session: row.parsed(0, |text| text.parse().ok())?,
        epoch: row.int(1)?,
        act: row.text(2)?.to_owned(),
        object: row.text(3)?.to_owned(),
        digest: row.bytes(4)?.try_into().map_err(|_| row.corrupt())?,
        verification: verification_of(row, 5)?,
        sends: row.int(6)?.try_into().map_err(|_| row.corrupt())?,
        sealed: row.optional_bytes(7)?.map(<[u8]>::to_vec),
        made_at: Timestamp::from_micros(row.int(8)?),
        expires_at: Timestamp::from_micros(row.int(9)?),
    })
}

/// Whether the batch was made, if what it was decided by had not moved.
fn made<T>(outcome: Result<T, StoreError>) -> Result<bool, StoreError> {
    match outcome {
        Ok(_) => Ok(true),
        Err(StoreError::Moved) => Ok(false),
        Err(error) => Err(error),
    }
}

fn text_of(verification: Option<VerificationId>) -> Value {
    verification.map(|verification| verification.to_string()).into()
}

#[async_trait]
impl PendingCodes for SqlPeople {
    async fn begin_half(&self, half: &HalfSignIn) -> Result<(), StoreError> {
        let person = || Value::from(half.person.to_string());
        let values = vec![
            half.secret.bytes().as_slice().into(),
            person(),
            half.epoch.into(),
            half.device.map(|device| device.to_string()).into(),
            text_of(half.verification),
            i64::from(half.sends).into(),
            i64::from(half.wrong_recovery).into(),
            half.made_at.micros().into(),
            half.expires_at.micros().into(),
        ];
        let batch = Batch::default()
            .run_unmoved(&STANDING_PERSON, vec![person(), half.epoch.into()])
            .run_touching(1, &INSERT_HALF, values);
        self.sql().batch(batch).await.map(drop)
    }

    async fn half(
        &self,
        secret: HashedSecret,
        now: Timestamp,
    ) -> Result<Option<(HalfSignIn, Account)>, StoreError> {
        let values = vec![secret.bytes().as_slice().into(), now.micros().into()];
        let rows = self.sql().query(&SELECT_HALF, values).await?;
        rows.first().map(|row| read_half(row, secret)).transpose()
    }

    async fn note_half_sent(
        &self,
        half: &HalfSignIn,
        verification: Option<VerificationId>,
    ) -> Result<(), StoreError> {
        let values =
            vec![half.secret.bytes().as_slice().into(), i64::from(half.sends).into(), text_of(verification)];
        self.sql().batch(Batch::default().run_unmoved(&NOTE_HALF_SENT, values)).await.map(drop)
    }

    async fn count_recovery_try(&self, secret: HashedSecret, now: Timestamp) -> Result<bool, StoreError> {
        let values =
            vec![secret.bytes().as_slice().into(), now.micros().into(), i64::from(RECOVERY_TRIES).into()];
        made(self.sql().batch(Batch::default().run_unmoved(&COUNT_RECOVERY_TRY, values)).await)
    }

    async fn end_half(&self, secret: HashedSecret) -> Result<(), StoreError> {
        self.sql().execute(&END_HALF, vec![secret.bytes().as_slice().into()]).await
    }

    async fn begin_proof(&self, proof: &Proof) -> Result<(), StoreError> {
        let session = || Value::from(proof.session.to_string());
        let values = vec![
            session(),
            proof.epoch.into(),
            proof.act.as_str().into(),
            proof.object.as_str().into(),
            proof.digest.as_slice().into(),
            text_of(proof.verification),
            i64::from(proof.sends).into(),
            proof.sealed.as_deref().into(),
            proof.made_at.micros().into(),
            proof.expires_at.micros().into(),
        ];
        let batch = Batch::default()
            .run_unmoved(&STANDING_SESSION, vec![session(), proof.epoch.into()])
            .run_unmoved(&BEGIN_PROOF, values);
        self.sql().batch(batch).await.map(drop)
    }

    async fn proof(
        &self,
        session: SessionId,
        act: &str,
        object: &str,
        now: Timestamp,
    ) -> Result<Option<Proof>, StoreError> {
        let values = vec![session.to_string().into(), act.into(), object.into(), now.micros().into()];
        self.sql().query(&SELECT_PROOF, values).await?.first().map(read_proof).transpose()
    }

    async fn note_proof_sent(
        &self,
        proof: &Proof,
        verification: Option<VerificationId>,
    ) -> Result<(), StoreError> {
        let values = vec![
            proof.session.to_string().into(),
            proof.act.as_str().into(),
            proof.object.as_str().into(),
            proof.digest.as_slice().into(),
            i64::from(proof.sends).into(),
            text_of(verification),
        ];
        self.sql().batch(Batch::default().run_unmoved(&NOTE_PROOF_SENT, values)).await.map(drop)
    }

    async fn take_proof(&self, proof: &Proof, now: Timestamp) -> Result<bool, StoreError> {
        let session = || Value::from(proof.session.to_string());
        let rows = self.sql().query(&PERSON_OF_PROOF, vec![session()]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let person = || Ok::<_, StoreError>(Value::from(row.text(0)?));
        let values = vec![
            session(),
            proof.act.as_str().into(),
            proof.object.as_str().into(),
            proof.digest.as_slice().into(),
            person()?,
            proof.epoch.into(),
            now.micros().into(),
        ];
        let batch = Batch::default()
            .run_unmoved(&STANDING_PERSON, vec![person()?, proof.epoch.into()])
            .run_unmoved(&USE_PROOF, values);
        made(self.sql().batch(batch).await)
    }
}
