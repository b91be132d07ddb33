//! An installation whose persons sign in, for the tests of signing in.

use crate::{
    codes::{HandClock, engine::Engine, keyring, new_tenant, rng, seconds},
    directory::Base,
};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use countersign_core::{
    access::change::Change,
    acts::resend::open_code_text,
    context::{Context, Management, Replica},
    delivery::places::Places,
    fakes::{gateways::NoGateways, webhooks::NoWebhooks},
    id::{MemberId, PersonId, TenantId, VerificationId},
    locale::Locale,
    management::system_tenants::prepare_system_tenants,
    people::{
        account::{AccountChange, OwnPhone},
        hours::Zone,
        invitation::LinkSecret,
        member::{Limits, Member},
        password::{Password, PasswordText, Verified},
        person::{EmailAddress, Identity, Person, PersonName},
        recovery::RecoveryCode,
    },
    phone::{PhoneNumber, countries::Countries},
    ports::{
        clock::Clock as _,
        codes::Codes,
        directory::members::Joining,
        hasher::{Crowded, Hasher, Lane},
        people::accounts::Along,
        places::NoPlaces,
    },
    sign_in::{
        Entrance, Visitor,
        first::{Entered, SignInError, Typed, sign_in},
    },
    time::Timestamp,
};
use countersign_stores::{directory::SqlDirectory, history::SqlHistory, people::SqlPeople, sql::Sql};
use std::{
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

pub const PASSWORD: &str = "Zebra-Lamp-42";
pub const WRONG: &str = "Zebra-Lamp-43";

/// The hash of [`PASSWORD`].
pub fn hashed() -> PasswordText {
    static HASH: LazyLock<PasswordText> =
        LazyLock::new(|| Password::read(PASSWORD).unwrap().hash(&mut rng()));
    HASH.clone()
}

/// Counts hashes, and makes them at once.
#[derive(Default)]
pub struct Counting(AtomicUsize);

impl Counting {
    /// The hashes since the last call.
    pub fn taken(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl Hasher for Counting {
    async fn verify(
        &self,
        _: Lane,
        password: Password,
        stored: Option<PasswordText>,
    ) -> Result<Verified, Crowded> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(stored.map_or(Verified::No, |stored| password.verify(&stored)))
    }

    async fn hash(
        &self,
        _: Lane,
        password: Password,
        _: Vec<PasswordText>,
    ) -> Result<Option<PasswordText>, Crowded> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Some(password.hash(&mut rng())))
    }
}

pub struct Door {
    pub entrance: Entrance,
    pub people: SqlPeople,
    pub clock: Arc<HandClock>,
    pub hasher: Arc<Counting>,
    pub acme: TenantId,
    engine: Engine,
}

pub fn email(name: &str) -> String {
    format!("{name}@example.com")
}

/// A browser at an address.
pub fn visitor(address: impl Into<IpAddr>, device: Option<&Arc<LinkSecret>>) -> Visitor {
    Visitor {
        address: address.into(),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0".to_owned(),
        device: device.cloned(),
        language: Locale::default(),
        request: None,
    }
}

impl Door {
    pub async fn new(base: &Base) -> Result<Self> {
        Self::on(base, Engine::embedded().await).await
    }

    /// An installation with this store of codes.
    pub async fn on(base: &Base, engine: Engine) -> Result<Self> {
        let clock = HandClock::new();
        let codes: Arc<dyn Codes> = engine.open(&clock, 1 << 30).await;
        let keyring = Arc::new(keyring());
        let directory = SqlDirectory::new(base.sql.clone(), Arc::clone(&keyring));
        let replica =
            Replica { directory: Arc::new(directory.clone()), snapshot: Arc::default(), peers: None };
        let management =
            Management { replica, keyring, gateways: Arc::<NoGateways>::default(), live_route: true };
        let context = Context {
            management,
            codes,
            history: Arc::new(SqlHistory::new(base.sql.clone())),
            webhooks: Arc::new(NoWebhooks),
            partitions: 64,
        };
        let by = Change::by_system(clock.now());
        prepare_system_tenants(&context, &Countries::default(), &by, &mut rng()).await?;
        let acme = new_tenant(&context, &clock, "Acme").await.tenant;
        let hasher = Arc::new(Counting::default());
        let people = SqlPeople::new(directory);
        let entrance = Entrance {
            context,
            people: Arc::new(people.clone()),
            hasher: hasher.clone(),
            places: Arc::new(NoPlaces),
            origin: "https://sms.example.com".into(),
        };
        Ok(Self { entrance, people, clock, hasher, acme, engine })
    }

    /// Another node over the same stores. On Postgres it has connections of its own.
    pub async fn other_node(&self, base: &Base) -> Result<Entrance> {
        let here = &self.entrance;
        let sql = match base.server_url() {
            Some(url) => Sql::postgres(&url, None)?,
            None => base.sql.clone(),
        };
        let codes = self.engine.open_another(&self.clock).await;
        let directory = SqlDirectory::new(sql.clone(), Arc::clone(&here.context.keyring));
        let replica =
            Replica { directory: Arc::new(directory.clone()), snapshot: Arc::default(), peers: None };
        let context = Context {
            management: Management { replica, ..here.context.management.clone() },
            codes: codes.unwrap_or_else(|| Arc::clone(&here.context.codes)),
            history: Arc::new(SqlHistory::new(sql)),
            ..here.context.clone()
        };
        context.refresh().await?;
        Ok(Entrance { context, people: Arc::new(SqlPeople::new(directory)), ..here.clone() })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A person with [`PASSWORD`] who owns Acme.
    pub async fn owner(&self, name: &str) -> Result<Member> {
        self.member(name, self.acme, Limits::of_owner(Zone::default())).await
    }

    /// A person with [`PASSWORD`], in this tenant.
    pub async fn member(&self, name: &str, tenant: TenantId, limits: Limits) -> Result<Member> {
        let (context, now, mut rng) = (&self.entrance.context, self.now(), rng());
        let email = EmailAddress::parse(&email(name)).context("an address")?;
        let identity = Identity { name: PersonName::parse(name).context("a name")?, email };
        let whole = (Locale::default(), Zone::default());
        let person = Person::new(PersonId::new(&mut rng), &identity, whole, &context.keyring, now, &mut rng);
        let id = MemberId::new(now, &mut rng);
        let member =
            Member { id, tenant, person: person.id, limits, disabled: false, version: 1, created_at: now };
        let hash = hashed();
        let joining =
            Joining { member: &member, person: Some(&person), invitation: None, password: Some(&hash) };
        context.directory.add_member(joining, None, &[], &Change::by_system(now)).await?;
        context.refresh().await?;
        Ok(member)
    }

    /// Makes a person a member of a second tenant too. It chooses one after each sign-in from then on.
    pub async fn in_another(&self, member: &Member) -> Result<TenantId> {
        let context = &self.entrance.context;
        let tenant = new_tenant(context, &self.clock, "Other").await.tenant;
        let member = Member { id: MemberId::new(self.now(), &mut rng()), tenant, ..member.clone() };
        let joining = Joining { member: &member, person: None, invitation: None, password: None };
        context.directory.add_member(joining, None, &[], &Change::by_system(self.now())).await?;
        context.refresh().await?;
        Ok(tenant)
    }

    /// Switches two-factor authentication on. Returns a recovery code.
    pub async fn with_phone(&self, person: PersonId, number: &str) -> Result<RecoveryCode> {
        let keyring = &self.entrance.context.keyring;
        let number = PhoneNumber::parse(number)?;
        let phone = OwnPhone::new(person, &number, keyring, self.now(), &mut rng());
        let codes = RecoveryCode::generate(&mut rng());
        let marks = codes.iter().map(|code| code.mark(person, keyring)).collect();
        self.change(person, AccountChange::TwoFactorOn(phone, marks)).await?;
        codes.into_iter().next().context("a code")
    }

    pub async fn change(&self, person: PersonId, change: AccountChange) -> Result<()> {
        let account = self.entrance.people.account(person).await?.context("the account")?;
        let by = Change::by_system(self.now());
        Ok(self.entrance.people.change_account(&account, &change, Along::default(), &by).await?)
    }

    pub async fn sign_in(
        &self,
        visitor: &Visitor,
        name: &str,
        password: &str,
    ) -> Result<Entered, SignInError> {
        let email = email(name);
        let typed = Typed { email: &email, password };
        sign_in(&self.entrance, visitor, typed, None, self.now(), &mut rng()).await
    }

    /// Signs in a person without a phone, and returns the browser's secret.
    pub async fn known_browser(&self, address: impl Into<IpAddr>, name: &str) -> Result<Arc<LinkSecret>> {
        match self.sign_in(&visitor(address, None), name, PASSWORD).await? {
            Entered::SignedIn(new) => new.device.map(Arc::new).context("a browser"),
            Entered::CodeNeeded { .. } => anyhow::bail!("the person has a phone"),
        }
    }

    /// The half-way sign-in of a person with a phone, and its code.
    pub async fn half(&self, visitor: &Visitor, name: &str) -> Result<(LinkSecret, String)> {
        let Entered::CodeNeeded { half, sent } = self.sign_in(visitor, name, PASSWORD).await? else {
            anyhow::bail!("the person has no phone")
        };
        let code = self.code(sent?.verification).await?;
        Ok((half, code))
    }

    /// The code that was sent last for this verification.
    pub async fn code(&self, verification: VerificationId) -> Result<String> {
        let context = &self.entrance.context;
        let claims = context.codes.claim(0..64, seconds(30), Places::of_anybody(1_000)).await?;
        let claim = claims.iter().find(|claim| claim.key.id == verification).context("a message")?;
        let text = open_code_text(&context.keyring, claim.key, &claim.record).context("the code")?;
        Ok(text.code.expose().to_owned())
    }
}
