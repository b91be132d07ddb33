//! Members: the cost of their limits for a start, and the cost of a great number of them for a node.

use crate::{
    Fleet,
    directory::{make_key, make_tenant, now},
};
use anyhow::{Context, Result, ensure};
use countersign_bench::{Cost, Guard, Load, api::Api, resident, run};
use countersign_core::{
    access::{change::Change, scope::Scopes, share::Share},
    id::{MemberId, PersonId, ProfileId, TenantId},
    keyring::KeyRing,
    locale::Locale,
    mode::Mode,
    people::{
        hours::{Hours, Zone},
        member::{Limits, Member, Role},
        person::{EmailAddress, Identity, Person, PersonName},
    },
    ports::directory::{
        changes::Changes,
        members::{Joining, Members},
    },
    time::Timestamp,
};
use countersign_stores::directory::SqlDirectory;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The longest time until a node knows a change.
const SOON: Duration = Duration::from_secs(10);

/// Limits of each kind that a start obeys, none of which it reaches.
fn limits(profile: ProfileId, now: Timestamp) -> Result<Limits> {
    // Always open, but for half an hour in three days. 1970 began with a Thursday.
    let closed = (now.micros() / 86_400_000_000 + 3 + 3) % 7;
    let places = (0..7).flat_map(|weekday| (0..48).map(move |half_hour| (weekday, half_hour)));
    let places = places.filter(|place| *place != (closed as usize, 0));
    let hours = places.fold(Hours::NEVER, |hours, (weekday, half_hour)| hours.with(weekday, half_hour));
    let mut limits = Limits::of_owner(Zone::parse("Europe/Warsaw").context("a zone")?);
    limits.role = Role::Subuser;
    limits.permissions = Scopes::all_but_codes();
    limits.hours = hours;
    limits.shares.profiles = Share::of([profile])?;
    limits.pool = Some(1_000_000_000);
    limits.most_parts = Some(10);
    Ok(limits)
}

/// Makes a member with a person of its own.
#[expect(clippy::disallowed_methods, reason = "the real randomness, as the command line has it")]
async fn join(
    directory: &SqlDirectory,
    keyring: &KeyRing,
    (tenant, profile): (TenantId, ProfileId),
) -> Result<Member> {
    let (now, mut rng) = (now()?, rand::rng());
    let person = PersonId::new(&mut rng);
    let member = Member {
        id: MemberId::new(now, &mut rng),
        tenant,
        person,
        limits: limits(profile, now)?,
        disabled: false,
        version: 1,
        created_at: now,
    };
    let email = EmailAddress::parse(&format!("{person}@example.com")).context("an address")?;
    let identity = Identity { name: PersonName::parse("Anna Nowak").context("a name")?, email };
    let whole = (Locale::default(), Zone::default());
    let person = Person::new(person, &identity, whole, keyring, now, &mut rng);
    let joining = Joining { member: &member, person: Some(&person), invitation: None, password: None };
    directory.add_member(joining, None, &[], &Change::by_system(now)).await?;
    Ok(member)
}

impl Fleet {
    /// Compares a member's key, whose member has hours, a share of profiles and a pool, with a plain key. The
    /// keys are live, because test keys take from no pool.
    pub async fn member(&mut self) -> Result<()> {
        let directory = self.sql_directory()?;
        let place = make_tenant(&directory).await?;
        let member = join(&directory, &self.installation.keyring()?, place).await?;
        let keys = [
            make_key(&directory, place.0, None, Mode::Live).await?,
            make_key(&directory, place.0, Some(member.id), Mode::Live).await?,
        ];
        let mut api = self.serve("api", Vec::new()).await?;
        let mut costs = [Cost::default(), Cost::default()];
        for round in 0..=self.arguments.rounds {
            // The first round warms caches and is not counted.
            let pairs = if round == 0 { self.arguments.pairs / 10 + 1 } else { self.arguments.pairs };
            for (key, total) in keys.iter().zip(&mut costs) {
                api.keys = vec![key.clone()];
                let load = Load { live: true, ..self.load(pairs) };
                let cost = run(&api, &load).await?;
                if round > 0 {
                    total.add(cost);
                }
                self.empty().await?;
            }
        }
        println!();
        println!(
            "| live keys | pairs/s | ratio | CPU of API node + Redis for a pair, us | ratio | of it Redis |"
        );
        println!("|---|---|---|---|---|---|");
        let (base, base_cpu) = (costs[0].pairs_per_second(), costs[0].cpu_per_pair());
        for (name, cost) in
            ["plain", "of a member with hours, a share of profiles and a pool"].iter().zip(&costs)
        {
            let (rate, cpu) = (cost.pairs_per_second(), cost.cpu_per_pair());
            let (a, b, redis) = (rate / base, cpu / base_cpu, cost.cpu_beside());
            println!("| {name} | {rate:.0} | {a:.2} | {cpu:.1} | {b:.2} | {redis:.1} |");
        }
        self.scripts_of_member(&mut api, &keys).await
    }

    /// Counts the scripts of a start by each key, alone and with an end user's address, which needs a round trip to
    /// other partitions anyway.
    async fn scripts_of_member(
        &mut self,
        api: &mut countersign_bench::Server,
        keys: &[String; 2],
    ) -> Result<()> {
        println!();
        println!("| scripts for a start | plain key | member's key |");
        println!("|---|---|---|");
        let pairs = (self.arguments.pairs / 50).max(100);
        for guard in [Guard::None, Guard::EndUserIp] {
            let mut scripts = [f64::INFINITY; 2];
            for (key, fewest) in keys.iter().zip(&mut scripts) {
                api.keys = vec![key.clone()];
                // From time to time the node calls a script for each partition. Not all of these batches meet that.
                for _ in 0..5 {
                    let before = self.calls().await?;
                    let load = Load { guard, check: false, live: true, ..self.load(pairs) };
                    run(api, &load).await?;
                    *fewest = fewest.min((self.calls().await? - before) as f64 / pairs as f64);
                }
            }
            let [plain, bound] = scripts;
            println!("| {} | {plain:.2} | {bound:.2} |", guard.name());
            ensure!(bound - plain < 1.1, "the pool takes more than one script");
        }
        self.empty().await
    }

    /// Starts a node. Returns the time until it is ready, in seconds, and its memory in KiB.
    async fn begin(&mut self) -> Result<(countersign_bench::Server, f64, u64)> {
        let since = Instant::now();
        let node = self.serve("api", Vec::new()).await?;
        let ready = since.elapsed().as_secs_f64();
        let memory = resident(node.process.0.id())?;
        Ok((node, ready, memory))
    }

    /// Measures the time and memory that a node needs for the members of one great tenant, and what it reads when
    /// one of them is changed.
    pub async fn members(&mut self) -> Result<()> {
        let size = self.arguments.members;
        let (node, _, before) = self.begin().await?;
        drop(node);
        let (directory, keyring) = (self.sql_directory()?, self.installation.keyring()?);
        let place = make_tenant(&directory).await?;
        let member = join(&directory, &keyring, place).await?;
        let key = make_key(&directory, place.0, Some(member.id), Mode::Live).await?;
        self.copy_members(&member, size)?;
        let (node, ready, memory) = self.begin().await?;
        println!();
        println!(
            "API node with {size} members of one tenant and {} keys of theirs: ready after {ready:.2} s, {} MiB, of it {} bytes for a member with its part of the keys",
            size / 5,
            memory >> 10,
            (memory.saturating_sub(before) << 10) / size as u64
        );
        self.change_one(&directory, &Api::new(&node.base_url, &key)?, &member).await?;
        drop(node);
        for statement in [
            format!("DELETE FROM keys WHERE tenant_id = '{}'", place.0),
            format!("DELETE FROM members WHERE tenant_id = '{}'", place.0),
        ] {
            self.psql(&statement)?;
        }
        Ok(())
    }

    /// Copies the member and its key under ids that nobody has. Each fifth member has a key.
    fn copy_members(&self, member: &Member, size: usize) -> Result<()> {
        let id = |prefix: &str, n: &str| format!("'{prefix}_1' || lpad(({n})::text, 25, '0')");
        let (per, mem, key) = (id("per", "n"), id("mem", "n"), id("key", "n"));
        let every_fifth = id("mem", "5 * n");
        let copies = |count: usize| format!("generate_series(1, {count}) n");
        let (all, fifth) = (copies(size - 1), copies(size / 5 - 1));
        let Member { id, person, .. } = member;
        for statement in [
            format!(
                "INSERT INTO people SELECT {per}, decode(md5(n::text), 'hex'), sealed, language, zone, epoch, version, created_at
                    FROM people, {all} WHERE id = '{person}'"
            ),
            format!(
                "INSERT INTO members SELECT {mem}, tenant_id, {per}, disabled, version, created_at, role, permissions, zone, hours,
                    senders, templates, profiles, subject_groups, pool, most_parts FROM members, {all} WHERE id = '{id}'"
            ),
            format!(
                "INSERT INTO keys (id, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at, last_used_at,
                        version, allowlist, replaced_by, member, made_by, profiles)
                    SELECT {key}, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at, last_used_at,
                        version, allowlist, replaced_by, {every_fifth}, made_by, profiles
                    FROM keys, {fifth} WHERE member = '{id}'"
            ),
            "ANALYZE".to_owned(),
        ] {
            self.psql(&statement)?;
        }
        Ok(())
    }

    /// The rows of a table that statements have read.
    fn rows_read(&self, table: &str) -> Result<u64> {
        let statement =
            format!("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = '{table}'");
        Ok(self.psql(&statement)?.parse()?)
    }

    async fn change_one(&self, directory: &SqlDirectory, api: &Api, member: &Member) -> Result<()> {
        // An idle connection reports its counts after a moment.
        let tables = ["members", "keys", "tenants", "profiles"];
        sleep(Duration::from_secs(3)).await;
        let read: Vec<u64> = tables.iter().map(|table| self.rows_read(table)).collect::<Result<_>>()?;
        let head: i64 = self.psql("SELECT n FROM change_head")?.parse()?;
        let status =
            async || api.post("/v1/verifications", &json!({}), None).await.map(|answer| answer.status);
        ensure!(status().await == Ok(400), "the key does not work");
        let limits = Limits { permissions: Scopes::default(), ..member.limits.clone() };
        let next = Member { limits, version: member.version + 1, ..member.clone() };
        directory.update_member((member, &next), None, &[], &Change::by_system(now()?)).await?;
        let since = Instant::now();
        while status().await != Ok(403) {
            ensure!(since.elapsed() < SOON, "the node does not know the change");
            sleep(Duration::from_millis(5)).await;
        }
        let known = since.elapsed();
        sleep(Duration::from_secs(3)).await;
        let after: Vec<u64> = tables.iter().map(|table| self.rows_read(table)).collect::<Result<_>>()?;
        let rows: Vec<u64> = after.iter().zip(&read).map(|(after, before)| after - before).collect();
        let news = directory.news(head).await?.context("news")?;
        let page = [news.members.len(), news.keys.len(), news.tenants.len()];
        println!(
            "A member of these narrowed: known to the node after {} ms. The page that a node reads has {} member, {} key and {} tenants. Rows read for the change and by the node: {} of members, {} of keys, {} of tenants, {} of profiles",
            known.as_millis(),
            page[0],
            page[1],
            page[2],
            rows[0],
            rows[1],
            rows[2],
            rows[3]
        );
        ensure!(page == [1, 1, 0] && !news.whole, "the page has {page:?}");
        // Postgres reads small tables whole, and the node's own jobs read tenants and keys.
        ensure!(rows[0] < 100, "{rows:?} rows were read for one change");
        Ok(())
    }
}
