//! The acts: each gathers what its script needs and reads what it answers.

use super::{
    approval::Approvals,
    events::Backlog,
    keys,
    limits::Limits,
    link::{Call, Link},
    outbox::Outbox,
    reply::{Reply, bytes_or_nil, number, packed_time},
    script::{self, Script},
    server::{self, Servers},
    url::RedisUrl,
    wake::Wake,
};
use async_trait::async_trait;
use countersign_core::{
    id::{EventId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{
        clock::Clock,
        codes::{
            Codes,
            acts::{CheckFound, Erasure, Exclusive, NewVerification, Seen, StartOutcome},
            refusal::Refusal,
            verifications::Verifications,
        },
        error::StoreError,
    },
    tenant::limits::{Buckets, LimitScope, LimitState},
    verification::{
        event::Event,
        guesses::GuessWait,
        idempotency::{Act, Answer, EVALUATED, Once, Replay},
        number::{Listing, NumberRecord},
        outcome::{CancelOutcome, CheckOutcome, ResendOutcome},
        record::Record,
        request::{Resend, SubmittedCode},
        status::Status,
    },
};
use futures_util::future::{join, select_ok};
use redis::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// How long a refused request looks for what an equal one does at the same time.
const EQUAL_LOOKS: usize = 10;
const EQUAL_PAUSE: Duration = Duration::from_millis(20);

/// How the store is opened.
#[derive(Clone)]
pub struct RedisOptions {
    /// Parts that the numbers are spread over, fixed at install.
    pub partitions: u16,
    /// Bytes of events that may wait for the history.
    pub event_budget: u64,
    /// Replicas that must have an approval before it is answered.
    pub confirm_replicas: u32,
    /// What tells one installation from another: its servers refuse the nodes
    /// of any that does not have the same.
    pub identity: Vec<u8>,
    /// Tests turn the time by hand; otherwise it is the servers'.
    pub clock: Option<Arc<dyn Clock>>,
}

/// The codes store of many machines.
pub struct RedisCodes {
    pub(super) store: Arc<Store>,
    pub(super) limits: Limits,
    pub(super) outbox: Outbox,
    pub(super) backlog: Arc<Backlog>,
    approvals: Option<Approvals>,
    pub(super) wake: Wake,
}

/// What the parts of the engine share.
pub(super) struct Store {
    pub link: Link,
    pub partitions: u16,
    clock: Option<Arc<dyn Clock>>,
}

impl Store {
    pub fn new(link: Link, partitions: u16, clock: Option<Arc<dyn Clock>>) -> Self {
        Self { link, partitions, clock }
    }

    /// The first node writes down whose store this is; one with another key
    /// ring or number of partitions would find nothing of what is there.
    async fn claim_installation(&self, identity: &[u8]) -> Result<(), StoreError> {
        let mine = [&self.partitions.to_be_bytes(), identity].concat();
        let mut command = redis::cmd("SET");
        command.arg(keys::installation()).arg(&mine).arg("NX").arg("GET");
        let found = self.link.send(&command).await.map_err(StoreError::unavailable)?;
        self.judge_installation(bytes_or_nil(found)?, Some(identity)).map(drop)
    }

    /// The same without claiming it: whether anybody has.
    async fn find_installation(&self, identity: Option<&[u8]>) -> Result<bool, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(keys::installation());
        let found = self.link.send(&command).await.map_err(StoreError::unavailable)?;
        self.judge_installation(bytes_or_nil(found)?, identity)
    }

    fn judge_installation(
        &self,
        found: Option<Vec<u8>>,
        identity: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        let Some(found) = found else { return Ok(false) };
        let Some((partitions, theirs)) = found.split_first_chunk() else {
            return Err(StoreError::unavailable("the codes store belongs to another program"));
        };
        let (partitions, ours) = (u16::from_be_bytes(*partitions), self.partitions);
        if identity.is_some_and(|identity| identity != theirs) {
            return Err(StoreError::unavailable(
                "the codes store belongs to an installation with another key ring: give this node a copy of that one, \
                 or another store",
            ));
        }
        if partitions != ours {
            let text = format!(
                "the codes store belongs to an installation with {partitions} partitions, not {ours}"
            );
            return Err(StoreError::unavailable(text));
        }
        Ok(true)
    }

    /// Runs a script; the time goes before its other arguments.
    pub async fn run(&self, script: &Script, keys: &[&[u8]], args: &[&[u8]]) -> Result<Value, StoreError> {
        self.link.run(&Call { script, now: &self.now(), keys, args }).await
    }

    /// The time as scripts take it: nothing, for the server's own.
    pub fn now(&self) -> Vec<u8> {
        self.clock.as_ref().map_or_else(Vec::new, |clock| text(clock.now().millis()))
    }
}

/// A number as an argument.
pub(super) fn text(number: impl ToString) -> Vec<u8> {
    number.to_string().into_bytes()
}

pub(super) fn millis(duration: Duration) -> Vec<u8> {
    text(duration.as_millis())
}

impl RedisCodes {
    /// Reaches the servers.
    pub async fn open(url: &RedisUrl, options: RedisOptions) -> Result<Self, StoreError> {
        let RedisOptions { partitions, event_budget, confirm_replicas, identity, clock } = options;
        let store = Arc::new(Store::new(Link::open(url).await?, partitions, clock));
        store.claim_installation(&identity).await?;
        let backlog = Backlog::open(&store, event_budget).await?;
        let approvals = (confirm_replicas > 0).then(|| Approvals::new(url, confirm_replicas));
        let outbox = Outbox::new(Arc::clone(&store));
        let wake = Wake::new(url, outbox.arrivals());
        let limits = Limits::new(Arc::clone(&store));
        Ok(Self { store, limits, outbox, backlog, approvals, wake })
    }

    /// Reaches the servers as [`RedisCodes::open`] does, runs a script that only reads in every partition, and
    /// says whether an installation claimed them; with `identity`, only this one may have. It claims nothing.
    pub async fn look(url: &RedisUrl, partitions: u16, identity: Option<&[u8]>) -> Result<bool, StoreError> {
        let store = Arc::new(Store::new(Link::open(url).await?, partitions, None));
        let claimed = store.find_installation(identity).await?;
        Backlog::open(&store, u64::MAX).await?;
        Ok(claimed)
    }

    /// What the servers say of how they are set up.
    pub async fn ask_servers(url: &RedisUrl) -> Result<Servers, StoreError> {
        server::ask_all(url).await
    }

    fn outcome_key(&self, partition: u16, once: Option<&Once>) -> Option<Vec<u8>> {
        once.map(|once| keys::outcome(partition, &once.slot))
    }

    /// Binds an Idempotency-Key to its request; `event` is who asks.
    async fn bind(&self, once: Option<&Once>, event: EventId) -> Result<Binding, StoreError> {
        let Some(once) = once else { return Ok(Binding::None) };
        let key = keys::slot(self.store.partitions, &once.slot);
        let args: [&[u8]; 3] = [&once.request, &event.bytes()[8..], b""];
        match number(self.store.run(&script::SLOT, &[&key], &args).await?)? {
            0 => Ok(Binding::New),
            1 => Ok(Binding::Same),
            _ => Ok(Binding::Other),
        }
    }

    /// A request that changed nothing leaves its Idempotency-Key free, unless
    /// an equal one came after it. If this fails, the key stays bound to the
    /// request, which may still be repeated.
    async fn unbind(&self, once: Option<&Once>, event: EventId) {
        let Some(once) = once else { return };
        let key = keys::slot(self.store.partitions, &once.slot);
        let args: [&[u8]; 3] = [&once.request, &event.bytes()[8..], b"1"];
        if let Err(error) = self.store.run(&script::SLOT, &[&key], &args).await {
            tracing::debug!(error = %error, "An Idempotency-Key was not freed");
        }
    }

    /// What an equal request did, that may just be under way.
    async fn find_equal(
        &self,
        number: Fingerprint,
        once: &Once,
        binding: &Binding,
    ) -> Result<Option<Replay>, StoreError> {
        for _ in 0..EQUAL_LOOKS {
            let found = self.replay(number, once).await?;
            if found.is_some() || matches!(binding, Binding::New) {
                return Ok(found);
            }
            sleep(EQUAL_PAUSE).await;
        }
        Ok(None)
    }

    /// What refuses a start that was refused lately, or while the backlog is full:
    /// found out without taking from any limit. Nothing if nothing refuses it.
    async fn look_first(
        &self,
        new: &NewVerification,
        binding: &Binding,
    ) -> Result<Option<Answer<StartOutcome>>, StoreError> {
        let history_backlog = self.backlog.is_full();
        let number = self.limits.number_refused(new.key.mode, new.record.number) && !new.takes.is_empty();
        if !history_backlog && !number {
            return Ok(None);
        }
        let outer = self.limits.look(&new.takes).await?;
        let refusal = Refusal { outer, history_backlog, ..Refusal::default() };
        match refusal.first() {
            Some(refused) => self.refused(new, binding, refused).await.map(Some),
            None if number => self.look_at_number(new).await,
            None => Ok(None),
        }
    }

    /// The start script under a limit that nothing fits, so that it makes nothing.
    async fn look_at_number(
        &self,
        new: &NewVerification,
    ) -> Result<Option<Answer<StartOutcome>>, StoreError> {
        let reply = self.run_start(new, &[], &NOTHING_FITS).await?;
        match reply.number(0)? {
            1 => {
                let number = number_of(reply.bytes(2)?).admit(&new.number_limits, reply.time(1)?).err();
                let refusal = Refusal { number, ..Refusal::default() };
                Ok(refusal.first().map(Answer::Fresh))
            }
            2 => replayed(new.once.as_ref(), reply.bytes(1)?).map(Some),
            4 => Ok(Some(Answer::Fresh(StartOutcome::Changed))),
            _ => Err(StoreError::unavailable("a script made what it was to look at")),
        }
    }

    /// What is answered where the start script was not asked: an equal request may have passed.
    async fn refused(
        &self,
        new: &NewVerification,
        binding: &Binding,
        outcome: StartOutcome,
    ) -> Result<Answer<StartOutcome>, StoreError> {
        let Some(once) = &new.once else { return Ok(Answer::Fresh(outcome)) };
        let replay = self.find_equal(new.record.number, once, binding).await?;
        Ok(replay.map_or(Answer::Fresh(outcome), Answer::Replay))
    }

    /// Takes from the limits that live elsewhere, and starts. What is refused
    /// gives back what it took.
    async fn take_and_start(
        &self,
        new: &NewVerification,
        binding: &Binding,
    ) -> Result<Answer<StartOutcome>, StoreError> {
        let held = match self.limits.take(&new.takes).await? {
            Ok(held) => held,
            Err(hit) => return self.refused(new, binding, StartOutcome::Limited(hit)).await,
        };
        let answer = self.start_here(new, &held.states()).await?;
        let kept = match &answer {
            Answer::Fresh(outcome) => matches!(outcome, StartOutcome::Started { .. }),
            // The outcome of this very call, whose first answer was lost.
            Answer::Replay(_) => matches!(binding, Binding::New),
        };
        if !kept {
            self.limits.give_back(&held).await;
        }
        Ok(answer)
    }

    /// The start itself, after the limits that live elsewhere.
    async fn start_here(
        &self,
        new: &NewVerification,
        states: &[LimitState],
    ) -> Result<Answer<StartOutcome>, StoreError> {
        let key = new.key;
        let reply = self.run_start(new, states, &pack_limits(&new.number_limits)).await?;
        let what = reply.number(0)?;
        if what == 2 {
            return replayed(new.once.as_ref(), reply.bytes(1)?);
        }
        if what == 4 {
            return Ok(Answer::Fresh(StartOutcome::Changed));
        }
        let now = reply.time(1)?;
        if what == 3 {
            // The first try of this call was carried out, and its answer lost.
            let record = unpack(key, reply.bytes(2)?)?;
            return Ok(Answer::Fresh(StartOutcome::Started { record, limits: Vec::new() }));
        }
        let admitted = number_of(reply.bytes(2)?).admit(&new.number_limits, now);
        // Also after the last that fits: the next is refused.
        let wait = match &admitted {
            Ok(states) => states.iter().filter(|state| state.remaining == 0).map(|state| state.reset).max(),
            Err(hit) => Some(hit.retry_after),
        };
        if let Some(wait) = wait {
            self.limits.remember_number(key.mode, new.record.number, wait);
        }
        match (what, admitted) {
            (0, Ok(of_number)) => {
                self.outbox.arrived(key.id.partition());
                let record = new.begun(now);
                let limits = [of_number, states.to_vec()].concat();
                Ok(Answer::Fresh(StartOutcome::Started { record, limits }))
            }
            (1, Err(hit)) => Ok(Answer::Fresh(StartOutcome::Limited(hit))),
            _ => Err(StoreError::unavailable(
                "the script and this program count a number's limits differently",
            )),
        }
    }

    async fn run_start(
        &self,
        new: &NewVerification,
        states: &[LimitState],
        number_limits: &[u8],
    ) -> Result<Reply, StoreError> {
        let NewVerification { key, record, once, .. } = new;
        let (partition, packed) = (key.id.partition(), record.pack());
        let mut names = vec![
            keys::verification(*key),
            keys::number(partition, key.mode, record.number),
            keys::due(partition),
            keys::events(partition),
        ];
        names.extend(self.outcome_key(partition, once.as_ref()));
        let [before_expiry, before_limits, after_limits] =
            new.started(record, states).pack_around(new.number_limits.as_slice().len());
        let message: &[u8] = if record.review { b"" } else { record.message.bytes() };
        let head = once.as_ref().map_or_else(Vec::new, |once| once.head(Act::Start, key.id));
        let tail = [record.attempts_left(), record.sends_left()];
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let life = millis(new.expires_in);
        let exclusive = new.exclusive.as_ref().map(pack_exclusive);
        let mut args: Vec<&[u8]> = vec![
            &packed,
            &life,
            number_limits,
            message,
            new.event.bytes(),
            &before_expiry,
            &before_limits,
            &after_limits,
            self.wake.command_for(partition),
            &head,
            &tail,
        ];
        // A plain start does not say that it is one.
        args.extend(exclusive.as_deref());
        Reply::new(self.store.run(&script::START, &names, &args).await?)
    }

    /// The resend itself, after the limits that live elsewhere.
    async fn resend_here(
        &self,
        key: RecordKey,
        resend: &Resend,
        event: EventId,
        once: Option<&Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        let partition = key.id.partition();
        let mut names = vec![keys::verification(key), keys::due(partition), keys::events(partition)];
        names.extend(self.outcome_key(partition, once));
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let (mac, sealed) = match &resend.new_code {
            None => (Vec::new(), &[] as &[u8]),
            Some(new) => {
                (std::iter::once(new.mac.version).chain(new.mac.mac).collect(), new.sealed.as_slice())
            }
        };
        let head = once.map_or_else(Vec::new, |once| once.head(Act::Resend, key.id));
        let sends = text(resend.sends_seen);
        let wake = self.wake.command_for(partition);
        let args: [&[u8]; 7] = [&sends, &mac, sealed, resend.message.bytes(), event.bytes(), wake, &head];
        let reply = Reply::new(self.store.run(&script::RESEND, &names, &args).await?)?;
        let what = reply.number(0)?;
        if what == 8 {
            return replayed(once, reply.bytes(1)?);
        }
        if what == 0 {
            return Ok(Answer::Fresh(None));
        }
        let (now, record) = (reply.time(1)?, unpack(key, reply.bytes(2)?)?);
        let outcome = match what {
            1 => ResendOutcome::Queued,
            2 => ResendOutcome::Ended(record.status(now)),
            3 => ResendOutcome::SendsExhausted,
            4 => ResendOutcome::TooSoon(Duration::from_millis(reply.small(3)?)),
            _ => ResendOutcome::Changed,
        };
        if outcome == ResendOutcome::Queued {
            self.outbox.arrived(partition);
        }
        Ok(Answer::Fresh(Some(Seen { outcome, record, now })))
    }
}

/// What a request's Idempotency-Key was bound to before it.
enum Binding {
    /// There is none.
    None,
    /// Nothing, and now to this request.
    New,
    /// The same request.
    Same,
    /// Another one.
    Other,
}

/// A limit of a number that admits no start.
const NOTHING_FITS: [u8; 12] = [0; 12];

/// `[max][window in ms][name]` of each, as the script reads them.
fn pack_limits(limits: &Buckets) -> Vec<u8> {
    let mut packed = Vec::new();
    for bucket in limits.as_slice() {
        let name = bucket.name(LimitScope::Number.as_str());
        packed.extend(bucket.max.to_be_bytes());
        packed.extend(&(bucket.window.as_millis() as u64).to_be_bytes()[2..]);
        packed.extend((name.len() as u16).to_be_bytes());
        packed.extend(name.as_bytes());
    }
    packed
}

/// `[listing]`, and `[verification][event]` if one is to be replaced.
fn pack_exclusive(exclusive: &Exclusive) -> Vec<u8> {
    let mut packed = exclusive.listing.0.to_vec();
    for (id, event) in exclusive.replaces.iter() {
        packed.extend(id.bytes().iter().chain(event.bytes()));
    }
    packed
}

/// The starts of a number as the script had them before this one.
fn number_of(starts: &[u8]) -> NumberRecord {
    let starts = starts.chunks_exact(6).map(packed_time).collect();
    NumberRecord { starts, ..NumberRecord::default() }
}

pub(super) fn unpack(key: RecordKey, packed: &[u8]) -> Result<Record, StoreError> {
    Record::unpack(packed).map_err(|error| StoreError::unreadable("verifications", key.id, error))
}

fn replayed<T>(once: Option<&Once>, packed: &[u8]) -> Result<Answer<T>, StoreError> {
    let once = once.ok_or_else(|| StoreError::unavailable("a repeat without an Idempotency-Key"))?;
    let replay = once.replay(packed);
    replay.map(Answer::Replay).map_err(|error| StoreError::unreadable("outcomes", "of a request", error))
}

#[async_trait]
impl Verifications for RedisCodes {
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        let once = new.once.as_ref();
        // Before anything is taken: a repeat takes nothing, not even for a moment.
        let binding = self.bind(once, new.event).await?;
        match (&binding, once) {
            (Binding::Other, _) => return Ok(Answer::Replay(Replay::Mismatch)),
            (Binding::Same, Some(once)) => {
                if let Some(replay) = self.replay(new.record.number, once).await? {
                    return Ok(Answer::Replay(replay));
                }
            }
            _ => {}
        }
        let answer = match self.look_first(&new, &binding).await? {
            Some(refused) => refused,
            None => self.take_and_start(&new, &binding).await?,
        };
        if let Answer::Fresh(outcome) = &answer
            && !matches!(outcome, StartOutcome::Started { .. })
        {
            self.unbind(once, new.event).await;
        }
        Ok(answer)
    }

    async fn check(
        &self,
        key: RecordKey,
        code: SubmittedCode,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        let binding = self.bind(once.as_ref(), event).await?;
        if matches!(binding, Binding::Other) {
            return Ok(Answer::Replay(Replay::Mismatch));
        }
        let partition = key.id.partition();
        let mut names = vec![keys::verification(key), keys::events(partition), keys::none(partition)];
        names.extend(self.outcome_key(partition, once.as_ref()));
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let macs: Vec<u8> =
            code.macs.iter().flat_map(|mac| std::iter::once(mac.version).chain(mac.mac)).collect();
        let mut shape = vec![code.length, u8::from(code.fits_digits) + 2 * u8::from(code.fits_letters)];
        shape.extend(code.payment.iter().flatten());
        let head = once.as_ref().map_or_else(Vec::new, |once| once.head(Act::Check, key.id));
        let anew: &[u8] = if self.approvals.is_some() { b"1" } else { b"" };
        let mut args: Vec<&[u8]> = vec![&macs, &shape, event.bytes()];
        if once.is_some() {
            args.extend([head.as_slice(), anew]);
        }
        let value = match &self.approvals {
            None => self.store.run(&script::CHECK, &names, &args).await?,
            Some(approvals) => approvals.run(&self.store, &script::CHECK, partition, &names, &args).await?,
        };
        let answer = read_check(Reply::new(value)?, once.as_ref())?;
        if let Answer::Fresh(found) = &answer
            && !found.is_some_and(|found| EVALUATED.contains(&found.outcome))
        {
            self.unbind(once.as_ref(), event).await;
        }
        Ok(answer)
    }

    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        let binding = self.bind(once.as_ref(), event).await?;
        if matches!(binding, Binding::Other) {
            return Ok(Answer::Replay(Replay::Mismatch));
        }
        let held = match self.limits.take(&resend.takes).await? {
            Ok(held) => held,
            Err(hit) => {
                self.unbind(once.as_ref(), event).await;
                let seen = self.read(key).await?;
                // What forbids it for everybody is said first.
                let refused = |Seen { record, now, .. }: Seen<()>| match record.clone().resend(&resend, now) {
                    ResendOutcome::Queued => Seen { outcome: ResendOutcome::Limited(hit), record, now },
                    outcome => Seen { outcome, record, now },
                };
                return Ok(Answer::Fresh(seen.map(refused)));
            }
        };
        let answer = self.resend_here(key, &resend, event, once.as_ref()).await?;
        match &answer {
            Answer::Fresh(Some(Seen { outcome: ResendOutcome::Queued, .. })) => {}
            // The outcome of this very call, whose first answer was lost.
            Answer::Replay(_) if matches!(binding, Binding::New) => {}
            Answer::Replay(_) => self.limits.give_back(&held).await,
            Answer::Fresh(_) => {
                join(self.limits.give_back(&held), self.unbind(once.as_ref(), event)).await;
            }
        }
        Ok(answer)
    }

    async fn cancel(
        &self,
        key: RecordKey,
        event: EventId,
    ) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        let names = [keys::verification(key), keys::events(key.id.partition())];
        let value = self.store.run(&script::CANCEL, &[&names[0], &names[1]], &[event.bytes()]).await?;
        let reply = Reply::new(value)?;
        if reply.number(0)? == 0 {
            return Ok(None);
        }
        let (now, record) = (reply.time(1)?, unpack(key, reply.bytes(2)?)?);
        let outcome = match reply.number(0)? {
            1 => CancelOutcome::Canceled,
            _ => CancelOutcome::Ended(record.status(now)),
        };
        Ok(Some(Seen { outcome, record, now }))
    }

    async fn replay(&self, number: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError> {
        let key = keys::outcome(number.partition(self.store.partitions), &once.slot);
        let found = bytes_or_nil(self.store.run(&script::OUTCOME, &[&key], &[]).await?)?;
        let replay = found.map(|packed| once.replay(&packed)).transpose();
        replay.map_err(|error| StoreError::unreadable("outcomes", "of a request", error))
    }

    async fn clear_guesses(
        &self,
        _: TenantId,
        mode: Mode,
        fingerprint: Fingerprint,
    ) -> Result<u16, StoreError> {
        let key = keys::number(fingerprint.partition(self.store.partitions), mode, fingerprint);
        let counted = number(self.store.run(&script::CLEAR, &[&key], &[]).await?)?;
        Ok(u16::try_from(counted).unwrap_or(u16::MAX))
    }

    async fn erase(
        &self,
        tenant: TenantId,
        mode: Mode,
        fingerprint: Fingerprint,
    ) -> Result<Erasure, StoreError> {
        let partition = fingerprint.partition(self.store.partitions);
        let names =
            [keys::number(partition, mode, fingerprint), keys::events(partition), keys::none(partition)];
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let owner = keys::owner(tenant, mode);
        let reply = Reply::new(self.store.run(&script::ERASE, &names, &[&owner]).await?)?;
        Ok(Erasure { canceled: reply.small(0)?, now: reply.time(1)? })
    }

    async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        let reply = Reply::new(self.store.run(&script::READ, &[&keys::verification(key)], &[]).await?)?;
        if reply.number(0)? == 0 {
            return Ok(None);
        }
        Ok(Some(Seen { outcome: (), record: unpack(key, reply.bytes(2)?)?, now: reply.time(1)? }))
    }

    async fn find(
        &self,
        tenant: TenantId,
        mode: Mode,
        fingerprint: Fingerprint,
        listing: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        let partition = fingerprint.partition(self.store.partitions);
        let (key, none) = (keys::number(partition, mode, fingerprint), keys::none(partition));
        let args: [&[u8]; 2] = [&listing.0, &keys::owner(tenant, mode)];
        let found = bytes_or_nil(self.store.run(&script::FIND, &[&key, &none], &args).await?)?;
        let id = found.map(<[u8; 16]>::try_from).transpose();
        let id = id.map_err(|_| StoreError::unavailable("a script answered in an unexpected form"))?;
        Ok(id.map(VerificationId::from_bytes))
    }

    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        self.backlog.timeline(key).await
    }
}

#[async_trait]
impl Codes for RedisCodes {
    async fn ping(&self) -> Result<(), StoreError> {
        // Where one master of many is away, the others' numbers are served.
        let probe = async |partition| {
            let mut command = redis::cmd("SET");
            command.arg(keys::probe(partition)).arg("").arg("PX").arg(60_000);
            self.store.link.send(&command).await
        };
        // Both at once: one that hangs must not use up the time of the other.
        let first = select_ok([Box::pin(probe(0)), Box::pin(probe(1))]).await;
        first.map(drop).map_err(StoreError::unavailable)
    }
}

/// Whether a check said that the code was right, now or to a request before it.
pub(super) fn is_approval(value: &Value) -> bool {
    let Value::Array(values) = value else { return false };
    match values.as_slice() {
        [Value::Int(5), ..] => true,
        // The last bytes of a check's outcome: what was found (0: right), tries left.
        [Value::Int(8), Value::BulkString(outcome)] => {
            outcome.get(17) == Some(&(Act::Check as u8)) && outcome.iter().rev().nth(1) == Some(&0)
        }
        _ => false,
    }
}

fn read_check(reply: Reply, once: Option<&Once>) -> Result<Answer<Option<CheckFound>>, StoreError> {
    let what = reply.number(0)?;
    if what == 8 {
        return replayed(once, reply.bytes(1)?);
    }
    if what == 0 {
        return Ok(Answer::Fresh(None));
    }
    let outcome = match what {
        1 => match reply.number(1)? {
            1 => CheckOutcome::AlreadyApproved,
            2 => CheckOutcome::Ended(Status::Canceled),
            4 => CheckOutcome::Ended(Status::Exhausted),
            5 => CheckOutcome::Ended(Status::Failed),
            _ => CheckOutcome::Ended(Status::Expired),
        },
        2 => CheckOutcome::InvalidCode,
        3 => {
            let wait = Duration::from_millis(reply.small(1)?);
            CheckOutcome::GuessLimit(GuessWait { wait, of_number: reply.number(3)? == 1 })
        }
        4 => CheckOutcome::UnknownKeyVersion,
        5 => CheckOutcome::Approved,
        6 => CheckOutcome::Wrong,
        7 => CheckOutcome::Exhausted,
        9 => CheckOutcome::TransactionMismatch,
        _ => return Err(StoreError::unavailable("a script answered in an unexpected form")),
    };
    Ok(Answer::Fresh(Some(CheckFound { outcome, attempts_left: reply.small(2)? })))
}
