//! What a person changes of its own account, on the real stores.

mod account;
mod acts;
mod owners;
mod proofs;
mod two_factor;

use super::door::{Door, PASSWORD, visitor};
use crate::codes::rng;
use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use countersign_core::{
    access::{
        actor::{Actor, Who},
        change::Change,
    },
    id::PersonId,
    people::{
        account::Account,
        invitation::LinkSecret,
        member::Member,
        notice::{LinkPath, News, Notice, Recipient},
        password::{Password, PasswordText, Verified},
        proof::digest_fields,
        proof_act::ActName,
        session::Session,
    },
    ports::hasher::{Crowded, Hasher, Lane},
    sign_in::{
        Visitor,
        first::Entered,
        proof::{Asked, Form, Proven, ask, prove},
        second::enter_code,
        signed_in::SignedIn,
    },
};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};

crate::directory::on_each_engine!(
    proofs::right_passwords_of_proofs_have_a_bound,
    proofs::a_proof_is_for_one_act_and_one_form,
    proofs::a_sign_in_is_a_proof_for_a_while_and_not_for_all_acts,
    proofs::a_code_goes_again_and_only_three_times,
    proofs::no_proof_outlasts_a_change_of_the_account,
    proofs::a_refused_act_leaves_the_person_signed_in,
    proofs::unknown_browsers_leave_codes_for_the_person,
    proofs::guesses_of_the_password_in_a_session_wait,
    account::another_password_ends_all_other_sessions,
    account::a_forgotten_password_is_set_by_a_link_that_works_once,
    account::a_reset_frees_its_browser_from_the_waits,
    account::another_address_is_confirmed_and_undone_by_links,
    account::the_first_undo_voids_those_of_later_changes,
    account::what_needs_no_proof_keeps_nobody_from_ending_a_session,
    account::too_many_new_addresses_leave_the_browser_signed_in,
    account::an_address_that_somebody_has_is_told_to_nobody,
    account::sessions_end_one_by_one_and_all_at_once,
    account::a_mailed_link_signs_out_everywhere_and_forgets_browsers,
    account::a_browser_is_trusted_with_proof_and_forgotten_without,
    account::a_profile_changes_and_a_last_owner_stays,
    two_factor::it_is_on_after_the_password_and_the_first_code,
    two_factor::a_tenant_that_demands_it_mails_the_link,
    two_factor::another_number_needs_a_code_to_each,
    two_factor::a_recovery_code_stands_for_the_lost_phone,
    two_factor::new_recovery_codes_void_the_former,
    owners::a_reset_by_an_owner_waits_a_day_and_can_be_stopped,
    owners::only_the_operator_resets_a_person_of_two_tenants,
    owners::owners_see_and_end_only_what_is_in_their_tenant,
    owners::a_portal_list_never_shuts_all_owners_out,
    acts::all_keys_end_that_the_person_governs,
    acts::the_proof_for_all_keys_is_used_once_and_ends_with_the_epoch,
    acts::rules_change_with_a_proof_that_a_refusal_leaves,
    acts::a_stopped_reset_never_happens,
);

/// Another password that meets the rule.
pub const OTHER: &str = "Walrus-Piano-77";

/// Compares and hashes at once, and remembers.
struct Honest;

#[async_trait]
impl Hasher for Honest {
    async fn verify(
        &self,
        _: Lane,
        password: Password,
        stored: Option<PasswordText>,
    ) -> Result<Verified, Crowded> {
        Ok(stored.map_or(Verified::No, |stored| password.verify(&stored)))
    }

    async fn hash(
        &self,
        _: Lane,
        password: Password,
        former: Vec<PasswordText>,
    ) -> Result<Option<PasswordText>, Crowded> {
        let used = former.iter().any(|former| password.verify(former) != Verified::No);
        Ok((!used).then(|| password.hash(&mut rng())))
    }
}

pub fn honest() -> Arc<dyn Hasher> {
    Arc::new(Honest)
}

pub async fn open(base: &crate::directory::Base) -> Result<Door> {
    let mut door = Door::new(base).await?;
    door.entrance.hasher = honest();
    Ok(door)
}

/// A person in a browser.
pub struct Seat {
    pub session: Session,
    pub account: Account,
    pub visitor: Visitor,
    pub secret: LinkSecret,
}

pub const HOME: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

/// Signs a person in, with a code if it has a phone.
pub async fn seat(door: &Door, name: &str) -> Result<Seat> {
    let from = visitor(HOME, None);
    let new = match door.sign_in(&from, name, PASSWORD).await? {
        Entered::SignedIn(new) => *new,
        Entered::CodeNeeded { half, sent } => {
            let code = door.code(sent?.verification).await?;
            enter_code(&door.entrance, &from, (&half, &code), None, door.now(), &mut rng()).await?
        }
    };
    let account = account_of(door, new.session.person).await?;
    let visitor = Visitor { device: new.device.map(Arc::new), ..from };
    Ok(Seat { session: new.session, account, visitor, secret: new.secret })
}

impl Seat {
    pub fn own<'a>(&'a self, door: &'a Door) -> SignedIn<'a> {
        let Self { session, account, visitor, .. } = self;
        SignedIn { entrance: &door.entrance, session, account, visitor, now: door.now() }
    }

    /// Goes on with the session under its new secret.
    pub async fn go_on(&mut self, door: &Door, secret: LinkSecret) -> Result<()> {
        let found = door.entrance.people.session(secret.hash()).await?;
        let (session, account) = found.context("the session goes on")?;
        ensure!(session.id == self.session.id && session.epoch == account.person.epoch);
        ensure!(
            door.entrance.people.session(self.secret.hash()).await?.is_none(),
            "the former secret is void"
        );
        (self.session, self.account, self.secret) = (session, account, secret);
        Ok(())
    }

    pub async fn is_over(&self, door: &Door) -> Result<bool> {
        let found = door.entrance.people.session(self.secret.hash()).await?;
        Ok(found.is_none_or(|(session, account)| session.epoch != account.person.epoch))
    }

    /// The proof for an act, with the code if the person has a phone.
    pub async fn proven(&self, door: &Door, act: ActName) -> Result<Proven> {
        let own = self.own(door);
        match ask(&own, form(act), PASSWORD, &mut rng()).await? {
            Asked::Proven(proven) => Ok(proven),
            Asked::Code(sent) => {
                let code = door.code(sent?.verification).await?;
                Ok(prove(&own, form(act), &code, &mut rng()).await?)
            }
        }
    }
}

pub fn form(act: ActName) -> Form<'static> {
    Form { act, object: "", digest: digest_fields([("name", "value")], &crate::codes::keyring()) }
}

pub async fn account_of(door: &Door, person: PersonId) -> Result<Account> {
    door.entrance.people.account(person).await?.context("the account")
}

/// A member in its tenant, with all that it may do.
pub fn actor(member: &Member) -> Actor {
    Actor {
        who: Who::Member { id: member.id, acted_by: None },
        member: Some(member.id),
        grants: member.limits.permissions,
        address: Some(HOME.into()),
        ..Actor::operator(member.tenant)
    }
}

pub fn by(door: &Door, member: &Member) -> Change {
    Change::by(&actor(member), None, door.now())
}

/// Takes the notices that wait.
pub async fn notices(door: &Door) -> Result<Vec<Notice>> {
    let (now, people) = (door.now(), &door.entrance.people);
    let mut opened = Vec::new();
    for claim in people.claim_notices(100, now, now + Duration::from_secs(60)).await? {
        opened.push(claim.open(&door.entrance.context.keyring).context("a notice")?);
        ensure!(people.end_notice(&claim).await?);
    }
    opened.sort_by_key(|notice| notice.id);
    Ok(opened)
}

pub fn kinds(notices: &[Notice]) -> Vec<&'static str> {
    let mut kinds: Vec<_> = notices.iter().map(|notice| notice.news.kind()).collect();
    kinds.sort_unstable();
    kinds
}

/// The address or the number of a notice.
pub fn recipient(notice: &Notice) -> String {
    match &notice.to {
        Recipient::Mail(email) => email.expose().to_owned(),
        Recipient::Sms(number) => number.e164().to_owned(),
    }
}

/// The secret in the link of the only notice of this kind.
pub fn link(notices: &[Notice], kind: &str) -> Result<LinkSecret> {
    let mut found = notices.iter().filter(|notice| notice.news.kind() == kind);
    let (Some(notice), None) = (found.next(), found.next()) else { bail!("{:?}", kinds(notices)) };
    let path = match &notice.news {
        News::ResetPassword { link, .. }
        | News::ConfirmAddress { link, .. }
        | News::EnrolTwoFactor { link, .. }
        | News::NewDevice { link, .. }
        | News::AddressChanging { undo: link, .. }
        | News::TwoFactorResetStarted { cancel: link, .. } => link,
        _ => bail!("{kind} has no link"),
    };
    secret(path)
}

fn secret(path: &LinkPath) -> Result<LinkSecret> {
    path.expose().rsplit('/').next().and_then(LinkSecret::parse).context("a secret")
}
