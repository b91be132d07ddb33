//! The entries of the audit log.

use crate::{
    access::{actor::Who, change::Change},
    audit::json::canonical,
    id::{AuditId, MemberId, RequestId, TenantId},
    time::Timestamp,
    verification::receipt::hex,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What a change does, before it is an entry. The states contain no secrets, phone numbers or addresses of
/// people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The act, such as `key.create`.
    pub action: String,
    /// The id or the name of the changed object.
    pub object: String,
    /// The state before the change; `None` if the object did not exist.
    pub before: Option<Value>,
    /// The state after the change; `None` if the object does not exist any more.
    pub after: Option<Value>,
}

impl Draft {
    /// The creation of an object.
    pub fn created(action: impl Into<String>, object: impl ToString, after: Value) -> Self {
        Self { after: Some(after), ..Self::act(action, object) }
    }

    /// The change of an object.
    pub fn updated(action: impl Into<String>, object: impl ToString, before: Value, after: Value) -> Self {
        Self { before: Some(before), after: Some(after), ..Self::act(action, object) }
    }

    /// The deletion of an object.
    pub fn deleted(action: impl Into<String>, object: impl ToString, before: Value) -> Self {
        Self { before: Some(before), ..Self::act(action, object) }
    }

    /// Whether it ends something, or says how an act ended.
    pub fn ends(&self) -> bool {
        let disabled = |state: &Option<Value>| state.as_ref().map(|state| state["disabled"] == true);
        let deleted = self.before.is_some() && self.after.is_none();
        let told = self.action.ends_with(".done") || self.action.ends_with(".failed");
        deleted || told || (disabled(&self.before), disabled(&self.after)) == (Some(false), Some(true))
    }

    /// An act without a before and an after, such as a request that no transaction can undo.
    pub fn act(action: impl Into<String>, object: impl ToString) -> Self {
        Self { action: action.into(), object: object.to_string(), before: None, after: None }
    }
}

/// The longest text that an entry shows, in bytes.
const LONGEST: usize = 1_024;

/// The canonical JSON of a state. The hash and the length stand for a long text, such as the body of a gateway's
/// requests: the log keeps each state for a year.
fn stored(state: &Value) -> String {
    canonical(&shorten(state))
}

fn shorten(state: &Value) -> Value {
    match state {
        Value::String(text) if text.len() > LONGEST => {
            format!("sha256:{} ({} bytes)", hex(Sha256::digest(text)), text.len()).into()
        }
        Value::Array(items) => items.iter().map(shorten).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shorten(value))).collect())
        }
        short => short.clone(),
    }
}

/// The author of an entry, in the words of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// A key's or a member's id, `operator` or `system`.
    pub actor: String,
    /// The member whose rights applied, if an owner acted as that member; `operator` if a member of the
    /// operator acted.
    pub acting_for: Option<String>,
}

impl From<Who> for Author {
    fn from(who: Who) -> Self {
        let of = |actor: String| Self { actor, acting_for: None };
        let acting =
            |by: MemberId, acting_for: String| Self { actor: by.to_string(), acting_for: Some(acting_for) };
        match who {
            Who::Key(key) => of(key.to_string()),
            Who::Member { id, acted_by: None } => of(id.to_string()),
            Who::Member { id, acted_by: Some(owner) } => acting(owner, id.to_string()),
            Who::Operator(None) => of("operator".to_owned()),
            Who::Operator(Some(member)) => acting(member, "operator".to_owned()),
            Who::System => of("system".to_owned()),
        }
    }
}

/// An entry of the audit log, as it is stored. Nobody changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub tenant: TenantId,
    /// The number in the tenant's chain, from 1.
    pub n: i64,
    pub at: Timestamp,
    pub author: Author,
    /// The address that sent the request, as text.
    pub address: Option<String>,
    /// The id of the request.
    pub request: Option<String>,
    pub action: String,
    pub object: String,
    /// The state before the change, as canonical JSON.
    pub before: Option<String>,
    /// The state after the change, as canonical JSON.
    pub after: Option<String>,
    /// SHA-256 of the former entry's hash and of this entry's canonical JSON.
    pub hash: [u8; 32],
}

impl Entry {
    /// The entry that follows one with the number `n - 1` and this hash.
    pub fn new((tenant, n): (TenantId, i64), previous: &[u8; 32], draft: &Draft, by: &Change) -> Self {
        let mut entry = Self {
            tenant,
            n,
            at: by.at,
            author: by.who.into(),
            address: by.address.map(|address| address.to_string()),
            request: by.request.map(|request: RequestId| request.to_string()),
            action: draft.action.clone(),
            object: draft.object.clone(),
            before: draft.before.as_ref().map(stored),
            after: draft.after.as_ref().map(stored),
            hash: [0; 32],
        };
        entry.hash = entry.hash_after(previous);
        entry
    }

    /// The hash that the entry must have after an entry with the hash `previous`.
    pub fn hash_after(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(previous);
        hash.update(self.canonical().as_bytes());
        hash.finalize().into()
    }

    /// The hash in hexadecimal digits.
    pub fn hash_text(&self) -> String {
        hex(self.hash)
    }

    /// The public id. Its first part is the time, the rest is taken from the hash.
    pub fn id(&self) -> AuditId {
        let mut bytes = *AuditId::floor(self.at).bytes();
        bytes[6..].copy_from_slice(&self.hash[..10]);
        AuditId::from_bytes(bytes)
    }

    /// The canonical JSON that the hash covers. The states are in it as texts, exactly as they are stored.
    pub fn canonical(&self) -> String {
        canonical(&json!({
            "acting_for": self.author.acting_for,
            "action": self.action,
            "actor": self.author.actor,
            "address": self.address,
            "after": self.after,
            "at": self.at.micros(),
            "before": self.before,
            "n": self.n,
            "object": self.object,
            "request": self.request,
            "tenant": self.tenant.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::KeyId;

    fn entry() -> Entry {
        let by = Change {
            who: Who::Key(KeyId::from_bytes([7; 16])),
            member: None,
            of: None,
            test: false,
            address: Some([198, 51, 100, 7].into()),
            request: None,
            at: Timestamp::from_micros(1_800_000_000_123_456),
        };
        let draft = Draft {
            action: "key.update".to_owned(),
            object: "key_1".to_owned(),
            before: Some(json!({"b": 1, "a": 2})),
            after: None,
        };
        Entry::new((TenantId::from_bytes([1; 16]), 1), &[9; 32], &draft, &by)
    }

    #[test]
    fn an_entry_is_hashed_as_one_canonical_text() {
        let entry = entry();
        assert_eq!(
            entry.canonical(),
            concat!(
                r#"{"acting_for":null,"action":"key.update","actor":"key_070w3ge1r70w3ge1r70w3ge1r7","#,
                r#""address":"198.51.100.7","after":null,"at":1800000000123456,"#,
                r#""before":"{\"a\":2,\"b\":1}","n":1,"object":"key_1","request":null,"#,
                r#""tenant":"ten_01040g2081040g2081040g2081"}"#,
            )
        );
        let mut hash = Sha256::new();
        hash.update([9; 32]);
        hash.update(entry.canonical());
        assert_eq!(entry.hash, <[u8; 32]>::from(hash.finalize()));
        assert!(entry.id().to_string().starts_with("aud_"));
    }

    #[test]
    fn a_long_text_is_shown_by_its_hash() {
        let long = "x".repeat(1_025);
        let text = stored(&json!({ "a": [long], "b": "x".repeat(1_024) }));
        let hash = "sha256:";
        assert!(text.contains(hash) && text.contains("(1025 bytes)") && text.len() < 1_300, "{text}");
    }

    #[test]
    fn what_ends_something_is_told_from_what_does_not() {
        let (on, off) = (json!({ "disabled": false }), json!({ "disabled": true }));
        assert!(Draft::updated("key.update", 1, on.clone(), off.clone()).ends());
        assert!(Draft::deleted("key.delete", 1, on.clone()).ends());
        assert!(Draft::act("number.erase.done", 1).ends());
        for draft in [
            Draft::updated("key.update", 1, off.clone(), off.clone()),
            Draft::updated("key.update", 1, off, on),
            Draft::created("key.create", 1, json!({ "disabled": true })),
            Draft::act("number.clear.asked", 1),
        ] {
            assert!(!draft.ends(), "{draft:?}");
        }
    }

    #[test]
    fn an_owner_who_acts_as_a_member_is_the_actor() {
        let (member, owner) = (MemberId::from_bytes([1; 16]), MemberId::from_bytes([2; 16]));
        let author = Author::from(Who::Member { id: member, acted_by: Some(owner) });
        assert_eq!(author.actor, owner.to_string());
        assert_eq!(author.acting_for, Some(member.to_string()));
        assert_eq!(Author::from(Who::Member { id: member, acted_by: None }).acting_for, None);
        let author = Author::from(Who::Operator(Some(member)));
        assert_eq!((author.actor, author.acting_for), (member.to_string(), Some("operator".to_owned())));
    }
}
