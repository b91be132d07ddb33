//! What a person types, gets and opens in the portal, in no file and no log of the server.

use super::{Browser, entrance, owner, scanners::path_of, token};
use crate::{
    app::TestApp,
    codes::{new_tenant, seconds},
    people::door::PASSWORD,
    secrets::{capture, files, holds},
};
use countersign_core::people::link::LinkKind;
use reqwest::Method;

/// The code of the last message to a number.
async fn code(app: &TestApp, number: &str, before: usize) -> (String, usize) {
    for _ in 0..300 {
        let all = app.inbox.list(None, 10_000).await.unwrap();
        let own: Vec<_> = all.into_iter().filter(|message| message.to == number).collect();
        if own.len() > before {
            return (own[0].code.clone(), own.len());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no message in 6 s");
}

/// The recovery codes that a page shows. The form that saves them as a file has them once more.
fn recovery_codes(html: &str) -> Vec<String> {
    let words = html.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let is_code = |word: &&str| {
        word.len() == 14 && word.split('-').count() == 3 && word.split('-').all(|part| part.len() == 4)
    };
    words.filter(is_code).map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_person_rests_in_files_or_logs_of_a_server() {
    let log = capture();
    let app = TestApp::spawn().await;
    let acme = new_tenant(&app.context, &app.clock, "Acme").await.tenant;
    let person = owner(&app, "zdzislawa-zx7", &[acme]).await;
    let (_, people) = entrance(&app);
    let mut secrets: Vec<String> = ["zdzislawa-zx7", "Falsches-Wort-99", "Walrus-Piano-7731", "500611722"]
        .into_iter()
        .chain(["Brunhilde Geheim", "heimlich-zx9@example.org", "Spaet Formular", "niemand-zx8", PASSWORD])
        .map(str::to_owned)
        .collect();
    let (email, number, new) = ("zdzislawa-zx7@example.com", "+48500611722", "Walrus-Piano-7731");
    let mut browser = Browser::new(&app);
    for (email, password) in [(email, "Falsches-Wort-99"), ("niemand-zx8@example.com", PASSWORD)] {
        browser.fill("/portal/sign-in", &[("email", email), ("password", password)]).await;
    }
    // A link that was forgotten, with a path, a query and a referrer that hold it too.
    browser.fill("/portal/forgot", &[("email", email)]).await;
    let mut paths = Vec::new();
    for kind in LinkKind::ALL {
        paths.push(path_of(&app, &people, kind, person).await);
    }
    for path in &paths {
        let secret = path.rsplit('/').next().unwrap().to_owned();
        browser.get(path).await;
        for strange in [
            format!("{path}/more"),
            format!("/portal/none/{secret}"),
            format!("/portal/invite/a/b/{secret}"),
            format!("/portal/sign-in?next={path}"),
            format!("/v1/keys/{secret}"),
            format!("/{secret}"),
        ] {
            browser.get(&strange).await;
            let request = browser.request(Method::POST, &strange).header("referer", path.as_str());
            request.header("x-request-id", secret.as_str()).body(secret.clone()).send().await.unwrap();
        }
        secrets.push(secret);
    }
    let reset = &paths[LinkKind::ALL.iter().position(|kind| *kind == LinkKind::Reset).unwrap()];
    assert_eq!(browser.fill(reset, &[("password", new), ("password_new", new)]).await.status, 303);
    let here = browser.fill("/portal/sign-in", &[("email", email), ("password", new)]).await;
    assert_eq!((here.status, here.location.as_str()), (303, "/portal"));

    // Two-factor sign-in on, another name and another address.
    let fields = [("phone", number), ("proof_password", new)];
    assert_eq!(browser.fill("/portal/two-factor", &fields).await.status, 303);
    let (first, messages) = code(&app, number, 0).await;
    let shown = browser.fill("/portal/two-factor", &[("code", &first)]).await;
    let recovery = recovery_codes(&shown.text);
    assert_eq!((shown.status, recovery.len()), (200, 10));
    let fields = [("name", "Brunhilde Geheim"), ("language", "en"), ("zone", "UTC"), ("act", "save")];
    assert_eq!(browser.fill("/portal/profile", &fields).await.status, 303);
    let address = ("email", "heimlich-zx9@example.org");
    let asked = browser.fill("/portal/email", &[address, ("proof_password", new)]).await;
    let (second, messages) = code(&app, number, messages).await;
    let sent = browser.send("/portal/email", &token(&asked.text), &[address, ("proof_code", &second)]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);

    // A sign-in with a code, one with a recovery code, and a form that comes too late.
    browser.fill("/portal/profile", &[("act", "close")]).await;
    let page = browser.get("/portal/profile").await;
    browser.send("/portal/sign-out", &token(&page.text), &[]).await;
    app.clock.turn(seconds(700));
    browser.fill("/portal/sign-in", &[("email", email), ("password", new)]).await;
    let (third, _) = code(&app, number, messages).await;
    assert_eq!(browser.fill("/portal/code", &[("code", &third)]).await.status, 303);
    let page = browser.get("/portal/profile").await;
    app.clock.turn(seconds(3_700));
    let late = [("name", "Spaet Formular"), ("language", "en"), ("zone", "UTC"), ("act", "save")];
    assert_eq!(browser.send("/portal/profile", &token(&page.text), &late).await.status, 303);
    browser.fill("/portal/sign-in", &[("email", email), ("password", new)]).await;
    let wrong = browser.fill("/portal/recovery", &[("recovery", "0000-0000-0000")]).await;
    assert_eq!(wrong.status, 400);
    let used = browser.fill("/portal/recovery", &[("recovery", &recovery[0])]).await;
    assert_eq!(used.status, 303, "{}", used.text);
    assert!(browser.get("/portal/profile").await.text.contains("Spaet Formular"), "it came back");

    assert!(browser.got.len() > 10, "visits, sessions, a half-way sign-in and a browser");
    secrets.extend(browser.got.iter().cloned());
    secrets.extend(recovery.iter().flat_map(|code| [code.clone(), code.replace('-', "")]));
    let mut found = Vec::new();
    files(app.folder.path(), &mut found);
    assert!(found.iter().any(|(_, bytes)| holds(bytes, "$argon2id$")), "the folder is the right one");
    found.push(("the log".into(), log.lock().unwrap().clone()));
    let (_, logged) = &found[found.len() - 1];
    assert!(holds(logged, "/portal/reset/{secret}"), "requests are logged by their pattern");
    for (name, bytes) in &found {
        for (n, secret) in secrets.iter().enumerate() {
            assert!(!holds(bytes, secret), "secret {n} ({}) stands in {name}", secret.len());
        }
    }
}
