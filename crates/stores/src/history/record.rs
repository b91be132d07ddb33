//! Records events: a batch as a whole, or else without the events recorded already, or else one by one.

use super::{
    dead::bury,
    insert::{self, Arriving, Sums, packed},
    list::{read_delivery, read_status},
};
use crate::{
    sql::{
        Kind::{Int, Text},
        Sql, Statement, Value,
    },
    webhooks,
};
use countersign_core::{
    acts::webhook_events::{Known, of_verification},
    history::fold::Conversions,
    id::{RecordKey, VerificationId},
    keyring::{Fingerprint, KeyRing},
    ports::{codes::events::UnrecordedEvent, error::StoreError, history::Recorded},
    snapshot::Snapshot,
    verification::{
        contact::Contact,
        event::{Event, EventKind},
        status::Status,
    },
};
use futures_util::future::try_join_all;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The maximum number of verifications that the recorder remembers between batches: a minute at a few hundred
/// starts a second. After an outage more are waiting, and the recorder reads them from the database.
const REMEMBERED: usize = 50_000;
/// The number of verifications that one query reads.
const ASKED: usize = 8;
pub(super) const HOUR: i64 = 3_600 * 1_000_000;
pub(super) const DAY: i64 = 24 * HOUR;

/// Records events. It remembers a few facts about recent verifications, because their other events follow
/// within minutes.
pub(super) struct Recorder {
    sql: Sql,
    /// The snapshot with the webhooks that get messages, and the keys that open the phone numbers for the
    /// counts by prefix.
    means: Option<(Arc<Snapshot>, Arc<KeyRing>)>,
    facts: Mutex<HashMap<VerificationId, Known>>,
}

impl Recorder {
    pub fn new(sql: Sql, means: Option<(Arc<Snapshot>, Arc<KeyRing>)>) -> Self {
        Self { sql, means, facts: Mutex::default() }
    }

    /// The prefix of a phone number; empty if the contact cannot be opened.
    fn prefix(&self, key: RecordKey, number: Fingerprint, contact: &[u8]) -> String {
        let keyring = self.means.as_ref().map(|(_, keyring)| keyring);
        let contact = keyring.and_then(|keyring| Contact::open_sealed(keyring, key, number, contact).ok());
        contact.map(|contact| contact.to.prefix().to_owned()).unwrap_or_default()
    }

    pub async fn record(&self, events: &[UnrecordedEvent]) -> Result<Recorded, StoreError> {
        let mut recorded = Recorded::default();
        let mut arriving = Vec::with_capacity(events.len());
        for UnrecordedEvent { key, id, at, body, who, .. } in events {
            match EventKind::unpack(body) {
                Ok(kind) => {
                    let event = Event { id: *id, at: *at, kind, who: *who };
                    arriving.push(Arriving { key: *key, event });
                }
                Err(error) => {
                    let unreadable = (id.to_string(), at.micros(), "unreadable", Value::Bytes(body.clone()));
                    bury(&self.sql, *key, unreadable, error.to_string()).await?;
                    recorded.dead += 1;
                }
            }
        }
        if self.insert(&arriving).await? {
            recorded.new = arriving.len();
            return Ok(recorded);
        }
        // Most likely this batch was recorded before a crash, but not deleted from the codes store.
        let mut fresh = Vec::new();
        for one in arriving {
            if self.is_known(&one).await? { recorded.repeated += 1 } else { fresh.push(one) }
        }
        if self.insert(&fresh).await? {
            recorded.new = fresh.len();
            return Ok(recorded);
        }
        for one in fresh {
            recorded += self.record_alone(one).await?;
        }
        Ok(recorded)
    }

    async fn record_alone(&self, one: Arriving) -> Result<Recorded, StoreError> {
        let reason = match self.try_insert(std::slice::from_ref(&one)).await {
            Ok(()) => return Ok(Recorded { new: 1, ..Recorded::default() }),
            Err(error @ StoreError::Unavailable(_)) => return Err(error),
            Err(error) => error.to_string(),
        };
        if self.is_known(&one).await? {
            return Ok(Recorded { repeated: 1, ..Recorded::default() });
        }
        let Event { id, at, kind, .. } = &one.event;
        bury(&self.sql, one.key, (id.to_string(), at.micros(), kind.name(), packed(kind)), reason).await?;
        Ok(Recorded { dead: 1, ..Recorded::default() })
    }

    /// Records the events. Returns false if one of them was recorded before.
    async fn insert(&self, events: &[Arriving]) -> Result<bool, StoreError> {
        match self.try_insert(events).await {
            Ok(()) => Ok(true),
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    async fn try_insert(&self, events: &[Arriving]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut facts = self.facts_before(events).await?;
        let mut sums = Sums::default();
        let mut messages = Vec::new();
        for Arriving { key, event } in events {
            let known = facts.entry(key.id).or_default();
            // A user may enter the code before the provider's answer is recorded. So the approval waits until
            // the provider's name is known.
            let waited = matches!(event.kind, EventKind::MessageSent { .. })
                && known.provider.is_empty()
                && known.status == Status::Approved;
            known.learn(&event.kind);
            if let EventKind::Started(started) = &event.kind {
                known.prefix = self.prefix(*key, started.number, &started.contact);
            }
            let provider = event.kind.provider().unwrap_or(&known.provider).to_owned();
            let (tenant, mode, at) = (key.tenant.to_string(), key.mode.as_str(), event.at.micros());
            let hour = at.div_euclid(HOUR) * HOUR;
            let profile = known.profile.map(|profile| profile.to_string()).unwrap_or_default();
            let country = known.country.clone();
            if !provider.is_empty() && Conversions::count(&event.kind) {
                let (day, prefix) = (at.div_euclid(DAY) * DAY, known.prefix.clone());
                let daily = (tenant.clone(), mode, day, provider.clone(), country.clone(), prefix);
                let counts = sums.days.entry(daily).or_default();
                counts.add(&event.kind);
                if waited {
                    counts.add(&EventKind::Approved);
                }
            }
            let group = (tenant, mode, hour, profile, country, provider);
            sums.hours.entry(group).or_default().add(&event.kind);
            if let Some(view) = self.means.as_ref().and_then(|(snapshot, _)| snapshot.tenant(key.tenant))
                && !view.webhooks.is_empty()
            {
                messages.extend(of_verification(&view, *key, event, known));
            }
        }
        // The webhook messages are added in the same transaction, so there is exactly one message for each
        // new event.
        self.sql.batch(webhooks::insert(insert::batch(events, &sums), &messages)).await?;
        let mut remembered = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() + facts.len() > REMEMBERED {
            remembered.clear();
        }
        remembered.extend(facts);
        Ok(())
    }

    /// Returns the facts about the verifications of a batch before its events.
    async fn facts_before(&self, events: &[Arriving]) -> Result<HashMap<VerificationId, Known>, StoreError> {
        let (mut facts, mut unknown) = (HashMap::new(), Vec::new());
        {
            let remembered = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
            for Arriving { key, event } in events {
                let std::collections::hash_map::Entry::Vacant(place) = facts.entry(key.id) else { continue };
                let known = match event.kind {
                    EventKind::Started(_) => None,
                    _ => remembered.get(&key.id).cloned(),
                };
                if known.is_none() && !matches!(event.kind, EventKind::Started(_)) {
                    unknown.push(*key);
                }
                place.insert(known.unwrap_or_default());
            }
        }
        for some in unknown.chunks(ASKED) {
            for (key, found) in
                some.iter().zip(try_join_all(some.iter().map(|key| self.ask_facts(*key))).await?)
            {
                facts.insert(key.id, found);
            }
        }
        Ok(facts)
    }

    async fn ask_facts(&self, key: RecordKey) -> Result<Known, StoreError> {
        let values = vec![
            key.tenant.to_string().into(),
            key.mode.as_str().into(),
            key.id.to_string().into(),
            key.id.created_at().micros().into(),
        ];
        let rows = self.sql.query(&SELECT_FACTS, values).await?;
        let Some(row) = rows.first() else { return Ok(Known::default()) };
        let text = |index| Ok::<_, StoreError>(row.optional_text(index)?.unwrap_or_default().to_owned());
        let prefix = match (row.optional_bytes(7)?, row.optional_bytes(8)?) {
            (Some(number), Some(contact)) => {
                let number = Fingerprint(number.try_into().map_err(|_| row.corrupt())?);
                self.prefix(key, number, contact)
            }
            _ => String::new(),
        };
        Ok(Known {
            // In a row that another event than the start created, these columns are empty.
            profile: text(1)?.parse().ok(),
            country: text(2)?,
            prefix,
            provider: text(3)?,
            status: row.parsed(4, read_status)?,
            message: text(5)?.parse().ok(),
            delivery: read_delivery(row, 6)?,
        })
    }

    async fn is_known(&self, one: &Arriving) -> Result<bool, StoreError> {
        let values = vec![
            one.key.id.to_string().into(),
            one.event.id.to_string().into(),
            one.key.id.created_at().micros().into(),
        ];
        Ok(!self.sql.query(&SELECT_EVENT, values).await?.is_empty())
    }
}

pub(super) const SELECT_FACTS: Statement = Statement {
    table: "verifications",
    text: "SELECT id, profile_id, country, provider, status, message_id, delivery, number, contact
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND id = $3 AND created_at = $4",
    params: &[Text, Text, Text, Int],
};

pub(super) const SELECT_EVENT: Statement = Statement {
    table: "events",
    text: "SELECT id FROM events WHERE verification_id = $1 AND id = $2 AND created_at = $3",
    params: &[Text, Text, Int],
};
