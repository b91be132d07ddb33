//! The requests of the load. Each compares its answer with what the server acknowledged before.

use crate::book::{Book, Open, Verification, count};
use countersign_bench::{
    api::{Answer, Api, Lost},
    relay::Phones,
};
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

/// The running server, the phones, and the book.
pub struct Acts {
    pub api: Api,
    pub phones: Arc<Phones>,
    pub book: Arc<Book>,
}

impl Acts {
    /// A new Idempotency-Key.
    pub fn once(&self) -> String {
        format!("once-{}", self.book.draw())
    }

    /// Records what a lost answer leaves uncertain.
    fn lose(&self, of: &mut Verification, lost: Lost, open: Open) {
        if lost == Lost::Cut {
            count(&self.book.cut);
            of.open = Some(open);
        }
    }

    fn wrong_answer(&self, of: &Verification, act: &str, answer: &Answer) {
        if answer.status == 503 {
            return count(&self.book.refused);
        }
        let (status, word) = (answer.status, answer.word());
        let Verification { id, approved, exhausted, wrong, open, .. } = of;
        self.book.fault(format!(
            "{id}: {act} answered {status} {word}; known: approved {approved}, exhausted {exhausted}, \
            {wrong} wrong, open {open:?}"
        ));
    }

    pub async fn start(&self, of: &mut Verification, key: Option<String>) {
        let before = self.book.starts.load(Relaxed);
        let body = json!({ "to": of.to, "expires_in": 600, "end_user_ip": of.end_user_ip });
        of.started = Instant::now();
        let answer = match self.api.post("/v1/verifications", &body, key.as_deref()).await {
            Ok(answer) => answer,
            Err(lost) => return self.lose(of, lost, Open::Start { key }),
        };
        match (answer.status, answer.json["id"].as_str()) {
            (201, Some(id)) => {
                id.clone_into(&mut of.id);
                count(&self.book.starts);
            }
            _ => return self.wrong_answer(of, "start", &answer),
        }
        if answer.replayed {
            return count(&self.book.replays);
        }
        let most = self.book.most_remaining(before);
        if answer.remaining("tenant_24h").is_none_or(|remaining| remaining > most) {
            let fault = format!("the tenant's limit stepped back: {} with {before} starts", answer.limits);
            self.book.fault(fault);
        }
    }

    pub async fn resend(&self, of: &mut Verification, key: Option<String>) {
        let path = format!("/v1/verifications/{}/resend", of.id);
        match self.api.post(&path, &json!({}), key.as_deref()).await {
            Ok(answer) if answer.status == 200 => {
                count(&self.book.resends);
                of.resent += 1;
            }
            Ok(answer) if answer.word() == "resend_too_soon" => {}
            Ok(answer) => self.wrong_answer(of, "resend", &answer),
            Err(lost) => self.lose(of, lost, Open::Resend { key }),
        }
    }

    /// Checks the right code, or a wrong one.
    pub async fn check(&self, of: &mut Verification, right: bool, key: Option<String>) {
        match self.submit(of, right, key.as_deref()).await {
            Ok(answer) => self.judge(of, right, key, &answer),
            Err(lost) => self.lose(of, lost, Open::Check { right, key }),
        }
    }

    /// Checks the right code twice at the same time: exactly one check must be approved.
    pub async fn check_twice(&self, of: &mut Verification) {
        let (one, two) = tokio::join!(self.submit(of, true, None), self.submit(of, true, None));
        let (approved, rest): (Vec<_>, Vec<_>) = [one, two]
            .into_iter()
            .partition(|answer| answer.as_ref().is_ok_and(|answer| answer.word() == "approved"));
        for answer in approved.iter().flatten() {
            self.judge(of, true, None, answer);
        }
        let one_was_cut = rest.iter().any(|answer| answer.as_ref().is_err_and(|lost| *lost == Lost::Cut));
        if !of.approved && one_was_cut {
            self.lose(of, Lost::Cut, Open::Check { right: true, key: None });
        }
        for answer in rest.iter().flatten() {
            self.judge(of, true, None, answer);
        }
    }

    async fn submit(&self, of: &Verification, right: bool, key: Option<&str>) -> Result<Answer, Lost> {
        let code = of.code.as_deref().unwrap_or_default();
        // The code with another last digit.
        let wrong = || format!("{}{}", &code[..5], if code.ends_with('0') { '1' } else { '0' });
        let body = json!({ "code": if right { code.to_owned() } else { wrong() } });
        self.api.post(&format!("/v1/verifications/{}/check", of.id), &body, key).await
    }

    /// Compares the answer to a check with all earlier answers.
    pub fn judge(&self, of: &mut Verification, right: bool, key: Option<String>, answer: &Answer) {
        count(&self.book.checks);
        // A check of the right code whose answer was lost may have approved the verification.
        let maybe = matches!(of.open, Some(Open::Check { right: true, .. }));
        let again = answer.replayed && key.is_some() && key == of.approved_by;
        match (right, answer.status, answer.word()) {
            (true, 200, "approved") if again => count(&self.book.replays),
            (true, 200, "approved") if !of.approved => {
                count(&self.book.approvals);
                (of.approved, of.approved_by) = (true, key);
                of.open = None;
            }
            (_, 409, "already_approved") if of.approved => {}
            (true, 409, "already_approved") if maybe && key.is_none() => {
                count(&self.book.approvals);
                (of.approved, of.open) = (true, None);
            }
            (false, 200, "pending") if !of.approved => {
                of.wrong += 1;
                of.note_attempts_left(answer, &self.book);
            }
            _ => self.wrong_answer(of, "check", answer),
        }
    }
}
