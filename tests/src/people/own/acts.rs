//! The button that ends keys, the security rules, and the end of a reset of the second factor.

use super::{Seat, account_of, actor, by, open, seat};
use crate::{
    codes::{new_tenant, rng, seconds},
    directory::{Base, people::subuser},
    people::door::Door,
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        allowlist::Allowlist,
        change::Change,
        key::Key,
        scope::{Scope, Scopes},
    },
    id::TenantId,
    management::keys::{CreateKey, KeyName, create_key},
    mode::Mode,
    people::{
        account::AccountChange,
        hours::Zone,
        member::{Limits, Member},
        proof_act::ActName,
    },
    ports::directory::audit::AuditFilter,
    sign_in::{
        own::{
            keys::{RevokeError, list_revocable, revoke_all_keys},
            rules::{RulesError, change_rules},
            two_factor_reset::{ResetTwoFactorError, WAIT, carry_out_due, start_reset, stop_reset},
        },
        proof::{FRESH, Proven},
        signed_in::OwnError,
        visit::{Gone, Place, visit},
    },
    tenant::security::{SecurityChange, SessionIdle, SessionTotal},
};

async fn key_of(door: &Door, member: &Member, scopes: &[Scope], company: bool) -> Result<Key> {
    let request = CreateKey {
        name: KeyName::parse("one").context("a name")?,
        mode: Mode::Live,
        scopes: Scopes::from_iter(scopes.iter().copied()),
        expires_at: None,
        allowlist: Allowlist::default(),
        profiles: None,
        company,
    };
    let context = &door.entrance.context;
    let (key, _) = create_key(context, &actor(member), request, None, &by(door, member), &mut rng()).await?;
    Ok(key)
}

async fn keys(door: &Door, tenant: TenantId) -> Result<usize> {
    Ok(door.entrance.context.directory.list_keys(tenant, None, 100).await?.len())
}

async fn entries(door: &Door, action: &str) -> Result<usize> {
    let filter = AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() };
    Ok(door.entrance.context.directory.list_audit(door.acme, &filter, None, 99).await?.len())
}

fn fresh(seat: &Seat, door: &Door, act: ActName) -> Result<Proven> {
    Proven::without(act, &seat.session, door.now()).context("just signed in")
}

pub async fn all_keys_end_that_the_person_governs(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let (anna, bert) = (door.owner("anna").await?, door.member("bert", door.acme, subuser()).await?);
    let other = new_tenant(&door.entrance.context, &door.clock, "Other").await.tenant;
    let cleo = door.member("cleo", other, Limits::of_owner(Zone::default())).await?;
    for (member, company) in [(&anna, true), (&anna, false), (&bert, false), (&bert, false), (&cleo, true)] {
        key_of(&door, member, &[Scope::VerificationsStart], company).await?;
    }
    let seat_of_bert = seat(&door, "bert").await?;
    let own = seat_of_bert.own(&door);
    assert_eq!(list_revocable(&own, &actor(&bert)).await?.len(), 2);
    let free = fresh(&seat_of_bert, &door, ActName::RevokeAll)?;
    let revoked = revoke_all_keys(&own, &actor(&bert), &free, &by(&door, &bert), &mut rng()).await?;
    ensure!((revoked.revoked, revoked.left) == (2, 0) && revoked.secret.is_none(), "{revoked:?}");
    assert_eq!((keys(&door, door.acme).await?, keys(&door, other).await?), (2, 1), "its own alone");
    // A disabled member ends nothing, even with a page that is still open.
    key_of(&door, &bert, &[Scope::VerificationsStart], false).await?;
    let away = Member { disabled: true, version: bert.version + 1, ..bert.clone() };
    door.entrance
        .context
        .directory
        .update_member((&bert, &away), None, &[], &Change::by_system(door.now()))
        .await?;
    let revoked = revoke_all_keys(&own, &actor(&bert), &free, &by(&door, &bert), &mut rng()).await?;
    assert_eq!((revoked.revoked, keys(&door, door.acme).await?), (0, 3));

    let seat_of_anna = seat(&door, "anna").await?;
    let (own, free) = (seat_of_anna.own(&door), fresh(&seat_of_anna, &door, ActName::RevokeAll)?);
    let revoked = revoke_all_keys(&own, &actor(&anna), &free, &by(&door, &anna), &mut rng()).await?;
    assert_eq!((revoked.revoked, revoked.left), (3, 0), "an owner ends those of its tenant");
    assert_eq!((keys(&door, door.acme).await?, keys(&door, other).await?), (0, 1));
    assert_eq!(entries(&door, "key.delete").await?, 5);
    Ok(())
}

pub async fn the_proof_for_all_keys_is_used_once_and_ends_with_the_epoch(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let anna = door.owner("anna").await?;
    door.with_phone(anna.person, "+48500600731").await?;
    let mut here = seat(&door, "anna").await?;
    key_of(&door, &anna, &[Scope::VerificationsStart], true).await?;
    door.clock.turn(FRESH);
    ensure!(Proven::without(ActName::RevokeAll, &here.session, door.now()).is_none(), "a proof is missing");
    let (who, author) = (actor(&anna), by(&door, &anna));
    // The proof of another act ends no key, and one that a sign-out overtook does not either.
    let waiting = here.proven(&door, ActName::RevokeAll).await?;
    door.change(anna.person, AccountChange::SignOutEverywhere { forget_devices: false }).await?;
    let late = revoke_all_keys(&here.own(&door), &who, &waiting, &author, &mut rng()).await;
    ensure!(matches!(late, Err(RevokeError::Own(OwnError::Moved))), "{late:?}");
    assert_eq!(keys(&door, door.acme).await?, 1);

    door.clock.turn(seconds(3_600));
    here = seat(&door, "anna").await?;
    let proven = here.proven(&door, ActName::RevokeAll).await?;
    let revoked = revoke_all_keys(&here.own(&door), &who, &proven, &author, &mut rng()).await?;
    assert_eq!(revoked.revoked, 1);
    let mut next = here;
    next.go_on(&door, revoked.secret.context("the session goes on")?).await?;
    key_of(&door, &anna, &[Scope::VerificationsStart], true).await?;
    let again = revoke_all_keys(&next.own(&door), &who, &proven, &author, &mut rng()).await;
    ensure!(matches!(again, Err(RevokeError::Own(OwnError::Moved))), "{again:?}");
    assert_eq!(keys(&door, door.acme).await?, 1);
    Ok(())
}

pub async fn rules_change_with_a_proof_that_a_refusal_leaves(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let (anna, bert) = (door.owner("anna").await?, door.member("bert", door.acme, subuser()).await?);
    let other = new_tenant(&door.entrance.context, &door.clock, "Other").await.tenant;
    let (mut here, there) = (seat(&door, "anna").await?, seat(&door, "bert").await?);
    let (idle, total) = (SessionIdle::new(300), SessionTotal::new(43_200));
    let change =
        SecurityChange { session_idle: Some(idle), session_total: Some(total), ..SecurityChange::default() };
    let free = fresh(&there, &door, ActName::Rules)?;
    for who in [actor(&bert), countersign_core::access::actor::Actor { tenant: other, ..actor(&anna) }] {
        let author = Change::by(&who, None, door.now());
        let refused = change_rules(&there.own(&door), &who, &change, &free, &author, &mut rng()).await;
        ensure!(matches!(refused, Err(RulesError::NoOwner(_))), "{refused:?}");
    }
    door.clock.turn(FRESH);
    let proven = here.proven(&door, ActName::Rules).await?;
    let who = actor(&anna);
    let set = async |seat: &Seat, change: &SecurityChange| {
        change_rules(&seat.own(&door), &who, change, &proven, &by(&door, &anna), &mut rng()).await
    };
    // An idle time beyond the whole is refused, and the person corrects the form with the same proof.
    let beyond = SecurityChange { session_idle: Some(SessionIdle::new(604_800)), ..change.clone() };
    let refused = set(&here, &beyond).await;
    ensure!(matches!(refused, Err(RulesError::Security(_))), "{refused:?}");
    ensure!(!here.is_over(&door).await?, "the browser is still signed in");
    let (rules, secret) = set(&here, &change).await?;
    assert_eq!((rules.session_idle, rules.session_total), (idle.unwrap(), total.unwrap()));
    here.go_on(&door, secret.context("a proof has a new secret")?).await?;
    let again = set(&here, &SecurityChange::default()).await;
    ensure!(matches!(again, Err(RulesError::Own(OwnError::Moved))), "used once: {again:?}");
    assert_eq!(entries(&door, "security.update").await?, 1);

    // A session in the tenant is judged by the new rules with its next request.
    door.entrance.context.refresh().await?;
    let idle = visit(&door.entrance, &there.secret, super::HOME.into(), true, door.now()).await;
    ensure!(matches!(idle, Err(Gone::Idle { .. })), "{idle:?}");
    let there = seat(&door, "bert").await?;
    door.clock.turn(seconds(299));
    let late = visit(&door.entrance, &there.secret, super::HOME.into(), true, door.now()).await?;
    ensure!(matches!(late.place, Place::Inside(_)), "the sign-in has entered the only tenant");
    door.clock.turn(seconds(1));
    let idle = visit(&door.entrance, &there.secret, super::HOME.into(), true, door.now()).await;
    ensure!(matches!(idle, Err(Gone::Idle { .. })), "{idle:?}");
    Ok(())
}

pub async fn a_stopped_reset_never_happens(base: &Base) -> Result<()> {
    let door = open(base).await?;
    let owner = door.owner("anna").await?;
    let bert = door.member("bert", door.acme, subuser()).await?;
    door.with_phone(bert.person, "+48500600732").await?;
    let other = new_tenant(&door.entrance.context, &door.clock, "Other").await.tenant;
    let foreign = door.member("cleo", other, Limits::of_owner(Zone::default())).await?;
    let mut here = seat(&door, "anna").await?;
    let stop = async |who: &Member| stop_reset(&door.entrance, &actor(who), bert.id, &by(&door, who)).await;
    ensure!(!stop(&owner).await?, "there is none");
    let proven = here.proven(&door, ActName::TwoFactorReset).await?;
    let author = by(&door, &owner);
    let started =
        start_reset(&here.own(&door), &actor(&owner), bert.id, &proven, &author, &mut rng()).await?;
    here.go_on(&door, started.secret.context("a new secret")?).await?;
    assert_eq!(started.effective, door.now() + WAIT);
    let refused = stop(&bert).await;
    ensure!(matches!(refused, Err(ResetTwoFactorError::NoOwner(_))), "{refused:?}");
    let refused = stop(&foreign).await;
    ensure!(matches!(refused, Err(ResetTwoFactorError::NotFound)), "{refused:?}");
    ensure!(account_of(&door, bert.person).await?.reset_2fa_at.is_some());

    ensure!(stop(&owner).await? && !stop(&owner).await?, "once");
    assert_eq!(entries(&door, "person.two_factor_reset_stop").await?, 1);
    door.clock.turn(WAIT);
    assert_eq!(carry_out_due(&door.entrance, door.now(), &mut rng()).await?, 0);
    ensure!(account_of(&door, bert.person).await?.phone.is_some());

    // The job and an owner are at it at once: either the reset has happened, or it never will.
    for _ in 0..5 {
        let change = AccountChange::ResetTwoFactorAt(Some(door.now()));
        door.change(bert.person, change).await?;
        let stopping = stop(&owner);
        let mut generator = rng();
        let doing = carry_out_due(&door.entrance, door.now(), &mut generator);
        let (stopped, done) = tokio::join!(stopping, doing);
        let account = account_of(&door, bert.person).await?;
        ensure!(account.reset_2fa_at.is_none(), "{stopped:?} {done:?}");
        assert_eq!(account.phone.is_none(), done? == 1, "{stopped:?}");
        if account.phone.is_none() {
            door.with_phone(bert.person, "+48500600732").await?;
        }
    }
    Ok(())
}
