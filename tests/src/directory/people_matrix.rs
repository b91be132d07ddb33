//! Each limit of a member beside each act on members, invitations and keys: an actor that lacks a limit is refused
//! where the limit is, and does the same where it is not.

use super::{
    Base, at,
    people::{email, join, member, owner},
};
use crate::{codes::rng, history::TENANT, webhooks::Place};
use anyhow::{Context as _, Result};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        allowlist::Allowlist,
        change::Change,
        key::{Key, PresentedKey},
        scope::Scopes,
        share::Share,
    },
    context::{Management, Replica},
    id::{InvitationId, KeyId, MemberId, PersonId, ProfileId, SenderId, TemplateId, TenantId},
    management::{
        invitations::{Accepting, Handover, accept, invite, send_again, withdraw},
        key_rotation::{OVERLAP, rotate_key},
        keys::{CreateKey, KeyError, KeyName, UpdateKey, create_key, delete_key, update_key},
        member_keys::move_key,
        members::{LimitsChange, MemberChange, remove_member, update_member},
        reach::MemberError,
    },
    mode::Mode,
    people::{
        bounds::Bounds,
        cover::NotCovered,
        hours::{Hours, Zone},
        invitation::{Author, Invitation, LinkSecret},
        member::{Limits, Member, Role},
        shares::Shares,
    },
    ports::directory::{
        invitations::Invitations as _,
        keys::{KeyChange, Keys as _},
        members::{Joining, Members as _},
    },
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::sync::Arc;

/// One limit. Apart from it, the two are alike.
#[derive(Clone)]
pub(super) struct Row {
    pub name: String,
    /// The limits of the actor, which lacks something.
    pub without: Limits,
    /// The limits that have it.
    pub with: Limits,
    pub why: NotCovered,
    pub kind: Kind,
}

/// What the limits of a key of the company are like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Such a key is a subuser.
    Role,
    /// Such a key has scopes and profiles of its own.
    OfKeys,
    /// No such key has a bound of this kind.
    OfMembers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    MakeCompanyKey,
    ChangeKey,
    RotateKey,
    DeleteKey,
    TakeKey,
    GiveKey,
    FreeKey,
    ChangeCompanyKey,
    RotateCompanyKey,
    DeleteCompanyKey,
    TakeCompanyKey,
    Invite,
    SendAgain,
    Withdraw,
    Accept,
    Grant,
    Edit,
    Disable,
    Remove,
}

/// In this order, so that each act finds what it needs: the members go last.
const ACTS: [Act; 19] = [
    Act::MakeCompanyKey,
    Act::ChangeKey,
    Act::RotateKey,
    Act::DeleteKey,
    Act::TakeKey,
    Act::GiveKey,
    Act::FreeKey,
    Act::ChangeCompanyKey,
    Act::RotateCompanyKey,
    Act::DeleteCompanyKey,
    Act::TakeCompanyKey,
    Act::Invite,
    Act::SendAgain,
    Act::Withdraw,
    Act::Accept,
    Act::Grant,
    Act::Edit,
    Act::Disable,
    Act::Remove,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    NotCovered(NotCovered),
    NotOwn,
    BeyondScopes,
    BeyondProfiles,
    BadLink,
}

impl Act {
    fn is_of_company(self) -> bool {
        use Act::*;
        matches!(
            self,
            MakeCompanyKey
                | FreeKey
                | ChangeCompanyKey
                | RotateCompanyKey
                | DeleteCompanyKey
                | TakeCompanyKey
        )
    }

    fn is_move(self) -> bool {
        matches!(self, Self::TakeKey | Self::GiveKey | Self::FreeKey | Self::TakeCompanyKey)
    }

    fn is_of_keys(self) -> bool {
        use Act::*;
        self.is_of_company() || matches!(self, ChangeKey | RotateKey | DeleteKey | TakeKey | GiveKey)
    }
}

impl Row {
    /// The table: what the actor gets, where the limit is and where it is not.
    fn expected(&self, act: Act, has: bool) -> Outcome {
        let subuser = self.kind == Kind::Role && act.is_of_keys();
        let company = self.kind == Kind::OfMembers && act.is_of_company();
        if !has && !subuser && !company {
            return Outcome::Done;
        }
        match (act, &self.why) {
            (Act::Accept, _) => Outcome::BadLink,
            // The actor is no owner, so it governs no key but its own.
            (act, _) if subuser && act.is_move() => Outcome::NotCovered(NotCovered::Owners),
            (act, why) if act.is_move() || !act.is_of_keys() => Outcome::NotCovered(*why),
            (_, NotCovered::Scopes(_)) => Outcome::BeyondScopes,
            (_, NotCovered::Shares) if self.kind == Kind::OfKeys => Outcome::BeyondProfiles,
            _ => Outcome::NotOwn,
        }
    }
}

pub(super) fn subuser(limits: &Limits) -> Limits {
    Limits { role: Role::Subuser, ..limits.clone() }
}

/// A row for each limit, and for each permission and each kind of share.
pub(super) fn rows() -> Vec<Row> {
    let all = Limits { permissions: Scopes::all(), ..owner() };
    let row = |name: &str, without: Limits, with: Limits, why, kind| Row {
        name: name.to_owned(),
        without,
        with: subuser(&with),
        why,
        kind,
    };
    let mut rows = vec![Row {
        name: "role".into(),
        without: subuser(&all),
        with: all.clone(),
        why: NotCovered::Owners,
        kind: Kind::Role,
    }];
    for scope in Scopes::all().iter() {
        let permissions = Scopes::all().iter().filter(|other| *other != scope).collect();
        let (without, why) = (Limits { permissions, ..all.clone() }, NotCovered::Scopes(Scopes::all()));
        rows.push(row(scope.as_str(), without, all.clone(), why, Kind::OfKeys));
    }
    let office = Limits { hours: Hours::NEVER.with(0, 16).with(6, 47), ..all.clone() };
    let away = Limits { zone: Zone::default(), ..office.clone() };
    let later = Limits { hours: Hours::NEVER.with(0, 17), ..office.clone() };
    for (name, with) in [("hours", all.clone()), ("other hours", later), ("zone", away)] {
        rows.push(row(name, office.clone(), with, NotCovered::Hours, Kind::OfMembers));
    }
    let mut share = |name, without: &dyn Fn(&mut Limits, u8), kind| {
        let [one, other] = [1, 2].map(|number| {
            let mut limits = all.clone();
            without(&mut limits, number);
            limits
        });
        for (name, with) in [(format!("all {name}"), all.clone()), (format!("other {name}"), other)] {
            rows.push(row(&name, one.clone(), with, NotCovered::Shares, kind));
        }
    };
    let id = |number| [number; 16];
    share(
        "senders",
        &|limits, n| limits.shares.senders = Share::of([SenderId::from_bytes(id(n))]).unwrap(),
        Kind::OfMembers,
    );
    share(
        "templates",
        &|limits, n| limits.shares.templates = Share::of([TemplateId::from_bytes(id(n))]).unwrap(),
        Kind::OfMembers,
    );
    share(
        "profiles",
        &|limits, n| limits.shares.profiles = Share::of([ProfileId::from_bytes(id(n))]).unwrap(),
        Kind::OfKeys,
    );
    share(
        "groups",
        &|limits, n| limits.shares.groups = Share::of([format!("group{n}").parse().unwrap()]).unwrap(),
        Kind::OfMembers,
    );
    for (name, pool) in [("a larger pool", Some(11)), ("no pool", None)] {
        let without = Limits { pool: Some(10), ..all.clone() };
        let with = Limits { pool, ..all.clone() };
        rows.push(row(name, without, with, NotCovered::Pool, Kind::OfMembers));
    }
    for (name, most_parts) in [("more parts", Some(3)), ("any parts", None)] {
        let without = Limits { most_parts: Some(2), ..all.clone() };
        let with = Limits { most_parts, ..all.clone() };
        rows.push(row(name, without, with, NotCovered::Parts, Kind::OfMembers));
    }
    rows
}

/// What the acts are done to.
struct Target {
    member: Member,
    keys: Vec<Key>,
    company: Vec<Key>,
    /// An invitation by the operator.
    kept: InvitationId,
    /// An invitation that the actor made before it was narrowed.
    offered: (InvitationId, LinkSecret),
    numbers: Numbers,
}

/// The numbers of persons. Each is a member of [`TENANT`], so that its address is known.
#[derive(Clone, Copy)]
struct Numbers {
    member: u8,
    invited: u8,
    kept: u8,
    offered: u8,
}

pub(super) const ACTOR: u8 = 1;
const CLERK: u8 = 2;
const HOLDER: Numbers = Numbers { member: 3, invited: 4, kept: 5, offered: 6 };
const LESSER: Numbers = Numbers { member: 7, invited: 8, kept: 9, offered: 10 };

pub(super) fn person(number: u8) -> PersonId {
    member(TENANT, number, owner()).person
}

/// One tenant of the test, with the actor in it.
pub(super) struct Scene<'a> {
    pub base: &'a Base,
    pub management: &'a Management,
    pub tenant: TenantId,
    pub by: Change,
    pub actor: Member,
    /// A member who has nothing yet.
    pub clerk: Member,
}

impl<'a> Scene<'a> {
    pub async fn open(
        base: &'a Base,
        management: &'a Management,
        number: u8,
        limits: &Limits,
    ) -> Result<Self> {
        let tenant = base.tenant(number).await?.id;
        let by = Change::by_system(at(100));
        let nothing = Limits {
            permissions: Scopes::default(),
            hours: Hours::NEVER,
            pool: Some(0),
            most_parts: Some(0),
            shares: none(),
            ..subuser(limits)
        };
        let actor = seat(base, tenant, ACTOR, limits).await?;
        let clerk = seat(base, tenant, CLERK, &nothing).await?;
        Ok(Self { base, management, tenant, by, actor, clerk })
    }

    /// The actor signed in, and by a key with all that it has.
    pub async fn actors(&self) -> Result<[Actor; 2]> {
        let key = self.key(Some(&self.actor), &self.actor.limits).await?;
        let bounds = Bounds::of(&key, Some(&self.actor)).context("it is accepted")?;
        let signed_in = Actor {
            who: Who::Member { id: self.actor.id, acted_by: None },
            member: Some(self.actor.id),
            grants: bounds.grants,
            profiles: bounds.profiles,
            ..Actor::operator(self.tenant)
        };
        let by_key = Actor { who: Who::Key(key.id), ..signed_in.clone() };
        Ok([signed_in, by_key])
    }

    /// A key of the company with the scopes and profiles of the actor.
    async fn company(&self) -> Result<Actor> {
        let key = self.key(None, &self.actor.limits).await?;
        let (who, grants, profiles) = (Who::Key(key.id), key.scopes, key.profiles);
        Ok(Actor { who, grants, profiles, ..Actor::operator(self.tenant) })
    }

    pub async fn key(&self, member: Option<&Member>, limits: &Limits) -> Result<Key> {
        let presented = PresentedKey::generate(Mode::Live, KeyId::new(self.by.at, &mut rng()), &mut rng());
        let key = Key {
            member: member.map(|member| member.id),
            profiles: limits.shares.profiles.clone(),
            ..Key::new(&presented, self.tenant, "one".into(), limits.permissions, self.by.at)
        };
        self.base.directory.create_key(&key, None, None, &[], &self.by).await?;
        Ok(key)
    }

    async fn target(&self, numbers: Numbers, limits: &Limits) -> Result<Target> {
        let member = seat(self.base, self.tenant, numbers.member, limits).await?;
        let (mut keys, mut company) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            keys.push(self.key(Some(&member), limits).await?);
            company.push(self.key(None, limits).await?);
        }
        let (kept, _) = self.invitation(numbers.kept, limits, Author::Operator).await?;
        let offered = self.invitation(numbers.offered, limits, Author::Member(self.actor.id)).await?;
        Ok(Target { member, keys, company, kept, offered, numbers })
    }

    pub async fn invitation(
        &self,
        number: u8,
        limits: &Limits,
        author: Author,
    ) -> Result<(InvitationId, LinkSecret)> {
        let ids = (self.tenant, InvitationId::new(self.by.at, &mut rng()));
        let keyring = crate::codes::keyring();
        let granted = (limits.clone(), author);
        let (made, secret) = Invitation::new(ids, &email(number), granted, &keyring, self.by.at, &mut rng());
        self.base.directory.create_invitation((&made).into(), None, &self.by).await?;
        Ok((made.id, secret))
    }

    async fn attempt(&self, act: Act, actor: &Actor, target: &Target) -> Result<Outcome> {
        let (management, by) = (self.management, &self.by);
        let Target { member: Member { id, limits, .. }, keys, company, numbers, .. } = target;
        let keys = if act.is_of_company() && act != Act::FreeKey { company } else { keys };
        let of = |limits| MemberChange { limits, disabled: None };
        match act {
            Act::MakeCompanyKey => {
                let made = create_key(management, actor, asked(limits), None, by, &mut rng()).await;
                of_keys(made.map(drop))
            }
            Act::ChangeKey | Act::ChangeCompanyKey => {
                let change = KeyChange { name: Some("another".into()), ..KeyChange::default() };
                let request = UpdateKey { change, confirmed: false };
                of_keys(update_key(management, actor, keys[0].id, request, by).await.map(drop))
            }
            Act::RotateKey | Act::RotateCompanyKey => {
                let whole = (OVERLAP, None);
                of_keys(rotate_key(management, actor, keys[1].id, whole, by, &mut rng()).await.map(drop))
            }
            Act::DeleteKey | Act::DeleteCompanyKey => {
                of_keys(delete_key(management, actor, keys[2].id, by).await)
            }
            Act::TakeKey | Act::TakeCompanyKey => {
                of_members(move_key(management, actor, keys[3].id, Some(self.actor.id), by).await)
            }
            Act::FreeKey => of_members(move_key(management, actor, keys[4].id, None, by).await),
            Act::GiveKey => {
                let own = self.key(Some(&self.actor), &self.actor.limits).await?;
                of_members(move_key(management, actor, own.id, Some(*id), by).await)
            }
            Act::Invite => {
                let to = (&email(numbers.invited), limits);
                of_members(invite(management, actor, to, Handover::Caller, by, &mut rng()).await)
            }
            Act::SendAgain => {
                of_members(send_again(management, actor, target.kept, Handover::Caller, by, &mut rng()).await)
            }
            Act::Withdraw => of_members(withdraw(management, actor, target.kept, by).await),
            Act::Accept => {
                let (invitation, secret) = &target.offered;
                let (place, who) = ((self.tenant, *invitation), Accepting::Known(person(numbers.offered)));
                of_members(accept(management, place, secret, &who, by, &mut rng()).await)
            }
            Act::Grant => of_members(
                update_member(management, actor, self.clerk.id, &of(whole(limits)), by, &mut rng()).await,
            ),
            Act::Edit => {
                let narrow = of(LimitsChange { pool: Some(Some(1)), ..LimitsChange::default() });
                of_members(update_member(management, actor, *id, &narrow, by, &mut rng()).await)
            }
            Act::Disable => {
                let change = MemberChange { disabled: Some(true), ..MemberChange::default() };
                of_members(update_member(management, actor, *id, &change, by, &mut rng()).await)
            }
            Act::Remove => of_members(remove_member(management, actor, *id, by).await),
        }
    }
}

pub(super) fn none() -> Shares {
    let (senders, templates) = (Share::none(), Share::none());
    Shares { senders, templates, profiles: Share::none(), groups: Share::none() }
}

pub(super) async fn seat(base: &Base, tenant: TenantId, number: u8, limits: &Limits) -> Result<Member> {
    let id = MemberId::new(at(1), &mut rng());
    let seated = Member { id, person: person(number), ..member(tenant, number, limits.clone()) };
    let joining = Joining { member: &seated, person: None, invitation: None, password: None };
    base.directory.add_member(joining, None, &[], &Change::by_system(at(1))).await?;
    Ok(seated)
}

/// The change that gives all of these limits.
pub(super) fn whole(limits: &Limits) -> LimitsChange {
    let Limits { role, permissions, zone, hours, shares, pool, most_parts } = limits.clone();
    LimitsChange {
        role: Some(role),
        permissions: Some(permissions),
        zone: Some(zone),
        hours: Some(hours),
        senders: Some(shares.senders),
        templates: Some(shares.templates),
        profiles: Some(shares.profiles),
        groups: Some(shares.groups),
        pool: Some(pool),
        most_parts: Some(most_parts),
    }
}

/// A key of the company with these scopes and profiles.
pub(super) fn asked(limits: &Limits) -> CreateKey {
    CreateKey {
        name: KeyName::parse("one").unwrap(),
        mode: Mode::Live,
        scopes: limits.permissions,
        expires_at: None,
        allowlist: Allowlist::default(),
        profiles: Some(limits.shares.profiles.clone()),
        company: true,
    }
}

pub(super) fn of_keys(outcome: Result<(), KeyError>) -> Result<Outcome> {
    match outcome {
        Ok(()) => Ok(Outcome::Done),
        Err(KeyError::NotOwn) => Ok(Outcome::NotOwn),
        Err(KeyError::BeyondOwnScopes(_)) => Ok(Outcome::BeyondScopes),
        Err(KeyError::BeyondOwnProfiles) => Ok(Outcome::BeyondProfiles),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn of_members<T>(outcome: Result<T, MemberError>) -> Result<Outcome> {
    match outcome {
        Ok(_) => Ok(Outcome::Done),
        Err(MemberError::NotCovered(why)) => Ok(Outcome::NotCovered(why)),
        Err(MemberError::BadLink) => Ok(Outcome::BadLink),
        Err(error) => Err(error.into()),
    }
}

/// The management of a node that keeps no copy, and the persons of all tenants.
pub(super) async fn prepare(base: &Base) -> Result<Management> {
    let place = Place::new(base).await?;
    for number in 1..=10 {
        join(base, &member(TENANT, number, owner())).await?;
    }
    let Management { replica, .. } = place.context.management.clone();
    let replica = Replica { snapshot: Arc::default(), peers: None, ..replica };
    Ok(Management { replica, ..place.context.management })
}

pub async fn who_lacks_a_limit_is_refused_where_it_is(base: &Base) -> Result<()> {
    let management = prepare(base).await?;
    let management = &management;
    let rows = stream::iter(rows().into_iter().zip(10..)).map(|(row, number)| async move {
        let scene = Scene::open(base, management, number, &row.without).await?;
        let holder = scene.target(HOLDER, &row.with).await?;
        let lesser = scene.target(LESSER, &subuser(&row.without)).await?;
        let actors = scene.actors().await?;
        for act in ACTS {
            let cell = |has| (row.name.clone(), act, row.expected(act, has));
            for actor in &actors {
                let outcome = scene.attempt(act, actor, &holder).await?;
                assert_eq!((row.name.clone(), act, outcome), cell(true), "{:?}", actor.who);
            }
            // Signed in and by the key in turn, because each thing is done once.
            let outcome = scene.attempt(act, &actors[act as usize % 2], &lesser).await?;
            assert_eq!((row.name.clone(), act, outcome), cell(false), "on a member without it");
        }
        // Nothing of the other member has changed.
        let stored = base.directory.member(scene.tenant, holder.member.id).await?;
        assert_eq!(stored.as_ref(), Some(&holder.member), "{}", row.name);
        anyhow::Ok(())
    });
    rows.buffer_unordered(8).try_collect::<Vec<()>>().await.map(drop)
}

/// A key of the company has scopes and profiles, and no other bounds. It touches no owner and moves no key.
pub async fn a_key_of_the_company_is_refused_where_it_lacks_something(base: &Base) -> Result<()> {
    let management = prepare(base).await?;
    let rows = rows().into_iter().filter(|row| row.kind != Kind::OfMembers);
    for (row, number) in rows.zip(10..) {
        let scene = Scene::open(base, &management, number, &row.without).await?;
        let holder = scene.target(HOLDER, &row.with).await?;
        let lesser = scene.target(LESSER, &subuser(&row.without)).await?;
        let company = scene.company().await?;
        for act in ACTS.into_iter().filter(|act| *act != Act::Accept && *act != Act::GiveKey) {
            let expected = |has| match (row.expected(act, has), row.kind) {
                _ if act.is_move() => Outcome::NotCovered(NotCovered::Owners),
                // A subuser governs no keys of the company, but such a key does.
                (Outcome::NotOwn, Kind::Role) if act.is_of_company() || !has => Outcome::Done,
                (outcome, _) => outcome,
            };
            for (target, has) in [(&holder, true), (&lesser, false)] {
                let outcome = scene.attempt(act, &company, target).await?;
                assert_eq!((&row.name, act, outcome), (&row.name, act, expected(has)), "has it: {has}");
            }
        }
    }
    Ok(())
}

/// The keys of a removed member wait for an owner: a key of the company must not plant a secret among them.
pub async fn only_owners_govern_the_keys_of_a_removed_member(base: &Base) -> Result<()> {
    let management = prepare(base).await?;
    let all = Limits { permissions: Scopes::all(), ..owner() };
    let scene = Scene::open(base, &management, 10, &all).await?;
    let gone = scene.target(HOLDER, &subuser(&all)).await?;
    remove_member(&management, &Actor::operator(scene.tenant), gone.member.id, &scene.by).await?;
    let ([signed_in, _], company) = (scene.actors().await?, scene.company().await?);
    for act in [Act::ChangeKey, Act::RotateKey, Act::DeleteKey] {
        assert_eq!(scene.attempt(act, &company, &gone).await?, Outcome::NotOwn, "{act:?}");
        assert_eq!(scene.attempt(act, &signed_in, &gone).await?, Outcome::Done, "{act:?}");
    }
    assert_eq!(scene.attempt(Act::TakeKey, &signed_in, &gone).await?, Outcome::Done);
    Ok(())
}
