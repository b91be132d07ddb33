//! `countersign member`, and the keys of members, on both engines.

use super::{Ended, Place};
use crate::directory::Base;
use anyhow::{Context as _, Result, ensure};
use countersign::Settings;
use countersign_core::{
    ports::directory::audit::{AuditFilter, AuditLog as _},
    time::Timestamp,
};
use countersign_stores::{directory::SqlDirectory, sql::Statement};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Runs a test on SQLite and on Postgres.
pub(super) async fn on_both(test: impl AsyncFn(&Place) -> Result<()>) -> Result<()> {
    test(&Place::new()).await?;
    let base = Base::postgres().await?;
    let place = Place::new().with("database.url", base.server_url().context("a server")?);
    place.run("keyring create").await.expect(0, &[]);
    place.run("migrate").await.expect(0, &[]);
    test(&place).await?;
    base.close().await
}

impl Place {
    async fn new_tenant(&self) -> String {
        self.run("tenant create --name Acme --countries all").await.expect(0, &[]).last()
    }

    /// Adds a member and returns its id.
    async fn add(&self, tenant: &str, flags: &str, email: &str) -> String {
        let line = format!("member add --tenant {tenant} --name Anna {flags} {email}");
        let member = self.run(&line).await.expect(0, &["Made."]).last();
        assert!(member.starts_with("mem_"), "{member}");
        member
    }

    /// Gives all persons a password, as if they had signed in once: an owner without one does not count.
    async fn give_passwords(&self) -> Result<()> {
        const SET: Statement =
            Statement { table: "people", text: "UPDATE people SET password = 'no hash'", params: &[] };
        let flags = self.flags().into_iter().map(|(key, value)| (key, value, "test"));
        let sql = countersign::wiring::open_sql(&Settings::load(None, [], flags)?).await?;
        Ok(sql.execute(&SET, Vec::new()).await?)
    }

    /// The value of one line of `member show`.
    async fn shown(&self, tenant: &str, member: &str, field: &str) -> String {
        let ended = self.run(&format!("member show --tenant {tenant} {member}")).await.expect(0, &[]);
        ended.field(field)
    }

    /// When the last entry with this action was written.
    async fn noted(&self, tenant: &str, action: &str) -> Result<Timestamp> {
        let flags = self.flags().into_iter().map(|(key, value)| (key, value, "test"));
        let sql = countersign::wiring::open_sql(&Settings::load(None, [], flags)?).await?;
        let directory = SqlDirectory::new(sql, Arc::new(crate::codes::keyring()));
        let filter = AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() };
        let entries = directory.list_audit(tenant.parse()?, &filter, None, 1).await?;
        Ok(entries.first().context("an entry")?.at)
    }
}

impl Ended {
    /// The value of the line that begins with this word and a tab.
    fn field(&self, field: &str) -> String {
        let line = self.answer.lines().find_map(|line| line.strip_prefix(&format!("{field}\t")));
        line.unwrap_or_else(|| panic!("no {field} in {self:#?}")).to_owned()
    }

    /// The lines that begin so.
    fn lines_of(&self, prefix: &str) -> Vec<String> {
        self.answer.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_added_listed_changed_and_removed() -> Result<()> {
    on_both(async |place| {
        let tenant = place.new_tenant().await;
        let words = ["member", "add", "--tenant", &tenant, "--role", "owner", "--name", "Anna Nowak"];
        let owner = place.run_words(&[words.as_slice(), &["Anna@example.com"]].concat()).await;
        let owner = owner.expect(0, &["Made.", "No server runs"]).last();
        let flags = "--role subuser --permissions verifications:start,numbers:read --profiles default \
            --senders none --groups vip,north --pool 100 --most-parts 2 --time-zone europe/warsaw";
        let clerk = place.add(&tenant, flags, "bob@example.com").await;
        let list = place.run(&format!("member list --tenant {tenant}")).await.expect(0, &[]);
        let [first, second] = &list.lines_of("mem_")[..] else { panic!("{list:#?}") };
        let scopes = "verifications:start numbers:read";
        assert_eq!(*first, format!("{clerk}\tactive\tsubuser\tAnna\tbob@example.com\t{scopes}"));
        let begin = format!("{owner}\tactive\towner\tAnna Nowak\tAnna@example.com\tverifications:start ");
        assert!(second.starts_with(&begin) && !second.contains("codes:reveal"), "{second}");

        let shown = place.run(&format!("member show --tenant {tenant} {clerk}")).await.expect(0, &[]);
        for (field, value) in [
            ("id", clerk.as_str()),
            ("state", "active"),
            ("role", "subuser"),
            ("permissions", scopes),
            ("time_zone", "Europe/Warsaw"),
            ("hours", "always"),
            ("senders", "none"),
            ("templates", "all"),
            ("profiles", "default"),
            ("groups", "north,vip"),
            ("pool", "100"),
            ("most_parts", "2"),
        ] {
            assert_eq!(shown.field(field), value, "{field}");
        }
        let set = ["member", "set", "--tenant", &tenant, &clerk, "--hours"];
        let hours = ["mon-fri 08:00-16:30, sat 10:00-14:00", "--pool", "none"];
        place.run_words(&[set.as_slice(), &hours].concat()).await.expect(0, &["is changed."]);
        assert_eq!(place.shown(&tenant, &clerk, "hours").await, hours[0]);
        assert_eq!(place.shown(&tenant, &clerk, "pool").await, "none");
        assert_eq!(place.shown(&tenant, &clerk, "most_parts").await, "2", "the rest stays");
        let wrong = place.run_words(&[set.as_slice(), &["mon 8-16"]].concat()).await;
        wrong.expect(2, &["\"mon 8-16\" is no time of a week", "mon-fri 08:00-12:00"]);
        assert_eq!(place.shown(&tenant, &clerk, "hours").await, hours[0]);

        let of = format!("--tenant {tenant}");
        let nobody = format!("mem_{}", "0".repeat(26));
        let foreign = place.new_tenant().await;
        for (line, code, said) in [
            (
                format!("member add {of} --role owner --name A ANNA@example.com"),
                1,
                "belongs to a member already",
            ),
            (format!("member add {of} --name A c@example.com"), 1, "Say --role owner"),
            (format!("member add {of} --role subuser --name A c@example.com"), 1, "Say --permissions"),
            (format!("member add {of} --role owner --name A c@example"), 2, "anna@example.com"),
            (format!("member set {of} {clerk} --profiles shop"), 1, "no profile \"shop\", only default"),
            (format!("member set {of} {clerk} --senders Acme"), 1, "no sender \"Acme\", and no other"),
            (format!("member set {of} {clerk} --groups a/b"), 1, "\"a/b\" is no name of a group"),
            (format!("member set {of} {clerk}"), 1, "What is to be changed?"),
            (format!("member show {of} {nobody}"), 1, "has no mem_000"),
            (format!("member show --tenant {foreign} {clerk}"), 1, "has no mem_"),
            (format!("member disable {of} {nobody}"), 1, "has no mem_000"),
            (format!("member remove {of} mem_1"), 2, "countersign member list"),
            ("member list --tenant ten_00000000000000000000000009".to_owned(), 1, "tenant list"),
            ("member list".to_owned(), 2, "--tenant"),
        ] {
            place.run(&line).await.expect(code, &[said]);
        }
        place.run(&format!("member remove {of} {clerk}")).await.expect(0, &["is removed."]);
        place.run(&format!("member remove {of} {clerk}")).await.expect(1, &["has no mem_"]);
        place.run("audit verify").await.expect(0, &[]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_keeps_its_last_owner_if_it_had_one() -> Result<()> {
    on_both(async |place| {
        let tenant = place.new_tenant().await;
        let of = format!("--tenant {tenant}");
        let none = place.add(&tenant, "--role subuser --permissions none", "a@example.com").await;
        // No owner was there before.
        place.run(&format!("member disable {of} {none}")).await.expect(0, &["is disabled"]);
        let first = place.add(&tenant, "--role owner", "b@example.com").await;
        place.give_passwords().await?;
        let acts = ["set --role subuser", "disable", "remove"];
        let line = |act: &str, member: &str| {
            let (verb, flags) = act.split_once(' ').unwrap_or((act, ""));
            format!("member {verb} {of} {member} {flags}").trim_end().to_owned()
        };
        for act in acts {
            let ended = place.run(&line(act, &first)).await;
            ended.expect(1, &[&format!("{first} is the last enabled owner of {tenant}")]);
        }
        place.run(&format!("member remove {of} {none}")).await.expect(0, &[]);
        let second = place.add(&tenant, "--role owner", "c@example.com").await;
        place.run(&line(acts[0], &first)).await.expect(1, &["last enabled owner"]);
        place.give_passwords().await?;
        place.run(&line(acts[0], &first)).await.expect(0, &[]);
        place.run(&line(acts[1], &second)).await.expect(1, &["last enabled owner"]);
        assert_eq!(place.shown(&tenant, &second, "state").await, "active");
        Ok(())
    })
    .await
}

/// The operator's tenant has members too, and a person may be a member of several.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_one_in_all_tenants() -> Result<()> {
    on_both(async |place| {
        let add = "member add --operator --name Olga olga@example.com";
        let operator = place.run(add).await.expect(0, &["Made."]).last();
        let tenant = place.new_tenant().await;
        let other = format!("member add --tenant {tenant} --role owner --name Olha OLGA@example.com");
        let member = place.run(&other).await.expect(0, &["the person's name stays Olga"]).last();
        assert_eq!(place.shown(&tenant, &member, "email").await, "olga@example.com");
        let shown = place.run(&format!("member show --operator {operator}")).await.expect(0, &[]);
        assert_eq!((shown.field("role").as_str(), shown.field("name").as_str()), ("owner", "Olga"));
        place.give_passwords().await?;
        place
            .run(&format!("member remove --operator {operator}"))
            .await
            .expect(1, &["owner of The operator"]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_has_one_link_until_it_is_withdrawn() -> Result<()> {
    on_both(async |place| {
        let tenant = place.new_tenant().await;
        let of = format!("--tenant {tenant}");
        let invite = format!("member invite {of} --role subuser --permissions numbers:read dora@example.com");
        let no_page = "no sign-in page yet";
        let made =
            place.run(&invite).await.expect(0, &["Made inv_", no_page, "server.public_url is not set"]);
        let link = made.last();
        assert!(link.starts_with(&format!("/portal/invite/{tenant}/inv_")), "{link}");
        place.run(&invite).await.expect(1, &["or has an invitation"]);
        let list = format!("member invitations {of}");
        let listed = place.run(&list).await.expect(0, &[]);
        let [line] = &listed.lines_of("inv_")[..] else { panic!("{listed:#?}") };
        let (id, rest) = line.split_once('\t').unwrap();
        assert!(rest.starts_with("dora@example.com\tsubuser\tnumbers:read\toperator\t1\t20"), "{line}");
        assert!(link.contains(id) && !line.contains(link.rsplit_once('/').unwrap().1));

        let again = format!("member link {of} {id}");
        let mut links = vec![link];
        for _ in 1..5 {
            let said = ["The former link is void. Renewed inv_", no_page];
            links.push(place.run(&again).await.expect(0, &said).last());
        }
        links.sort();
        links.dedup();
        assert_eq!(links.len(), 5, "each link is another");
        place.run(&again).await.expect(1, &["has had 5 links, which is the most"]);
        let withdraw = format!("member withdraw {of} {id}");
        place.run(&withdraw).await.expect(0, &["its link is void"]);
        for line in [&withdraw, &again] {
            place.run(line).await.expect(1, &[&format!("{tenant} has no {id}")]);
        }
        assert!(place.run(&list).await.expect(0, &[]).lines_of("inv_").is_empty());
        let member = place.add(&tenant, "--role owner", "dora@example.com").await;
        place.run(&invite).await.expect(1, &["belongs to a member already"]);
        assert!(member.starts_with("mem_"));
        place.run("audit verify").await.expect(0, &[]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_names_the_public_address() {
    let place = Place::new().with("server.public_url", "https://sms.example");
    let invited = place.run("member invite --operator olga@example.com").await.expect(0, &["Made inv_"]);
    let begin = "https://sms.example/portal/invite/ten_00000000000000000000000000/inv_";
    assert!(invited.last().starts_with(begin), "{invited:?}");
    assert!(!invited.said.contains("public_url"), "{invited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_s_key_is_made_moved_and_refused_with_its_member() -> Result<()> {
    on_both(async |place| {
        let tenant = place.new_tenant().await;
        let of = format!("--tenant {tenant}");
        let owner = place.add(&tenant, "--role owner", "a@example.com").await;
        let clerk = place.add(&tenant, "--role subuser --permissions settings:read", "b@example.com").await;
        let create = |scopes: &str| format!("key create {of} --name one --scopes {scopes} --member {clerk}");
        let beyond = place.run(&create("settings:read,numbers:read")).await;
        beyond.expect(1, &[&format!("{clerk} does not have all of numbers:read settings:read")]);
        let nobody = format!("mem_{}", "0".repeat(26));
        for (line, code, said) in [
            (create("settings:read").replace(&clerk, &nobody), 1, "has no member mem_000"),
            (create("settings:read") + " --profiles shop", 1, "no profile \"shop\", only default"),
            (format!("key create --operator --name one --member {clerk}"), 2, "cannot be used with"),
        ] {
            place.run(&line).await.expect(code, &[said]);
        }
        let secret =
            place.run(&(create("settings:read") + " --profiles default")).await.expect(0, &[]).last();
        let listed = place.run(&format!("key list {of}")).await.expect(0, &[]).lines_of("key_");
        assert!(listed.len() == 1 && listed[0].ends_with(&format!("\t{clerk}")), "{listed:?}");
        let key = listed[0].split_once('\t').unwrap().0.to_owned();
        assert_eq!(place.shown(&tenant, &clerk, "key").await, format!("{key}\tone"));

        let server = place.serve(false).await;
        ensure!(server.status(&secret).await == 200);
        // The command itself waits for the servers, so it runs beside the requests.
        let line = format!("member disable {of} {clerk}");
        let ask = async {
            let began = Instant::now();
            while server.status(&secret).await == 200 {
                assert!(began.elapsed() < Duration::from_secs(30), "the key is still accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            countersign_core::ports::clock::Clock::now(&countersign::machine::SystemClock)
        };
        let (ended, refused_at) = tokio::join!(place.run(&line), ask);
        ended.expect(0, &["its keys are refused", "The server that runs knows it."]);
        let took = refused_at.since(place.noted(&tenant, "member.update").await?);
        ensure!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(server.status(&secret).await, 401);
        place.run(&format!("key move {of} {key} --member {clerk}")).await.expect(1, &["is disabled"]);
        let enabled = place.run(&format!("member enable {of} {clerk}")).await;
        enabled.expect(0, &["is enabled.", "The server that runs knows it."]);
        assert_eq!(server.status(&secret).await, 200);

        let removed = place.run(&format!("member remove {of} {clerk}")).await;
        removed.expect(0, &["is removed.", "until `countersign key move`", &key]);
        assert_eq!(server.status(&secret).await, 401);
        for (to, said) in
            [(format!("--member {nobody}"), "has no member"), (format!("--member {clerk}"), "has no member")]
        {
            place.run(&format!("key move {of} {key} {to}")).await.expect(1, &[said]);
        }
        place.run(&format!("key move {of} {key}")).await.expect(2, &["--company"]);
        let moved = place.run(&format!("key move {of} {key} --member {owner}")).await;
        moved.expect(0, &["whose limits bind it", "The server that runs knows it."]);
        assert_eq!(server.status(&secret).await, 200);
        place.run(&format!("key move {of} {key} --company")).await.expect(0, &["belongs to the company"]);
        assert_eq!(server.status(&secret).await, 200);
        assert!(place.run(&format!("key list {of}")).await.last().ends_with("\t-"));
        server.stop().await;
        place.run("audit verify").await.expect(0, &[]);
        Ok(())
    })
    .await
}
