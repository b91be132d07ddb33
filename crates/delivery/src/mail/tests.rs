use super::*;

fn mailer() -> Mailer {
    let settings = MailSettings {
        url: MailUrl::parse("smtp://127.0.0.1:1").unwrap(),
        from: MailSender::parse("Żabka Codes <no-reply@codes.example>").unwrap(),
        timeout: Duration::from_secs(1),
        parallel: 1,
    };
    Mailer::new(settings, MailAccess::default()).unwrap()
}

fn composed(subject: &str) -> String {
    let to = EmailAddress::parse("anna@example.com").unwrap();
    let mail = OutgoingMail {
        id: NoticeId::from_bytes([1; 16]),
        to: &to,
        subject,
        text: "Cześć,\n\n-- \nx\n",
        html: "<p>Cześć</p>",
        at: Timestamp::from_millis(1_795_641_120_000),
    };
    String::from_utf8(mailer().compose(&mail).unwrap().formatted()).unwrap()
}

#[tokio::test]
async fn the_headers_are_whole_and_plain() {
    let mail = composed("Żółw");
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    for line in [
        "Message-ID: <ntc_01040g2081040g2081040g2081@codes.example>",
        "Date: Wed, 25 Nov 2026 21:12:00 +0000",
        "Auto-Submitted: auto-generated",
        "To: anna@example.com",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|own| own == line), "{line}\n{head}");
    }
    assert!(head.is_ascii() && head.contains("Subject: =?utf-8?b?"), "{head}");
    assert!(head.contains("<no-reply@codes.example>") && head.contains("multipart/alternative"), "{head}");
    assert!(mail.contains("Content-Type: text/plain; charset=utf-8"));
    assert!(mail.contains("Content-Type: text/html; charset=utf-8"));
}

#[tokio::test]
async fn a_subject_begins_no_header() {
    for subject in
        ["a\r\nBcc: eve@evil.example", "a\nBcc: eve@evil.example", "ż\r\n\r\nBcc: eve@evil.example"]
    {
        let mail = composed(subject);
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    }
}

#[test]
fn a_sender_has_an_address_and_perhaps_a_name() {
    for text in ["no-reply@codes.example", "Codes <no-reply@codes.example>", "\"A, B\" <a@b.example>"] {
        assert!(MailSender::parse(text).is_some(), "{text}");
    }
    for text in ["", "Codes", "Codes <>", "a@b", "a@b.example, c@d.example", "x\r\nBcc: y <a@b.example>"] {
        assert!(MailSender::parse(text).is_none(), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_asked_again_later() {
    let to = EmailAddress::parse("anna@example.com").unwrap();
    let (id, at) = (NoticeId::from_bytes([1; 16]), Timestamp::default());
    let mail = OutgoingMail { id, to: &to, subject: "s", text: "t", html: "h", at };
    let error = mailer().send(&mail).await.unwrap_err();
    assert!(matches!(&error, MailError::Later(reason) if !reason.contains("anna")), "{error}");
}
