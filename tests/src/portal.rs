//! The pages at the door, over HTTP.

mod enrolment;
mod scanners;
mod secrets;

use crate::{
    app::TestApp,
    codes::{new_tenant, rng, seconds},
    people::door::{Counting, PASSWORD, WRONG, hashed},
};
use countersign_core::{
    access::{allowlist::Allowlist, change::Change},
    id::{MemberId, PersonId, TenantId},
    locale::Locale,
    people::{
        account::{AccountChange, OwnPhone},
        hours::Zone,
        member::{Limits, Member},
        person::{EmailAddress, Identity, Person, PersonName},
    },
    phone::PhoneNumber,
    ports::{
        clock::Clock as _,
        directory::members::Joining,
        people::accounts::{Accounts as _, Along},
        places::NoPlaces,
    },
    sign_in::Entrance,
    tenant::settings::Setting,
};
use countersign_stores::{
    directory::SqlDirectory,
    people::SqlPeople,
    sql::Sql,
    sqlite::{Database, Options},
};
use reqwest::{Client, Response, redirect::Policy};
use std::{collections::BTreeMap, sync::Arc};

/// The acts of sign-in, over the files of a running server.
pub fn entrance(app: &TestApp) -> (Entrance, SqlPeople) {
    let file = app.folder.path().join("directory.sqlite");
    let sql = Sql::sqlite(Database::open(&file, Options { full_sync: false }).unwrap());
    let people = SqlPeople::new(SqlDirectory::new(sql, Arc::clone(&app.context.keyring)));
    let entrance = Entrance {
        context: app.context.clone(),
        people: Arc::new(people.clone()),
        hasher: Arc::<Counting>::default(),
        places: Arc::new(NoPlaces),
        origin: app.base_url.as_str().into(),
    };
    (entrance, people)
}

/// A browser with its cookies, which follows no redirect by itself.
struct Browser<'a> {
    app: &'a TestApp,
    client: Client,
    cookies: BTreeMap<String, String>,
    /// The values of all cookies that it ever got.
    got: Vec<String>,
}

/// What a page answered.
struct Page {
    status: u16,
    location: String,
    text: String,
}

impl<'a> Browser<'a> {
    fn new(app: &'a TestApp) -> Self {
        let client =
            Client::builder().no_proxy().redirect(Policy::none()).timeout(seconds(30)).build().unwrap();
        Self { app, client, cookies: BTreeMap::new(), got: Vec::new() }
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, format!("{}{path}", self.app.base_url));
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    async fn read(&mut self, answer: Response) -> Page {
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            let (pair, rest) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.got.extend((!value.is_empty()).then(|| value.to_owned()));
            match rest.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        Page {
            status: answer.status().as_u16(),
            location: location.unwrap_or_default(),
            text: answer.text().await.unwrap(),
        }
    }

    async fn get(&mut self, path: &str) -> Page {
        let answer = self.request(reqwest::Method::GET, path).send().await.unwrap();
        self.read(answer).await
    }

    /// Sends the fields with this token, as a browser sends the form of a page of its own.
    async fn send(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Page {
        let mut fields = fields.to_vec();
        fields.push(("form_token", token));
        let request = self.request(reqwest::Method::POST, path).header("origin", self.app.base_url.as_str());
        let answer = request.header("sec-fetch-site", "same-origin").form(&fields).send().await.unwrap();
        self.read(answer).await
    }

    /// Opens a page and sends its form.
    async fn fill(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = token(&self.get(path).await.text);
        self.send(path, &token, fields).await
    }

    fn session(&self) -> Option<&String> {
        self.cookies.iter().find(|(name, _)| name.starts_with("cs_session")).map(|(_, value)| value)
    }
}

fn token(html: &str) -> String {
    let (_, rest) = html.split_once("name=\"form_token\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

async fn owner(app: &TestApp, name: &str, tenants: &[TenantId]) -> PersonId {
    let (now, mut rng) = (app.clock.now(), rng());
    let email = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
    let identity = Identity { name: PersonName::parse(name).unwrap(), email };
    let whole = (Locale::default(), Zone::default());
    let person = Person::new(PersonId::new(&mut rng), &identity, whole, &app.context.keyring, now, &mut rng);
    for (place, tenant) in tenants.iter().enumerate() {
        let member = Member {
            id: MemberId::new(now, &mut rng),
            tenant: *tenant,
            person: person.id,
            limits: Limits::of_owner(Zone::default()),
            disabled: false,
            version: 1,
            created_at: now,
        };
        let hash = hashed();
        let first = place == 0;
        let joining = Joining {
            member: &member,
            person: first.then_some(&person),
            invitation: None,
            password: first.then_some(&hash),
        };
        app.context.directory.add_member(joining, None, &[], &Change::by_system(now)).await.unwrap();
    }
    app.context.refresh().await.unwrap();
    person.id
}

/// Switches two-factor authentication on, as the database has it.
async fn with_phone(app: &TestApp, person: PersonId, number: &str) {
    let file = Database::open(&app.folder.path().join("directory.sqlite"), Options { full_sync: false });
    let keyring = Arc::clone(&app.context.keyring);
    let people = SqlPeople::new(SqlDirectory::new(Sql::sqlite(file.unwrap()), keyring));
    let account = people.account(person).await.unwrap().unwrap();
    let number = PhoneNumber::parse(number).unwrap();
    let phone = OwnPhone::new(person, &number, &app.context.keyring, app.clock.now(), &mut rng());
    let (change, by) = (AccountChange::TwoFactorOn(phone, Vec::new()), Change::by_system(app.clock.now()));
    people.change_account(&account, &change, Along::default(), &by).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_enters_and_signs_out() {
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme GmbH").await.tenant;
    owner(&app, "ada", &[acme]).await;
    let mut browser = Browser::new(&app);
    let away = browser.get("/portal").await;
    assert_eq!((away.status, away.location.as_str()), (303, "/portal/sign-in"));
    let wrong = browser.fill("/portal/sign-in", &[("email", "ada@example.com"), ("password", WRONG)]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("ada@example.com") && !wrong.text.contains(WRONG), "as it was typed");
    let visit = browser.cookies.clone();
    let fields = [("email", " ADA@example.com "), ("password", PASSWORD)];
    let right = browser.fill("/portal/sign-in?next=/portal/signed-out", &fields).await;
    assert_eq!((right.status, right.location.as_str()), (303, "/portal/signed-out"));
    assert!(browser.cookies.keys().all(|name| !visit.contains_key(name)), "the former cookies are gone");
    let home = browser.get("/portal").await;
    assert_eq!(home.status, 200);
    assert!(home.text.contains("Acme GmbH") && home.text.contains("ada"));
    // The sign-in page leads a person who is signed in back.
    assert_eq!(browser.get("/portal/sign-in").await.location, "/portal");
    let stayed = browser.send("/portal/stay", &token(&home.text), &[]).await;
    assert_eq!(stayed.text, (app.clock.now() + seconds(3_600)).millis().to_string());
    let out = browser.send("/portal/sign-out", &token(&home.text), &[]).await;
    assert_eq!((out.status, out.location.as_str()), (303, "/portal/signed-out"));
    assert!(browser.session().is_none());
    assert_eq!(browser.get("/portal/signed-out").await.status, 200);
    assert_eq!(browser.get("/portal").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_and_wrong_look_the_same() {
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme").await.tenant;
    owner(&app, "ada", &[acme]).await;
    let mut pages = Vec::new();
    for name in ["ada@example.com", "bob@example.com"] {
        let mut browser = Browser::new(&app);
        let page = browser.fill("/portal/sign-in", &[("email", name), ("password", WRONG)]).await;
        let plain = page.text.replace(&token(&page.text), "").replace(name, "");
        pages.push((page.status, plain));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_another_site_or_browser_is_refused() {
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme").await.tenant;
    owner(&app, "ada", &[acme]).await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    // Login CSRF: the attacker's own token, and no token at all.
    let foreign = token(&Browser::new(&app).get("/portal/sign-in").await.text);
    let mut browser = Browser::new(&app);
    browser.get("/portal/sign-in").await;
    for token in [foreign.as_str(), ""] {
        assert_eq!(browser.send("/portal/sign-in", token, &fields).await.status, 403, "{token}");
    }
    let own = token(&browser.get("/portal/sign-in").await.text);
    for (header, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let mut form = fields.to_vec();
        form.push(("form_token", own.as_str()));
        let request = browser.request(reqwest::Method::POST, "/portal/sign-in").header(header, value);
        let answer = request.form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{header}");
    }
    assert!(browser.session().is_none());
    // An open redirect leads to the portal.
    for next in ["https://evil.example", "//evil.example", "/portal/..//evil.example"] {
        let mut browser = Browser::new(&app);
        let page = browser.fill(&format!("/portal/sign-in?next={next}"), &fields).await;
        assert_eq!((page.status, page.location.as_str()), (303, "/portal"), "{next}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_of_two_tenants_chooses() {
    let app = TestApp::spawn().await;
    let one = new_tenant(&app.context, &app.clock, "First company").await.tenant;
    let two = new_tenant(&app.context, &app.clock, "Second company").await.tenant;
    let foreign = new_tenant(&app.context, &app.clock, "Foreign company").await.tenant;
    owner(&app, "ada", &[one, two]).await;
    let mut browser = Browser::new(&app);
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let page = browser.fill("/portal/sign-in", &fields).await;
    assert_eq!(page.location, "/portal/tenants");
    let before = browser.session().cloned();
    let list = browser.get("/portal/tenants").await;
    assert!(list.text.contains("First company") && list.text.contains("Second company"));
    assert!(!list.text.contains("Foreign"));
    let foreign = foreign.to_string();
    let crossed = browser.send("/portal/tenants", &token(&list.text), &[("tenant", &foreign)]).await;
    assert_eq!(crossed.status, 404);
    let two = two.to_string();
    let entered = browser.send("/portal/tenants", &token(&list.text), &[("tenant", &two)]).await;
    assert_eq!((entered.status, entered.location.as_str()), (303, "/portal"));
    assert_ne!(browser.session().cloned(), before, "a rise of rights has a new secret");
    assert!(browser.get("/portal").await.text.contains("Second company"));
    // After an hour without a request the page says why.
    app.clock.turn(seconds(3_601));
    let away = browser.get("/portal/tenants").await;
    assert_eq!(away.location, "/portal/sign-in?next=%2Fportal%2Ftenants");
    assert!(browser.get(&away.location).await.text.contains("nothing happened for"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_no_use_look_the_same() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::new(&app);
    let secret = "0".repeat(52);
    let mut pages = Vec::new();
    for path in [
        format!("/portal/setup/{secret}"),
        "/portal/setup/x".to_owned(),
        format!("/portal/invite/ten_{0}/inv_{0}/{secret}", "0".repeat(26)),
        "/portal/invite/a/b/c".to_owned(),
    ] {
        let page = browser.get(&path).await;
        pages.push((page.status, page.text));
    }
    assert_eq!(pages[0].0, 404);
    assert!(pages.iter().all(|page| *page == pages[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_does_not_learn_of_a_members_other_tenants() {
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme").await.tenant;
    let other = new_tenant(&app.context, &app.clock, "Other").await.tenant;
    owner(&app, "ada", &[acme]).await;
    let mut browser = Browser::new(&app);
    browser.fill("/portal/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let mut pages = Vec::new();
    for (name, tenants, number) in
        [("bert", &[acme][..], "+48500600731"), ("cleo", &[acme, other], "+48500600732")]
    {
        let person = owner(&app, name, tenants).await;
        with_phone(&app, person, number).await;
        let member = app.context.directory.membership(acme, person).await.unwrap().unwrap().id;
        let path = format!("/portal/members/{member}/sign-ins");
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200);
        let own = token(&page.text);
        pages.push(page.text.replace(&own, "").replace(name, "").replace(&member.to_string(), ""));
        let fields = [("act", "reset-2fa"), ("sure", "yes"), ("proof_password", PASSWORD)];
        let answer = browser.send(&path, &own, &fields).await;
        assert_eq!((answer.status, answer.location.as_str()), (303, path.as_str()));
        let said = browser.get(&path).await.text;
        assert_eq!(said.contains("No reset was started"), name == "cleo", "{said}");
    }
    assert_eq!(pages[0], pages[1]);
}

/// The portal list guards the data of its tenant, and not the account of a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_own_pages_serve_a_person_off_the_list() {
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme GmbH").await.tenant;
    owner(&app, "ada", &[acme]).await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let (mut here, mut stolen) = (Browser::new(&app), Browser::new(&app));
    stolen.fill("/portal/sign-in", &fields).await;
    here.fill("/portal/sign-in", &fields).await;
    assert_eq!(stolen.get("/portal").await.status, 200);
    let list = Allowlist::parse("198.51.100.0/24\toffice\n").unwrap();
    let (none, list) = (Setting::PortalAllowlist(Allowlist::default()), Setting::PortalAllowlist(list));
    let by = Change::by_system(app.clock.now());
    app.context.directory.replace_setting(acme, &none, &list, &by).await.unwrap();
    app.context.refresh().await.unwrap();
    for path in ["/portal", "/portal/security/rules", "/portal/ip-lists"] {
        assert_eq!(here.get(path).await.location, "/portal/refused", "{path}");
    }
    for path in
        ["/portal/security", "/portal/devices", "/portal/password", "/portal/email", "/portal/profile"]
    {
        let page = here.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text.contains("Acme"), "{path} names the company: {}", page.text);
    }
    let devices = here.get("/portal/devices").await;
    let ended = here.send("/portal/devices", &token(&devices.text), &[("act", "end-others")]).await;
    assert_eq!((ended.status, ended.location.as_str()), (303, "/portal/devices"));
    assert_eq!(here.get("/portal/devices").await.status, 200);
    assert_eq!(stolen.get("/portal/devices").await.status, 303, "the thief is out");
}
