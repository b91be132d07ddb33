//! The mails on what owners and the operator grant, and on what time makes due.

use super::{
    door::{Door, PASSWORD, visitor},
    own::{actor, by, kinds, notices, recipient},
};
use crate::{
    codes::{new_tenant, number, rng, seconds},
    directory::{Base, people::subuser},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        change::Change,
        scope::{Scope, Scopes},
    },
    acts::start::{request::StartRequest, start_verification},
    management::{
        invitations::{Accepting, Handover, accept, invite, invite_once, send_again, withdraw},
        keys::{CreateKey, KeyName, create_key},
        members::{LimitsChange, MemberChange, update_member},
        reach::MemberError,
    },
    mode::Mode,
    people::{
        hours::Zone,
        member::{Limits, Member, Role},
        notice::{News, Notice},
        person::{EmailAddress, Identity, PersonName},
    },
    phone::PhoneNumber,
    sign_in::{
        first::{Entered, SignInError},
        join::{accept_signed_in, open_invitation},
        reminders::{remind_of_passwords, report_pools},
        visit::visit,
    },
    tenant::{
        security::{PasswordAge, PasswordDays, Security},
        settings::Setting,
    },
    verification::idempotency::{IdempotencyError, Once},
};
use std::net::Ipv4Addr;

const HOME: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const DAY: u64 = 86_400;

/// Each mail as its kind and its recipient, sorted.
fn told(notices: &[Notice]) -> Vec<(&'static str, String)> {
    let mut told: Vec<_> = notices.iter().map(|one| (one.news.kind(), recipient(one))).collect();
    told.sort();
    told
}

fn to(kind: &'static str, names: &[&str]) -> Vec<(&'static str, String)> {
    names.iter().map(|name| (kind, format!("{name}@example.com"))).collect()
}

fn grant(limits: LimitsChange) -> MemberChange {
    MemberChange { limits, disabled: None }
}

pub async fn owners_hear_of_new_owners_and_of_codes(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let context = &door.entrance.context;
    for name in ["ada", "bob"] {
        door.owner(name).await?;
    }
    let clerk = door.member("cleo", door.acme, subuser()).await?;
    notices(&door).await?;
    let (operator, change) = (Actor::operator(door.acme), Change::by_operator(door.now()));
    let codes = Scopes::from_iter(clerk.limits.permissions.iter().chain([Scope::CodesReveal]));
    let reveal = grant(LimitsChange { permissions: Some(codes), ..LimitsChange::default() });
    update_member(context, &operator, clerk.id, &reveal, &change, &mut rng()).await?;
    assert_eq!(told(&notices(&door).await?), to("codes_reveal_granted", &["ada", "bob"]));
    update_member(context, &operator, clerk.id, &reveal, &change, &mut rng()).await?;
    let fewer = Some(Scopes::from_iter([Scope::CodesReveal]));
    let fewer = grant(LimitsChange { permissions: fewer, ..LimitsChange::default() });
    update_member(context, &operator, clerk.id, &fewer, &change, &mut rng()).await?;
    ensure!(notices(&door).await?.is_empty(), "it had the grant before");

    let promotion = grant(LimitsChange { role: Some(Role::Owner), ..LimitsChange::default() });
    let refused =
        update_member(context, &actor(&clerk), clerk.id, &promotion, &by(&door, &clerk), &mut rng()).await;
    ensure!(refused.is_err() && notices(&door).await?.is_empty(), "nobody hears of a refusal");
    update_member(context, &operator, clerk.id, &promotion, &change, &mut rng()).await?;
    let mails = notices(&door).await?;
    assert_eq!(told(&mails), to("new_owner", &["ada", "bob"]), "the new owner itself hears nothing");
    let News::NewOwner { tenant, name } = &mails[0].news else { panic!("{mails:?}") };
    assert_eq!((tenant.as_str(), name.expose()), ("Acme", "cleo"));

    let asked = |scopes: &[Scope]| CreateKey {
        name: KeyName::parse("Call centre").unwrap(),
        mode: Mode::Live,
        scopes: scopes.iter().copied().collect(),
        expires_at: None,
        allowlist: Allowlist::default(),
        profiles: None,
        company: true,
    };
    create_key(context, &operator, asked(&[Scope::SettingsRead]), None, &change, &mut rng()).await?;
    ensure!(notices(&door).await?.is_empty());
    create_key(context, &operator, asked(&[Scope::CodesReveal]), None, &change, &mut rng()).await?;
    let mails = notices(&door).await?;
    assert_eq!(told(&mails), to("codes_reveal_granted", &["ada", "bob", "cleo"]));
    ensure!(matches!(&mails[0].news, News::CodesRevealGranted { to, .. } if to.as_str() == "Call centre"));

    // An invitation grants when it is accepted.
    let address = EmailAddress::parse("dan@example.com").context("an address")?;
    let limits = Limits::of_owner(Zone::default());
    let offer = (&address, &limits);
    let (made, secret) = invite(context, &operator, offer, Handover::Caller, &change, &mut rng()).await?;
    ensure!(notices(&door).await?.is_empty());
    let dan = Identity { name: PersonName::parse("dan").context("a name")?, email: address };
    let new = Accepting::New(dan, Default::default(), Zone::default(), super::door::hashed());
    accept(context, (door.acme, made.id), &secret, &new, &change, &mut rng()).await?;
    assert_eq!(told(&notices(&door).await?), to("new_owner", &["ada", "bob", "cleo"]));
    Ok(())
}

pub async fn an_invitation_and_its_mail_are_one(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let context = &door.entrance.context;
    let ada = door.owner("ada").await?;
    notices(&door).await?;
    let (address, limits) = (EmailAddress::parse("dan@example.com").context("an address")?, subuser());
    let offer = (&address, &limits);
    let (author, change) = (actor(&ada), by(&door, &ada));
    let (made, _) = invite(context, &author, offer, Handover::Mail, &change, &mut rng()).await?;
    let again = invite(context, &author, offer, Handover::Mail, &change, &mut rng()).await;
    ensure!(matches!(again, Err(MemberError::Exists)));
    let invited_by = async || -> Result<Option<String>> {
        let mails = notices(&door).await?;
        assert_eq!(told(&mails), to("invitation", &["dan"]), "a refused invitation has no mail");
        let News::Invitation { invited_by, .. } = &mails[0].news else { panic!("{mails:?}") };
        Ok(invited_by.as_ref().map(|name| name.expose().to_owned()))
    };
    assert_eq!(invited_by().await?.as_deref(), Some("ada"));
    let operator = Actor::operator(door.acme);
    send_again(context, &operator, made.id, Handover::Mail, &change, &mut rng()).await?;
    assert_eq!(invited_by().await?, None, "the operator");
    send_again(context, &operator, made.id, Handover::Caller, &change, &mut rng()).await?;
    ensure!(notices(&door).await?.is_empty());
    withdraw(context, &operator, made.id, &change).await?;

    // A repeat makes nothing, and mails nothing.
    let once = |request| Once { slot: [7; 16], request: [request; 16] };
    let ask = async |request| {
        let sent = (Handover::Mail, Some(&once(request)));
        invite_once(context, &author, offer, sent, &change, &mut rng()).await
    };
    let (one, other) = tokio::join!(ask(1), ask(1));
    let (one, other) = (one?, other?);
    ensure!(one.before != other.before && one.value == other.value, "one of them made it");
    assert_eq!(invited_by().await?.as_deref(), Some("ada"));
    let mismatch = ask(2).await;
    ensure!(matches!(mismatch, Err(MemberError::Idempotency(IdempotencyError::Mismatch))), "{mismatch:?}");
    withdraw(context, &operator, one.value.id, &change).await?;
    ensure!(matches!(ask(1).await, Err(MemberError::MadeBefore)));
    ensure!(notices(&door).await?.is_empty());
    Ok(())
}

pub async fn a_person_shut_out_everywhere_accepts_an_invitation(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let (entrance, here) = (&door.entrance, visitor(HOME, None));
    door.owner("ada").await?;
    let bob = door.member("bob", door.acme, subuser()).await?;
    let disabled = Member { disabled: true, version: bob.version + 1, ..bob.clone() };
    let change = Change::by_operator(door.now());
    entrance.context.directory.update_member((&bob, &disabled), None, &[], &change).await?;
    entrance.context.refresh().await?;
    let shut = async || matches!(door.sign_in(&here, "bob", PASSWORD).await, Err(SignInError::Wrong));
    ensure!(shut().await);
    let other = new_tenant(&entrance.context, &door.clock, "Other").await.tenant;
    let address = EmailAddress::parse("bob@example.com").context("an address")?;
    let offer = (&address, &Limits::of_owner(Zone::default()));
    let operator = Actor::operator(other);
    let (made, secret) =
        invite(&entrance.context, &operator, offer, Handover::Caller, &change, &mut rng()).await?;
    let Entered::SignedIn(new) = door.sign_in(&here, "bob", PASSWORD).await? else { panic!("no phone") };
    let wrong = door.sign_in(&here, "bob", "another password 1A").await;
    ensure!(matches!(wrong, Err(SignInError::Wrong)), "only the right password");
    let seen = visit(entrance, &new.secret, HOME.into(), false, door.now()).await?;
    let open = open_invitation(entrance, (other, made.id), &secret, door.now()).await?;
    ensure!(!open.needs_phone);
    accept_signed_in(entrance, &here, (other, made.id, &secret), &seen, door.now(), &mut rng()).await?;
    ensure!(!shut().await);
    Ok(())
}

pub async fn an_old_password_is_mailed_once_each_time_that_it_is_due(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    door.owner("bob").await?;
    let directory = &door.entrance.context.directory;
    let set = async |age: PasswordAge| -> Result<()> {
        let before = directory.settings(door.acme).await?.security;
        let days = PasswordDays::new(10);
        let after = Security { password_age: Some(age), password_days: days, ..Security::default() };
        let (before, after) = (Setting::Security(before), Setting::Security(after));
        directory.replace_setting(door.acme, &before, &after, &Change::by_system(door.now())).await?;
        door.entrance.context.refresh().await?;
        Ok(())
    };
    let remind = async || -> Result<Vec<Notice>> {
        let (one, other) = tokio::join!(
            async { remind_of_passwords(&door.entrance, door.now(), &mut rng()).await },
            async { remind_of_passwords(&door.entrance, door.now(), &mut rng()).await }
        );
        let mails = notices(&door).await?;
        assert_eq!((one? + other?) as usize, mails.len());
        Ok(mails)
    };
    set(PasswordAge::Remind).await?;
    notices(&door).await?;
    ensure!(remind().await?.is_empty(), "it is new");
    door.clock.turn(seconds(10 * DAY - 60));
    ensure!(remind().await?.is_empty());
    door.clock.turn(seconds(60));
    let mails = remind().await?;
    assert_eq!(told(&mails), to("password_old", &["ada", "bob"]));
    ensure!(mails.iter().all(|one| one.news == News::PasswordOld { days: 10, forced: false }));
    ensure!(remind().await?.is_empty(), "once");
    door.clock.turn(seconds(9 * DAY));
    ensure!(remind().await?.is_empty());
    set(PasswordAge::Force).await?;
    door.clock.turn(seconds(3 * DAY));
    let mails = remind().await?;
    ensure!(mails.iter().all(|one| one.news == News::PasswordOld { days: 22, forced: true }), "{mails:?}");
    assert_eq!(mails.len(), 2);
    set(PasswordAge::Off).await?;
    door.clock.turn(seconds(20 * DAY));
    ensure!(remind().await?.is_empty());
    Ok(())
}

pub async fn owners_hear_once_of_a_pool_that_is_mostly_used(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let limits = |pool| Limits { pool: Some(pool), ..Limits::of_owner(Zone::default()) };
    let cleo = door.member("cleo", door.acme, Limits { role: Role::Subuser, ..limits(5) }).await?;
    notices(&door).await?;
    let start = async |to: usize| -> Result<()> {
        let caller = actor(&cleo);
        let request = StartRequest::plain(PhoneNumber::parse(&number(to))?);
        start_verification(&door.entrance.context, &caller, request, None, door.now(), &mut rng()).await?;
        Ok(())
    };
    let report = async || report_pools(&door.entrance, door.now(), &mut rng()).await;
    for to in 1..4 {
        start(to).await?;
    }
    assert_eq!(report().await?, 0, "3 of 5");
    start(4).await?;
    assert_eq!(report().await?, 1);
    let mails = notices(&door).await?;
    assert_eq!(told(&mails), to("pool_at_80", &["ada"]));
    ensure!(
        matches!(&mails[0].news, News::PoolAt80 { member, used: 4, of: 5, .. } if member.expose() == "cleo")
    );
    assert_eq!(report().await?, 0, "once");
    start(5).await?;
    assert_eq!(report().await?, 0);
    // A larger pool is crossed again.
    let change = Change::by_operator(door.now());
    let larger = grant(LimitsChange { pool: Some(Some(6)), ..LimitsChange::default() });
    let operator = Actor::operator(door.acme);
    update_member(&door.entrance.context, &operator, cleo.id, &larger, &change, &mut rng()).await?;
    assert_eq!(report().await?, 1, "5 of 6");
    assert_eq!(kinds(&notices(&door).await?), ["pool_at_80"]);
    // One that goes back and forth is no news.
    for pool in [5, 6] {
        let other = grant(LimitsChange { pool: Some(Some(pool)), ..LimitsChange::default() });
        update_member(&door.entrance.context, &operator, cleo.id, &other, &change, &mut rng()).await?;
        assert_eq!(report().await?, 0, "{pool}");
    }
    // The next month begins with an empty count.
    door.clock.turn(seconds(40 * DAY));
    assert_eq!(report().await?, 0);
    Ok(())
}
