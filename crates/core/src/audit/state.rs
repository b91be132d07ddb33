//! The states of objects, as the audit log shows them. They contain no secrets, no phone numbers and no
//! version: a stored object whose secret was sealed again has the same state as before.

use crate::{
    access::{allowlist::Allowlist, key::Key, share::Share},
    people::{
        invitation::Invitation,
        member::{Limits, Member},
    },
    tenant::{
        Tenant, profile::Profile, resource::Resource, review::ReviewNumber, security::Security,
        settings::Setting,
    },
};
use serde_json::{Value, json};

/// The state of a key. The time of its last use is no part of it.
pub fn of_key(key: &Key) -> Value {
    json!({
        "name": key.name,
        "mode": key.mode.as_str(),
        "scopes": key.scopes.to_string(),
        "disabled": key.disabled,
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "allowlist": of_allowlist(&key.allowlist),
        "replaced_by": key.replaced_by.map(|id| id.to_string()),
        "member": key.member.map(|id| id.to_string()),
        "made_by": key.made_by.map(|id| id.to_string()),
        "profiles": of_share(&key.profiles),
    })
}

/// The listed things, or the word `all`. One text of all things could be longer than an entry stores.
fn of_share<T: Ord + std::fmt::Display>(share: &Share<T>) -> Value {
    share.listed().map_or("all".into(), |listed| listed.iter().map(T::to_string).collect())
}

/// The entries of an allowlist: the range, and the description after a space if there is one.
pub fn of_allowlist(list: &Allowlist) -> Value {
    let entry = |entry: &crate::access::allowlist::Entry| {
        format!("{} {}", entry.range, entry.description.as_str()).trim_end().to_owned()
    };
    list.entries().iter().map(entry).collect()
}

/// The state of a tenant, without its settings.
pub fn of_tenant(tenant: &Tenant) -> Value {
    json!({
        "name": tenant.name.as_str(),
        "disabled_at": tenant.disabled_at.map(|at| at.to_string()),
        "deleted_at": tenant.deleted_at.map(|at| at.to_string()),
        "erasing": tenant.erasing,
    })
}

/// The state of a profile.
pub fn of_profile(profile: &Profile) -> Value {
    let policy = &profile.policy;
    json!({
        "name": profile.name.as_str(),
        "display_name": profile.display_name.as_ref().map(|name| name.as_str()),
        "code_length": policy.code_length,
        "code_alphabet": policy.alphabet.as_str(),
        "expires_in": policy.expires_in.as_secs(),
        "max_checks": policy.max_checks,
        "max_sends": policy.max_sends,
        "resend_policy": policy.resend.as_str(),
        "limits": profile.limits.to_string(),
        "limit_notes": profile.limit_notes.to_string(),
    })
}

/// The state of a provider, sender, route, template or webhook.
pub fn of_resource(resource: &Resource) -> Value {
    // Only a newer release would write a body that is no JSON. Then the entry shows its text.
    let body = serde_json::from_str(&resource.body).unwrap_or_else(|_| Value::from(resource.body.as_str()));
    json!({ "name": resource.name, "content": body })
}

/// The state of a review number. The phone number and its code are no part of it.
pub fn of_review_number(review: &ReviewNumber) -> Value {
    json!({ "ends_at": review.ends_at.to_string() })
}

/// The state of a setting. Allowlists and the security settings are shown by their parts, every other setting in
/// its stored form.
pub fn of_setting(name: &str, stored: &str) -> Value {
    match Setting::read(name, stored) {
        Ok(Some(Setting::ApiAllowlist(list) | Setting::PortalAllowlist(list))) => {
            json!({ "entries": of_allowlist(&list) })
        }
        Ok(Some(Setting::Security(security))) => of_security(&security),
        _ => json!({ "value": stored }),
    }
}

/// The security settings that a tenant set itself; null for those at their default.
fn of_security(security: &Security) -> Value {
    json!({
        "require_2fa": security.require_2fa.map(|at| at.to_string()),
        "password_age": security.password_age.map(|age| age.as_str()),
        "password_days": security.password_days.map(|days| days.get()),
        "session_idle": security.session_idle.map(|idle| idle.seconds()),
        "session_total": security.session_total.map(|total| total.seconds()),
    })
}

/// The limits of a member or of an invitation.
fn of_limits(limits: &Limits) -> Value {
    json!({
        "role": limits.role.as_str(),
        "permissions": limits.permissions.to_string(),
        "zone": limits.zone.as_str(),
        "hours": limits.hours.to_string(),
        "senders": of_share(&limits.shares.senders),
        "templates": of_share(&limits.shares.templates),
        "profiles": of_share(&limits.shares.profiles),
        "groups": of_share(&limits.shares.groups),
        "pool": limits.pool,
        "most_parts": limits.most_parts,
    })
}

/// The state of a member. Of the person it has only the id.
pub fn of_member(member: &Member) -> Value {
    let mut state = of_limits(&member.limits);
    state["person"] = member.person.to_string().into();
    state["disabled"] = member.disabled.into();
    state
}

/// The state of an invitation, without the e-mail address and the link.
pub fn of_invitation(invitation: &Invitation) -> Value {
    let mut state = of_limits(&invitation.limits);
    state["author"] = invitation.author.to_string().into();
    state["sends"] = invitation.sends.into();
    state["expires_at"] = invitation.expires_at.to_string().into();
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::ProfileId, people::hours::Zone};

    #[test]
    fn a_share_is_shown_thing_by_thing() {
        let mut limits = Limits::of_owner(Zone::default());
        limits.shares.profiles = Share::of((0..100).map(|n| ProfileId::from_bytes([n; 16]))).unwrap();
        limits.shares.senders = Share::none();
        let state = of_limits(&limits);
        assert_eq!(state["templates"], "all");
        assert_eq!(state["senders"], json!([]));
        let profiles = state["profiles"].as_array().unwrap();
        assert_eq!((profiles.len(), &profiles[1]), (100, &json!(ProfileId::from_bytes([1; 16]).to_string())));
    }
}
