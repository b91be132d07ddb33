//! The directory: one contract for SQLite and Postgres, and each statement on both.

mod applied;
mod audit;
mod audit_plans;
mod caps;
mod connections;
mod contract;
mod migrations;
mod operator;
pub mod people;
mod people_acts;
mod people_guards;
mod people_leaving;
mod people_matrix;
pub mod people_races;
mod people_raises;
mod people_sealed;
mod people_statements;
mod races;
mod resources;
mod rotation;
mod security;
pub mod statements;
mod system;
mod tenants;
mod tls;
mod usage;

use anyhow::{Context, Result};
use countersign_core::{
    access::{
        allowlist::Allowlist,
        change::Change,
        key::{HashedSecret, Key},
        scope::Scope,
        share::Share,
        usage::AddressUse,
    },
    id::{KeyId, MemberId, NodeId, ProfileId, TenantId},
    keyring::version::{KeyVersion, KeyVersions, Versions},
    mode::Mode,
    phone::countries::Countries,
    ports::{directory::tenants::Tenants, error::StoreError, nodes::Node},
    tenant::{
        Tenant, TenantName,
        limits::{LimitNotes, NamedLimits},
        profile::{DisplayName, Policy, Profile, ProfileName},
    },
    time::Timestamp,
    verification::idempotency::Once,
};
use countersign_stores::{
    directory::SqlDirectory,
    sql::{Row, Sql, Statement},
    sqlite::{Database, Options},
};
use rand::{SeedableRng, rngs::StdRng};
use std::{net::IpAddr, sync::Arc};

/// Runs the contract on both engines, and on Postgres also through a pooler. Each test gets a new, migrated
/// database.
macro_rules! on_each_engine {
    ($($module:ident::$test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                let base = crate::directory::Base::sqlite()?;
                base.sql.migrate().await?;
                super::$module::$test(&base).await
            })+
        }
        mod pgbouncer {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                let base = crate::directory::Base::pgbouncer().await?;
                let outcome = super::$module::$test(&base).await;
                base.close().await?;
                outcome
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                let base = crate::directory::Base::postgres().await?;
                base.sql.migrate().await?;
                let outcome = super::$module::$test(&base).await;
                base.close().await?;
                outcome
            })+
        }
    };
}
pub(crate) use on_each_engine;

on_each_engine!(
    applied::notes_are_kept_by_source_and_forgotten_one_by_one,
    connections::connections_outlive_the_thread_that_opened_them,
    contract::tenants_are_made_once_and_listed_by_id,
    contract::a_refused_write_leaves_no_change,
    caps::a_tenant_has_only_so_many_of_each,
    contract::keys_round_trip_and_are_listed_newest_first,
    contract::no_method_reaches_another_tenant,
    contract::update_key_changes_what_it_is_told,
    contract::concurrent_updates_lose_nothing,
    contract::last_use_never_moves_back,
    contract::profiles_are_listed_by_name_and_deleted_by_id,
    contract::a_profile_is_made_once_and_its_limits_change_in_turn,
    contract::changes_are_gapless_and_in_commit_order,
    contract::nodes_are_listed_while_they_live,
    contract::an_unreadable_row_is_corrupt,
    contract::statements_must_touch_what_they_say,
    rotation::a_rotation_happens_whole_or_not_at_all,
    rotation::of_keys_made_at_once_with_one_idempotency_key_one_is_made,
    rotation::an_idempotency_key_is_kept_for_a_day,
    usage::uses_are_summed_and_listed_newest_first,
    usage::a_key_keeps_the_addresses_that_were_used_last,
    usage::old_addresses_are_forgotten,
    contract::settings_round_trip,
    contract::a_setting_is_replaced_only_as_it_was_read,
    resources::they_are_kept_by_tenant_and_kind,
    resources::of_two_changes_at_once_one_counts,
    resources::a_tenant_has_only_so_many_of_each_kind,
    resources::another_node_sees_what_changed,
    resources::one_that_cannot_be_read_keeps_its_tenant_from_being_served,
    resources::of_repeats_at_once_one_makes_it,
    races::of_webhooks_for_test_mode_only_so_many_are_made,
    races::no_route_leads_through_an_account_that_is_disabled_meanwhile,
    races::no_route_leads_through_an_account_that_is_deleted_meanwhile,
    races::no_route_is_enabled_through_an_account_that_is_disabled_meanwhile,
    races::no_route_leads_through_a_shared_account_that_is_deleted_meanwhile,
    races::what_comes_and_goes_unnoticed_by_a_sum_is_noticed,
    races::a_profile_that_is_saved_at_once_by_many_is_made_once,
    races::a_limit_is_deleted_once,
    tenants::a_tenant_is_renamed_disabled_deleted_and_enabled,
    tenants::of_changes_at_once_none_is_lost,
    tenants::other_nodes_hear_that_a_tenant_is_disabled,
    tenants::a_node_without_a_database_hears_what_the_operator_disables,
    tenants::a_deleted_tenant_is_erased_after_thirty_days_and_no_other,
    tenants::erasures_at_once_leave_no_event_behind,
    tenants::an_erasure_goes_on_where_it_broke_off_whoever_is_at_it,
    people::members_round_trip_and_are_listed_newest_first,
    people::invitations_round_trip_until_they_end,
    people::an_address_has_one_invitation_and_a_tenant_only_so_many_a_day,
    people::a_change_by_what_has_moved_is_refused,
    people::the_last_owner_stays,
    people::of_two_owners_who_are_demoted_at_once_one_stays,
    people::of_changes_at_once_each_before_is_the_former_after,
    people::a_narrowed_member_ends_its_keys_former_versions,
    people::a_person_goes_with_the_last_membership,
    people::an_erased_tenant_leaves_no_people,
    people::copies_follow_members_one_by_one,
    people_leaving::a_person_leaves_all_tenants_at_once_but_not_as_a_last_owner,
    people_leaving::of_two_owners_who_leave_at_once_one_stays,
    people_sealed::what_people_seal_goes_over_to_the_newest_key,
    people_acts::a_key_acts_on_members_as_its_member,
    people_acts::a_subuser_governs_its_own_keys_and_an_owner_all,
    people_acts::an_invitation_is_checked_again_when_it_is_accepted,
    people_acts::a_node_without_a_database_refuses_the_keys_of_a_narrowed_member,
    people_guards::a_change_of_a_key_by_what_has_moved_is_refused,
    people_guards::what_a_demoted_member_asked_for_is_judged_again,
    people_guards::an_owner_who_acts_as_a_member_makes_and_changes_no_keys,
    people_guards::a_demoted_member_ends_its_own_wider_keys,
    people_guards::a_key_moves_with_the_keys_that_it_replaced,
    people_guards::one_author_does_not_keep_the_others_waiting,
    people_guards::a_member_has_only_so_many_keys,
    people_guards::keys_of_removed_members_do_not_count,
    people_guards::a_subuser_invites_only_so_many_a_day,
    people_guards::invitations_are_forgotten_some_time_after_they_expired,
    people_guards::members_are_changed_only_so_often_but_ended_always,
    people_guards::an_address_gets_only_so_many_mails_a_day,
    people_guards::a_narrowing_tells_only_of_keys_in_use,
    people_guards::a_member_with_a_scope_of_a_newer_release_is_not_changed,
    people_guards::a_key_with_an_end_or_a_list_makes_no_person,
    people_matrix::who_lacks_a_limit_is_refused_where_it_is,
    people_matrix::a_key_of_the_company_is_refused_where_it_lacks_something,
    people_matrix::only_owners_govern_the_keys_of_a_removed_member,
    people_raises::nobody_raises_itself,
    people_races::of_the_last_two_owners_one_stays,
    people_races::changes_of_members_and_keys_at_once_are_one_chain,
    people_races::a_node_without_a_database_is_told_of_each_narrowing,
    system::servers_that_start_at_once_make_them_once,
    system::nobody_sets_anything_up_in_them,
    security::only_owners_and_the_operator_change_how_people_sign_in,
    security::an_owner_is_not_locked_out_unasked,
    security::codes_are_required_only_while_they_can_be_sent,
    security::of_changes_at_once_each_counts_and_each_has_its_entry,
    operator::a_repeated_request_makes_one_tenant,
    operator::the_operator_makes_keys_of_tenants_once,
    operator::only_live_keys_of_the_operator_hold_its_scope_and_no_other,
    audit::each_change_has_one_entry_that_shows_it,
    audit::no_entry_shows_a_secret_or_a_number,
    audit::what_the_operator_does_in_a_tenant_is_in_both_chains,
    audit::of_changes_at_once_each_gets_a_number_and_none_is_refused,
    audit::a_refused_change_has_no_entry,
    audit::a_tenant_makes_only_so_many_changes_a_day,
    audit::nothing_is_appended_to_a_head_that_is_not_genuine,
    audit::entries_are_listed_newest_first_by_filters,
    audit::the_retention_removes_a_verified_beginning,
    audit::the_chains_of_an_older_release_begin_once,
    audit::a_damaged_chain_does_not_keep_others_from_their_beginning,
    audit::only_the_operators_entry_excuses_a_missing_chain,
    audit::all_ids_are_found_and_an_unreadable_head_hides_no_other,
    audit::the_retention_keeps_a_chain_that_is_broken_after_the_cut,
    audit::an_erased_tenant_leaves_its_end_in_the_operators_chain,
);

/// A database for one test.
pub struct Base {
    pub sql: Sql,
    directory: Arc<SqlDirectory>,
    place: Place,
}

enum Place {
    /// Keeps the folder until the test ends.
    Folder {
        folder: tempfile::TempDir,
    },
    Server {
        url: String,
        name: String,
    },
}

/// What the test run started, as it says in the environment.
pub fn started(name: &str) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "the test run names its servers in the environment")]
    let value = std::env::var(name);
    value.with_context(|| format!("{name} must be set; tests/run.sh starts the server and sets it"))
}

impl Base {
    fn new(sql: Sql, place: Place) -> Self {
        Self {
            directory: Arc::new(SqlDirectory::new(sql.clone(), Arc::new(crate::codes::keyring()))),
            sql,
            place,
        }
    }

    pub fn sqlite() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let database = Database::open(&folder.path().join("directory.sqlite"), Options { full_sync: false })?;
        Ok(Self::new(Sql::sqlite(database), Place::Folder { folder }))
    }

    /// A copy of a migrated database, because migrating takes a second.
    pub async fn postgres() -> Result<Self> {
        static TEMPLATE: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let template = TEMPLATE
            .get_or_try_init(async || {
                let base = Self::empty_postgres().await?;
                base.sql.migrate().await?;
                let Place::Server { url, name } = base.place else { unreachable!("it stands on a server") };
                // A database is copied only while nobody is connected to it.
                let left = format!(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
                );
                execute_on(&url, &left).await?;
                anyhow::Ok(name)
            })
            .await?;
        Self::on_server(&format!(" TEMPLATE {template}")).await
    }

    /// A database without a table.
    pub async fn empty_postgres() -> Result<Self> {
        Self::on_server("").await
    }

    async fn on_server(like: &str) -> Result<Self> {
        let url = started("COUNTERSIGN_TEST_POSTGRES")?;
        let name = format!("directory_{:032x}", fresh_number()?);
        execute_on(&url, &format!("CREATE DATABASE {name}{like}")).await?;
        // The path of the URL names the database. The options after `?` stay.
        let (address, options) = url.split_once('?').map_or((url.as_str(), ""), |(a, o)| (a, o));
        let (server, _) = address.rsplit_once('/').context("the URL names no database")?;
        let sql = Sql::postgres(&format!("{server}/{name}?{options}"), None)?;
        Ok(Self::new(sql, Place::Server { url, name }))
    }

    pub async fn pgbouncer() -> Result<Self> {
        let pooler = started("COUNTERSIGN_TEST_PGBOUNCER")?;
        let base = Self::postgres().await?;
        let Place::Server { name, .. } = &base.place else { unreachable!("it stands on a server") };
        let sql = Sql::postgres(&format!("{pooler}/{name}"), None)?;
        Ok(Self::new(sql, base.place))
    }

    /// The folder of a database that is a file.
    pub fn folder(&self) -> Option<&std::path::Path> {
        let Place::Folder { folder } = &self.place else { return None };
        Some(folder.path())
    }

    /// The URL of the database on its server, without a pooler.
    pub fn server_url(&self) -> Option<String> {
        let Place::Server { url, name } = &self.place else { return None };
        let (address, options) = url.split_once('?').unwrap_or((url, ""));
        let (server, _) = address.rsplit_once('/')?;
        Some(format!("{server}/{name}?{options}"))
    }

    /// The name of the database on the server.
    pub fn name(&self) -> Option<&str> {
        let Place::Server { name, .. } = &self.place else { return None };
        Some(name)
    }

    pub async fn close(self) -> Result<()> {
        match self.place {
            Place::Folder { .. } => Ok(()),
            Place::Server { url, name } => {
                execute_on(&url, &format!("DROP DATABASE {name} WITH (FORCE)")).await
            }
        }
    }

    /// Creates a tenant with its `default` profile.
    pub async fn tenant(&self, number: u8) -> Result<Tenant> {
        let tenant = tenant(number)?;
        self.directory
            .create_tenant(
                &tenant,
                &profile(tenant.id, number, "default")?,
                &Countries::default(),
                None,
                &Change::by_system(tenant.created_at),
            )
            .await?;
        Ok(tenant)
    }

    async fn changes(&self) -> Result<Vec<(i64, String, String, String)>> {
        let rows = self.sql.query(&SELECT_CHANGES, vec![]).await?;
        let read = |row: &Row| {
            Ok((row.int(0)?, row.text(1)?.to_owned(), row.text(2)?.to_owned(), row.text(3)?.to_owned()))
        };
        rows.iter().map(read).collect()
    }
}

const SELECT_CHANGES: Statement = Statement {
    table: "changes",
    text: "SELECT n, tenant_id, kind, entity_id, at FROM changes ORDER BY n",
    params: &[],
};

fn fresh_number() -> Result<u128> {
    use rand::TryRng;
    let mut bytes = [0; 16];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(u128::from_be_bytes(bytes))
}

pub async fn execute_on(url: &str, statement: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let outcome = client.batch_execute(statement).await;
    drop(client);
    connection.await??;
    Ok(outcome?)
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_007 + seconds * 1_000_000)
}

fn tenant(number: u8) -> Result<Tenant> {
    let name = TenantName::parse(&format!("Zażółć {number}")).context("name")?;
    Ok(Tenant::new(TenantId::from_bytes([number; 16]), name, at(number.into())))
}

fn profile(tenant: TenantId, number: u8, name: &str) -> Result<Profile> {
    Ok(Profile {
        id: ProfileId::from_bytes([number; 16]),
        tenant,
        name: ProfileName::parse(name).context("name")?,
        policy: Policy::default(),
        created_at: at(number.into()),
        limits: NamedLimits::parse("signup=5/600;").context("limits")?,
        display_name: DisplayName::parse(&format!("Żółw ' {number}")),
        limit_notes: LimitNotes::parse(r#"{"later":"it's \"for\" $1"}"#).context("notes")?,
    })
}

fn key(tenant: TenantId, number: u8) -> Key {
    Key {
        id: KeyId::new(at(number.into()), &mut StdRng::seed_from_u64(number.into())),
        tenant,
        mode: if number.is_multiple_of(2) { Mode::Live } else { Mode::Test },
        name: format!("key {number} ' \" $1 ?"),
        scopes: [Scope::VerificationsStart, Scope::KeysWrite].into_iter().collect(),
        secret_hash: HashedSecret::from_bytes([number; 32]),
        disabled: number.is_multiple_of(3),
        expires_at: number.is_multiple_of(2).then(|| at(1_000 + i64::from(number))),
        allowlist: Allowlist::parse(&format!("10.0.0.{number}/32\toffice {number}\n")).unwrap_or_default(),
        replaced_by: number.is_multiple_of(5).then(|| KeyId::from_bytes([number; 16])),
        member: None,
        made_by: number.is_multiple_of(7).then(|| MemberId::from_bytes([number; 16])),
        profiles: if number.is_multiple_of(2) { Share::all() } else { Share::none() },
        created_at: at(number.into()),
        last_used_at: None,
        version: 1,
    }
}

fn node(number: u8) -> Node {
    let version = |number| KeyVersion { number, check: [number, 0, 0, 1] };
    Node {
        id: NodeId::from_bytes([number; 16]),
        started_at: at(1),
        seen_at: at(2),
        program: format!("0.1.{number}"),
        versions: Versions {
            mac: KeyVersions::new(vec![version(number), version(1)]),
            seal: KeyVersions::new(vec![version(200 - number)]),
        },
        changed_at: number.is_multiple_of(2).then(|| at(3)),
    }
}

/// A request with an Idempotency-Key: its slot, and the hash of its body.
fn once(slot: u8, body: u8) -> Once {
    Once { slot: [slot; 16], request: [body; 16] }
}

/// One use of a key and one refusal, from an address derived from `number`.
fn address_use(tenant: TenantId, key: KeyId, number: u16, seconds: i64) -> AddressUse {
    let [high, low] = number.to_be_bytes();
    AddressUse {
        tenant,
        key,
        address: IpAddr::from([10, 0, high, low]),
        uses: 2,
        refused: 1,
        first_used_at: at(seconds - 1),
        last_used_at: at(seconds),
    }
}

/// `Key` has no equality, because it would not run in constant time.
fn same(a: &Key, b: &Key) -> bool {
    a.secret_hash == b.secret_hash && format!("{a:?}") == format!("{b:?}")
}

fn is_conflict<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Conflict))
}
