//! The record of a verification, and its state machine.
//!
//! Everything here is a pure function of the record, the store's clock and the request. The embedded store
//! loads the record, calls one transition and writes the record back, all in one transaction. The scripts of
//! the Redis store follow the same rules; the contract suite checks that.
//!
//! ```text
//! pending ──right code──> approved
//!    │ ├──last wrong code──> exhausted
//!    │ ├──cancel, or a check for another payment──> canceled
//!    │ └──no provider took any message──> failed
//!    └────expires_at passed──> expired (computed from the clock, never stored)
//! ```

use crate::{
    code::CodeShape,
    id::{MessageId, ProfileId},
    keyring::{CodeMac, Fingerprint},
    tenant::profile::ResendPolicy,
    time::Timestamp,
    verification::{
        event::EventKind,
        guesses::{Guesses, Source},
        outcome::{CancelOutcome, CheckOutcome, ResendOutcome},
        request::{Resend, SubmittedCode},
        settlement::{Phase, Settlement},
        status::{CancelReason, Delivery, Status},
        times::{KEPT_AFTER_EXPIRY, resend_cooldown},
    },
};
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};

/// A verification, as the codes store stores it. Only the transitions below change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The stored status. [`Record::status`] also considers the time.
    pub(crate) stored_status: Status,
    pub(crate) profile: ProfileId,
    /// The fingerprint of the phone number.
    pub(crate) number: Fingerprint,
    /// When the verification started, by the store's clock.
    pub(crate) created_at: Timestamp,
    /// When the codes expire.
    pub(crate) expires_at: Timestamp,
    /// When the next resend is allowed.
    pub(crate) resend_at: Timestamp,
    /// The number of wrong codes so far.
    pub(crate) checks: u8,
    /// The number of wrong codes that ends the verification.
    pub(crate) max_checks: u8,
    /// The number of messages queued so far.
    pub(crate) sends: u8,
    /// The maximum number of messages.
    pub(crate) max_sends: u8,
    /// The code that a resend sends.
    pub(crate) resend: ResendPolicy,
    pub(crate) shape: CodeShape,
    /// The MAC of the newest code.
    pub(crate) mac: CodeMac,
    /// The MAC of the previous code, if the resend policy keeps that code valid.
    pub(crate) previous_mac: Option<CodeMac>,
    /// The delivery state of the newest message.
    pub(crate) delivery: Delivery,
    /// Whether a provider ever accepted a message of this verification.
    pub(crate) accepted: bool,
    /// Test mode: the first check answers that the verification has expired.
    pub(crate) expires_at_check: bool,
    /// Whether the phone number is a review number: the server sends nothing to it, and its code never
    /// changes.
    pub(crate) review: bool,
    /// The source of guesses at the code.
    pub(crate) source: Source,
    /// The newest message.
    pub(crate) message: MessageId,
    /// The phone number, the profile's name and the client's notes, sealed.
    pub(crate) contact: Vec<u8>,
    /// The code and the choices for its text, sealed; empty after the end of the verification.
    pub(crate) code: Vec<u8>,
    /// The last evaluated check: the second half of its event's id. If a client library sends a script call
    /// again, the store recognises the repeat by it.
    pub(crate) judged: Option<[u8; 8]>,
    /// The keyed hash of the payment that the code confirms
    /// ([`KeyRing::payment_mark`](crate::keyring::KeyRing::payment_mark)); `None` after the end.
    pub(crate) payment: Option<[u8; 16]>,
}

impl Record {
    /// The status at `now`: a pending verification may have expired.
    pub fn status(&self, now: Timestamp) -> Status {
        match self.stored_status {
            Status::Pending if now >= self.expires_at => Status::Expired,
            stored => stored,
        }
    }

    /// The fingerprint of the phone number.
    pub fn number(&self) -> Fingerprint {
        self.number
    }

    /// The newest message.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// The delivery state of the newest message.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The number of messages queued so far.
    pub fn sends(&self) -> u8 {
        self.sends
    }

    /// Whether the phone number is a review number. The server sends nothing to it.
    pub fn is_review(&self) -> bool {
        self.review
    }

    pub fn shape(&self) -> CodeShape {
        self.shape
    }

    /// When the codes expire.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The time from which the store may delete the record.
    pub fn kept_until(&self) -> Timestamp {
        self.expires_at + KEPT_AFTER_EXPIRY
    }

    /// The tries that are left.
    pub fn attempts_left(&self) -> u8 {
        self.max_checks.saturating_sub(self.checks)
    }

    /// The messages that are left.
    pub fn sends_left(&self) -> u8 {
        self.max_sends.saturating_sub(self.sends)
    }

    /// Call this after the clock was set back while the store was closed. It cuts the stored times, so that
    /// no code is valid for longer, and no cooldown lasts longer, than its rule allows.
    pub fn pull_back(&mut self, now: Timestamp) {
        let life = self.expires_at.since(self.created_at);
        self.created_at = self.created_at.min(now);
        self.expires_at = self.expires_at.min(now + life);
        self.resend_at = self.resend_at.min(now + resend_cooldown(self.sends));
    }

    fn end(&mut self, status: Status) {
        self.stored_status = status;
        self.code.clear();
        self.previous_mac = None;
        self.payment = None;
    }

    /// Sets the times of a record that begins now, with codes that are valid for `expires_in`.
    pub fn begin(&mut self, expires_in: Duration, now: Timestamp) {
        self.created_at = now;
        self.expires_at = now + expires_in;
        self.resend_at = now + resend_cooldown(self.sends);
    }

    /// Checks a submitted code, and returns the event for it. At most one caller ever gets `Approved`, and at
    /// most `max_checks` wrong codes are ever compared. No code is compared while a wait after wrong codes
    /// runs.
    pub fn check(
        &mut self,
        code: &SubmittedCode,
        guesses: &mut Guesses,
        now: Timestamp,
    ) -> (CheckOutcome, Option<EventKind>) {
        let outcome = self.evaluate(code, guesses, now);
        let event = match outcome {
            CheckOutcome::Approved => {
                guesses.clear(now);
                EventKind::Approved
            }
            CheckOutcome::Wrong => {
                let (in_row, wait) = guesses.note_wrong(self.source, self.shape, now);
                EventKind::CheckWrong { attempts_left: self.attempts_left(), in_row, wait }
            }
            CheckOutcome::Exhausted => {
                let (in_row, wait) = guesses.note_wrong(self.source, self.shape, now);
                EventKind::Exhausted { in_row, wait }
            }
            CheckOutcome::TransactionMismatch => EventKind::Canceled(CancelReason::TransactionMismatch),
            _ => return (outcome, None),
        };
        (outcome, Some(event))
    }

    fn evaluate(&mut self, code: &SubmittedCode, guesses: &Guesses, now: Timestamp) -> CheckOutcome {
        if self.expires_at_check && self.stored_status == Status::Pending {
            self.expires_at = self.expires_at.min(now);
        }
        match self.status(now) {
            Status::Pending => {}
            Status::Approved => return CheckOutcome::AlreadyApproved,
            ended => return CheckOutcome::Ended(ended),
        }
        if !code.fits(self.shape) {
            return CheckOutcome::InvalidCode;
        }
        // This comes before any wait: the answer says nothing about the code, and a changed payment must void
        // the code at once.
        if code.payment != self.payment {
            self.end(Status::Canceled);
            return CheckOutcome::TransactionMismatch;
        }
        if let Some(wait) = guesses.wait(self.source, now) {
            return CheckOutcome::GuessLimit(wait);
        }
        let mut matches = Choice::from(0);
        for stored in std::iter::once(&self.mac).chain(&self.previous_mac) {
            let Some(given) = code.macs.iter().find(|mac| mac.version == stored.version) else {
                return CheckOutcome::UnknownKeyVersion;
            };
            matches |= given.mac.ct_eq(&stored.mac);
        }
        if matches.into() {
            self.end(Status::Approved);
            return CheckOutcome::Approved;
        }
        self.checks = self.checks.saturating_add(1);
        if self.checks >= self.max_checks {
            self.end(Status::Exhausted);
            return CheckOutcome::Exhausted;
        }
        CheckOutcome::Wrong
    }

    /// Queues another message. The expiry time does not change.
    pub fn resend(&mut self, resend: &Resend, now: Timestamp) -> ResendOutcome {
        match self.status(now) {
            Status::Pending => {}
            ended => return ResendOutcome::Ended(ended),
        }
        if self.sends >= self.max_sends {
            return ResendOutcome::SendsExhausted;
        }
        let wait = self.resend_at.since(now);
        if !wait.is_zero() {
            return ResendOutcome::TooSoon(wait);
        }
        if self.sends != resend.sends_seen {
            return ResendOutcome::Changed;
        }
        if let Some(new) = &resend.new_code {
            let keep = self.resend == ResendPolicy::NewKeepPrevious;
            self.previous_mac = keep.then_some(self.mac);
            self.mac = new.mac;
            self.code.clone_from(&new.sealed);
        }
        self.sends += 1;
        self.resend_at = now + resend_cooldown(self.sends);
        self.message = resend.message;
        if !self.review {
            self.delivery = Delivery::Queued;
        }
        ResendOutcome::Queued
    }

    /// Ends the verification because the client asked for it.
    pub fn cancel(&mut self, now: Timestamp) -> CancelOutcome {
        match self.status(now) {
            Status::Pending => {
                self.end(Status::Canceled);
                CancelOutcome::Canceled
            }
            ended => CancelOutcome::Ended(ended),
        }
    }

    /// Removes the personal data, and ends the verification if it is pending. The id of its event is
    /// [`EventId::of_erasure`](crate::id::EventId::of_erasure).
    pub fn erase(&mut self, now: Timestamp) -> CancelOutcome {
        let outcome = self.cancel(now);
        self.contact.clear();
        self.code.clear();
        self.previous_mac = None;
        self.payment = None;
        self.judged = None;
        outcome
    }

    /// Records how an attempt to send `message` ended, and returns the event for it. Only the newest message
    /// changes the delivery state. A late answer about an older message still proves that a message was sent.
    /// A receipt may come before the provider's own answer, so a state from a receipt stays.
    pub fn settle(
        &mut self,
        (message, phase): (MessageId, Phase),
        settlement: Settlement,
        now: Timestamp,
    ) -> Option<EventKind> {
        let newest = self.message == message;
        let mut kind = settlement.into_event(message, phase)?;
        match &mut kind {
            EventKind::MessageSent { .. } => {
                self.accepted = true;
                // A later provider accepted the message; this overrides the earlier provider's receipt.
                let later = matches!(phase, Phase::Await(_)) && self.delivery != Delivery::Delivered;
                if newest && (self.delivery == Delivery::Queued || later) {
                    self.delivery = Delivery::Sent;
                }
            }
            EventKind::MessageRejected { failed, .. } => {
                if newest && self.delivery != Delivery::Delivered {
                    self.delivery = Delivery::Undelivered;
                }
                *failed = newest && !self.accepted && self.status(now) == Status::Pending;
                if *failed {
                    self.end(Status::Failed);
                }
            }
            EventKind::Delivered { .. } if newest => self.delivery = Delivery::Delivered,
            EventKind::Undelivered { .. } if newest => self.delivery = Delivery::Undelivered,
            _ => {}
        }
        Some(kind)
    }

    /// Applies a provider's receipt for `message`, and returns whether this changed the record. It changes the
    /// record only if `message` is the newest one and its delivery state becomes another one; the caller then
    /// adds an event. So a provider that repeats a receipt adds nothing. The state `delivered` never changes
    /// again, and a receipt never changes the status. It also proves that the provider accepted the message,
    /// even if the attempt seemed to fail.
    pub fn receive(&mut self, message: MessageId, delivery: Delivery) -> bool {
        if self.message != message || self.delivery == delivery || self.delivery == Delivery::Delivered {
            return false;
        }
        self.accepted = true;
        self.delivery = delivery;
        true
    }

    /// Returns whether the message does not need to be sent any more.
    pub fn needs_no_provider(&self, message: MessageId, now: Timestamp) -> bool {
        self.status(now) != Status::Pending || self.message != message || self.delivery == Delivery::Delivered
    }
}

#[cfg(test)]
mod tests;
