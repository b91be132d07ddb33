//! Receipts that come on providers' own connections.

use countersign_api::{Stray, Strays, warn_of_strays};
use countersign_core::{
    acts::receipts::{Taken, is_known, take_report},
    context::Context,
    delivery::account::ProviderAccount,
    error::chain,
    ports::{clock::Clock, error::StoreError},
};
use countersign_delivery::{AccountReport, OtherReading, Report, Told};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

const AT_ONCE: usize = 16;
/// After a receipt that could not be noted; then it is given up.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
/// A receipt that found no message is looked at again after so long: longer than a send and its
/// settlement take, so what is not known by then is no message of ours.
const LOOK_AGAIN: Duration = Duration::from_secs(90);
/// Receipts that wait for that. Beyond, the oldest is looked at early.
const MOST_WAITING: usize = 10_000;
/// How often it is seen whether that time has come.
const TICK: Duration = Duration::from_secs(1);

/// What the receipts lead to.
#[derive(Clone)]
pub(super) struct Receipts {
    pub context: Context,
    pub strays: Arc<Strays>,
    pub clock: Arc<dyn Clock>,
}

/// One that found no message.
struct Unmatched {
    account: Arc<ProviderAccount>,
    id: String,
    others: Vec<OtherReading>,
}

/// Those that wait to be looked at again, and since when.
type Waiting = VecDeque<(Duration, Unmatched)>;

impl Receipts {
    /// Notes the receipts, several at a time: one whose part of the store is away must not hold up
    /// the others.
    pub(super) async fn run(self, mut reports: mpsc::Receiver<AccountReport>, stop: CancellationToken) {
        let (mut taking, mut waiting) = (JoinSet::new(), Waiting::new());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = taking.join_next() => if let Ok(Some(unmatched)) = ended {
                    waiting.push_back((self.clock.steady(), unmatched));
                },
                () = sleep(TICK), if !waiting.is_empty() => {}
                report = reports.recv(), if taking.len() < AT_ONCE => match report {
                    Some(report) => drop(taking.spawn(self.clone().take(report))),
                    None => return stop.cancelled().await,
                },
            }
            while taking.len() < AT_ONCE
                && let Some(unmatched) = self.next_due(&mut waiting)
            {
                taking.spawn(self.clone().look_again(unmatched));
            }
        }
    }

    fn next_due(&self, waiting: &mut Waiting) -> Option<Unmatched> {
        let crowded = waiting.len() > MOST_WAITING;
        let (since, _) = waiting.front()?;
        let due = self.clock.steady().saturating_sub(*since) >= LOOK_AGAIN;
        if due || crowded { waiting.pop_front().map(|(_, unmatched)| unmatched) } else { None }
    }

    /// Gives one that found no message.
    async fn take(self, AccountReport { account, told }: AccountReport) -> Option<Unmatched> {
        let Told::Report { report, others } = told else {
            self.strays.tell(&account, Stray::Unreadable);
            return None;
        };
        match self.note(&account, report.clone()).await? {
            Taken::Noted(delivery) => countersign_delivery::count_receipt(delivery),
            Taken::Nothing => {}
            Taken::Parked => return report.id.map(|id| Unmatched { account, id, others }),
            Taken::Unknown => self.strays.tell(&account, Stray::Unmatched),
        }
        None
    }

    async fn note(&self, account: &ProviderAccount, report: Report) -> Option<Taken> {
        let report = report.into_core();
        for pause in PAUSES {
            match take_report(&self.context, account, report.clone(), true).await {
                Ok(taken) => return Some(taken),
                // The provider was told that we have it, so a store that is away for a moment is asked again.
                Err(error @ StoreError::Unavailable(_)) => {
                    tracing::warn!(error = %chain(&error), "a receipt cannot be noted yet");
                    sleep(pause).await;
                }
                Err(error) => {
                    tracing::error!(error = %chain(&error), "a receipt cannot be noted");
                    return None;
                }
            }
        }
        None
    }

    /// Counts it unless its message is known by now, and looks for the setting that would have
    /// found it, which is done for a warning only.
    async fn look_again(self, unmatched: Unmatched) -> Option<Unmatched> {
        let Unmatched { account, id, others } = unmatched;
        // While the store is away nothing can be said.
        if is_known(&self.context, &account, &id).await.unwrap_or(true) {
            return None;
        }
        let since = self.strays.note(account.id, Stray::Unmatched)?;
        let mut setting = None;
        for other in others {
            if is_known(&self.context, &account, &other.id).await.unwrap_or(false) {
                setting = Some(other.setting);
                break;
            }
        }
        warn_of_strays(&account, since, setting);
        None
    }
}
