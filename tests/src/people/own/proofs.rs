//! Proofs: bound to one act, one form and one state of the account.

use super::{OTHER, actor, by, form, open, seat};
use crate::{
    codes::{rng, seconds},
    directory::Base,
    people::door::{Door, PASSWORD, WRONG, visitor},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    management::security::SecurityError,
    people::{
        account::AccountChange, link::LinkKind, password::Password, person::EmailAddress,
        proof::digest_fields, proof_act::ActName,
    },
    sign_in::{
        Visitor,
        codes::CodeError,
        first::Entered,
        own::{
            email::{EmailError, ask_email},
            password::change_password,
            rules::{RulesError, change_rules},
        },
        proof::{Asked, FRESH, Form, ProofError, Proven, ask, needs_proof, prove, send_again},
        signed_in::{OwnError, SignedIn},
    },
    tenant::security::{SecurityChange, SessionIdle, SessionTotal},
};

async fn code(door: &Door, own: &SignedIn<'_>, form: Form<'_>) -> Result<String> {
    let Asked::Code(sent) = ask(own, form, PASSWORD, &mut rng()).await? else { anyhow::bail!("a phone") };
    door.code(sent?.verification).await
}

fn none_waits(outcome: Result<Proven, ProofError>) {
    assert!(matches!(outcome, Err(ProofError::NoneWaits)), "{outcome:?}");
}

pub async fn right_passwords_of_proofs_have_a_bound(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let seat = seat(&door, "anna").await?;
    let own = seat.own(&door);
    for _ in 0..60 {
        let _ = ask(&own, form(ActName::Email), PASSWORD, &mut rng()).await?;
    }
    let more = ask(&own, form(ActName::Email), PASSWORD, &mut rng()).await;
    ensure!(matches!(more, Err(ProofError::Waiting(_))), "{more:?}");
    ensure!(
        door.sign_in(&seat.visitor, "anna", PASSWORD).await.is_ok(),
        "the sign-in has a bound of its own"
    );
    Ok(())
}

pub async fn a_proof_is_for_one_act_and_one_form(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    door.with_phone(anna.person, "+48500600701").await?;
    let seat = seat(&door, "anna").await?;
    let own = seat.own(&door);
    let wrong = ask(&own, form(ActName::Email), WRONG, &mut rng()).await;
    ensure!(matches!(wrong, Err(ProofError::WrongPassword)), "{wrong:?}");
    none_waits(prove(&own, form(ActName::Email), "123456", &mut rng()).await);

    let first = code(&door, &own, form(ActName::Email)).await?;
    let other_fields = Form {
        digest: digest_fields([("name", "values")], &crate::codes::keyring()),
        ..form(ActName::Email)
    };
    let other_object = Form { object: "x", ..form(ActName::Email) };
    for other in [other_fields, other_object, form(ActName::Password)] {
        none_waits(prove(&own, other, &first, &mut rng()).await);
    }
    // The next form replaces the proof, and the first code is no code for it.
    let second = code(&door, &own, form(ActName::RecoveryCodes)).await?;
    none_waits(prove(&own, form(ActName::Email), &first, &mut rng()).await);
    ensure!(first != second, "the codes of this test differ");
    let wrong = prove(&own, form(ActName::RecoveryCodes), &first, &mut rng()).await;
    ensure!(matches!(wrong, Err(ProofError::WrongCode { left: 4 })), "{wrong:?}");
    let proven = prove(&own, form(ActName::RecoveryCodes), &second, &mut rng()).await?;
    ensure!(proven.take(&own).await?.renew(&own, &mut rng()).await.is_some());
    let again = proven.take(&own).await;
    ensure!(matches!(again, Err(OwnError::Moved)), "a proof is used once: {again:?}");
    none_waits(prove(&own, form(ActName::RecoveryCodes), &second, &mut rng()).await);
    Ok(())
}

pub async fn a_sign_in_is_a_proof_for_a_while_and_not_for_all_acts(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let seat = seat(&door, "anna").await?;
    let now = seat.session.signed_in_at;
    for act in ActName::ALL {
        let always = matches!(
            act,
            ActName::Phone
                | ActName::Email
                | ActName::Password
                | ActName::TwoFactorOff
                | ActName::RecoveryCodes
                | ActName::Owner
                | ActName::TrustDevice
                | ActName::TwoFactorReset
        );
        assert_eq!(needs_proof(act, &seat.session, now), always, "{act:?}");
        assert_eq!(Proven::without(act, &seat.session, now).is_none(), always, "{act:?}");
        ensure!(needs_proof(act, &seat.session, now + FRESH), "{act:?}");
    }
    Ok(())
}

pub async fn a_code_goes_again_and_only_three_times(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    door.with_phone(anna.person, "+48500600702").await?;
    let seat = seat(&door, "anna").await?;
    code(&door, &seat.own(&door), form(ActName::Email)).await?;
    for _ in 0..2 {
        door.clock.turn(seconds(120));
        let sent = send_again(&seat.own(&door), form(ActName::Email), &mut rng()).await?;
        let code = door.code(sent.verification).await?;
        ensure!(code.len() == 6);
    }
    door.clock.turn(seconds(120));
    let more = send_again(&seat.own(&door), form(ActName::Email), &mut rng()).await;
    ensure!(matches!(more, Err(ProofError::Codes(_))), "{more:?}");
    Ok(())
}

pub async fn no_proof_outlasts_a_change_of_the_account(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    door.with_phone(anna.person, "+48500600703").await?;
    let changes = [
        AccountChange::SignOutEverywhere { forget_devices: true },
        AccountChange::RecoveryCodes(Vec::new()),
        AccountChange::Password(Password::read(PASSWORD).unwrap().hash(&mut rng())),
    ];
    for change in changes {
        // The number gets only so many messages in an hour.
        door.clock.turn(seconds(3_600));
        let seat = seat(&door, "anna").await?;
        let own = seat.own(&door);
        // One proof waits for its code.
        let waiting = code(&door, &own, form(ActName::Email)).await?;
        door.change(anna.person, change.clone()).await?;
        none_waits(prove(&own, form(ActName::Email), &waiting, &mut rng()).await);
        let asked = ask(&own, form(ActName::Email), PASSWORD, &mut rng()).await;
        ensure!(matches!(asked, Err(ProofError::Own(OwnError::SignedOut))), "{asked:?}");
    }
    // Another has its code already.
    door.clock.turn(seconds(3_600));
    let seat = seat(&door, "anna").await?;
    let proven = seat.proven(&door, ActName::Password).await?;
    door.change(anna.person, AccountChange::SignOutEverywhere { forget_devices: false }).await?;
    let own = seat.own(&door);
    ensure!(change_password(&own, &proven, OTHER, &mut rng()).await.is_err());
    let new = EmailAddress::parse("thief@example.com").unwrap();
    ensure!(ask_email(&own, &proven, &new, &mut rng()).await.is_err());
    let taken = proven.take(&own).await;
    ensure!(matches!(taken, Err(OwnError::Moved)), "{taken:?}");
    Ok(())
}

/// A thief of the password signs in again and again, in browsers of its own.
pub async fn unknown_browsers_leave_codes_for_the_person(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    door.with_phone(anna.person, "+48500600706").await?;
    let seat = seat(&door, "anna").await?;
    let sign_in = async |from: &Visitor| match door.sign_in(from, "anna", PASSWORD).await? {
        Entered::CodeNeeded { sent, .. } => anyhow::Ok(sent),
        Entered::SignedIn(_) => anyhow::bail!("a phone"),
    };
    let thief = &visitor([198, 51, 100, 66], None);
    let mut sent = 0;
    for _ in 0..9 {
        match sign_in(thief).await? {
            Ok(_) => sent += 1,
            Err(CodeError::Limited(wait)) => ensure!(wait <= seconds(600), "{wait:?}"),
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!(sent, 2, "the person itself came from an unknown browser");
    // The person's own browser gets codes, for signing in and for its acts.
    sign_in(&seat.visitor).await??;
    for act in [ActName::Password, ActName::RecoveryCodes, ActName::TrustDevice, ActName::Email] {
        let _ = seat.proven(&door, act).await?;
    }
    for _ in 0..9 {
        door.clock.turn(seconds(660));
        sent += u32::from(sign_in(thief).await?.is_ok());
    }
    assert_eq!(sent, 7);
    sign_in(&seat.visitor).await??;
    Ok(())
}

/// The page of a refused act has no new cookie, so the secret that the browser has must stay good.
pub async fn a_refused_act_leaves_the_person_signed_in(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    let mut seat = seat(&door, "anna").await?;
    let new = EmailAddress::parse("anna@new.example").unwrap();
    for _ in 0..LinkKind::ConfirmAddress.most_an_hour() {
        let proven = seat.proven(&door, ActName::Email).await?;
        let next = ask_email(&seat.own(&door), &proven, &new, &mut rng()).await?.context("a secret")?;
        seat.go_on(&door, next).await?;
    }
    let proven = seat.proven(&door, ActName::Email).await?;
    let refused = ask_email(&seat.own(&door), &proven, &new, &mut rng()).await;
    ensure!(matches!(refused, Err(EmailError::TooOften)), "{refused:?}");
    ensure!(!seat.is_over(&door).await?, "too many links");

    // Rules that cannot be do not use the proof up.
    let proven = seat.proven(&door, ActName::Rules).await?;
    let set = async |idle, total| {
        let change = SecurityChange {
            session_idle: Some(SessionIdle::new(idle)),
            session_total: Some(SessionTotal::new(total)),
            ..SecurityChange::default()
        };
        let (own, by) = (seat.own(&door), by(&door, &anna));
        change_rules(&own, &actor(&anna), &change, &proven, &by, &mut rng()).await
    };
    let refused = set(604_800, 43_200).await;
    let beyond = matches!(refused, Err(RulesError::Security(SecurityError::IdleBeyondTotal(_))));
    ensure!(beyond && !seat.is_over(&door).await?, "{refused:?}");
    let (_, next) = set(900, 43_200).await?;
    seat.go_on(&door, next.context("a secret")?).await
}

pub async fn guesses_of_the_password_in_a_session_wait(base: &Base) -> Result<()> {
    let door = open(base).await?;
    door.owner("anna").await?;
    let seat = seat(&door, "anna").await?;
    let own = seat.own(&door);
    let mut waits = 0;
    for _ in 0..8 {
        match ask(&own, form(ActName::Email), WRONG, &mut rng()).await {
            Err(ProofError::WrongPassword) => {}
            Err(ProofError::Waiting(until)) => {
                ensure!(until > door.now());
                waits += 1;
            }
            other => anyhow::bail!("{other:?}"),
        }
    }
    ensure!(waits >= 2, "{waits}");
    let right = ask(&own, form(ActName::Email), PASSWORD, &mut rng()).await;
    ensure!(matches!(right, Err(ProofError::Waiting(_))), "the right one waits too: {right:?}");
    Ok(())
}
