//! The operator's accounts at providers.

use super::{answer, load, operator_context};
use crate::{
    cli::ProviderCommand,
    machine::{SystemClock, rng},
};
use anyhow::{Context as _, bail};
use countersign_core::{
    access::change::Change,
    delivery::account::{ProviderAccount, Shared},
    management::{
        providers::{self, NewProvider},
        resources::ResourceError,
    },
    ports::{clock::Clock as _, gateways::TrialOutcome},
    tenant::OPERATOR,
};
use serde_json::Value;
use std::{io::Read as _, path::Path};

pub(super) async fn run(config: Option<&Path>, command: ProviderCommand) -> anyhow::Result<()> {
    let context = operator_context(&load(config, [])?).await?;
    let now = SystemClock.now();
    match command {
        ProviderCommand::Create { name, kind, settings, rate, share } => {
            let settings = read_settings(&settings)?;
            let new = NewProvider { name, kind, settings, rate, shared: share.unwrap_or_default() };
            let made = providers::create_provider(
                &context,
                OPERATOR,
                new,
                None,
                &Change::by_operator(now),
                &mut rng(),
            )
            .await;
            let made = made.map_err(explain).context("The account was not made")?;
            answer(&made.value.id.to_string())?;
            eprintln!(
                "Made. `countersign provider test {} --to +...` sends a message through it.",
                made.value.id
            );
        }
        ProviderCommand::List => {
            for account in providers::list_providers(&context, OPERATOR).await? {
                answer(&line(&account))?;
            }
        }
        ProviderCommand::Test { provider, to } => {
            let outcome =
                providers::test_provider(&context, None, OPERATOR, provider, to, &Change::by_operator(now))
                    .await;
            match outcome.map_err(explain).context("Nothing was sent")? {
                TrialOutcome::Accepted { id, .. } => {
                    answer(&format!("accepted\t{}", id.as_deref().unwrap_or("-")))?;
                }
                TrialOutcome::Refused { class, reason } => bail!("The provider refused ({class}): {reason}"),
            }
        }
        ProviderCommand::RotateReceipts { provider } => {
            let renewed =
                providers::renew_receipts(&context, OPERATOR, provider, &Change::by_operator(now)).await;
            renewed.map_err(explain).context("Nothing was renewed")?;
            eprintln!("Renewed: messages bear another URL within 2 s; the one before is taken for a day.");
        }
        ProviderCommand::Delete { provider } => {
            let deleted =
                providers::delete_provider(&context, OPERATOR, provider, &Change::by_operator(now)).await;
            deleted.map_err(explain).context("The account was not deleted")?;
            eprintln!("Deleted {provider}.");
        }
    }
    Ok(())
}

/// Prints each error of a field on its own line. The errors contain no values.
pub(super) fn explain(error: ResourceError) -> anyhow::Error {
    let ResourceError::Fields(faults) = error else { return error.into() };
    let lines = faults.iter().map(|fault| format!("\n  {} {}", fault.field, fault.message));
    anyhow::anyhow!("These fields are wrong:{}", lines.collect::<String>())
}

fn read_settings(path: &Path) -> anyhow::Result<Value> {
    let mut text = zeroize::Zeroizing::new(String::new());
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("Standard input cannot be read")?;
    } else {
        let file = std::fs::File::open(path);
        let read = file.and_then(|mut file| file.read_to_string(&mut text));
        read.with_context(|| format!("{} cannot be read", path.display()))?;
    }
    // The parser's own message would quote what it found, which may be a secret.
    let parsed = serde_json::from_str(&text);
    parsed.map_err(|error| {
        anyhow::anyhow!("The settings are no JSON (line {}, column {})", error.line(), error.column())
    })
}

fn line(account: &ProviderAccount) -> String {
    let shared = match &account.shared {
        Shared::No => "nobody".to_owned(),
        Shared::All => "all".to_owned(),
        Shared::With(tenants) => tenants.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    };
    let verified = account.verified_at.map_or("untested".to_owned(), |at| format!("tested {at}"));
    let state = if account.enabled { "enabled" } else { "disabled" };
    format!("{}\t{}\t{}\t{state}\t{verified}\t{shared}", account.id, account.name, account.kind)
}
