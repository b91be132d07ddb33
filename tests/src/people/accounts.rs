//! Changes of accounts.

use super::world::{World, by, half, is_moved, secret};
use crate::{
    codes::{keyring, rng},
    directory::{
        Base, at,
        people::{email, join, member, owner, password, person, subuser},
    },
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::change::Change,
    audit::entry::Author,
    id::PersonId,
    locale::Locale,
    people::{
        account::{Account, AccountChange, OwnPhone},
        link::{Link, LinkKind},
        password::{PasswordText, REMEMBERED},
        person::Person,
        proof::Proof,
        recovery::{RecoveryCode, RecoveryMark},
        session::Session,
    },
    phone::PhoneNumber,
    ports::{
        directory::{
            members::{Joining, Members as _},
            people::People as _,
        },
        error::StoreError,
        people::{
            accounts::{Accounts as _, Along, Consumed},
            codes::PendingCodes as _,
            devices::Devices as _,
            links::Links as _,
            sessions::Sessions as _,
        },
    },
    tenant::{
        OPERATOR,
        security::{SessionIdle, SessionTotal},
    },
};
use countersign_stores::people::SqlPeople;

pub fn phone(person: PersonId, number: &str) -> OwnPhone {
    OwnPhone::new(person, &PhoneNumber::parse(number).unwrap(), &keyring(), at(20), &mut rng())
}

pub fn codes(person: PersonId) -> Vec<RecoveryMark> {
    RecoveryCode::generate(&mut rng()).iter().map(|code| code.mark(person, &keyring())).collect()
}

fn hash(number: usize) -> PasswordText {
    PasswordText::stored(format!("hash {number}"))
}

pub fn link(kind: LinkKind, person: Option<PersonId>, number: u32) -> Link {
    let (epoch, sealed) = (1, Some(vec![1, 2, 3]));
    Link {
        secret: secret(number),
        kind,
        person,
        epoch,
        sealed,
        made_at: at(20),
        expires_at: at(20) + kind.life(),
    }
}

pub fn proof(session: &Session) -> Proof {
    Proof {
        session: session.id,
        epoch: session.epoch,
        act: "password".to_owned(),
        object: String::new(),
        digest: [7; 32],
        verification: None,
        sends: 0,
        sealed: Some(vec![1, 9]),
        made_at: at(20),
        expires_at: at(620),
    }
}

/// The proof, as a change consumes it.
pub fn consumed(proof: &Proof) -> Consumed<'_> {
    Consumed::Proof(proof.session, &proof.act, &proof.object, proof.digest)
}

pub async fn an_account_changes_only_as_it_was_read(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let before = world.account().await?;
    assert_eq!(before.password.as_ref(), Some(&password()));
    assert_eq!(world.people.find_account(email(1).mark(&keyring())).await?.as_ref(), Some(&before));
    let id = world.owner.person;
    let renamed = Person {
        sealed: vec![1, 5],
        language: Locale::parse("pl").context("a language")?,
        ..before.person.clone()
    };
    let lengths = (SessionIdle::new(300), SessionTotal::new(86_400));
    let change = async |account: &Account, change: AccountChange| {
        world.people.change_account(account, &change, Along::default(), &by(30)).await
    };
    change(&before, AccountChange::Profile(renamed.clone())).await?;
    ensure!(is_moved(&change(&before, AccountChange::Profile(renamed.clone())).await));
    ensure!(is_moved(&change(&before, AccountChange::SessionLengths(lengths.0, lengths.1)).await));
    let second = world.account().await?;
    assert_eq!(second.person, Person { version: 2, ..renamed });
    change(&second, AccountChange::SessionLengths(lengths.0, lengths.1)).await?;
    change(&world.account().await?, AccountChange::Rehash(hash(1))).await?;
    change(&world.account().await?, AccountChange::ResetTwoFactorAt(Some(at(99)))).await?;
    let third = world.account().await?;
    assert_eq!((third.idle, third.total, third.reset_2fa_at), (lengths.0, lengths.1, Some(at(99))));
    assert_eq!((third.password.as_ref(), third.password_at), (Some(&hash(1)), second.password_at));
    assert_eq!((third.person.epoch, third.person.version), (1, 5), "none of these raises the epoch");
    assert_eq!(world.people.due_resets(at(99), 9).await?, std::slice::from_ref(&third));
    ensure!(world.people.due_resets(at(98), 9).await?.is_empty());
    change(&third, AccountChange::SignOutEverywhere { forget_devices: false }).await?;
    let last = world.account().await?;
    assert_eq!((last.person.epoch, last.reset_2fa_at), (2, None));
    for (action, number) in
        [("person.profile", 1), ("person.two_factor_reset", 1), ("portal.sign_out_everywhere", 1)]
    {
        let entries = world.entries(world.tenant, action).await?;
        assert_eq!(entries.len(), number, "{action}");
        let author = Author { actor: world.owner.id.to_string(), acting_for: None };
        assert_eq!((&entries[0].author, &entries[0].object), (&author, &id.to_string()));
    }
    Ok(())
}

pub async fn a_change_ends_what_was_begun_before(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let (people, id) = (&world.people, world.owner.person);
    let (kept, other) = (world.sign_in(1).await?, world.sign_in(2).await?);
    ensure!(people.trust_device(id, kept.device, true, &by(20)).await?);
    people.begin_half(&half(id, 3)).await?;
    let (own, others) = (proof(&kept), proof(&other));
    for proof in [&own, &others] {
        people.begin_proof(proof).await?;
    }
    let (reset, undo) = (link(LinkKind::Reset, Some(id), 4), link(LinkKind::UndoAddress, Some(id), 5));
    for link in [&reset, &undo] {
        people.add_link(link, &[]).await?;
        assert_eq!(people.link(link.secret, at(21)).await?.as_ref(), Some(link));
    }
    let account = world.account().await?;
    // What is consumed must be there, whole.
    let wrong = Consumed::Proof(kept.id, "password", "", [8; 32]);
    for consumes in [
        vec![wrong],
        vec![Consumed::Proof(kept.id, "email", "", [7; 32])],
        vec![consumed(&own), Consumed::Link(secret(77))],
        vec![Consumed::RecoveryCode(RecoveryMark([1; 16]))],
    ] {
        let along = Along { consumes: &consumes, ..Along::default() };
        let refused =
            people.change_account(&account, &AccountChange::Password(hash(1)), along, &by(30)).await;
        ensure!(is_moved(&refused), "{refused:?}");
    }
    let consumes = [consumed(&own)];
    let late = Along { consumes: &consumes, ..Along::default() };
    let refused = people.change_account(&account, &AccountChange::Password(hash(1)), late, &by(620)).await;
    ensure!(is_moved(&refused), "the proof is too old: {refused:?}");
    assert_eq!(world.account().await?, account, "nothing was written");
    let along = Along { consumes: &consumes, kept: Some((kept.id, secret(9))), notices: &[] };
    people.change_account(&account, &AccountChange::Password(hash(1)), along, &by(30)).await?;
    let changed = world.account().await?;
    assert_eq!((changed.person.epoch, changed.password_at), (2, Some(at(30))));
    let (session, of) = people.session(secret(9)).await?.context("the kept session")?;
    assert_eq!((session.epoch, of.person.epoch), (2, 2));
    ensure!(people.session(kept.secret).await?.is_none(), "it has another secret");
    let (ended, of) = people.session(other.secret).await?.context("the page can say why it ended")?;
    ensure!(ended.epoch != of.person.epoch);
    assert_eq!(people.list_sessions(id).await?, [session]);
    ensure!(people.half(secret(3), at(21)).await?.is_none());
    ensure!(people.proof(other.id, "password", "", at(21)).await?.is_none());
    ensure!(!people.take_proof(&others, at(21)).await? && !people.take_proof(&own, at(21)).await?);
    ensure!(people.link(reset.secret, at(21)).await?.is_none());
    ensure!(people.link(undo.secret, at(21)).await?.is_some(), "a thief's change does not end it");
    let device = people.own_device(id, kept.device).await?.context("a browser")?;
    assert_eq!(device.trusted_at, None);
    // A link is used once; a session that has ended is not kept.
    let account = world.account().await?;
    let consumes = [Consumed::Link(undo.secret)];
    let gone = Along { kept: Some((other.id, secret(10))), ..Along::default() };
    let everywhere = AccountChange::SignOutEverywhere { forget_devices: true };
    ensure!(is_moved(&people.change_account(&account, &everywhere, gone, &by(31)).await));
    let along = Along { consumes: &consumes, kept: Some((kept.id, secret(10))), notices: &[] };
    people.change_account(&account, &everywhere, along, &by(31)).await?;
    ensure!(people.link(undo.secret, at(32)).await?.is_none());
    let devices = people.list_devices(id, 9).await?;
    assert_eq!(devices.iter().map(|own| own.device.id).collect::<Vec<_>>(), [kept.device]);
    let (account, along) = (world.account().await?, Along { kept: None, ..along });
    ensure!(is_moved(&people.change_account(&account, &everywhere, along, &by(32)).await));
    Ok(())
}

pub async fn former_passwords_are_remembered_in_their_order(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    for number in 0..14 {
        // The clock is set back at each change.
        let (account, by) = (world.account().await?, by(100 - number as i64));
        world
            .people
            .change_account(&account, &AccountChange::Password(hash(number)), Along::default(), &by)
            .await?;
    }
    let former = world.people.former_passwords(world.owner.person).await?;
    let expected: Vec<_> = (0..13).rev().take(REMEMBERED - 1).map(hash).collect();
    assert_eq!(former, expected);
    assert_eq!(world.account().await?.password, Some(hash(13)));
    Ok(())
}

pub async fn two_factors_come_and_go_with_their_codes(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let id = world.owner.person;
    let (first, second) = (codes(id), codes(id));
    let count = async || world.people.count_recovery_codes(id).await;
    world.change(AccountChange::ResetTwoFactorAt(Some(at(99)))).await?;
    let number = phone(id, "+48500600700");
    world.change(AccountChange::TwoFactorOn(number.clone(), first.clone())).await?;
    let account = world.account().await?;
    assert_eq!((account.phone.as_ref(), account.reset_2fa_at, count().await?), (Some(&number), None, 10));
    let opened = account.phone.as_ref().and_then(|phone| phone.open(id, &keyring())).context("it opens")?;
    assert_eq!(opened.e164(), "+48500600700");
    let use_code = async |mark: RecoveryMark| -> Result<_, StoreError> {
        let account = world.people.account(id).await?.ok_or(StoreError::Moved)?;
        let consumes = [Consumed::RecoveryCode(mark)];
        let along = Along { consumes: &consumes, ..Along::default() };
        let phone = AccountChange::Phone(phone(id, "+48500600701"));
        world.people.change_account(&account, &phone, along, &by(51)).await
    };
    use_code(first[3]).await?;
    ensure!(is_moved(&use_code(first[3]).await), "a code is good once");
    assert_eq!(count().await?, 9);
    world.change(AccountChange::RecoveryCodes(second.clone())).await?;
    ensure!(is_moved(&use_code(first[4]).await), "the former codes are void");
    assert_eq!(count().await?, 10);
    use_code(second[4]).await?;
    world.change(AccountChange::TwoFactorOff).await?;
    assert_eq!((world.account().await?.phone, count().await?), (None, 0));
    assert_eq!(world.entries(world.tenant, "person.two_factor_on").await?.len(), 1);
    assert_eq!(world.entries(world.tenant, "person.phone").await?.len(), 2);
    assert_eq!(world.entries(world.tenant, "person.two_factor_off").await?.len(), 1);
    Ok(())
}

pub async fn an_address_has_one_person(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    join(base, &member(world.tenant, 2, subuser())).await?;
    let taken = email(2).mark(&keyring());
    let before = (world.account().await?, world.entries(world.tenant, "person").await?.len());
    let change = AccountChange::Email(taken, vec![1, 2]);
    let outcome = world.people.change_account(&before.0, &change, Along::default(), &by(30)).await;
    ensure!(matches!(outcome, Err(StoreError::Conflict)), "{outcome:?}");
    assert_eq!((world.account().await?, world.entries(world.tenant, "person").await?.len()), before);
    let free = email(3).mark(&keyring());
    world.change(AccountChange::Email(free, vec![1, 2])).await?;
    let found = world.people.find_account(free).await?.context("by the new address")?;
    assert_eq!(
        (found.person.id, found.person.sealed, found.person.epoch),
        (world.owner.person, vec![1, 2], 2)
    );
    ensure!(world.people.find_account(email(1).mark(&keyring())).await?.is_none());
    Ok(())
}

pub async fn a_set_up_link_makes_one_person(base: &Base) -> Result<()> {
    let directory = super::world::directory(&base.sql);
    let people = SqlPeople::new(directory.clone());
    ensure!(!people.ever_had_people().await?);
    let made = member(OPERATOR, 1, owner());
    let whole = person(1, made.person);
    let password = password();
    let joining =
        Joining { member: &made, person: Some(&whole), password: Some(&password), invitation: None };
    let by = Change::by_system(at(30));
    let (first, second) = (link(LinkKind::SetUp, None, 1), link(LinkKind::SetUp, None, 2));
    for link in [&first, &second] {
        people.add_link(link, &[]).await?;
    }
    ensure!(people.link(first.secret, at(21)).await?.is_none(), "the second replaces the first");
    ensure!(is_moved(&people.set_up(first.secret, joining, &by).await));
    let late = Change::by_system(at(20) + LinkKind::SetUp.life());
    ensure!(is_moved(&people.set_up(second.secret, joining, &late).await));
    assert_eq!(people.link(second.secret, at(21)).await?.as_ref(), Some(&second));
    people.set_up(second.secret, joining, &by).await?;
    ensure!(people.ever_had_people().await?);
    assert_eq!(directory.member(OPERATOR, made.id).await?.as_ref(), Some(&made));
    let account = people.account(made.person).await?.context("an account")?;
    assert_eq!((account.password, account.password_at), (Some(password.clone()), Some(whole.created_at)));
    // Not a second time, though the first person is gone.
    directory.delete_member(&made, None, &by).await.map(drop).or_else(|error| match error {
        StoreError::LastOwner => Ok(()),
        error => Err(error),
    })?;
    let third = link(LinkKind::SetUp, None, 3);
    people.add_link(&third, &[]).await?;
    let next = member(OPERATOR, 2, owner());
    let whole = person(2, next.person);
    let joining =
        Joining { member: &next, person: Some(&whole), password: Some(&password), invitation: None };
    ensure!(is_moved(&people.set_up(third.secret, joining, &by).await));
    ensure!(directory.person(next.person).await?.is_none());
    Ok(())
}

pub async fn a_phone_goes_over_to_the_newest_key(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let id = world.owner.person;
    world.change(AccountChange::TwoFactorOn(phone(id, "+48500600700"), codes(id))).await?;
    let account = world.account().await?;
    let people = &world.people;
    assert_eq!(
        (people.count_phones_sealed_with(1).await?, people.count_phones_sealed_with(2).await?),
        (1, 0)
    );
    ensure!(people.phones_not_sealed_with(1, None, 9).await?.is_empty());
    assert_eq!(people.phones_not_sealed_with(2, None, 9).await?, std::slice::from_ref(&account));
    ensure!(people.phones_not_sealed_with(2, Some(id), 9).await?.is_empty());
    ensure!(people.reseal_phone(&account, &[2, 7]).await?);
    ensure!(!people.reseal_phone(&account, &[2, 8]).await?, "it is another content by now");
    assert_eq!(
        (people.count_phones_sealed_with(1).await?, people.count_phones_sealed_with(2).await?),
        (0, 1)
    );
    // What waits counts, until it is used.
    let session = world.sign_in(1).await?;
    people.begin_proof(&proof(&session)).await?;
    let link = Link { epoch: session.epoch, ..link(LinkKind::ConfirmAddress, Some(id), 40) };
    people.add_link(&link, &[]).await?;
    assert_eq!(people.count_pending_sealed_with(1).await?, 2);
    world.change(AccountChange::SignOutEverywhere { forget_devices: false }).await?;
    assert_eq!(people.count_pending_sealed_with(1).await?, 0);
    Ok(())
}
