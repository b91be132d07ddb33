//! Signs persons in by the portal's page. Compares the times of refusals that must not be told apart, and measures
//! the CPU time of a sign-in without its hash.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use countersign_bench::{cpu_of, nodes::Installation};
use countersign_core::{
    access::change::Change,
    id::{MemberId, PersonId, TenantId},
    keyring::KeyRing,
    locale::Locale,
    people::{
        hours::Zone,
        member::{Limits, Member},
        password::{Password, PasswordText},
        person::{EmailAddress, Identity, Person, PersonName},
    },
    ports::directory::members::{Joining, Members as _},
    time::Timestamp,
};
use countersign_stores::{
    directory::SqlDirectory,
    sql::Sql,
    sqlite::{Database, Options},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{
    Client, StatusCode,
    header::{COOKIE, LOCATION, SET_COOKIE},
};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// Compares refusals of the sign-in page, and measures a sign-in.
#[derive(Parser)]
struct Arguments {
    /// Number of tries of each kind
    #[arg(long, default_value_t = 200)]
    tries: usize,
    /// The largest difference between the medians, in percent
    #[arg(long, default_value_t = 10.0)]
    apart: f64,
    /// The most CPU time of a sign-in apart from the hash, in milliseconds
    #[arg(long, default_value_t = 2.0)]
    most: f64,
}

/// The sign-ins at once whose CPU time is measured, as when an office opens. One alone would be charged for what a
/// machine pays to fall asleep and to wake up.
const AT_ONCE: usize = 8;
/// How long the node is watched without a request.
const REST: Duration = Duration::from_secs(5);

const RIGHT: &str = "Marzipan-4-Lunch";
const WRONG: &str = "Marzipan-5-Lunch";

/// What a refusal must hide.
const KINDS: [&str; 3] = ["unknown address", "disabled member", "wrong password"];

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { tries, apart, most } = Arguments::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    // Each try comes from a network of its own, so no count of failures makes it wait.
    let installation = Installation::embedded(folder.path())
        .with("KEYRING__FILE", &folder.path().join("keyring.toml").to_string_lossy())
        .with("SERVER__TRUSTED_PROXIES", "127.0.0.1");
    let tenant = installation.make_tenant("Sign-in")?.parse().context("a tenant")?;
    let people = People::open(&installation, tenant)?;
    for n in 0..tries {
        people.join(&address(2, n), false).await?;
        people.join(&address(1, n), true).await?;
    }
    drop(people);
    let node = installation.serve("all", "data").await?;
    let page = Page {
        client: Client::builder().redirect(reqwest::redirect::Policy::none()).build()?,
        base: node.base_url.clone(),
    };
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!("## Signing in by the portal's page");
    println!("{tries} tries of each kind, one after the other, {profile} profile, embedded\n");

    let mut times = [const { Vec::new() }; KINDS.len()];
    let mut bodies = Vec::new();
    for n in 0..tries {
        // The order changes, so that no kind always comes after the same one.
        for place in 0..KINDS.len() {
            let kind = (place + n) % KINDS.len();
            let caller = format!("10.{kind}.{}.{}", n / 250, n % 250 + 1);
            let form = page.form(&caller).await?;
            let since = Instant::now();
            let answer = page.submit(&form, &address(kind, n), WRONG).await?;
            times[kind].push(since.elapsed());
            ensure!(answer.status == StatusCode::BAD_REQUEST, "{}: {}", KINDS[kind], answer.status);
            bodies.push(answer.body.replace(&form.token, "").replace(&address(kind, n), ""));
        }
    }
    let first = bodies.first().context("an answer")?;
    ensure!(bodies.iter().all(|body| without_tokens(body) == without_tokens(first)), "the pages differ");
    let medians = times.map(median);
    println!("| refused because of | median, ms |\n|---|---|");
    for (kind, median) in KINDS.iter().zip(&medians) {
        println!("| {kind} | {:.2} |", median.as_secs_f64() * 1e3);
    }
    let [least, greatest] =
        [medians.iter().min(), medians.iter().max()].map(|m| m.map_or(0.0, Duration::as_secs_f64));
    let difference = (greatest / least - 1.0) * 100.0;
    println!("\nThe medians are {difference:.1} % apart.");

    // What the node does without any request is no part of a sign-in.
    let pid = node.process.0.id();
    let (before, since) = (cpu_of(pid)?, Instant::now());
    tokio::time::sleep(REST).await;
    let rest = (cpu_of(pid)? - before).div_duration_f64(since.elapsed());

    let (before, hashed, since) = (cpu_of(pid)?, cpu_of_hashing(pid)?, Instant::now());
    let sign_in = async |n: usize| {
        let form = page.form(&format!("10.9.{}.{}", n / 250, n % 250 + 1)).await?;
        let answer = page.submit(&form, &address(2, n), RIGHT).await?;
        ensure!(
            answer.status == StatusCode::SEE_OTHER && answer.has_session,
            "not signed in: {}",
            answer.status
        );
        anyhow::Ok(())
    };
    stream::iter(0..tries).map(sign_in).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let (all, hash) = (cpu_of(pid)? - before, cpu_of_hashing(pid)? - hashed);
    let [each, hash, rest] =
        [all, hash, since.elapsed().mul_f64(rest)].map(|all| all.as_secs_f64() * 1e3 / tries as f64);
    let apart_from_hash = each - hash - rest;
    println!("\n{AT_ONCE} at once:\n\n| a sign-in: page, form, session | CPU, ms |\n|---|---|");
    println!("| in all | {each:.2} |\n| of it the hash | {hash:.2} |");
    println!("| of it the node at rest | {rest:.2} |\n| what is left | {apart_from_hash:.2} |");
    ensure!(difference <= apart, "the times tell addresses apart: {difference:.1} %");
    ensure!(apart_from_hash <= most, "a sign-in takes {apart_from_hash:.2} ms apart from the hash");
    println!("\n1 passed, 0 failed");
    Ok(())
}

fn address(kind: usize, n: usize) -> String {
    format!("person{n:04}@{}.example.com", ["a", "b", "c"][kind])
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The tokens of a form differ each time.
fn without_tokens(body: &str) -> String {
    body.lines().filter(|line| !line.contains("form_token")).collect()
}

/// The CPU time of the threads that hash passwords.
fn cpu_of_hashing(pid: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        if std::fs::read_to_string(thread.join("comm"))?.trim_end() == "password" {
            let stat = std::fs::read_to_string(thread.join("schedstat"))?;
            nanoseconds += stat.split(' ').next().context("a time")?.parse::<u64>()?;
        }
    }
    ensure!(nanoseconds > 0, "no thread has hashed");
    Ok(Duration::from_nanos(nanoseconds))
}

/// Makes persons in the database of a node that is not running.
struct People {
    directory: SqlDirectory,
    keyring: Arc<KeyRing>,
    tenant: TenantId,
    password: PasswordText,
}

impl People {
    #[expect(clippy::disallowed_methods, reason = "the real randomness, as the server has it")]
    fn open(installation: &Installation, tenant: TenantId) -> Result<Self> {
        let keyring = Arc::new(installation.keyring()?);
        let file = installation.folder.join("data").join("directory.sqlite");
        let database = Database::open(&file, Options { full_sync: false })?;
        let directory = SqlDirectory::new(Sql::sqlite(database), Arc::clone(&keyring));
        let password = Password::read(RIGHT).context("a password")?.hash(&mut rand::rng());
        Ok(Self { directory, keyring, tenant, password })
    }

    #[expect(clippy::disallowed_methods, reason = "the real time and randomness, as the server has them")]
    async fn join(&self, address: &str, disabled: bool) -> Result<()> {
        let mut rng = rand::rng();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let now = Timestamp::from_micros(i64::try_from(now.as_micros())?);
        let email = EmailAddress::parse(address).context("an address")?;
        let identity = Identity { name: PersonName::parse("Anna Nowak").context("a name")?, email };
        let person = PersonId::new(&mut rng);
        let person = Person::new(
            person,
            &identity,
            (Locale::default(), Zone::default()),
            &self.keyring,
            now,
            &mut rng,
        );
        let member = Member {
            id: MemberId::new(now, &mut rng),
            tenant: self.tenant,
            person: person.id,
            limits: Limits::of_owner(Zone::default()),
            disabled,
            version: 1,
            created_at: now,
        };
        let joining = Joining {
            member: &member,
            person: Some(&person),
            password: Some(&self.password),
            invitation: None,
        };
        Ok(self.directory.add_member(joining, None, &[], &Change::by_system(now)).await?)
    }
}

/// The sign-in page of a node.
struct Page {
    client: Client,
    base: String,
}

/// A form as a browser got it.
struct Form {
    caller: String,
    cookies: String,
    token: String,
}

struct Answer {
    status: StatusCode,
    body: String,
    has_session: bool,
}

impl Page {
    fn url(&self) -> String {
        format!("{}/portal/sign-in", self.base)
    }

    async fn form(&self, caller: &str) -> Result<Form> {
        let answer = self.client.get(self.url()).header("X-Forwarded-For", caller).send().await?;
        ensure!(answer.status() == StatusCode::OK, "the page: {}", answer.status());
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        let cookies: Vec<_> =
            cookies.filter_map(|cookie| cookie.split(';').next().map(str::to_owned)).collect();
        let body = answer.text().await?;
        let token = body.split("name=\"form_token\"").nth(1).context("a token")?;
        let token =
            token.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("a value")?;
        Ok(Form { caller: caller.to_owned(), cookies: cookies.join("; "), token: token.to_owned() })
    }

    async fn submit(&self, form: &Form, email: &str, password: &str) -> Result<Answer> {
        let fields = [("form_token", form.token.as_str()), ("email", email), ("password", password)];
        let request = self.client.post(self.url()).header("X-Forwarded-For", &form.caller);
        let answer = request.header(COOKIE, &form.cookies).form(&fields).send().await?;
        let status = answer.status();
        let named = |name: &str| {
            let cookies = answer.headers().get_all(SET_COOKIE);
            cookies.iter().any(|cookie| cookie.to_str().is_ok_and(|cookie| cookie.contains(name)))
        };
        let has_session = named("cs_session=") && answer.headers().contains_key(LOCATION);
        Ok(Answer { status, has_session, body: answer.text().await? })
    }
}
