//! The metrics of delivery.

use countersign_core::{delivery::account::BreakerState, verification::status::Delivery};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use std::time::Duration;

const MESSAGES: &str = "countersign_messages_total";
const SEND_DURATION: &str = "countersign_send_duration_seconds";
const RECEIPTS: &str = "countersign_receipts_total";
const DOUBLES: &str = "countersign_messages_perhaps_twice_total";
const BREAKERS: &str = "countersign_provider_breaker_total";

/// Registers a description of each metric.
pub(crate) fn describe() {
    describe_counter!(MESSAGES, "Attempts to send, by provider and outcome");
    describe_histogram!(SEND_DURATION, Unit::Seconds, "How long a provider took to answer");
    describe_counter!(RECEIPTS, "Delivery receipts, by what they report or why they lead to nothing");
    describe_counter!(
        DOUBLES,
        "Messages that may arrive twice: this provider gave no answer, another was asked"
    );
    describe_counter!(BREAKERS, "How often a provider was left out, or let in again");
}

const WEBHOOKS: &str = "countersign_webhook_attempts_total";
const WEBHOOK_DURATION: &str = "countersign_webhook_duration_seconds";

/// Registers a description of each metric of webhooks.
pub(crate) fn describe_webhooks() {
    describe_counter!(WEBHOOKS, "Tries to tell webhooks of tenants something, by outcome");
    describe_histogram!(WEBHOOK_DURATION, Unit::Seconds, "How long webhooks took to answer");
}

/// Counts one attempt to call a webhook.
pub(crate) fn count_webhook(delivered: bool, took: Duration) {
    let outcome = if delivered { "delivered" } else { "failed" };
    counter!(WEBHOOKS, "outcome" => outcome).increment(1);
    histogram!(WEBHOOK_DURATION).record(took.as_secs_f64());
}

/// Counts one attempt to send a message.
pub(crate) fn count_message(provider: &str, outcome: &'static str) {
    counter!(MESSAGES, "provider" => provider.to_owned(), "outcome" => outcome).increment(1);
}

/// Records how long the provider took to answer, whatever the answer was.
pub(crate) fn note_duration(provider: &str, took: Duration) {
    histogram!(SEND_DURATION, "provider" => provider.to_owned()).record(took.as_secs_f64());
}

pub fn count_receipt(delivery: Delivery) {
    counter!(RECEIPTS, "delivery" => delivery.as_str()).increment(1);
}

/// Counts a message that another provider sends although this one may have sent it.
pub(crate) fn count_double(provider: &str) {
    counter!(DOUBLES, "provider" => provider.to_owned()).increment(1);
}

/// Counts that a provider's breaker opened or closed.
pub(crate) fn count_breaker(provider: &str, state: BreakerState) {
    counter!(BREAKERS, "provider" => provider.to_owned(), "state" => state.as_str()).increment(1);
}
