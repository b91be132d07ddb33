//! Management calls at the same moment. The store must refuse a write that a caller decided on from an
//! outdated state. Half of the calls come from another node.

use super::{Base, at};
use crate::{codes::rng, history::TENANT, webhooks::Place};
use anyhow::{Context as _, Result, bail, ensure};
use countersign_core::{
    access::change::Change,
    context::{Context, Management, Replica},
    delivery::{
        account::{ProviderAccount, Shared},
        route::Route,
    },
    id::{ProviderId, TenantId},
    management::{
        profiles::{ProfileChange, save_profile},
        providers::{self, ProviderChange},
        resources::{ResourceError, ResourceName},
        routes::{self, RouteChange},
        settings::{SettingError, delete_limit, save_limit},
        webhooks::{NewWebhook, create_webhook, list_webhooks},
    },
    mode::Mode,
    ports::{clock::Clock as _, error::StoreError},
    tenant::{
        OPERATOR,
        limits::{Buckets, LimitName},
        profile::ProfileName,
        resource::{Basis, Resource, ResourceKind},
    },
    webhook::MOST_TEST,
};
use futures_util::future::join_all;
use serde_json::json;
use std::sync::Arc;

/// The number of calls at once.
const MANY: usize = 10;

/// This node and another one.
async fn nodes(place: &Place) -> Result<[Context; 2]> {
    let replica = Replica { snapshot: Arc::default(), ..place.context.replica.clone() };
    let management = Management { replica, ..place.context.management.clone() };
    let other = Context { management, ..place.context.clone() };
    other.refresh().await?;
    Ok([place.context.clone(), other])
}

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

/// An account that the directory stores as tested.
pub async fn account(place: &Place, tenant: TenantId, shared: Shared) -> Result<ProviderId> {
    let id = ProviderId::new(place.clock.now(), &mut rng());
    let settings = json!({ "url": "https://sms.example/" });
    let account = ProviderAccount {
        id,
        tenant,
        name: format!("account-{}", &id.to_string()[20..]),
        kind: "http".to_owned(),
        enabled: true,
        rate: None,
        shared,
        verified_at: Some(at(3)),
        sealed: ProviderAccount::seal(&place.context.keyring, (tenant, id), &settings, &mut rng()),
        shown: settings,
        receipts: Default::default(),
        version: 1,
        created_at: at(1),
    };
    place
        .context
        .directory
        .create_resource(
            &account.resource(at(1)),
            &[],
            None,
            &Change::by_system(account.resource(at(1)).updated_at),
        )
        .await?;
    place.context.refresh().await?;
    Ok(id)
}

/// The enabled routes whose account does not accept their messages.
async fn astray(place: &Place) -> Result<Vec<String>> {
    let mut accounts = Vec::new();
    for owner in [TENANT, OPERATOR] {
        let listed = place.context.directory.list_resources(owner).await?;
        let of_kind = listed.into_iter().filter(|one| one.kind == ResourceKind::Provider);
        accounts.extend(of_kind.filter_map(ProviderAccount::read));
    }
    let listed = place.context.directory.list_resources(TENANT).await?;
    let routes = listed.into_iter().filter(|one| one.kind == ResourceKind::Route).filter_map(Route::read);
    let led = |route: &Route| accounts.iter().any(|one| one.id == route.provider && one.serves(TENANT));
    Ok(routes.filter(|route| route.enabled && !led(route)).map(|route| route.name).collect())
}

pub async fn of_webhooks_for_test_mode_only_so_many_are_made(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let nodes = nodes(&place).await?;
    for n in 0..3 {
        place.webhook(&format!("live-{n}"), "https://one.invalid/", Mode::Live).await?;
    }
    let make = async |n: usize| {
        let new = NewWebhook {
            name: name(&format!("test-{n}")),
            mode: Some(Mode::Test),
            url: "https://one.invalid/".to_owned(),
            events: None,
            enabled: true,
        };
        let now = place.clock.now();
        create_webhook(&nodes[n % 2], &place.caller, new, None, &Change::by_system(now), &mut rng())
            .await
            .map(drop)
    };
    let (mut made, mut refused) = (0, 0);
    for outcome in join_all((0..MANY).map(make)).await {
        match outcome {
            Ok(()) => made += 1,
            Err(ResourceError::Directory(StoreError::Full { most: 4, .. })) => refused += 1,
            Err(error) => bail!(error),
        }
    }
    assert_eq!((made, refused), (MOST_TEST, MANY - MOST_TEST));
    let listed = list_webhooks(&place.context, &place.caller).await?;
    assert_eq!(listed.iter().filter(|webhook| webhook.mode == Mode::Test).count(), MOST_TEST);
    Ok(())
}

/// Again and again creates routes through an account while another call takes the account away, and checks
/// that no route keeps a missing account. Each side must win at least once.
async fn race_routes<F: Future<Output = Result<(), ResourceError>>>(
    place: &Place,
    (owner, shared): (TenantId, Shared),
    take_away: impl Fn(usize, ProviderId) -> F,
) -> Result<()> {
    let nodes = nodes(place).await?;
    let now = place.clock.now();
    let by = Change::by_system(now);
    for turn in 0..MANY {
        let provider = account(place, owner, shared.clone()).await?;
        let make = async |n: usize| {
            let route = (name(&format!("r{turn}-{n}")), provider);
            let change = RouteChange::default();
            routes::create_route(&nodes[n % 2], TENANT, route, change, None, &by, &mut rng()).await.map(drop)
        };
        let (made, taken) = futures_util::join!(join_all((0..4).map(make)), take_away(turn, provider));
        let made = made.into_iter().map(|outcome| match outcome {
            Ok(()) => Ok(true),
            Err(ResourceError::Fields(faults)) if faults[0].field == "provider" => Ok(false),
            Err(error) => Err(error),
        });
        let made = made.collect::<Result<Vec<_>, _>>()?;
        match taken {
            Ok(()) => ensure!(made.iter().all(|made| !made), "{made:?}"),
            Err(ResourceError::InUse(_) | ResourceError::InUseBy(_)) => {
                ensure!(made.contains(&true), "{made:?}")
            }
            Err(error) => bail!(error),
        }
        assert_eq!(astray(place).await?, [""; 0]);
    }
    Ok(())
}

pub async fn no_route_leads_through_an_account_that_is_disabled_meanwhile(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let nodes = nodes(&place).await?;
    let now = place.clock.now();
    let by = Change::by_system(now);
    race_routes(&place, (TENANT, Shared::No), async |turn, provider| {
        let change = ProviderChange { enabled: Some(false), ..ProviderChange::default() };
        providers::update_provider(&nodes[turn % 2], TENANT, provider, change, &by, &mut rng())
            .await
            .map(drop)
    })
    .await
}

pub async fn no_route_leads_through_an_account_that_is_deleted_meanwhile(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let nodes = nodes(&place).await?;
    race_routes(&place, (TENANT, Shared::No), async |turn, provider| {
        providers::delete_provider(&nodes[turn % 2], TENANT, provider, &Change::by_system(place.clock.now()))
            .await
    })
    .await
}

pub async fn no_route_leads_through_a_shared_account_that_is_deleted_meanwhile(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let nodes = nodes(&place).await?;
    race_routes(&place, (OPERATOR, Shared::All), async |turn, provider| {
        providers::delete_provider(
            &nodes[turn % 2],
            OPERATOR,
            provider,
            &Change::by_system(place.clock.now()),
        )
        .await
    })
    .await
}

pub async fn no_route_is_enabled_through_an_account_that_is_disabled_meanwhile(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let nodes = nodes(&place).await?;
    let now = place.clock.now();
    let by = Change::by_system(now);
    let set = async |node: usize, route, enabled| {
        let change = RouteChange { enabled: Some(enabled), ..RouteChange::default() };
        routes::update_route(&nodes[node], TENANT, route, change, &by).await
    };
    for turn in 0..MANY {
        let provider = account(&place, TENANT, Shared::No).await?;
        let route = (name(&format!("r{turn}")), provider);
        let change = RouteChange { enabled: Some(false), ..RouteChange::default() };
        let made = routes::create_route(&place.context, TENANT, route, change, None, &by, &mut rng()).await?;
        let off = ProviderChange { enabled: Some(false), ..ProviderChange::default() };
        let mut rng = rng();
        let (enabled, disabled) = futures_util::join!(
            set(turn % 2, made.value.id, true),
            providers::update_provider(&nodes[1], TENANT, provider, off, &by, &mut rng),
        );
        ensure!(enabled.is_ok() != disabled.is_ok(), "{enabled:?} {disabled:?}");
        assert_eq!(astray(&place).await?, [""; 0]);
    }
    Ok(())
}

pub async fn what_comes_and_goes_unnoticed_by_a_sum_is_noticed(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let directory = &place.context.directory;
    let kind = ResourceKind::Sender;
    let sender = |number: u8| Resource {
        tenant: TENANT,
        kind,
        id: [number; 16],
        name: format!("n{number}"),
        body: "{}".to_owned(),
        sealed: None,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    };
    for number in [1, 2] {
        directory
            .create_resource(&sender(number), &[], None, &Change::by_system(sender(number).updated_at))
            .await?;
    }
    let listed = directory.list_resources(TENANT).await?;
    let head = || async { anyhow::Ok(base.changes().await?.last().context("a change")?.0) };
    let basis = Basis::kind(TENANT, kind, &listed);
    let one = |version| Basis::One { tenant: TENANT, id: sender(1).id_text(), version };
    let everything = Basis::Everything(head().await?);
    let moved = |outcome: Result<(), StoreError>| matches!(outcome, Err(StoreError::Moved));
    // The same number of resources and the same sum of versions as before: one was deleted and another
    // created.
    ensure!(directory.delete_resource(TENANT, (kind, [2; 16]), &[], &Change::by_system(at(2))).await?);
    directory.create_resource(&sender(3), &[], None, &Change::by_system(sender(3).updated_at)).await?;
    let before = base.changes().await?;
    for stale in
        [basis, everything, one(2), Basis::One { tenant: OPERATOR, id: sender(1).id_text(), version: 1 }]
    {
        let basis = [one(1), stale];
        ensure!(
            moved(
                directory
                    .create_resource(&sender(4), &basis, None, &Change::by_system(sender(4).updated_at))
                    .await
            ),
            "{basis:?}"
        );
        let changed = Resource { version: 2, ..sender(1) };
        ensure!(
            moved(directory.update_resource(&changed, &basis, &Change::by_system(changed.updated_at)).await),
            "{basis:?}"
        );
        let deleted =
            directory.delete_resource(TENANT, (kind, [1; 16]), &basis, &Change::by_system(at(3))).await;
        ensure!(moved(deleted.map(drop)), "{basis:?}");
    }
    assert_eq!(base.changes().await?, before, "nothing was written");
    let listed = directory.list_resources(TENANT).await?;
    let basis = [Basis::kind(TENANT, kind, &listed), one(1), Basis::Everything(head().await?)];
    directory.create_resource(&sender(4), &basis, None, &Change::by_system(sender(4).updated_at)).await?;
    // An empty list also counts as a state.
    let none = Basis::kind(TENANT, ResourceKind::Route, &[]);
    directory
        .create_resource(
            &Resource { kind: ResourceKind::Route, ..sender(5) },
            std::slice::from_ref(&none),
            None,
            &Change::by_system(Resource { kind: ResourceKind::Route, ..sender(5) }.updated_at),
        )
        .await?;
    ensure!(moved(
        directory.create_resource(&sender(6), &[none], None, &Change::by_system(sender(6).updated_at)).await
    ));
    Ok(())
}

pub async fn a_profile_that_is_saved_at_once_by_many_is_made_once(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let nodes = nodes(&place).await?;
    let shop = ProfileName::parse("shop").context("name")?;
    let save = async |n: usize| {
        let change = ProfileChange { max_checks: Some(1 + (n % 5) as u8), ..ProfileChange::default() };
        let now = place.clock.now();
        save_profile(&nodes[n % 2], &place.caller, shop.clone(), change, &Change::by_system(now), &mut rng())
            .await
    };
    let saved = join_all((0..MANY).map(save)).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(saved.iter().filter(|(_, made)| *made).count(), 1);
    let stored = place.context.directory.profile(TENANT, &shop).await?.context("profile")?;
    ensure!(saved.iter().all(|(profile, _)| profile.id == stored.id), "each was told the id that there is");
    Ok(())
}

pub async fn a_limit_is_deleted_once(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let nodes = nodes(&place).await?;
    let (signup, now) = (LimitName::parse("signup").context("name")?, place.clock.now());
    let by = Change::by_system(now);
    let buckets = Buckets::parse("5/600").context("buckets")?;
    save_limit(&nodes[0], &place.caller, signup.clone(), buckets, &by).await?;
    // The other node's copy does not know the change yet.
    let delete = |n: usize| delete_limit(&nodes[(n + 1) % 2], &place.caller, signup.clone(), &by);
    let (mut deleted, mut refused) = (0, 0);
    for outcome in join_all((0..MANY).map(delete)).await {
        match outcome {
            Ok(()) => deleted += 1,
            Err(SettingError::NotFound) => refused += 1,
            Err(error) => bail!(error),
        }
    }
    assert_eq!((deleted, refused), (1, MANY - 1));
    Ok(())
}
