//! Times that hold for every verification.

use std::time::Duration;

/// A record outlives its code by this long, so that a late check can say `expired`.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(15 * 60);

/// The wait after the n-th send (from 1) before the next may be asked for.
pub const fn resend_cooldown(sends: u8) -> Duration {
    Duration::from_secs(match sends {
        0 | 1 => 30,
        2 => 40,
        3 => 60,
        _ => 90,
    })
}
