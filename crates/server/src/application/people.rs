//! What the portal works with, and its jobs.

use crate::{configuration::Settings, hasher::HashPool, machine};
use actix_web::web;
use countersign_core::{
    context::Context,
    error::chain,
    ports::{clock::Clock, people::SignInStore, places::Places},
    sign_in::{
        Entrance,
        own::two_factor_reset::carry_out_due,
        reminders::{remind_of_passwords, report_pools},
    },
};
use countersign_portal::Site;
use rand::{SeedableRng as _, rngs::StdRng};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
/// Pools are looked at once in so many rounds.
const POOL_ROUNDS: u64 = 5;
/// Passwords are looked at once in so many rounds: they become due by the day.
const PASSWORD_ROUNDS: u64 = 60;

/// What all pages of the portal share.
#[derive(Clone)]
pub(super) struct People {
    pub entrance: web::Data<Entrance>,
    pub site: web::Data<Site>,
}

/// What the acts of sign-in work with. Links in mails lead to the portal's own URL, the public one, or the one that
/// this process listens on.
pub(super) fn open_entrance(
    settings: &Settings,
    context: &Context,
    (people, places): (Arc<dyn SignInStore>, Arc<dyn Places>),
    base_url: &str,
) -> Entrance {
    // Only `dev` is without a configured origin; the configuration refuses an SMTP server without one.
    let origin = settings.server.portal_origin().unwrap_or(base_url);
    let hasher = Arc::new(HashPool::of_machine());
    Entrance { context: context.clone(), people, hasher, places, origin: origin.into() }
}

/// Carries out the resets of second factors that are due, and mails what time makes due, until `stop` is set.
pub(super) async fn keep_people(entrance: Entrance, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds = 0u64;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let mut rng = StdRng::from_rng(&mut machine::rng());
        match carry_out_due(&entrance, clock.now(), &mut rng).await {
            Ok(0) => {}
            Ok(resets) => tracing::info!(resets, "Switched second factors off that owners had reset"),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "Resets of second factors are tried again in a minute")
            }
        }
        if rounds.is_multiple_of(POOL_ROUNDS)
            && let Err(error) = report_pools(&entrance, clock.now(), &mut rng).await
        {
            tracing::warn!(error = %chain(&error), "The pools of members are looked at again in five minutes");
        }
        if rounds.is_multiple_of(PASSWORD_ROUNDS)
            && let Err(error) = remind_of_passwords(&entrance, clock.now(), &mut rng).await
        {
            tracing::warn!(error = %chain(&error), "Old passwords are looked at again in an hour");
        }
        rounds += 1;
    }
}
