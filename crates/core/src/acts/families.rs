//! Families of compatible routes whose wire form knows one verification for a
//! number: a second start is a resend where the form has such, or takes the place of the first.
//!
//! Whoever starts in a family finds, sends again and replaces only what the same
//! family started for the same profile; starts by `/v1` and other families are
//! never touched, and never touch it. For that its verifications are listed under
//! an id of their own ([`Family::listing`]). The start act itself sees to it that
//! one is pending at most: it cancels the one that it replaces, and is refused
//! where another one is pending.

use crate::{
    access::actor::Actor,
    acts::{
        check::{CheckError, Checked, Submitted, check_listed},
        resend::{ResendError, open_code_text, resend_taking},
        start::{
            Start,
            request::{Made, StartError, StartRequest},
        },
        view::Verification,
    },
    code::Code,
    context::Context,
    id::{EventId, ProfileId, RecordKey, VerificationId},
    keyring::{Fingerprint, OpenError},
    phone::PhoneNumber,
    ports::{
        codes::acts::{Exclusive, NewVerification, Seen},
        error::StoreError,
    },
    tenant::{
        limits::{LimitState, Take},
        profile::ProfileName,
    },
    time::Timestamp,
    verification::{idempotency::Answer, number::Listing, record::Record, status::Status},
};
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How often a start looks anew because another one came between. Each turn
/// means that another start or resend went through, or that one ended.
const TURNS: usize = 16;
/// What is asked for when that was not often enough.
const CROWDED: Duration = Duration::from_secs(1);

/// A family of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `/mfa/codes`.
    Smsapi,
    /// `/v2/Services`.
    Twilio,
    /// `/one-time-password-sms`.
    Camara,
}

impl Family {
    /// Where its verifications of a profile are listed. It must never change
    /// while records stand.
    pub fn listing(self, profile: ProfileId) -> Listing {
        let name: &[u8] = match self {
            Self::Smsapi => b"smsapi",
            Self::Twilio => b"twilio",
            Self::Camara => b"camara",
        };
        let mut hash = Sha256::new_with_prefix(b"countersign family 1");
        hash.update(profile.bytes());
        hash.update(name);
        let mut listing = [0; 16];
        listing.copy_from_slice(&hash.finalize()[..16]);
        Listing(listing)
    }

    /// Whether a start that would say the same sends the pending one's message again.
    /// In CAMARA's API each start has an id of its own, which ends the one before.
    const fn resends(self) -> bool {
        match self {
            Self::Smsapi | Self::Twilio => true,
            Self::Camara => false,
        }
    }
}

/// What became of a start in a family.
#[derive(Clone, Debug)]
#[must_use]
pub enum FamilyStart {
    /// A verification was made, as by any start: all limits were counted. One of
    /// the family that was pending, for other words, is canceled.
    Started(InFamily),
    /// One of the family is pending whose message says the same in the same
    /// words: another message of it is queued. Its cooldown and its number of
    /// sends bound that, as with any resend. All limits but those of its number
    /// counted it as a start, which it is to whoever asked.
    Resent(InFamily),
    /// The same, but its cooldown still runs for so long; nothing was sent. Or too
    /// many started for the number at this moment, whatever the family.
    TooSoon(Duration),
    /// The same, but all its sends are used; it lives for so long yet.
    SendsExhausted(Duration),
}

/// The verification that a family has for a number.
#[derive(Clone, Debug)]
pub struct InFamily {
    /// As its tenant sees it.
    pub verification: Verification,
    /// How far each limit is used; empty for a resend.
    pub limits: Vec<LimitState>,
    key: RecordKey,
    record: Record,
}

impl InFamily {
    /// The code, for a family whose answer holds it. Only a key with the scope
    /// `codes:reveal` may be shown it.
    pub fn code(&self, context: &Context) -> Result<Code, OpenError> {
        open_code_text(&context.keyring, self.key, &self.record).map(|text| text.code)
    }
}

/// Why a start in a family did nothing.
#[derive(Debug, thiserror::Error)]
pub enum FamilyError {
    /// As with any start; also where only a message would have been sent again.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The message was not sent again. Never [`ResendError::TooSoon`],
    /// [`ResendError::SendsExhausted`] or [`ResendError::Limited`].
    #[error(transparent)]
    Resend(#[from] ResendError),
}

impl From<OpenError> for FamilyError {
    fn from(error: OpenError) -> Self {
        Self::Resend(error.into())
    }
}

fn codes(error: StoreError) -> FamilyError {
    FamilyError::Start(StartError::Codes(error))
}

/// Starts a verification in a family, or, where the family resends, sends the message of
/// the pending one again if it would say the same: everything but the code must be equal
/// (profile, template or text, locale, transaction, sender, origin, app hash).
/// However many race for one number, one verification is pending in the end.
pub async fn start_in_family(
    context: &Context,
    actor: &Actor,
    family: Family,
    request: StartRequest,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<FamilyStart, FamilyError> {
    let view = context.tenant_view(actor.tenant).map_err(StartError::Directory)?;
    let start = Start::prepare(context, actor, &view, &request, now)?;
    let number = context.keyring.fingerprint(actor.tenant, &request.to);
    let listing = family.listing(start.profile.id);
    for _ in 0..TURNS {
        let pending = find_pending(context, actor, number, listing).await?;
        if family.resends()
            && let Some((key, seen)) = &pending
            && start.is_like(&open_code_text(&context.keyring, *key, &seen.record)?)
        {
            match resend(context, actor, (*key, seen), &start.takes()?.takes, now, rng).await? {
                Some(resent) => return Ok(resent),
                None => continue,
            }
        }
        let mut new = start.verification(now, rng)?;
        let event = EventId::new(now, new.key.id.partition(), rng);
        let replaces = pending.map(|(key, _)| (key.id, event));
        new = NewVerification { exclusive: Some(Exclusive { listing, replaces }), ..new };
        let key = new.key;
        let outcome = match context.codes.start(new).await.map_err(codes)? {
            Answer::Fresh(outcome) => outcome,
            Answer::Replay(_) => return Err(codes(StoreError::unavailable("a repeat without a key"))),
        };
        if let Some((Made { verification, limits, .. }, record)) = start.made(key, outcome)? {
            return Ok(FamilyStart::Started(InFamily { verification, limits, key, record }));
        }
    }
    Ok(FamilyStart::TooSoon(CROWDED))
}

/// Checks a code against what the family has for the number: the pending one,
/// else the newest whose record stands, which answers its state.
pub async fn check_in_family(
    context: &Context,
    actor: &Actor,
    family: Family,
    (to, profile): (&PhoneNumber, &ProfileName),
    submitted: Submitted<'_>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Checked, CheckError> {
    let view = context.tenant_view(actor.tenant).map_err(CheckError::Directory)?;
    let profile = view.profiles.get(profile).ok_or(CheckError::UnknownProfile)?;
    check_listed(context, actor, to, family.listing(profile.id), submitted, now, rng).await
}

/// What the family has for the number: the pending one, else the newest whose
/// record stands.
pub async fn find_in_family(
    context: &Context,
    actor: &Actor,
    family: Family,
    to: &PhoneNumber,
    profile: ProfileId,
) -> Result<Option<VerificationId>, StoreError> {
    let number = context.keyring.fingerprint(actor.tenant, to);
    context.codes.find(actor.tenant, actor.mode, number, family.listing(profile)).await
}

/// The pending verification of the listing.
async fn find_pending(
    context: &Context,
    actor: &Actor,
    number: Fingerprint,
    listing: Listing,
) -> Result<Option<(RecordKey, Seen<()>)>, FamilyError> {
    let Actor { tenant, mode, .. } = *actor;
    let newest = context.codes.find(tenant, mode, number, listing).await.map_err(codes)?;
    let Some(id) = newest else { return Ok(None) };
    let key = RecordKey { tenant, mode, id };
    let seen = context.codes.read(key).await.map_err(codes)?;
    let pending = seen.filter(|seen| seen.record.status(seen.now) == Status::Pending);
    Ok(pending.map(|seen| (key, seen)))
}

/// Sends the pending one's message again; nothing if it ended meanwhile.
async fn resend(
    context: &Context,
    actor: &Actor,
    (key, seen): (RecordKey, &Seen<()>),
    takes: &[Take],
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Option<FamilyStart>, FamilyError> {
    let exhausted = FamilyStart::SendsExhausted(seen.record.expires_at.since(seen.now));
    // What need not be tried takes from no limit, not even for a moment.
    if seen.record.sends >= seen.record.max_sends {
        return Ok(Some(exhausted));
    }
    let wait = seen.record.resend_at.since(seen.now);
    if !wait.is_zero() {
        return Ok(Some(FamilyStart::TooSoon(wait)));
    }
    match resend_taking(context, actor, key.id, (None, takes), now, rng).await {
        Ok(resent) => {
            let (verification, record) = (resent.verification, resent.record);
            let resent = InFamily { verification, limits: Vec::new(), key, record };
            Ok(Some(FamilyStart::Resent(resent)))
        }
        Err(ResendError::TooSoon(wait)) => Ok(Some(FamilyStart::TooSoon(wait))),
        Err(ResendError::SendsExhausted) => Ok(Some(exhausted)),
        Err(ResendError::Limited(hit)) => Err(StartError::Limited(hit).into()),
        Err(ResendError::Ended(_) | ResendError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_of_one_family_and_one_profile_for_ever() {
        let profiles = [[1; 16], [2; 16]].map(ProfileId::from_bytes);
        let mut listings: Vec<_> = profiles.into_iter().map(Listing::of).map(|listing| listing.0).collect();
        for profile in profiles {
            let families = [Family::Smsapi, Family::Twilio, Family::Camara];
            listings.extend(families.map(|family| family.listing(profile).0));
        }
        listings.sort();
        listings.dedup();
        assert_eq!(listings.len(), 8);
        // Records stand by it.
        let hex: String =
            Family::Smsapi.listing(profiles[0]).0[..4].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "907e9572");
    }
}
