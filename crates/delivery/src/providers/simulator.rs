//! `simulator`: the provider of test mode. It sends nothing. Magic phone numbers choose its answer.

use crate::provider::{Accepted, Outgoing, Provider, SendError};
use countersign_core::{
    phone::magic::{Magic, SLOW_DELIVERY},
    verification::status::Delivery,
};
use std::time::Duration;

/// A provider that only pretends to send.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulator;

#[async_trait::async_trait]
impl Provider for Simulator {
    fn name(&self) -> &str {
        "simulator"
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let receipt = match Magic::of(&message.to) {
            Some(Magic::Failed) => return Err(SendError::reject("test number that always fails")),
            Some(Magic::Undelivered) => (Delivery::Undelivered, Duration::ZERO),
            Some(Magic::DeliveredLate) => (Delivery::Delivered, SLOW_DELIVERY),
            // For the other magic numbers, the start has already refused or marked the verification.
            Some(Magic::Invalid | Magic::Expired | Magic::Blocked | Magic::RateLimited) | None => {
                (Delivery::Delivered, Duration::ZERO)
            }
        };
        Ok(Accepted { receipt: Some(receipt), id: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::tests::outgoing;

    #[tokio::test]
    async fn magic_numbers_choose_the_answer() {
        for (number, expected) in [
            ("+15005550002", (Delivery::Undelivered, Duration::ZERO)),
            ("+15005550003", (Delivery::Delivered, Duration::ZERO)),
            ("+15005550006", (Delivery::Delivered, SLOW_DELIVERY)),
            ("+48500500500", (Delivery::Delivered, Duration::ZERO)),
        ] {
            let answer = Simulator.send(&outgoing(number)).await;
            assert_eq!(answer, Ok(Accepted { receipt: Some(expected), id: None }), "{number}");
        }
        let answer = Simulator.send(&outgoing("+15005550009")).await;
        assert!(matches!(answer, Err(SendError::Reject { .. })), "{answer:?}");
    }
}
