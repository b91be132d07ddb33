//! The two steps of signing in, on each engine.

use super::door::{Door, PASSWORD, WRONG, visitor};
use crate::{codes::rng, codes::seconds, directory::Base};
use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use countersign_core::{
    access::change::Change,
    people::{
        account::AccountChange,
        hours::Zone,
        invitation::LinkSecret,
        member::{Limits, Member},
        password::{Password, PasswordText, Verified},
        session::{Factors, SignInOutcome},
    },
    ports::{
        hasher::{Crowded, Hasher, Lane},
        people::notices::Notices as _,
    },
    sign_in::{
        codes::{CodeCheck, CodeEnd, CodeError, check_code},
        first::{Entered, SignInError},
        purpose::Purpose,
        second::{SecondError, enter_code, enter_recovery_code, pending, send_again},
        visit::{Gone, Place, visit},
    },
};
use futures_util::future::join_all;
use std::{net::Ipv4Addr, sync::Arc};

const HOME: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
const NUMBER: &str = "+48501000001";

fn address(number: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(number).unwrap())
}

async fn disable(door: &Door, member: &Member) -> Result<Member> {
    let disabled = Member { disabled: true, version: member.version + 1, ..member.clone() };
    let by = Change::by_system(door.now());
    door.entrance.context.directory.update_member((member, &disabled), None, &[], &by).await?;
    Ok(disabled)
}

/// Another company may have invited the person meanwhile.
pub async fn a_change_of_a_disabled_member_ends_nothing(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let member = door.member("bert", door.acme, Limits::of_owner(Zone::default())).await?;
    let epoch = async || -> Result<i64> {
        Ok(door.entrance.people.account(member.person).await?.context("an account")?.person.epoch)
    };
    let before = epoch().await?;
    let disabled = disable(&door, &member).await?;
    let shut = epoch().await?;
    ensure!(before < shut, "its half-way sign-ins end");
    let limits = Limits { pool: Some(7), ..disabled.limits.clone() };
    let changed = Member { limits, version: disabled.version + 1, ..disabled.clone() };
    let by = Change::by_system(door.now());
    door.entrance.context.directory.update_member((&disabled, &changed), None, &[], &by).await?;
    assert_eq!(epoch().await?, shut);
    Ok(())
}

pub async fn a_person_signs_in_with_the_password_and_a_code(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    let here = visitor(HOME, None);
    let Entered::SignedIn(first) = door.sign_in(&here, "ADA", PASSWORD).await? else { bail!("no phone yet") };
    assert_eq!(first.session.factors, Factors::Password);
    let seen = visit(&door.entrance, &first.secret, HOME.into(), false, door.now()).await?;
    ensure!(matches!(seen.place, Place::Inside(inside) if inside.member.id == member.id), "the only tenant");

    let recovery = door.with_phone(member.person, NUMBER).await?;
    let gone = visit(&door.entrance, &first.secret, HOME.into(), false, door.now()).await;
    ensure!(matches!(gone, Err(Gone::SignedOut)), "the epoch has risen");
    let device = first.device.map(Arc::new);
    let here = visitor(HOME, device.as_ref());
    let (half, code) = door.half(&here, "ada").await?;
    let number = pending(&door.entrance, &half, door.now()).await?.context("half-way")?.number;
    assert_eq!(number.context("the number opens")?.e164(), NUMBER);
    let former = Some(&first.secret);
    let second = enter_code(&door.entrance, &here, (&half, &code), former, door.now(), &mut rng()).await?;
    assert_eq!(second.session.factors, Factors::Code);
    assert_eq!(second.session.device, first.session.device);
    ensure!(second.device.is_none(), "the browser keeps its own cookie");
    // The former session of this browser has ended, and the half-way sign-in too.
    let gone = visit(&door.entrance, &first.secret, HOME.into(), false, door.now()).await;
    ensure!(matches!(gone, Err(Gone::Unknown)));
    let again = enter_code(&door.entrance, &here, (&half, &code), None, door.now(), &mut rng()).await;
    ensure!(matches!(again, Err(SecondError::Over)));

    // A recovery code in place of the phone is good once.
    let typed = recovery.expose();
    let (half, _) = door.half(&here, "ada").await?;
    enter_recovery_code(&door.entrance, &here, (&half, &typed), None, door.now(), &mut rng()).await?;
    let (half, _) = door.half(&here, "ada").await?;
    let used =
        enter_recovery_code(&door.entrance, &here, (&half, &typed), None, door.now(), &mut rng()).await;
    ensure!(matches!(used, Err(SecondError::WrongRecoveryCode { left: 4 })), "{used:?}");
    Ok(())
}

pub async fn nobody_learns_whether_an_address_is_known(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let away = door.owner("eve").await?;
    disable(&door, &away).await?;
    for (number, (name, password)) in
        [("ada", WRONG), ("eve", PASSWORD), ("eve", WRONG), ("nobody", PASSWORD), ("no address", WRONG)]
            .into_iter()
            .enumerate()
    {
        for turn in 0..7 {
            let here = visitor(address(number), None);
            let refused = door.sign_in(&here, name, password).await;
            match turn {
                6 => ensure!(
                    matches!(refused, Err(SignInError::Wait(until)) if until == door.now() + seconds(15))
                ),
                _ => ensure!(matches!(refused, Err(SignInError::Wrong)), "{name}: {refused:?}"),
            }
            assert_eq!(door.hasher.taken(), usize::from(turn < 6), "{name}: one hash for each look");
        }
    }
    // A text that is far too long costs the same.
    let long = "x".repeat(5_000);
    let refused = door.sign_in(&visitor(address(9), None), "ada", &long).await;
    ensure!(matches!(refused, Err(SignInError::Wrong)));
    assert_eq!(door.hasher.taken(), 1);
    Ok(())
}

pub async fn wrong_passwords_make_the_next_ones_wait(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let here = visitor(HOME, None);
    let guess = async |password| door.sign_in(&here, "ada", password).await;
    for _ in 0..6 {
        ensure!(matches!(guess(WRONG).await, Err(SignInError::Wrong)));
    }
    door.hasher.taken();
    for wait in [15, 30, 60, 120, 240, 480, 900, 900] {
        // The right password waits too, and its try counts as nothing.
        let Err(SignInError::Wait(until)) = guess(PASSWORD).await else { bail!("it must wait for {wait} s") };
        assert_eq!(until, door.now() + seconds(wait));
        assert_eq!(door.hasher.taken(), 0, "the password is not looked at");
        door.clock.turn(seconds(wait));
        ensure!(matches!(guess(WRONG).await, Err(SignInError::Wrong)));
        assert_eq!(door.hasher.taken(), 1);
    }
    // Another network does not wait.
    ensure!(door.sign_in(&visitor(address(1), None), "ada", PASSWORD).await.is_ok());
    door.clock.turn(seconds(900));
    ensure!(guess(PASSWORD).await.is_ok());
    Ok(())
}

pub async fn a_flood_of_guesses_does_not_lock_the_owner_out(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let device = door.known_browser(HOME, "ada").await?;
    door.hasher.taken();
    // 1,000 wrong guesses for one account, from 200 addresses.
    for round in 0..5 {
        let visitors: Vec<_> = (0..200).map(|number| visitor(address(number), None)).collect();
        let guesses = visitors.iter().map(|here| door.sign_in(here, "ada", WRONG));
        for guessed in join_all(guesses).await {
            let refused = matches!(guessed, Err(SignInError::Wrong | SignInError::Wait(_)));
            ensure!(refused, "round {round}: {guessed:?}");
        }
    }
    assert_eq!(door.hasher.taken(), 21, "the account waits after twenty free guesses");
    let stranger = door.sign_in(&visitor(address(300), None), "ada", PASSWORD).await;
    ensure!(matches!(stranger, Err(SignInError::Wait(_))), "a new browser waits");
    ensure!(door.sign_in(&visitor(HOME, Some(&device)), "ada", PASSWORD).await.is_ok());
    // The same with addresses that nobody has: the network waits.
    let names: Vec<_> = (0..1_000).map(|number| format!("random{number}")).collect();
    let visitors: Vec<_> = (0..1_000).map(|number| visitor(address(1_000 + number % 20), None)).collect();
    door.hasher.taken();
    for (names, visitors) in names.chunks(100).zip(visitors.chunks(100)) {
        let guesses = names.iter().zip(visitors).map(|(name, here)| door.sign_in(here, name, WRONG));
        for guessed in join_all(guesses).await {
            ensure!(matches!(guessed, Err(SignInError::Wrong | SignInError::Wait(_))), "{guessed:?}");
        }
    }
    assert_eq!(door.hasher.taken(), 20 * 30, "thirty of each network");
    ensure!(door.sign_in(&visitor(HOME, Some(&device)), "ada", PASSWORD).await.is_ok());
    Ok(())
}

/// Finds every password right.
struct Right;

#[async_trait]
impl Hasher for Right {
    async fn verify(&self, _: Lane, _: Password, _: Option<PasswordText>) -> Result<Verified, Crowded> {
        Ok(Verified::Yes)
    }

    async fn hash(
        &self,
        _: Lane,
        _: Password,
        _: Vec<PasswordText>,
    ) -> Result<Option<PasswordText>, Crowded> {
        Err(Crowded)
    }
}

pub async fn right_passwords_have_a_bound_too(base: &Base) -> Result<()> {
    let mut door = Door::new(base).await?;
    let ada = door.owner("ada").await?;
    let own = door.known_browser(HOME, "ada").await?;
    door.entrance.hasher = Arc::new(Right);
    for number in 1..60 {
        door.sign_in(&visitor(address(number), None), "ada", PASSWORD).await?;
    }
    let more = door.sign_in(&visitor(address(60), None), "ada", PASSWORD).await;
    ensure!(
        matches!(more, Err(SignInError::Wait(until)) if until <= door.now() + seconds(3_600)),
        "{more:?}"
    );
    door.sign_in(&visitor(HOME, Some(&own)), "ada", PASSWORD).await?;
    door.clock.turn(seconds(3_600));
    for number in 61..121 {
        door.sign_in(&visitor(address(number), None), "ada", PASSWORD).await?;
    }
    let more = door.sign_in(&visitor(address(121), None), "ada", PASSWORD).await;
    ensure!(matches!(more, Err(SignInError::Wait(_))), "{more:?}");
    // A thief who used the former password up learns nothing of the new one from a wait.
    door.change(ada.person, AccountChange::Password(super::door::hashed())).await?;
    door.sign_in(&visitor(address(122), None), "ada", PASSWORD).await?;
    Ok(())
}

pub async fn a_known_browser_has_tries_of_its_own(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let device = door.known_browser(HOME, "ada").await?;
    // A stolen device cookie gives ten tries, from wherever.
    for number in 0..10 {
        let thief = visitor(address(number), Some(&device));
        ensure!(matches!(door.sign_in(&thief, "ada", WRONG).await, Err(SignInError::Wrong)));
    }
    door.hasher.taken();
    for number in 10..40 {
        let thief = visitor(address(number), Some(&device));
        let _ = door.sign_in(&thief, "ada", WRONG).await;
    }
    assert_eq!(door.hasher.taken(), 21, "then the browser waits like any other");
    ensure!(matches!(
        door.sign_in(&visitor(HOME, Some(&device)), "ada", PASSWORD).await,
        Err(SignInError::Wait(_))
    ));
    // A finished sign-in gives the browser its own tries again.
    door.clock.turn(seconds(900));
    ensure!(door.sign_in(&visitor(HOME, Some(&device)), "ada", PASSWORD).await.is_ok());
    for number in 50..60 {
        let there = visitor(address(number), Some(&device));
        ensure!(matches!(door.sign_in(&there, "ada", WRONG).await, Err(SignInError::Wrong)));
    }
    Ok(())
}

pub async fn parallel_guesses_are_never_more_than_the_waits_allow(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let here = visitor(HOME, None);
    let guessed = join_all((0..50).map(|_| door.sign_in(&here, "ada", WRONG))).await;
    assert_eq!(door.hasher.taken(), 6);
    assert_eq!(guessed.iter().filter(|guess| matches!(guess, Err(SignInError::Wrong))).count(), 6);
    ensure!(guessed.iter().all(Result::is_err));
    Ok(())
}

pub async fn a_code_of_one_attempt_completes_no_other(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    door.with_phone(member.person, NUMBER).await?;
    let here = visitor(HOME, None);
    let (one, one_code) = door.half(&here, "ada").await?;
    let (other, other_code) = door.half(&here, "ada").await?;
    let enter = async |half: &LinkSecret, code: &str| {
        enter_code(&door.entrance, &here, (half, code), None, door.now(), &mut rng()).await.map(drop)
    };
    let crossed = enter(&one, &other_code).await;
    ensure!(
        one_code == other_code || matches!(crossed, Err(SecondError::WrongCode { left: 4 })),
        "{crossed:?}"
    );
    // The fifth wrong code ends the attempt: not even the right one completes it, and no other one is sent.
    for left in [3, 2, 1] {
        ensure!(matches!(enter(&one, "000000").await, Err(SecondError::WrongCode { left: l }) if l == left));
    }
    ensure!(matches!(enter(&one, "000000").await, Err(SecondError::Over)));
    ensure!(matches!(enter(&one, &one_code).await, Err(SecondError::Over)));
    let again = send_again(&door.entrance, &here, &one, door.now(), &mut rng()).await;
    ensure!(matches!(again, Err(SecondError::Over)), "{again:?}");
    // The number waits after five wrong codes in a row.
    door.clock.turn(seconds(300));
    enter(&other, &other_code).await?;
    Ok(())
}

pub async fn a_half_way_sign_in_sends_three_codes_and_ends(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    door.with_phone(member.person, NUMBER).await?;
    let here = visitor(HOME, None);
    let (half, _) = door.half(&here, "ada").await?;
    let send = async || send_again(&door.entrance, &here, &half, door.now(), &mut rng()).await;
    ensure!(matches!(send().await, Err(SecondError::Code(CodeError::Limited(_)))), "too soon");
    let mut last = None;
    for _ in 0..2 {
        door.clock.turn(seconds(120));
        last = Some(send().await?);
    }
    door.clock.turn(seconds(120));
    ensure!(matches!(send().await, Err(SecondError::Code(CodeError::NoSendsLeft))));
    let code = door.code(last.context("sent")?.verification).await?;
    door.clock.turn(seconds(300));
    let late = enter_code(&door.entrance, &here, (&half, &code), None, door.now(), &mut rng()).await;
    ensure!(matches!(late, Err(SecondError::Over)), "{late:?}");
    Ok(())
}

pub async fn a_code_that_a_dead_process_used_up_is_replaced(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    door.with_phone(member.person, NUMBER).await?;
    let here = visitor(HOME, None);
    let (half, code) = door.half(&here, "ada").await?;
    let row = pending(&door.entrance, &half, door.now()).await?.context("half-way")?.half;
    // The code was approved, and the process died before the session began.
    let purpose = Purpose::SignIn { tenant_name: None };
    let verification = row.verification.context("a code")?;
    let context = &door.entrance.context;
    let checked = check_code(context, &purpose, verification, &code, door.now(), &mut rng()).await?;
    assert_eq!(checked, CodeCheck::Right);
    let spent = enter_code(&door.entrance, &here, (&half, &code), None, door.now(), &mut rng()).await;
    ensure!(matches!(spent, Err(SecondError::CodeEnded(CodeEnd::Used))), "{spent:?}");
    let sent = send_again(&door.entrance, &here, &half, door.now(), &mut rng()).await?;
    let other = door.code(sent.verification).await?;
    enter_code(&door.entrance, &here, (&half, &other), None, door.now(), &mut rng()).await?;
    Ok(())
}

pub async fn nothing_half_way_outlasts_a_change_of_the_account(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    door.owner("second").await?;
    let here = visitor(HOME, None);
    let recovery = door.with_phone(member.person, NUMBER).await?.expose();
    let ends = [
        AccountChange::Password(super::door::hashed()),
        AccountChange::SignOutEverywhere { forget_devices: false },
    ];
    for change in ends {
        let (half, code) = door.half(&here, "ada").await?;
        door.change(member.person, change).await?;
        let late = enter_code(&door.entrance, &here, (&half, &code), None, door.now(), &mut rng()).await;
        ensure!(matches!(late, Err(SecondError::Over)), "{late:?}");
        let late =
            enter_recovery_code(&door.entrance, &here, (&half, &recovery), None, door.now(), &mut rng())
                .await;
        ensure!(matches!(late, Err(SecondError::Over)), "{late:?}");
        door.clock.turn(seconds(3_600));
    }
    let (half, code) = door.half(&here, "ada").await?;
    disable(&door, &member).await?;
    let late = enter_code(&door.entrance, &here, (&half, &code), None, door.now(), &mut rng()).await;
    ensure!(matches!(late, Err(SecondError::Over)), "{late:?}");
    Ok(())
}

pub async fn one_recovery_code_signs_in_once(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    let device = door.known_browser(HOME, "ada").await?;
    let recovery = door.with_phone(member.person, NUMBER).await?.expose();
    let mut halves = Vec::new();
    for number in 0..8 {
        door.clock.turn(seconds(60));
        let here = visitor(address(number), Some(&device));
        let Entered::CodeNeeded { half, .. } = door.sign_in(&here, "ada", PASSWORD).await? else {
            bail!("a phone")
        };
        halves.push((here, half));
    }
    let tries = halves.iter().map(|(here, half)| async {
        enter_recovery_code(&door.entrance, here, (half, &recovery), None, door.now(), &mut rng()).await
    });
    let done = join_all(tries).await;
    assert_eq!(done.iter().filter(|tried| tried.is_ok()).count(), 1, "{done:?}");
    Ok(())
}

pub async fn attempts_are_noted_and_strange_browsers_are_mailed(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    let notices = async || -> Result<i64> {
        let counts = door.people.count_notices().await?;
        Ok(i64::try_from(counts.waiting)?)
    };
    let _ = door.sign_in(&visitor(HOME, None), "ada", WRONG).await;
    assert_eq!(notices().await?, 0, "a wrong password is no mail");
    door.clock.turn(seconds(1));
    let device = door.known_browser(HOME, "ada").await?;
    assert_eq!(notices().await?, 1);
    let here = visitor(HOME, Some(&device));
    door.sign_in(&here, "ada", PASSWORD).await?;
    assert_eq!(notices().await?, 1, "the browser is known");
    door.clock.turn(seconds(31 * 86_400));
    door.sign_in(&here, "ada", PASSWORD).await?;
    door.sign_in(&here, "ada", PASSWORD).await?;
    assert_eq!(notices().await?, 2, "one in thirty days");
    let by = Change::by_system(door.now());
    let owned = door.entrance.people.list_devices(member.person, 9).await?;
    door.entrance.people.trust_device(member.person, owned[0].device.id, true, &by).await?;
    door.clock.turn(seconds(31 * 86_400));
    door.sign_in(&here, "ada", PASSWORD).await?;
    assert_eq!(notices().await?, 2, "a trusted browser causes none");
    // With a phone, the mail comes before the code.
    door.clock.turn(seconds(1));
    door.with_phone(member.person, NUMBER).await?;
    door.half(&visitor(address(1), None), "ada").await?;
    assert_eq!(notices().await?, 3);
    let outcomes: Vec<_> = door.entrance.people.list_sign_ins(member.person, None, 9).await?;
    let outcomes: Vec<_> = outcomes.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes.last(), Some(&SignInOutcome::WrongPassword));
    assert_eq!(outcomes.first(), Some(&SignInOutcome::CodeAsked));
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == SignInOutcome::Done).count(), 5);
    Ok(())
}
