//! The codes store: a file on this machine, or Redis servers that nodes share.

use super::{read_again, read_certificates};
use crate::configuration::{CodesSettings, CodesUrl, RedisServers, Secret, Settings};
use anyhow::{Context as _, anyhow};
use countersign_core::{
    keyring::KeyRing,
    ports::{clock::Clock, codes::Codes},
    snapshot::ends::Relay,
};
use countersign_stores::{
    embedded::{CodesOptions, SqliteCodes},
    redis::{self, RedisCodes, RedisOptions, RedisUrl, Servers},
    sqlite::Database,
};
use std::sync::Arc;

pub(super) async fn open_codes(
    settings: &CodesSettings,
    clock: &Arc<dyn Clock>,
    keyring: &KeyRing,
    (dev, files): (bool, &mut Vec<Database>),
) -> anyhow::Result<(Arc<dyn Codes>, Option<Arc<RedisCodes>>)> {
    let url = match &settings.url {
        CodesUrl::Sqlite(file) => {
            let options = CodesOptions { full_sync: settings.full_sync, event_budget: settings.event_budget };
            let codes = SqliteCodes::open(file, Arc::clone(clock), options).await;
            let codes =
                codes.with_context(|| format!("The codes store {} cannot be opened", file.display()))?;
            files.push(codes.file().clone());
            return Ok((Arc::new(codes), None));
        }
        CodesUrl::Redis(servers) => redis_url(servers)?,
    };
    let (notes, refusal) = ask_servers(&url, dev || settings.may_forget).await?;
    for note in notes {
        tracing::warn!("{note}");
    }
    refusal?;
    let options = RedisOptions {
        partitions: settings.partitions,
        event_budget: settings.event_budget,
        confirm_replicas: settings.confirm_replicas,
        identity: keyring.identity().to_vec(),
        clock: None,
    };
    let codes = RedisCodes::open(&url, options).await.context("The codes store cannot be opened")?;
    let codes = Arc::new(codes);
    Ok((codes.clone(), Some(codes)))
}

/// Checks the configuration of the Redis servers. Returns notes for the operator, and the reasons to refuse
/// the servers; with `lenient` they are not refused. Returns an error if none answers.
pub(super) async fn ask_servers(
    url: &RedisUrl,
    lenient: bool,
) -> anyhow::Result<(Vec<String>, anyhow::Result<()>)> {
    let mut notes = Vec::new();
    if url.is_open() {
        let open =
            "codes.url leads off this machine without TLS: numbers and codes are sealed, passwords are not";
        notes.push(open.to_owned());
    }
    let asked = RedisCodes::ask_servers(url).await.context("The codes store cannot be reached")?;
    let Servers { weaknesses, silent } = asked;
    notes
        .extend(silent.iter().map(|server| format!("A server of the codes store does not answer: {server}")));
    if lenient {
        notes.extend(weaknesses.iter().map(|weakness| format!("The codes store may forget: {weakness}")));
        return Ok((notes, Ok(())));
    }
    let refusal = if weaknesses.is_empty() {
        Ok(())
    } else {
        Err(anyhow!(
            "The codes store may forget (codes.persistence = \"unchecked\" serves all the same):\n  {}",
            weaknesses.join("\n  ")
        ))
    };
    Ok((notes, refusal))
}

pub(crate) fn redis_url(servers: &RedisServers) -> anyhow::Result<RedisUrl> {
    let RedisServers { url, sentinel_password, certificates } = servers;
    let url = read_again("codes.url", url)?;
    let certificates = read_certificates("codes", certificates)?;
    let url = RedisUrl::parse(url.expose(), Some(certificates)).context("codes.url")?;
    let password = sentinel_password.as_ref();
    let password = password.map(|file| read_again("codes.sentinel_password_file", file)).transpose()?;
    Ok(url.with_sentinel_password(password.as_ref().map(Secret::expose)))
}

/// Tells the nodes that share the codes store. Does nothing if it is a local file.
pub async fn tell_nodes(settings: &Settings, relay: &Relay) -> anyhow::Result<()> {
    let CodesUrl::Redis(servers) = &settings.codes.url else { return Ok(()) };
    Ok(redis::tell_nodes(&redis_url(servers)?, relay).await?)
}
