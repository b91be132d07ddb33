//! Sessions in tenants, invitations and the set-up, on each engine.

use super::door::{Door, PASSWORD, email, visitor};
use crate::{
    codes::{new_tenant, rng, seconds},
    directory::Base,
};
use anyhow::{Context as _, Result, bail, ensure};
use countersign_core::{
    access::{actor::Actor, allowlist::Allowlist, change::Change},
    management::invitations::{Handover, invite},
    people::{
        account::{AccountChange, OwnPhone},
        hours::Zone,
        invitation::LinkSecret,
        link::{Link, LinkKind},
        member::{Limits, Role},
        password::Fault,
        person::{EmailAddress, PersonName},
        session::{Factors, SignInOutcome},
    },
    phone::PhoneNumber,
    ports::people::accounts::Along,
    sign_in::{
        begin::NewSession,
        enter::{EnterError, enter},
        first::Entered,
        join::{JoinError, NewPerson, accept_as_new, accept_signed_in, is_setup, open_invitation, set_up},
        late::{Late, keep_late, take_late},
        out::sign_out,
        tenants::tenants,
        visit::{Gone, Inside, Missing, Place, Visit, visit},
    },
    tenant::{
        OPERATOR,
        security::{PasswordAge, Security, SessionIdle, SessionTotal},
        settings::Setting,
    },
};
use futures_util::future::join_all;
use std::net::Ipv4Addr;

const HOME: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

async fn look(door: &Door, secret: &LinkSecret) -> Result<Visit, Gone> {
    visit(&door.entrance, secret, HOME.into(), false, door.now()).await
}

async fn signed_in(door: &Door, name: &str) -> Result<NewSession> {
    match door.sign_in(&visitor(HOME, None), name, PASSWORD).await? {
        Entered::SignedIn(new) => Ok(*new),
        Entered::CodeNeeded { .. } => bail!("a code is needed"),
    }
}

async fn entered(door: &Door, secret: &LinkSecret) -> Result<LinkSecret> {
    let seen = look(door, secret).await?;
    Ok(enter(&door.entrance, &visitor(HOME, None), &seen, door.acme, door.now(), &mut rng()).await?)
}

async fn set(door: &Door, from: Setting, to: Setting) -> Result<()> {
    let (context, by) = (&door.entrance.context, Change::by_system(door.now()));
    context.directory.replace_setting(door.acme, &from, &to, &by).await?;
    Ok(context.refresh().await?)
}

fn inside(visit: Visit) -> Result<Inside> {
    match visit.place {
        Place::Inside(inside) => Ok(*inside),
        place => bail!("not inside: {place:?}"),
    }
}

fn missing(visit: &Visit) -> Option<Missing> {
    if let Place::Barred { missing, .. } = &visit.place { Some(*missing) } else { None }
}

pub async fn a_person_enters_a_tenant_and_leaves(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    let other = new_tenant(&door.entrance.context, &door.clock, "Other").await.tenant;
    let first = signed_in(&door, "ada").await?;
    let open = tenants(&door.entrance, member.person).await?;
    assert_eq!(open.iter().map(|open| open.view.tenant.id).collect::<Vec<_>>(), [door.acme]);
    let seen = look(&door, &first.secret).await?;
    let foreign = enter(&door.entrance, &visitor(HOME, None), &seen, other, door.now(), &mut rng()).await;
    ensure!(matches!(foreign, Err(EnterError::NotFound)), "{foreign:?}");
    let secret = entered(&door, &first.secret).await?;
    ensure!(matches!(look(&door, &first.secret).await, Err(Gone::Unknown)), "the secret is another one");
    let stale = enter(&door.entrance, &visitor(HOME, None), &seen, door.acme, door.now(), &mut rng()).await;
    ensure!(matches!(stale, Err(EnterError::Moved)), "{stale:?}");
    let here = inside(look(&door, &secret).await?)?;
    assert_eq!((here.member.id, here.actor.tenant), (member.id, door.acme));
    assert_eq!(here.actor.grants, member.limits.permissions);
    sign_out(&door.entrance, &visitor(HOME, None), &look(&door, &secret).await?, door.now()).await?;
    ensure!(matches!(look(&door, &secret).await, Err(Gone::Unknown)));
    Ok(())
}

/// A member posts the form of its tenant in a loop, also from an address that the list refuses.
pub async fn entering_in_a_loop_leaves_few_rows(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let ada = door.owner("ada").await?.person;
    let mut secret = signed_in(&door, "ada").await?.secret;
    for _ in 0..20 {
        secret = entered(&door, &secret).await?;
    }
    let rows = async |outcome: SignInOutcome| {
        let rows = door.entrance.people.list_sign_ins(ada, None, 99).await?;
        let rows = rows.into_iter().filter(|one| one.tenant == Some(door.acme) && one.outcome == outcome);
        let mut counts: Vec<_> = rows.map(|one| one.count).collect();
        counts.sort_unstable();
        anyhow::Ok(counts)
    };
    assert_eq!(rows(SignInOutcome::Done).await?, [1], "it was there already");
    let seen = look(&door, &secret).await?;
    let list = Allowlist::parse("198.51.100.0/24\toffice\n").context("a list")?;
    set(&door, Setting::PortalAllowlist(Allowlist::default()), Setting::PortalAllowlist(list)).await?;
    for _ in 0..20 {
        let here = visitor(HOME, None);
        let refused = enter(&door.entrance, &here, &seen, door.acme, door.now(), &mut rng()).await;
        ensure!(matches!(refused, Err(EnterError::Refused { .. })), "{refused:?}");
    }
    assert_eq!(rows(SignInOutcome::RefusedByList).await?, [1, 1, 1, 1, 1, 15]);
    ensure!(signed_in(&door, "ada").await?.session.tenant.is_none(), "a sign-in does not enter it either");
    Ok(())
}

pub async fn a_session_ends_by_its_lengths(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    let new = signed_in(&door, "ada").await?;
    let secret = entered(&door, &new.secret).await?;
    assert_eq!(look(&door, &secret).await?.ends_at, door.now() + seconds(3_600));
    door.clock.turn(seconds(3_599));
    look(&door, &secret).await?;
    // A request by script does not keep the session.
    let since = door.now();
    door.clock.turn(seconds(3_599));
    visit(&door.entrance, &secret, HOME.into(), true, door.now()).await?;
    door.clock.turn(seconds(1));
    let gone = look(&door, &secret).await;
    ensure!(matches!(gone, Err(Gone::Idle { since: at, .. }) if at == since), "{gone:?}");
    // The tenant's rules are the most that a person can choose.
    let security = Security {
        session_idle: SessionIdle::new(300),
        session_total: SessionTotal::new(86_400),
        ..Security::default()
    };
    set(&door, Setting::Security(Security::default()), Setting::Security(security)).await?;
    let longer = AccountChange::SessionLengths(SessionIdle::new(28_800), SessionTotal::new(43_200));
    door.change(member.person, longer).await?;
    let new = signed_in(&door, "ada").await?;
    let secret = entered(&door, &new.secret).await?;
    assert_eq!(look(&door, &secret).await?.ends_at, door.now() + seconds(300));
    for _ in 0..43_200 / 299 {
        door.clock.turn(seconds(299));
        look(&door, &secret).await?;
    }
    door.clock.turn(seconds(299));
    ensure!(matches!(look(&door, &secret).await, Err(Gone::TooOld { .. })));
    Ok(())
}

pub async fn a_tenant_demands_what_is_missing(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    let new = signed_in(&door, "ada").await?;
    let secret = entered(&door, &new.secret).await?;
    // The password is old: a reminder, then a demand.
    door.clock.turn(seconds(30 * 86_400));
    let new = signed_in(&door, "ada").await?;
    let secret = {
        ensure!(matches!(look(&door, &secret).await, Err(Gone::TooOld { .. })));
        entered(&door, &new.secret).await?
    };
    assert_eq!(inside(look(&door, &secret).await?)?.old_password, Some(30));
    let forced = Security { password_age: Some(PasswordAge::Force), ..Security::default() };
    set(&door, Setting::Security(Security::default()), Setting::Security(forced.clone())).await?;
    assert_eq!(missing(&look(&door, &secret).await?), Some(Missing::NewPassword { days: 30 }));
    // The second factor comes first, from its date on.
    let from = door.now() + seconds(60);
    let strict = Security { require_2fa: Some(from), ..forced.clone() };
    set(&door, Setting::Security(forced), Setting::Security(strict)).await?;
    assert_eq!(missing(&look(&door, &secret).await?), Some(Missing::NewPassword { days: 30 }));
    door.clock.turn(seconds(60));
    let demanded = Some(Missing::SecondFactor { has_phone: false });
    assert_eq!(missing(&look(&door, &secret).await?), demanded);
    // The list comes before all. A stolen cookie elsewhere does not keep the session.
    let list = Allowlist::parse("198.51.100.0/24\toffice\n").context("a list")?;
    set(&door, Setting::PortalAllowlist(Allowlist::default()), Setting::PortalAllowlist(list.clone()))
        .await?;
    let before = look(&door, &secret).await?;
    assert_eq!(missing(&before), Some(Missing::Refused { address: HOME.into() }));
    door.clock.turn(seconds(60));
    assert_eq!(look(&door, &secret).await?.session.seen_at, before.session.seen_at);
    let refused =
        enter(&door.entrance, &visitor(HOME, None), &before, door.acme, door.now(), &mut rng()).await;
    ensure!(matches!(refused, Err(EnterError::Refused { address }) if address == HOME), "{refused:?}");
    set(&door, Setting::PortalAllowlist(list), Setting::PortalAllowlist(Allowlist::default())).await?;
    // A member that is removed is in no tenant with the next request.
    door.owner("second").await?;
    let by = Change::by_system(door.now());
    let second = tenants(&door.entrance, member.person).await?;
    ensure!(second.len() == 1);
    let subuser = Limits { role: Role::Subuser, ..member.limits.clone() };
    let third = door.member("third", door.acme, subuser).await?;
    let new = signed_in(&door, "third").await?;
    let secret = entered(&door, &new.secret).await?;
    door.entrance.context.directory.delete_member(&third, None, &by).await?;
    ensure!(matches!(look(&door, &secret).await, Err(Gone::Unknown)), "the person is gone too");
    Ok(())
}

pub async fn a_kept_session_has_shown_the_first_code(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let member = door.owner("ada").await?;
    let new = signed_in(&door, "ada").await?;
    let (context, people, now) = (&door.entrance.context, &door.entrance.people, door.now());
    let number = PhoneNumber::parse("+48501000003")?;
    let phone = OwnPhone::new(member.person, &number, &context.keyring, now, &mut rng());
    let mut secret = new.secret;
    for (change, factors) in [
        (AccountChange::TwoFactorOn(phone, Vec::new()), Factors::Code),
        (AccountChange::RecoveryCodes(Vec::new()), Factors::Code),
        (AccountChange::TwoFactorOff, Factors::Password),
    ] {
        let account = people.account(member.person).await?.context("the account")?;
        let renewed = LinkSecret::generate(&mut rng());
        let along = Along { kept: Some((new.session.id, renewed.hash())), ..Along::default() };
        people.change_account(&account, &change, along, &Change::by_system(now)).await?;
        ensure!(matches!(look(&door, &secret).await, Err(Gone::Unknown)), "the secret is another one");
        secret = renewed;
        assert_eq!(look(&door, &secret).await?.session.factors, factors);
    }
    Ok(())
}

pub async fn a_late_form_comes_back_once(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    door.owner("eve").await?;
    let new = signed_in(&door, "ada").await?;
    let secret = entered(&door, &new.secret).await?;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let late = Late { path: "/portal/profile".to_owned(), fields: vec![pair("name", "Ada")] };
    let keep = async || keep_late(&door.entrance, &secret, &late, door.now(), &mut rng()).await;
    let back = async |name: &str| -> Result<Option<Late>> {
        let new = signed_in(&door, name).await?;
        let here = look(&door, &entered(&door, &new.secret).await?).await?;
        Ok(take_late(&door.entrance, &here, door.now()).await?)
    };
    door.clock.turn(seconds(7_200));
    keep().await?;
    assert_eq!(back("eve").await?, None, "it is another person's");
    assert_eq!(back("ada").await?.as_ref(), Some(&late));
    assert_eq!(back("ada").await?, None, "it comes back once");
    keep().await?;
    door.clock.turn(seconds(901));
    assert_eq!(back("ada").await?, None, "it is kept for 15 minutes");
    // Nothing is kept for a session that was signed out everywhere.
    let person = look(&door, &signed_in(&door, "ada").await?.secret).await?.session.person;
    door.change(person, AccountChange::SignOutEverywhere { forget_devices: false }).await?;
    keep().await?;
    assert_eq!(back("ada").await?, None);
    Ok(())
}

fn chosen(password: &str) -> NewPerson<'_> {
    NewPerson {
        name: PersonName::parse("Grace").unwrap(),
        password,
        language: Default::default(),
        zone: Zone::default(),
    }
}

pub async fn an_invited_person_joins_once(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    door.owner("ada").await?;
    let (entrance, here, now) = (&door.entrance, visitor(HOME, None), door.now());
    let operator = Actor::operator(door.acme);
    let to = EmailAddress::parse(&email("grace")).context("an address")?;
    let limits = Limits::of_owner(Zone::default());
    let by = Change::by_system(now);
    let (made, secret) =
        invite(&entrance.context, &operator, (&to, &limits), Handover::Caller, &by, &mut rng()).await?;
    let link = (door.acme, made.id);
    let open = open_invitation(entrance, link, &secret, now).await?;
    assert_eq!((open.tenant.as_str(), &open.email), ("Acme", &to));
    let other = LinkSecret::generate(&mut rng());
    ensure!(matches!(open_invitation(entrance, link, &other, now).await, Err(JoinError::BadLink)));
    let link = (door.acme, made.id, &secret);
    let weak = accept_as_new(entrance, &here, link, chosen("short"), None, now, &mut rng()).await;
    ensure!(matches!(weak, Err(JoinError::Password(faults)) if faults.contains(&Fault::Short)));
    // Of many who accept at once, one joins.
    let all = (0..20).map(|_| async {
        accept_as_new(entrance, &here, link, chosen(PASSWORD), None, now, &mut rng()).await
    });
    let mut joined: Vec<_> = join_all(all).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(joined.len(), 1);
    let new = joined.pop().context("one")?;
    ensure!(new.session.invited);
    let seen = inside(look(&door, &new.secret).await?)?;
    assert_eq!((seen.member.tenant, seen.member.limits.role), (door.acme, Role::Owner));
    ensure!(door.sign_in(&here, "grace", PASSWORD).await.is_ok());

    // A known person accepts signed in, and only an invitation to its own address.
    let second = new_tenant(&entrance.context, &door.clock, "Second").await.tenant;
    let operator = Actor::operator(second);
    let (made, secret) =
        invite(&entrance.context, &operator, (&to, &limits), Handover::Caller, &by, &mut rng()).await?;
    let link = (second, made.id, &secret);
    let known = accept_as_new(entrance, &here, link, chosen(PASSWORD), None, now, &mut rng()).await;
    ensure!(matches!(known, Err(JoinError::Known)));
    let ada = signed_in(&door, "ada").await?;
    let ada = look(&door, &ada.secret).await?;
    let foreign = accept_signed_in(entrance, &here, link, &ada, now, &mut rng()).await;
    ensure!(matches!(foreign, Err(JoinError::BadLink)), "{foreign:?}");
    let grace = look(&door, &new.secret).await?;
    accept_signed_in(entrance, &here, link, &grace, now, &mut rng()).await?;
    assert_eq!(tenants(entrance, grace.session.person).await?.len(), 2);
    let again = accept_signed_in(entrance, &here, link, &grace, now, &mut rng()).await;
    ensure!(matches!(again, Err(JoinError::BadLink)), "{again:?}");
    Ok(())
}

pub async fn the_first_person_is_made_once(base: &Base) -> Result<()> {
    let door = Door::new(base).await?;
    let (entrance, here, now) = (&door.entrance, visitor(HOME, None), door.now());
    let secret = LinkSecret::generate(&mut rng());
    let link = Link {
        secret: secret.hash(),
        kind: LinkKind::SetUp,
        person: None,
        epoch: 0,
        sealed: None,
        made_at: now,
        expires_at: now + LinkKind::SetUp.life(),
    };
    ensure!(!is_setup(entrance, &secret, now).await?);
    entrance.people.add_link(&link, &[]).await?;
    ensure!(is_setup(entrance, &secret, now).await?);
    let make = async |name: &str| {
        let address = EmailAddress::parse(&email(name)).unwrap();
        set_up(entrance, &here, &secret, (address, chosen(PASSWORD)), now, &mut rng()).await
    };
    let (one, other) = tokio::join!(make("one"), make("other"));
    ensure!(one.is_ok() != other.is_ok(), "one is made");
    let new = one.or(other)?;
    let seen = look(&door, &new.secret).await?;
    // The operator's members sign in with codes as soon as they can be sent.
    assert_eq!(missing(&seen), Some(Missing::SecondFactor { has_phone: false }));
    assert_eq!(seen.session.tenant, Some(OPERATOR));
    assert_eq!(seen.ends_at, now + seconds(900));
    ensure!(!is_setup(entrance, &secret, now).await?);
    door.change(seen.session.person, AccountChange::SignOutEverywhere { forget_devices: true }).await?;
    ensure!(matches!(look(&door, &new.secret).await, Err(Gone::SignedOut)));
    Ok(())
}
