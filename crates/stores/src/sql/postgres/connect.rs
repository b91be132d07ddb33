//! Connects to a Postgres server: reads the URL, and sets up TLS.
//!
//! TLS always verifies the server's certificate and name (libpq's `verify-full`), because encryption alone
//! does not stop a man in the middle.

use super::PATIENCE;
use crate::certificates::Certificates;
use countersign_core::ports::error::StoreError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{net::IpAddr, sync::Arc};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The driver's parser quotes parts of a URL that it cannot read, which may be the password. So its messages
/// are not passed on.
pub(in crate::sql) fn parse_url(url: &str) -> Result<Config, StoreError> {
    let refuse = |reason| Err(StoreError::unavailable(reason));
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return refuse("the database URL must begin with postgres://");
    }
    if is_ambiguous(url) {
        return refuse(
            "the database URL must hold one @, before its host: write @ in a user or a password as %40, \
             and a password in front of the host, not as a parameter",
        );
    }
    let Ok(mut config) = with_known_mode(url).parse::<Config>() else {
        return refuse(
            "the database URL must read postgres://user:password@host:port/database; \
             the authority of its certificate is the setting database.ca_file",
        );
    };
    if !config.get_hostaddrs().is_empty() {
        // It would lead elsewhere than the host by which TLS is judged.
        return refuse("the database URL must name its host itself, without the parameter hostaddr");
    }
    if config.get_hosts().is_empty() {
        return refuse("the database URL names no host");
    }
    if config.get_user().is_none_or(str::is_empty) {
        return refuse("the database URL names no user");
    }
    if config.get_dbname().is_none_or(str::is_empty) {
        return refuse("the database URL names no database");
    }
    if config.get_ssl_mode() == SslMode::Prefer && !config.get_hosts().iter().all(is_here) {
        // Otherwise an attacker in the middle could make both sides give up TLS.
        config.ssl_mode(SslMode::Require);
    }
    config.application_name("countersign").connect_timeout(PATIENCE).tcp_user_timeout(4 * PATIENCE);
    Ok(config)
}

/// Returns whether the driver might take a part of the password for a host or a database, which messages
/// show. The driver ends the credentials at the first `@`, even if that `@` is a part of the password.
fn is_ambiguous(url: &str) -> bool {
    url.split_once('@').is_some_and(|(before, after)| after.contains('@') || before.contains("password="))
}

/// `host:port/database` for each host.
pub(in crate::sql) fn servers(config: &Config) -> String {
    let ports = config.get_ports();
    let server = |(at, host): (usize, &Host)| {
        // One port may apply to all hosts.
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    };
    let servers: Vec<_> = config.get_hosts().iter().enumerate().map(server).collect();
    // Options may choose another schema, which holds other data.
    let options = config.get_options().map(|options| format!("?{options}")).unwrap_or_default();
    format!("{}/{}{options}", servers.join(","), config.get_dbname().unwrap_or_default())
}

/// Replaces libpq modes that the driver does not know. Each of them is verified in full here.
fn with_known_mode(url: &str) -> String {
    let Some((address, query)) = url.split_once('?') else { return url.to_owned() };
    let known = |part: &str| match part {
        "sslmode=verify-full" | "sslmode=verify-ca" => "sslmode=require".to_owned(),
        other => other.to_owned(),
    };
    format!("{address}?{}", query.split('&').map(known).collect::<Vec<_>>().join("&"))
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Whether the URL says that the connection is never encrypted.
pub(in crate::sql) fn refuses_tls(config: &Config) -> bool {
    config.get_ssl_mode() == SslMode::Disable
}

/// Trusts the authorities of `certificates`, or else those of the system. An operator who names a certificate
/// wants TLS, even on this machine.
pub(super) fn connector(
    config: &mut Config,
    certificates: &Certificates,
) -> Result<MakeRustlsConnect, StoreError> {
    let Certificates { authority, client } = certificates;
    if client.is_some() {
        if refuses_tls(config) {
            return Err(StoreError::unavailable("database.client_certificate is of use with TLS only"));
        }
        config.ssl_mode(SslMode::Require);
    }
    let mut roots = RootCertStore::empty();
    match (authority, config.get_ssl_mode()) {
        (Some(pem), mode) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let added = certificate.map_err(StoreError::unavailable).map(|one| roots.add(one));
                added?.map_err(StoreError::unavailable)?;
            }
            if roots.is_empty() {
                return Err(StoreError::unavailable("database.ca_file holds no certificate"));
            }
            if mode != SslMode::Disable {
                config.ssl_mode(SslMode::Require);
            }
        }
        (None, SslMode::Require) => {
            let (known, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if known == 0 {
                return Err(StoreError::unavailable(
                    "this system names no certificate authorities: set database.ca_file",
                ));
            }
        }
        (None, _) => drop(config.ssl_mode(SslMode::Disable)),
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(StoreError::unavailable)?
        .with_root_certificates(roots);
    let tls = match client {
        Some(client) => {
            let (chain, key) = client.parse().map_err(StoreError::unavailable)?;
            tls.with_client_auth_cert(chain, key).map_err(StoreError::unavailable)?
        }
        None => tls.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(tls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn a_bad_url_is_refused_without_its_password() {
        for url in [
            "",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@h:99999/d",
            "postgres://u:hunter2@/d",
            "postgres://u:hunter2@h",
            "postgres://u:hunter2@h/d?hunter2=1",
            "postgres://:hunter2@h/d",
            "postgres://u:hunter2@h/",
            // The password contains an `@`.
            "postgres://u:p@hunter2@h/d",
            "postgres://u:p@hunter2@h:5/d?sslmode=disable",
            "postgres://u:p@x/hunter2@h/d",
            "postgres://u:p@x/y?hunter2@h/d",
            "postgres://u@hunter2:p@h/d",
            "postgres://h/d?user=u&password=p@hunter2/d",
            "postgres://h:5/d?user=u&password=p@hunter2/d",
        ] {
            let error = parse_url(url).err().unwrap_or_else(|| panic!("{url} was taken"));
            let cause = error.source().unwrap().to_string();
            assert!(cause.starts_with("the database URL") && !cause.contains("hunter2"), "{cause}");
        }
    }

    #[test]
    fn a_server_is_named_without_its_password() {
        for (url, named) in [
            ("postgres://u:hunter2@db/d", "db:5432/d"),
            ("postgres://u:hunter2@one:1,two:2/d?sslmode=disable", "one:1,two:2/d"),
            ("postgres://u:p%40hunter2@db/d", "db:5432/d"),
            ("postgres://u:/hunter2?:#,&=@db/d", "db:5432/d"),
            ("postgres://db/d?user=u&password=p%40hunter2", "db:5432/d"),
            ("postgres://u:p@db/d?options=-c%20search_path%3Dx", "db:5432/d?-c search_path=x"),
        ] {
            assert_eq!(servers(&parse_url(url).unwrap()), named);
        }
    }

    #[test]
    fn beyond_this_machine_only_tls_unless_the_url_says_otherwise() {
        for (url, ca, mode) in [
            ("postgres://u:p@127.0.0.1:5432/d", false, SslMode::Disable),
            ("postgres://u:p@localhost/d?sslmode=require", false, SslMode::Require),
            ("postgres://u:p@localhost/d", true, SslMode::Require),
            ("postgres://u:p@host/d", false, SslMode::Require),
            ("postgres://u:p@127.0.0.1,host/d", false, SslMode::Require),
            ("postgres://u:p@host/d?sslmode=prefer", false, SslMode::Require),
            ("postgres://u:p@host/d?connect_timeout=2&sslmode=verify-full", true, SslMode::Require),
            ("postgres://u:p@host/d?sslmode=disable", false, SslMode::Disable),
            ("postgres://u:p@host/d?sslmode=disable", true, SslMode::Disable),
        ] {
            let mut config = parse_url(url).unwrap();
            let authority = rcgen::generate_simple_self_signed(["db".to_owned()]).unwrap().cert.pem();
            let authority = ca.then(|| authority.into_bytes());
            let connector = connector(&mut config, &Certificates { authority, client: None });
            assert!(connector.is_ok(), "{url}");
            assert_eq!(config.get_ssl_mode(), mode, "{url}");
        }
        let mut config = parse_url("postgres://u:p@host/d").unwrap();
        let none = Certificates { authority: Some(b"no certificate".to_vec()), client: None };
        assert!(connector(&mut config, &none).is_err());
    }
}
