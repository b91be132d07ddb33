//! The resources that tenants set up for delivery.

use super::{Base, at, is_conflict, once};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::change::Change,
    delivery::account::{ProviderAccount, Shared},
    id::{ProviderId, TenantId},
    ports::{
        directory::{changes::Changes, resources::Resources, tenants::Tenants},
        error::StoreError,
    },
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
        directory.create_resource(&each, &[], None, &Change::by_system(each.updated_at)).await?;
        made.push(each);
    }
    let changes = base.changes().await?;
    let mut sorted = made.clone();
    sorted.sort_by_key(Resource::id_text);
    assert_eq!(directory.list_resources(one).await?, sorted, "one name in each kind");
    ensure!(directory.list_resources(two).await?.is_empty());
    directory
        .create_resource(
            &resource(two, ResourceKind::Route, 50, "main"),
            &[],
            None,
            &Change::by_system(resource(two, ResourceKind::Route, 50, "main").updated_at),
        )
        .await?;
    assert!(is_conflict(
        &directory
            .create_resource(
                &resource(one, ResourceKind::Route, 51, "main"),
                &[],
                None,
                &Change::by_system(resource(one, ResourceKind::Route, 51, "main").updated_at)
            )
            .await
    ));
    assert!(is_conflict(
        &directory
            .create_resource(
                &resource(one, ResourceKind::Route, 2, "other"),
                &[],
                None,
                &Change::by_system(resource(one, ResourceKind::Route, 2, "other").updated_at)
            )
            .await
    ));
    let nobody = TenantId::from_bytes([77; 16]);
    assert!(is_conflict(
        &directory
            .create_resource(
                &resource(nobody, ResourceKind::Route, 52, "a"),
                &[],
                None,
                &Change::by_system(resource(nobody, ResourceKind::Route, 52, "a").updated_at)
            )
            .await
    ));
    // An id belongs to one tenant and one kind.
    let Resource { kind, id, .. } = made[0];
    ensure!(!directory.delete_resource(two, (kind, id), &[], &Change::by_system(at(2))).await?);
    ensure!(
        !directory.delete_resource(one, (ResourceKind::Webhook, id), &[], &Change::by_system(at(2))).await?
    );
    assert_eq!(base.changes().await?.len(), changes.len() + 1);
    ensure!(directory.delete_resource(one, (kind, id), &[], &Change::by_system(at(2))).await?);
    ensure!(!directory.delete_resource(one, (kind, id), &[], &Change::by_system(at(2))).await?);
    assert_eq!(directory.list_resources(one).await?.len(), 4);
    let last = base.changes().await?.pop().context("a change")?;
    assert_eq!((last.1, last.2, last.3), (one.to_string(), "resource".to_owned(), made[0].id_text()));
    Ok(())
}

pub async fn of_two_changes_at_once_one_counts(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let first = resource(tenant, ResourceKind::Route, 1, "a");
    base.directory.create_resource(&first, &[], None, &Change::by_system(first.updated_at)).await?;
    let tasks: Vec<_> = (0..10)
        .map(|n| {
            let directory = base.directory.clone();
            let changed = Resource { body: format!("{{\"n\":{n}}}"), version: 2, ..first.clone() };
            tokio::spawn(async move {
                directory
                    .update_resource(&changed, &[], &Change::by_system(changed.updated_at))
                    .await
                    .map(|()| changed)
            })
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
    base.directory
        .create_resource(
            &resource(tenant, ResourceKind::Route, 2, "b"),
            &[],
            None,
            &Change::by_system(resource(tenant, ResourceKind::Route, 2, "b").updated_at),
        )
        .await?;
    let taken = Resource { name: "b".to_owned(), version: 3, ..first.clone() };
    assert!(is_conflict(
        &base.directory.update_resource(&taken, &[], &Change::by_system(taken.updated_at)).await
    ));
    let other = base.tenant(2).await?.id;
    let foreign = Resource { tenant: other, version: 3, ..first };
    assert!(is_conflict(
        &base.directory.update_resource(&foreign, &[], &Change::by_system(foreign.updated_at)).await
    ));
    Ok(())
}

pub async fn a_tenant_has_only_so_many_of_each_kind(base: &Base) -> Result<()> {
    let (one, other) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    for kind in ResourceKind::ALL {
        let most = kind.most();
        // Creates all but a few, and then races for the last ones.
        for n in 0..most - 5 {
            base.directory
                .create_resource(
                    &resource(one, kind, n, &format!("n{n}")),
                    &[],
                    None,
                    &Change::by_system(resource(one, kind, n, &format!("n{n}")).updated_at),
                )
                .await?;
        }
        let tasks: Vec<_> = (most - 5..most + 10)
            .map(|n| {
                let (directory, made) = (base.directory.clone(), resource(one, kind, n, &format!("n{n}")));
                tokio::spawn(async move {
                    directory.create_resource(&made, &[], None, &Change::by_system(made.updated_at)).await
                })
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
        ensure!(base.directory.delete_resource(one, (kind, id), &[], &Change::by_system(at(2))).await?);
        base.directory
            .create_resource(
                &resource(one, kind, 9_000, "freed"),
                &[],
                None,
                &Change::by_system(resource(one, kind, 9_000, "freed").updated_at),
            )
            .await?;
        base.directory
            .create_resource(
                &resource(other, kind, 9_001, "freed"),
                &[],
                None,
                &Change::by_system(resource(other, kind, 9_001, "freed").updated_at),
            )
            .await?;
    }
    Ok(())
}

pub async fn of_repeats_at_once_one_makes_it(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (directory, made) =
                (base.directory.clone(), resource(tenant, ResourceKind::Sender, n, &format!("n{n}")));
            tokio::spawn(async move {
                directory
                    .create_resource(&made, &[], Some(&once(3, 4)), &Change::by_system(made.updated_at))
                    .await
            })
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
    base.directory
        .create_resource(&own.resource(at(1)), &[], None, &Change::by_system(own.resource(at(1)).updated_at))
        .await?;
    let operators = ProviderAccount { id: ProviderId::from_bytes([8; 16]), ..operators };
    base.directory
        .create_resource(
            &operators.resource(at(1)),
            &[],
            None,
            &Change::by_system(operators.resource(at(1)).updated_at),
        )
        .await?;
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
    base.directory
        .update_resource(
            &changed.resource(at(5)),
            &[],
            &Change::by_system(changed.resource(at(5)).updated_at),
        )
        .await?;
    follow(&old).await?;
    assert_eq!(providers(&old, tenant), std::slice::from_ref(&changed));
    ensure!(
        base.directory
            .delete_resource(
                tenant,
                (ResourceKind::Provider, *changed.id.bytes()),
                &[],
                &Change::by_system(at(6))
            )
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
        base.directory
            .create_resource(
                &made.resource(at(1)),
                &[],
                None,
                &Change::by_system(made.resource(at(1)).updated_at),
            )
            .await?;
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
