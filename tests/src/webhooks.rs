//! Webhooks: the outbox on each engine, the messages and their times, and everything over HTTP. The library
//! of Standard Webhooks verifies the signatures.

mod http;
mod outbox;
mod sending;
mod statements;
mod verify;

use crate::{
    codes::{HandClock, keyring, rng},
    directory::Base,
    history::{PROFILE, TENANT},
};
use anyhow::Result;
use async_trait::async_trait;
use countersign_core::{
    access::{
        actor::{Actor, Who},
        allowlist::Allowlist,
        change::Change,
        scope::Scopes,
        share::Share,
    },
    context::{Context, Management, Replica},
    fakes::codes::{WithoutEventLog, WithoutOutbox, WithoutPeers, WithoutVerifications},
    id::{KeyId, WebhookId, WebhookMessageId},
    mode::Mode,
    phone::countries::Countries,
    ports::{
        clock::Clock,
        codes::Codes,
        error::StoreError,
        webhooks::{WebhookAttempt, WebhookMessage, WebhookOutbox},
    },
    tenant::{Tenant, TenantName, profile::Profile},
    webhook::{Webhook, secret::WebhookSecrets},
};
use countersign_delivery::{Accounts, AddressPolicy, Outbound, WebhookSettings, Webhooks, providers::Means};
use countersign_stores::{directory::SqlDirectory, history::SqlHistory, webhooks::SqlWebhooks};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::sync::mpsc;

crate::directory::on_each_engine!(
    outbox::an_event_is_told_once_although_its_batch_is_repeated,
    outbox::only_the_mode_of_a_webhook_is_told,
    outbox::changes_of_keys_are_told_with_the_change,
    outbox::changes_of_members_are_told_with_the_change,
    outbox::the_move_of_a_key_names_its_member,
    outbox::two_workers_never_hold_one_message,
    outbox::whoever_lost_its_lease_settles_nothing,
    outbox::webhooks_that_wait_are_found_in_their_turn,
    outbox::what_is_old_or_too_much_goes,
    outbox::what_a_deleted_webhook_left_is_forgotten,
    outbox::a_key_that_ends_soon_is_told_once,
    sending::a_failing_endpoint_is_tried_by_the_schedule,
    sending::an_endpoint_that_is_gone_is_disabled,
    sending::an_endpoint_may_ask_for_time,
    sending::a_redirect_is_a_failure_and_leads_nowhere,
    sending::five_days_of_nothing_but_failure_disable,
    sending::two_failures_days_apart_and_pings_say_little,
    sending::the_youngest_has_its_turn_before_the_oldest_has_a_second_one,
    sending::what_came_after_it_was_enabled_again_is_told_by_any_node,
    sending::both_secrets_sign_while_they_overlap,
    sending::a_crash_between_sending_and_noting_sends_again_under_the_same_id,
    sending::an_address_inside_is_never_called,
    sending::two_workers_send_each_message_once,
    sending::nothing_is_told_for_a_disabled_tenant_until_it_is_enabled,
);

/// A client for the outside that may call this machine.
fn outbound() -> Outbound {
    Outbound::new(AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()], true)).unwrap()
}

struct NoCodes;

impl WithoutVerifications for NoCodes {}
impl WithoutOutbox for NoCodes {}
impl WithoutEventLog for NoCodes {}
impl WithoutPeers for NoCodes {}

#[async_trait]
impl Codes for NoCodes {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A tenant on one engine, and the sender of its webhooks.
pub struct Place {
    pub context: Context,
    pub history: Arc<SqlHistory>,
    pub clock: Arc<HandClock>,
    pub caller: Actor,
}

impl Place {
    pub async fn new(base: &Base) -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (clock, snapshot) = (HandClock::new(), Arc::default());
        let (outbound, keyring) = (outbound(), Arc::new(keyring()));
        let history =
            Arc::new(SqlHistory::telling(base.sql.clone(), Arc::clone(&snapshot), Arc::clone(&keyring)));
        let means = Means { outbound, clock: clock.clone(), reports: mpsc::channel(1).0 };
        let accounts = Accounts::new(means, Arc::clone(&keyring), mpsc::channel(1).0);
        let management = Management {
            replica: Replica {
                directory: Arc::new(SqlDirectory::new(base.sql.clone(), Arc::clone(&keyring))),
                snapshot,
                peers: Some(Arc::new(NoCodes)),
            },
            keyring,
            gateways: Arc::new(accounts),
            live_route: true,
        };
        let context = Context {
            management,
            codes: Arc::new(NoCodes),
            history: history.clone(),
            webhooks: Arc::new(SqlWebhooks::new(base.sql.clone())),
            partitions: 64,
        };
        let now = clock.now();
        let name = TenantName::parse("Acme").unwrap();
        let tenant = Tenant::new(TENANT, name, now);
        let profile = Profile::first(PROFILE, TENANT, now);
        context
            .directory
            .create_tenant(
                &tenant,
                &profile,
                &Countries::default(),
                None,
                &Change::by_system(tenant.created_at),
            )
            .await?;
        context.refresh().await?;
        let caller = Actor {
            tenant: TENANT,
            who: Who::Key(KeyId::from_bytes([9; 16])),
            mode: Mode::Live,
            member: None,
            profiles: Share::all(),
            grants: Scopes::all(),
            until: None,
            allowlist: Allowlist::default(),
            address: Some(Ipv4Addr::LOCALHOST.into()),
        };
        Ok(Self { context, history, clock, caller })
    }

    /// Creates a webhook directly in the directory. Management would refuse the URL, so this tests that the
    /// sender checks it as well.
    pub async fn webhook(&self, name: &str, url: &str, mode: Mode) -> Result<(Webhook, WebhookSecrets)> {
        let now = self.clock.now();
        let (id, secrets) = (WebhookId::new(now, &mut rng()), WebhookSecrets::generate(&mut rng()));
        let webhook = Webhook {
            id,
            tenant: TENANT,
            mode,
            name: name.to_owned(),
            url: url.to_owned(),
            events: None,
            enabled: true,
            disabled_reason: None,
            enabled_at: now,
            sealed: secrets.seal(&self.context.keyring, (TENANT, id), &mut rng()),
            version: 1,
            created_at: now,
        };
        self.context
            .directory
            .create_resource(
                &webhook.resource(now),
                &[],
                None,
                &Change::by_system(webhook.resource(now).updated_at),
            )
            .await?;
        self.context.refresh().await?;
        Ok((webhook, secrets))
    }

    pub fn sender(&self) -> Webhooks {
        self.sender_on(Arc::clone(&self.context.webhooks))
    }

    pub fn sender_on(&self, webhooks: Arc<dyn WebhookOutbox>) -> Webhooks {
        self.sender_of(Context { webhooks, ..self.context.clone() }, WebhookSettings::default().parallel)
    }

    pub fn sender_of(&self, context: Context, parallel: usize) -> Webhooks {
        let timeout = Duration::from_secs(5);
        let settings = WebhookSettings { parallel, timeout, ..WebhookSettings::default() };
        Webhooks::new(context, outbound(), self.clock.clone(), settings)
    }

    /// Queues a message about an event that has just happened.
    pub async fn queue(&self, webhook: &Webhook, count: usize) -> Result<Vec<WebhookMessageId>> {
        let now = self.clock.now();
        let message = |_| WebhookMessage {
            webhook: webhook.id,
            tenant: TENANT,
            id: WebhookMessageId::new(now, &mut rng()),
            kind: "verification.approved",
            body: r#"{"type":"verification.approved"}"#.to_owned(),
            at: now,
        };
        let messages: Vec<_> = (0..count).map(message).collect();
        self.context.webhooks.add(&messages).await?;
        Ok(messages.into_iter().map(|message| message.id).collect())
    }

    /// The whole log, oldest first.
    pub async fn log(&self, webhook: &Webhook) -> Result<Vec<WebhookAttempt>> {
        let mut log = self.context.webhooks.list_attempts(TENANT, webhook.id, None, 1_000).await?;
        log.reverse();
        Ok(log)
    }

    /// The webhook in its present state.
    pub async fn now(&self, webhook: &Webhook) -> Result<Webhook> {
        let all = self.context.directory.list_resources(TENANT).await?;
        let found = all.into_iter().find(|resource| resource.id == *webhook.id.bytes()).unwrap();
        Ok(Webhook::read(found).unwrap())
    }
}
