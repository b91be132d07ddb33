//! Tenants, keys and profiles in SQL, and the nodes that serve them.
//!
//! Each write is one batch that begins by taking the next number from
//! `change_head`: its row lock puts the writers in line, so the order of the
//! numbers is the order of the commits, and none is missing. (A sequence gives
//! a later number to a transaction that commits first, and a reader that has
//! passed it never comes back.) Only the time of last use is no change.

mod answer;
mod basis;
mod change;
mod erasure;
mod key;
mod news;
mod node;
mod profile;
mod resource;
mod review;
mod setting;
mod tenant;
mod told;
mod usage;

use crate::sql::{Sql, Statement};

/// Every statement of the directory; tests run each one on both engines.
pub const STATEMENTS: &[&Statement] = &[
    &change::TAKE_NUMBER,
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
    &profile::INSERT_PROFILE,
    &profile::SELECT_PROFILE,
    &profile::LIST_PROFILES,
    &profile::REPLACE_PROFILE,
    &key::SELECT_PRESENTED_KEY,
    &key::INSERT_KEY,
    &key::SELECT_KEY,
    &key::LIST_KEYS,
    &key::UPDATE_KEY,
    &key::TOUCH_KEY,
    &key::RETIRE_KEY,
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
    &erasure::ERASE_TENANT,
];

/// The directory on a database of either engine.
#[derive(Clone)]
pub struct SqlDirectory {
    sql: Sql,
}

impl SqlDirectory {
    /// The directory in this database, whose schema must be up to date.
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

#[cfg(test)]
mod tests {
    use super::STATEMENTS;
    use crate::sql::rules;

    #[test]
    fn statements_keep_to_the_shared_dialect() {
        let broken: Vec<_> = STATEMENTS.iter().filter_map(|one| rules::check(one).err()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn every_statement_is_in_the_list() {
        let sources = [
            include_str!("directory/answer.rs"),
            include_str!("directory/basis.rs"),
            include_str!("directory/change.rs"),
            include_str!("directory/erasure.rs"),
            include_str!("directory/key.rs"),
            include_str!("directory/news.rs"),
            include_str!("directory/node.rs"),
            include_str!("directory/profile.rs"),
            include_str!("directory/resource.rs"),
            include_str!("directory/review.rs"),
            include_str!("directory/setting.rs"),
            include_str!("directory/tenant.rs"),
            include_str!("directory/told.rs"),
            include_str!("directory/usage.rs"),
        ];
        let written: usize = sources.iter().map(|source| source.matches(": Statement =").count()).sum();
        assert_eq!(written, STATEMENTS.len());
        let mut texts: Vec<_> = STATEMENTS.iter().map(|statement| statement.text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), STATEMENTS.len(), "a statement stands twice in the list");
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/directory")).unwrap();
        assert_eq!(folder.count(), sources.len(), "a file of the folder is not counted");
    }
}
