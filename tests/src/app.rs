//! A whole server in this process, on free ports and with its own folder.

use crate::codes::{HandClock, new_member, new_tenant, rng, seconds};
use countersign::{Application, Parts, Settings};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        allowlist::Allowlist,
        change::Change,
        key::{Key, PresentedKey},
        scope::{Scope, Scopes},
    },
    context::Context,
    mode::Mode,
    people::member::{Limits, Member},
    ports::{
        inbox::{ConsoleSwitch, Inbox, InboxMessage},
        nodes::Nodes,
        people::notices::Notices,
    },
    tenant::profile::{Policy, Profile, ProfileName},
};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A running server. It stops when this value is dropped.
pub struct TestApp {
    pub base_url: String,
    pub operator_url: String,
    pub context: Context,
    pub nodes: Arc<dyn Nodes>,
    pub notices: Arc<dyn Notices>,
    pub clock: Arc<HandClock>,
    pub inbox: Arc<dyn Inbox>,
    pub switch: Arc<ConsoleSwitch>,
    pub folder: tempfile::TempDir,
    pub client: reqwest::Client,
    stop: CancellationToken,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A tenant and one of its keys.
pub struct TestKey {
    pub caller: Actor,
    pub text: String,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The status and the code of the problem, in one value for comparison.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        (self.status, self.json()["code"].as_str().unwrap().to_owned())
    }
}

impl TestApp {
    /// A server like that of `dev`, with a clock that the test sets.
    pub async fn spawn() -> Self {
        Self::spawn_with(|_| {}).await
    }

    /// Like `spawn`, with other settings.
    pub async fn spawn_with(change: impl FnOnce(&mut Settings)) -> Self {
        // The program does this at its start; only the first call in this process counts.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (folder, clock) = (tempfile::tempdir().unwrap(), HandClock::new());
        let mut settings = Settings::embedded(folder.path()).unwrap();
        settings.server.bind = ([127, 0, 0, 1], 0).into();
        settings.server.operator_bind = ([127, 0, 0, 1], 0).into();
        settings.server.workers = 1;
        // Tests send many wrong keys from one address, and their clock does not move by itself.
        settings.server.auth_failures = NonZeroU32::new(10_000).unwrap();
        change(&mut settings);
        let parts = Parts { clock: clock.clone(), dev: true, ..Parts::new(settings) };
        let application = Application::build(parts).await.unwrap();
        let stop = CancellationToken::new();
        let app = Self {
            base_url: application.base_url(),
            operator_url: application.operator_url(),
            context: application.context.clone(),
            nodes: application.nodes.clone(),
            notices: application.outbox.clone(),
            clock,
            inbox: application.inbox.clone().unwrap(),
            switch: application.switch.clone(),
            folder,
            client: reqwest::Client::builder().no_proxy().timeout(seconds(30)).build().unwrap(),
            stop: stop.clone(),
        };
        tokio::spawn(application.run(stop));
        app
    }

    /// Stops the server, as a signal does.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Creates the tenant `name` with a key that has all scopes.
    pub async fn tenant(&self, name: &str) -> TestKey {
        let caller = new_tenant(&self.context, &self.clock, name).await;
        self.key_for(&caller, Mode::Live, Scopes::all()).await
    }

    /// Creates another key of the same tenant.
    pub async fn key_for(&self, caller: &Actor, mode: Mode, scopes: Scopes) -> TestKey {
        self.key_within(caller, mode, scopes, Allowlist::default()).await
    }

    /// Creates a key that is accepted only from these addresses, or from all if there are none.
    pub async fn key_within(
        &self,
        caller: &Actor,
        mode: Mode,
        scopes: Scopes,
        allowlist: Allowlist,
    ) -> TestKey {
        let now = countersign_core::ports::clock::Clock::now(&*self.clock);
        let mut rng = rng();
        let id = countersign_core::id::KeyId::new(now, &mut rng);
        let presented = PresentedKey::generate(mode, id, &mut rng);
        let key = Key { allowlist, ..Key::new(&presented, caller.tenant, "test".into(), scopes, now) };
        self.context
            .directory
            .create_key(&key, None, None, &[], &Change::by_system(key.created_at))
            .await
            .unwrap();
        self.context.refresh().await.unwrap();
        let caller = Actor { who: Who::Key(id), mode, grants: scopes, ..caller.clone() };
        TestKey { caller, text: presented.expose().to_string() }
    }

    /// Creates a member of the tenant, and a key of it with all scopes that the member has.
    pub async fn key_of_member(&self, caller: &Actor, limits: Limits) -> (Member, TestKey) {
        let now = countersign_core::ports::clock::Clock::now(&*self.clock);
        let (member, mut rng) = (new_member(&self.context, caller.tenant, limits, now).await, rng());
        let (id, scopes) = (countersign_core::id::KeyId::new(now, &mut rng), member.limits.permissions);
        let presented = PresentedKey::generate(Mode::Live, id, &mut rng);
        let key = Key::new(&presented, caller.tenant, "test".into(), scopes, now);
        let key = Key { member: Some(member.id), ..key };
        self.context.directory.create_key(&key, None, None, &[], &Change::by_system(now)).await.unwrap();
        self.context.refresh().await.unwrap();
        let caller = Actor { who: Who::Key(id), member: Some(member.id), grants: scopes, ..caller.clone() };
        (member, TestKey { caller, text: presented.expose().to_string() })
    }

    /// Changes the limits of a member.
    pub async fn set_limits(&self, member: &mut Member, limits: Limits) {
        let changed = Member { limits, version: member.version + 1, ..member.clone() };
        let by = Change::by_system(member.created_at);
        self.context.directory.update_member((member, &changed), None, &[], &by).await.unwrap();
        self.context.refresh().await.unwrap();
        *member = changed;
    }

    pub async fn key_with(&self, caller: &Actor, scope: Scope) -> TestKey {
        self.key_for(caller, Mode::Live, [scope].into_iter().collect()).await
    }

    pub async fn set_policy(&self, caller: &Actor, policy: Policy) {
        let directory = &self.context.directory;
        let name = ProfileName::default();
        let old = directory.profile(caller.tenant, &name).await.unwrap().unwrap();
        let new = Profile { policy, ..old.clone() };
        directory.replace_profile(&old, &new, &Change::by_system(old.created_at)).await.unwrap();
        self.context.refresh().await.unwrap();
    }

    pub async fn send(&self, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base_url));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request).await
    }

    pub async fn get(&self, path: &str, key: &TestKey) -> Answer {
        self.send("GET", path, Some(&key.text), None).await
    }

    pub async fn post(&self, path: &str, key: &TestKey, body: Value) -> Answer {
        self.send("POST", path, Some(&key.text), Some(&body)).await
    }

    /// Sends a POST without a body.
    pub async fn act(&self, path: &str, key: &TestKey) -> Answer {
        self.send("POST", path, Some(&key.text), None).await
    }

    /// Starts a verification and returns its id.
    pub async fn start(&self, key: &TestKey, to: &str) -> String {
        let started = self.post("/v1/verifications", key, serde_json::json!({ "to": to })).await;
        assert_eq!(started.status, StatusCode::CREATED.as_u16(), "{started:?}");
        started.json()["id"].as_str().unwrap().to_owned()
    }

    /// The newest message of a verification, once the worker has sent it.
    pub async fn message(&self, id: &str) -> InboxMessage {
        self.messages(id, 1).await.remove(0)
    }

    /// The messages of a verification, newest first, once there are `count`.
    pub async fn messages(&self, id: &str, count: usize) -> Vec<InboxMessage> {
        for _ in 0..300 {
            let all = self.inbox.list(None, 10_000).await.unwrap();
            let own: Vec<_> = all.into_iter().filter(|m| m.verification.to_string() == id).collect();
            if own.len() >= count {
                return own;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id}: no {count} messages in 6 s");
    }

    /// Waits until a field of the verification has a value.
    pub async fn wait_for(&self, key: &TestKey, id: &str, field: &str, value: &str) -> Value {
        for _ in 0..300 {
            let verification = self.get(&format!("/v1/verifications/{id}"), key).await.json();
            if verification[field] == value {
                return verification;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id}: {field} is not {value} after 6 s");
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}
