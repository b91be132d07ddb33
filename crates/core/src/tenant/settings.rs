//! The settings of a tenant. The directory stores one text for each name.

use crate::{
    access::allowlist::Allowlist,
    locale::Locale,
    phone::countries::Countries,
    tenant::{
        limits::{Buckets, LimitName, LimitScope},
        security::Security,
    },
};
use std::collections::BTreeMap;

/// One setting of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A limit; `None` resets it to the default, or to no limit.
    Limit(LimitName, Option<Buckets>),
    Countries(Countries),
    /// The addresses from which the tenant's keys may be used.
    ApiAllowlist(Allowlist),
    /// The addresses from which the tenant's members may use the portal.
    PortalAllowlist(Allowlist),
    Security(Security),
    /// The locale of the tenant's messages; `None` for English.
    Locale(Option<Locale>),
}

const API_ALLOWLIST: &str = "allowlist:api";
const PORTAL_ALLOWLIST: &str = "allowlist:portal";
const SECURITY: &str = "security";
const COUNTRIES: &str = "countries";
const LOCALE: &str = "locale";
const LIMIT: &str = "limit:";

impl Setting {
    /// The name and the value under which the directory stores the setting; the value is `None` if the
    /// setting is reset.
    pub fn stored(&self) -> (String, Option<String>) {
        match self {
            Self::Limit(name, buckets) => {
                (format!("{LIMIT}{}", name.as_str()), buckets.as_ref().map(Buckets::to_string))
            }
            Self::Countries(countries) => (COUNTRIES.to_owned(), Some(countries.to_string())),
            Self::ApiAllowlist(list) => (API_ALLOWLIST.to_owned(), stored_list(list)),
            Self::PortalAllowlist(list) => (PORTAL_ALLOWLIST.to_owned(), stored_list(list)),
            Self::Security(security) => {
                (SECURITY.to_owned(), (!security.is_default()).then(|| security.to_string()))
            }
            Self::Locale(locale) => (LOCALE.to_owned(), locale.as_ref().map(Locale::to_string)),
        }
    }

    /// Reads a stored setting. Returns `Ok(None)` for a name that only a newer release knows.
    pub fn read(name: &str, value: &str) -> Result<Option<Self>, Unreadable> {
        let read = match name.strip_prefix(LIMIT) {
            Some(limit) => LimitName::parse(limit)
                .zip(Buckets::parse(value))
                .map(|(limit, buckets)| Self::Limit(limit, Some(buckets))),
            None if name == COUNTRIES => Countries::parse(value).map(Self::Countries),
            None if name == API_ALLOWLIST => Allowlist::parse(value).map(Self::ApiAllowlist),
            None if name == PORTAL_ALLOWLIST => Allowlist::parse(value).map(Self::PortalAllowlist),
            None if name == SECURITY => Security::parse(value).map(Self::Security),
            None if name == LOCALE => Locale::parse(value).map(|locale| Self::Locale(Some(locale))),
            None => return Ok(None),
        };
        read.ok_or(Unreadable).map(Some)
    }
}

/// The stored form of an allowlist. A list that admits everybody is not stored.
fn stored_list(list: &Allowlist) -> Option<String> {
    (!list.is_empty()).then(|| list.to_string())
}

/// A stored setting that this release cannot read. The server must not serve its tenant as if the setting
/// were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a setting cannot be read")]
pub struct Unreadable;

/// All settings of a tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The tenant's own limits, without the defaults.
    pub limits: BTreeMap<LimitName, Buckets>,
    pub countries: Countries,
    /// The addresses from which the tenant's keys may be used.
    pub api_allowlist: Allowlist,
    /// The addresses from which the tenant's members may use the portal.
    pub portal_allowlist: Allowlist,
    pub security: Security,
    pub locale: Option<Locale>,
}

impl Settings {
    /// The maximum number of limits with names that the tenant chose.
    pub const MOST_LIMITS: u32 = 20;

    /// Adds a stored setting.
    pub fn take(&mut self, name: &str, value: &str) -> Result<(), Unreadable> {
        match Setting::read(name, value)? {
            Some(Setting::Limit(name, Some(buckets))) => drop(self.limits.insert(name, buckets)),
            Some(Setting::Countries(countries)) => self.countries = countries,
            Some(Setting::ApiAllowlist(list)) => self.api_allowlist = list,
            Some(Setting::PortalAllowlist(list)) => self.portal_allowlist = list,
            Some(Setting::Security(security)) => self.security = security,
            Some(Setting::Locale(locale)) => self.locale = locale,
            Some(Setting::Limit(_, None)) | None => {}
        }
        Ok(())
    }

    /// The buckets of a built-in limit: the tenant's own, or else the default.
    pub fn limit(&self, scope: LimitScope) -> Option<Buckets> {
        let own = self.limits.iter().find(|(name, _)| name.as_str() == scope.as_str());
        own.map(|(_, buckets)| buckets.clone()).or_else(|| scope.default_buckets())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_stored() {
        let (number, signup) = (LimitName::parse("number").unwrap(), LimitName::parse("signup").unwrap());
        let buckets = Buckets::parse("3/600").unwrap();
        let mut settings = Settings::default();
        for setting in [
            Setting::Limit(number, Some(buckets.clone())),
            Setting::Limit(signup.clone(), Some(buckets.clone())),
            Setting::Countries(Countries::parse("block PL=allow").unwrap()),
            Setting::ApiAllowlist(Allowlist::parse("10.0.0.0/8\toffice\n").unwrap()),
            Setting::PortalAllowlist(Allowlist::parse("192.0.2.0/24\thome\n").unwrap()),
            Setting::Security(Security::parse("session_idle=900").unwrap()),
            Setting::Locale(Locale::parse("pt-BR")),
        ] {
            let (name, value) = setting.stored();
            settings.take(&name, &value.unwrap()).unwrap();
        }
        assert_eq!(settings.limit(LimitScope::Number), Some(buckets.clone()));
        assert_eq!(settings.limit(LimitScope::EndUserIp), LimitScope::EndUserIp.default_buckets());
        assert_eq!(settings.limit(LimitScope::Key), None);
        assert_eq!(settings.limits.get(&signup), Some(&buckets));
        assert_eq!(settings.countries.to_string(), "block PL=allow");
        assert_eq!(settings.locale, Locale::parse("pt-BR"));
        assert_eq!(settings.api_allowlist.to_string(), "10.0.0.0/8\toffice\n");
        assert_eq!(settings.portal_allowlist.to_string(), "192.0.2.0/24\thome\n");
        assert_eq!(settings.security.to_string(), "session_idle=900");
        for at_default in [
            Setting::ApiAllowlist(Allowlist::default()),
            Setting::PortalAllowlist(Allowlist::default()),
            Setting::Security(Security::default()),
        ] {
            assert_eq!(at_default.stored().1, None, "{at_default:?}");
        }
        let unreadable = [
            ("limit:number", "many"),
            ("limit:A", "1/1"),
            ("countries", "none"),
            ("allowlist:api", "x"),
            ("allowlist:portal", "x"),
            ("security", "session_idle=1"),
            ("locale", "english"),
        ];
        for (name, value) in unreadable {
            assert_eq!(settings.take(name, value), Err(Unreadable), "{name}");
        }
        assert_eq!(settings.take("colour", "red"), Ok(()), "of a newer release");
        assert_eq!(Setting::Limit(signup, None).stored(), ("limit:signup".to_owned(), None));
    }
}
