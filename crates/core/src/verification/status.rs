//! The states of a verification and of its newest message, and the reasons for an early end.

/// The status of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A code was sent, or waits to be sent, and may be checked.
    Pending,
    /// A check got the right code.
    Approved,
    /// The client canceled it, or checked it for another payment.
    Canceled,
    /// Its time ran out.
    Expired,
    /// Checks used up all tries.
    Exhausted,
    /// No provider ever accepted one of its messages.
    Failed,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Exhausted => "exhausted",
            Self::Failed => "failed",
        }
    }
}

/// The delivery state of the newest message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The message waits for a provider.
    Queued,
    /// A provider accepted the message.
    Sent,
    /// The message reached the phone.
    Delivered,
    /// The message will not reach the phone.
    Undelivered,
}

impl Delivery {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }
}

/// The reasons why the worker does not send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The verification ended before the message was sent.
    VerificationOver,
    /// A resend replaced the message.
    Superseded,
}

/// The reasons why a verification ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The client canceled it.
    Client,
    /// A check named another payment than the start, or none.
    TransactionMismatch,
}
