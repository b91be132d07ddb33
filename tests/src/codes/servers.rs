//! The needs of the codes store's servers: TLS, a user with few rights, the right configuration.

use super::{
    HandClock,
    engine::{server, try_command},
};
use countersign_core::{
    access::actor::Who,
    id::{EventId, RecordKey, TenantId, VerificationId},
    mode::Mode,
    ports::{
        codes::{Codes, events::EventLog, outbox::Outbox, peers::Peers, verifications::Verifications},
        error::StoreError,
    },
    verification::event::{ActEvent, EventKind},
};
use countersign_stores::{
    certificates::Certificates,
    redis::{RedisCodes, RedisOptions, RedisUrl},
};
use std::sync::Arc;

fn options(identity: &[u8], partitions: u16) -> RedisOptions {
    RedisOptions {
        partitions,
        event_budget: 1 << 30,
        confirm_replicas: 0,
        identity: identity.to_vec(),
        clock: Some(HandClock::new()),
    }
}

fn trusting(ca: Vec<u8>) -> Certificates {
    Certificates { authority: Some(ca), client: None }
}

async fn open(url: &str, ca: Option<Vec<u8>>, clock: &Arc<HandClock>) -> Result<RedisCodes, StoreError> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = RedisOptions { clock: Some(clock.clone()), ..options(b"", 64) };
    RedisCodes::open(&RedisUrl::parse(url, ca.map(trusting)).unwrap(), options).await
}

/// Sends every command of the store, as the user with the fewest rights that the documentation names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_and_a_user_with_few_rights_suffice() {
    let url = server("COUNTERSIGN_TEST_REDIS_TLS");
    let ca = std::fs::read(std::env::var("COUNTERSIGN_TEST_POSTGRES_CA").unwrap()).unwrap();
    let clock = HandClock::new();
    assert!(open(&url, None, &clock).await.is_err(), "its certificate is of no known authority");
    let wrong = url.replace("secret@", "wrong@");
    assert!(open(&wrong, Some(ca.clone()), &clock).await.is_err(), "its password is another");
    let codes: Arc<dyn Codes> = Arc::new(open(&url, Some(ca.clone()), &clock).await.unwrap());
    let bench = super::Bench::of(codes, clock.clone()).await;
    super::rules::policies_of_resend_decide_which_codes_count(bench).await;
    let codes: Arc<dyn Codes> = Arc::new(open(&url, Some(ca.clone()), &clock).await.unwrap());
    let bench = super::Bench::of(codes, clock.clone()).await;
    super::guard::every_scope_counts_by_itself(bench).await;
    let codes: Arc<dyn Codes> = Arc::new(open(&url, Some(ca.clone()), &clock).await.unwrap());
    let bench = super::Bench::of(codes, clock.clone()).await;
    super::failover::deliver_while_awaited(&bench).await;
    super::matching::a_receipt_and_its_message_at_once_always_meet(bench).await;
    let codes = open(&url, Some(ca.clone()), &clock).await.unwrap();
    codes.ping().await.unwrap();
    codes.messages_waiting().await.unwrap();
    codes.relayed("").await.unwrap();
    let found = codes.unrecorded(0..64, 1_000).await.unwrap();
    let positions: Vec<_> = found.events.iter().map(|event| event.position).collect();
    codes.trim(&positions).await.unwrap();
    let id = VerificationId::from_bytes([9; 16]);
    let key = RecordKey { tenant: TenantId::from_bytes([1; 16]), mode: Mode::Live, id };
    assert!(
        codes
            .cancel(key, ActEvent { id: EventId::from_bytes([1; 16]), who: Who::System })
            .await
            .unwrap()
            .is_none()
    );
    let worker = countersign_core::id::NodeId::from_bytes([7; 16]);
    assert_eq!(codes.share(worker, 64).await.unwrap(), 0..64);
    codes.leave(worker).await.unwrap();
    let parsed = RedisUrl::parse(&url, Some(trusting(ca))).unwrap();
    RedisCodes::ask_servers(&parsed).await.unwrap();
    assert!(RedisCodes::look(&parsed, 64, Some(b"")).await.unwrap());
    // Plain connections and other commands are refused.
    let plain = try_command(&url.replace("rediss", "redis"), &redis::cmd("PING")).await;
    assert!(plain.is_err(), "it listens to TLS alone");
}

#[tokio::test]
async fn another_installation_is_refused() {
    let url = format!("{}/998", server("COUNTERSIGN_TEST_REDIS"));
    try_command(&url, &redis::cmd("FLUSHDB")).await.unwrap();
    let parsed = RedisUrl::parse(&url, None).unwrap();
    let open =
        async |identity: &[u8], partitions| RedisCodes::open(&parsed, options(identity, partitions)).await;
    let look =
        async |identity: &[u8], partitions| RedisCodes::look(&parsed, partitions, Some(identity)).await;
    assert!(!look(b"ours", 64).await.unwrap() && !look(b"othe", 32).await.unwrap(), "a look claims nothing");
    open(b"ours", 64).await.unwrap();
    open(b"ours", 64).await.unwrap();
    assert!(look(b"ours", 64).await.unwrap());
    for (identity, partitions, reason) in
        [(b"ours", 32, "with 64 partitions, not 32"), (b"othe", 64, "another key ring")]
    {
        let refused = open(identity, partitions).await.err().unwrap();
        assert!(format!("{refused:?}").contains(reason), "{refused:?}");
        let refused = look(identity, partitions).await.unwrap_err();
        assert!(format!("{refused:?}").contains(reason), "{refused:?}");
    }
}

/// Workers share all partitions, and the others take over at once what one leaves.
#[tokio::test]
async fn workers_share_all_partitions() {
    let url = format!("{}/997", server("COUNTERSIGN_TEST_REDIS"));
    try_command(&url, &redis::cmd("FLUSHDB")).await.unwrap();
    let clock = HandClock::new();
    let options = RedisOptions { clock: Some(clock.clone()), ..options(b"", 64) };
    let codes = RedisCodes::open(&RedisUrl::parse(&url, None).unwrap(), options).await.unwrap();
    let workers: Vec<_> = (1..=5).map(|n| countersign_core::id::NodeId::from_bytes([n; 16])).collect();
    for worker in &workers {
        codes.share(*worker, 64).await.unwrap();
    }
    let mut end = 0;
    for worker in &workers {
        let share = codes.share(*worker, 64).await.unwrap();
        assert_eq!(share.start, end, "no gap, and no overlap");
        assert!((12..=13).contains(&share.len()));
        end = share.end;
    }
    assert_eq!(end, 64);
    codes.leave(workers[0]).await.unwrap();
    assert_eq!(codes.share(workers[1], 64).await.unwrap(), 0..16);
    // The other workers are silent from now on.
    clock.turn(super::seconds(6));
    assert_eq!(codes.share(workers[1], 64).await.unwrap(), 0..16, "they are not dead yet");
    clock.turn(super::seconds(1));
    assert_eq!(codes.share(workers[1], 64).await.unwrap(), 0..64);
}

#[tokio::test]
async fn what_nodes_tell_arrives_in_order() {
    use countersign_core::{
        id::{KeyId, TenantId},
        snapshot::ends::{KeyEnd, Relay, TenantEnd},
        time::Timestamp,
    };
    let url = format!("{}/996", server("COUNTERSIGN_TEST_REDIS"));
    try_command(&url, &redis::cmd("FLUSHDB")).await.unwrap();
    let codes = RedisCodes::open(&RedisUrl::parse(&url, None).unwrap(), options(b"", 64)).await.unwrap();
    let end = KeyEnd { key: KeyId::from_bytes([3; 16]), version: 4, at: Timestamp::from_millis(5) };
    let tenants = vec![TenantEnd { tenant: TenantId::from_bytes([5; 16]), version: 6 }];
    let first = Relay { after: 1, up_to: 7, ends: vec![end, KeyEnd::deleted(end.key)], tenants };
    codes.relay(&first).await.unwrap();
    // Another node read the same changes, and a part of them.
    codes.relay(&Relay { up_to: 6, ..first.clone() }).await.unwrap();
    codes.relay(&first).await.unwrap();
    let told = codes.relayed("").await.unwrap().unwrap();
    assert_eq!((told.relays, told.head), (vec![first], 7));
    let only_an_end = Relay { ends: vec![end], ..Relay::default() };
    codes.relay(&only_an_end).await.unwrap();
    let told = codes.relayed(&told.mark).await.unwrap().unwrap();
    // The notices shortly before the mark come again, because the clock of a replica that took over may be
    // behind.
    assert_eq!((told.relays.last(), told.head), (Some(&only_an_end), 7));
    // Old notices go, so that many of them do not fill the server. It removes them in blocks of a hundred.
    for n in 1..=300 {
        let mut put = redis::cmd("XADD");
        put.arg(b"{cs}old").arg(n.to_string() + "-1").arg("r").arg("");
        try_command(&url, &put).await.unwrap();
    }
    let stream: Vec<Vec<u8>> =
        redis::from_redis_value(try_command(&url, redis::cmd("KEYS").arg("*")).await.unwrap()).unwrap();
    let mut relays = None;
    for name in stream {
        let kind = try_command(&url, redis::cmd("TYPE").arg(&name)).await.unwrap();
        if kind == redis::Value::SimpleString("stream".to_owned()) && name != b"{cs}old" {
            relays = Some(name);
        }
    }
    let relays = relays.unwrap();
    try_command(&url, redis::cmd("RENAME").arg(b"{cs}old").arg(&relays)).await.unwrap();
    codes.relay(&only_an_end).await.unwrap();
    let told = codes.relayed("").await.unwrap().unwrap();
    assert_eq!(told.relays.last(), Some(&only_an_end));
    let length = try_command(&url, redis::cmd("XLEN").arg(&relays)).await.unwrap();
    assert!(matches!(length, redis::Value::Int(1..=100)), "{length:?}");
}

/// A node of an older release reads only the first field of an entry, allows no further bytes in it, and
/// claims from one sorted set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_release_reads_receipts_and_sees_no_message_that_is_awaited() {
    let url = format!("{}/995", server("COUNTERSIGN_TEST_REDIS"));
    try_command(&url, &redis::cmd("FLUSHDB")).await.unwrap();
    let clock = HandClock::new();
    let options = RedisOptions { clock: Some(clock.clone()), ..options(b"", 64) };
    let codes = RedisCodes::open(&RedisUrl::parse(&url, None).unwrap(), options).await.unwrap();
    let bench = super::Bench::of(Arc::new(codes), clock.clone()).await;
    super::failover::deliver_while_awaited(&bench).await;
    let all = async |of: &str| -> Vec<Vec<u8>> {
        redis::from_redis_value(try_command(&url, redis::cmd("KEYS").arg(of)).await.unwrap()).unwrap()
    };
    assert!(all("{cs*}d").await.is_empty(), "where a former release looks");
    assert_eq!(all("{cs*}a").await.len(), 1);
    let (mut receipts, mut others) = (0, 0);
    for stream in all("{cs*}e").await {
        let entries = try_command(&url, redis::cmd("XRANGE").arg(stream).arg("-").arg("+")).await.unwrap();
        let entries: Vec<(String, Vec<Vec<u8>>)> = redis::from_redis_value(entries).unwrap();
        for (_, fields) in entries {
            let body = &fields[1][55..];
            let EventKind::Delivered { .. } = EventKind::unpack(body).unwrap() else {
                assert_eq!(fields.len(), 2);
                others += 1;
                continue;
            };
            receipts += 1;
        }
    }
    assert_eq!((receipts, others), (1, 2));
}

/// A node of the release before appends a second field to the body, and reads no third.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_release_before_reads_events_that_have_an_author() {
    let url = format!("{}/994", server("COUNTERSIGN_TEST_REDIS"));
    try_command(&url, &redis::cmd("FLUSHDB")).await.unwrap();
    let clock = HandClock::new();
    let options = RedisOptions { clock: Some(clock.clone()), ..options(b"", 64) };
    let codes = RedisCodes::open(&RedisUrl::parse(&url, None).unwrap(), options).await.unwrap();
    let bench = super::Bench::of(Arc::new(codes), clock.clone()).await;
    let (id, code) = bench.start_with_code(&super::number(1)).await;
    assert_eq!(bench.check(id, &super::wrong(&code)).await.attempts_left, 4);
    bench.cancel(id).await.unwrap();
    let mut read = Vec::new();
    let streams = try_command(&url, redis::cmd("KEYS").arg("{cs*}e")).await.unwrap();
    for stream in redis::from_redis_value::<Vec<Vec<u8>>>(streams).unwrap() {
        let entries = try_command(&url, redis::cmd("XRANGE").arg(stream).arg("-").arg("+")).await.unwrap();
        let entries: Vec<(String, Vec<Vec<u8>>)> = redis::from_redis_value(entries).unwrap();
        for (_, fields) in entries {
            let rest = fields.get(3).cloned().unwrap_or_default();
            let kind = EventKind::unpack(&[&fields[1][55..], &rest].concat()).unwrap();
            read.push((kind.name(), fields.get(5).and_then(|packed| Who::unpack(packed))));
        }
    }
    let by = Some(bench.caller.who);
    assert_eq!(read, [("started", None), ("check_wrong", by), ("canceled", by)]);
}
