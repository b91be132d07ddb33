//! SMPP accounts of a whole server, with an independent SMSC: `smpp` for Node (tests/smpp).

use crate::{
    app::{TestApp, TestKey},
    codes::{number, seconds},
    secrets::capture,
};
use countersign_core::{
    acts::receipts::{bind_message, is_known},
    delivery::account::ProviderAccount,
    id::{MessageId, ProviderId, RecordKey, VerificationId},
    management::routes::RouteChange,
    mode::Mode,
    verification::{
        receipt::{ParkedReceipt, ProviderMessage},
        status::Delivery,
    },
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// The SMSC's process. It ends with its test.
struct Smsc {
    child: Child,
    port: u64,
}

impl Drop for Smsc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Smsc {
    fn start(config: &Value) -> Self {
        let folder = std::env::var("COUNTERSIGN_TEST_SMPP_NODE");
        let folder = folder.expect("COUNTERSIGN_TEST_SMPP_NODE must be set; tests/run.sh sets it");
        let mut command = Command::new("node");
        command.arg(format!("{folder}/server.cjs")).arg(config.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        // Read the rest of its output, so that it never blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port: listening["port"].as_u64().unwrap() }
    }

    async fn account(&self, app: &TestApp, key: &TestKey, name: &str) -> ProviderAccount {
        let settings = json!({
            "host": "127.0.0.1", "port": self.port, "tls": false, "system_id": "acme", "password": "secret",
        });
        app.verified_account(key, (name, "smpp"), settings).await
    }
}

async fn app() -> (TestApp, TestKey) {
    let app = TestApp::spawn_with(|settings| {
        settings.delivery.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let key = app.tenant("Acme").await;
    (app, key)
}

async fn counted(app: &TestApp, delivery: &str) -> u64 {
    let metrics = app.client.get(format!("{}/metrics", app.operator_url)).send().await.unwrap();
    let text = metrics.text().await.unwrap();
    let line = format!("countersign_receipts_total{{delivery=\"{delivery}\"}} ");
    text.lines().find_map(|known| known.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

/// The warnings about the receipts of an account.
fn warnings(account: &str) -> Vec<Value> {
    let log = String::from_utf8(capture().lock().unwrap().clone()).unwrap();
    let lines = log.lines().filter(|line| line.contains("Receipts of an account"));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone());
    lines.filter(|fields| fields["provider.name"] == account).collect()
}

async fn wait_for(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if done().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{what}: not within 10 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_by_data_sm_saves_the_second_sms() {
    let (app, key) = app().await;
    let second = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&second).await;
    let other =
        json!({"url": second.uri(), "content_type": "json", "body": {"to": "{to}", "text": "{text}"}});
    let other = app.verified_account(&key, ("second", "http"), other).await.id;
    let order = |order| RouteChange {
        order: Some(order),
        receipt_timeout: Some(Some(seconds(20))),
        ..RouteChange::default()
    };
    app.route(&key, "second", other, order(100)).await;
    for (n, config) in [
        // Receipts with TLVs only.
        json!({"receipts": "data_tlv"}),
        // Receipts with a text in message_payload and the id in the GSM alphabet.
        json!({"receipts": "data_text", "prefix": "msg_@"}),
        // Receipts with an id in another case than the response.
        json!({"receipts": "data_text", "prefix": "Msg-", "shout": true}),
        json!({"receipts": "data_tlv", "prefix": "Msg-", "shout": true}),
    ]
    .into_iter()
    .enumerate()
    {
        let smsc = Smsc::start(&config);
        let name = format!("smsc-{n}");
        let account = smsc.account(&app, &key, &name).await;
        // The new route comes before the earlier ones.
        app.route(&key, &name, account.id, order(50 - u16::try_from(n).unwrap())).await;
        app.context.refresh().await.unwrap();
        let id = app.start(&key, &number(n)).await;
        app.wait_for(&key, &id, "delivery", "delivered").await;
        app.clock.turn(seconds(60));
        tokio::time::sleep(seconds(2)).await;
        assert_eq!(second.received_requests().await.unwrap().len(), 0, "{config}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_name_no_message_are_told_once_an_hour_with_the_right_setting() {
    capture();
    let (app, key) = app().await;
    let smsc = Smsc::start(&json!({"receipts": "text", "hex": true}));
    let account = smsc.account(&app, &key, "hexadecimal-smsc").await;
    app.route(&key, "all", account.id, RouteChange::default()).await;
    app.context.refresh().await.unwrap();
    let before = counted(&app, "unmatched").await;
    for n in 0..3 {
        let id = app.start(&key, &number(n)).await;
        app.wait_for(&key, &id, "delivery", "sent").await;
    }
    // The receipts wait, because their message might be saved a moment later.
    app.clock.turn(seconds(80));
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(warnings("hexadecimal-smsc"), Vec::<Value>::new());
    // The last receipt may have arrived after the clock was moved.
    app.clock.turn(seconds(91));
    wait_for("three are counted", async || counted(&app, "unmatched").await >= before + 3).await;
    let told = warnings("hexadecimal-smsc");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["unmatched"], &told[0]["unreadable"]), (&json!(1), &json!(0)), "{told:?}");
    assert_eq!(told[0]["hint"], "settings.id_format = \"hex_decimal\" would have matched");
    // Follow the advice of the warning.
    let change = json!({"settings": {"id_format": "hex_decimal"}});
    let path = format!("/v1/providers/{}", account.id);
    assert_eq!(app.send("PATCH", &path, Some(&key.text), Some(&change)).await.status, 200);
    app.context.refresh().await.unwrap();
    let id = app.start(&key, &number(3)).await;
    app.wait_for(&key, &id, "delivery", "delivered").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_of_a_test_message_is_no_riddle() {
    let (app, key) = app().await;
    let smsc = Smsc::start(&json!({"prefix": "Trial-"}));
    let account = smsc.account(&app, &key, "trial").await;
    let path = format!("/v1/providers/{}/test", account.id);
    let tested = app.post(&path, &key, json!({"to": "+48500500500"})).await.json();
    assert_eq!(tested["id"], "Trial-4096", "as the SMSC says it: {tested}");
    assert!(is_known(&*app.context.codes, &account, "TRIAL-4096").await.unwrap());
    assert!(!is_known(&*app.context.codes, &account, "TRIAL-4097").await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_release_before_and_this_one_find_each_others_ids() {
    let app = TestApp::spawn().await;
    let target = |byte| {
        let tenant = countersign_core::id::TenantId::from_bytes([7; 16]);
        let id = VerificationId::from_bytes([byte; 16]);
        (RecordKey { tenant, mode: Mode::Live, id }, MessageId::from_bytes([byte; 16]))
    };
    let receipt =
        ParkedReceipt { provider: "a".into(), delivery: Delivery::Delivered, code: "DELIVRD".into() };
    let theirs = |id: &str| ProviderMessage::new(ProviderId::from_bytes([1; 16]), id).unwrap();
    let codes = &app.context.codes;
    // An older release bound and parked under the id as written.
    codes.bind_provider_message(&theirs("00AB"), target(1)).await.unwrap();
    let key = app.tenant("Acme").await;
    let settings = json!({"url": "https://sms.example.com", "content_type": "json", "body": {"to": "{to}", "text": "{text}"}});
    let account = app.verified_account(&key, ("a", "http"), settings).await;
    let account = ProviderAccount { id: ProviderId::from_bytes([1; 16]), ..account };
    assert!(is_known(&*app.context.codes, &account, "00AB").await.unwrap());
    assert_eq!(codes.find_provider_message(&theirs("00AC"), Some(receipt.clone())).await.unwrap(), None);
    assert_eq!(
        bind_message(&**codes, &theirs("00AC"), target(2)).await.unwrap(),
        std::slice::from_ref(&receipt)
    );
    // The older release finds there what this release binds and parks.
    assert_eq!(codes.find_provider_message(&theirs("00AC"), None).await.unwrap(), Some(target(2)));
    for name in theirs("00AD").sought_names() {
        assert_eq!(codes.find_provider_message(&name, Some(receipt.clone())).await.unwrap(), None);
    }
    assert_eq!(codes.bind_provider_message(&theirs("00AD"), target(3)).await.unwrap(), Some(receipt));
    // An id in another case means the same message; another id does not.
    assert!(is_known(&*app.context.codes, &account, "ac").await.unwrap());
    assert!(!is_known(&*app.context.codes, &account, "00AE").await.unwrap());
}
