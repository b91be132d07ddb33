//! The section `[server]`: addresses, limits and time-outs of the listeners.

use super::{ClientSettings, PortalSettings, Reader, ServerSettings, certificates::read_pair};
use countersign_core::access::address::{TrustedProxies, parse_proxy};
use reqwest::Url;
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::Path,
};

/// The connection that keys are sent over must be encrypted, by this process or by a proxy in front.
const PLAIN: &str = "would serve plain HTTP beyond this machine: set server.tls.certificate and server.tls.key, or \
    server.trusted_proxies for a proxy that terminates TLS, or listen on 127.0.0.1";

pub(super) fn read_server(reader: &mut Reader, base: &Path) -> Option<ServerSettings> {
    let bind = reader.text("server.bind", "127.0.0.1:8080", parse_address);
    let tls = read_pair(reader, base, ["server.tls.certificate", "server.tls.key"]);
    let public_url = reader.text("server.public_url", "", parse_public_url);
    let portal = read_portal(reader, public_url.as_ref());
    let trusted_proxies = reader.list("server.trusted_proxies", |text| {
        parse_proxy(text).map_err(|error| format!("{text:?} {error}"))
    });
    let trusted_proxies = trusted_proxies.and_then(|networks| match TrustedProxies::new(networks) {
        Ok(proxies) => Some(proxies),
        Err(error) => {
            reader.problem("server.trusted_proxies", &error.to_string());
            None
        }
    });
    // If one of these settings is wrong, its own error is enough: the missing encryption need not be reported
    // too.
    let plain = tls == Some(None) && trusted_proxies.as_ref().is_some_and(|proxies| proxies.is_empty());
    let beyond = plain && bind.is_some_and(|bind| !bind.ip().to_canonical().is_loopback());
    let plain = beyond.then(|| reader.describe("server.bind", PLAIN));
    let operator_bind = reader.text("server.operator_bind", "127.0.0.1:9090", parse_address);
    let workers = reader.number("server.workers", 0, 0..=256);
    let auth_failures = reader.number("server.auth_failures", 30, 5..=10_000);
    let shutdown_timeout = reader.duration("server.shutdown_timeout", "25s", 1..=300);
    let clients = read_clients(reader);
    Some(ServerSettings {
        bind: bind?,
        plain,
        tls: tls?,
        public_url: public_url?,
        portal: portal?,
        trusted_proxies: trusted_proxies?,
        auth_failures: NonZeroU32::new(auth_failures?)?,
        operator_bind: operator_bind?,
        workers: usize::try_from(workers?).ok()?,
        shutdown_timeout: shutdown_timeout?,
        clients: clients?,
    })
}

/// Reads what serves the portal, where the API is at `public_url`, if that is right and set.
fn read_portal(reader: &mut Reader, public_url: Option<&Option<String>>) -> Option<PortalSettings> {
    let on = reader.choice("server.portal", "on", &[("on", true), ("off", false)]);
    let url = reader.text("server.portal_url", "", parse_portal_url)?;
    if url.is_some() && Some(&url) == public_url {
        reader.problem(
            "server.portal_url",
            "must have a host of its own; empty, the portal is at server.public_url",
        );
    }
    Some(PortalSettings { on: on?, url })
}

/// Reads an origin that a browser takes cookies from; `None` for an empty text.
fn parse_portal_url(text: &str) -> Result<Option<String>, String> {
    let url = parse_origin(text, "https://portal.example.com")?;
    let safe = url.as_ref().is_none_or(|url| url.scheme() == "https" || is_loopback(url));
    if !safe {
        return Err("must begin with https:// unless its host is this machine".to_owned());
    }
    Ok(url.map(text_of))
}

fn read_clients(reader: &mut Reader) -> Option<ClientSettings> {
    let connections = reader.number("server.connections", 8_192, 64..=100_000);
    let head_timeout = reader.duration("server.head_timeout", "5s", 1..=60);
    let body_timeout = reader.duration("server.body_timeout", "10s", 1..=60);
    let answer_timeout = reader.duration("server.answer_timeout", "10s", 1..=300);
    let keep_alive = reader.duration("server.keep_alive", "30s", 1..=3_600);
    Some(ClientSettings {
        connections: usize::try_from(connections?).ok()?,
        head_timeout: head_timeout?,
        body_timeout: body_timeout?,
        answer_timeout: answer_timeout?,
        keep_alive: keep_alive?,
    })
}

fn parse_public_url(text: &str) -> Result<Option<String>, String> {
    Ok(parse_origin(text, "https://sms.example.com")?.map(text_of))
}

/// Reads an origin; `None` for an empty text.
fn parse_origin(text: &str, example: &str) -> Result<Option<Url>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    let plain = |url: &Url| {
        let named = url.username().is_empty() && url.password().is_none();
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && named
    };
    let problem = || format!("must be like {example}, without a path");
    url.filter(plain).map(Some).ok_or_else(problem)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn text_of(origin: Url) -> String {
    origin.as_str().trim_end_matches('/').to_owned()
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, such as \"127.0.0.1:8080\"".to_owned())
}
