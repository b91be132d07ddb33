//! `apply` by several at once, on one Postgres.

use super::Place;
use crate::directory::Base;
use anyhow::{Context, Result};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_once_make_one_of_each() -> Result<()> {
    let base = Base::postgres().await?;
    let place = Place::new().with("database.url", base.server_url().context("a server")?);
    place.run("keyring create").await.expect(0, &[]);
    place.run("migrate").await.expect(0, &[]);
    let secret = place.run("key generate").await.expect(0, &[]).last();
    let file = place.folder.path().join("apply.toml");
    let mut text = "name = \"production\"\n".to_owned();
    for tenant in ["Acme", "Other"] {
        text.push_str(&format!(
            "[[tenants]]\nname = \"{tenant}\"\nlocale = \"pl\"\n\
             countries = {{ default = \"allow\", countries = {{}} }}\n"
        ));
        for n in 0..5 {
            text.push_str(&format!(
                "[[tenants.senders]]\nsender = \"S{n}\"\n[[tenants.profiles]]\nname = \"p{n}\"\n\
                 [[tenants.templates]]\nname = \"t{n}\"\ntexts = {{ en = \"{{code}} is yours.\" }}\n"
            ));
        }
    }
    text.push_str(&format!(
        "[[tenants.keys]]\nname = \"app\"\nscopes = [\"settings:read\"]\nsecret = \"{secret}\"\n"
    ));
    std::fs::write(&file, &text)?;
    let line = format!("apply {}", file.display());
    let (one, two, three) = tokio::join!(place.run(&line), place.run(&line), place.run(&line));
    for run in [one, two, three] {
        run.expect(0, &[]);
    }
    let again = place.run(&line).await.expect(0, &["Nothing to change."]);
    assert_eq!(again.last(), "= 33 unchanged");
    let tenants = place.run("tenant list").await.expect(0, &[]).answer;
    assert_eq!(tenants.matches("\tactive\t").count(), 2, "{tenants}");
    // What either of them made is the file's to delete.
    std::fs::write(&file, "name = \"production\"\n")?;
    let pruned = place.run(&format!("{line} --prune-tenants")).await.expect(0, &[]).answer;
    assert_eq!(pruned.matches("- tenant ").count(), 2, "{pruned}");
    base.close().await
}
