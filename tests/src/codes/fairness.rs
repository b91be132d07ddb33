//! The send slots of a worker are divided fairly among tenants.

use super::{Bench, new_tenant, number, rng, seconds};
use countersign_core::{
    access::actor::Actor,
    delivery::places::{Places, Room},
    id::{EventId, TenantId},
    ports::{
        clock::Clock,
        codes::outbox::{Claim, Settled},
    },
    verification::{
        receipt::Awaited,
        settlement::{Phase, Settlement},
    },
};
use futures_util::future::join_all;
use std::{collections::HashSet, sync::Arc};

fn accepted() -> Settlement {
    Settlement::Accepted { provider: "console".into(), receipt: None, awaited: None, id: None }
}

fn full(caller: &Actor) -> Room {
    room(caller, 0)
}

fn room(caller: &Actor, most: usize) -> Room {
    Room { tenant: caller.tenant, most, slow: false }
}

async fn start_many(bench: &Bench, caller: &Actor, numbers: std::ops::Range<usize>) {
    for n in numbers {
        bench.start_as(caller, &number(n)).await.unwrap();
    }
}

async fn claim(bench: &Bench, places: Places) -> Vec<Claim> {
    bench.codes().claim(0..64, seconds(30), places).await.unwrap()
}

/// Claims as a worker does when a slot has become free.
async fn claim_arrived(bench: &Bench, places: Places) -> Vec<Claim> {
    bench.codes().claim_arrived(0..64, seconds(30), places).await.unwrap()
}

fn of(claims: &[Claim], tenant: TenantId) -> usize {
    claims.iter().filter(|claim| claim.key.tenant == tenant).count()
}

pub async fn one_tenant_does_not_stand_in_front_of_another(bench: Bench) {
    let (one, other) = (bench.caller.clone(), new_tenant(&bench.context, &bench.clock, "Other").await);
    start_many(&bench, &one, 0..300).await;
    bench.clock.turn(seconds(1));
    start_many(&bench, &other, 0..3).await;
    // This tenant has no free slot: the messages behind its own are claimed.
    let claims = claim(&bench, Places::new(7, 7, vec![full(&one)])).await;
    assert_eq!((claims.len(), of(&claims, other.tenant)), (3, 3));
    assert!(claim_arrived(&bench, Places::new(7, 7, vec![full(&one)])).await.is_empty());
    // Two free slots: two messages, and no more.
    let claims = claim_arrived(&bench, Places::new(7, 7, vec![room(&one, 2)])).await;
    assert_eq!((claims.len(), of(&claims, one.tenant)), (2, 2));
    // Alone, the tenant may use all slots.
    assert_eq!(claim_arrived(&bench, Places::of_anybody(20)).await.len(), 20);
    assert_eq!(bench.codes().messages_waiting().await.unwrap(), 303);
}

pub async fn what_has_no_place_waits_unchanged_and_oldest_first(bench: Bench) {
    let (one, other) = (bench.caller.clone(), new_tenant(&bench.context, &bench.clock, "Other").await);
    let mut started = Vec::new();
    for n in 0..20 {
        started.push(bench.start_as(&one, &number(n)).await.unwrap().id);
        bench.clock.turn(seconds(1));
    }
    for _ in 0..20 {
        assert!(claim(&bench, Places::new(7, 7, vec![full(&one)])).await.is_empty());
        bench.clock.turn(seconds(1));
    }
    bench.start_as(&other, &number(1)).await.unwrap();
    let mut places = Places::new(100, 100, vec![full(&one)]);
    assert_eq!(claim(&bench, places.clone()).await.len(), 1);
    // Each partition has its own order.
    places = Places::of_anybody(100);
    let claims = claim(&bench, places).await;
    assert_eq!(claims.len(), 20);
    for partition in 0..64 {
        let of = |ids: &mut dyn Iterator<Item = _>| ids.collect::<Vec<_>>();
        let in_order = of(&mut started.iter().copied().filter(|id| id.partition() == partition));
        let claimed =
            of(&mut claims.iter().map(|claim| claim.key.id).filter(|id| id.partition() == partition));
        assert_eq!(claimed, in_order);
    }
    for claim in &claims {
        assert_eq!((claim.attempt, claim.phase), (1, Phase::Send), "no try is lost");
        assert_eq!(bench.history(claim.key.id).await, ["started"], "nothing is told of the wait");
        assert_eq!(bench.settle(claim, accepted()).await, Settled::Done);
    }
}

pub async fn slow_tenants_share_their_places(bench: Bench) {
    let mut callers = vec![bench.caller.clone()];
    for name in ["Second", "Third", "Fourth"] {
        callers.push(new_tenant(&bench.context, &bench.clock, name).await);
    }
    for caller in &callers {
        start_many(&bench, caller, 0..40).await;
    }
    let slow = |caller: &Actor| Room { tenant: caller.tenant, most: 9, slow: true };
    // There are slots for more messages. How many of the slow tenants' are among the first is random.
    let places = Places::new(100, 12, callers[..3].iter().map(slow).collect());
    let claims = claim(&bench, places).await;
    let slow: Vec<_> = callers[..3].iter().map(|caller| of(&claims, caller.tenant)).collect();
    assert_eq!(slow.iter().sum::<usize>(), 12, "{slow:?}");
    assert!(slow.iter().all(|taken| *taken <= 9), "{slow:?}");
    assert_eq!(claims.len(), 12 + 40, "the others are the fourth's");
}

pub async fn a_tenant_whose_backlog_is_large_is_claimed_in_turn(bench: Bench) {
    let (one, other) = (bench.caller.clone(), new_tenant(&bench.context, &bench.clock, "Other").await);
    start_many(&bench, &one, 0..600).await;
    bench.clock.turn(seconds(1));
    start_many(&bench, &other, 0..60).await;
    // No tenant has send slots of its own: each partition takes from all tenants in turn, in whatever order
    // they came.
    let mut of_other = 0;
    for _ in 0..10 {
        of_other += of(&claim(&bench, Places::of_anybody(20)).await, other.tenant);
    }
    assert!(of_other >= 30, "{of_other} of 200");
}

pub async fn what_is_over_leaves_the_line(bench: Bench) {
    let one = bench.caller.clone();
    let canceled = bench.start(&number(1)).await.unwrap().id;
    let resent = bench.start(&number(2)).await.unwrap().id;
    assert!(claim(&bench, Places::new(7, 7, vec![full(&one)])).await.is_empty());
    bench.cancel(canceled).await.unwrap();
    bench.clock.turn(seconds(30));
    bench.resend(resent).await.unwrap();
    let claims = claim(&bench, Places::of_anybody(7)).await;
    assert_eq!(claims.iter().map(|claim| claim.key.id).collect::<Vec<_>>(), [resent]);
    assert_eq!(bench.history(canceled).await, ["started", "canceled", "message_dropped"]);
    assert_eq!(bench.history(resent).await, ["started", "resent", "message_dropped"]);
    assert_eq!(bench.codes().messages_waiting().await.unwrap(), 1, "the one that is held");
}

pub async fn a_claim_that_was_overtaken_in_the_line_settles_nothing(bench: Bench) {
    let one = bench.caller.clone();
    bench.start(&number(1)).await.unwrap();
    let slow = bench.claim().await.remove(0);
    bench.clock.turn(seconds(30));
    assert!(claim(&bench, Places::new(7, 7, vec![full(&one)])).await.is_empty());
    let heir = claim_arrived(&bench, Places::of_anybody(7)).await.remove(0);
    assert_eq!((heir.message, heir.attempt), (slow.message, 2));
    assert_eq!(bench.settle(&slow, accepted()).await, Settled::Lost);
    assert_eq!(bench.settle(&heir, accepted()).await, Settled::Done);
}

pub async fn awaited_messages_stand_in_the_line_too(bench: Bench) {
    let one = bench.caller.clone();
    let id = bench.start(&number(1)).await.unwrap().id;
    let first = bench.claim().await.remove(0);
    let awaited = Some(Awaited { passed: 1, after: seconds(20) });
    let sent = Settlement::Accepted { provider: "first".into(), receipt: None, awaited, id: None };
    assert_eq!(bench.settle(&first, sent).await, Settled::Done);
    bench.clock.turn(seconds(20));
    assert!(claim(&bench, Places::new(7, 7, vec![full(&one)])).await.is_empty());
    let next = claim_arrived(&bench, Places::of_anybody(7)).await.remove(0);
    assert_eq!((next.key.id, next.phase, next.attempt), (id, Phase::Await(1), 2));
    let event = EventId::new(bench.clock.now(), id.partition(), &mut rng());
    assert_eq!(bench.codes().settle(&next, accepted(), event).await.unwrap(), Settled::Done);
    assert_eq!(bench.history(id).await, ["started", "message_sent", "message_sent"]);
}

pub async fn concurrent_claims_keep_to_their_places(bench: Bench) {
    let (one, other) = (bench.caller.clone(), new_tenant(&bench.context, &bench.clock, "Other").await);
    start_many(&bench, &one, 0..200).await;
    start_many(&bench, &other, 0..50).await;
    let bench = Arc::new(bench);
    let workers = (0..8).map(|n: usize| {
        let (bench, one) = (Arc::clone(&bench), one.clone());
        tokio::spawn(async move {
            let mut found = Vec::new();
            for _ in 0..12 {
                let places = Places::new(10, 10, vec![room(&one, n % 4)]);
                let claims = claim(&bench, places).await;
                assert!(of(&claims, one.tenant) <= n % 4 && claims.len() <= 10);
                found.extend(claims.into_iter().map(|claim| claim.message));
            }
            found
        })
    });
    let mut found: Vec<_> = join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    found.extend(bench.claim().await.into_iter().map(|claim| claim.message));
    assert_eq!(found.len(), 250);
    assert_eq!(found.iter().collect::<HashSet<_>>().len(), 250);
}
