//! Shows that nothing is lost. It kills `countersign serve` with SIGKILL under load, again and again. After
//! each restart, everything that the server acknowledged must still be true.
//!
//! The load uses HTTP like any client, and keeps a book of the answers. Only the final look at the history
//! uses SQL, because a doubled event would be visible there. Start reading at `round`, then `acts.rs` and
//! `proof.rs`.

mod acts;
mod book;
mod guesses;
mod history;
mod load;
mod proof;
mod server;

use acts::Acts;
use anyhow::{Result, ensure};
use book::{Book, LIMIT, WINDOW};
use clap::Parser;
use countersign_bench::api::Api;
use countersign_bench::relay::{self, Phones, Relay};
use countersign_core::time::Timestamp;
use guesses::Guesses;
use history::History;
use load::Load;
use rand::{RngExt, rngs::StdRng};
use server::{Installation, Server};
use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::time::sleep;

/// Kills a server under load and looks for what it lost.
#[derive(Parser)]
struct Arguments {
    /// How often the server is killed
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Number of connections that send at once
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

/// The state that stays the same over all restarts.
struct Trial {
    installation: Installation,
    phones: Arc<Phones>,
    book: Arc<Book>,
    key: String,
    guesses: Guesses,
    connections: usize,
}

impl Trial {
    fn acts(&self, server: &Server) -> Result<Arc<Acts>> {
        let api = Api::new(&server.base_url, &self.key)?;
        Ok(Arc::new(Acts { api, phones: self.phones.clone(), book: self.book.clone() }))
    }

    /// Runs the load for a random time, and then kills the server.
    async fn round(&mut self, server: Server, acts: Arc<Acts>, rng: &mut StdRng) -> Result<()> {
        let load = Load::begin(&acts, self.connections);
        let until = Instant::now() + Duration::from_millis(rng.random_range(500..2_000));
        self.guesses.guess(&acts).await?;
        sleep(until.saturating_duration_since(Instant::now())).await;
        load.stop();
        server.kill()?;
        load.end().await
    }

    /// Checks what a restarted server must still know. Every other time the next load begins at once, so that
    /// a kill also happens while messages are being taken over.
    async fn recover(&mut self, acts: &Arc<Acts>, patiently: bool) -> Result<()> {
        proof::look(acts, self.connections).await?;
        self.guesses.verify(acts).await;
        self.guesses.guess(acts).await?;
        if patiently {
            proof::wait_for_messages(acts).await;
        }
        Ok(())
    }

    /// The final checks after the last load, including the history.
    async fn conclude(&mut self, acts: &Arc<Acts>) -> Result<History> {
        self.guesses.guess(acts).await?;
        self.guesses.end(acts);
        proof::wait_for_messages(acts).await;
        self.book.idle().iter_mut().for_each(|of| of.touched = true);
        proof::look(acts, self.connections).await?;
        proof::wait_until_drained(|| history::is_drained(&self.installation)).await?;
        let history = History::read(&self.installation)?;
        history.compare(&self.book, self.guesses.starts())?;
        history.compare_report(acts, now()).await?;
        history.compare_timelines(acts).await;
        self.phones.faults().into_iter().for_each(|fault| self.book.fault(fault));
        if self.installation.log()?.contains("panicked") {
            self.book.fault("a server panicked".to_owned());
        }
        Ok(history)
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    // The client requires a provider although it uses plain HTTP here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (folder, since) = (tempfile::tempdir()?, Instant::now());
    let Relay { phones, url, secret } = relay::listen(relay::QUICK)?;
    let installation = Installation::new(folder.path(), &url, &secret);
    let (key, connections) = (installation.make_key()?, arguments.connections);
    let (book, guesses) = (Arc::new(Book::new()), Guesses::new());
    let mut trial = Trial { installation, phones, book, key, guesses, connections };
    let mut rng = rand::make_rng::<StdRng>();
    let mut server = trial.installation.start().await?;
    let mut acts = trial.acts(&server)?;
    set_limit(&acts).await?;
    for _ in 0..3 {
        trial.guesses.guess(&acts).await?;
    }
    for kill in 1..=arguments.kills {
        trial.round(server, acts, &mut rng).await?;
        server = trial.installation.start().await?;
        acts = trial.acts(&server)?;
        trial.recover(&acts, kill % 2 == 0).await?;
        eprintln!("killed {kill} times, {} starts", trial.book.starts.load(Relaxed));
    }
    let history = trial.conclude(&acts).await?;
    drop(server);
    Ok(report(&trial, &arguments, &history, since.elapsed()))
}

async fn set_limit(acts: &Acts) -> Result<()> {
    let body = serde_json::json!({ "buckets": [{ "max": LIMIT, "window": WINDOW.as_secs() }] });
    let answer = acts.api.put("/v1/limits/tenant", &body).await;
    ensure!(answer.as_ref().is_ok_and(|answer| answer.status == 200), "the limit was not set: {answer:?}");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the report bears the date of the run")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or_default())
}

fn report(trial: &Trial, arguments: &Arguments, history: &History, took: Duration) -> ExitCode {
    let Trial { book, phones, .. } = trial;
    let (profile, date) = (if cfg!(debug_assertions) { "dev" } else { "release" }, now().to_string());
    let (messages, doubles) = phones.count();
    println!("# Killed under load\n");
    println!(
        "{}, {profile} profile, embedded engine, {} connections. `just kill` writes this page.\n\
         [operations.md](operations.md#what-was-proved) says what it compares with the answers.\n",
        &date[..10],
        arguments.connections
    );
    println!("| | |\n|---|---|");
    let count = |counter: &AtomicU64| counter.load(Relaxed) as usize;
    for (name, value) in [
        ("kills", arguments.kills),
        ("acknowledged starts", count(&book.starts)),
        ("answered checks", count(&book.checks)),
        ("approvals", count(&book.approvals)),
        ("resends", count(&book.resends)),
        ("requests interrupted by a kill", count(&book.cut)),
        ("repeats that got the first answer again", count(&book.replays)),
        ("requests refused with 503", count(&book.refused)),
        ("checks refused during a wait, also after restarts", trial.guesses.waits_seen),
        ("messages", messages),
        ("messages that arrived twice, under the same id", doubles),
        ("events in the history", history.events() as usize),
        ("seconds", took.as_secs() as usize),
    ] {
        println!("| {name} | {value} |");
    }
    let faults = book.faults();
    println!();
    faults.iter().for_each(|fault| println!("- {fault}"));
    if faults.is_empty() {
        println!("1 passed, 0 failed");
        return ExitCode::SUCCESS;
    }
    println!("\n0 passed, 1 failed: {} violations", faults.len());
    ExitCode::FAILURE
}
