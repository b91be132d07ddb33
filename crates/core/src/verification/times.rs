//! Times that apply to every verification.

use std::time::Duration;

/// A record stays in the store this long after its code has expired, so that a late check gets `expired`.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(15 * 60);

/// The wait after message number `sends` (from 1) before the next resend is allowed.
pub const fn resend_cooldown(sends: u8) -> Duration {
    Duration::from_secs(match sends {
        0 | 1 => 30,
        2 => 40,
        3 => 60,
        _ => 90,
    })
}
