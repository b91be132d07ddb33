//! The list of the directory's statements.

use super::{
    answer, applied, audit, audit_log, audit_restart, basis, change, demo, erasure, invitations, key,
    last_owner, leaving, member_keys, members, news, node, people, profile, resource, review, setting,
    stranger, tenant, usage,
};
use crate::sql::Statement;

/// Every statement of the directory; tests run each one on both engines.
pub const STATEMENTS: &[&Statement] = &[
    &change::TAKE_NUMBER,
    &change::LOCK_NUMBER,
    &change::NOTE_CHANGE,
    &change::READ_HEAD,
    &basis::UNCHANGED_ALL,
    &key::COUNT_KEYS,
    &profile::COUNT_PROFILES,
    &setting::COUNT_LIMITS,
    &review::COUNT_REVIEW_NUMBERS,
    &resource::COUNT_RESOURCES,
    &tenant::INSERT_TENANT,
    &tenant::SELECT_TENANT,
    &tenant::LIST_TENANTS,
    &tenant::UPDATE_TENANT,
    &demo::MARK_DEMO,
    &demo::IS_DEMO,
    &demo::UNMARK_DEMO,
    &profile::INSERT_PROFILE,
    &profile::SELECT_PROFILE,
    &profile::LIST_PROFILES,
    &profile::REPLACE_PROFILE,
    &key::SELECT_PRESENTED_KEY,
    &key::INSERT_KEY,
    &key::SELECT_KEY,
    &key::LIST_KEYS,
    &key::UPDATE_KEY,
    &usage::TOUCH_KEY,
    &key::RETIRE_KEY,
    &audit::READ_CHAIN_HEAD,
    &audit::MOVE_CHAIN_HEAD,
    &audit::APPEND_ENTRY,
    &audit::COUNT_ENTRIES,
    &audit_log::LIST_AUDIT,
    &audit_log::LAST_BEFORE,
    &audit_log::READ_CHAIN,
    &audit_log::LIST_CHAIN_HEADS,
    &audit_log::NEXT_CHAIN,
    &audit_log::LIST_HEADLESS,
    &audit_log::MOVE_ANCHOR,
    &audit_log::READ_ANCHOR,
    &audit_restart::LAST_ENTRY,
    &audit_restart::SET_CHAIN_HEAD,
    &audit_log::FORGET_ENTRIES,
    &audit::ERASE_ENTRIES,
    &audit::ERASE_CHAIN_HEAD,
    &audit::ERASE_ANCHOR,
    &key::DELETE_KEY,
    &profile::DELETE_PROFILE,
    &resource::INSERT_RESOURCE,
    &resource::LIST_RESOURCES,
    &resource::ALL_RESOURCES,
    &resource::UPDATE_RESOURCE,
    &basis::UNCHANGED_KIND,
    &basis::UNCHANGED_ONE,
    &resource::DELETE_RESOURCE,
    &review::INSERT_REVIEW_NUMBER,
    &review::LIST_REVIEW_NUMBERS,
    &review::ALL_REVIEW_NUMBERS,
    &review::DELETE_REVIEW_NUMBER,
    &review::DELETE_ENDED_REVIEW_NUMBER,
    &usage::NOTE_USE,
    &usage::LIST_USES,
    &usage::LIST_USES_OF_KEY,
    &applied::NOTE_APPLIED,
    &applied::LIST_APPLIED,
    &applied::FORGET_APPLIED,
    &answer::NOTE_ANSWER,
    &answer::SELECT_ANSWER,
    &setting::SAVE_SETTING,
    &setting::SELECT_SETTINGS,
    &news::ALL_SETTINGS,
    &setting::DELETE_SETTING,
    &news::READ_CHANGES,
    &news::ALL_KEYS,
    &news::ALL_PROFILES,
    &news::FORGET_CHANGES,
    &node::NOTE_NODE,
    &node::LIST_NODES,
    &node::DELETE_DEAD_NODES,
    &node::FORGET_NODE,
    &usage::TRIM_USES,
    &usage::FORGET_USES,
    &answer::DROP_OLD_ANSWER,
    &answer::FORGET_ANSWERS,
    &erasure::LIST_DELETED,
    &erasure::BEGIN_ERASURE,
    &erasure::IS_ERASING,
    &erasure::ERASE_KEYS,
    &erasure::ERASE_PROFILES,
    &erasure::ERASE_RESOURCES,
    &erasure::ERASE_REVIEW_NUMBERS,
    &erasure::ERASE_SETTINGS,
    &erasure::ERASE_ANSWERS,
    &erasure::ERASE_USES,
    &erasure::ERASE_APPLIED,
    &erasure::ERASE_TENANT,
];

/// The statements about people, in an order in which each one finds what those before it wrote.
pub const PEOPLE: &[&Statement] = &[
    &people::INSERT_PERSON,
    &people::MARK_FIRST_PERSON,
    &people::SELECT_PERSON,
    &people::FIND_PERSON,
    &people::PEOPLE_NOT_SEALED_WITH,
    &people::COUNT_PEOPLE_SEALED_WITH,
    &people::RESEAL_PERSON,
    &members::INSERT_MEMBER,
    &members::SELECT_MEMBER,
    &members::SELECT_MEMBERSHIP,
    &members::LIST_MEMBERS,
    &people::PEOPLE_OF_MEMBERS,
    &people::STANDING_OF_MEMBERS,
    &leaving::LIST_MEMBERSHIPS,
    &news::ALL_MEMBERS,
    &members::STANDING_MEMBER,
    &members::ENABLED_MEMBER,
    &last_owner::HAS_OWNER,
    &members::COUNT_MEMBERS,
    &members::STANDING_KEY,
    &key::SAME_MEMBER,
    &key::COUNT_MEMBER_KEYS,
    &members::COUNT_MEMBER_CHANGES,
    &audit::COUNT_ENTRIES_OF_SUBUSER,
    &member_keys::MOVE_KEY,
    &member_keys::LIST_MEMBER_KEYS,
    &member_keys::RAISE_KEYS,
    &members::UPDATE_MEMBER,
    &invitations::INSERT_INVITATION,
    &invitations::SELECT_INVITATION,
    &invitations::IS_INVITED,
    &invitations::LIST_INVITATIONS,
    &invitations::COUNT_INVITATIONS,
    &invitations::COUNT_INVITATIONS_BY,
    &invitations::COUNT_MAILS_TO,
    &invitations::NO_MEMBER_WITH,
    &invitations::INVITATIONS_NOT_SEALED_WITH,
    &invitations::COUNT_INVITATIONS_SEALED_WITH,
    &invitations::RESEAL_INVITATION,
    &invitations::RENEW_INVITATION,
    &invitations::END_INVITATION,
    &invitations::DELETE_ENDED_INVITATIONS,
    &invitations::FORGET_INVITATIONS,
    &people::SHUT_OUT_MEMBERS,
    &members::DELETE_MEMBER,
    &people::SHUT_OUT_PERSON,
    &people::DELETE_STRANGER,
    &erasure::ERASE_PEOPLE,
    &erasure::ERASE_MEMBERS,
    &erasure::ERASE_INVITATIONS,
];

/// The statements about what goes with a person or a tenant.
pub const STRANGERS: &[&Statement] = &[
    &stranger::END_SESSIONS_IN,
    &stranger::DROP_FORMER_PASSWORDS,
    &stranger::DROP_RECOVERY_CODES,
    &stranger::DROP_SESSIONS,
    &stranger::DROP_HALF_SIGN_INS,
    &stranger::DROP_PROOFS,
    &stranger::DROP_LINKS,
    &stranger::DROP_DEVICE_PEOPLE,
    &stranger::DROP_SIGN_INS,
    &stranger::DROP_LATE_FORMS,
    &stranger::ERASE_SIGN_INS_OF_STRANGERS,
    &stranger::ERASE_SIGN_INS,
    &stranger::ERASE_SESSIONS,
    &stranger::ERASE_FORMER_PASSWORDS_OF_STRANGERS,
    &stranger::ERASE_RECOVERY_CODES_OF_STRANGERS,
    &stranger::ERASE_SESSIONS_OF_STRANGERS,
    &stranger::ERASE_HALF_SIGN_INS_OF_STRANGERS,
    &stranger::ERASE_PROOFS_OF_STRANGERS,
    &stranger::ERASE_LINKS_OF_STRANGERS,
    &stranger::ERASE_DEVICE_PEOPLE_OF_STRANGERS,
    &stranger::ERASE_LATE_FORMS_OF_STRANGERS,
];

#[cfg(test)]
mod tests {
    use super::{PEOPLE, STATEMENTS, STRANGERS};
    use crate::sql::rules;

    #[test]
    fn statements_keep_to_the_shared_dialect() {
        let all = STATEMENTS.iter().chain(PEOPLE).chain(STRANGERS);
        let broken: Vec<_> = all.filter_map(|one| rules::check(one).err()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn every_statement_is_in_the_list() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/directory")).unwrap();
        let sources = folder.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        // The text is in two parts, so that the count does not include this line.
        let definition = concat!(": Statement", " =");
        let written: usize = sources.map(|source| source.matches(definition).count()).sum();
        let all = STATEMENTS.iter().chain(PEOPLE).chain(STRANGERS);
        let mut texts: Vec<_> = all.map(|statement| statement.text).collect();
        assert_eq!(written, texts.len());
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), written, "a statement is twice in the list");
    }
}
