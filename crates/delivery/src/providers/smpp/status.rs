//! The meaning of the statuses of SMPP 3.4, section 5.1.3.

use crate::provider::SendError;

pub(super) const OK: u32 = 0;
pub(super) const INVALID_COMMAND: u32 = 0x03;
/// A temporary fault of the receiver: the SMSC sends its `deliver_sm` again.
pub(super) const RECEIVER_BUSY: u32 = 0x64;

/// The standard's name and the number of a status; only the number if the standard has no name for it.
fn describe(status: u32) -> String {
    let name = match status {
        0x01 => "ESME_RINVMSGLEN",
        0x02 => "ESME_RINVCMDLEN",
        0x03 => "ESME_RINVCMDID",
        0x04 => "ESME_RINVBNDSTS",
        0x05 => "ESME_RALYBND",
        0x06 => "ESME_RINVPRTFLG",
        0x07 => "ESME_RINVREGDLVFLG",
        0x08 => "ESME_RSYSERR",
        0x0a => "ESME_RINVSRCADR",
        0x0b => "ESME_RINVDSTADR",
        0x0c => "ESME_RINVMSGID",
        0x0d => "ESME_RBINDFAIL",
        0x0e => "ESME_RINVPASWD",
        0x0f => "ESME_RINVSYSID",
        0x14 => "ESME_RMSGQFUL",
        0x15 => "ESME_RINVSERTYP",
        0x43 => "ESME_RINVESMCLASS",
        0x45 => "ESME_RSUBMITFAIL",
        0x48 => "ESME_RINVSRCTON",
        0x49 => "ESME_RINVSRCNPI",
        0x50 => "ESME_RINVDSTTON",
        0x51 => "ESME_RINVDSTNPI",
        0x53 => "ESME_RINVSYSTYP",
        0x58 => "ESME_RTHROTTLED",
        0x61 => "ESME_RINVSCHED",
        0x62 => "ESME_RINVEXPIRY",
        0x64 => "ESME_RX_T_APPN",
        0x65 => "ESME_RX_P_APPN",
        0x66 => "ESME_RX_R_APPN",
        0xc0 => "ESME_RINVOPTPARSTREAM",
        0xc1 => "ESME_ROPTPARNOTALLWD",
        0xc2 => "ESME_RINVPARLEN",
        0xc3 => "ESME_RMISSINGOPTPARAM",
        0xc4 => "ESME_RINVOPTPARAMVAL",
        0xfe => "ESME_RDELIVERYFAILURE",
        0xff => "ESME_RUNKNOWNERR",
        _ => return format!("SMPP status 0x{status:02X}"),
    };
    format!("{name} (0x{status:02X})")
}

/// The meaning of a refused `submit_sm`. A status that the standard does not define, such as a vendor's own,
/// counts as a refusal by this provider alone: another may accept the message.
pub(super) fn refused_submit(status: u32) -> SendError {
    let reason = describe(status);
    match status {
        0x14 | 0x58 => SendError::Throttle { reason, after: None },
        0x0d..=0x0f => SendError::account(reason),
        0x0b => SendError::reject(reason),
        // These concern the state of the SMSC or of the bind, not the message.
        0x04 | 0x05 | 0x08 | 0x64 | 0xff => SendError::retry(reason),
        _ => SendError::decline(reason),
    }
}

/// The meaning of a refused bind for all messages that wait for it.
pub(super) fn refused_bind(status: u32) -> SendError {
    let reason = format!("bind refused: {}", describe(status));
    match status {
        0x0d..=0x0f | 0x53 => SendError::account(reason),
        0x14 | 0x58 => SendError::Throttle { reason, after: None },
        _ => SendError::retry(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_say_what_happens_next() {
        let throttle = |reason: &str| SendError::Throttle { reason: reason.into(), after: None };
        for (status, error) in [
            (0x58, throttle("ESME_RTHROTTLED (0x58)")),
            (0x14, throttle("ESME_RMSGQFUL (0x14)")),
            (0x0b, SendError::reject("ESME_RINVDSTADR (0x0B)")),
            (0x0a, SendError::decline("ESME_RINVSRCADR (0x0A)")),
            (0x0e, SendError::account("ESME_RINVPASWD (0x0E)")),
            (0x08, SendError::retry("ESME_RSYSERR (0x08)")),
            (0x4a1, SendError::decline("SMPP status 0x4A1")),
        ] {
            assert_eq!(refused_submit(status), error);
        }
        for (status, error) in [
            (0x0d, SendError::account("bind refused: ESME_RBINDFAIL (0x0D)")),
            (0x0e, SendError::account("bind refused: ESME_RINVPASWD (0x0E)")),
            (0x0f, SendError::account("bind refused: ESME_RINVSYSID (0x0F)")),
            (0x05, SendError::retry("bind refused: ESME_RALYBND (0x05)")),
            (0x58, throttle("bind refused: ESME_RTHROTTLED (0x58)")),
        ] {
            assert_eq!(refused_bind(status), error);
        }
    }
}
