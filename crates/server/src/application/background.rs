//! The tasks that run beside the listeners.

use crate::telemetry;
use anyhow::anyhow;
use countersign_api::{AuthFailures, KeyUses};
use countersign_core::{
    acts::webhook_upkeep::keep_webhooks, context::Context, error::chain, ports::clock::Clock,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// The time between two rounds: each flushes the uses of keys and samples the waiting messages.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// Waits for all tasks. A task that ends before `stop` is set has failed, and then everything stops.
pub(super) async fn join_all(tasks: &mut JoinSet<()>, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    while let Some(ended) = tasks.join_next().await {
        if ended.is_err() || !stop.is_cancelled() {
            outcome = Err(anyhow!("A background task broke off"));
        }
        stop.cancel();
    }
    outcome
}

/// The things that the housekeeping maintains.
pub(super) struct House {
    pub context: Context,
    pub key_uses: Arc<KeyUses>,
    pub failures: Arc<AuthFailures>,
}

/// Every few seconds, writes the uses of keys, samples the waiting messages and drops old counts.
pub(super) async fn keep_house(house: House, stop: CancellationToken) {
    let House { context, key_uses, failures } = house;
    metrics::describe_gauge!("countersign_messages_waiting", "Messages in the outbox, due or not");
    let mut tick = interval(HOUSEKEEPING);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        telemetry::metrics_handle().run_upkeep();
        failures.forget_old();
        flush_key_uses(&context, &key_uses).await;
        // Other tasks report an outage of the store. Here it is enough that the gauge keeps its value.
        if let Ok(waiting) = context.codes.messages_waiting().await {
            metrics::gauge!("countersign_messages_waiting").set(waiting as f64);
        }
    }
}

/// The time between two rounds of maintenance for webhooks.
const WEBHOOKS: Duration = Duration::from_secs(15 * 60);

/// Deletes old messages, and notifies webhooks of keys that expire soon.
pub(super) async fn follow_webhooks(context: Context, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut tick = interval(WEBHOOKS);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let round = keep_webhooks(&context, clock.now());
        let outcome = tokio::select! { () = stop.cancelled() => return, outcome = round => outcome };
        match outcome {
            Ok(dropped) => {
                for (webhook, messages) in dropped {
                    tracing::warn!(
                        webhook.id = %webhook, messages,
                        "More waited for a webhook than is kept; the oldest are never told"
                    );
                }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "The messages to webhooks are kept up again later");
            }
        }
    }
}

pub(super) async fn flush_key_uses(context: &Context, key_uses: &KeyUses) {
    let uses = key_uses.drain();
    if !uses.is_empty()
        && let Err(error) = context.directory.touch_keys(&uses).await
    {
        tracing::warn!(error = %error, "The last uses of keys were not noted");
    }
    let addresses = key_uses.drain_addresses();
    if !addresses.is_empty()
        && let Err(error) = context.directory.note_address_uses(&addresses).await
    {
        tracing::warn!(error = %error, "The addresses that used keys were not noted");
    }
}
