//! The scenarios that CAMARA publishes with version 1.1.1. docs/camara.md lists each with its outcome, and
//! this test compares that list with the real outcomes.

use super::{SEND, VALIDATE, refusal, start};
use crate::{
    app::{Answer, TestApp, TestKey, answer},
    codes::{rng, seconds},
    compatible::{client, wrong},
};
use countersign_core::{
    access::{
        change::Change,
        key::{Key, PresentedKey},
        scope::Scope,
    },
    id::KeyId,
    mode::Mode,
    ports::clock::Clock as _,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CORRELATOR: &str = "b4333c46-49c0-4f62-80d7-f0ef930f1c46";

/// A request and its token: none, a valid one or an invalid one.
struct Ask<'a> {
    path: &'static str,
    token: Option<&'a str>,
    body: Option<Value>,
    correlator: bool,
}

struct Walk {
    app: TestApp,
    key: TestKey,
    tester: TestKey,
    expired: String,
    outcomes: BTreeMap<&'static str, String>,
    numbers: u32,
}

impl Walk {
    async fn new() -> Self {
        let app = TestApp::spawn().await;
        let (owner, key) = start(&app).await;
        let tester = client(&app, &owner.caller, Mode::Test, &[Scope::CompatCamara]).await;
        let now = app.clock.now();
        let presented = PresentedKey::generate(Mode::Live, KeyId::new(now, &mut rng()), &mut rng());
        let scopes = [Scope::CompatCamara].into_iter().collect();
        let key_of = Key::new(&presented, owner.caller.tenant, "expired".into(), scopes, now);
        let ended = Key { expires_at: Some(now), ..key_of };
        app.context
            .directory
            .create_key(&ended, None, None, &[], &Change::by_system(ended.created_at))
            .await
            .unwrap();
        app.context.refresh().await.unwrap();
        let expired = presented.expose().to_string();
        Self { app, key, tester, expired, outcomes: BTreeMap::new(), numbers: 0 }
    }

    /// A new phone number for each scenario.
    fn number(&mut self) -> String {
        self.numbers += 1;
        format!("+485005{:05}", self.numbers)
    }

    async fn ask(&self, ask: Ask<'_>) -> Answer {
        let url = format!("{}{}", self.app.base_url, ask.path);
        let mut request = self.app.client.post(url).header("content-type", "application/json");
        if let Some(token) = ask.token {
            request = request.bearer_auth(token);
        }
        if ask.correlator {
            request = request.header("x-correlator", CORRELATOR);
        }
        let answer = answer(request.body(ask.body.map(|body| body.to_string()).unwrap_or_default())).await;
        let expected = if ask.correlator { CORRELATOR } else { "" };
        assert_eq!(answer.header("x-correlator"), expected, "{answer:?}");
        answer
    }

    async fn post(&self, path: &'static str, body: impl Into<Option<Value>>) -> Answer {
        let (token, body) = (Some(self.key.text.as_str()), body.into());
        self.ask(Ask { path, token, body, correlator: true }).await
    }

    async fn send(&self, to: &str, message: &str) -> Answer {
        self.post(SEND, json!({ "phoneNumber": to, "message": message })).await
    }

    /// Sends a code. Returns its id, and the code that arrived.
    async fn sent(&self, to: &str) -> (String, String) {
        let sent = self.send(to, "{{code}} is your code").await;
        assert_eq!(sent.status, 200, "{sent:?}");
        let id = sent.json()["authenticationId"].as_str().unwrap().to_owned();
        let code = self.app.message(&id).await.code;
        (id, code)
    }

    async fn validate(&self, id: &str, code: &str) -> Answer {
        self.post(VALIDATE, json!({ "authenticationId": id, "code": code })).await
    }

    /// Records the outcome of a scenario: the status, and the code of a refusal.
    fn note(&mut self, scenario: &'static str, answer: &Answer) {
        let outcome = match answer.status {
            200 => {
                assert_eq!(answer.header("content-type"), "application/json");
                let body = answer.json();
                assert_eq!(super::names(&body), ["authenticationId"]);
                "200".to_owned()
            }
            204 => {
                assert_eq!(answer.text, "");
                "204".to_owned()
            }
            _ => {
                let (status, code) = refusal(answer);
                format!("{status} {code}")
            }
        };
        assert!(self.outcomes.insert(scenario, outcome).is_none(), "{scenario} twice");
    }

    async fn send_code(&mut self) {
        let message = "{{code}} is your code";
        let to = self.number();
        let answer = self.send(&to, message).await;
        self.note("send-code 01", &answer);
        let (token, body) =
            (self.key.text.clone(), json!({ "phoneNumber": self.number(), "message": message }));
        let plain = Ask { path: SEND, token: Some(&token), body: Some(body), correlator: false };
        let answer = self.ask(plain).await;
        self.note("send-code 02", &answer);
        let body = |to: &str, message: Value| json!({ "phoneNumber": to, "message": message });
        for (scenario, wrong) in [
            ("send-code 400.1", None),
            ("send-code 400.2", Some(json!({}))),
            ("send-code 400.3", Some(body("3301", message.into()))),
            ("send-code 400.4", Some(body(&to, Value::Null))),
            ("send-code 400.5", Some(body(&to, "message without code".into()))),
            ("send-code 400.6", Some(body(&to, format!("{{{{code}}}}{}", "x".repeat(153)).into()))),
        ] {
            let answer = self.post(SEND, wrong).await;
            self.note(scenario, &answer);
        }
        self.tokens(
            SEND,
            body(&to, message.into()),
            ["send-code 401.1", "send-code 401.2", "send-code 401.3"],
        )
        .await;
        let often = self.number();
        for _ in 0..5 {
            assert_eq!(self.send(&often, message).await.status, 200);
        }
        for (scenario, to) in [
            ("send-code 403.1", often.as_str()),
            ("send-code 403.2", "+48800123456"),
            ("send-code 403.3", "+48226940000"),
            ("send-code 404.1", "+33612345678"),
        ] {
            let answer = self.send(to, message).await;
            self.note(scenario, &answer);
        }
        let (token, body) = (self.tester.text.clone(), body("+15005550004", message.into()));
        let blocked = Ask { path: SEND, token: Some(&token), body: Some(body), correlator: true };
        let answer = self.ask(blocked).await;
        self.note("send-code 403.4", &answer);
    }

    /// Runs three scenarios: no token, an expired token, and a token that is not ours.
    async fn tokens(&mut self, path: &'static str, body: Value, scenarios: [&'static str; 3]) {
        let tokens = [None, Some(self.expired.clone()), Some("cs_live_nothing".to_owned())];
        for (scenario, token) in scenarios.into_iter().zip(tokens) {
            let ask = Ask { path, token: token.as_deref(), body: Some(body.clone()), correlator: true };
            let answer = self.ask(ask).await;
            self.note(scenario, &answer);
        }
    }

    async fn validate_code(&mut self) {
        let to = self.number();
        let (id, code) = self.sent(&to).await;
        let answer = self.validate(&id, &code).await;
        self.note("validate-code 01", &answer);
        // This code has no tries left.
        let answer = self.validate(&id, &code).await;
        self.note("validate-code 400.8", &answer);
        let to = self.number();
        let (id, code) = self.sent(&to).await;
        let body = |id: Value, code: Value| json!({ "authenticationId": id, "code": code });
        for (scenario, wrong) in [
            ("validate-code 400.1", None),
            ("validate-code 400.2", Some(json!({}))),
            ("validate-code 400.3", Some(body(Value::Null, code.as_str().into()))),
            ("validate-code 400.10", Some(body(id.as_str().into(), Value::Null))),
            ("validate-code 400.4", Some(body(id.as_str().into(), "thisCodeExceedsTenCharacters".into()))),
            ("validate-code 400.5", Some(body(id.as_str().into(), wrong(&code).into()))),
            ("validate-code 404", Some(body("no-such-id".into(), code.as_str().into()))),
        ] {
            let answer = self.post(VALIDATE, wrong).await;
            self.note(scenario, &answer);
        }
        let good = body(id.as_str().into(), code.as_str().into());
        let names = ["validate-code 401.1", "validate-code 401.2", "validate-code 401.3"];
        self.tokens(VALIDATE, good.clone(), names).await;
        let token = self.key.text.clone();
        let plain = Ask { path: VALIDATE, token: Some(&token), body: Some(good), correlator: false };
        let answer = self.ask(plain).await;
        self.note("validate-code 02", &answer);
        self.ends().await;
    }

    async fn ends(&mut self) {
        let to = self.number();
        let (first, code) = self.sent(&to).await;
        self.sent(&to).await;
        let answer = self.validate(&first, &code).await;
        self.note("validate-code 400.7", &answer);
        let to = self.number();
        let (id, code) = self.sent(&to).await;
        for _ in 0..4 {
            assert_eq!(refusal(&self.validate(&id, &wrong(&code)).await), (400, "INVALID_OTP".to_owned()));
        }
        let answer = self.validate(&id, &wrong(&code)).await;
        self.note("validate-code 400.9", &answer);
        let to = self.number();
        let (id, code) = self.sent(&to).await;
        self.app.clock.turn(seconds(300));
        let answer = self.validate(&id, &code).await;
        self.note("validate-code 400.6", &answer);
    }
}

/// The scenario and the outcome of each row of the list in docs/camara.md.
fn documented() -> BTreeMap<&'static str, String> {
    let docs = include_str!("../../../../docs/camara.md");
    let (_, list) = docs.split_once("## CAMARA's own scenarios").unwrap();
    let rows =
        list.lines().filter(|line| line.starts_with("| send-code") || line.starts_with("| validate-code"));
    let rows = rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [scenario, _, outcome] = cells.as_slice() else { panic!("{row}") };
        (*scenario, outcome.replace('`', ""))
    });
    rows.collect()
}

#[tokio::test]
async fn each_published_scenario_comes_to_what_the_docs_say() {
    let mut walk = Walk::new().await;
    walk.send_code().await;
    walk.validate_code().await;
    assert_eq!(walk.outcomes.len(), 16 + 16);
    assert_eq!(walk.outcomes, documented());
}
