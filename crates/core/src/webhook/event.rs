//! The events that webhooks get.

macro_rules! events {
    ($($variant:ident $text:literal $doc:literal,)*) => {
        /// An event that a webhook can get.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WebhookEvent { $(#[doc = $doc] $variant,)* }

        impl WebhookEvent {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// A sentence that says when the event happens.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

events! {
    VerificationStarted "verification.started" "A verification was made and its first message queued.",
    VerificationSent "verification.sent" "A provider took a message.",
    VerificationDelivered "verification.delivered" "The provider reports that the phone has the message.",
    VerificationApproved "verification.approved" "The right code was given.",
    VerificationFailed "verification.failed" "No provider ever took one of its messages.",
    VerificationExpired "verification.expired" "Its time passed.",
    VerificationCanceled "verification.canceled" "It was ended before its time.",
    VerificationExhausted "verification.exhausted" "The last try was wrong.",
    MessageFailed "message.failed" "A message was refused for good, or did not reach the phone.",
    KeyCreated "key.created" "A key was made.",
    KeyUpdated "key.updated" "The name, the expiry, the allowlist or the member of a key was changed.",
    KeyRotated "key.rotated" "Another key was made to take the place of one.",
    KeyDisabled "key.disabled" "A key was disabled.",
    KeyEnabled "key.enabled" "A disabled key was enabled again.",
    KeyDeleted "key.deleted" "A key was deleted.",
    KeyExpiring "key.expiring" "A key that no other replaced ends within seven days.",
    MemberInvited "member.invited" "Somebody was invited to become a member.",
    MemberCreated "member.created" "A person became a member.",
    MemberUpdated "member.updated" "The limits of a member were changed.",
    MemberDisabled "member.disabled" "A member was disabled. Its keys are refused.",
    MemberEnabled "member.enabled" "A disabled member was enabled again.",
    MemberDeleted "member.deleted" "A member was removed. Its keys are refused.",
}

impl WebhookEvent {
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == text)
    }
}
