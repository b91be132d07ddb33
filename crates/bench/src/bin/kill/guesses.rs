//! An attacker guesses the codes of one phone number. Neither the count of tries nor the waits may go back.

use crate::{
    acts::Acts,
    book::{MAX_CHECKS, Verification},
    proof,
};
use anyhow::{Context, Result, anyhow, ensure};
use std::time::{Duration, Instant};

/// From this number of wrong codes in a row on, the next ones have to wait.
const PATIENCE: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// The allowed difference between the store's clock and this one.
const SLACK: Duration = Duration::from_secs(2);
/// The number of starts that a phone number may have in ten minutes.
const STARTS: u64 = 5;

/// The state of the attacked phone number.
pub struct Guesses {
    to: String,
    current: Option<Verification>,
    starts: u64,
    in_row: u32,
    until: Instant,
    /// The number of wrong codes that were refused without being compared.
    pub waits_seen: usize,
}

impl Guesses {
    pub fn new() -> Self {
        let to = "+48600600600".to_owned();
        Self { to, current: None, starts: 0, in_row: 0, until: Instant::now(), waits_seen: 0 }
    }

    /// The number of acknowledged starts.
    pub fn starts(&self) -> u64 {
        self.starts
    }

    /// Submits one wrong code, and checks the answer.
    pub async fn guess(&mut self, acts: &Acts) -> Result<()> {
        if self.current.as_ref().is_none_or(|of| of.exhausted) && !self.start(acts).await? {
            return Ok(());
        }
        let of = self.current.as_mut().context("a verification")?;
        let code = of.code.clone().unwrap_or_default();
        let wrong = format!("{}{}", if code.starts_with('0') { '1' } else { '0' }, &code[1..]);
        let path = format!("/v1/verifications/{}/check", of.id);
        let left = self.until.saturating_duration_since(Instant::now());
        let answer = acts.api.post(&path, &serde_json::json!({ "code": wrong }), None).await;
        let answer = answer.map_err(|lost| anyhow!("no answer to a guess: {lost:?}"))?;
        match answer.word() {
            "guess_limit" => {
                let said = Duration::from_secs(answer.json["retry_after"].as_u64().unwrap_or_default());
                self.waits_seen += 1;
                if said + SLACK < left || said > left + SLACK {
                    acts.book.fault(format!("the number waits {said:?}, not {left:?}"));
                }
            }
            word @ ("pending" | "exhausted") => {
                if left > SLACK {
                    acts.book.fault(format!("a code was compared {left:?} before the wait was over"));
                }
                of.wrong += 1;
                of.note_attempts_left(&answer, &acts.book);
                of.exhausted = word == "exhausted";
                if of.exhausted != (of.wrong == MAX_CHECKS) {
                    acts.book.fault(format!("{}: {word} after {} wrong codes", of.id, of.wrong));
                }
                self.in_row += 1;
                if let Some(doublings) = self.in_row.checked_sub(PATIENCE) {
                    self.until = Instant::now() + FIRST_WAIT * (1 << doublings.min(6));
                }
            }
            word => acts.book.fault(format!("{}: a guess answered {word}", of.id)),
        }
        Ok(())
    }

    /// Starts the next verification of the number. Returns false when its starts are used up.
    async fn start(&mut self, acts: &Acts) -> Result<bool> {
        acts.book.idle().extend(self.current.take());
        // The start names an address. Without one, only the count of the number applies, with waits from the
        // tenth wrong code on.
        let address = Some("192.0.2.66");
        let mut of = Verification { end_user_ip: address, ..Verification::new(self.to.clone()) };
        if self.starts == STARTS {
            return Ok(false);
        }
        acts.start(&mut of, None).await;
        let until = tokio::time::Instant::now() + Duration::from_secs(20);
        of.code = acts.phones.wait(&of.id, until).await;
        ensure!(of.code.is_some(), "{}: the code of the guessed number did not come", of.id);
        self.starts += 1;
        self.current = Some(of);
        Ok(true)
    }

    /// Hands the last verification over for the final look.
    pub fn end(&mut self, acts: &Acts) {
        acts.book.idle().extend(self.current.take());
    }

    /// Checks that the present state is the acknowledged one.
    pub async fn verify(&mut self, acts: &Acts) {
        if let Some(of) = self.current.take() {
            self.current = Some(proof::verify(acts, of).await);
        }
    }
}
