//! Verifies and exports the audit log.

use super::{answer, load};
use crate::{cli::AuditCommand, configuration::Settings, machine::SystemClock, wiring};
use anyhow::{Context as _, bail, ensure};
use countersign_api::audit_line;
use countersign_core::{
    access::change::Change,
    id::TenantId,
    keyring::KeyRing,
    management::audit::{Export, Kept, Verified, verify},
    ports::{
        clock::Clock as _,
        directory::{Directory, audit::AuditRepair as _},
    },
    tenant::OPERATOR,
};
use countersign_stores::directory::SqlDirectory;
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// The number of tenants on a page.
const PAGE: u16 = 100;

pub(super) async fn run(config: Option<&Path>, command: AuditCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let (directory, keyring) = open(&settings).await?;
    let all = tenants(&directory).await.context("The tenants cannot be read")?;
    let known = |tenant: TenantId| {
        ensure!(all.contains(&tenant), "There is no tenant {tenant}; `countersign tenant list` shows them");
        Ok(tenant)
    };
    match command {
        AuditCommand::Verify { tenant, operator, head } => {
            let one = tenant.or(operator.then_some(OPERATOR)).map(known).transpose()?;
            ensure!(
                one.is_some() || head.is_none(),
                "--head is of one chain: name it with --tenant or --operator"
            );
            let tenants = one.map_or(all, |tenant| BTreeSet::from([tenant]));
            verify_all(&directory, &keyring, tenants, head).await
        }
        AuditCommand::Restart { tenant, why, .. } => {
            let tenant = known(tenant.unwrap_or(OPERATOR))?;
            let by = Change::by_operator(SystemClock.now());
            let head = directory.restart_chain(tenant, &why, &by).await;
            answer(&head.context("The chain cannot be begun anew")?.text())?;
            eprintln!(
                "The chain continues after this number. `countersign audit verify` compares what comes now."
            );
            Ok(())
        }
        AuditCommand::Export { tenant, .. } => export(&directory, known(tenant.unwrap_or(OPERATOR))?).await,
    }
}

async fn open(settings: &Settings) -> anyhow::Result<(SqlDirectory, Arc<KeyRing>)> {
    let sql = wiring::open_sql(settings).await?;
    wiring::refuse_pending_migrations(&sql).await?;
    let (keyring, _) = wiring::open_keyring(settings, false)?;
    let keyring = Arc::new(keyring);
    Ok((SqlDirectory::new(sql, Arc::clone(&keyring)), keyring))
}

/// Every tenant, and every chain. A chain whose head was deleted is found by its tenant. The chain of a tenant
/// that is being erased has gaps.
async fn tenants(directory: &dyn Directory) -> anyhow::Result<BTreeSet<TenantId>> {
    let mut found = BTreeSet::from([OPERATOR]);
    let (mut after, mut erasing) = (None, BTreeSet::new());
    loop {
        let page = directory.list_tenants(after, PAGE).await?;
        found.extend(page.iter().map(|tenant| tenant.id));
        erasing.extend(page.iter().filter(|tenant| tenant.erasing).map(|tenant| tenant.id));
        after = page.last().map(|tenant| tenant.id);
        if page.len() < usize::from(PAGE) {
            break;
        }
    }
    after = None;
    loop {
        let page = directory.list_chain_heads(after, PAGE).await?;
        found.extend(page.iter().map(|head| head.tenant));
        after = page.last().map(|head| head.tenant);
        if page.len() < usize::from(PAGE) {
            return Ok(&found - &erasing);
        }
    }
}

async fn verify_all(
    directory: &dyn Directory,
    keyring: &KeyRing,
    tenants: BTreeSet<TenantId>,
    kept: Option<Kept>,
) -> anyhow::Result<()> {
    let (mut wrong, all) = (0, tenants.len());
    for tenant in tenants {
        let found = verify(directory, keyring, tenant, kept).await;
        match found.with_context(|| format!("The audit log of {tenant} cannot be read"))? {
            Ok(Verified { entries, head }) => {
                answer(&format!("{tenant}\t{entries}\t{}", head.text()))?;
            }
            Err(broken) => {
                wrong += 1;
                eprintln!("{tenant}: {broken}");
            }
        }
    }
    if wrong > 0 {
        bail!("{wrong} of {all} chains are not as they were written");
    }
    Ok(())
}

async fn export(directory: &dyn Directory, tenant: TenantId) -> anyhow::Result<()> {
    let unread = "The audit log cannot be read";
    let mut export = Export::begin(directory, tenant, None, None).await.context(unread)?;
    loop {
        let page = export.next_page(directory).await.context(unread)?;
        if page.is_empty() {
            return Ok(());
        }
        for entry in page {
            answer(audit_line(entry).trim_end())?;
        }
    }
}
