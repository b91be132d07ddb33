//! `console`: the virtual phone of `dev`. It shows its messages on a web page, and its switch imitates the
//! failures of a real provider.

use crate::provider::{Accepted, Outgoing, Provider, SendError};
use countersign_core::{
    error::chain,
    ports::{
        clock::Clock,
        inbox::{ConsoleMode, ConsoleSwitch, Inbox, InboxMessage},
    },
    verification::status::Delivery,
};
use std::{sync::Arc, time::Duration};

const SLOW_ANSWER: Duration = Duration::from_secs(5);
const UNDELIVERED_AFTER: Duration = Duration::from_secs(1);

/// A provider that shows messages instead of sending them.
pub struct Console {
    inbox: Arc<dyn Inbox>,
    switch: Arc<ConsoleSwitch>,
    clock: Arc<dyn Clock>,
}

impl Console {
    /// A provider that writes into `inbox` and follows `switch`.
    pub fn new(inbox: Arc<dyn Inbox>, switch: Arc<ConsoleSwitch>, clock: Arc<dyn Clock>) -> Self {
        Self { inbox, switch, clock }
    }

    /// Stores the message before answering, so an accepted message survives a crash. A repeat of a message is
    /// stored once.
    async fn show(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let shown = InboxMessage {
            id: message.message,
            verification: message.verification,
            to: message.to.e164().to_owned(),
            from: message.from.clone(),
            text: message.text.to_string(),
            code: message.code.expose().to_owned(),
            at: self.clock.now(),
        };
        self.inbox.put(&shown).await.map_err(|error| {
            tracing::warn!(error = %chain(&error), message.id = %message.message, "the inbox of the virtual phone refused a message");
            SendError::retry("inbox unavailable")
        })?;
        Ok(Accepted { receipt: Some((Delivery::Delivered, Duration::ZERO)), id: None })
    }
}

#[async_trait::async_trait]
impl Provider for Console {
    fn name(&self) -> &str {
        "console"
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        match self.switch.get() {
            ConsoleMode::Working => self.show(message).await,
            ConsoleMode::Down => Err(SendError::retry("connection refused")),
            ConsoleMode::Slow => {
                tokio::time::sleep(SLOW_ANSWER).await;
                self.show(message).await
            }
            ConsoleMode::Undelivering => {
                Ok(Accepted { receipt: Some((Delivery::Undelivered, UNDELIVERED_AFTER)), id: None })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::tests::outgoing;
    use countersign_core::{ports::error::StoreError, time::Timestamp};
    use std::sync::Mutex;

    #[derive(Default)]
    struct Phone {
        messages: Mutex<Vec<InboxMessage>>,
        full: bool,
    }

    #[async_trait::async_trait]
    impl Inbox for Phone {
        async fn put(&self, message: &InboxMessage) -> Result<(), StoreError> {
            if self.full {
                return Err(StoreError::unavailable("disk full"));
            }
            self.messages.lock().unwrap().push(message.clone());
            Ok(())
        }

        async fn list(&self, _: Option<&str>, _: u16) -> Result<Vec<InboxMessage>, StoreError> {
            Ok(self.messages.lock().unwrap().clone())
        }

        async fn arrived(&self) {}
    }

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_790_000_000_000)
        }

        fn steady(&self) -> Duration {
            Duration::ZERO
        }
    }

    async fn send(mode: ConsoleMode, full: bool) -> (Result<Accepted, SendError>, Vec<InboxMessage>) {
        let phone = Arc::new(Phone { full, ..Phone::default() });
        let switch = Arc::new(ConsoleSwitch::default());
        switch.set(mode);
        let console = Console::new(phone.clone(), switch, Arc::new(Noon));
        let answer = console.send(&outgoing("+48500500500")).await;
        let messages = phone.messages.lock().unwrap().clone();
        (answer, messages)
    }

    #[tokio::test(start_paused = true)]
    async fn each_mode_plays_its_part() {
        let delivered = Ok(Accepted { receipt: Some((Delivery::Delivered, Duration::ZERO)), id: None });
        let (answer, messages) = send(ConsoleMode::Working, false).await;
        assert_eq!(answer, delivered);
        assert_eq!(messages[0].to, "+48500500500");
        assert_eq!(messages[0].code, "123456");
        assert_eq!(messages[0].at, Noon.now());

        let (answer, messages) = send(ConsoleMode::Down, false).await;
        assert_eq!(answer, Err(SendError::retry("connection refused")));
        assert!(messages.is_empty());

        let before = tokio::time::Instant::now();
        let (answer, messages) = send(ConsoleMode::Slow, false).await;
        assert_eq!((answer, messages.len()), (delivered, 1));
        assert!(before.elapsed() >= SLOW_ANSWER);

        let (answer, messages) = send(ConsoleMode::Undelivering, false).await;
        assert_eq!(
            answer,
            Ok(Accepted { receipt: Some((Delivery::Undelivered, UNDELIVERED_AFTER)), id: None })
        );
        assert!(messages.is_empty());
    }

    #[tokio::test]
    async fn what_the_inbox_refused_was_not_accepted() {
        let (answer, _) = send(ConsoleMode::Working, true).await;
        assert_eq!(answer, Err(SendError::retry("inbox unavailable")));
    }
}
