//! Families of compatible APIs that know only one verification for a phone number. A second start sends the
//! message again if the API does that, and replaces the first verification otherwise.
//!
//! A start in a family finds, repeats and replaces only verifications that the same family started for the
//! same profile. It never touches those of `/v1` or of other families, nor do they touch its own. To this
//! end, the verifications of a family have a lookup group of their own ([`Family::listing`]). The operation
//! `start` itself ensures that at most one is pending: it cancels the verification that it replaces, and is
//! refused if another one is pending.

use crate::{
    access::actor::Actor,
    acts::{
        check::{CheckError, Checked, Submitted, check_listed},
        resend::{ResendError, open_code_text, resend_taking},
        shares,
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
    tenant::system::Part,
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

/// How often a start is tried again because another one came first. Each further try means that another start
/// or resend succeeded, or that a verification ended.
const TURNS: usize = 16;
/// The wait that the answer names to the client if all tries failed.
const CROWDED: Duration = Duration::from_secs(1);

/// A family of compatible APIs.
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
    /// The lookup group of a profile's verifications in this family. It must never change while records with
    /// it exist.
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

    /// Whether a second start with the same message sends the pending verification's message again. In
    /// CAMARA's API each start has its own id, and ends the one before.
    const fn resends(self) -> bool {
        match self {
            Self::Smsapi | Self::Twilio => true,
            Self::Camara => false,
        }
    }
}

/// The result of a start in a family.
#[derive(Clone, Debug)]
#[must_use]
pub enum FamilyStart {
    /// A verification was created, as by any start, and all limits counted it. If the family had a pending
    /// verification with another message, that one is canceled.
    Started(InFamily),
    /// The family has a pending verification with the same message, and another message of it was queued.
    /// Cooldown and maximum number of messages apply as for any resend. All limits except the phone number's
    /// counted it as a start, because it is a start for the client.
    Resent(InFamily),
    /// The family has a pending verification with the same message. Its cooldown still runs for this long, so
    /// nothing was sent. Countersign also answers this if too many starts for the phone number happen at once.
    TooSoon(Duration),
    /// The family has a pending verification with the same message, but it has used up its messages. It is
    /// valid for this much longer.
    SendsExhausted(Duration),
}

/// The verification that a family has for a phone number.
#[derive(Clone, Debug)]
pub struct InFamily {
    /// The verification as its tenant sees it.
    pub verification: Verification,
    /// How full each limit is; empty for a resend.
    pub limits: Vec<LimitState>,
    key: RecordKey,
    record: Record,
}

impl InFamily {
    /// The code, for a family whose answers contain it. Only a key with the scope `codes:reveal` may see it.
    pub fn code(&self, context: &Context) -> Result<Code, OpenError> {
        open_code_text(&context.keyring, self.key, &self.record).map(|text| text.code)
    }
}

/// Why a start in a family failed.
#[derive(Debug, thiserror::Error)]
pub enum FamilyError {
    /// The errors of any start. They also apply if only a message would have been sent again.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The message was not sent again. Never [`ResendError::TooSoon`], [`ResendError::SendsExhausted`],
    /// [`ResendError::Limited`] or [`ResendError::Sending`].
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

/// Starts a verification in a family. If the family resends and the pending verification has the same
/// message, sends that message again. The same message means that everything but the code is equal: profile,
/// template or text, locale, payment, sender, origin, app hash. However many starts race for a phone number,
/// one verification is pending in the end.
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

/// Checks a code against the family's verification of the phone number: the pending one, else the newest
/// whose record is still in the store, which answers with its state.
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
    let profile = shares::profile(actor, &view, profile)?.ok_or(CheckError::UnknownProfile)?;
    check_listed(context, actor, to, family.listing(profile.id), submitted, now, rng).await
}

/// The family's verification of the phone number: the pending one, else the newest whose record is still in
/// the store.
pub async fn find_in_family(
    context: &Context,
    actor: &Actor,
    family: Family,
    to: &PhoneNumber,
    profile: ProfileId,
) -> Result<Option<VerificationId>, StoreError> {
    context.permit(actor.tenant, Part::verifications(actor))?;
    if !actor.profiles.admits(&profile) {
        return Ok(None);
    }
    let number = context.keyring.fingerprint(actor.tenant, to);
    context.codes.find(actor.tenant, actor.mode, number, family.listing(profile)).await
}

/// The pending verification of the lookup group.
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

/// Sends the pending verification's message again. Returns `None` if the verification ended in the meantime.
async fn resend(
    context: &Context,
    actor: &Actor,
    (key, seen): (RecordKey, &Seen<()>),
    takes: &[Take],
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Option<FamilyStart>, FamilyError> {
    let exhausted = FamilyStart::SendsExhausted(seen.record.expires_at.since(seen.now));
    // Return before taking from the limits, because this resend cannot succeed.
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
        Err(ResendError::Sending(error)) => Err(StartError::Sending(error).into()),
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
        // Stored records contain this value.
        let hex: String =
            Family::Smsapi.listing(profiles[0]).0[..4].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "907e9572");
    }
}
