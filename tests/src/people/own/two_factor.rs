//! Two-factor authentication: on, another number, off, and by a link that a tenant demands.

use super::{account_of, form, kinds, link, notices, open, recipient, seat};
use crate::{codes::rng, directory::Base, people::door::PASSWORD};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::change::Change,
    people::{proof_act::ActName, session::Session},
    phone::PhoneNumber,
    sign_in::{
        own::{
            enrolment::{EnrolError, ask_enrolment, enrol, mail_enrolment, waiting_number},
            two_factor::{change_form, change_number, make_recovery_codes, send_to_new_number, switch_off},
        },
        proof::{Asked, ProofError, ask, prove, prove_by_recovery_code},
    },
    tenant::{TenantName, security::Security, settings::Setting},
};

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

pub async fn it_is_on_after_the_password_and_the_first_code(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    let (mut here, there) = (seat(&door, "anna").await?, seat(&door, "anna").await?);
    notices(&door).await?;
    let phone = number("+48500600711");
    let own = here.own(&door);
    let wrong = ask_enrolment(&own, "Wrong-Password-1", &phone, None, &mut rng()).await;
    ensure!(matches!(wrong, Err(EnrolError::Proof(ProofError::WrongPassword))), "{wrong:?}");
    let sent = ask_enrolment(&own, PASSWORD, &phone, None, &mut rng()).await?;
    let code = door.code(sent.verification).await?;
    ensure!(waiting_number(&own).await?.is_some_and(|(number, _)| number == phone));
    let other = enrol(&own, &number("+48500600712"), &code, None, &mut rng()).await;
    ensure!(matches!(other, Err(EnrolError::Proof(ProofError::NoneWaits))), "{other:?}");
    let elsewhere = enrol(&there.own(&door), &phone, &code, None, &mut rng()).await;
    ensure!(matches!(elsewhere, Err(EnrolError::Proof(ProofError::NoneWaits))), "{elsewhere:?}");
    let enrolled = enrol(&own, &phone, &code, None, &mut rng()).await?;
    here.go_on(&door, enrolled.secret).await?;
    ensure!(there.is_over(&door).await?);
    assert_eq!(kinds(&notices(&door).await?), ["two_factor_on"]);
    assert_eq!(door.entrance.people.count_recovery_codes(anna.person).await?, 10);
    let stored = account_of(&door, anna.person).await?.phone.context("a phone")?;
    ensure!(stored.open(anna.person, &door.entrance.context.keyring) == Some(phone.clone()));
    let again = ask_enrolment(&here.own(&door), PASSWORD, &phone, None, &mut rng()).await;
    ensure!(matches!(again, Err(EnrolError::AlreadyOn)), "{again:?}");
    seat(&door, "anna").await?;
    Ok(())
}

pub async fn a_tenant_that_demands_it_mails_the_link(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    door.owner("bert").await?;
    let demand = Security { require_2fa: Some(door.now()), ..Security::default() };
    let by = Change::by_operator(door.now());
    door.entrance.context.directory.save_setting(door.acme, &Setting::Security(demand), &by).await?;
    let (here, bert) = (seat(&door, "anna").await?, seat(&door, "bert").await?);
    notices(&door).await?;
    let (phone, name) = (number("+48500600713"), TenantName::parse("Acme").unwrap());
    let own = here.own(&door);
    let refused = ask_enrolment(&own, PASSWORD, &phone, None, &mut rng()).await;
    ensure!(matches!(refused, Err(EnrolError::LinkNeeded)), "a thief has the password only: {refused:?}");
    let session = Session { invited: true, ..here.session.clone() };
    let invited = countersign_core::sign_in::signed_in::SignedIn { session: &session, ..own };
    ask_enrolment(&invited, PASSWORD, &phone, None, &mut rng()).await?;

    mail_enrolment(&own, name, &mut rng()).await?;
    let secret = link(&notices(&door).await?, "enrol_two_factor")?;
    let foreign = ask_enrolment(&bert.own(&door), PASSWORD, &phone, Some(&secret), &mut rng()).await;
    ensure!(matches!(foreign, Err(EnrolError::Void)), "{foreign:?}");
    let sent = ask_enrolment(&own, PASSWORD, &phone, Some(&secret), &mut rng()).await?;
    let code = door.code(sent.verification).await?;
    enrol(&own, &phone, &code, Some(&secret), &mut rng()).await?;
    let now = door.now();
    ensure!(door.entrance.people.link(secret.hash(), now).await?.is_none(), "good once");
    Ok(())
}

pub async fn another_number_needs_a_code_to_each(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    door.with_phone(anna.person, "+48500600714").await?;
    let mut here = seat(&door, "anna").await?;
    notices(&door).await?;
    let new = number("+48500600715");
    let own = here.own(&door);
    // The proof for another number is no proof for this one.
    let Asked::Code(sent) =
        ask(&own, change_form(&number("+48500600716"), own.keyring()), PASSWORD, &mut rng()).await?
    else {
        anyhow::bail!("a phone")
    };
    let code = door.code(sent?.verification).await?;
    let other = prove(&own, change_form(&number("+48500600716"), own.keyring()), &code, &mut rng()).await?;
    let refused = send_to_new_number(&own, &other, &new, &mut rng()).await;
    ensure!(matches!(refused, Err(ProofError::NoneWaits)), "{refused:?}");

    let Asked::Code(sent) = ask(&own, change_form(&new, own.keyring()), PASSWORD, &mut rng()).await? else {
        anyhow::bail!("a phone")
    };
    let code = door.code(sent?.verification).await?;
    let early = change_number(&own, &new, &code, &mut rng()).await;
    ensure!(matches!(early, Err(ProofError::NoneWaits)), "the new number got no code yet: {early:?}");
    let proven = prove(&own, change_form(&new, own.keyring()), &code, &mut rng()).await?;
    let sent = send_to_new_number(&own, &proven, &new, &mut rng()).await?;
    let wrong = change_number(&own, &new, &code, &mut rng()).await;
    ensure!(matches!(wrong, Err(ProofError::WrongCode { .. })), "{wrong:?}");
    let code = door.code(sent.verification).await?;
    let next = change_number(&own, &new, &code, &mut rng()).await?;
    here.go_on(&door, next).await?;
    let told: Vec<_> = notices(&door).await?.iter().map(recipient).collect();
    ensure!(told.len() == 2 && told.contains(&"+48500600714".to_owned()), "{told:?}");
    assert_eq!(door.entrance.people.count_recovery_codes(anna.person).await?, 10, "the codes stay");
    Ok(())
}

pub async fn a_recovery_code_stands_for_the_lost_phone(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    let recovery = door.with_phone(anna.person, "+48500600717").await?;
    let recovery = recovery.expose();
    let mut here = seat(&door, "anna").await?;
    notices(&door).await?;
    let own = here.own(&door);
    // Not for every act.
    ask(&own, form(ActName::RecoveryCodes), PASSWORD, &mut rng()).await.map(drop)?;
    let other = prove_by_recovery_code(&own, form(ActName::RecoveryCodes), &recovery, &mut rng()).await;
    ensure!(matches!(other, Err(ProofError::NoneWaits)), "{other:?}");
    let early = prove_by_recovery_code(&own, form(ActName::TwoFactorOff), &recovery, &mut rng()).await;
    ensure!(matches!(early, Err(ProofError::NoneWaits)), "first the password: {early:?}");

    ask(&own, form(ActName::TwoFactorOff), PASSWORD, &mut rng()).await.map(drop)?;
    for wrong in ["0000-0000-0000", "nonsense"] {
        let refused = prove_by_recovery_code(&own, form(ActName::TwoFactorOff), wrong, &mut rng()).await;
        ensure!(matches!(refused, Err(ProofError::WrongRecoveryCode)), "{refused:?}");
    }
    let proven = prove_by_recovery_code(&own, form(ActName::TwoFactorOff), &recovery, &mut rng()).await?;
    let spent = prove_by_recovery_code(&own, form(ActName::TwoFactorOff), &recovery, &mut rng()).await;
    ensure!(matches!(spent, Err(ProofError::WrongRecoveryCode)), "good once: {spent:?}");
    let next = switch_off(&own, &proven, &mut rng()).await?;
    here.go_on(&door, next).await?;
    ensure!(account_of(&door, anna.person).await?.phone.is_none());
    assert_eq!(door.entrance.people.count_recovery_codes(anna.person).await?, 0);
    let told = notices(&door).await?;
    // The person by mail and by SMS, and the owners of Acme, who are the person itself.
    assert_eq!(
        kinds(&told),
        ["member_two_factor_off", "recovery_code_used", "two_factor_off", "two_factor_off"]
    );
    Ok(())
}

pub async fn new_recovery_codes_void_the_former(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    let former = door.with_phone(anna.person, "+48500600718").await?;
    let mut here = seat(&door, "anna").await?;
    notices(&door).await?;
    let proven = here.proven(&door, ActName::RecoveryCodes).await?;
    let made = make_recovery_codes(&here.own(&door), &proven, &mut rng()).await?;
    here.go_on(&door, made.secret).await?;
    assert_eq!(kinds(&notices(&door).await?), ["recovery_codes_made"]);
    let own = here.own(&door);
    ask(&own, form(ActName::TwoFactorOff), PASSWORD, &mut rng()).await.map(drop)?;
    let void = prove_by_recovery_code(&own, form(ActName::TwoFactorOff), &former.expose(), &mut rng()).await;
    ensure!(matches!(void, Err(ProofError::WrongRecoveryCode)), "{void:?}");
    let text = made.codes[3].expose();
    prove_by_recovery_code(&own, form(ActName::TwoFactorOff), &text, &mut rng()).await.map(drop)?;
    Ok(())
}
