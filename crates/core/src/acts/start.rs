//! Start: draws a code, seals it, counts the start and queues the message. The store does its part in one
//! operation.

pub mod guard;
pub mod request;
mod words;

use crate::{
    access::actor::Actor,
    acts::{
        sending::{Sending, SendingError},
        shares::judge_start,
        start::{
            guard::{Takes, check_country, list_takes, review_takes, source},
            request::{Made, StartError, StartRequest},
            words::{compose, template},
        },
        view::Verification,
        ways::has_way,
    },
    code::{Code, payment::Transaction},
    context::Context,
    id::{EventId, MessageId, RecordKey, TemplateId, VerificationId},
    keyring::{Fingerprint, Place, Sealed},
    message::{sender_text::SenderText, text::CodeText},
    mode::Mode,
    people::pool::PoolTake,
    phone::{
        PhoneNumber,
        magic::{Magic, RATE_LIMIT_WAIT},
    },
    ports::{
        codes::acts::{NewVerification, StartOutcome},
        error::StoreError,
    },
    snapshot::view::TenantView,
    tenant::system::Part,
    tenant::{
        limits::{Buckets, LimitHit, LimitScope},
        profile::Profile,
        review::ReviewNumber,
    },
    time::Timestamp,
    verification::{
        contact::Contact,
        idempotency::{Answer, IdempotencyError, Once, Outcome, Replay},
        record::Record,
        status::{Delivery, Status},
    },
};
use rand::CryptoRng;

/// Creates a verification and queues its message.
pub async fn start_verification(
    context: &Context,
    actor: &Actor,
    request: StartRequest,
    once: Option<Once>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Made, StartError> {
    let view = context.tenant_view(actor.tenant).map_err(StartError::Directory)?;
    let start = Start::prepare(context, actor, &view, &request, now)?;
    let new = NewVerification { once, ..start.verification(now, rng)? };
    let key = new.key;
    match context.codes.start(new).await.map_err(StartError::Codes)? {
        Answer::Fresh(outcome) => start.made(key, outcome)?.map(|(made, _)| made).ok_or_else(unlisted),
        Answer::Replay(Replay::Outcome(Outcome::Started(progress))) => {
            let verification = Verification::replayed(key.mode, &progress, start.profile.id, start.contact());
            Ok(Made { verification, limits: Vec::new(), replayed: true })
        }
        Answer::Replay(_) => Err(IdempotencyError::Mismatch.into()),
    }
}

/// `Changed` answers only starts with `exclusive`; a plain start never gets it.
fn unlisted() -> StartError {
    StartError::Codes(StoreError::unavailable("a plain start was refused for another one"))
}

/// Refuses a sender that the tenant has not set up: a key must not send in somebody else's name.
fn check_sender(view: &TenantView, request: &StartRequest) -> Result<(), StartError> {
    let own = |text: &SenderText| view.senders.iter().any(|sender| sender.text == *text);
    if request.sender.as_ref().is_none_or(own) { Ok(()) } else { Err(StartError::UnknownSender) }
}

fn magic(mode: Mode, to: &PhoneNumber) -> Option<Magic> {
    if mode == Mode::Test { Magic::of(to) } else { None }
}

type Review<'a> = (&'a ReviewNumber, Code);

/// The review number, if `to` is one; never in test mode. A review number that cannot be opened counts as an
/// ordinary phone number, with all its limits.
fn review<'a>(
    context: &Context,
    actor: &Actor,
    view: &'a TenantView,
    to: &PhoneNumber,
    now: Timestamp,
) -> Option<Review<'a>> {
    if actor.mode == Mode::Test || view.reviews.is_empty() {
        return None;
    }
    let number = context.keyring.fingerprint(actor.tenant, to);
    let review = view.reviews.iter().find(|review| review.number == number && now < review.ends_at)?;
    Some((review, review.open(&context.keyring)?.1))
}

/// The limit that refuses +15005550005.
fn test_limit() -> LimitHit {
    let scope = LimitScope::Number.as_str();
    LimitHit { name: "test_number".to_owned(), scope, retry_after: RATE_LIMIT_WAIT, states: Vec::new() }
}

/// A start that has passed all checks that need no store.
pub(crate) struct Start<'a> {
    context: &'a Context,
    actor: &'a Actor,
    view: &'a TenantView,
    pub(crate) profile: &'a Profile,
    request: &'a StartRequest,
    template: Option<TemplateId>,
    magic: Option<Magic>,
    review: Option<Review<'a>>,
    /// What the message takes from the member's pool.
    pool: Option<PoolTake>,
}

impl<'a> Start<'a> {
    /// Refuses everything that can be refused without the store.
    pub(crate) fn prepare(
        context: &'a Context,
        actor: &'a Actor,
        view: &'a TenantView,
        request: &'a StartRequest,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        context.permit(actor.tenant, Part::verifications(actor)).map_err(StartError::Directory)?;
        judge_start(context, actor, view, request)?;
        if actor.mode == Mode::Live
            && !has_way(context, actor.tenant, &request.to).map_err(StartError::Directory)?
        {
            return Err(StartError::NoRoute);
        }
        let profile = view.profiles.get(&request.profile).ok_or(StartError::UnknownProfile)?;
        let magic = magic(actor.mode, &request.to);
        let review = review(context, actor, view, &request.to, now);
        let sending = Sending::of(context, actor, now).map_err(StartError::Directory)?;
        let sending = sending.filter(|_| review.is_none());
        match magic {
            Some(Magic::Blocked) => return Err(StartError::NumberBlocked),
            Some(Magic::RateLimited) => return Err(StartError::Limited(test_limit())),
            _ if review.is_some() => {}
            _ => {
                sending.as_ref().map_or(Ok(()), Sending::check_hours)?;
                check_country(view, &request.to)?;
            }
        }
        let template = template(view, request)?;
        check_sender(view, request)?;
        let sending = sending.filter(Sending::counts_parts);
        let mut pool = None;
        if request.app_hash.is_some() || sending.is_some() {
            let message = compose(view, profile, request, template)?;
            pool = sending.map(|sending| sending.take(&message)).transpose()?.flatten();
        }
        Ok(Self { context, actor, view, profile, request, template, magic, review, pool })
    }

    /// Turns the store's outcome into the verification and its record. Returns `None` if another verification
    /// of its group was in the way.
    pub(crate) fn made(
        &self,
        key: RecordKey,
        outcome: StartOutcome,
    ) -> Result<Option<(Made, Record)>, StartError> {
        match outcome {
            StartOutcome::Started { record, limits } => {
                let verification = Verification::new(key, &record, record.created_at, self.contact());
                Ok(Some((Made { verification, limits, replayed: false }, record)))
            }
            StartOutcome::Limited(hit) => Err(StartError::Limited(hit)),
            StartOutcome::PoolExhausted(hit) => Err(SendingError::PoolExhausted(hit).into()),
            StartOutcome::HistoryBacklog => Err(StartError::HistoryBacklog),
            StartOutcome::Changed => Ok(None),
        }
    }

    fn text(&self, code: Code) -> CodeText {
        self.request.text(code, self.template)
    }

    /// Returns whether the message of that verification would be the same as one of this start.
    pub(crate) fn is_like(&self, other: &CodeText) -> bool {
        self.text(other.code.clone()).is_like(other)
    }

    fn contact(&self) -> Contact {
        let (to, metadata) = (self.request.to.clone(), self.request.metadata.clone());
        Contact { profile: self.profile.name.clone(), to, metadata }
    }

    /// The limits that count this start, besides the phone number's own.
    pub(crate) fn takes(&self) -> Result<Takes, StartError> {
        match &self.review {
            Some((review, _)) => Ok(review_takes(self.context, review)),
            None => list_takes(self.context, self.actor, self.view, self.profile, self.request),
        }
    }

    /// The verification that the store must create, with a newly drawn code in each call.
    pub(crate) fn verification(
        &self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<NewVerification, StartError> {
        let takes = self.takes()?;
        let Actor { tenant, mode, .. } = *self.actor;
        let number = self.context.keyring.fingerprint(tenant, &self.request.to);
        let partition = number.partition(self.context.partitions);
        let id = VerificationId::new(now, partition, rng);
        let key = RecordKey { tenant, mode, id };
        Ok(NewVerification {
            key,
            record: self.record(key, number, now, rng),
            starter: self.actor.who,
            country: self.request.to.country(),
            expires_in: self.request.expires_in.unwrap_or(self.profile.policy.expires_in),
            number_limits: match &self.review {
                Some(_) => Buckets::default(),
                None => self.view.settings.limit(LimitScope::Number).unwrap_or_default(),
            },
            takes: takes.takes,
            pool: self.pool.clone(),
            skipped: takes.skipped,
            once: None,
            event: EventId::new(now, partition, rng),
            exclusive: None,
        })
    }

    fn record(
        &self,
        key: RecordKey,
        number: Fingerprint,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Record {
        let (policy, keyring) = (&self.profile.policy, &self.context.keyring);
        let RecordKey { tenant, mode, id } = key;
        let mut shape = policy.code_shape(mode);
        shape.length = self.request.code_length.unwrap_or(shape.length);
        let review = self.review.is_some();
        let code = match (&self.review, mode) {
            (Some((_, code)), _) => {
                shape = ReviewNumber::shape();
                code.clone()
            }
            (None, Mode::Live) => Code::generate(shape, rng),
            (None, Mode::Test) => Code::of_test_mode(shape.length),
        };
        let payment = self.request.transaction.as_ref().map(Transaction::digest);
        let mac = keyring.code_mac(key, payment.as_ref(), &code);
        let place = |kind| Place { kind, tenant, id: *id.bytes(), number };
        let text = self.text(code);
        Record {
            stored_status: Status::Pending,
            profile: self.profile.id,
            number,
            // The store's clock replaces these times.
            created_at: now,
            expires_at: now,
            resend_at: now,
            checks: 0,
            max_checks: policy.max_checks,
            sends: 1,
            max_sends: policy.max_sends,
            resend: policy.resend,
            shape,
            mac,
            previous_mac: None,
            delivery: if review { Delivery::Delivered } else { Delivery::Queued },
            accepted: review,
            expires_at_check: self.magic == Some(Magic::Expired),
            review,
            source: source(self.context, self.actor, self.request.end_user_ip),
            message: MessageId::new(now, id.partition(), rng),
            contact: keyring.seal(&place(Sealed::Contact), &self.contact().pack(), rng),
            code: keyring.seal(&place(Sealed::Code), &text.pack(), rng),
            judged: None,
            payment: payment.map(|payment| keyring.payment_mark(key, &payment)),
        }
    }
}
