//! Mails through an independent SMTP server: aiosmtpd for Python (tests/smtp).

use crate::{
    app::TestApp,
    codes::{keyring, rng},
    directory::at,
};
use countersign::configuration::MailServer;
use countersign_core::{
    id::{NoticeId, PersonId},
    locale::Locale,
    people::{
        hours::Zone,
        invitation::LinkSecret,
        notice::{LinkPath, News, Notice, Recipient},
        person::{EmailAddress, PersonName},
    },
    phone::PhoneNumber,
    ports::clock::Clock as _,
};
use countersign_delivery::{MailAccess, MailError, MailSender, MailSettings, MailUrl, Mailer, OutgoingMail};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// The server's process. It ends with its test.
struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u64,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(config: &Value) -> Self {
        let python = std::env::var("COUNTERSIGN_TEST_SMTP_PYTHON");
        let python = python.expect("COUNTERSIGN_TEST_SMTP_PYTHON must be set; tests/run.sh sets it");
        let mut command = Command::new(python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/smtp/server.py")).arg(config.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { child, lines, port: 0 };
        server.port = server.next()["port"].as_u64().unwrap();
        server
    }

    /// The next line that it prints: a mail that it took.
    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    fn settings(&self, scheme: &str, user: &str) -> MailSettings {
        MailSettings {
            url: MailUrl::parse(&format!("{scheme}://{user}127.0.0.1:{}", self.port)).unwrap(),
            from: MailSender::parse("Żabka Codes <no-reply@codes.example>").unwrap(),
            timeout: Duration::from_secs(5),
            parallel: 2,
        }
    }

    fn mailer(&self) -> Mailer {
        Mailer::new(self.settings("smtp", ""), MailAccess::default()).unwrap()
    }
}

async fn send(mailer: &Mailer) -> Result<(), MailError> {
    let to = EmailAddress::parse("Anna+x@example.com").unwrap();
    let mail = OutgoingMail {
        id: NoticeId::from_bytes([1; 16]),
        to: &to,
        subject: "Żółw: zażółć gęślą jaźń, a potem jeszcze raz to samo, aż wiersz będzie długi",
        text: "Cześć Łucjo,\n\n-- \nx\n",
        html: "<p>Cześć Łucjo</p>",
        at: at(1),
    };
    mailer.send(&mail).await
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let headers = mail["headers"].as_array().unwrap();
    let found: Vec<_> = headers.iter().filter(|header| header[0] == name).collect();
    assert_eq!(found.len(), 1, "{name}: {mail}");
    found[0][1].as_str().unwrap()
}

/// A certificate for loopback in two files, and the same as the authority.
fn certificate(folder: &tempfile::TempDir) -> (Value, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let files = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&files[0], made.cert.pem()).unwrap();
    std::fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    (json!({"certificate": files[0], "key": files[1]}), made.cert.pem().into_bytes())
}

fn with(mut config: Value, more: &Value) -> Value {
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_as_it_was_written_with_and_without_smtputf8() {
    for smtputf8 in [false, true] {
        let mut server = Server::start(&json!({"smtputf8": smtputf8}));
        let mailer = server.mailer();
        mailer.check().await.unwrap();
        send(&mailer).await.unwrap();
        let mail = server.next();
        assert_eq!(
            (&mail["from"], &mail["to"]),
            (&json!("no-reply@codes.example"), &json!(["Anna+x@example.com"]))
        );
        assert_eq!(header(&mail, "From"), "Żabka Codes <no-reply@codes.example>");
        assert_eq!(header(&mail, "To"), "Anna+x@example.com");
        assert!(header(&mail, "Subject").starts_with("Żółw: zażółć gęślą jaźń, a potem"), "{mail}");
        assert_eq!(header(&mail, "Message-ID"), "<ntc_01040g2081040g2081040g2081@codes.example>");
        assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
        assert_eq!(mail["type"], "multipart/alternative");
        assert_eq!(mail["text"].as_str().unwrap().replace('\r', "").trim_end(), "Cześć Łucjo,\n\n-- \nx");
        assert_eq!(mail["html"].as_str().unwrap().trim_end(), "<p>Cześć Łucjo</p>");
        assert_eq!(mail["ascii"], true, "any server takes it");
        assert!(mail["longest"].as_u64().unwrap() <= 998, "RFC 5322 forbids longer lines");
        assert_eq!(mail["hello"], "codes.example");
        assert_eq!(mail["tls"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_demanded_and_the_certificate_judged() {
    let folder = tempfile::tempdir().unwrap();
    let (files, authority) = certificate(&folder);
    for (scheme, wrapped) in [("smtp", false), ("smtps", true)] {
        let mut server = Server::start(&with(json!({"wrapped": wrapped}), &files));
        let settings = server.settings(scheme, "");
        let trusted = MailAccess { authority: Some(authority.clone()), password: None };
        send(&Mailer::new(settings.clone(), trusted).unwrap()).await.unwrap();
        assert_eq!(server.next()["tls"], true, "{scheme}");
        let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap().cert.pem();
        let other = MailAccess { authority: Some(stranger.into_bytes()), password: None };
        let refused = send(&Mailer::new(settings, other).unwrap()).await;
        assert!(matches!(refused, Err(MailError::Later(_))), "{refused:?}");
    }
    // A server without STARTTLS gets nothing from a client that demands it.
    let server = Server::start(&json!({}));
    let access = MailAccess { authority: Some(authority), password: None };
    let refused = send(&Mailer::new(server.settings("smtp", ""), access).unwrap()).await;
    assert!(matches!(refused, Err(MailError::Later(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changes_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let (files, authority) = certificate(&folder);
    let config = json!({"wrapped": true, "user": "anna@codes.example", "password": "p ż:@/"});
    let mut server = Server::start(&with(config, &files));
    let access = |password: &str| MailAccess {
        password: Some(password.to_owned().into()),
        authority: Some(authority.clone()),
    };
    let settings = server.settings("smtps", "anna%40codes.example@");
    let mailer = Mailer::new(settings, access("former")).unwrap();
    let refused = send(&mailer).await.unwrap_err();
    assert!(matches!(&refused, MailError::Later(why) if why.contains("password") && !why.contains("former")));
    assert!(mailer.check().await.is_err());
    assert!(mailer.change(access("p ż:@/")).unwrap());
    assert!(!mailer.change(access("p ż:@/")).unwrap(), "it is the same");
    mailer.check().await.unwrap();
    send(&mailer).await.unwrap();
    assert_eq!(server.next()["user"], "anna@codes.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_take_is_put_off_or_given_up() {
    let refusal = async |mode: &str| {
        let server = Server::start(&json!({ "mode": mode }));
        let settings = MailSettings { timeout: Duration::from_secs(1), ..server.settings("smtp", "") };
        let error = send(&Mailer::new(settings, MailAccess::default()).unwrap()).await.unwrap_err();
        assert!(!error.to_string().to_lowercase().contains("anna"), "{error}");
        error
    };
    assert!(matches!(refusal("later").await, MailError::Later(why) if why.contains("451")));
    assert!(matches!(refusal("never").await, MailError::Refused(550)));
    assert!(matches!(refusal("hang").await, MailError::Later(why) if why.contains("no answer")));
}

fn notice(app: &TestApp, to: Recipient, news: News) -> Notice {
    let now = app.clock.now();
    Notice {
        id: NoticeId::new(now, &mut rng()),
        person: Some(PersonId::new(&mut rng())),
        to,
        name: PersonName::parse("Łucja"),
        language: Locale::parse("pl").unwrap(),
        zone: Zone::default(),
        made_at: now,
        news,
    }
}

async fn add(app: &TestApp, notice: &Notice) {
    let sealed = notice.sealed(&app.context.keyring, &mut rng());
    app.notices.add_notices(&[sealed]).await.unwrap();
}

/// Waits until so many notices wait.
async fn until_waiting(app: &TestApp, count: u64) {
    for _ in 0..200 {
        if app.notices.count_notices().await.unwrap().waiting == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("other notices wait: {:?}", app.notices.count_notices().await);
}

fn mail_to(address: &str) -> Recipient {
    Recipient::Mail(EmailAddress::parse(address).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_goes_out_by_mail_and_is_deleted() {
    let mut server = Server::start(&json!({}));
    let settings = server.settings("smtp", "");
    let app = TestApp::spawn_with(|all| {
        all.server.public_url = Some("https://portal.codes.example".to_owned());
        all.support = Some("help@codes.example".to_owned());
        all.mail = Some(MailServer { settings, password: None, ca: None });
    })
    .await;
    let secret = LinkSecret::generate(&mut rng());
    let link = LinkPath::reset(&secret);
    let expires = app.clock.now() + Duration::from_secs(1_800);
    let sent = notice(&app, mail_to("lucja@example.com"), News::ResetPassword { link, expires });
    add(&app, &sent).await;
    // The server stays: killed before its answer, it has taken nothing.
    let (_server, mail) = tokio::task::spawn_blocking(move || {
        let mail = server.next();
        (server, mail)
    })
    .await
    .unwrap();
    assert_eq!(header(&mail, "Subject"), "Ustaw nowe hasło");
    let url = format!("https://portal.codes.example/portal/reset/{}", *secret.expose());
    for part in ["text", "html"] {
        let part = mail[part].as_str().unwrap();
        assert!(
            part.contains(&url) && part.contains("help@codes.example") && part.contains("Łucja"),
            "{part}"
        );
    }
    until_waiting(&app, 0).await;
    // The page of `dev` shows it too.
    let shown = app.client.get(format!("{}/dev/mails", app.base_url)).send().await.unwrap();
    let shown: Value = shown.json().await.unwrap();
    assert_eq!((&shown[0]["to"], &shown[0]["links"]), (&json!("lucja@example.com"), &json!([url])));
    let html = app.client.get(format!("{}/dev/mails/{}/html", app.base_url, sent.id)).send().await.unwrap();
    assert!(html.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert!(html.text().await.unwrap().contains(&url));
    let metrics = app.client.get(format!("{}/metrics", app.operator_url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("countersign_notices_sent_total{channel=\"mail\",outcome=\"sent\"}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_puts_off_is_tried_again_until_a_link_is_useless() {
    let server = Server::start(&json!({"mode": "later"}));
    let settings = server.settings("smtp", "");
    let app = TestApp::spawn_with(|all| {
        all.server.public_url = Some("https://portal.codes.example".to_owned());
        all.mail = Some(MailServer { settings, password: None, ca: None });
    })
    .await;
    let link = LinkPath::reset(&LinkSecret::generate(&mut rng()));
    let expires = app.clock.now() + Duration::from_secs(600);
    add(&app, &notice(&app, mail_to("a@example.com"), News::ResetPassword { link, expires })).await;
    add(&app, &notice(&app, mail_to("b@example.com"), News::TwoFactorOn)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(app.notices.count_notices().await.unwrap().waiting, 2);
    // Both are due again, but one link has expired by now.
    app.clock.turn(Duration::from_secs(601));
    until_waiting(&app, 1).await;
    for _ in 0..8 {
        app.clock.turn(Duration::from_secs(5 * 3_600 + 200));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    until_waiting(&app, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_by_sms_reaches_the_virtual_phone() {
    let app = TestApp::spawn().await;
    let number = PhoneNumber::parse("+48500600231").unwrap();
    let news = News::TwoFactorOff { at: app.clock.now(), by: countersign_core::people::notice::By::Person };
    add(&app, &notice(&app, Recipient::Sms(number.clone()), news)).await;
    until_waiting(&app, 0).await;
    let messages = app.inbox.list(Some(number.e164()), 10).await.unwrap();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].text.starts_with("Countersign: logowanie dwuetapowe"), "{}", messages[0].text);
    // A notice that no key of the ring opens stays until its tries are used up.
    let stranger = notice(&app, mail_to("a@example.com"), News::TwoFactorOn).sealed(&keyring(), &mut rng());
    app.notices.add_notices(&[stranger]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(app.notices.count_notices().await.unwrap().waiting, 1);
}
