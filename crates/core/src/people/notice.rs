//! Notices: mails and messages to persons that contain no code.

use crate::{
    id::{NoticeId, PersonId},
    time::Timestamp,
};

/// How a notice reaches its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Mail,
    Sms,
}

/// A notice as it is stored until it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedNotice {
    pub id: NoticeId,
    pub person: Option<PersonId>,
    pub kind: &'static str,
    pub channel: Channel,
    pub sealed: Vec<u8>,
    pub made_at: Timestamp,
}
