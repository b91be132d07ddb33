//! Checks the configuration of a server, so that it does not lose data.

use super::{
    node::{Node, client},
    url::{RedisUrl, Setup},
};
use countersign_core::{error::chain, ports::error::StoreError};
use futures_util::future::join_all;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// The configuration of the servers, as they report it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// The settings that would silently lose codes or counts; empty if every server that answers is
    /// configured right.
    pub weaknesses: Vec<String>,
    /// The servers that did not answer, and why. One server of a cluster may be down: the others serve
    /// without it.
    pub silent: Vec<String>,
}

/// Asks every server of the URL at once. Returns an error if none answers.
pub(super) async fn ask_all(url: &RedisUrl) -> Result<Servers, StoreError> {
    let (mut found, mut silent) = (BTreeSet::new(), Vec::new());
    let asked = servers(url).await?.into_iter().map(|info| async {
        let name = info.addr().to_string();
        (name, ask(url, info).await)
    });
    let answers = join_all(asked).await;
    let none = answers.iter().all(|(_, answer)| answer.is_err());
    for (name, answer) in answers {
        match answer {
            Ok(text) => found.extend(judge(&text).into_iter().map(|problem| format!("{name}: {problem}"))),
            Err(error) if none => return Err(error),
            Err(error) => silent.push(format!("{name}: {}", chain(&error))),
        }
    }
    Ok(Servers { weaknesses: found.into_iter().collect(), silent })
}

async fn ask(url: &RedisUrl, info: redis::ConnectionInfo) -> Result<String, StoreError> {
    let ask = async {
        let client = client(url, info)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("INFO").query_async(&mut connection).await
    };
    timeout(PATIENCE, ask).await.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)
}

async fn servers(url: &RedisUrl) -> Result<Vec<redis::ConnectionInfo>, StoreError> {
    match &url.setup {
        // Only the nodes in the URL are asked; the other servers of the cluster should be configured alike.
        Setup::Single | Setup::Cluster => Ok(url.nodes.clone()),
        Setup::Sentinel(_) => {
            let master = async { Node::new(url)?.client().await };
            let master = master.await.map_err(StoreError::unavailable)?;
            Ok(vec![master.get_connection_info().clone()])
        }
    }
}

/// The wrong settings of a server, from its own report.
fn judge(info: &str) -> Vec<String> {
    let line = |name: &str| {
        let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(str::trim)
    };
    let mut problems = Vec::new();
    // Valkey reports 7.2.4 here, whatever its own version is.
    let version = line("redis_version").unwrap_or("unknown");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 7) {
        problems.push(format!("is version {version}; Redis 7 or Valkey is needed"));
    }
    if line("aof_enabled") != Some("1") {
        problems.push("must run with `appendonly yes`: it would forget live codes at a restart".to_owned());
    }
    let policy = line("maxmemory_policy").unwrap_or("unknown");
    if policy != "noeviction" {
        problems.push(format!(
            "must run with `maxmemory-policy noeviction`, not `{policy}`: it would forget counts of wrong codes in silence"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_forgets_is_named() {
        let good = "# Server\r\nredis_version:7.0.15\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n";
        assert!(judge(good).is_empty());
        let bad = "redis_version:6.2.1\r\naof_enabled:0\r\nmaxmemory_policy:allkeys-lru\r\n";
        let problems = judge(bad);
        assert_eq!(problems.len(), 3);
        assert!(problems[2].contains("allkeys-lru"));
        assert_eq!(judge("").len(), 3);
    }
}
