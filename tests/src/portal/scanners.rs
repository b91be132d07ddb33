//! Programs that open each link of each mail, and change nothing.

use super::{Browser, entrance, owner, token};
use crate::{
    app::TestApp,
    codes::{new_tenant, rng},
};
use countersign_core::{
    access::{actor::Actor, change::Change},
    id::{PersonId, TenantId},
    keyring::{Fingerprint, Place, Sealed},
    management::invitations::{Handover, invite},
    people::{
        hours::Zone,
        invitation::LinkSecret,
        link::{Link, LinkKind},
        member::Limits,
        notice::LinkPath,
        person::EmailAddress,
    },
    ports::{clock::Clock as _, people::links::Links as _},
    sign_in::Entrance,
    tenant::OPERATOR,
};
use countersign_stores::people::SqlPeople;
use reqwest::Method;
use rusqlite::{Connection, OpenFlags, types::Value};
use std::collections::BTreeMap;

/// All rows of all tables, but those in which a node says that it lives and whose turn it is to record.
fn dump(app: &TestApp) -> BTreeMap<String, Vec<Vec<Value>>> {
    let file = app.folder.path().join("directory.sqlite");
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut names = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let read = |name: &String| {
        let mut all = connection.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = all.column_count();
        let rows = all.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    };
    names
        .iter()
        .filter(|name| !["nodes", "history_turn"].contains(&name.as_str()))
        .map(|name| (name.clone(), read(name)))
        .collect()
}

/// Stores a link of each kind and returns its path. A new kind does not compile until it has a path here.
pub async fn path_of(app: &TestApp, people: &SqlPeople, kind: LinkKind, person: PersonId) -> String {
    let (now, secret) = (app.clock.now(), LinkSecret::generate(&mut rng()));
    let mut number = [0; 16];
    number.copy_from_slice(&secret.hash().bytes()[..16]);
    let place =
        Place { kind: Sealed::Link, tenant: OPERATOR, id: *person.bytes(), number: Fingerprint(number) };
    let address = app.context.keyring.seal(&place, b"other@example.com", &mut rng());
    let (path, carries) = match kind {
        LinkKind::SetUp => (LinkPath::setup(&secret), false),
        LinkKind::Reset => (LinkPath::reset(&secret), false),
        LinkKind::SignOutEverywhere => (LinkPath::mail(&secret), false),
        LinkKind::ConfirmAddress | LinkKind::UndoAddress => (LinkPath::mail(&secret), true),
        LinkKind::EnrolTwoFactor => (LinkPath::two_factor(&secret), false),
    };
    let link = Link {
        secret: secret.hash(),
        kind,
        person: (kind != LinkKind::SetUp).then_some(person),
        epoch: i64::from(kind != LinkKind::SetUp),
        sealed: carries.then_some(address),
        made_at: now,
        expires_at: now + kind.life(),
    };
    people.add_link(&link, &[]).await.unwrap();
    path.expose().to_owned()
}

async fn invitation(entrance: &Entrance, app: &TestApp, tenant: TenantId) -> String {
    let to = EmailAddress::parse("guest@example.com").unwrap();
    let (actor, limits) = (Actor::operator(tenant), Limits::of_owner(Zone::default()));
    let by = Change::by_operator(app.clock.now());
    let (made, secret) =
        invite(&entrance.context, &actor, (&to, &limits), Handover::Caller, &by, &mut rng()).await.unwrap();
    LinkPath::invitation(tenant, made.id, &secret).expose().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_program_that_opens_a_link_of_any_kind_changes_anything() {
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme").await.tenant;
    let ada = owner(&app, "ada", &[acme]).await;
    let (entrance, people) = entrance(&app);
    let mut paths = vec![invitation(&entrance, &app, acme).await];
    for kind in LinkKind::ALL {
        paths.push(path_of(&app, &people, kind, ada).await);
    }
    // The notices of the set-up have gone out before the first dump.
    let before = dump(&app);
    assert_eq!(before["links"].len(), LinkKind::ALL.len());
    let scanner = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let scanner = scanner.user_agent("Mozilla/5.0 (compatible; MailScanner)").build().unwrap();
    for path in &paths {
        let url = format!("{}{path}", app.base_url);
        for (method, purpose) in [
            (Method::GET, ""),
            (Method::HEAD, ""),
            (Method::OPTIONS, ""),
            (Method::GET, "prefetch;prerender"),
            (Method::PUT, ""),
            (Method::DELETE, ""),
            (Method::PATCH, ""),
            (Method::from_bytes(b"PROPFIND").unwrap(), ""),
        ] {
            let request = scanner.request(method.clone(), &url).header("sec-purpose", purpose);
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            match method {
                // The link of an enrolment asks the person to sign in first.
                Method::GET if path.starts_with("/portal/two-factor/") => assert_eq!(status, 303, "{path}"),
                Method::GET => assert_eq!(status, 200, "{path}"),
                Method::HEAD => assert!(status < 500, "{path} {status}"),
                _ => assert!((400..500).contains(&status), "{method} {path} {status}"),
            }
        }
        // Nor does a button that is pressed without its page, or with the page's fields and no cookie.
        let html = scanner.get(&url).send().await.unwrap().text().await.unwrap();
        let found = html.contains("name=\"form_token\"").then(|| token(&html));
        for token in [None, found] {
            let mut fields = vec![("act", "accept")];
            fields.extend(token.as_deref().map(|token| ("form_token", token)));
            let answer = scanner.post(&url).form(&fields).send().await.unwrap();
            assert!([403, 303].contains(&answer.status().as_u16()), "{path} {}", answer.status());
        }
    }
    let after = dump(&app);
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{table}");
    }
    // The same dump sees what a person does who presses the button.
    let sign_out =
        &paths[1 + LinkKind::ALL.iter().position(|kind| *kind == LinkKind::SignOutEverywhere).unwrap()];
    let mut browser = Browser::new(&app);
    let pressed = browser.fill(sign_out, &[]).await;
    assert!(pressed.status < 400, "{}", pressed.status);
    assert_ne!(dump(&app)["people"], before["people"]);
}
