//! Tenants: renaming, disabling, erasure, and what remains after it.

use super::{Base, at, key, once, profile};
use crate::{
    codes::seconds,
    history::{self, TENANT, story},
    webhooks::Place,
};
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use countersign_core::{
    access::change::Change,
    context::Replica,
    fakes::{
        directory::{
            WithoutAudit, WithoutChanges, WithoutKeys, WithoutProfiles, WithoutResources, WithoutReviews,
            WithoutSettings, WithoutTenants, WithoutUses,
        },
        people::{WithoutInvitations, WithoutMembers, WithoutPeople},
    },
    id::{AttemptId, NodeId, RecordKey, ReviewNumberId, TenantId, WebhookMessageId},
    keyring::Fingerprint,
    management::tenants::{Erased, MARGIN, change_tenant, erase_tenants},
    mode::Mode,
    ports::{
        applied::{Applied, AppliedKind, AppliedNotes},
        clock::Clock as _,
        codes::{
            events::{EventBacklog, EventLog, Position, Unrecorded, UnrecordedEvent},
            peers::Peers,
        },
        directory::{
            keys::Keys, profiles::Profiles, resources::Resources, reviews::Reviews, settings::Settings as _,
            tenants::Tenants, uses::Uses,
        },
        error::StoreError,
        history::{History as _, HistoryUpkeep},
        webhooks::{NextTry, WebhookAttempt, WebhookSettlement},
    },
    snapshot::ends::{Relay, Relayed, TenantEnd},
    tenant::{
        ERASED_AFTER, OPERATOR, TenantChange, TenantName,
        limits::{Buckets, LimitName},
        resource::{Resource, ResourceKind},
        review::ReviewNumber,
        settings::Setting,
    },
    time::Timestamp,
};
use countersign_stores::{
    directory::SqlDirectory,
    sql::{Kind, Statement},
};
use futures_util::future::join_all;
use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::Instant,
};

const OTHER: TenantId = TenantId::from_bytes([77; 16]);

/// The notices that nodes publish about the directory.
#[derive(Default)]
struct Told {
    relays: Mutex<Vec<Relay>>,
}

#[async_trait]
impl Peers for Told {
    async fn share(&self, _: NodeId, partitions: u16) -> Result<Range<u16>, StoreError> {
        Ok(0..partitions)
    }

    async fn leave(&self, _: NodeId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn relay(&self, relay: &Relay) -> Result<(), StoreError> {
        self.relays.lock().unwrap().push(relay.clone());
        Ok(())
    }

    async fn relayed(&self, _: &str) -> Result<Option<Relayed>, StoreError> {
        let relays = self.relays.lock().unwrap().clone();
        let head = relays.iter().map(|relay| relay.up_to).max().unwrap_or_default();
        Ok(Some(Relayed { relays, mark: String::new(), head }))
    }
}

/// A database that cannot be reached.
pub struct Gone;

impl WithoutTenants for Gone {}
impl WithoutKeys for Gone {}
impl WithoutUses for Gone {}
impl WithoutAudit for Gone {}
impl WithoutPeople for Gone {}
impl WithoutMembers for Gone {}
impl WithoutInvitations for Gone {}
impl WithoutProfiles for Gone {}
impl WithoutSettings for Gone {}
impl WithoutReviews for Gone {}
impl WithoutResources for Gone {}
impl WithoutChanges for Gone {}

/// `TENANT` on one node, and a second node.
pub async fn nodes(base: &Base) -> Result<(Place, [Replica; 2])> {
    let place = Place::new(base).await?;
    let peers: Arc<dyn Peers> = Arc::new(Told::default());
    let node = Replica { peers: Some(peers), ..place.context.replica.clone() };
    let other = Replica { snapshot: Arc::default(), ..node.clone() };
    other.refresh().await?;
    Ok((place, [node, other]))
}

fn name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

pub async fn a_tenant_is_renamed_disabled_deleted_and_enabled(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let (one, other) = (base.tenant(1).await?, base.tenant(2).await?);
    let change = async |change: TenantChange, seconds| -> Result<_> {
        let changed = directory
            .update_tenant(one.id, &change, &Change::by_system(at(seconds)))
            .await?
            .context("a tenant")?;
        assert_eq!(directory.tenant(one.id).await?.as_ref(), Some(&changed));
        assert_eq!(directory.list_tenants(None, 9).await?, [changed.clone(), other.clone()]);
        Ok(changed)
    };
    let before = base.changes().await?.len();
    let renamed = change(TenantChange::Rename(name("Łódź & Co.")), 10).await?;
    assert_eq!((renamed.name.as_str(), renamed.version), ("Łódź & Co.", 2));
    let disabled = change(TenantChange::Disable, 11).await?;
    assert_eq!((disabled.disabled_at, disabled.deleted_at, disabled.version), (Some(at(11)), None, 3));
    assert_eq!(change(TenantChange::Disable, 12).await?, disabled, "it is disabled already");
    let deleted = change(TenantChange::Delete, 13).await?;
    assert_eq!((deleted.disabled_at, deleted.deleted_at), (Some(at(11)), Some(at(13))));
    let enabled = change(TenantChange::Enable, 14).await?;
    assert_eq!((enabled.disabled_at, enabled.deleted_at, enabled.version), (None, None, 5));
    let and_disabled = TenantChange::RenameAnd(name("Acme"), Box::new(TenantChange::Disable));
    let both = change(and_disabled, 15).await?;
    assert_eq!((both.name.as_str(), both.disabled_at, both.version), ("Acme", Some(at(15)), 6), "one change");
    let noted: Vec<_> =
        base.changes().await?.drain(before..).map(|(_, of, kind, id)| (of, kind, id)).collect();
    let one_change = (one.id.to_string(), "tenant".to_owned(), one.id.to_string());
    assert_eq!(noted, vec![one_change; 5], "each change once");
    // A tenant that does not exist, and the operator's own.
    for nobody in [TenantId::from_bytes([9; 16]), OPERATOR] {
        for change in [TenantChange::Disable, TenantChange::Delete] {
            ensure!(directory.update_tenant(nobody, &change, &Change::by_system(at(15))).await?.is_none());
        }
    }
    ensure!(directory.tenant(OPERATOR).await?.context("the operator")?.disabled_at.is_none());
    ensure!(directory.list_deleted_tenants(at(1_000_000), 9).await?.is_empty());
    Ok(())
}

pub async fn of_changes_at_once_none_is_lost(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?;
    let change = async |n: usize| {
        let change = match n {
            0 => TenantChange::Delete,
            n => TenantChange::Rename(name(&format!("Name {n}"))),
        };
        base.directory.update_tenant(tenant.id, &change, &Change::by_system(at(5))).await
    };
    for changed in join_all((0..10).map(change)).await {
        ensure!(changed?.is_some());
    }
    let now = base.directory.tenant(tenant.id).await?.context("a tenant")?;
    ensure!(now.name.as_str().starts_with("Name ") && now.deleted_at == Some(at(5)), "{now:?}");
    assert_eq!(now.version, 11);
    Ok(())
}

pub async fn other_nodes_hear_that_a_tenant_is_disabled(base: &Base) -> Result<()> {
    let (place, [node, other]) = nodes(base).await?;
    let now = place.clock.now();
    other.snapshot.mark(Instant::now());
    // From now on, the other node cannot reach the database.
    let other = Replica { directory: Arc::new(Gone), ..other };
    node.directory.update_tenant(TENANT, &TenantChange::Disable, &Change::by_system(now)).await?;
    ensure!(!other.snapshot.is_disabled(TENANT));
    node.refresh().await?;
    node.tell().await?;
    other.listen("").await?;
    ensure!(other.snapshot.is_disabled(TENANT), "by the node that has read it");
    ensure!(other.snapshot.knows_ends(node.snapshot.seen()), "and there is no gap");
    // A command publishes the end without a change number, whatever other nodes have read.
    let third = Replica {
        snapshot: Arc::default(),
        directory: Arc::new(SqlDirectory::new(base.sql.clone(), Arc::new(crate::codes::keyring()))),
        ..other.clone()
    };
    node.directory.update_tenant(TENANT, &TenantChange::Enable, &Change::by_system(now)).await?;
    third.refresh().await?;
    third.listen("").await?;
    ensure!(!third.snapshot.is_disabled(TENANT), "what was told before is older than what it read");
    let third = Replica { directory: Arc::new(Gone), ..third };
    let version =
        node.directory.update_tenant(TENANT, &TenantChange::Disable, &Change::by_system(now)).await?;
    let end = TenantEnd { tenant: TENANT, version: version.context("a tenant")?.version };
    node.peers.as_ref().context("peers")?.relay(&Relay { tenants: vec![end], ..Relay::default() }).await?;
    third.listen("").await?;
    ensure!(third.snapshot.is_disabled(TENANT));
    Ok(())
}

pub async fn a_node_without_a_database_hears_what_the_operator_disables(base: &Base) -> Result<()> {
    let (place, [node, other]) = nodes(base).await?;
    let by = Change::by_operator(place.clock.now());
    other.snapshot.mark(Instant::now());
    let other = Replica { directory: Arc::new(Gone), ..other };
    change_tenant(&node, TENANT, &TenantChange::Rename(name("Other")), &by).await?;
    other.listen("").await?;
    ensure!(!other.snapshot.is_disabled(TENANT));
    let and_disabled = TenantChange::RenameAnd(name("Another"), Box::new(TenantChange::Disable));
    for change in [and_disabled, TenantChange::Delete] {
        let changed = change_tenant(&node, TENANT, &change, &by).await?;
        ensure!(changed.disabled_at == Some(by.at) && node.snapshot.is_disabled(TENANT));
        other.listen("").await?;
        ensure!(other.snapshot.is_disabled(TENANT), "{change:?}");
    }
    Ok(())
}

/// The number of a tenant's rows in each table.
async fn rows(base: &Base, tenant: TenantId) -> Result<Vec<(&'static str, i64)>> {
    macro_rules! counts {
        ($($table:literal),+) => { [$(Statement {
            table: $table,
            text: concat!("SELECT count(*) FROM ", $table, " WHERE tenant_id = $1"),
            params: &[Kind::Text],
        }),+] };
    }
    static COUNTS: [Statement; 14] = counts!(
        "applied",
        "keys",
        "profiles",
        "resources",
        "review_numbers",
        "settings",
        "idempotency",
        "key_addresses",
        "verifications",
        "rollups",
        "conversions",
        "dead_events",
        "webhook_messages",
        "webhook_attempts"
    );
    static MORE: [Statement; 3] = [
        Statement {
            table: "erasures",
            text: "SELECT count(*) FROM erasures WHERE tenant_id = $1",
            params: &[Kind::Text],
        },
        Statement {
            table: "tenants",
            text: "SELECT count(*) FROM tenants WHERE id = $1",
            params: &[Kind::Text],
        },
        // Counts the events of all tenants, because events do not name their tenant.
        Statement {
            table: "events",
            text: "SELECT count(*) FROM events WHERE $1 = $1 AND verification_id NOT IN
                (SELECT id FROM verifications)",
            params: &[Kind::Text],
        },
    ];
    let mut found = Vec::new();
    for statement in COUNTS.iter().chain(&MORE) {
        let rows = base.sql.query(statement, vec![tenant.to_string().into()]).await?;
        found.push((statement.table, rows.first().context("a count")?.int(0)?));
    }
    Ok(found)
}

/// Creates one of everything that a tenant can have, and more in other weekly partitions of the history.
async fn fill(base: &Base, place: &Place, tenant: TenantId, number: u8, starts: i64) -> Result<()> {
    let directory = &base.directory;
    let many = (0..3).map(|n| key(tenant, number + n)).collect::<Vec<_>>();
    for (n, key) in many.iter().enumerate() {
        directory
            .create_key(
                key,
                Some((tenant, &once(number + n as u8, 1))),
                None,
                &[],
                &Change::by_system(key.created_at),
            )
            .await?;
    }
    directory.create_profile(&profile(tenant, number + 1, "shop")?, &Change::by_system(at(1))).await?;
    let limit = Setting::Limit(LimitName::parse("signup").context("name")?, Buckets::parse("5/600"));
    directory.save_setting(tenant, &limit, &Change::by_system(at(1))).await?;
    for n in 0..3 {
        let sender = Resource {
            tenant,
            kind: ResourceKind::Sender,
            id: [number + n; 16],
            name: format!("Acme{n}"),
            body: r#"{"countries":[]}"#.to_owned(),
            sealed: None,
            version: 1,
            created_at: at(1),
            updated_at: at(1),
        };
        directory.create_resource(&sender, &[], None, &Change::by_system(sender.updated_at)).await?;
    }
    let review = ReviewNumber {
        id: ReviewNumberId::from_bytes([number; 16]),
        tenant,
        number: Fingerprint([number; 16]),
        sealed: vec![1],
        ends_at: at(1_000),
        created_at: at(1),
    };
    directory.create_review_number(&review, None, &Change::by_system(at(1))).await?;
    for n in 0..3u16 {
        let note = Applied { tenant, kind: AppliedKind::Limit, entity: format!("limit{n}") };
        directory.note_applied("production", &note, at(1)).await?;
    }
    for n in 0..3u16 {
        directory.note_address_uses(&[super::address_use(tenant, many[0].id, n, 1)]).await?;
    }
    let of = |event: UnrecordedEvent| UnrecordedEvent { key: RecordKey { tenant, ..event.key }, ..event };
    for n in 0..starts {
        // The verifications are a day apart, so they are in several weekly partitions.
        let (first, nth) = (i64::from(number) * 1_000, n * 86_400);
        place.history.record(&story(first + nth).into_iter().map(of).collect::<Vec<_>>()).await?;
    }
    let bad = of(UnrecordedEvent { body: vec![255], ..story(i64::from(number) * 1_000 + 7)[0].clone() });
    place.history.record(&[bad]).await?;
    place.history.erase(tenant, Mode::Live, Fingerprint([8; 16]), at(0)).await?;
    Ok(())
}

/// A webhook with delivered messages, waiting messages and a log.
async fn webhook_of_tenant(place: &Place) -> Result<()> {
    let (webhook, _) = place.webhook("one", "https://one.invalid/", Mode::Live).await?;
    let queued: Vec<WebhookMessageId> = place.queue(&webhook, 5).await?;
    let now = place.clock.now();
    let claims = place.context.webhooks.claim(webhook.id, (now, now + seconds(60)), 2).await?;
    for claim in claims {
        let attempt = WebhookAttempt {
            id: AttemptId::new(now, &mut crate::codes::rng()),
            message: claim.id,
            kind: claim.kind.clone(),
            at: now,
            status_code: Some(500),
            duration: seconds(1),
            reason: Some("status 500".to_owned()),
        };
        let settlement = WebhookSettlement { attempt, next: NextTry::GivenUp };
        let _ = place.context.webhooks.settle(&claim, &settlement).await?;
    }
    assert_eq!(queued.len(), 5);
    Ok(())
}

pub async fn a_deleted_tenant_is_erased_after_thirty_days_and_no_other(base: &Base) -> Result<()> {
    let (place, [node, other]) = nodes(base).await?;
    let directory = &base.directory;
    let mut second = super::tenant(77)?;
    second.id = OTHER;
    directory
        .create_tenant(
            &second,
            &profile(OTHER, 77, "default")?,
            &Default::default(),
            None,
            &Change::by_system(second.created_at),
        )
        .await?;
    place.history.arrange(history::at(0), history::at(-1)).await?;
    fill(base, &place, TENANT, 100, 10).await?;
    fill(base, &place, OTHER, 110, 2).await?;
    webhook_of_tenant(&place).await?;
    for node in [&node, &other] {
        node.refresh().await?;
        assert_eq!(node.snapshot.size(), (3, 6), "with the operator's own");
    }
    let full = rows(base, TENANT).await?;
    let all_but_strays = full.iter().filter(|(table, _)| *table != "events");
    ensure!(all_but_strays.clone().all(|(_, count)| *count > 0), "{full:?}");
    let others = rows(base, OTHER).await?;

    let round = async || whole(erase(&place, &node, place.clock.now()).await?);
    place.clock.turn(ERASED_AFTER * 2);
    ensure!(round().await?.is_empty(), "it was not deleted");
    let change =
        async |change| directory.update_tenant(TENANT, &change, &Change::by_system(place.clock.now())).await;
    change(TenantChange::Disable).await?;
    place.clock.turn(ERASED_AFTER * 2);
    ensure!(round().await?.is_empty(), "a disabled one stays as long as it may");
    change(TenantChange::Delete).await?;
    place.clock.turn(ERASED_AFTER + MARGIN - seconds(1));
    ensure!(round().await?.is_empty(), "not yet");
    change(TenantChange::Enable).await?;
    place.clock.turn(ERASED_AFTER);
    ensure!(round().await?.is_empty(), "it was taken back");
    change(TenantChange::Delete).await?;
    place.clock.turn(ERASED_AFTER + MARGIN - seconds(1));
    ensure!(round().await?.is_empty(), "thirty days from the second time");
    assert_eq!(rows(base, TENANT).await?, full, "nothing went before");
    place.clock.turn(seconds(1));
    assert_eq!(round().await?, [TENANT]);
    let left = rows(base, TENANT).await?;
    ensure!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
    assert_eq!(rows(base, OTHER).await?, others);
    ensure!(round().await?.is_empty(), "there is nothing more to do");
    // Both nodes remove it from their copies, with its keys.
    other.refresh().await?;
    for node in [&node, &other] {
        assert_eq!(node.snapshot.size(), (2, 3));
        ensure!(node.snapshot.tenant(TENANT).is_none() && node.snapshot.tenant(OTHER).is_some());
    }
    // A node that starts later reads the same tenants.
    let fresh = Replica { snapshot: Arc::default(), ..node };
    fresh.refresh().await?;
    assert_eq!(fresh.snapshot.size(), (2, 3));
    Ok(())
}

/// Runs one round of erasures while every event counts as recorded.
async fn erase(place: &Place, node: &Replica, now: Timestamp) -> Result<Erased, StoreError> {
    let recorded = RecordedTo(place.clock.now());
    erase_tenants(node, &recorded, &*place.context.webhooks, &*place.history, now).await
}

fn whole(Erased { whole, failed }: Erased) -> Result<Vec<TenantId>> {
    ensure!(failed.is_empty(), "{failed:?}");
    Ok(whole)
}

/// A codes store in which the tenant's last events still wait. Nothing may be erased then: recording them
/// later would bring a part of the tenant back.
struct RecordedTo(Timestamp);

#[async_trait]
impl EventLog for RecordedTo {
    async fn unrecorded(&self, _: Range<u16>, _: usize) -> Result<Unrecorded, StoreError> {
        let backlog = EventBacklog::default();
        Ok(Unrecorded { events: Vec::new(), now: self.0, drained: true, backlog })
    }

    async fn trim(&self, _: &[Position]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        Ok(self.0)
    }
}

/// Events do not name their tenant, so nothing finds events whose verification is gone.
pub async fn erasures_at_once_leave_no_event_behind(base: &Base) -> Result<()> {
    let (place, _) = nodes(base).await?;
    fill(base, &place, TENANT, 100, 200).await?;
    let nodes = (0..4).map(async |_| {
        while !place.history.erase_tenant(TENANT, 10).await? {}
        Ok::<_, StoreError>(())
    });
    for outcome in join_all(nodes).await {
        outcome?;
    }
    let left = rows(base, TENANT).await?;
    ensure!(left.contains(&("events", 0)) && left.contains(&("verifications", 0)), "{left:?}");
    Ok(())
}

pub async fn an_erasure_goes_on_where_it_broke_off_whoever_is_at_it(base: &Base) -> Result<()> {
    let (place, [node, other]) = nodes(base).await?;
    let directory = &base.directory;
    fill(base, &place, TENANT, 100, 40).await?;
    let deleted =
        directory.update_tenant(TENANT, &TenantChange::Delete, &Change::by_system(place.clock.now())).await?;
    let deleted_at = deleted.and_then(|tenant| tenant.deleted_at).context("deleted")?;
    place.clock.turn(ERASED_AFTER + MARGIN);
    let now = place.clock.now();
    // Also if this node's clock is ahead of the codes store's.
    for recorded in [deleted_at, deleted_at + ERASED_AFTER] {
        let erased =
            erase_tenants(&node, &RecordedTo(recorded), &*place.context.webhooks, &*place.history, now)
                .await?;
        ensure!(whole(erased)?.is_empty());
    }
    ensure!(directory.tenant(TENANT).await?.is_some_and(|tenant| !tenant.erasing));

    // A round that ends after a few rows.
    ensure!(
        !directory.begin_erasure(TENANT, deleted_at - seconds(1), &Change::by_system(now)).await?,
        "deleted later"
    );
    ensure!(directory.begin_erasure(TENANT, deleted_at, &Change::by_system(now)).await?);
    ensure!(directory.begin_erasure(TENANT, deleted_at, &Change::by_system(now)).await?, "begun is begun");
    ensure!(!place.history.erase_tenant(TENANT, 3).await?);
    ensure!(!directory.erase_tenant(TENANT, 1, &Change::by_system(now)).await?);
    for change in [TenantChange::Enable, TenantChange::Rename(name("Back"))] {
        let stays =
            directory.update_tenant(TENANT, &change, &Change::by_system(now)).await?.context("a tenant")?;
        ensure!(stays.erasing && stays.disabled_at.is_some(), "{stays:?}");
    }
    let left = rows(base, TENANT).await?;
    ensure!(left.contains(&("verifications", 37)) && left.contains(&("events", 0)), "{left:?}");
    // Two nodes at once. One may find the other's rows locked, and leaves them for a later round.
    let both = [&node, &other].map(|node| erase(&place, node, now));
    for outcome in join_all(both).await {
        ensure!(!matches!(outcome, Err(StoreError::Conflict | StoreError::Corrupt { .. })), "{outcome:?}");
    }
    let _: Vec<TenantId> = whole(erase(&place, &node, now).await?)?;
    let left = rows(base, TENANT).await?;
    ensure!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
    ensure!(directory.list_tenants(None, 9).await?.is_empty());
    // The tenant no longer exists: nothing can be created for it, and it cannot come back.
    let orphan = directory
        .create_key(&key(TENANT, 120), None, None, &[], &Change::by_system(key(TENANT, 120).created_at))
        .await;
    ensure!(matches!(orphan, Err(StoreError::Conflict)), "{orphan:?}");
    ensure!(directory.update_tenant(TENANT, &TenantChange::Enable, &Change::by_system(now)).await?.is_none());
    Ok(())
}
