//! The end of a claim, and its continuation after a failed attempt.

use super::{
    keys, member,
    outbox::Outbox,
    reply::{AttemptReply, SettleReply, kind},
    script,
    store::{millis, text},
};
use countersign_core::{
    id::EventId,
    ports::{
        codes::outbox::{Claim, Settled},
        error::StoreError,
    },
    verification::{
        event::EventKind,
        receipt::FailedAttempt,
        settlement::{Phase, Settlement},
    },
};

impl Outbox {
    pub async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        // When the message is due again, and in which phase.
        let (wait, phase) = claim
            .phase
            .next(&settlement)
            .map_or_else(Default::default, |(after, phase)| (millis(after), text(phase.number())));
        let delivery = match &settlement {
            Settlement::Receipt(delivery) => text(*delivery as u8),
            _ => Vec::new(),
        };
        let event_kind = settlement.into_event(claim.message, claim.phase);
        let what: &[u8] = match &event_kind {
            Some(EventKind::MessageSent { .. }) => b"accepted",
            Some(EventKind::MessageRetried { .. }) => b"retry",
            Some(EventKind::MessageRejected { .. }) => b"rejected",
            Some(_) => b"receipt",
            None => b"gave_up",
        };
        let mut body = event_kind.as_ref().map_or_else(Vec::new, EventKind::pack);
        if matches!(event_kind, Some(EventKind::MessageRejected { .. })) {
            // The last byte says whether the verification failed, which the script decides.
            body.pop();
        }
        let names = held_names(claim);
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let args: [&[u8]; 7] = [&member::pack(claim), what, event.bytes(), &body, &wait, &phase, &delivery];
        Ok(match kind(self.store.run(&script::SETTLE, &names, &args).await?)? {
            SettleReply::Noted => Settled::Done,
            SettleReply::Lost => Settled::Lost,
        })
    }

    pub async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        let lease = millis(attempt.lease);
        let body = attempt.into_event(claim.message).pack();
        let names = held_names(claim);
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let args: [&[u8]; 4] = [&member::pack(claim), event.bytes(), &body, &lease];
        Ok(match kind(self.store.run(&script::ATTEMPT, &names, &args).await?)? {
            AttemptReply::Noted => Settled::Done,
            AttemptReply::Lost => Settled::Lost,
        })
    }
}

/// The keys of the scripts about a claim: its verification, the set that holds its message, the events.
fn held_names(claim: &Claim) -> [Vec<u8>; 3] {
    let partition = claim.key.id.partition();
    let held = match claim.phase {
        Phase::Await(_) => keys::awaited(partition),
        _ => keys::due(partition),
    };
    [keys::verification(claim.key), held, keys::events(partition)]
}
