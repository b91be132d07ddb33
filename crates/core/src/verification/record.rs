//! The verification: its record and its state machine.
//!
//! Everything here is a pure function of the record, the store's clock and the
//! request. A store engine loads the record, calls one transition and writes
//! the record back, all in one transaction; an engine that runs scripts on the
//! server follows the same rules, held to them by the contract suite.
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

/// A verification as the codes store keeps it. Only the transitions below change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The status as stored; [`Record::status`] adds what the clock says.
    pub(crate) stored_status: Status,
    /// The profile it was started for.
    pub(crate) profile: ProfileId,
    /// The number it is about.
    pub(crate) number: Fingerprint,
    /// When it was made, by the store's clock.
    pub(crate) created_at: Timestamp,
    /// When its codes end.
    pub(crate) expires_at: Timestamp,
    /// When the next resend is allowed.
    pub(crate) resend_at: Timestamp,
    /// Wrong codes evaluated.
    pub(crate) checks: u8,
    /// Wrong codes that end it.
    pub(crate) max_checks: u8,
    /// Messages queued.
    pub(crate) sends: u8,
    /// Messages that may be queued.
    pub(crate) max_sends: u8,
    /// What a resend carries.
    pub(crate) resend: ResendPolicy,
    /// Shape of its codes.
    pub(crate) shape: CodeShape,
    /// MAC of the newest code.
    pub(crate) mac: CodeMac,
    /// MAC of the one before, where the policy keeps it valid.
    pub(crate) previous_mac: Option<CodeMac>,
    /// How far the newest message got.
    pub(crate) delivery: Delivery,
    /// Whether a provider ever took one of its messages.
    pub(crate) accepted: bool,
    /// Test mode: its first check finds it expired.
    pub(crate) expires_at_check: bool,
    /// Its number is a review number: nothing is sent, and its code stays.
    pub(crate) review: bool,
    /// Where guesses at its code come from.
    pub(crate) source: Source,
    /// The newest message.
    pub(crate) message: MessageId,
    /// Number and metadata, sealed.
    pub(crate) contact: Vec<u8>,
    /// Code, origin and app hash, sealed; emptied when the verification ends.
    pub(crate) code: Vec<u8>,
    /// The check that was evaluated last, by the second half of its event's
    /// id: how an engine whose calls may be sent twice knows one of them again.
    pub(crate) judged: Option<[u8; 8]>,
    /// The mark of the payment that the code confirms
    /// ([`KeyRing::payment_mark`](crate::keyring::KeyRing::payment_mark)); gone when it ends.
    pub(crate) payment: Option<[u8; 16]>,
}

impl Record {
    /// The status at `now`.
    pub fn status(&self, now: Timestamp) -> Status {
        match self.stored_status {
            Status::Pending if now >= self.expires_at => Status::Expired,
            stored => stored,
        }
    }

    /// The number that it is about.
    pub fn number(&self) -> Fingerprint {
        self.number
    }

    /// Its newest message.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// How far the newest message got.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The messages that were queued so far.
    pub fn sends(&self) -> u8 {
        self.sends
    }

    /// Whether its number is a review number, to which nothing is sent.
    pub fn is_review(&self) -> bool {
        self.review
    }

    /// The shape of its codes.
    pub fn shape(&self) -> CodeShape {
        self.shape
    }

    /// When its codes end.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// When the record goes.
    pub fn kept_until(&self) -> Timestamp {
        self.expires_at + KEPT_AFTER_EXPIRY
    }

    /// Tries that are left.
    pub fn attempts_left(&self) -> u8 {
        self.max_checks.saturating_sub(self.checks)
    }

    /// Sends that are left.
    pub fn sends_left(&self) -> u8 {
        self.max_sends.saturating_sub(self.sends)
    }

    /// After the clock was set back while the store was closed: no code lives
    /// longer from now, and no cooldown lasts longer, than its rule allows.
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

    /// Sets its times as it begins: its codes live for `expires_in` from now.
    pub fn begin(&mut self, expires_in: Duration, now: Timestamp) {
        self.created_at = now;
        self.expires_at = now + expires_in;
        self.resend_at = now + resend_cooldown(self.sends);
    }

    /// Evaluates a submitted code, and says what happened as an event. At most
    /// one caller ever gets `Approved`, at most `max_checks` wrong codes are
    /// ever compared, and none while a wait for wrong codes of the number runs.
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
        // Before any wait: it says nothing of the code, and a payment that was changed is stopped at once.
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

    /// Queues another message. It never moves `expires_at`.
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

    /// Ends it because the client asked for it.
    pub fn cancel(&mut self, now: Timestamp) -> CancelOutcome {
        match self.status(now) {
            Status::Pending => {
                self.end(Status::Canceled);
                CancelOutcome::Canceled
            }
            ended => CancelOutcome::Ended(ended),
        }
    }

    /// Takes the person out of it, and ends it if it is pending. Its event has the id
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

    /// Notes how an attempt to send `message` ended, and gives the event that says so.
    /// Only the newest message moves the delivery state. A late answer about an older message still
    /// proves that something was sent. A receipt is often faster than the provider's own answer, so
    /// what a receipt said before stays.
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

    /// Notes what a provider reports of `message`. Whether that is to be said as
    /// an event: of the newest message alone, and only what its state does not
    /// say already, so that whoever reports without an end adds nothing. What was
    /// delivered stays so, and no status changes. Who reports a message took it,
    /// whatever came of the attempt.
    pub fn receive(&mut self, message: MessageId, delivery: Delivery) -> bool {
        if self.message != message || self.delivery == delivery || self.delivery == Delivery::Delivered {
            return false;
        }
        self.accepted = true;
        self.delivery = delivery;
        true
    }

    /// Whether no provider needs to be asked for the message any more.
    pub fn needs_no_provider(&self, message: MessageId, now: Timestamp) -> bool {
        self.status(now) != Status::Pending || self.message != message || self.delivery == Delivery::Delivered
    }
}

#[cfg(test)]
mod tests;
