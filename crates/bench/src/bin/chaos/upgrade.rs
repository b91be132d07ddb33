//! Runs two releases on the same stores, as in a rolling upgrade.

use crate::{
    load::{Book, Clients},
    trials::{Trials, say, wait_until},
};
use anyhow::{Context, Result, ensure};
use countersign_bench::{api::Api, nodes::Installation};
use serde_json::json;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::time::sleep;

const LOAD: Duration = Duration::from_secs(3);
/// The number of verifications that are made by the old release and checked by the new one.
const KEPT: usize = 50;

impl Trials<'_> {
    /// The old release starts on stores with its own schema. The new one migrates them under load, joins, and
    /// finally runs alone. No client may notice.
    pub async fn two_releases(&self, old: &Path) -> Result<()> {
        let before = self.installation.by(old);
        before.run(&["migrate"])?;
        let (tenant, test, live) = self.keys_by(&before, "Upgrade")?;
        let old_api = before.serve("api", "old").await?;
        let old_worker = before.serve("worker", "oldworker").await?;
        let by_old = Arc::new(Api::new(&old_api.base_url, &test)?);
        let book = Book::from(350_000);
        let mut kept = Vec::new();
        for _ in 0..KEPT {
            kept.push(book.start(&by_old).await.context("no start by the old release")?);
        }
        let clients = Clients::begin(&[Arc::clone(&by_old)], self.arguments.clients, &book);
        self.installation.run(&["migrate"])?;
        let new_api = self.installation.serve("api", "new").await?;
        let new_worker = self.installation.serve("worker", "newworker").await?;
        sleep(LOAD).await;
        clients.end().await;
        let by_new = Arc::new(Api::new(&new_api.base_url, &test)?);
        // One release starts, the other checks, and either sends.
        let apis = [Arc::clone(&by_old), Arc::clone(&by_new)];
        let clients = Clients::begin(&apis, self.arguments.clients, &book);
        sleep(LOAD).await;
        clients.end().await;
        for (near, far) in [(&new_api, &old_api), (&old_api, &new_api)] {
            let (near, far) = (Api::new(&near.base_url, &live)?, far.base_url.as_str());
            self.disable_a_key(&near, far, false).await?;
        }
        for (starts, resends) in [(&by_old, &by_new), (&by_new, &by_old)] {
            let id = book.start(starts).await.context("no start")?;
            let path = format!("/v1/verifications/{id}");
            let early = resends.post(&format!("{path}/resend"), &json!({}), None).await;
            ensure!(early.is_ok_and(|early| early.word() == "resend_too_soon"), "the cooldown was not seen");
            let canceled = resends.post(&format!("{path}/cancel"), &json!({}), None).await;
            ensure!(canceled.is_ok_and(|canceled| canceled.word() == "canceled"), "not canceled");
            let read = starts.get(&path).await;
            ensure!(read.is_ok_and(|read| read.word() == "canceled"), "the other release does not see it");
        }
        old_api.process.end()?;
        old_worker.process.end()?;
        for id in &kept {
            ensure!(book.check(&by_new, id, None).await, "{id} of the old release was not approved");
        }
        let others = book.others();
        ensure!(others.is_empty(), "two releases side by side: {others:?}");
        book.ensure_single()?;
        let (starts, approvals) = (book.starts() as u64, book.approvals().len() as u64);
        // Two of the verifications were canceled.
        ensure!(approvals == starts - 2, "{starts} starts, {approvals} approvals");
        for (kind, expected) in [("started", starts), ("approved", approvals), ("canceled", 2)] {
            self.wait_for_history(kind, &self.events(&tenant, kind), expected).await?;
        }
        drop((new_api, new_worker));
        self.a_folder_is_taken_over(old).await?;
        say(
            "the release before and this one side by side",
            &format!(
                "{starts} verifications, {approvals} approvals, each event once; what one began the other ended; \
                a key disabled by either refused by both; {KEPT} begun by the old one approved after its end"
            ),
        );
        Ok(())
    }

    /// Upgrades an installation on one machine: the new release opens the data folder of the old one.
    async fn a_folder_is_taken_over(&self, old: &Path) -> Result<()> {
        let folder = self.installation.folder.join("embedded");
        std::fs::create_dir_all(&folder)?;
        let after = Installation::embedded(&folder);
        let before = after.by(old);
        let (_, test, _) = self.keys_by(&before, "Folder")?;
        let book = Book::from(380_000);
        let node = before.serve("all", "data").await?;
        let id =
            book.start(&Api::new(&node.base_url, &test)?).await.context("no start by the old release")?;
        drop(node);
        let node = after.serve("all", "data").await?;
        let api = Api::new(&node.base_url, &test)?;
        ensure!(book.check(&api, &id, None).await, "what the old release left was not approved");
        let listed = async || {
            let list = api.get("/v1/verifications?limit=1").await;
            list.is_ok_and(|list| list.json["data"][0]["id"] == *id)
        };
        wait_until(listed).await.context("it is not in the history")
    }
}
