//! The schema migrations: the same numbers for both engines, forward only, embedded in the binary.
//!
//! The crate refinery was rejected for two reasons: it opens transactions of its own, which cannot nest in
//! the one of SQLite's single writer, and it takes no lock, so starts at the same time fail.

use countersign_core::ports::error::StoreError;

/// One step of the schema.
#[derive(Debug)]
pub(super) struct Migration {
    pub name: &'static str,
    pub text: &'static str,
}

/// A migration, as the database stores it.
#[derive(Debug)]
pub(super) struct Applied {
    pub name: String,
    pub text: String,
}

macro_rules! migrations {
    ($engine:literal: $($name:literal),+ $(,)?) => {
        &[$(Migration {
            name: $name,
            text: include_str!(concat!("../../../../migrations/", $engine, "/", $name, ".sql")),
        }),+]
    };
}

pub(super) const SQLITE: &[Migration] = migrations!("sqlite": "0001_directory", "0002_changes", "0003_settings", "0004_nodes", "0005_history", "0006_review_numbers", "0007_key_allowlists", "0008_key_addresses", "0009_idempotency", "0010_history_weeks", "0011_profile_list", "0012_resources", "0013_webhooks", "0014_conversions", "0015_profile_display", "0016_tenant_state", "0017_applied", "0018_audit", "0019_people", "0020_sign_in", "0021_notices", "0022_demo", "0023_invitation_mails", "0024_reminders");
pub(super) const POSTGRES: &[Migration] = migrations!("postgres": "0001_directory", "0002_changes", "0003_settings", "0004_nodes", "0005_history", "0006_review_numbers", "0007_key_allowlists", "0008_key_addresses", "0009_idempotency", "0010_history_weeks", "0011_profile_list", "0012_resources", "0013_webhooks", "0014_conversions", "0015_profile_display", "0016_tenant_state", "0017_applied", "0018_audit", "0019_people", "0020_sign_in", "0021_notices", "0022_demo", "0023_invitation_mails", "0024_reminders");

/// The database stores the whole text and not a checksum, so that a difference can be seen.
pub(super) const SQLITE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT PRIMARY KEY NOT NULL,
    text TEXT NOT NULL,
    applied_at INTEGER NOT NULL DEFAULT (unixepoch() * 1000000)
) STRICT";
pub(super) const POSTGRES_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    name text COLLATE \"C\" PRIMARY KEY,
    text text NOT NULL,
    applied_at bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000000)
)";
pub(super) const SELECT: &str = "SELECT name, text FROM schema_migrations ORDER BY name";
pub(super) const INSERT: &str = "INSERT INTO schema_migrations (name, text) VALUES ($1, $2)";

/// An index that is created while other sessions keep writing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConcurrentIndex<'a> {
    pub name: &'a str,
    pub table: &'a str,
    /// The columns and the condition.
    pub rest: &'a str,
}

impl Migration {
    /// Returns whether the migration runs outside a transaction, which a line in its text says.
    pub fn outside(&self) -> bool {
        self.text.lines().any(|line| line == "-- no-transaction")
    }

    /// The index that the migration creates, if it is a `CREATE INDEX CONCURRENTLY`.
    pub fn concurrent_index(&self) -> Option<ConcurrentIndex<'static>> {
        let statement = self.text.split_once("CREATE INDEX CONCURRENTLY ")?.1;
        let (name, rest) = statement.trim_end().trim_end_matches(';').split_once(" ON ")?;
        let (table, rest) = rest.split_once(' ')?;
        Some(ConcurrentIndex { name, table, rest })
    }

    /// The error for a migration that failed.
    pub fn failed(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::unavailable(Failed { name: self.name, source: error.into() })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("migration {name} failed")]
struct Failed {
    name: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The migrations that have yet to be applied, in order. Names that this release does not know are from a
/// newer release and are ignored, because old nodes keep running during an update. A known name with a
/// different text is refused: this release was not tested with that schema.
pub(super) fn pending(
    all: &'static [Migration],
    applied: &[Applied],
) -> Result<Vec<&'static Migration>, StoreError> {
    let mut pending = Vec::new();
    for migration in all {
        match applied.iter().find(|one| one.name == migration.name) {
            None => pending.push(migration),
            Some(one) if one.text == migration.text => {}
            Some(one) => {
                let text =
                    format!("migration {} was applied with another text than this program has", one.name);
                return Err(StoreError::unavailable(text));
            }
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[Migration]) -> Vec<String> {
        all.iter().map(|migration| migration.name.to_owned()).collect()
    }

    #[test]
    fn both_engines_have_the_same_numbers_without_a_gap() {
        assert_eq!(names(SQLITE), names(POSTGRES));
        for (index, name) in names(SQLITE).iter().enumerate() {
            assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name}");
        }
    }

    #[test]
    fn every_file_is_embedded() {
        for (engine, all) in [("sqlite", SQLITE), ("postgres", POSTGRES)] {
            let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
            let mut files: Vec<_> = files.map(|name| name.to_string_lossy().replace(".sql", "")).collect();
            files.sort();
            assert_eq!(files, names(all));
        }
    }

    #[test]
    fn the_first_line_says_why() {
        for migration in SQLITE.iter().chain(POSTGRES) {
            assert!(migration.text.starts_with("-- "), "{}", migration.name);
        }
    }

    #[test]
    fn outside_a_transaction_stands_one_statement() {
        for migration in SQLITE.iter().chain(POSTGRES).filter(|migration| migration.outside()) {
            let code = migration.text.lines().filter(|line| !line.starts_with("--")).collect::<String>();
            assert_eq!(
                code.matches(';').count(),
                1,
                "{}: what broke off is repeated as a whole",
                migration.name
            );
        }
        for migration in POSTGRES {
            let made = migration.concurrent_index();
            assert_eq!(
                made.is_some(),
                migration.text.contains("\nCREATE INDEX CONCURRENTLY"),
                "{}",
                migration.name
            );
            assert!(made.is_none() || migration.outside(), "{}", migration.name);
        }
        let text =
            "-- Why.\n-- no-transaction\nCREATE INDEX CONCURRENTLY t_by_a ON t (a, b)\n    WHERE a > 1;\n";
        let index = Migration { name: "0", text }.concurrent_index();
        let rest = "(a, b)\n    WHERE a > 1";
        assert_eq!(index, Some(ConcurrentIndex { name: "t_by_a", table: "t", rest }));
    }

    #[test]
    fn an_edited_migration_is_refused_and_an_unknown_one_is_not() {
        let of = |name: &str, text: &str| Applied { name: name.to_owned(), text: text.to_owned() };
        let first = of(SQLITE[0].name, SQLITE[0].text);
        let left = pending(SQLITE, &[first, of("9999_newer", "")]).unwrap();
        assert_eq!(left.len(), SQLITE.len() - 1);
        let edited = pending(SQLITE, &[of(SQLITE[0].name, "edited")]);
        let Err(StoreError::Unavailable(reason)) = edited else { panic!("it was taken") };
        assert!(reason.to_string().contains("another text"));
    }
}
