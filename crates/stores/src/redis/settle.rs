//! What becomes of a claim.

use super::{
    keys, member,
    outbox::Outbox,
    reply::{self, AttemptReply, SettleReply},
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
        status::Delivery,
    },
};
use std::time::Duration;

impl Outbox {
    pub async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        let message = claim.message;
        let (wait, phase) = claim
            .phase
            .next(&settlement)
            .map_or_else(Default::default, |(after, phase)| (millis(after), text(phase.number())));
        let (what, delivery, kind) = match settlement {
            Settlement::Accepted { provider, .. } => {
                ("accepted", None, Some(EventKind::MessageSent { message, provider }))
            }
            Settlement::Retry { provider, reason, after } => {
                ("retry", None, Some(EventKind::MessageRetried { message, provider, reason, after }))
            }
            // Somebody has it: only this attempt failed.
            Settlement::Rejected { provider, reason } if matches!(claim.phase, Phase::Await(_)) => {
                let after = Duration::ZERO;
                ("retry", None, Some(EventKind::MessageRetried { message, provider, reason, after }))
            }
            Settlement::Rejected { provider, reason } => {
                let kind = EventKind::MessageRejected { message, provider, reason, failed: false };
                ("rejected", None, Some(kind))
            }
            Settlement::Receipt(delivery @ Delivery::Delivered) => {
                ("receipt", Some(delivery), Some(EventKind::Delivered { message }))
            }
            Settlement::Receipt(delivery) => {
                ("receipt", Some(delivery), Some(EventKind::Undelivered { message }))
            }
            Settlement::GaveUp => ("gave_up", None, None),
        };
        let mut body = kind.map_or_else(Vec::new, |kind| kind.pack());
        if what == "rejected" {
            // Whether the verification failed with it is for the script to find.
            body.pop();
        }
        let delivery = delivery.map_or_else(Vec::new, |delivery| text(delivery as u8));
        let names = held_names(claim);
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let args: [&[u8]; 7] =
            [&member::pack(claim), what.as_bytes(), event.bytes(), &body, &wait, &phase, &delivery];
        Ok(match reply::kind(self.store.run(&script::SETTLE, &names, &args).await?)? {
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
        let FailedAttempt { provider, reason, lease } = attempt;
        let (message, after) = (claim.message, Duration::ZERO);
        let body = EventKind::MessageRetried { message, provider, reason, after }.pack();
        let names = held_names(claim);
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let args: [&[u8]; 4] = [&member::pack(claim), event.bytes(), &body, &millis(lease)];
        Ok(match reply::kind(self.store.run(&script::ATTEMPT, &names, &args).await?)? {
            AttemptReply::Noted => Settled::Done,
            AttemptReply::Lost => Settled::Lost,
        })
    }
}

/// What the scripts about a claim are given: its verification, where it is held, the events.
fn held_names(claim: &Claim) -> [Vec<u8>; 3] {
    let partition = claim.key.id.partition();
    let held = match claim.phase {
        Phase::Await(_) => keys::awaited(partition),
        _ => keys::due(partition),
    };
    [keys::verification(claim.key), held, keys::events(partition)]
}
