//! Providers, senders, routes and templates over HTTP.

mod providers;
mod routes;
mod texts;

use crate::{
    app::{TestApp, TestKey},
    codes::rng,
};
use countersign_core::{
    access::change::Change,
    delivery::account::{ProviderAccount, Shared},
    id::{ProviderId, TenantId},
    management::{
        providers::{NewProvider, create_provider},
        resources::ResourceName,
        routes::{RouteChange, create_route},
    },
    ports::clock::Clock as _,
    tenant::OPERATOR,
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

/// A secret that the tests search for wherever no secret may appear.
pub const TOKEN: &str = "tok-5b1f0c3e9d7a";

/// A provider on this machine that accepts every message.
pub async fn gateway() -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "id": "p-1" }));
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

/// The settings of an account at this provider.
pub fn settings(url: &str) -> Value {
    json!({
        "url": format!("{url}/sms"),
        "headers": { "Authorization": "Bearer {secret.token}" },
        "secrets": { "token": TOKEN },
        "content_type": "json",
        "body": { "to": "{to}", "from": "{from}", "text": "{text}" },
        "answer": { "id": "/id" },
    })
}

impl TestApp {
    /// A server that allows providers on this machine.
    pub async fn spawn_with_gateways() -> Self {
        Self::spawn_with(|settings| {
            settings.delivery.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await
    }

    /// An untested account, at an address to which nothing is sent.
    pub async fn provider(&self, key: &TestKey, name: &str) -> String {
        let body = json!({ "name": name, "kind": "http", "settings": settings("https://sms.example") });
        let made = self.post("/v1/providers", key, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// An account that the directory stores as tested.
    pub async fn verified_provider(&self, key: &TestKey, name: &str) -> String {
        let settings = settings("https://sms.example");
        self.verified_account(key, (name, "http"), settings).await.id.to_string()
    }

    /// An account of any kind that the directory stores as tested.
    pub async fn verified_account(
        &self,
        key: &TestKey,
        (name, kind): (&str, &str),
        settings: Value,
    ) -> ProviderAccount {
        self.make_account(key.caller.tenant, (name, kind), settings, Shared::No).await
    }

    /// Such an account of the operator, for all tenants.
    pub async fn shared_account(&self, name: &str, settings: Value) -> ProviderAccount {
        self.make_account(OPERATOR, (name, "http"), settings, Shared::All).await
    }

    async fn make_account(
        &self,
        tenant: TenantId,
        (name, kind): (&str, &str),
        settings: Value,
        shared: Shared,
    ) -> ProviderAccount {
        let (now, name) = (self.clock.now(), ResourceName::parse(name).unwrap());
        let new = NewProvider { name, kind: kind.to_owned(), settings, rate: None, shared };
        let made = create_provider(&self.context, tenant, new, None, &Change::by_system(now), &mut rng())
            .await
            .unwrap()
            .value;
        let verified = ProviderAccount { verified_at: Some(now), version: made.version + 1, ..made };
        self.context
            .directory
            .update_resource(
                &verified.resource(now),
                &[],
                &Change::by_system(verified.resource(now).updated_at),
            )
            .await
            .unwrap();
        self.context.refresh().await.unwrap();
        verified
    }

    /// A delivery route through an account.
    pub async fn route(&self, key: &TestKey, name: &str, provider: ProviderId, change: RouteChange) {
        let (now, name) = (self.clock.now(), ResourceName::parse(name).unwrap());
        let route = (name, provider);
        create_route(
            &self.context,
            key.caller.tenant,
            route,
            change,
            None,
            &Change::by_system(now),
            &mut rng(),
        )
        .await
        .unwrap();
    }

    async fn patch(&self, path: &str, key: &TestKey, body: Value) -> crate::app::Answer {
        self.send("PATCH", path, Some(&key.text), Some(&body)).await
    }

    async fn delete(&self, path: &str, key: &TestKey) -> crate::app::Answer {
        self.send("DELETE", path, Some(&key.text), None).await
    }
}

/// The fields that an answer reports as wrong.
fn fields(answer: &crate::app::Answer) -> Vec<String> {
    assert_eq!(answer.problem(), (400, "invalid_request".into()), "{answer:?}");
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// The requests that the provider got.
async fn asked(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}
