//! The resources that tenants set up for delivery.

use super::{Base, at, is_conflict, once};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    delivery::account::{ProviderAccount, Shared},
    id::{ProviderId, TenantId},
    ports::{directory::Directory, error::StoreError},
    snapshot::Snapshot,
    tenant::{
        OPERATOR,
        resource::{Resource, ResourceKind},
    },
};
use countersign_stores::sql::{Batch, Kind, Statement};
use serde_json::json;

fn resource(tenant: TenantId, kind: ResourceKind, number: u32, name: &str) -> Resource {
    Resource {
        tenant,
        kind,
        id: (u128::from(number) + 1_000).to_be_bytes(),
        name: name.to_owned(),
        body: json!({ "n": number, "text": "Zażółć ' \" $1 ?" }).to_string(),
        sealed: number.is_multiple_of(2).then(|| vec![number as u8; 40]),
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

fn account(tenant: TenantId, name: &str) -> ProviderAccount {
    ProviderAccount {
        id: ProviderId::from_bytes([9; 16]),
        tenant,
        name: name.to_owned(),
        kind: "http".to_owned(),
        enabled: true,
        rate: Some(5),
        shared: Shared::With([TenantId::from_bytes([7; 16])].into()),
        verified_at: Some(at(3)),
        shown: json!({ "url": "https://sms.example" }),
        sealed: vec![1, 2, 3],
        receipts: Default::default(),
        version: 1,
        created_at: at(1),
    }
}

pub async fn they_are_kept_by_tenant_and_kind(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let mut made = Vec::new();
    for (number, kind) in ResourceKind::ALL.into_iter().enumerate() {
        let each = resource(one, kind, number as u32, "main");
        directory.create_resource(&each, &[], None).await?;
        made.push(each);
    }
    let changes = base.changes().await?;
    let mut sorted = made.clone();
    sorted.sort_by_key(Resource::id_text);
    assert_eq!(directory.list_resources(one).await?, sorted, "one name in each kind");
    ensure!(directory.list_resources(two).await?.is_empty());
    directory.create_resource(&resource(two, ResourceKind::Route, 50, "main"), &[], None).await?;
    assert!(is_conflict(
        &directory.create_resource(&resource(one, ResourceKind::Route, 51, "main"), &[], None).await
    ));
    assert!(is_conflict(
        &directory.create_resource(&resource(one, ResourceKind::Route, 2, "other"), &[], None).await
    ));
    let nobody = TenantId::from_bytes([77; 16]);
    assert!(is_conflict(
        &directory.create_resource(&resource(nobody, ResourceKind::Route, 52, "a"), &[], None).await
    ));
    // An id belongs to one tenant and one kind.
    let Resource { kind, id, .. } = made[0];
    ensure!(!directory.delete_resource(two, (kind, id), &[], at(2)).await?);
    ensure!(!directory.delete_resource(one, (ResourceKind::Webhook, id), &[], at(2)).await?);
    assert_eq!(base.changes().await?.len(), changes.len() + 1);
    ensure!(directory.delete_resource(one, (kind, id), &[], at(2)).await?);
    ensure!(!directory.delete_resource(one, (kind, id), &[], at(2)).await?);
    assert_eq!(directory.list_resources(one).await?.len(), 4);
    let last = base.changes().await?.pop().context("a change")?;
    assert_eq!((last.1, last.2, last.3), (one.to_string(), "resource".to_owned(), made[0].id_text()));
    Ok(())
}

pub async fn of_two_changes_at_once_one_counts(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let first = resource(tenant, ResourceKind::Route, 1, "a");
    base.directory.create_resource(&first, &[], None).await?;
    let tasks: Vec<_> = (0..10)
        .map(|n| {
            let directory = base.directory.clone();
            let changed = Resource { body: format!("{{\"n\":{n}}}"), version: 2, ..first.clone() };
            tokio::spawn(async move { directory.update_resource(&changed, &[]).await.map(|()| changed) })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        match task.await? {
            Ok(changed) => won.push(changed),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(base.directory.list_resources(tenant).await?, won);
    // A name that is taken, and another tenant's resource.
    base.directory.create_resource(&resource(tenant, ResourceKind::Route, 2, "b"), &[], None).await?;
    let taken = Resource { name: "b".to_owned(), version: 3, ..first.clone() };
    assert!(is_conflict(&base.directory.update_resource(&taken, &[]).await));
    let other = base.tenant(2).await?.id;
    let foreign = Resource { tenant: other, version: 3, ..first };
    assert!(is_conflict(&base.directory.update_resource(&foreign, &[]).await));
    Ok(())
}

pub async fn a_tenant_has_only_so_many_of_each_kind(base: &Base) -> Result<()> {
    let (one, other) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    for kind in ResourceKind::ALL {
        let most = kind.most();
        // Creates all but a few, and then races for the last ones.
        for n in 0..most - 5 {
            base.directory.create_resource(&resource(one, kind, n, &format!("n{n}")), &[], None).await?;
        }
        let tasks: Vec<_> = (most - 5..most + 10)
            .map(|n| {
                let (directory, made) = (base.directory.clone(), resource(one, kind, n, &format!("n{n}")));
                tokio::spawn(async move { directory.create_resource(&made, &[], None).await })
            })
            .collect();
        let (mut made, mut refused) = (0, 0);
        for task in tasks {
            match task.await? {
                Ok(()) => made += 1,
                Err(StoreError::Full { what, most: said }) if said == most && what == kind.plural() => {
                    refused += 1
                }
                Err(error) => return Err(error.into()),
            }
        }
        assert_eq!((made, refused), (5, 10), "{kind:?}");
        let Resource { id, .. } = resource(one, kind, 0, "n0");
        ensure!(base.directory.delete_resource(one, (kind, id), &[], at(2)).await?);
        base.directory.create_resource(&resource(one, kind, 9_000, "freed"), &[], None).await?;
        base.directory.create_resource(&resource(other, kind, 9_001, "freed"), &[], None).await?;
    }
    Ok(())
}

pub async fn of_repeats_at_once_one_makes_it(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (directory, made) =
                (base.directory.clone(), resource(tenant, ResourceKind::Sender, n, &format!("n{n}")));
            tokio::spawn(async move { directory.create_resource(&made, &[], Some(&once(3, 4))).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await? {
            Ok(()) => made += 1,
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!((made, base.directory.list_resources(tenant).await?.len()), (1, 1));
    assert_eq!(base.directory.answered(tenant, &once(3, 4), at(0)).await?, Some([4; 16]));
    Ok(())
}

pub async fn another_node_sees_what_changed(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    // One node has read everything, another nothing yet.
    let (old, new) = (Snapshot::default(), Snapshot::default());
    let follow = async |snapshot: &Snapshot| -> Result<()> {
        let seen = snapshot.seen();
        let news = base.directory.news(seen).await?;
        ensure!(news.is_none_or(|news| snapshot.apply(seen, news)));
        Ok(())
    };
    follow(&old).await?;
    let (own, operators) = (account(tenant, "main"), account(OPERATOR, "shared"));
    base.directory.create_resource(&own.resource(at(1)), &[], None).await?;
    let operators = ProviderAccount { id: ProviderId::from_bytes([8; 16]), ..operators };
    base.directory.create_resource(&operators.resource(at(1)), &[], None).await?;
    let providers = |snapshot: &Snapshot, tenant| -> Vec<ProviderAccount> {
        let view = snapshot.tenant(tenant);
        view.iter().flat_map(|view| &view.providers).map(|account| (**account).clone()).collect()
    };
    for snapshot in [&old, &new] {
        follow(snapshot).await?;
        assert_eq!(providers(snapshot, tenant), std::slice::from_ref(&own));
        assert_eq!(providers(snapshot, OPERATOR), std::slice::from_ref(&operators));
    }
    let changed = ProviderAccount { enabled: false, version: 2, ..own };
    base.directory.update_resource(&changed.resource(at(5)), &[]).await?;
    follow(&old).await?;
    assert_eq!(providers(&old, tenant), std::slice::from_ref(&changed));
    ensure!(
        base.directory
            .delete_resource(tenant, (ResourceKind::Provider, *changed.id.bytes()), &[], at(6))
            .await?
    );
    follow(&old).await?;
    ensure!(providers(&old, tenant).is_empty());
    // The operator's own row is not listed as a tenant.
    let listed = base.directory.list_tenants(None, 10).await?;
    assert_eq!(listed.iter().map(|tenant| tenant.id).collect::<Vec<_>>(), [tenant]);
    Ok(())
}

pub async fn one_that_cannot_be_read_keeps_its_tenant_from_being_served(base: &Base) -> Result<()> {
    const BREAK: Statement = Statement {
        table: "resources",
        text: "UPDATE resources SET body = $2 WHERE tenant_id = $1",
        params: &[Kind::Text, Kind::Text],
    };
    const STRANGE: Statement = Statement {
        table: "resources",
        text: "UPDATE resources SET kind = $2 WHERE tenant_id = $1",
        params: &[Kind::Text, Kind::Text],
    };
    let (broken, whole) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    for tenant in [broken, whole] {
        let id = ProviderId::from_bytes(*tenant.bytes());
        let made = ProviderAccount { id, ..account(tenant, "main") };
        base.directory.create_resource(&made.resource(at(1)), &[], None).await?;
    }
    let values = vec![broken.to_string().into(), "{}".into()];
    base.sql.batch(Batch::default().run_touching(1, &BREAK, values)).await?;
    for after in [0, 1] {
        let news = base.directory.news(after).await?.context("news")?;
        let view = |id| news.tenants.iter().find(|(of, _)| *of == id).and_then(|(_, view)| view.clone());
        ensure!(view(broken).is_none() && view(whole).is_some_and(|view| view.providers.len() == 1));
    }
    // A kind that only a newer release knows is skipped.
    let values = vec![broken.to_string().into(), "pigeon".into()];
    base.sql.batch(Batch::default().run_touching(1, &STRANGE, values)).await?;
    ensure!(base.directory.list_resources(broken).await?.is_empty());
    Ok(())
}
