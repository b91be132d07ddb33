use super::*;

fn portal(lines: &str) -> Result<PortalSettings, Problems> {
    from_text(&format!("[server]\n{lines}")).map(|settings| settings.server.portal)
}

#[test]
fn the_portal_is_on_and_beside_the_api_unless_it_is_told_otherwise() {
    let usual = portal("").unwrap();
    assert!(usual.on && usual.url.is_none());
    let away = portal("portal = \"off\"\nportal_url = \"https://Portal.example.com:443/\"").unwrap();
    assert!(!away.on, "a node that sends mails still knows where their links lead to");
    assert_eq!(away.url.as_deref(), Some("https://portal.example.com"));
    for (url, origin) in [
        ("https://portal.example.com:8443", "https://portal.example.com:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        let settings = portal(&format!("portal_url = {url:?}")).unwrap();
        assert_eq!(settings.url.as_deref(), Some(origin), "{url}");
    }
}

#[test]
fn a_portal_that_browsers_would_not_stay_signed_in_to_is_refused() {
    for (lines, expected) in [
        ("portal = \"yes\"", "server.portal (test.toml): must be one of \"on\", \"off\""),
        ("portal = true", "server.portal (test.toml): must be a text"),
        ("portal_url = \"portal.example.com\"", "server.portal_url (test.toml): must be like https://portal"),
        ("portal_url = \"https://example.com/portal\"", "server.portal_url (test.toml): must be like"),
        ("portal_url = \"https://anna@example.com\"", "server.portal_url (test.toml): must be like"),
        ("portal_url = \"http://example.com\"", "server.portal_url (test.toml): must begin with https://"),
        ("portal_url = \"http://10.0.0.1\"", "server.portal_url (test.toml): must begin with https://"),
        (
            "public_url = \"https://sms.example.com\"\nportal_url = \"https://sms.example.com/\"",
            "server.portal_url (test.toml): must have a host of its own",
        ),
    ] {
        let told = problems(from_text(&format!("[server]\n{lines}")));
        assert!(told.len() == 1 && told[0].starts_with(expected), "{lines}: {told:?}");
    }
}

#[test]
fn the_file_of_countries_starts_at_the_data_folder() {
    let settings = from_text("[data]\nfolder = \"d\"\n[portal]\ncountries = \"c.mmdb\"").unwrap();
    assert_eq!(settings.places.as_deref(), Some(Path::new("d/c.mmdb")));
    assert_eq!(from_text("").unwrap().places, None);
}
