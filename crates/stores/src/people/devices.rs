//! Browsers, and the persons who signed in there.

use super::{SqlPeople, entries::Act};
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
    access::{change::Change, key::HashedSecret},
    audit::entry::Draft,
    id::{DeviceId, PersonId},
    people::session::{Device, OwnDevice},
    ports::{error::StoreError, people::devices::Devices},
    time::Timestamp,
};

pub(super) const SELECT_DEVICE: Statement = Statement {
    table: "devices",
    text: "SELECT id, secret_hash, agent, made_at, seen_at FROM devices WHERE secret_hash = $1 AND seen_at >= $2",
    params: &[Bytes, Int],
};

pub(super) const SELECT_OWN_DEVICE: Statement = Statement {
    table: "devices",
    text: "SELECT devices.id, secret_hash, agent, made_at, seen_at, first_at, last_at, trusted_at, mailed_at
        FROM device_people JOIN devices ON devices.id = device_people.device_id
        WHERE device_people.person_id = $1 AND device_people.device_id = $2",
    params: &[Text, Text],
};

pub(super) const LIST_DEVICES: Statement = Statement {
    table: "devices",
    text: "SELECT devices.id, secret_hash, agent, made_at, seen_at, first_at, last_at, trusted_at, mailed_at
        FROM device_people JOIN devices ON devices.id = device_people.device_id
        WHERE device_people.person_id = $1 ORDER BY last_at DESC, devices.id DESC LIMIT $2",
    params: &[Text, Int],
};

pub(super) const TRUST_DEVICE: Statement = Statement {
    table: "device_people",
    text: "UPDATE device_people SET trusted_at = $3 WHERE person_id = $1 AND device_id = $2",
    params: &[Text, Text, Int],
};

pub(super) const UNTRUST_DEVICES: Statement = Statement {
    table: "device_people",
    text: "UPDATE device_people SET trusted_at = NULL WHERE person_id = $1 AND trusted_at IS NOT NULL",
    params: &[Text],
};

/// Sessions of the person in the browser, with their proofs.
pub(super) const END_DEVICE_PROOFS: Statement = Statement {
    table: "proofs",
    text: "DELETE FROM proofs WHERE session_id IN
            (SELECT id FROM sessions WHERE person_id = $1 AND device_id = $2)",
    params: &[Text, Text],
};

pub(super) const END_DEVICE_SESSIONS: Statement = Statement {
    table: "sessions",
    text: "DELETE FROM sessions WHERE person_id = $1 AND device_id = $2",
    params: &[Text, Text],
};

pub(super) const FORGET_OWN_DEVICE: Statement = Statement {
    table: "device_people",
    text: "DELETE FROM device_people WHERE person_id = $1 AND device_id = $2",
    params: &[Text, Text],
};

/// Forgets all browsers of the person but that of the session $2.
pub(super) const FORGET_OTHER_DEVICES: Statement = Statement {
    table: "device_people",
    text: "DELETE FROM device_people WHERE person_id = $1
            AND device_id <> coalesce((SELECT device_id FROM sessions WHERE sessions.id = $2), '')",
    params: &[Text, Text],
};

pub(super) const FORGET_DEVICE_PEOPLE: Statement = Statement {
    table: "device_people",
    text: "DELETE FROM device_people WHERE device_id IN
            (SELECT id FROM devices WHERE seen_at < $1 ORDER BY seen_at, id LIMIT $2)",
    params: &[Int, Int],
};

pub(super) const FORGET_DEVICES: Statement = Statement {
    table: "devices",
    text: "DELETE FROM devices WHERE id IN
            (SELECT id FROM devices WHERE seen_at < $1 ORDER BY seen_at, id LIMIT $2)
        RETURNING id",
    params: &[Int, Int],
};

fn read_device(row: &Row) -> Result<Device, StoreError> {
    Ok(Device {
        id: row.parsed(0, |text| text.parse().ok())?,
        secret: HashedSecret::from_bytes(row.bytes(1)?.try_into().map_err(|_| row.corrupt())?),
        agent: row.text(2)?.to_owned(),
        made_at: Timestamp::from_micros(row.int(3)?),
        seen_at: Timestamp::from_micros(row.int(4)?),
    })
}

fn read_own(row: &Row, person: PersonId) -> Result<OwnDevice, StoreError> {
    let time = |index| Ok::<_, StoreError>(row.optional_int(index)?.map(Timestamp::from_micros));
    Ok(OwnDevice {
        device: read_device(row)?,
        person,
        first_at: Timestamp::from_micros(row.int(5)?),
        last_at: Timestamp::from_micros(row.int(6)?),
        trusted_at: time(7)?,
        mailed_at: time(8)?,
    })
}

impl SqlPeople {
    /// Makes a change of a browser of the person. `Ok(false)` if the person does not have it.
    async fn change_device(
        &self,
        (person, device): (PersonId, DeviceId),
        act: Act<'_>,
        statements: impl Fn(Batch) -> Batch,
    ) -> Result<bool, StoreError> {
        if self.own_device(person, device).await?.is_none() {
            return Ok(false);
        }
        let statements = &statements;
        self.audited(act, |batch| async move {
            if self.own_device(person, device).await?.is_none() {
                return Ok(false);
            }
            self.sql().batch(statements(batch)).await.map(|_| true)
        })
        .await
    }
}

#[async_trait]
impl Devices for SqlPeople {
    async fn device(&self, secret: HashedSecret, since: Timestamp) -> Result<Option<Device>, StoreError> {
        let values = vec![secret.bytes().as_slice().into(), since.micros().into()];
        self.sql().query(&SELECT_DEVICE, values).await?.first().map(read_device).transpose()
    }

    async fn own_device(&self, person: PersonId, device: DeviceId) -> Result<Option<OwnDevice>, StoreError> {
        let values = vec![person.to_string().into(), device.to_string().into()];
        let rows = self.sql().query(&SELECT_OWN_DEVICE, values).await?;
        rows.first().map(|row| read_own(row, person)).transpose()
    }

    async fn list_devices(&self, person: PersonId, limit: u16) -> Result<Vec<OwnDevice>, StoreError> {
        let values = vec![person.to_string().into(), i64::from(limit).into()];
        let rows = self.sql().query(&LIST_DEVICES, values).await?;
        rows.iter().map(|row| read_own(row, person)).collect()
    }

    async fn trust_device(
        &self,
        person: PersonId,
        device: DeviceId,
        trusted: bool,
        by: &Change,
    ) -> Result<bool, StoreError> {
        let action = if trusted { "portal.trust_device" } else { "portal.untrust_device" };
        let draft = &Draft::act(action, person);
        let act = Act { person, tenant: None, draft, by, counted: trusted, ends: !trusted };
        let at = trusted.then(|| by.at.micros());
        let values: Vec<Value> = vec![person.to_string().into(), device.to_string().into(), at.into()];
        self.change_device((person, device), act, |batch| batch.run_unmoved(&TRUST_DEVICE, values.clone()))
            .await
    }

    async fn forget_device(
        &self,
        person: PersonId,
        device: DeviceId,
        by: &Change,
    ) -> Result<bool, StoreError> {
        let draft = &Draft::act("portal.forget_device", person);
        let act = Act { person, tenant: None, draft, by, counted: false, ends: true };
        let values: Vec<Value> = vec![person.to_string().into(), device.to_string().into()];
        self.change_device((person, device), act, |batch| {
            batch
                .run(&END_DEVICE_PROOFS, values.clone())
                .run(&END_DEVICE_SESSIONS, values.clone())
                .run_unmoved(&FORGET_OWN_DEVICE, values.clone())
        })
        .await
    }

    async fn forget_devices(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError> {
        let values = || vec![before.micros().into(), i64::from(limit).into()];
        let batch =
            lock_number(Batch::default()).run(&FORGET_DEVICE_PEOPLE, values()).run(&FORGET_DEVICES, values());
        Ok(self.sql().batch(batch).await?.last().map_or(0, Vec::len) as u64)
    }
}
