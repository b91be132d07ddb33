//! Where a verification and its newest message stand, and why one ended.

/// Where a verification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A code is out and may be checked.
    Pending,
    /// The right code came back.
    Approved,
    /// The client ended it, or checked it for another payment.
    Canceled,
    /// Its time passed.
    Expired,
    /// Too many wrong codes.
    Exhausted,
    /// No provider ever accepted one of its messages.
    Failed,
}

impl Status {
    /// The text form.
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

/// How far the newest message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Waits for a provider.
    Queued,
    /// A provider took it.
    Sent,
    /// The phone has it.
    Delivered,
    /// The phone will not get it.
    Undelivered,
}

impl Delivery {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }
}

/// Why a message was not sent after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The verification was over before the message left.
    VerificationOver,
    /// A resend took its place.
    Superseded,
}

/// Why a verification was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The client asked for it.
    Client,
    /// A check was for another payment than the code, or for none.
    TransactionMismatch,
}
