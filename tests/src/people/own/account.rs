//! Password, reset, address, sessions and browsers of a person.

use super::{HOME, OTHER, account_of, kinds, link, notices, open, recipient, seat};
use crate::{
    codes::rng,
    directory::Base,
    people::door::{PASSWORD, visitor},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::change::Change,
    locale::Locale,
    people::{
        account::AccountChange,
        hours::Zone,
        invitation::LinkSecret,
        link::LinkKind,
        password::Fault,
        person::{EmailAddress, EmailMark, PersonName},
        proof_act::ActName,
        session::Session,
    },
    ports::{error::StoreError, people::accounts::Along},
    sign_in::{
        first::Entered,
        own::{
            devices::{forget, list_devices, trust},
            email::{EmailError, ask_email},
            mail::{MailError, Opened, open_mail, use_mail},
            password::{PasswordError, change_password},
            profile::{CloseError, change_profile, close_own_account},
            reset::{ResetError, forgot, open_reset, reset},
            sessions::{end_session, list_sessions, set_lengths, sign_out_everywhere},
        },
        proof::Proven,
    },
    tenant::security::{SessionIdle, SessionTotal},
};
use std::sync::Arc;

pub async fn another_password_ends_all_other_sessions(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let (mut here, there) = (seat(&door, "anna").await?, seat(&door, "anna").await?);
    notices(&door).await?;
    let proven = here.proven(&door, ActName::Password).await?;
    let own = here.own(&door);
    let refused = change_password(&own, &proven, "Short1", &mut rng()).await;
    let Err(PasswordError::Faults(faults)) = refused else { anyhow::bail!("{refused:?}") };
    assert_eq!(faults, [Fault::Short]);
    let refused = change_password(&own, &proven, PASSWORD, &mut rng()).await;
    ensure!(matches!(refused, Err(PasswordError::UsedBefore)), "{refused:?}");
    let secret = change_password(&own, &proven, OTHER, &mut rng()).await?;
    let again = change_password(&own, &proven, "Giraffe-Lemon-31", &mut rng()).await;
    ensure!(again.is_err(), "a proof is used once: {again:?}");
    here.go_on(&door, secret).await?;
    ensure!(there.is_over(&door).await?);
    assert_eq!(kinds(&notices(&door).await?), ["password_changed"]);
    ensure!(door.sign_in(&visitor(HOME, None), "anna", PASSWORD).await.is_err());
    door.sign_in(&visitor(HOME, None), "anna", OTHER).await?;
    Ok(())
}

pub async fn a_forgotten_password_is_set_by_a_link_that_works_once(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    door.with_phone(anna.person, "+48500600704").await?;
    let seat = seat(&door, "anna").await?;
    notices(&door).await?;
    let here = &visitor(HOME, None);
    let now = door.now();
    for typed in ["nobody@example.com", "no address"] {
        forgot(&door.entrance, here, typed, now, &mut rng()).await?;
    }
    assert_eq!(kinds(&notices(&door).await?), [""; 0], "nobody gets a mail");
    for _ in 0..5 {
        forgot(&door.entrance, here, " Anna@Example.com", now, &mut rng()).await?;
    }
    let mails = notices(&door).await?;
    assert_eq!(kinds(&mails), ["reset_password"; 3], "three an hour");
    assert_eq!(recipient(&mails[0]), "anna@example.com");
    let [first, second] = [link(&mails[..1], "reset_password")?, link(&mails[1..2], "reset_password")?];
    // Looking at a link changes nothing.
    for _ in 0..3 {
        ensure!(open_reset(&door.entrance, &first, now).await?);
    }
    ensure!(!seat.is_over(&door).await?);
    let set = async |secret: &LinkSecret, password: &str| {
        reset(&door.entrance, here, secret, password, door.now(), &mut rng()).await
    };
    let refused = set(&first, PASSWORD).await;
    ensure!(matches!(refused, Err(ResetError::Password(PasswordError::UsedBefore))), "{refused:?}");
    set(&first, OTHER).await?;
    ensure!(seat.is_over(&door).await?);
    for (void, why) in [(&first, "it was used"), (&second, "the epoch has risen")] {
        ensure!(!open_reset(&door.entrance, void, door.now()).await?, "{why}");
        ensure!(matches!(set(void, "Giraffe-Lemon-31").await, Err(ResetError::Void)), "{why}");
    }
    let signed_in = door.sign_in(here, "anna", OTHER).await?;
    ensure!(matches!(signed_in, Entered::CodeNeeded { .. }), "a reset does not skip the code");
    Ok(())
}

pub async fn a_reset_frees_its_browser_from_the_waits(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let here = visitor(HOME, None);
    for _ in 0..8 {
        let _ = door.sign_in(&here, "anna", "Wrong-Password-1").await;
    }
    ensure!(door.sign_in(&here, "anna", PASSWORD).await.is_err(), "it waits");
    forgot(&door.entrance, &here, "anna@example.com", door.now(), &mut rng()).await?;
    let secret = link(&notices(&door).await?, "reset_password")?;
    reset(&door.entrance, &here, &secret, OTHER, door.now(), &mut rng()).await?;
    door.sign_in(&here, "anna", OTHER).await?;
    Ok(())
}

pub async fn another_address_is_confirmed_and_undone_by_links(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let (anna, keyring) = (door.owner("anna").await?, &door.entrance.context.keyring);
    door.owner("bert").await?;
    let mut seat = seat(&door, "anna").await?;
    notices(&door).await?;
    let new = EmailAddress::parse("anna@new.example").unwrap();
    let present = EmailAddress::parse("ANNA@example.com").unwrap();
    let proven = seat.proven(&door, ActName::Email).await?;
    let same = ask_email(&seat.own(&door), &proven, &present, &mut rng()).await;
    ensure!(matches!(same, Err(EmailError::Same)), "{same:?}");
    let next = ask_email(&seat.own(&door), &proven, &new, &mut rng()).await?.context("a secret")?;
    seat.go_on(&door, next).await?;
    let mails = notices(&door).await?;
    let to: Vec<_> = mails.iter().map(|mail| (mail.news.kind(), recipient(mail))).collect();
    ensure!(to.contains(&("confirm_address", "anna@new.example".to_owned())), "{to:?}");
    ensure!(to.contains(&("address_changing", "anna@example.com".to_owned())), "{to:?}");
    let (confirm, undo) = (link(&mails, "confirm_address")?, link(&mails, "address_changing")?);
    let find = async |text: &str| door.entrance.people.find_account(EmailMark::of_typed(text, keyring)).await;
    let opened = open_mail(&door.entrance, &confirm, door.now()).await?;
    assert_eq!(opened, Some(Opened::ConfirmAddress(new.clone())));
    ensure!(find("anna@new.example").await?.is_none(), "looking changes nothing");

    let from = &seat.visitor.clone();
    let press = async |session: Option<Session>, secret: &LinkSecret| {
        use_mail(&door.entrance, from, session.as_ref(), secret, door.now(), &mut rng()).await
    };
    let used = press(Some(seat.session.clone()), &confirm).await?;
    seat.go_on(&door, used.secret.context("this browser stays")?).await?;
    ensure!(find("anna@new.example").await?.is_some() && find("anna@example.com").await?.is_none());
    ensure!(matches!(press(None, &confirm).await, Err(MailError::Void)), "good once");
    let opened = account_of(&door, anna.person).await?.person.open(keyring).context("opens")?;
    assert_eq!((opened.name.expose(), opened.email.expose()), ("anna", "anna@new.example"));

    let used = press(Some(seat.session.clone()), &undo).await?;
    ensure!(used.secret.is_none() && seat.is_over(&door).await?, "an undo ends the thief's session too");
    ensure!(find("anna@example.com").await?.is_some());
    let mut to: Vec<_> =
        notices(&door).await?.iter().map(|mail| (mail.news.kind(), recipient(mail))).collect();
    to.sort();
    let expected = [("address_left", "anna@new.example"), ("address_restored", "anna@example.com")];
    assert_eq!(to, expected.map(|(kind, address)| (kind, address.to_owned())));
    ensure!(matches!(press(None, &undo).await, Err(MailError::Void)), "good once");
    Ok(())
}

/// A thief changes the address twice, so that a mail with an undo link comes to the thief, too.
pub async fn the_first_undo_voids_those_of_later_changes(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let mut seat = seat(&door, "anna").await?;
    notices(&door).await?;
    let mut undos = Vec::new();
    for new in ["thief@one.example", "thief@two.example"] {
        let new = EmailAddress::parse(new).unwrap();
        let proven = seat.proven(&door, ActName::Email).await?;
        let next = ask_email(&seat.own(&door), &proven, &new, &mut rng()).await?.context("a secret")?;
        seat.go_on(&door, next).await?;
        let mails = notices(&door).await?;
        undos.push(link(&mails, "address_changing")?);
        let confirm = link(&mails, "confirm_address")?;
        let session = Some(&seat.session);
        let used = use_mail(&door.entrance, &seat.visitor, session, &confirm, door.now(), &mut rng()).await?;
        seat.go_on(&door, used.secret.context("this browser stays")?).await?;
    }
    let press =
        async |undo| use_mail(&door.entrance, &seat.visitor, None, undo, door.now(), &mut rng()).await;
    press(&undos[0]).await?;
    ensure!(matches!(press(&undos[1]).await, Err(MailError::Void)), "it came to the thief");
    let keyring = &door.entrance.context.keyring;
    let anna = EmailMark::of_typed("anna@example.com", keyring);
    ensure!(door.entrance.people.find_account(anna).await?.is_some());
    Ok(())
}

/// A thief of a session changes what needs no proof, all the time. The person's change of the password, its reset and
/// the links in its mails still succeed.
pub async fn what_needs_no_proof_keeps_nobody_from_ending_a_session(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?.person;
    let stale = account_of(&door, anna).await?;
    let by = Change::by_system(door.now());
    let lengths = AccountChange::SessionLengths(SessionIdle::new(300), None);
    let people = &door.entrance.people;
    people.change_account(&stale, &lengths, Along::default(), &by).await?;
    people
        .change_account(&stale, &AccountChange::Profile(stale.person.clone()), Along::default(), &by)
        .await?;
    let everywhere = AccountChange::SignOutEverywhere { forget_devices: true };
    people.change_account(&stale, &everywhere, Along::default(), &by).await?;
    let moved = people.change_account(&stale, &lengths, Along::default(), &by).await;
    ensure!(matches!(moved, Err(StoreError::Moved)), "{moved:?}");
    Ok(())
}

pub async fn too_many_new_addresses_leave_the_browser_signed_in(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let mut seat = seat(&door, "anna").await?;
    notices(&door).await?;
    for number in 0..5 {
        let new = EmailAddress::parse(&format!("anna@new{number}.example")).unwrap();
        let proven = seat.proven(&door, ActName::Email).await?;
        match ask_email(&seat.own(&door), &proven, &new, &mut rng()).await {
            Ok(next) if number < 3 => seat.go_on(&door, next.context("a new secret")?).await?,
            // The former secret stays good.
            Err(EmailError::TooOften) if number >= 3 => {}
            other => anyhow::bail!("{number}: {other:?}"),
        }
    }
    assert_eq!(notices(&door).await?.len(), 6, "two mails for each of the three");
    Ok(())
}

pub async fn an_address_that_somebody_has_is_told_to_nobody(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    door.owner("bert").await?;
    let seat = seat(&door, "anna").await?;
    notices(&door).await?;
    let taken = EmailAddress::parse("bert@example.com").unwrap();
    let proven = seat.proven(&door, ActName::Email).await?;
    ask_email(&seat.own(&door), &proven, &taken, &mut rng()).await?;
    let confirm = link(&notices(&door).await?, "confirm_address")?;
    let used = use_mail(&door.entrance, &seat.visitor, None, &confirm, door.now(), &mut rng()).await;
    ensure!(matches!(used, Err(MailError::Void)), "{used:?}");
    Ok(())
}

pub async fn sessions_end_one_by_one_and_all_at_once(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let (mut here, there, third) =
        (seat(&door, "anna").await?, seat(&door, "anna").await?, seat(&door, "anna").await?);
    assert_eq!(list_sessions(&here.own(&door)).await?.len(), 3);
    ensure!(end_session(&here.own(&door), third.session.id).await?);
    ensure!(third.is_over(&door).await? && !end_session(&here.own(&door), third.session.id).await?);
    let next = sign_out_everywhere(&here.own(&door), false, &mut rng()).await?.context("it stays")?;
    here.go_on(&door, next).await?;
    ensure!(there.is_over(&door).await?);
    assert_eq!(list_sessions(&here.own(&door)).await?.len(), 1);
    ensure!(sign_out_everywhere(&here.own(&door), true, &mut rng()).await?.is_none());
    ensure!(here.is_over(&door).await?);

    let here = seat(&door, "anna").await?;
    let (idle, total) = (SessionIdle::new(604_800), SessionTotal::new(43_200));
    ensure!(set_lengths(&here.own(&door), idle, total).await.is_err());
    set_lengths(&here.own(&door), SessionIdle::new(900), total).await?;
    assert_eq!(account_of(&door, here.session.person).await?.idle, SessionIdle::new(900));
    ensure!(!here.is_over(&door).await?);
    Ok(())
}

pub async fn a_mailed_link_signs_out_everywhere_and_forgets_browsers(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let (here, there) = (seat(&door, "anna").await?, seat(&door, "anna").await?);
    let mails = notices(&door).await?;
    let secret = link(&mails[..1], "new_device")?;
    let (entrance, now) = (&door.entrance, door.now());
    let used = use_mail(entrance, &here.visitor, Some(&here.session), &secret, now, &mut rng()).await?;
    assert_eq!(used.kind, LinkKind::SignOutEverywhere);
    let mut here = here;
    here.go_on(&door, used.secret.context("the browser that asked stays")?).await?;
    ensure!(there.is_over(&door).await?);
    let devices = list_devices(&here.own(&door)).await?;
    assert_eq!(devices.iter().map(|own| own.device.id).collect::<Vec<_>>(), [here.session.device]);
    // What begins afterwards is not hit by the same link.
    let later = seat(&door, "anna").await?;
    let again = use_mail(&door.entrance, &here.visitor, None, &secret, door.now(), &mut rng()).await;
    ensure!(matches!(again, Err(MailError::Void)) && !later.is_over(&door).await?);
    Ok(())
}

pub async fn a_browser_is_trusted_with_proof_and_forgotten_without(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let mut here = seat(&door, "anna").await?;
    let there = seat(&door, "anna").await?;
    let proven = here.proven(&door, ActName::TrustDevice).await?;
    let (known, next) = trust(&here.own(&door), here.session.device, &proven, &mut rng()).await?;
    ensure!(known);
    here.go_on(&door, next.context("a new secret")?).await?;
    let trusted = |devices: Vec<countersign_core::people::session::OwnDevice>| {
        devices.iter().filter(|own| own.trusted_at.is_some()).count()
    };
    assert_eq!(trusted(list_devices(&here.own(&door)).await?), 1);
    notices(&door).await?;
    let known = visitor(HOME, here.visitor.device.as_ref().map(Arc::clone).as_ref());
    door.sign_in(&known, "anna", PASSWORD).await?;
    assert_eq!(kinds(&notices(&door).await?), [""; 0], "a trusted browser causes no mail");
    ensure!(forget(&here.own(&door), there.session.device).await? && there.is_over(&door).await?);
    ensure!(!forget(&here.own(&door), there.session.device).await?);
    Ok(())
}

pub async fn a_profile_changes_and_a_last_owner_stays(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    let here = seat(&door, "anna").await?;
    let name = PersonName::parse("Anna Żak").unwrap();
    let (polish, warsaw) = (Locale::parse("pl").unwrap(), Zone::parse("Europe/Warsaw").unwrap());
    change_profile(&here.own(&door), (name, polish.clone(), warsaw), &mut rng()).await?;
    let person = account_of(&door, anna.person).await?.person;
    assert_eq!((person.language.clone(), person.zone.as_str()), (polish, "Europe/Warsaw"));
    assert_eq!(person.open(&door.entrance.context.keyring).unwrap().name.expose(), "Anna Żak");
    ensure!(!here.is_over(&door).await?);
    let free = Proven::without(ActName::Delete, &here.session, door.now()).context("just signed in")?;
    let closed = close_own_account(&here.own(&door), &free).await;
    ensure!(matches!(closed, Err(CloseError::Member(_))), "{closed:?}");
    door.owner("bert").await?;
    close_own_account(&here.own(&door), &free).await?;
    ensure!(door.entrance.people.account(anna.person).await?.is_none());
    Ok(())
}
