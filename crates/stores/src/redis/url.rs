//! The addresses of the servers, from one URL.

use crate::certificates::Certificates;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};
use zeroize::Zeroizing;

/// The arrangement of the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setup {
    /// One server, or an address that always leads to the right server.
    Single,
    /// Sentinels, which know the master with this name.
    Sentinel(String),
    /// A cluster. Each of its nodes knows the others.
    Cluster,
}

/// A URL of the codes store: `redis://`, `redis-cluster://` or `redis-sentinel://`, with `rediss` for TLS.
/// User and password belong to an ACL, and are the same on all servers.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) setup: Setup,
    first: ConnectionInfo,
    pub(super) nodes: Vec<ConnectionInfo>,
    pub(super) tls: bool,
    pub(super) sentinel_password: Option<Zeroizing<String>>,
    pub(super) certificates: Certificates,
}

impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisUrl").field("setup", &self.setup).field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// Why a URL is refused. The error quotes nothing of the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// The scheme is unknown.
    #[error(
        "must be \"sqlite://PATH\", \"redis://HOST:PORT\", \"redis-cluster://HOST:PORT,HOST:PORT\" or \"redis-sentinel://HOST:PORT,HOST:PORT/NAME\""
    )]
    Scheme,
    /// A host is missing, or a port is wrong. The default port is 6379.
    #[error("each of its servers must be HOST:PORT, after USER:PASSWORD@ if there is one")]
    Address,
    /// The last part of the path is wrong: a cluster has only one database, and a Sentinel URL must name its
    /// master.
    #[error(
        "must end with the name of the master (redis-sentinel), a database (redis), or the last server (redis-cluster)"
    )]
    Path,
    /// A `/`, `?` or `#` in the password ended the password too early, so the rest would be read as something
    /// else.
    #[error("must hold / ? and # in a user or a password as %2F, %3F and %23")]
    Password,
}

impl RedisUrl {
    /// Reads a URL. With an authority in `certificates`, only that one is trusted.
    pub fn parse(text: &str, certificates: Option<Certificates>) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(RedisUrlError::Scheme)?;
        let (scheme, tls) = match scheme.strip_prefix("rediss") {
            Some(kind) => (kind, true),
            None => (scheme.strip_prefix("redis").ok_or(RedisUrlError::Scheme)?, false),
        };
        let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match servers.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), servers),
        };
        // Messages show the servers, so no part of the password may be read as a server.
        if path.contains('@') || user.contains(['?', '#']) {
            return Err(RedisUrlError::Password);
        }
        let (setup, database) = match (scheme, path) {
            ("", database) if database.bytes().all(|byte| byte.is_ascii_digit()) => (Setup::Single, database),
            ("-cluster", "") => (Setup::Cluster, ""),
            ("-sentinel", name) if !name.is_empty() => (Setup::Sentinel(name.to_owned()), ""),
            ("" | "-cluster" | "-sentinel", _) => return Err(RedisUrlError::Path),
            _ => return Err(RedisUrlError::Scheme),
        };
        let node = |host: &str| {
            if host.is_empty() {
                return None;
            }
            let scheme = if tls { "rediss" } else { "redis" };
            format!("{scheme}://{user}{host}/{database}").into_connection_info().ok()
        };
        let nodes: Option<Vec<_>> = hosts.split(',').map(node).collect();
        let nodes = nodes.ok_or(RedisUrlError::Address)?;
        if setup == Setup::Single && nodes.len() > 1 {
            return Err(RedisUrlError::Address);
        }
        let first = nodes.first().cloned().ok_or(RedisUrlError::Address)?;
        let certificates = certificates.unwrap_or_default();
        Ok(Self { setup, first, nodes, tls, sentinel_password: None, certificates })
    }

    /// The same servers, found by Sentinels that ask for this password.
    #[must_use]
    pub fn with_sentinel_password(self, password: Option<&str>) -> Self {
        Self { sentinel_password: password.map(|text| Zeroizing::new(text.to_owned())), ..self }
    }

    pub(super) fn first(&self) -> ConnectionInfo {
        self.first.clone()
    }

    /// The addresses of the servers in the URL, without user and password.
    pub fn servers(&self) -> String {
        self.nodes.iter().map(|node| node.addr().to_string()).collect::<Vec<_>>().join(",")
    }

    /// Whether another URL leads to the same servers, with whatever user, password and certificates.
    pub(super) fn leads_to(&self, other: &Self) -> bool {
        let database = |url: &Self| url.first.redis_settings().db();
        self.setup == other.setup
            && self.tls == other.tls
            && self.servers() == other.servers()
            && database(self) == database(other)
    }

    /// Whether another URL is the same in all.
    pub(super) fn is(&self, other: &Self) -> bool {
        let settings = |url: &Self| url.first.redis_settings().clone();
        let (ours, theirs) = (settings(self), settings(other));
        self.leads_to(other)
            && (ours.username(), ours.password()) == (theirs.username(), theirs.password())
            && self.sentinel_password == other.sentinel_password
            && self.certificates == other.certificates
    }

    /// Whether passwords and records would cross a network in the open.
    pub fn is_open(&self) -> bool {
        let local = |node: &ConnectionInfo| match node.addr() {
            ConnectionAddr::Tcp(host, _) => ["127.0.0.1", "::1", "localhost"].contains(&host.as_str()),
            _ => true,
        };
        !self.tls && !self.nodes.iter().all(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Setup, usize, bool), RedisUrlError> {
        RedisUrl::parse(text, None).map(|url| (url.setup.clone(), url.nodes.len(), url.tls))
    }

    #[test]
    fn each_setup_is_read_from_one_url() {
        let sentinel = Setup::Sentinel("main".into());
        for (text, expected) in [
            ("redis://127.0.0.1:6379", (Setup::Single, 1, false)),
            ("redis://localhost", (Setup::Single, 1, false)),
            ("redis://user:p%40ss@h:6379/2", (Setup::Single, 1, false)),
            ("rediss://user:pass@[::1]:6379", (Setup::Single, 1, true)),
            ("redis-cluster://a:1,b:2,c:3", (Setup::Cluster, 3, false)),
            ("rediss-cluster://u:p@a:1,b:2", (Setup::Cluster, 2, true)),
            ("redis-sentinel://u:p@a:1,b:2/main", (sentinel.clone(), 2, false)),
            ("rediss-sentinel://a:1/main", (sentinel, 1, true)),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        let url = RedisUrl::parse("redis-cluster://user:p%40ss@a:1,b:2", None).unwrap();
        for node in &url.nodes {
            let settings = node.redis_settings();
            assert_eq!((settings.username(), settings.password()), (Some("user"), Some("p@ss")));
        }
        assert!(!format!("{url:?}").contains("ss@"));
        assert_eq!(url.servers(), "a:1,b:2");
        // The last `@` ends the password.
        let url = RedisUrl::parse("redis://user:p@hunter2:,@a:1", None).unwrap();
        assert_eq!(
            (url.nodes[0].redis_settings().password(), url.servers()),
            (Some("p@hunter2:,"), "a:1".to_owned())
        );
    }

    #[test]
    fn others_are_refused_without_a_word_of_them() {
        for (text, error) in [
            ("http://a:1", RedisUrlError::Scheme),
            ("redisx://a:1", RedisUrlError::Scheme),
            ("redis:a", RedisUrlError::Scheme),
            ("redis://", RedisUrlError::Address),
            ("redis://a:99999", RedisUrlError::Address),
            ("redis://a:1,b:2", RedisUrlError::Address),
            ("redis-cluster://a:1,", RedisUrlError::Address),
            ("redis-cluster://a:1/3", RedisUrlError::Path),
            ("redis-sentinel://a:1", RedisUrlError::Path),
            ("redis://a:1/name", RedisUrlError::Path),
            ("redis://user:1/2@a:1", RedisUrlError::Password),
            ("redis://user:1?2@a:1/0", RedisUrlError::Password),
            ("redis://user:1#2@a:1", RedisUrlError::Password),
            ("redis-cluster://user?2@a:1", RedisUrlError::Password),
            ("redis-sentinel://user:1/2@a:1/main", RedisUrlError::Password),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn what_leaves_the_machine_in_the_open_is_known() {
        let open = |text| RedisUrl::parse(text, None).unwrap().is_open();
        assert!(open("redis://10.0.0.1:6379") && open("redis-cluster://127.0.0.1:1,b:2"));
        assert!(!open("redis://localhost:6379") && !open("rediss://10.0.0.1:6379"));
    }
}
