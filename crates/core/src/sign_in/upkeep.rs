//! Deletes what nobody can use any more.

use crate::{
    people::{
        session::{DEVICE_LIFE, SIGN_INS_KEPT},
        waits::FORGOTTEN_AFTER,
    },
    ports::{error::StoreError, people::SignInStore},
    time::Timestamp,
};
use std::time::Duration;

/// A session that was not seen for so long is over in each tenant: the longest idle time is a day shorter.
const SESSIONS_KEPT: Duration = Duration::from_secs(31 * 86_400);
/// The number of rows that one step deletes of each kind.
const AT_ONCE: u16 = 500;
/// The maximum number of steps. The next call goes on.
const STEPS: usize = 20;

pub async fn forget(people: &dyn SignInStore, now: Timestamp) -> Result<(), StoreError> {
    for _ in 0..STEPS {
        let deleted = [
            people.forget_sessions(now - SESSIONS_KEPT, now, AT_ONCE).await?,
            people.forget_sign_ins(now - SIGN_INS_KEPT, AT_ONCE).await?,
            people.forget_waits(now - FORGOTTEN_AFTER, AT_ONCE).await?,
            people.forget_devices(now - DEVICE_LIFE, AT_ONCE).await?,
        ];
        if deleted.into_iter().all(|rows| rows < u64::from(AT_ONCE)) {
            break;
        }
    }
    Ok(())
}
