//! What the operator does for tenants.

use super::{Base, at, once};
use crate::codes::managed;
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        change::Change,
        scope::{Scope, Scopes},
    },
    context::Replica,
    id::TenantId,
    management::{
        keys::{CreateKey, KeyError, KeyName, create_key},
        tenants::{TenantError, create_tenant, create_tenant_key, list_tenants, read_tenant},
    },
    mode::Mode,
    phone::countries::Countries,
    ports::directory::{keys::Keys as _, settings::Settings as _},
    tenant::{OPERATOR, TenantChange, TenantName},
    verification::idempotency::IdempotencyError,
};
use countersign_stores::directory::SqlDirectory;
use futures_util::future::join_all;
use rand::{SeedableRng as _, rngs::StdRng};
use std::{sync::Arc, time::Duration};

fn replica(base: &Base) -> Replica {
    let directory = Arc::new(SqlDirectory::new(base.sql.clone(), Arc::new(crate::codes::keyring())));
    Replica { directory, snapshot: Arc::default(), peers: None }
}

fn acme() -> TenantName {
    TenantName::parse("Acme").unwrap()
}

fn asked(scopes: &[Scope], mode: Mode) -> CreateKey {
    let name = KeyName::parse("first").unwrap();
    let (scopes, allowlist) = (scopes.iter().copied().collect(), Allowlist::default());
    CreateKey { name, mode, scopes, expires_at: None, allowlist, profiles: None, company: false }
}

pub async fn a_repeated_request_makes_one_tenant(base: &Base) -> Result<()> {
    let replica = &replica(base);
    let countries = Countries::parse("block PL=allow").context("countries")?;
    let make = async |request: u8, seconds: i64| {
        let (asked, mut rng) = ((acme(), &countries), StdRng::seed_from_u64(seconds.unsigned_abs()));
        create_tenant(replica, asked, Some(&once(7, request)), &Change::by_operator(at(seconds)), &mut rng)
            .await
    };
    // At once, each with a time and thus an id of its own; and more than a page of others.
    for made in join_all((100..110).map(|seconds| make(1, seconds))).await {
        ensure!(made.is_ok(), "{made:?}");
    }
    let all = list_tenants(replica, None, 100).await?;
    let [tenant] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(base.directory.settings(tenant.id).await?.countries, countries);
    for number in 0..120u64 {
        let (asked, mut rng) = ((acme(), &countries), StdRng::seed_from_u64(1_000 + number));
        let by = Change::by_operator(at(50));
        ensure!(!create_tenant(replica, asked, None, &by, &mut rng).await?.before);
    }
    let renamed = TenantChange::Rename(TenantName::parse("Other").context("name")?);
    replica.directory.update_tenant(tenant.id, &renamed, &Change::by_operator(at(200))).await?;
    let again = make(1, 300).await?;
    ensure!(again.before && again.value.id == tenant.id && again.value.name.as_str() == "Other", "{again:?}");
    let mismatch = make(2, 301).await;
    ensure!(matches!(mismatch, Err(TenantError::Idempotency(IdempotencyError::Mismatch))), "{mismatch:?}");
    let day = Duration::from_secs(24 * 3_600).as_secs().cast_signed();
    let later = make(1, 110 + day).await?;
    ensure!(!later.before && later.value.id != tenant.id, "it was forgotten");
    Ok(())
}

pub async fn the_operator_makes_keys_of_tenants_once(base: &Base) -> Result<()> {
    let replica = &replica(base);
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let make = async |tenant: TenantId, asked: CreateKey, request: u8| {
        let (once, by) = (once(7, request), Change::by_operator(at(5)));
        create_tenant_key(
            &managed(replica.clone()),
            tenant,
            asked,
            Some(once),
            &by,
            &mut StdRng::seed_from_u64(request.into()),
        )
        .await
    };
    let all: Vec<_> = Scopes::all().iter().collect();
    let (key, _) = make(one, asked(&all, Mode::Live), 1).await?;
    assert_eq!((key.tenant, key.scopes, key.mode), (one, Scopes::all(), Mode::Live));
    ensure!(base.directory.key(one, key.id).await?.is_some());
    // An Idempotency-Key is the operator's, whichever tenant it is for.
    let again = make(one, asked(&all, Mode::Live), 1).await.map(drop);
    let shown = TenantError::Key(KeyError::Idempotency(IdempotencyError::SecretShown));
    assert_eq!(format!("{again:?}"), format!("{:?}", Err::<(), _>(shown)));
    let other = make(two, asked(&all, Mode::Live), 2).await.map(drop);
    let mismatch = TenantError::Key(KeyError::Idempotency(IdempotencyError::Mismatch));
    assert_eq!(format!("{other:?}"), format!("{:?}", Err::<(), _>(mismatch)));
    ensure!(base.directory.list_keys(two, None, 9).await?.is_empty());

    for nobody in [OPERATOR, TenantId::from_bytes([9; 16])] {
        let (by, mut rng) = (Change::by_operator(at(6)), StdRng::seed_from_u64(9));
        let refused = create_tenant_key(
            &managed(replica.clone()),
            nobody,
            asked(&all, Mode::Live),
            None,
            &by,
            &mut rng,
        )
        .await;
        ensure!(matches!(refused, Err(TenantError::NotFound)));
        ensure!(matches!(read_tenant(replica, nobody).await, Err(TenantError::NotFound)));
    }
    Ok(())
}

pub async fn only_live_keys_of_the_operator_hold_its_scope_and_no_other(base: &Base) -> Result<()> {
    let replica = &replica(base);
    let tenant = base.tenant(1).await?.id;
    let make = async |tenant: TenantId, asked: CreateKey| {
        let (operator, by) = (Actor::operator(tenant), Change::by_operator(at(5)));
        create_key(&managed(replica.clone()), &operator, asked, None, &by, &mut StdRng::seed_from_u64(5))
            .await
    };
    for (owner, scopes, mode) in [
        (tenant, &[Scope::Operator][..], Mode::Live),
        (tenant, &[Scope::SettingsRead, Scope::Operator], Mode::Live),
        (tenant, &[Scope::Operator], Mode::Test),
        (OPERATOR, &[Scope::VerificationsStart], Mode::Live),
        (OPERATOR, &[Scope::Operator, Scope::VerificationsCheck], Mode::Live),
        (OPERATOR, &[Scope::Operator], Mode::Test),
    ] {
        let refused = make(owner, asked(scopes, mode)).await.map(drop);
        ensure!(matches!(refused, Err(KeyError::NotOfTenant(_))), "{owner} {scopes:?} {mode:?}: {refused:?}");
        ensure!(base.directory.list_keys(owner, None, 9).await?.is_empty());
    }
    let name = KeyName::parse("ops").context("name")?;
    let (key, _) = make(OPERATOR, CreateKey::of_operator(name, None, Allowlist::default())).await?;
    assert_eq!((key.tenant, key.mode), (OPERATOR, Mode::Live));
    assert_eq!(key.scopes.iter().collect::<Vec<_>>(), [Scope::Operator]);
    Ok(())
}
