//! The messages that endpoints get, and their times.

use super::{
    Place,
    verify::{received, verify},
};
use crate::{
    codes::{rng, seconds},
    directory::Base,
};
use anyhow::Result;
use async_trait::async_trait;
use countersign_core::{
    access::change::Change,
    context::{Context, Management, Replica},
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    management::webhooks::{WebhookChange, ping_webhook, redeliver_message, rotate_webhook, update_webhook},
    mode::Mode,
    ports::{
        clock::Clock,
        error::StoreError,
        webhooks::{
            KeptBounds, Retained, Settled, WebhookAttempt, WebhookClaim, WebhookMessage, WebhookOutbox,
            WebhookSettlement,
        },
    },
    tenant::TenantChange,
    time::Timestamp,
    webhook::{DisabledReason, Webhook, schedule::WAITS},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

pub async fn endpoint(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

async fn of(place: &Place, server: &MockServer) -> Result<Webhook> {
    Ok(place.webhook("one", &server.uri(), Mode::Live).await?.0)
}

pub async fn a_failing_endpoint_is_tried_by_the_schedule(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(500).set_body_string("the words of the endpoint")).await;
    let (webhook, sender) = (of(&place, &server).await?, place.sender());
    let queued = place.queue(&webhook, 1).await?;
    assert_eq!(sender.run_once().await?, 1, "the first try is made at once");
    for (n, wait) in WAITS.into_iter().enumerate().skip(1) {
        place.clock.turn(wait - seconds(1));
        assert_eq!(sender.run_once().await?, 0, "before try {}", n + 1);
        // Jitter adds up to a tenth.
        place.clock.turn(wait / 10 + seconds(1));
        assert_eq!(sender.run_once().await?, 1, "try {}", n + 1);
    }
    place.clock.turn(seconds(30 * 86_400));
    assert_eq!(sender.run_once().await?, 0, "ten are all");
    let ids: BTreeSet<_> = requests(&server)
        .await
        .iter()
        .map(|one| received(one)["headers"]["webhook-id"].to_string())
        .collect();
    assert_eq!(ids, [format!("\"{}\"", queued[0])].into(), "each try bears the same id");
    let log = place.log(&webhook).await?;
    assert_eq!(log.len(), WAITS.len());
    for attempt in &log {
        assert_eq!((attempt.status_code, attempt.reason.as_deref()), (Some(500), Some("status 500")));
    }
    assert!(place.now(&webhook).await?.enabled, "three days are no five");
    // On request the schedule starts again, with the same id.
    server.reset().await;
    Mock::given(wiremock::matchers::any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    redeliver_message(&place.context, &place.caller, webhook.id, queued[0], place.clock.now()).await?;
    assert_eq!(sender.run_once().await?, 1);
    assert_eq!(received(&requests(&server).await[0])["headers"]["webhook-id"], queued[0].to_string());
    assert_eq!(place.log(&webhook).await?.last().unwrap().reason, None);
    Ok(())
}

pub async fn an_endpoint_that_is_gone_is_disabled(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(410)).await;
    let (webhook, sender) = (of(&place, &server).await?, place.sender());
    place.queue(&webhook, 1).await?;
    sender.run_once().await?;
    let now = place.now(&webhook).await?;
    assert_eq!((now.enabled, now.disabled_reason), (false, Some(DisabledReason::Gone)));
    place.queue(&webhook, 3).await?;
    place.clock.turn(seconds(3_600));
    assert_eq!(sender.run_once().await?, 0, "what waits is not sent");
    assert_eq!(place.log(&webhook).await?.len(), 1);
    let change = WebhookChange { enabled: Some(true), ..WebhookChange::default() };
    let again = update_webhook(
        &place.context,
        &place.caller,
        webhook.id,
        change,
        &Change::by_system(place.clock.now()),
    )
    .await?;
    assert_eq!((again.enabled, again.disabled_reason), (true, None));
    place.context.refresh().await?;
    assert_eq!(sender.run_once().await?, 0, "what happened meanwhile is not told");
    Ok(())
}

pub async fn an_endpoint_may_ask_for_time(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(503).insert_header("Retry-After", "120")).await;
    let (webhook, sender) = (of(&place, &server).await?, place.sender());
    place.queue(&webhook, 1).await?;
    sender.run_once().await?;
    place.clock.turn(seconds(119));
    assert_eq!(sender.run_once().await?, 0);
    place.clock.turn(seconds(1));
    assert_eq!(sender.run_once().await?, 1);
    Ok(())
}

pub async fn a_redirect_is_a_failure_and_leads_nowhere(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = MockServer::start().await;
    let to = format!("{}/elsewhere", server.uri());
    let moved = ResponseTemplate::new(307).insert_header("Location", to.as_str());
    Mock::given(path("/hook")).respond_with(moved).mount(&server).await;
    let elsewhere = Mock::given(path("/elsewhere")).respond_with(ResponseTemplate::new(200));
    elsewhere.expect(0).mount(&server).await;
    let (webhook, _) = place.webhook("one", &format!("{}/hook", server.uri()), Mode::Live).await?;
    place.queue(&webhook, 1).await?;
    place.sender().run_once().await?;
    let log = place.log(&webhook).await?;
    assert_eq!(
        (log[0].status_code, log[0].reason.as_deref()),
        (Some(307), Some("redirects are not followed"))
    );
    Ok(())
}

pub async fn five_days_of_nothing_but_failure_disable(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(500)).await;
    let (webhook, sender) = (of(&place, &server).await?, place.sender());
    for day in 0..5 {
        place.queue(&webhook, 1).await?;
        sender.run_once().await?;
        assert!(place.now(&webhook).await?.enabled, "day {day}");
        place.clock.turn(seconds(86_400));
    }
    place.queue(&webhook, 1).await?;
    sender.run_once().await?;
    let now = place.now(&webhook).await?;
    assert_eq!((now.enabled, now.disabled_reason), (false, Some(DisabledReason::Failing)));
    // A webhook that is enabled again has five days, whatever happened before.
    let change = WebhookChange { enabled: Some(true), ..WebhookChange::default() };
    update_webhook(&place.context, &place.caller, webhook.id, change, &Change::by_system(place.clock.now()))
        .await?;
    place.context.refresh().await?;
    place.queue(&webhook, 1).await?;
    assert_eq!(sender.run_once().await?, 1);
    assert!(place.now(&webhook).await?.enabled);
    Ok(())
}

pub async fn two_failures_days_apart_and_pings_say_little(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(500)).await;
    let (webhook, sender) = (of(&place, &server).await?, place.sender());
    let ping = async || ping_webhook(&place.context, &place.caller, webhook.id, place.clock.now()).await;
    place.queue(&webhook, 1).await?;
    sender.run_once().await?;
    place.clock.turn(seconds(6 * 86_400));
    for _ in 0..12 {
        ping().await?;
        sender.run_once().await?;
        place.clock.turn(seconds(1));
    }
    assert!(place.now(&webhook).await?.enabled, "twelve pings and two tries");
    // There are ten failures, which would be enough, but they are those of another URL.
    let change = WebhookChange { url: Some(format!("{}/new", server.uri())), ..WebhookChange::default() };
    update_webhook(&place.context, &place.caller, webhook.id, change, &Change::by_system(place.clock.now()))
        .await?;
    place.context.refresh().await?;
    place.queue(&webhook, 12).await?;
    sender.run_once().await?;
    assert!(place.now(&webhook).await?.enabled);
    place.clock.turn(seconds(5 * 86_400));
    sender.run_once().await?;
    assert!(!place.now(&webhook).await?.enabled, "five days and more than ten failures");
    Ok(())
}

pub async fn the_youngest_has_its_turn_before_the_oldest_has_a_second_one(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(200)).await;
    for name in ["a", "b", "c", "d"] {
        let (webhook, _) = place.webhook(name, &format!("{}/{name}", server.uri()), Mode::Live).await?;
        place.queue(&webhook, 9).await?;
        place.clock.turn(seconds(1));
    }
    assert_eq!(place.sender_of(place.context.clone(), 1).run_once().await?, 36);
    let paths: Vec<_> = requests(&server).await.iter().map(|one| one.url.path()[1..].to_owned()).collect();
    assert_eq!(paths.concat(), "abcd".repeat(9));
    Ok(())
}

pub async fn what_came_after_it_was_enabled_again_is_told_by_any_node(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(200)).await;
    let webhook = of(&place, &server).await?;
    let change = |enabled| WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
    let update = async |enabled| {
        update_webhook(
            &place.context,
            &place.caller,
            webhook.id,
            change(enabled),
            &Change::by_system(place.clock.now()),
        )
        .await
    };
    update(false).await?;
    // A node whose copy is not refreshed any more.
    let replica = Replica { snapshot: Arc::default(), ..place.context.replica.clone() };
    let management = Management { replica, ..place.context.management.clone() };
    let behind = Context { management, ..place.context.clone() };
    behind.refresh().await?;
    update(true).await?;
    let queued = place.queue(&webhook, 1).await?;
    assert_eq!(place.sender_of(behind, 32).run_once().await?, 0);
    assert_eq!(place.sender().run_once().await?, 1);
    assert_eq!(received(&requests(&server).await[0])["headers"]["webhook-id"], queued[0].to_string());
    Ok(())
}

pub async fn both_secrets_sign_while_they_overlap(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(200)).await;
    let (webhook, old) = place.webhook("one", &server.uri(), Mode::Live).await?;
    let sender = place.sender();
    place.queue(&webhook, 1).await?;
    sender.run_once().await?;
    let now = place.clock.now();
    let rotated = rotate_webhook(
        &place.context,
        &place.caller,
        webhook.id,
        seconds(3_600),
        &Change::by_system(now),
        &mut rng(),
    )
    .await;
    let (_, new) = rotated?;
    place.context.refresh().await?;
    place.queue(&webhook, 1).await?;
    sender.run_once().await?;
    place.clock.turn(seconds(3_600));
    place.queue(&webhook, 1).await?;
    sender.run_once().await?;
    let all = requests(&server).await;
    let ok = |secret: &str| verify(secret, &all).into_iter().map(|answer| answer == "ok").collect::<Vec<_>>();
    assert_eq!(ok(old.expose()), [true, true, false]);
    assert_eq!(ok(new.expose()), [false, true, true]);
    let signatures: Vec<_> = all
        .iter()
        .map(|one| received(one)["headers"]["webhook-signature"].as_str().unwrap().split(' ').count())
        .collect();
    assert_eq!(signatures, [1, 2, 1]);
    // A body that was changed on its way fails the verification.
    let mut forged = all[0].clone();
    forged.body.push(b' ');
    assert_ne!(verify(old.expose(), &[forged]), ["ok"]);
    Ok(())
}

/// An outbox that once loses the result of an attempt, as a crash does.
struct Crashes(Arc<dyn WebhookOutbox>, AtomicBool);

#[async_trait]
impl WebhookOutbox for Crashes {
    async fn due(
        &self,
        after: Option<WebhookId>,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<WebhookId>, StoreError> {
        self.0.due(after, now, limit).await
    }
    async fn claim(
        &self,
        webhook: WebhookId,
        times: (Timestamp, Timestamp),
        limit: u16,
    ) -> Result<Vec<WebhookClaim>, StoreError> {
        self.0.claim(webhook, times, limit).await
    }
    async fn settle(
        &self,
        claim: &WebhookClaim,
        settlement: &WebhookSettlement,
    ) -> Result<Settled, StoreError> {
        if self.1.swap(false, Ordering::SeqCst) {
            return Err(StoreError::unavailable("the process died"));
        }
        self.0.settle(claim, settlement).await
    }

    async fn add(&self, _: &[WebhookMessage]) -> Result<(), StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn end_tries(&self, _: WebhookId, _: u16) -> Result<u64, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn failures(&self, _: WebhookId, _: Timestamp, _: u16) -> Result<u64, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn redeliver(
        &self,
        _: TenantId,
        _: WebhookId,
        _: WebhookMessageId,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn list_attempts(
        &self,
        _: TenantId,
        _: WebhookId,
        _: Option<AttemptId>,
        _: u16,
    ) -> Result<Vec<WebhookAttempt>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn forget(&self, _: TenantId, _: WebhookId, _: u16) -> Result<bool, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn known(&self, _: Option<WebhookId>, _: u16) -> Result<Vec<(TenantId, WebhookId)>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn retain(&self, _: WebhookId, _: &KeptBounds, _: u16) -> Result<Retained, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }
}

pub async fn a_crash_between_sending_and_noting_sends_again_under_the_same_id(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(200)).await;
    let webhook = of(&place, &server).await?;
    let queued = place.queue(&webhook, 1).await?;
    let crashes = Crashes(Arc::clone(&place.context.webhooks), AtomicBool::new(true));
    let sender = place.sender_on(Arc::new(crashes));
    assert_eq!(sender.run_once().await?, 1);
    assert_eq!(sender.run_once().await?, 0, "it is still held");
    assert!(place.log(&webhook).await?.is_empty());
    place.clock.turn(seconds(61));
    assert_eq!(place.sender().run_once().await?, 1);
    place.clock.turn(seconds(86_400));
    assert_eq!(place.sender().run_once().await?, 0);
    let all = requests(&server).await;
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|one| received(one)["headers"]["webhook-id"] == queued[0].to_string()));
    assert_eq!(place.log(&webhook).await?.len(), 1);
    Ok(())
}

pub async fn an_address_inside_is_never_called(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    for (n, url) in ["http://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "ftp://127.0.0.1/"]
        .iter()
        .enumerate()
    {
        let (webhook, _) = place.webhook(&format!("n{n}"), url, Mode::Live).await?;
        place.queue(&webhook, 1).await?;
        assert_eq!(place.sender().run_once().await?, 1);
        let log = place.log(&webhook).await?;
        assert_eq!(log[0].status_code, None);
        let reason = log[0].reason.as_deref().unwrap();
        // The reason is the same as for an address on which nobody listens.
        assert!(reason == "connection failed" || reason.contains("valid https URL"), "{url}: {reason}");
    }
    Ok(())
}

pub async fn two_workers_send_each_message_once(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(200)).await;
    let webhook = of(&place, &server).await?;
    place.queue(&webhook, 80).await?;
    let (one, two) = (place.sender(), place.sender());
    let (one, two) = tokio::join!(one.run_once(), two.run_once());
    assert_eq!(one? + two?, 80);
    let ids: Vec<_> = requests(&server)
        .await
        .iter()
        .map(|one| received(one)["headers"]["webhook-id"].to_string())
        .collect();
    assert_eq!((ids.len(), ids.into_iter().collect::<BTreeSet<_>>().len()), (80, 80));
    assert_eq!(place.log(&webhook).await?.len(), 80);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_endpoint_stalls_no_other() -> Result<()> {
    let base = Base::sqlite()?;
    base.sql.migrate().await?;
    let place = Place::new(&base).await?;
    let slow = endpoint(ResponseTemplate::new(200).set_delay(seconds(4))).await;
    let fast = endpoint(ResponseTemplate::new(200)).await;
    // More slow webhooks than there would be slots for, if each could have as many as others.
    for n in 0..5 {
        let (webhook, _) = place.webhook(&format!("slow{n}"), &slow.uri(), Mode::Live).await?;
        place.queue(&webhook, 20).await?;
    }
    let (webhook, _) = place.webhook("fast", &fast.uri(), Mode::Live).await?;
    let (stop, sender) = (CancellationToken::new(), place.sender());
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { sender.run(stop).await }
    });
    // By now the slow webhooks use all the slots that they may have.
    tokio::time::sleep(Duration::from_millis(300)).await;
    place.queue(&webhook, 40).await?;
    let began = std::time::Instant::now();
    while place.log(&webhook).await?.len() < 40 {
        assert!(began.elapsed() < seconds(3), "the fast one waits for the slow ones");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await?;
    Ok(())
}

pub async fn nothing_is_told_for_a_disabled_tenant_until_it_is_enabled(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let server = endpoint(ResponseTemplate::new(204)).await;
    let (webhook, sender) = (of(&place, &server).await?, place.sender());
    place.queue(&webhook, 2).await?;
    let change = async |change| -> Result<()> {
        place
            .context
            .directory
            .update_tenant(crate::history::TENANT, &change, &Change::by_system(place.clock.now()))
            .await?;
        Ok(place.context.refresh().await?)
    };
    change(TenantChange::Disable).await?;
    assert_eq!(sender.run_once().await?, 0);
    place.clock.turn(seconds(86_400));
    place.queue(&webhook, 1).await?;
    assert_eq!(sender.run_once().await?, 0);
    assert_eq!(requests(&server).await.len(), 0);
    change(TenantChange::Enable).await?;
    assert_eq!(sender.run_once().await?, 3, "what waited and is kept");
    assert_eq!(requests(&server).await.len(), 3);
    Ok(())
}
