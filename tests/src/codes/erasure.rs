//! An erasure leaves the same records on every engine.

use super::{Bench, number, payments, seconds, wrong};
use countersign_core::{
    access::actor::Who,
    id::{EventId, RecordKey, VerificationId},
    tenant::profile::{Policy, ResendPolicy},
    verification::{
        outcome::CheckOutcome,
        record::Record,
        status::{Delivery, Status},
    },
};

async fn record(bench: &Bench, id: VerificationId) -> Record {
    let key = RecordKey { tenant: bench.caller.tenant, mode: bench.caller.mode, id };
    bench.codes().read(key).await.unwrap().unwrap().record
}

pub async fn an_erasure_takes_the_person_out_as_the_rules_say(bench: Bench) {
    let policy = Policy { resend: ResendPolicy::NewKeepPrevious, ..Policy::default() };
    bench.set_policy(Policy { expires_in: seconds(60), ..policy.clone() }).await;
    let (to, paid) = (number(0), payments::payment("49.90"));
    let (expired, _) = payments::start(&bench, &to, Some(paid.clone())).await;
    bench.set_policy(policy).await;
    let (approved, code) = bench.start_with_code(&to).await;
    assert_eq!(bench.check(approved, &code).await.outcome, CheckOutcome::Approved);
    let (pending, code) = payments::start(&bench, &to, Some(paid.clone())).await;
    assert_eq!(payments::check(&bench, pending, &wrong(&code), Some(&paid)).await, CheckOutcome::Wrong);
    bench.clock.turn(seconds(60));
    bench.resend(pending).await.unwrap();

    let verifications = [
        (expired, Status::Expired, Status::Expired),
        (approved, Status::Approved, Status::Approved),
        (pending, Status::Pending, Status::Canceled),
    ];
    let mut expected = Vec::new();
    for (id, before, _) in verifications {
        assert_eq!(bench.read(id).await.status, before);
        expected.push(record(&bench, id).await);
    }
    let (tenant, mode) = (bench.caller.tenant, bench.caller.mode);
    let erasure = bench.codes().erase(tenant, mode, expected[0].number(), Who::Operator(None)).await.unwrap();
    assert_eq!(erasure.canceled, 1);
    for ((id, _, after), mut expected) in verifications.into_iter().zip(expected) {
        let _ = expected.erase(erasure.now);
        let erased = record(&bench, id).await;
        assert_eq!((erased.status(erasure.now), erased.delivery()), (after, Delivery::Queued));
        assert_eq!(erased, expected);
    }
    let key = RecordKey { tenant, mode, id: pending };
    let events = bench.codes().timeline(key).await.unwrap();
    let last = events.last().map(|event| (event.id, event.kind.name(), event.who));
    assert_eq!(last, Some((EventId::of_erasure(pending), "canceled", Some(Who::Operator(None)))));
}
