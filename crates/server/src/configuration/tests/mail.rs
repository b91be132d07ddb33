use super::*;

fn mail(lines: &str) -> Result<Option<MailServer>, Problems> {
    let server = "[server]\nportal_url = \"https://portal.example.com\"";
    from_text(&format!("{server}\n[mail]\n{lines}")).map(|settings| settings.mail)
}

#[test]
fn there_are_no_mails_unless_a_server_is_named() {
    assert!(from_text("").unwrap().mail.is_none());
    let server =
        mail("url = \"smtp://mail.example.com\"\nfrom = \"Codes <a@example.com>\"").unwrap().unwrap();
    assert!(server.password.is_none() && server.ca.is_none());
    assert_eq!((server.settings.timeout, server.settings.parallel), (Duration::from_secs(20), 4));
}

#[test]
fn the_password_of_the_user_stands_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let lines = format!(
        "url = \"smtps://anna@mail.example.com\"\nfrom = \"a@example.com\"\npassword_file = {:?}",
        file.to_str().unwrap()
    );
    let server = mail(&lines).unwrap().unwrap();
    assert_eq!(server.password.as_ref().unwrap().expose(), "hunter2");
    assert!(!format!("{server:?}").contains("hunter2"));
}

#[test]
fn mails_that_could_not_go_out_are_refused() {
    let from = "from = \"a@example.com\"";
    for (lines, expected) in [
        ("url = \"mail.example.com\"", "mail.url (test.toml): must be \"smtp://"),
        ("url = \"smtp://a:hunter2@b.example\"", "mail.url (test.toml): must hold no password"),
        ("url = \"smtp://b.example\"", "mail.from (default): must be set when mail.url is"),
        (&format!("url = \"smtp://a@b.example\"\n{from}"), "mail.password_file (default): must be set"),
        (from, "mail.from (test.toml): is of use with mail.url only"),
        ("from = \"nobody\"", "mail.from (test.toml): must be like"),
        ("timeout = \"61s\"", "mail.timeout (test.toml): must be a time"),
    ] {
        let told = mail(lines).err().unwrap().0;
        assert!(told.len() == 1 && told[0].starts_with(expected), "{lines}: {told:?}");
        assert!(!told[0].contains("hunter2"));
    }
    let long = format!("url = \"smtp://b.example\"\n{from}\ntimeout = \"30s\"");
    let told = mail(&long).err().unwrap().0;
    assert!(told.len() == 1 && told[0].contains("at least 5s longer than mail.timeout"), "{told:?}");
    let homeless = from_text(&format!("[mail]\nurl = \"smtp://localhost\"\n{from}"));
    let told = problems(homeless);
    assert!(told.len() == 1 && told[0].contains("needs server.portal_url or server.public_url"), "{told:?}");
}

#[test]
fn the_support_contact_is_one_line() {
    let support = |text: &str| from_text(&format!("[portal]\nsupport = {text:?}")).map(|all| all.support);
    assert_eq!(support("help@example.com, +48 22").unwrap().as_deref(), Some("help@example.com, +48 22"));
    assert_eq!(support("").unwrap(), None);
    assert!(support("a\nb").is_err() && support(&"x".repeat(201)).is_err());
}
