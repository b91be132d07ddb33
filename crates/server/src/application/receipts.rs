//! Receipts that arrive on providers' own connections.

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
/// The pauses between attempts to record a receipt. After the last one it is given up.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
/// How long a receipt without a message waits until the store is asked again. Sending and settling take less
/// time, so an id that is still unknown then is not of a message of ours.
const LOOK_AGAIN: Duration = Duration::from_secs(90);
/// The maximum number of receipts that wait for that. Beyond it, the oldest is checked early.
const MOST_WAITING: usize = 10_000;
/// How often the task checks whether a receipt has waited long enough.
const TICK: Duration = Duration::from_secs(1);

/// The parts for recording receipts.
#[derive(Clone)]
pub(super) struct Receipts {
    pub context: Context,
    pub strays: Arc<Strays>,
    pub clock: Arc<dyn Clock>,
}

/// A receipt whose message was not found.
struct Unmatched {
    account: Arc<ProviderAccount>,
    id: String,
    others: Vec<OtherReading>,
}

/// The receipts that wait for a second check, and since when.
type Waiting = VecDeque<(Duration, Unmatched)>;

impl Receipts {
    /// Records receipts, several at a time: if a part of the store is away, its receipts must not delay
    /// others.
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

    /// Records a receipt. Returns it if its message was not found.
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
            match take_report(&*self.context.codes, account, report.clone(), true).await {
                Ok(taken) => return Some(taken),
                // The provider already got our confirmation, so a store that is away for a moment is tried
                // again.
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

    /// Checks again whether the message is known, and counts the receipt if not. If a warning is due, tries
    /// the other values of `id_format`, so that the warning can name one that would find the message.
    async fn look_again(self, unmatched: Unmatched) -> Option<Unmatched> {
        let Unmatched { account, id, others } = unmatched;
        // While the store is away, this cannot be decided.
        if is_known(&*self.context.codes, &account, &id).await.unwrap_or(true) {
            return None;
        }
        let since = self.strays.note(account.id, Stray::Unmatched)?;
        let mut setting = None;
        for other in others {
            if is_known(&*self.context.codes, &account, &other.id).await.unwrap_or(false) {
                setting = Some(other.setting);
                break;
            }
        }
        warn_of_strays(&account, since, setting);
        None
    }
}
