//! The contract of `Codes`, for every engine. Each test gets a store of its own and a clock that it sets.

mod authors;
mod backlog;
pub mod engine;
mod erasure;
mod failover;
mod fairness;
mod families;
mod guard;
mod matching;
mod outbox;
mod payments;
mod persons;
mod pools;
mod races;
mod reshard;
mod rules;
mod servers;
mod shares;
mod takes;

use countersign_core::{
    access::{
        actor::{Actor, Who},
        change::Change,
        scope::Scopes,
        share::Share,
    },
    acts::{
        cancel::{CancelError, cancel_verification},
        check::{CheckError, Checked, Submitted, check_code},
        read::read_verification,
        resend::{ResendError, open_code_text, resend_verification},
        start::{
            request::{StartError, StartRequest},
            start_verification,
        },
        view::Verification,
    },
    code::{Alphabet, Code},
    context::{Context, Management, Replica},
    delivery::places::Places,
    id::{EventId, KeyId, MemberId, PersonId, ProfileId, RecordKey, TenantId, VerificationId},
    keyring::{KeyRing, VersionedKey},
    locale::Locale,
    mode::Mode,
    people::{
        hours::Zone,
        member::{Limits, Member},
        person::{EmailAddress, Identity, Person, PersonName},
    },
    phone::{PhoneNumber, countries::Countries},
    ports::{
        clock::Clock,
        codes::{
            Codes,
            outbox::{Claim, Settled},
            peers::Peers,
        },
        directory::members::Joining,
    },
    tenant::{
        Tenant, TenantName,
        profile::{Policy, Profile, ProfileName},
    },
    time::Timestamp,
    verification::settlement::Settlement,
};
use countersign_stores::{
    directory::SqlDirectory,
    history::SqlHistory,
    people::SqlPeople,
    sql::Sql,
    sqlite::{Database, Options},
};
use engine::Engine;
use rand::{SeedableRng, rngs::StdRng};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

/// A clock that does not move until the test moves it.
pub struct HandClock {
    wall: AtomicI64,
    steady: AtomicU64,
}

impl HandClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { wall: AtomicI64::new(1_790_000_000_000_000), steady: AtomicU64::new(0) })
    }

    /// Moves the clock forward.
    pub fn turn(&self, by: Duration) {
        self.set(i64::try_from(by.as_micros()).unwrap());
        self.steady.fetch_add(u64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the clock back.
    pub fn set_back(&self, by: Duration) {
        self.set(-i64::try_from(by.as_micros()).unwrap());
    }

    fn set(&self, by: i64) {
        self.wall.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_micros(self.steady.load(Ordering::SeqCst))
    }
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn keyring() -> KeyRing {
    let keys = |byte: u8| vec![VersionedKey { version: 1, key: [byte; 32] }];
    KeyRing::new([1; 32], keys(2), keys(3)).unwrap()
}

/// A tenant on one engine.
pub struct Bench {
    pub context: Context,
    pub clock: Arc<HandClock>,
    pub caller: Actor,
    /// The counts of what a person asks for, in the database of the directory.
    pub waits: SqlPeople,
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub async fn new(engine: Engine) -> Self {
        let clock = HandClock::new();
        let codes = engine.open(&clock, 1 << 30).await;
        Self::on(engine, clock, codes).await
    }

    /// A store that one test has opened itself, with its clock.
    pub async fn of(codes: Arc<dyn Codes>, clock: Arc<HandClock>) -> Self {
        Self::on(Engine::Foreign, clock, codes).await
    }

    async fn on(engine: Engine, clock: Arc<HandClock>, codes: Arc<dyn Codes>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.sqlite");
        let sql = Sql::sqlite(Database::open(&path, Options { full_sync: false }).unwrap());
        sql.migrate().await.unwrap();
        let peers: Arc<dyn Peers> = codes.clone();
        let directory = SqlDirectory::new(sql.clone(), Arc::new(keyring()));
        let waits = SqlPeople::new(directory.clone());
        let management = Management {
            replica: Replica { directory: Arc::new(directory), snapshot: Arc::default(), peers: Some(peers) },
            keyring: Arc::new(keyring()),
            gateways: Arc::new(countersign_core::fakes::gateways::NoGateways::default()),
            live_route: true,
        };
        let context = Context {
            management,
            codes,
            history: Arc::new(SqlHistory::new(sql.clone())),
            webhooks: Arc::new(countersign_core::fakes::webhooks::NoWebhooks),
            partitions: 64,
        };
        let caller = new_tenant(&context, &clock, "Acme").await;
        Self { context, clock, caller, waits, engine, _folder: folder }
    }

    /// Closes the store and opens it again.
    pub async fn reopen(self) -> Self {
        self.reopen_with(1 << 30).await
    }

    pub async fn reopen_with(mut self, event_budget: u64) -> Self {
        self.context.codes = self.engine.open(&self.clock, event_budget).await;
        self
    }

    /// Changes the format byte of a stored record, as another release or a fault would.
    pub async fn set_format(&self, id: VerificationId, format: u8) {
        let key = RecordKey { tenant: self.caller.tenant, mode: self.caller.mode, id };
        self.engine.set_format(key, format).await;
    }

    /// How long the longest-lived data of tenants stays in the store.
    pub async fn longest_kept(&self) -> Duration {
        self.engine.longest_kept(self.clock.now()).await
    }

    pub fn codes(&self) -> &dyn Codes {
        &*self.context.codes
    }

    pub async fn set_policy(&self, policy: Policy) {
        let name = ProfileName::default();
        let tenant = self.caller.tenant;
        let old = self.context.directory.profile(tenant, &name).await.unwrap().unwrap();
        let new = Profile { policy, ..old.clone() };
        self.context
            .directory
            .replace_profile(&old, &new, &Change::by_system(self.clock.now()))
            .await
            .unwrap();
        self.context.refresh().await.unwrap();
    }

    pub async fn start(&self, to: &str) -> Result<Verification, StartError> {
        self.start_as(&self.caller, to).await
    }

    pub async fn start_as(&self, caller: &Actor, to: &str) -> Result<Verification, StartError> {
        let request = StartRequest::plain(PhoneNumber::parse(to).unwrap());
        let (once, now) = (None, self.clock.now());
        let made = start_verification(&self.context, caller, request, once, now, &mut rng()).await;
        made.map(|made| made.verification)
    }

    /// Claims all due messages.
    pub async fn claim(&self) -> Vec<Claim> {
        self.codes().claim(0..64, seconds(30), Places::of_anybody(1_000)).await.unwrap()
    }

    /// The code in a claimed message.
    pub fn code_of(&self, claim: &Claim) -> Code {
        open_code_text(&self.context.keyring, claim.key, &claim.record).unwrap().code
    }

    /// Starts a verification, and returns the code in its message.
    pub async fn start_with_code(&self, to: &str) -> (VerificationId, Code) {
        let id = self.start(to).await.unwrap().id;
        let claims = self.claim().await;
        let claim = claims.iter().find(|claim| claim.key.id == id).unwrap();
        (id, self.code_of(claim))
    }

    pub async fn check(&self, id: VerificationId, code: &Code) -> Checked {
        self.try_check(id, code).await.unwrap()
    }

    pub async fn try_check(&self, id: VerificationId, code: &Code) -> Result<Checked, CheckError> {
        let now = self.clock.now();
        check_code(&self.context, &self.caller, id, Submitted::plain(code), now, &mut rng()).await
    }

    pub async fn resend(&self, id: VerificationId) -> Result<Verification, ResendError> {
        let by = Change::by(&self.caller, None, self.clock.now());
        let resent = resend_verification(&self.context, &self.caller, id, None, &by, &mut rng()).await;
        resent.map(|resent| resent.verification)
    }

    pub async fn cancel(&self, id: VerificationId) -> Result<Verification, CancelError> {
        let by = Change::by(&self.caller, None, self.clock.now());
        cancel_verification(&self.context, &self.caller, id, &by, &mut rng()).await
    }

    pub async fn read(&self, id: VerificationId) -> Verification {
        read_verification(&self.context, &self.caller, id, self.clock.now()).await.unwrap()
    }

    pub async fn settle(&self, claim: &Claim, settlement: Settlement) -> Settled {
        let event = EventId::new(self.clock.now(), claim.key.id.partition(), &mut rng());
        self.codes().settle(claim, settlement, event).await.unwrap()
    }

    /// The names of the events.
    pub async fn history(&self, id: VerificationId) -> Vec<&'static str> {
        let key = RecordKey { tenant: self.caller.tenant, mode: self.caller.mode, id };
        let events = self.codes().timeline(key).await.unwrap();
        events.iter().map(|event| event.kind.name()).collect()
    }
}

pub fn rng() -> StdRng {
    StdRng::from_rng(&mut rand::rng())
}

/// What management works with, over this copy of the directory.
pub fn managed(replica: Replica) -> Management {
    let gateways = Arc::new(countersign_core::fakes::gateways::NoGateways::default());
    Management { replica, keyring: Arc::new(keyring()), gateways, live_route: true }
}

/// A tenant with its default profile, and a caller.
pub async fn new_tenant(context: &Context, clock: &HandClock, name: &str) -> Actor {
    let (now, mut rng) = (clock.now(), rng());
    let tenant = Tenant::new(TenantId::new(now, &mut rng), TenantName::parse(name).unwrap(), now);
    let profile = Profile::first(ProfileId::new(now, &mut rng), tenant.id, now);
    context
        .directory
        .create_tenant(&tenant, &profile, &Countries::default(), None, &Change::by_system(tenant.created_at))
        .await
        .unwrap();
    context.refresh().await.unwrap();
    Actor {
        tenant: tenant.id,
        who: Who::Key(KeyId::new(now, &mut rng)),
        mode: Mode::Live,
        member: None,
        profiles: Share::all(),
        grants: Scopes::all(),
        until: None,
        allowlist: Default::default(),
        address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
    }
}

/// A member of the tenant, with a person of its own.
pub async fn new_member(context: &Context, tenant: TenantId, limits: Limits, now: Timestamp) -> Member {
    let mut rng = rng();
    let id = MemberId::new(now, &mut rng);
    let email = EmailAddress::parse(&format!("{id}@example.com")).unwrap();
    let identity = Identity { name: PersonName::parse("Ada").unwrap(), email };
    let texts = (Locale::default(), Zone::default());
    let person = Person::new(PersonId::new(&mut rng), &identity, texts, &context.keyring, now, &mut rng);
    let member =
        Member { id, tenant, person: person.id, limits, disabled: false, version: 1, created_at: now };
    let joining = Joining { member: &member, person: Some(&person), invitation: None, password: None };
    context.directory.add_member(joining, None, &[], &Change::by_system(now)).await.unwrap();
    context.refresh().await.unwrap();
    member
}

/// A wrong code of the same shape.
pub fn wrong(code: &Code) -> Code {
    let flip = |c: char| if c == '7' { '9' } else { '7' };
    Code::parse(&code.expose().chars().map(flip).collect::<String>()).unwrap()
}

/// Valid Polish mobile numbers, different for each `n`.
pub fn number(n: usize) -> String {
    format!("+4850{:07}", 1_000_000 + n)
}

pub fn letters(length: u8) -> Policy {
    Policy { code_length: length, alphabet: Alphabet::Letters, ..Policy::default() }
}

/// Runs the contract on every engine.
macro_rules! on_engines {
    ([$($engine:ident)*] $tests:tt) => { $(on_engines!($engine $tests);)* };
    ($engine:ident { $($module:ident :: $test:ident),* $(,)? }) => {
        mod $engine {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let engine = super::Engine::$engine().await;
                    super::$module::$test(super::Bench::new(engine).await).await;
                }
            )*
        }
    };
}

/// The embedded engine uses the machine's clock, which may be set back while the store is open. Its own clock
/// then continues at a steady pace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_back_opens_nothing_and_locks_nobody_out() {
    let bench = Bench::new(Engine::embedded().await).await;
    rules::a_clock_that_steps_back_opens_nothing_and_locks_nobody_out(bench).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_set_back_neither_hastens_nor_delays_the_next_provider() {
    let bench = Bench::new(Engine::embedded().await).await;
    failover::a_clock_set_back_neither_hastens_nor_delays_the_next_provider(bench).await;
}

// Only the way to the master differs with Sentinels.
on_engines! { [sentinel] {
    rules::a_code_is_approved_once_and_bound_to_its_tenant_and_mode,
    races::two_hundred_guesses_are_five,
    outbox::a_message_is_held_for_its_lease_and_then_taken_over,
}}

on_engines! { [embedded redis cluster valkey] {
    backlog::events_wait_in_their_order_until_they_are_trimmed,
    backlog::a_record_that_is_swept_loses_no_event,
    backlog::a_full_backlog_stops_starts_and_nothing_else,
    backlog::a_recorder_sees_only_its_partitions,
    persons::a_code_counts_once_and_for_its_own_attempt,
    persons::a_message_goes_out_three_times_and_no_oftener,
    persons::of_fifty_wrong_codes_at_once_five_are_compared,
    persons::a_person_tries_three_numbers_and_six_messages_a_day,
    persons::of_twenty_numbers_at_once_three_get_a_message,
    persons::a_strangers_number_gets_few_messages_from_all_persons_together,
    persons::what_is_refused_counts_nothing,
    persons::without_a_route_there_are_no_codes,
    persons::nobody_else_acts_in_the_tenants_of_the_portal,
    pools::hours_hold_for_starts_and_resends_and_name_the_next_opening,
    pools::a_message_has_most_parts,
    pools::starts_and_resends_take_their_parts_until_the_pool_is_empty,
    pools::what_is_refused_or_repeated_takes_no_part,
    pools::equal_resends_at_once_take_one_message,
    pools::test_mode_and_review_numbers_take_no_part,
    pools::the_month_turns_once_whatever_clock_or_zone_asks,
    pools::another_pool_keeps_the_count,
    pools::a_family_takes_parts_for_what_it_sends,
    pools::two_hundred_starts_at_once_take_exactly_what_was_started,
    pools::a_node_that_dies_loses_at_most_the_parts_in_flight,
    pools::a_count_outlives_a_restart_and_ends_after_seventy_days,
    rules::a_code_is_approved_once_and_bound_to_its_tenant_and_mode,
    rules::a_check_by_number_finds_the_newest_pending_one_of_the_profile,
    rules::five_starts_in_ten_minutes_and_the_clock_lets_more_in,
    rules::policies_of_resend_decide_which_codes_count,
    rules::an_expired_one_says_so_for_fifteen_minutes_and_then_is_gone,
    rules::a_clock_set_back_between_two_runs_cuts_every_time_to_its_rule,
    rules::a_record_from_a_newer_release_is_no_wrong_code,
    rules::the_timeline_tells_everything_in_order,
    rules::nothing_outlasts_thirty_days,
    guard::an_end_user_has_twenty_starts_and_regains_one_at_a_time,
    guard::every_scope_counts_by_itself,
    guard::named_limits_have_several_buckets_and_unknown_names_are_refused,
    guard::what_is_refused_takes_nothing,
    guard::a_hundred_at_once_admit_what_the_limit_says,
    guard::countries_are_refused_before_any_limit_is_taken,
    takes::ten_thousand_refused_acts_leave_each_bucket_as_its_twin,
    takes::a_good_start_beside_a_flood_is_not_refused,
    takes::outer_limits_refuse_first_then_the_backlog_then_the_number,
    guard::never_more_than_a_hundred_guesses_in_a_day,
    guard::one_guesser_does_not_lock_out_the_person_with_the_phone,
    guard::short_codes_reach_the_day_sooner,
    guard::a_repeated_start_makes_nothing_new,
    guard::fifty_equal_requests_at_once_are_one,
    guard::a_repeated_wrong_check_uses_one_try,
    guard::a_repeated_resend_sends_once,
    guard::limits_and_guesses_outlive_a_restart_and_a_clock_set_back,
    outbox::a_message_is_held_for_its_lease_and_then_taken_over,
    outbox::a_message_of_an_ended_verification_is_dropped,
    outbox::a_resend_takes_the_place_of_a_message_that_waits,
    outbox::retries_come_back_when_their_wait_is_over,
    outbox::receipts_that_the_provider_knows_already_are_reported_later,
    outbox::a_rejected_only_message_fails_the_verification,
    outbox::a_worker_sees_only_its_partitions,
    outbox::a_settlement_that_is_repeated_counts_once,
    outbox::a_message_that_cannot_be_read_holds_up_no_other,
    fairness::one_tenant_does_not_stand_in_front_of_another,
    fairness::what_has_no_place_waits_unchanged_and_oldest_first,
    fairness::slow_tenants_share_their_places,
    fairness::a_tenant_whose_backlog_is_large_is_claimed_in_turn,
    fairness::what_is_over_leaves_the_line,
    fairness::a_claim_that_was_overtaken_in_the_line_settles_nothing,
    fairness::awaited_messages_stand_in_the_line_too,
    fairness::concurrent_claims_keep_to_their_places,
    payments::a_code_holds_for_its_payment_alone,
    payments::a_resend_keeps_the_payment,
    payments::another_payment_is_refused_during_a_wait_for_wrong_codes,
    payments::a_repeated_mismatch_is_answered_as_the_first,
    payments::a_mismatch_that_is_sent_twice_is_one,
    payments::a_payment_and_a_changed_one_have_one_winner,
    erasure::an_erasure_takes_the_person_out_as_the_rules_say,
    authors::each_act_names_its_author,
    authors::what_a_person_cancels_or_resends_is_audited_and_a_keys_is_not,
    authors::a_member_reads_sixty_audited_things_a_minute,
    failover::a_message_without_a_receipt_goes_to_the_next_provider,
    failover::what_was_accepted_is_neither_failed_nor_sent_anew,
    failover::nobody_else_is_asked_for_what_is_over_replaced_or_delivered,
    failover::a_failed_attempt_is_noted_and_holds_the_claim,
    failover::what_is_over_goes_to_no_further_provider,
    failover::receipts_move_the_newest_message_forward_only,
    failover::a_receipt_that_is_faster_than_the_answer_stands,
    failover::a_receipt_and_a_claim_at_once_are_in_line,
    failover::equal_receipts_at_once_are_noted_once,
    failover::all_workers_share_the_rate_of_an_account,
    matching::a_provider_message_is_known_for_half_an_hour,
    matching::a_receipt_that_comes_first_waits_for_its_message,
    matching::a_receipt_and_its_message_at_once_always_meet,
    races::a_thousand_codes_are_approved_exactly_once_each,
    races::two_hundred_guesses_are_five,
    races::fifty_starts_for_one_number_are_five,
    races::a_start_never_touches_anothers_verification,
    races::concurrent_claims_hand_out_each_message_once,
    races::concurrent_resends_send_once,
    races::a_check_and_a_cancel_have_one_winner,
    families::a_second_start_is_a_resend_under_its_cooldown,
    families::other_words_take_the_place_of_the_first,
    families::where_nothing_is_sent_again_each_start_takes_the_place,
    families::what_is_replaced_stays_when_the_start_is_refused,
    families::families_and_plain_starts_never_touch_each_other,
    families::what_ended_is_never_sent_again,
    families::a_resend_follows_the_policy_and_shows_the_newest_code,
    families::sixty_four_starts_at_once_are_one,
    families::of_many_different_starts_at_once_one_is_pending,
    families::of_many_starts_that_replace_at_once_one_is_pending,
    families::resends_in_a_family_at_once_send_once,
    families::limits_count_what_is_sent_again,
    families::what_is_not_sent_again_takes_from_no_limit,
    families::a_check_and_a_start_that_replaces_have_one_winner,
    families::a_crowd_of_plain_starts_hides_nothing_of_a_family,
    shares::an_actor_reaches_only_its_profiles,
}}
