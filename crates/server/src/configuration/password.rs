//! Passwords in files of their own, beside a URL without one: many tools make a Secret that holds nothing else.

use super::{Reader, Secret, certificates::read_path};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{io, path::Path};
use zeroize::Zeroizing;

/// What a URL may hold as it is. `%` and the signs that end a password are not among them.
const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Reads the URL of a store, and joins it with its password if a file holds that.
pub(super) fn read_url(reader: &mut Reader, base: &Path, section: &str, default: &str) -> Option<Secret> {
    let (url_key, key) = (format!("{section}.url"), format!("{section}.password_file"));
    let url = reader.secret(&url_key, base).unwrap_or_else(|| Secret::new(default));
    let Some(file) = read_path(reader, base, &key)? else { return Some(url) };
    if url.expose().starts_with("sqlite://") {
        reader.problem(&key, "is of use with the URL of a server only, not with a file");
        return None;
    }
    if holds_password(url.expose()) {
        let holder = if url.is_in_file() { format!("{url_key}_file") } else { url_key };
        reader.problem(&key, &format!("{holder} holds a password, too; set one of them"));
        return None;
    }
    url.with_password(file).map_err(|error| reader.problem(&key, &error.to_string())).ok()
}

/// Reads the password of the Sentinels.
pub(super) fn read_sentinel_password(
    reader: &mut Reader,
    base: &Path,
    url: Option<&str>,
) -> Option<Option<Secret>> {
    let key = "codes.sentinel_password_file";
    let Some(file) = read_path(reader, base, key)? else { return Some(None) };
    let url = url?;
    if !url.starts_with("redis-sentinel://") && !url.starts_with("rediss-sentinel://") {
        reader.problem(key, "is of use with a redis-sentinel:// URL only");
        return None;
    }
    Secret::read_password(&file).map(Some).map_err(|error| reader.problem(key, &error.to_string())).ok()
}

/// Puts a password into a URL without one. The reader of the URL judges its other parts.
pub(super) fn insert_password(url: &str, password: &str) -> io::Result<Zeroizing<String>> {
    if holds_password(url) {
        return Err(io::Error::other("url and password_file both hold a password; set one of them"));
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (user, servers) = rest.split_at(user_end(rest).unwrap_or_default());
    let servers = servers.strip_prefix('@').unwrap_or(servers);
    let password = Zeroizing::new(utf8_percent_encode(password, &KEPT).to_string());
    Ok(Zeroizing::new(format!("{scheme}://{user}:{}@{servers}", *password)))
}

fn holds_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let parameters = rest.split_once('?').map_or("", |(_, parameters)| parameters);
    let in_front = user_end(rest).is_some_and(|end| rest[..end].contains(':'));
    in_front || parameters.split('&').any(|parameter| parameter.starts_with("password="))
}

/// The place of the `@` behind the user.
fn user_end(rest: &str) -> Option<usize> {
    rest.split(['/', '?', '#']).next()?.rfind('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_behind_the_user() {
        for (url, joined) in [
            (
                "postgres://app@db:5432/d?sslmode=disable",
                "postgres://app:p%40%2F%3A%25%20%C5%82@db:5432/d?sslmode=disable",
            ),
            ("redis://cache:6379", "redis://:p%40%2F%3A%25%20%C5%82@cache:6379"),
            ("rediss-cluster://app@a:1,b:2", "rediss-cluster://app:p%40%2F%3A%25%20%C5%82@a:1,b:2"),
            ("redis-sentinel://a:1/main", "redis-sentinel://:p%40%2F%3A%25%20%C5%82@a:1/main"),
        ] {
            assert_eq!(insert_password(url, "p@/:% ł").unwrap().as_str(), joined);
        }
    }

    #[test]
    fn a_second_password_is_refused() {
        for url in [
            "postgres://app:hunter2@db/d",
            "postgres://db/d?user=app&password=hunter2",
            "redis://:hunter2@a:1",
            "redis-sentinel://app:hunter2@a:1/main",
        ] {
            let refused = insert_password(url, "other").unwrap_err().to_string();
            assert!(refused.contains("both") && !refused.contains("hunter2"), "{refused}");
        }
    }
}
