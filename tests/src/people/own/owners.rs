//! What owners and the operator do about the accounts of others, and the rules of a tenant.

use super::{HOME, account_of, actor, by, kinds, link, notices, open, recipient, seat};
use crate::{
    codes::{new_tenant, rng, seconds},
    directory::{Base, people::subuser},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        allowlist::{Allowlist, Description, Entry, ListChange, parse_range},
        change::Change,
    },
    management::allowlists::AllowlistError,
    people::{
        account::AccountChange,
        hours::Zone,
        member::Limits,
        person::{EmailAddress, EmailMark},
        proof_act::ActName,
    },
    sign_in::{
        enter::enter,
        own::{
            activity::{ActivityError, end_sessions_of_member, list_of_member},
            mail::use_mail,
            operator::{OperatorError, reset_two_factor, set_email, sign_out},
            rules::{RulesError, change_portal_list},
            two_factor_reset::{ResetTwoFactorError, WAIT, carry_out_due, start_reset},
        },
        proof::Proven,
        visit::visit,
    },
};

pub async fn a_reset_by_an_owner_waits_a_day_and_can_be_stopped(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let owner = door.owner("anna").await?;
    let bert = door.member("bert", door.acme, subuser()).await?;
    door.with_phone(bert.person, "+48500600721").await?;
    let here = seat(&door, "anna").await?;
    notices(&door).await?;
    let start = async |who: &countersign_core::people::member::Member, member| {
        let proven = here.proven(&door, ActName::TwoFactorReset).await?;
        let own = here.own(&door);
        anyhow::Ok(start_reset(&own, &actor(who), member, &proven, &by(&door, who), &mut rng()).await)
    };
    let refused = start(&bert, owner.id).await?;
    ensure!(matches!(refused, Err(ResetTwoFactorError::NoOwner(_))), "{refused:?}");
    let refused = start(&owner, owner.id).await?;
    ensure!(matches!(refused, Err(ResetTwoFactorError::Oneself)), "{refused:?}");

    let here_secret = start(&owner, bert.id).await??.secret;
    ensure!(here_secret.is_some());
    let mails = notices(&door).await?;
    let stop = link(&mails, "two_factor_reset_started")?;
    ensure!(account_of(&door, bert.person).await?.phone.is_some(), "nothing yet");
    assert_eq!(carry_out_due(&door.entrance, door.now() + WAIT - seconds(1), &mut rng()).await?, 0);
    use_mail(&door.entrance, &here.visitor, None, &stop, door.now(), &mut rng()).await?;
    assert_eq!(carry_out_due(&door.entrance, door.now() + WAIT, &mut rng()).await?, 0, "it was stopped");
    ensure!(account_of(&door, bert.person).await?.phone.is_some());

    let change = AccountChange::ResetTwoFactorAt(Some(door.now()));
    door.change(bert.person, change).await?;
    assert_eq!(carry_out_due(&door.entrance, door.now(), &mut rng()).await?, 1);
    assert_eq!(carry_out_due(&door.entrance, door.now(), &mut rng()).await?, 0);
    ensure!(account_of(&door, bert.person).await?.phone.is_none());
    assert_eq!(kinds(&notices(&door).await?), ["member_two_factor_off", "two_factor_off"]);
    Ok(())
}

pub async fn only_the_operator_resets_a_person_of_two_tenants(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let owner = door.owner("anna").await?;
    let bert = door.member("bert", door.acme, subuser()).await?;
    door.with_phone(bert.person, "+48500600722").await?;
    let other = new_tenant(&door.entrance.context, &door.clock, "Other").await.tenant;
    let elsewhere = crate::directory::people::member(other, 9, Limits::of_owner(Zone::default()));
    let elsewhere = countersign_core::people::member::Member { person: bert.person, ..elsewhere };
    let joining = countersign_core::ports::directory::members::Joining {
        member: &elsewhere,
        person: None,
        password: None,
        invitation: None,
    };
    let operator = Change::by_operator(door.now());
    door.entrance.context.directory.add_member(joining, None, &[], &operator).await?;
    let here = seat(&door, "anna").await?;
    let proven = here.proven(&door, ActName::TwoFactorReset).await?;
    let own = here.own(&door);
    let refused = start_reset(&own, &actor(&owner), bert.id, &proven, &by(&door, &owner), &mut rng()).await;
    ensure!(matches!(refused, Err(ResetTwoFactorError::OperatorOnly)), "{refused:?}");
    let (management, people) = (&*door.entrance.context, &*door.entrance.people);
    reset_two_factor((management, people), bert.person, &operator, &mut rng()).await?;
    ensure!(account_of(&door, bert.person).await?.phone.is_none());
    let again = reset_two_factor((management, people), bert.person, &operator, &mut rng()).await;
    ensure!(matches!(again, Err(OperatorError::NotOn)), "{again:?}");

    ensure!(!here.is_over(&door).await?);
    sign_out((management, people), owner.person, &operator, &mut rng()).await?;
    ensure!(here.is_over(&door).await?);
    ensure!(kinds(&notices(&door).await?).contains(&"signed_out"));
    let taken = EmailAddress::parse("Bert@example.com").unwrap();
    let refused = set_email((management, people), owner.person, &taken, &operator, &mut rng()).await;
    ensure!(matches!(refused, Err(OperatorError::Taken)), "{refused:?}");
    let new = EmailAddress::parse("anna@new.example").unwrap();
    set_email((management, people), owner.person, &new, &operator, &mut rng()).await?;
    let mark = EmailMark::of_typed("anna@new.example", &door.entrance.context.keyring);
    ensure!(door.entrance.people.find_account(mark).await?.is_some());
    let mut to: Vec<_> = notices(&door).await?.iter().map(recipient).collect();
    to.sort();
    assert_eq!(to, ["anna@example.com", "anna@new.example"], "a refused change has no mail");
    Ok(())
}

pub async fn owners_see_and_end_only_what_is_in_their_tenant(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let owner = door.owner("anna").await?;
    let bert = door.member("bert", door.acme, subuser()).await?;
    door.in_another(&bert).await?;
    let (here, outside) = (seat(&door, "bert").await?, seat(&door, "bert").await?);
    let inside = visit(&door.entrance, &here.secret, HOME.into(), false, door.now()).await?;
    let entered = enter(&door.entrance, &here.visitor, &inside, door.acme, door.now(), &mut rng()).await?;
    let refused = list_of_member(&door.entrance, &actor(&bert), owner.id, None, 10).await;
    ensure!(matches!(refused, Err(ActivityError::NoOwner(_))), "{refused:?}");
    let seen = list_of_member(&door.entrance, &actor(&owner), bert.id, None, 10).await?;
    assert_eq!(seen.sessions.iter().map(|session| session.id).collect::<Vec<_>>(), [here.session.id]);
    ensure!(!seen.sign_ins.is_empty() && seen.sign_ins.iter().all(|one| one.tenant == Some(door.acme)));
    assert_eq!(end_sessions_of_member(&door.entrance, &actor(&owner), bert.id, &by(&door, &owner)).await?, 1);
    ensure!(door.entrance.people.session(entered.hash()).await?.is_none());
    ensure!(!outside.is_over(&door).await?, "a session in no tenant is not theirs");
    Ok(())
}

fn only(range: &str) -> Result<ListChange> {
    let description = Description::parse("office").context("a description")?;
    let entry = Entry { range: parse_range(range).context("a range")?, description };
    Ok(ListChange::Replace(Allowlist::new(vec![entry])?))
}

pub async fn a_portal_list_never_shuts_all_owners_out(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let owner = door.owner("anna").await?;
    let here = seat(&door, "anna").await?;
    let inside = visit(&door.entrance, &here.secret, HOME.into(), false, door.now()).await?;
    enter(&door.entrance, &here.visitor, &inside, door.acme, door.now(), &mut rng()).await?;
    notices(&door).await?;
    let own = here.own(&door);
    let free = Proven::without(ActName::List, &here.session, door.now()).context("just signed in")?;
    let set = async |range: &str, confirmed| {
        let change = (only(range)?, confirmed);
        let author = &by(&door, &owner);
        anyhow::Ok(change_portal_list(&own, &actor(&owner), change, &free, author, &mut rng()).await)
    };
    for confirmed in [false, true] {
        let refused = set("198.51.100.0/24", confirmed).await?;
        ensure!(matches!(refused, Err(RulesError::AllOwnersOut)), "{refused:?}");
    }
    set("192.0.2.0/24", false).await??;
    assert_eq!(kinds(&notices(&door).await?), ["list_changed"]);
    set("0.0.0.0/0", false).await??;
    // Another owner is inside from elsewhere: then the author may go with a confirmation.
    door.owner("cleo").await?;
    let there = crate::people::door::visitor([198, 51, 100, 9], None);
    let countersign_core::sign_in::first::Entered::SignedIn(cleo) =
        door.sign_in(&there, "cleo", crate::people::door::PASSWORD).await?
    else {
        anyhow::bail!("no phone")
    };
    let inside = visit(&door.entrance, &cleo.secret, there.address, false, door.now()).await?;
    enter(&door.entrance, &there, &inside, door.acme, door.now(), &mut rng()).await?;
    let refused = set("198.51.100.0/24", false).await?;
    ensure!(matches!(refused, Err(RulesError::List(AllowlistError::LockOut(_)))), "{refused:?}");
    set("198.51.100.0/24", true).await??;
    Ok(())
}
