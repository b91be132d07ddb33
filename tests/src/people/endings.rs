//! A reset, a disable and "sign out everywhere" end whatever waits. On Postgres two nodes act at once, over Redis.

use super::{
    door::{Door, PASSWORD, visitor},
    own::{OTHER, Seat, account_of, form, link, notices, seat},
};
use crate::{
    codes::{engine::Engine, new_tenant, rng, seconds},
    directory::{Base, people::subuser},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::change::Change,
    id::{PersonId, TenantId},
    people::{
        account::AccountChange,
        invitation::LinkSecret,
        member::Member,
        person::{EmailAddress, EmailMark},
        proof_act::ActName,
    },
    ports::directory::members::Joining,
    sign_in::{
        Entrance, Visitor,
        enter::enter,
        own::{
            email::ask_email,
            mail::{MailError, open_mail, use_mail},
            password::change_password,
            reset::{ResetError, forgot, open_reset, reset},
        },
        proof::{Asked, ProofError, Proven, ask, prove},
        second::{SecondError, enter_code, enter_recovery_code},
        signed_in::{OwnError, SignedIn},
        tenants::tenants,
        visit::visit,
    },
    tenant::TenantChange,
};
use std::net::Ipv4Addr;

const AWAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 20);

/// A person with a phone for whom everything waits: a half-way sign-in, a proof with its code and one without, a
/// link that resets the password, and one that confirms an address.
struct Waiting {
    person: PersonId,
    seat: Seat,
    stranger: Visitor,
    half: LinkSecret,
    code: String,
    recovery: String,
    proven: Proven,
    asked: String,
    reset: LinkSecret,
    confirm: LinkSecret,
    undo: LinkSecret,
    sign_out: LinkSecret,
}

impl Waiting {
    async fn new(door: &Door, person: PersonId, recovery: String) -> Result<Self> {
        // The number gets only so many messages in a day.
        door.clock.turn(seconds(90_000));
        notices(door).await?;
        let mut seat = seat(door, "bert").await?;
        let sign_out = link(&notices(door).await?, "new_device")?;
        let new = EmailAddress::parse("bert@new.example").context("an address")?;
        let proof = seat.proven(door, ActName::Email).await?;
        let next = ask_email(&seat.own(door), &proof, &new, &mut rng()).await?.context("a secret")?;
        seat.go_on(door, next).await?;
        forgot(&door.entrance, &visitor(AWAY, None), "bert@example.com", door.now(), &mut rng()).await?;
        let mails = notices(door).await?;
        let (confirm, undo) = (link(&mails, "confirm_address")?, link(&mails, "address_changing")?);
        let reset = link(&mails, "reset_password")?;
        door.clock.turn(seconds(700));
        let stranger = visitor(AWAY, None);
        let (half, code) = door.half(&stranger, "bert").await?;
        let proven = seat.proven(door, ActName::Password).await?;
        Ok(Self {
            person,
            seat,
            stranger,
            half,
            code,
            recovery,
            proven,
            asked: String::new(),
            reset,
            confirm,
            undo,
            sign_out,
        })
    }

    /// Another browser, whose proof waits for its code. The first proof stays: a session has one.
    async fn ask(&mut self, door: &Door) -> Result<Seat> {
        door.clock.turn(seconds(120));
        let other = seat(door, "bert").await?;
        let own = other.own(door);
        let Asked::Code(sent) = ask(&own, form(ActName::Email), PASSWORD, &mut rng()).await? else {
            anyhow::bail!("a phone")
        };
        self.asked = door.code(sent?.verification).await?;
        Ok(other)
    }

    fn own<'a>(&'a self, node: &'a Entrance, door: &Door) -> SignedIn<'a> {
        let Seat { session, account, visitor, .. } = &self.seat;
        SignedIn { entrance: node, session, account, visitor, now: door.now() }
    }

    async fn enter(&self, node: &Entrance, door: &Door) -> Result<LinkSecret, SecondError> {
        let typed = (&self.half, self.code.as_str());
        let new = enter_code(node, &self.stranger, typed, None, door.now(), &mut rng()).await?;
        Ok(new.secret)
    }

    /// Changes the password. Each time needs another one.
    async fn change(&self, node: &Entrance, door: &Door) -> bool {
        let password = format!("Giraffe-Lemon-{}", door.now().millis() / 1_000);
        change_password(&self.own(node, door), &self.proven, &password, &mut rng()).await.is_ok()
    }

    /// Tries everything on this node, and finds nothing completed.
    async fn is_over(&self, node: &Entrance, door: &Door, other: &Seat) -> Result<()> {
        let before = account_of(door, self.person).await?;
        let late = self.enter(node, door).await;
        ensure!(matches!(late, Err(SecondError::Over)), "{late:?}");
        let typed = (&self.half, self.recovery.as_str());
        let late = enter_recovery_code(node, &self.stranger, typed, None, door.now(), &mut rng()).await;
        ensure!(matches!(late, Err(SecondError::Over)), "{late:?}");
        ensure!(!self.change(node, door).await, "a proof with its code");
        let taken = self.proven.take(&self.own(node, door)).await;
        ensure!(matches!(taken, Err(OwnError::Moved)), "{taken:?}");
        let Seat { session, account, visitor, .. } = other;
        let own = SignedIn { entrance: node, session, account, visitor, now: door.now() };
        let late = prove(&own, form(ActName::Email), &self.asked, &mut rng()).await;
        ensure!(matches!(late, Err(ProofError::NoneWaits)), "{late:?}");
        let asked = ask(&own, form(ActName::Email), PASSWORD, &mut rng()).await;
        ensure!(
            matches!(
                asked,
                Err(ProofError::Own(OwnError::SignedOut)
                    | ProofError::WrongPassword
                    | ProofError::Waiting(_))
            ),
            "{asked:?}"
        );
        ensure!(!open_reset(node, &self.reset, door.now()).await?);
        let late = reset(node, &self.stranger, &self.reset, OTHER, door.now(), &mut rng()).await;
        ensure!(matches!(late, Err(ResetError::Void)), "{late:?}");
        ensure!(open_mail(node, &self.confirm, door.now()).await?.is_none());
        let late = use_mail(node, &self.stranger, None, &self.confirm, door.now(), &mut rng()).await;
        ensure!(matches!(late, Err(MailError::Void)), "{late:?}");
        let after = account_of(door, self.person).await?;
        ensure!(after == before, "{before:?} {after:?}");
        Ok(())
    }
}

pub async fn disable(door: &Door, member: &Member) -> Result<Member> {
    let changed = Member { disabled: !member.disabled, version: member.version + 1, ..member.clone() };
    let by = Change::by_system(door.now());
    door.entrance.context.directory.update_member((member, &changed), None, &[], &by).await?;
    Ok(changed)
}

async fn shut(door: &Door, tenant: TenantId, change: TenantChange) -> Result<()> {
    let by = Change::by_operator(door.now());
    door.entrance.context.directory.update_tenant(tenant, &change, &by).await?.context("a tenant")?;
    door.entrance.context.refresh().await?;
    Ok(())
}

/// The installation, its other node, and bert with a phone.
async fn open(base: &Base) -> Result<(Door, Entrance, Member, String)> {
    let engine = if base.server_url().is_some() { Engine::redis().await } else { Engine::embedded().await };
    let mut door = Door::on(base, engine).await?;
    door.entrance.hasher = super::own::honest();
    door.owner("anna").await?;
    let bert = door.member("bert", door.acme, subuser()).await?;
    let recovery = door.with_phone(bert.person, "+48500600741").await?.expose().to_string();
    let other = door.other_node(base).await?;
    Ok((door, other, bert, recovery))
}

pub async fn nothing_that_waits_outlasts_a_disabled_member_or_tenant(base: &Base) -> Result<()> {
    let (door, node, mut bert, recovery) = open(base).await?;
    for round in 0..3 {
        let mut waiting = Waiting::new(&door, bert.person, recovery.clone()).await?;
        let other = waiting.ask(&door).await?;
        match round {
            0 => bert = disable(&door, &bert).await?,
            1 => shut(&door, door.acme, TenantChange::Disable).await?,
            _ => shut(&door, door.acme, TenantChange::Delete).await?,
        }
        node.context.refresh().await?;
        for here in [&node, &door.entrance] {
            waiting.is_over(here, &door, &other).await?;
            let signed_in = visit(here, &other.secret, super::own::HOME.into(), true, door.now()).await;
            ensure!(signed_in.is_err(), "{round}: {signed_in:?}");
        }
        // The links that keep a thief out still work.
        use_mail(&node, &waiting.stranger, None, &waiting.sign_out, door.now(), &mut rng()).await?;
        let undone = use_mail(&node, &waiting.stranger, None, &waiting.undo, door.now(), &mut rng()).await;
        ensure!(matches!(undone, Ok(_) | Err(MailError::Void)), "{undone:?}");
        ensure!(door.sign_in(&waiting.stranger, "bert", PASSWORD).await.is_err());
        match round {
            0 => bert = disable(&door, &bert).await?,
            _ => shut(&door, door.acme, TenantChange::Enable).await?,
        }
        node.context.refresh().await?;
        door.entrance.context.refresh().await?;
        // What had begun before stays over, and the person signs in again.
        waiting.is_over(&node, &door, &other).await?;
    }
    Ok(())
}

pub async fn who_has_another_tenant_goes_on_there(base: &Base) -> Result<()> {
    let (door, node, bert, recovery) = open(base).await?;
    let second = new_tenant(&door.entrance.context, &door.clock, "Second").await.tenant;
    let there = crate::directory::people::member(second, 9, subuser());
    let there = Member { person: bert.person, ..there };
    let joining = Joining { member: &there, person: None, password: None, invitation: None };
    door.entrance.context.directory.add_member(joining, None, &[], &Change::by_operator(door.now())).await?;
    let waiting = Waiting::new(&door, bert.person, recovery).await?;
    disable(&door, &bert).await?;
    node.context.refresh().await?;
    let secret = waiting.enter(&node, &door).await?;
    let seen = visit(&node, &secret, AWAY.into(), false, door.now()).await?;
    let open = tenants(&node, bert.person).await?;
    assert_eq!(open.iter().map(|open| open.member.tenant).collect::<Vec<_>>(), [second]);
    ensure!(enter(&node, &waiting.stranger, &seen, door.acme, door.now(), &mut rng()).await.is_err());
    enter(&node, &waiting.stranger, &seen, second, door.now(), &mut rng()).await?;
    ensure!(waiting.change(&node, &door).await, "its own account is its own");
    // Without the second tenant, too, all of it ends.
    shut(&door, second, TenantChange::Disable).await?;
    ensure!(visit(&node, &secret, AWAY.into(), true, door.now()).await.is_err());
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum End {
    Reset,
    Disable,
    Everywhere,
}

/// A sign-in and a change of the password are completed on one node while the other ends all.
pub async fn an_end_and_what_waits_at_once_on_two_nodes(base: &Base) -> Result<()> {
    let (door, node, mut bert, mut recovery) = open(base).await?;
    for (round, end) in [End::Reset, End::Disable, End::Everywhere].into_iter().cycle().take(9).enumerate() {
        let mut waiting = Waiting::new(&door, bert.person, recovery.clone()).await?;
        let other = waiting.ask(&door).await?;
        let (here, there) = if round % 2 == 0 { (&node, &door.entrance) } else { (&door.entrance, &node) };
        let password = format!("Walrus-Piano-7{round}");
        let ending = async {
            match end {
                End::Reset => {
                    let (stranger, secret) = (&waiting.stranger, &waiting.reset);
                    reset(there, stranger, secret, &password, door.now(), &mut rng()).await.is_ok()
                }
                End::Disable => disable(&door, &bert).await.is_ok(),
                End::Everywhere => {
                    let (stranger, secret) = (&waiting.stranger, &waiting.sign_out);
                    use_mail(there, stranger, None, secret, door.now(), &mut rng()).await.is_ok()
                }
            }
        };
        let (ended, entered, changed) =
            tokio::join!(ending, waiting.enter(here, &door), waiting.change(here, &door));
        // A change of the password that came first voids the link of the reset, and nothing else loses.
        ensure!(ended || (matches!(end, End::Reset) && changed), "{round} {end:?}");
        ensure!(!(ended && changed && matches!(end, End::Reset)), "one of the two set the password");
        if ended {
            // What was completed before the end is over with it.
            if let Ok(secret) = entered {
                let seen = visit(there, &secret, AWAY.into(), true, door.now()).await;
                ensure!(seen.is_err(), "{round} {end:?}: {seen:?}");
            }
            for node in [here, there] {
                waiting.is_over(node, &door, &other).await?;
            }
        }
        if let End::Disable = end {
            bert = disable(&door, &Member { disabled: true, version: bert.version + 1, ..bert }).await?;
        }
        door.entrance.context.refresh().await?;
        node.context.refresh().await?;
        // The person chooses its former password again, for the next round.
        door.change(bert.person, AccountChange::Password(super::door::hashed())).await?;
        let mark = EmailMark::of_typed("bert@example.com", &door.entrance.context.keyring);
        ensure!(door.entrance.people.find_account(mark).await?.is_some());
        recovery = {
            door.change(bert.person, AccountChange::TwoFactorOff).await?;
            door.with_phone(bert.person, "+48500600741").await?.expose().to_string()
        };
    }
    Ok(())
}
