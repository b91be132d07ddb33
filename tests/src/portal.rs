//! The pages at the door, over HTTP.

use crate::{
    app::TestApp,
    codes::{new_tenant, rng, seconds},
    people::door::{PASSWORD, WRONG, hashed},
};
use countersign_core::{
    access::change::Change,
    id::{MemberId, PersonId, TenantId},
    locale::Locale,
    people::{
        hours::Zone,
        member::{Limits, Member},
        person::{EmailAddress, Identity, Person, PersonName},
    },
    ports::{clock::Clock as _, directory::members::Joining},
};
use reqwest::{Client, Response, redirect::Policy};
use std::collections::BTreeMap;

/// A browser with its cookies, which follows no redirect by itself.
struct Browser<'a> {
    app: &'a TestApp,
    client: Client,
    cookies: BTreeMap<String, String>,
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
        Self { app, client, cookies: BTreeMap::new() }
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
