//! Verifies and exports the audit log.

use super::{answer, load};
use crate::{cli::AuditCommand, configuration::Settings, machine::SystemClock, wiring};
use anyhow::{Context as _, bail, ensure};
use countersign_api::audit_line;
use countersign_core::{
    access::change::Change,
    error::chain,
    id::TenantId,
    keyring::KeyRing,
    management::audit::{Export, Kept, Standing, Verified, standing_of},
    ports::{
        clock::Clock as _,
        directory::{Directory, audit::AuditRepair as _},
        error::StoreError,
    },
    tenant::OPERATOR,
};
use countersign_stores::directory::SqlDirectory;
use std::{collections::BTreeSet, path::Path, process::ExitCode, sync::Arc};

/// The exit code if the chains are whole, but the kept head cannot be compared.
const NOT_COMPARED: u8 = 2;

pub(super) async fn run(config: Option<&Path>, command: AuditCommand) -> anyhow::Result<ExitCode> {
    let settings = load(config, [])?;
    let (directory, keyring) = open(&settings).await?;
    let found = Found::read(&directory).await.context("The tenants cannot be read")?;
    let known = |tenant: TenantId| {
        let known = found.tenants.contains(&tenant);
        ensure!(known, "There is no tenant {tenant}; `countersign tenant list` shows them");
        Ok(tenant)
    };
    match command {
        AuditCommand::Verify { tenant, operator, head } => {
            let one = tenant.or(operator.then_some(OPERATOR)).map(known).transpose()?;
            ensure!(
                one.is_some() || head.is_none(),
                "--head is of one chain: name it with --tenant or --operator"
            );
            let found = match one {
                Some(tenant) => Found { tenants: BTreeSet::from([tenant]), unreadable: Vec::new() },
                None => found,
            };
            verify_all(&directory, &keyring, found, head).await
        }
        AuditCommand::Export { tenant, .. } => {
            export(&directory, known(tenant.unwrap_or(OPERATOR))?).await.map(|()| ExitCode::SUCCESS)
        }
        AuditCommand::Restart { tenant, why, .. } => {
            let tenant = known(tenant.unwrap_or(OPERATOR))?;
            let by = Change::by_operator(SystemClock.now());
            let head = directory.restart_chain(tenant, &why, &by).await;
            answer(&head.context("The chain cannot be restarted")?.text())?;
            eprintln!(
                "The chain continues after this number. `countersign audit verify` compares what comes now."
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn open(settings: &Settings) -> anyhow::Result<(SqlDirectory, Arc<KeyRing>)> {
    let sql = wiring::open_sql(settings).await?;
    wiring::refuse_pending_migrations(&sql).await?;
    let (keyring, _) = wiring::open_keyring(settings, false)?;
    let keyring = Arc::new(keyring);
    Ok((SqlDirectory::new(sql, Arc::clone(&keyring)), keyring))
}

/// Every tenant, and every tenant that a part of a chain names, even if its row was removed.
struct Found {
    tenants: BTreeSet<TenantId>,
    /// What is no id.
    unreadable: Vec<String>,
}

impl Found {
    async fn read(directory: &dyn Directory) -> Result<Self, StoreError> {
        let mut found = Self { tenants: BTreeSet::from([OPERATOR]), unreadable: Vec::new() };
        let mut after = String::new();
        while let Some(next) = directory.next_chain(&after).await? {
            match next.parse() {
                Ok(tenant) => {
                    found.tenants.insert(tenant);
                }
                Err(_) => found.unreadable.push(next.clone()),
            }
            after = next;
        }
        Ok(found)
    }
}

async fn verify_all(
    directory: &dyn Directory,
    keyring: &KeyRing,
    found: Found,
    kept: Option<Kept>,
) -> anyhow::Result<ExitCode> {
    let (mut wrong, all) = (found.unreadable.len(), found.tenants.len() + found.unreadable.len());
    for text in found.unreadable {
        eprintln!("{text:?}: it is no tenant's id");
    }
    let mut code = ExitCode::SUCCESS;
    for tenant in found.tenants {
        let broken = match standing_of(directory, keyring, tenant, kept).await {
            Ok(Ok(Standing::Whole(Verified { entries, head, kept_removed }))) => {
                answer(&format!("{tenant}\t{entries}\t{}", head.text()))?;
                if let Some(kept) = kept.filter(|_| kept_removed) {
                    let n = kept.n;
                    eprintln!("{tenant}: entry {n} was removed by the retention; it cannot be compared");
                    code = ExitCode::from(NOT_COMPARED);
                }
                continue;
            }
            Ok(Ok(Standing::Erased { entry })) => {
                answer(&format!("{tenant}\tskipped\terased by entry {entry} of the operator"))?;
                continue;
            }
            Ok(Err(broken)) => broken.to_string(),
            Err(error @ StoreError::Corrupt { .. }) => chain(&error),
            Err(error) => return Err(error).context(format!("The audit log of {tenant} cannot be read")),
        };
        wrong += 1;
        eprintln!("{tenant}: {broken}");
    }
    if wrong > 0 {
        bail!("{wrong} of {all} chains are not as they were written");
    }
    Ok(code)
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
