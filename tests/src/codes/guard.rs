//! Limits, wrong codes in a row, and repeated requests.

use super::{Bench, number, rng, seconds, wrong};
use countersign_core::{
    access::{actor::Actor, change::Change},
    acts::{
        check::{CheckError, Submitted, check_code, check_code_by_number},
        resend::{ResendError, resend_verification},
        start::{
            request::{StartError, StartRequest},
            start_verification,
        },
    },
    code::{Alphabet, Code},
    management::settings::clear_number,
    mode::Mode,
    phone::{Country, PhoneNumber, countries::Countries},
    ports::clock::Clock,
    tenant::{
        limits::{Buckets, LimitHit, LimitName, LimitState},
        profile::{Policy, Profile, ProfileName},
        settings::Setting,
    },
    verification::{
        idempotency::{IdempotencyError, Once},
        outcome::CheckOutcome,
    },
};
use futures_util::future::join_all;
use std::{net::IpAddr, sync::Arc};

impl Bench {
    async fn set(&self, setting: Setting) {
        let (tenant, now) = (self.caller.tenant, self.clock.now());
        self.context.directory.save_setting(tenant, &setting, &Change::by_system(now)).await.unwrap();
        self.context.refresh().await.unwrap();
    }

    pub async fn set_limit(&self, name: &str, buckets: &str) {
        let name = LimitName::parse(name).unwrap();
        self.set(Setting::Limit(name, Some(Buckets::parse(buckets).unwrap()))).await;
    }

    pub fn request(&self, to: &str, end_user_ip: Option<&str>) -> StartRequest {
        StartRequest {
            end_user_ip: end_user_ip.map(|ip| ip.parse::<IpAddr>().unwrap()),
            ..StartRequest::plain(PhoneNumber::parse(to).unwrap())
        }
    }

    async fn ask(&self, request: StartRequest) -> Result<Vec<LimitState>, StartError> {
        let now = self.clock.now();
        let made = start_verification(&self.context, &self.caller, request, None, now, &mut rng()).await;
        made.map(|made| made.limits)
    }

    async fn start_from(&self, to: &str, ip: &str) -> Result<Vec<LimitState>, StartError> {
        self.ask(self.request(to, Some(ip))).await
    }

    pub fn once(&self, key: &str, body: &str) -> Option<Once> {
        let keyring = &self.context.keyring;
        let slot = keyring.hash("idempotency", self.caller.tenant, &[key.as_bytes()]);
        Some(Once { slot, request: keyring.hash("request", self.caller.tenant, &[body.as_bytes()]) })
    }
}

fn hit(outcome: Result<Vec<LimitState>, StartError>) -> LimitHit {
    match outcome {
        Err(StartError::Limited(hit)) => hit,
        other => panic!("no limit refused: {other:?}"),
    }
}

fn remaining(states: &[LimitState], name: &str) -> u32 {
    states.iter().find(|state| state.name == name).unwrap_or_else(|| panic!("no {name}")).remaining
}

pub async fn an_end_user_has_twenty_starts_and_regains_one_at_a_time(bench: Bench) {
    for n in 0..20 {
        let states = bench.start_from(&number(n), "2001:db8::1").await.unwrap();
        assert_eq!(remaining(&states, "end_user_ip_10m"), 19 - n as u32);
    }
    // Another address of the same /64 is the same end user; another /64 is not.
    let refused = hit(bench.start_from(&number(20), "2001:db8::ffff:1").await);
    assert_eq!((refused.name.as_str(), refused.scope), ("end_user_ip_10m", "end_user_ip"));
    assert_eq!(refused.retry_after, seconds(30));
    bench.start_from(&number(20), "2001:db8:0:1::1").await.unwrap();
    bench.start_from(&number(21), "192.0.2.1").await.unwrap();
    let unknown = bench.ask(bench.request(&number(22), None)).await.unwrap();
    assert!(!unknown.iter().any(|state| state.name.starts_with("end_user_ip")));
    bench.clock.turn(seconds(30));
    bench.start_from(&number(23), "2001:db8::1").await.unwrap();
    hit(bench.start_from(&number(24), "2001:db8::1").await);
}

pub async fn every_scope_counts_by_itself(bench: Bench) {
    for (name, buckets) in [("key", "6/60"), ("tenant", "5/60"), ("country", "4/60"), ("prefix", "3/60")] {
        bench.set_limit(name, buckets).await;
    }
    let prefix = |n: usize| format!("+4850012{n:04}");
    for n in 0..3 {
        bench.start(&prefix(n)).await.unwrap();
    }
    let refused = hit(bench.ask(bench.request(&prefix(9), None)).await);
    assert_eq!((refused.name.as_str(), refused.scope), ("prefix_1m", "prefix"));
    bench.start(&number(1)).await.unwrap();
    assert_eq!(hit(bench.ask(bench.request(&number(2), None)).await).scope, "country");
    bench.start("+447400123456").await.unwrap();
    assert_eq!(hit(bench.ask(bench.request("+4915112345678", None)).await).scope, "tenant");
    // Another key of the tenant shares the tenant's limit. Test mode has a limit of its own.
    let test = Actor { mode: Mode::Test, ..bench.caller.clone() };
    bench.start_as(&test, "+4915112345678").await.unwrap();
}

pub async fn named_limits_have_several_buckets_and_unknown_names_are_refused(bench: Bench) {
    bench.set_limit("signup", "2/60 3/3600").await;
    let ask = async |n: usize, name: &str, value: &str| {
        let limits = vec![(LimitName::parse(name).unwrap(), value.to_owned())];
        bench.ask(StartRequest { limits, ..bench.request(&number(n), None) }).await
    };
    ask(1, "signup", "form-a").await.unwrap();
    let states = ask(2, "signup", "form-a").await.unwrap();
    assert_eq!((remaining(&states, "signup_1m"), remaining(&states, "signup_1h")), (0, 1));
    assert_eq!(hit(ask(3, "signup", "form-a").await).name, "signup_1m");
    ask(3, "signup", "form-b").await.unwrap();
    bench.clock.turn(seconds(60));
    ask(4, "signup", "form-a").await.unwrap();
    let refused = hit(ask(5, "signup", "form-a").await);
    assert_eq!((refused.name.as_str(), refused.scope), ("signup_1h", "caller"));
    assert!(matches!(ask(6, "login", "x").await, Err(StartError::UnknownLimit(_))));
    let now = bench.clock.now();
    let old =
        bench.context.directory.profile(bench.caller.tenant, &ProfileName::default()).await.unwrap().unwrap();
    let limits = countersign_core::tenant::limits::NamedLimits::parse("login=1/60;").unwrap();
    let new = Profile { limits, ..old.clone() };
    bench.context.directory.replace_profile(&old, &new, &Change::by_system(now)).await.unwrap();
    bench.context.refresh().await.unwrap();
    ask(6, "login", "x").await.unwrap();
    assert_eq!(hit(ask(7, "login", "x").await).name, "login_1m");
}

pub async fn what_is_refused_takes_nothing(bench: Bench) {
    bench.set_limit("tenant", "100/3600").await;
    let to = number(1);
    for _ in 0..5 {
        bench.start_from(&to, "192.0.2.1").await.unwrap();
    }
    for _ in 0..10_000 {
        assert_eq!(hit(bench.start_from(&to, "192.0.2.2").await).scope, "number");
    }
    let states = bench.start_from(&number(2), "192.0.2.2").await.unwrap();
    assert_eq!(remaining(&states, "tenant_1h"), 94, "five starts, and this one");
    assert_eq!(remaining(&states, "end_user_ip_10m"), 19);
    // The reverse: a start that the tenant's limit refuses takes nothing from the number's limit.
    bench.set_limit("tenant", "1/86400").await;
    bench.start(&number(4)).await.unwrap();
    for _ in 0..10 {
        assert_eq!(hit(bench.start_from(&number(3), "192.0.2.3").await).scope, "tenant");
    }
    bench.set_limit("tenant", "1000000/1").await;
    for _ in 0..5 {
        bench.start_from(&number(3), "192.0.2.3").await.unwrap();
    }
}

pub async fn a_hundred_at_once_admit_what_the_limit_says(bench: Bench) {
    bench.set_limit("tenant", "30/3600").await;
    let bench = Arc::new(bench);
    let starts = (0..100).map(|n| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.start(&number(n)).await.is_ok() })
    });
    let admitted = join_all(starts).await.into_iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    assert_eq!(admitted, 30);
}

pub async fn countries_are_refused_before_any_limit_is_taken(bench: Bench) {
    bench.set_limit("tenant", "10/3600").await;
    bench.set(Setting::Countries(Countries::only(Country::parse("PL")))).await;
    for _ in 0..20 {
        let refused = bench.ask(bench.request("+447400123456", None)).await;
        assert!(
            matches!(refused, Err(StartError::CountryNotAllowed(country)) if country == Country::parse("GB"))
        );
    }
    let states = bench.ask(bench.request(&number(1), None)).await.unwrap();
    assert_eq!(remaining(&states, "tenant_1h"), 9);
    let test = Actor { mode: Mode::Test, ..bench.caller.clone() };
    let to = countersign_core::phone::magic::parse_number("+15005550002").unwrap();
    let request = StartRequest { to, ..bench.request(&number(1), None) };
    let now = bench.clock.now();
    start_verification(&bench.context, &test, request, None, now, &mut rng()).await.unwrap();
}

/// Attacks as a person would, with resends, new starts, other profiles, other addresses, and days of
/// patience. Returns the times of all codes that were compared.
async fn attack(bench: &Bench, to: &str, hours: u64) -> Vec<u64> {
    let (mut evaluated, mut elapsed, mut round) = (Vec::new(), 0, 0);
    while elapsed < hours * 3_600 {
        round += 1;
        let ip = format!("198.51.{}.{}", round / 250, round % 250);
        let request = bench.request(to, (round % 3 > 0).then_some(ip.as_str()));
        let now = bench.clock.now();
        let made = start_verification(&bench.context, &bench.caller, request, None, now, &mut rng()).await;
        let Ok(made) = made else {
            bench.clock.turn(seconds(60));
            elapsed += 60;
            continue;
        };
        let id = made.verification.id;
        let claims = bench.claim().await;
        let code = bench.code_of(claims.iter().find(|claim| claim.key.id == id).unwrap());
        for guess in 0.. {
            match bench.check(id, &wrong(&code)).await.outcome {
                CheckOutcome::Wrong | CheckOutcome::Exhausted => evaluated.push(elapsed),
                CheckOutcome::GuessLimit(wait) if wait.wait <= seconds(120) => {
                    bench.clock.turn(wait.wait);
                    elapsed += wait.wait.as_secs();
                }
                _ => break,
            }
            if guess == 2 {
                let _ = bench.resend(id).await;
            }
        }
    }
    evaluated
}

pub async fn never_more_than_a_hundred_guesses_in_a_day(bench: Bench) {
    let to = number(1);
    let evaluated = attack(&bench, &to, 100).await;
    assert!(evaluated.len() >= 75, "the attack was none: {}", evaluated.len());
    for (n, first) in evaluated.iter().enumerate() {
        let inside = evaluated[n..].iter().filter(|at| **at < first + 86_400).count();
        assert!(inside <= 100, "{inside} within 24 h");
    }
    assert!(evaluated.len() <= 103, "after the hundredth one a day: {}", evaluated.len());
    // The phone's owner has to wait now. The tenant who knows the owner can end that.
    let request = PhoneNumber::parse(&to).unwrap();
    let by = Change::by(&bench.caller, None, bench.clock.now());
    bench.clock.turn(seconds(86_400));
    let (id, code) = bench.start_with_code(&to).await;
    let _ = bench.check(id, &wrong(&code)).await;
    assert!(matches!(bench.check(id, &code).await.outcome, CheckOutcome::GuessLimit(_)));
    assert!(clear_number(&bench.context, &bench.caller, &request, &by).await.unwrap() >= 75);
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Approved);
    assert_eq!(clear_number(&bench.context, &bench.caller, &request, &by).await.unwrap(), 0);
}

pub async fn one_guesser_does_not_lock_out_the_person_with_the_phone(bench: Bench) {
    let to = number(1);
    let start = async |ip: &str| {
        let now = bench.clock.now();
        let request = bench.request(&to, Some(ip));
        let made = start_verification(&bench.context, &bench.caller, request, None, now, &mut rng()).await;
        let id = made.unwrap().verification.id;
        let claims = bench.claim().await;
        (id, bench.code_of(claims.iter().find(|claim| claim.key.id == id).unwrap()))
    };
    let (first, code) = start("192.0.2.66").await;
    for _ in 0..5 {
        let _ = bench.check(first, &wrong(&code)).await;
    }
    let (second, code) = start("192.0.2.66").await;
    let CheckOutcome::GuessLimit(wait) = bench.check(second, &code).await.outcome else { panic!("no wait") };
    assert_eq!((wait.wait, wait.of_number), (seconds(15), false));
    assert_eq!(bench.check(second, &code).await.attempts_left, 5, "no try was used");
    let (own, code) = start("203.0.113.5").await;
    assert_eq!(bench.check(own, &code).await.outcome, CheckOutcome::Approved);
    let bench = bench.reopen().await;
    let (again, code) = {
        let now = bench.clock.now();
        let request = bench.request(&to, Some("192.0.2.66"));
        let made = start_verification(&bench.context, &bench.caller, request, None, now, &mut rng()).await;
        let id = made.unwrap().verification.id;
        let claims = bench.claim().await;
        (id, bench.code_of(claims.iter().find(|claim| claim.key.id == id).unwrap()))
    };
    assert_eq!(bench.check(again, &code).await.outcome, CheckOutcome::Approved, "an approval clears");
}

pub async fn short_codes_reach_the_day_sooner(bench: Bench) {
    let policy = |length, alphabet| Policy { code_length: length, alphabet, ..Policy::default() };
    for (n, (length, alphabet, guesses)) in
        [(4, Alphabet::Digits, 5), (5, Alphabet::Digits, 10)].into_iter().enumerate()
    {
        bench.set_policy(policy(length, alphabet)).await;
        let mut compared = 0;
        while compared < guesses {
            let (id, code) = bench.start_with_code(&number(n)).await;
            loop {
                match bench.check(id, &wrong(&code)).await.outcome {
                    CheckOutcome::Wrong | CheckOutcome::Exhausted => compared += 1,
                    CheckOutcome::GuessLimit(wait) if wait.wait < seconds(3_600) => {
                        bench.clock.turn(wait.wait)
                    }
                    _ => break,
                }
            }
        }
        assert_eq!(compared, guesses);
        let (id, code) = bench.start_with_code(&number(n)).await;
        let CheckOutcome::GuessLimit(wait) = bench.check(id, &code).await.outcome else { panic!("no wait") };
        assert!(wait.of_number && wait.wait > seconds(86_000), "{length} digits: {wait:?}");
    }
}

pub async fn a_repeated_start_makes_nothing_new(bench: Bench) {
    let ask = async |key: &str, body: &str, to: &str| {
        let (request, now) = (bench.request(to, None), bench.clock.now());
        let once = bench.once(key, body);
        start_verification(&bench.context, &bench.caller, request, once, now, &mut rng()).await
    };
    let first = ask("a", "body", &number(1)).await.unwrap();
    for _ in 0..20 {
        let again = ask("a", "body", &number(1)).await.unwrap();
        assert!(again.replayed);
        assert_eq!(format!("{:?}", again.verification), format!("{:?}", first.verification));
    }
    assert_eq!(bench.claim().await.len(), 1, "one message");
    let other = ask("a", "other body", &number(1)).await;
    assert!(matches!(other, Err(StartError::Idempotency(IdempotencyError::Mismatch))));
    assert!(!ask("b", "body", &number(1)).await.unwrap().replayed);
    bench.clock.turn(seconds(24 * 3_600));
    assert!(!ask("a", "body", &number(1)).await.unwrap().replayed, "forgotten after a day");
    // A refused request is not stored, so its repeat is carried out.
    for _ in 0..4 {
        bench.start(&number(1)).await.unwrap();
    }
    assert!(matches!(ask("c", "body", &number(1)).await, Err(StartError::Limited(_))));
    bench.clock.turn(seconds(600));
    assert!(!ask("c", "body", &number(1)).await.unwrap().replayed);
}

pub async fn fifty_equal_requests_at_once_are_one(bench: Bench) {
    let bench = Arc::new(bench);
    let starts = (0..50).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move {
            let (request, now, once) =
                (bench.request(&number(1), None), bench.clock.now(), bench.once("a", "b"));
            start_verification(&bench.context, &bench.caller, request, once, now, &mut rng()).await.unwrap()
        })
    });
    let made: Vec<_> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().filter(|made| !made.replayed).count(), 1);
    let id = made[0].verification.id;
    assert!(made.iter().all(|made| made.verification.id == id));
    let claims = bench.claim().await;
    assert_eq!(claims.len(), 1);
    let code = bench.code_of(&claims[0]);
    let checks = (0..50).map(|_| {
        let (bench, code) = (bench.clone(), code.clone());
        tokio::spawn(async move {
            let submitted = Submitted { once: bench.once("check", "right"), ..Submitted::plain(&code) };
            let now = bench.clock.now();
            check_code(&bench.context, &bench.caller, id, submitted, now, &mut rng()).await.unwrap()
        })
    });
    let checks: Vec<_> = join_all(checks).await.into_iter().map(Result::unwrap).collect();
    assert!(checks.iter().all(|checked| checked.outcome == CheckOutcome::Approved));
    assert_eq!(checks.iter().filter(|checked| !checked.replayed).count(), 1, "said once, repeated 49 times");
}

pub async fn a_repeated_wrong_check_uses_one_try(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    let check = async |key: &str, body: &str, code: &Code| {
        let submitted = Submitted { once: bench.once(key, body), ..Submitted::plain(code) };
        check_code(&bench.context, &bench.caller, id, submitted, bench.clock.now(), &mut rng()).await
    };
    for _ in 0..10 {
        let checked = check("a", "wrong", &wrong(&code)).await.unwrap();
        assert_eq!((checked.outcome, checked.attempts_left), (CheckOutcome::Wrong, 4));
    }
    let other = check("a", "right", &code).await;
    assert!(matches!(other, Err(CheckError::Idempotency(IdempotencyError::Mismatch))));
    assert_eq!(check("b", "right", &code).await.unwrap().outcome, CheckOutcome::Approved);
    // A repeat by phone number gets its answer although the verification is no longer pending.
    let (_, second) = bench.start_with_code(&number(1)).await;
    let by_number = async |key: &str| {
        let (to, profile) = (PhoneNumber::parse(&number(1)).unwrap(), ProfileName::default());
        let submitted = Submitted { once: bench.once(key, "second"), ..Submitted::plain(&second) };
        let now = bench.clock.now();
        check_code_by_number(&bench.context, &bench.caller, &to, &profile, submitted, now, &mut rng()).await
    };
    for _ in 0..3 {
        assert_eq!(by_number("c").await.unwrap().outcome, CheckOutcome::Approved);
    }
    assert_eq!(by_number("d").await.unwrap().outcome, CheckOutcome::AlreadyApproved);
}

pub async fn a_repeated_resend_sends_once(bench: Bench) {
    let (id, _) = bench.start_with_code(&number(1)).await;
    bench.clock.turn(seconds(30));
    let resend = async |key: &str| {
        let once = bench.once(key, "");
        let by = Change::by(&bench.caller, None, bench.clock.now());
        resend_verification(&bench.context, &bench.caller, id, once, &by, &mut rng()).await
    };
    let first = resend("a").await.unwrap();
    bench.clock.turn(seconds(5));
    let again = resend("a").await.unwrap();
    assert!(again.replayed);
    assert_eq!(format!("{:?}", again.verification), format!("{:?}", first.verification));
    assert!(matches!(resend("b").await, Err(ResendError::TooSoon(_))));
    assert_eq!(bench.read(id).await.sends_left, 3);
}

pub async fn limits_and_guesses_outlive_a_restart_and_a_clock_set_back(bench: Bench) {
    bench.set_limit("tenant", "2/3600").await;
    bench.start(&number(1)).await.unwrap();
    let (id, code) = bench.start_with_code(&number(2)).await;
    for _ in 0..5 {
        let _ = bench.check(id, &wrong(&code)).await;
    }
    bench.clock.set_back(seconds(3_600));
    let bench = bench.reopen().await;
    let refused = hit(bench.ask(bench.request(&number(3), None)).await);
    assert!(refused.scope == "tenant" && refused.retry_after <= seconds(1_800), "{refused:?}");
    bench.clock.turn(refused.retry_after);
    let (id, code) = bench.start_with_code(&number(2)).await;
    assert_eq!(
        bench.check(id, &code).await.outcome,
        CheckOutcome::Approved,
        "nobody waits longer than the rule"
    );
    // The clock was set back once: the times are moved once, and not at each restart.
    let refused = hit(bench.ask(bench.request(&number(5), None)).await);
    let found = bench.codes().unrecorded(0..64, 100).await.unwrap();
    let positions: Vec<_> = found.events.iter().map(|event| event.position).collect();
    bench.codes().trim(&positions).await.unwrap();
    let mut bench = bench;
    for _ in 0..3 {
        bench = bench.reopen().await;
        let again = hit(bench.ask(bench.request(&number(5), None)).await);
        assert_eq!((again.scope, again.retry_after), (refused.scope, refused.retry_after));
    }
}
