use super::{answer, healthcheck, load, stop_on_signals};
use crate::{
    application::{Application, BindError, Parts},
    cli::DevArgs,
    configuration::{LogFormat, LogLevel},
    demo::Demo,
    keyfile, machine, telemetry,
};
use anyhow::Context as _;
use serde::Serialize;
use std::{io::ErrorKind, path::Path};
use zeroize::Zeroizing;

/// The phone number in the printed lines.
const NUMBER: &str = "+48500500500";

pub(super) async fn run(config: Option<&Path>, args: &DevArgs) -> anyhow::Result<()> {
    let flag = |key, text: String, name| (key, text, name);
    let settings = load(
        config,
        [
            flag("data.folder", args.data.to_string_lossy().into_owned(), "--data"),
            flag("server.bind", format!("127.0.0.1:{}", args.port), "--port"),
            // The printed lines are for this machine, by plain HTTP and without a proxy.
            flag("server.tls.certificate", String::new(), "dev"),
            flag("server.tls.key", String::new(), "dev"),
            flag("server.trusted_proxies", String::new(), "dev"),
            flag("server.portal", "on".to_owned(), "dev"),
            flag("server.portal_url", String::new(), "dev"),
            flag("server.operator_bind", format!("127.0.0.1:{}", args.operator_port), "--operator-port"),
        ],
    )?;
    telemetry::init_log(LogFormat::Human, if args.verbose { LogLevel::Info } else { LogLevel::Warn });
    machine::raise_open_files();
    let stop = stop_on_signals()?;
    let parts = Parts { dev: true, ..Parts::new(settings) };
    let application = Application::build(parts).await.map_err(|error| explain_bind(error, args))?;
    let demo = application.demo.clone().context("dev has no demo tenant")?;
    let place = Place { base_url: application.base_url(), operator_url: application.operator_url() };
    let announce = async {
        healthcheck::get(&format!("{}/health/live", place.operator_url)).await?;
        healthcheck::get(&format!("{}/health/live", place.base_url)).await?;
        if let Some(file) = &args.ready_file {
            write_ready_file(file, &place, &demo)?;
        }
        answer(&welcome(&place, &demo))
    };
    let token = stop.clone();
    let announce = async {
        let outcome = announce.await;
        if outcome.is_err() {
            token.cancel();
        }
        outcome
    };
    let (served, announced) = tokio::join!(application.run(stop), announce);
    served.and(announced)
}

struct Place {
    base_url: String,
    operator_url: String,
}

/// At most twelve lines: a newcomer reads no more.
fn welcome(place: &Place, demo: &Demo) -> Zeroizing<String> {
    let (base, key, test_key) = (&place.base_url, demo.key.expose(), demo.test_key.expose());
    let lines = Zeroizing::new([start_line(base, &key), check_line(base, &key)]);
    Zeroizing::new(format!(
        "Countersign listens on {base} (metrics and health: {operator}).\n\
         Nothing leaves this machine until you set up a provider or a webhook.\n\
         Tenant:   {tenant}, {id}\n\
         Key:      {key}\n\
         Test key: {test_key} (sends nothing, the code is 123456)\n\
         Portal:   {base}/portal (address {email}, password {password})\n\
         \n\
         Start a verification, then check its code as it arrived on the virtual phone:\n\
         {start}\n\
         {check}\n\
         \n\
         Open {base}/ to see the phone. Stop with Ctrl-C.",
        key = *key,
        test_key = *test_key,
        email = demo.owner.email.expose(),
        password = demo.password(),
        operator = place.operator_url,
        tenant = demo.tenant.name.as_str(),
        id = demo.tenant.id,
        start = lines[0],
        check = lines[1],
    ))
}

fn start_line(base: &str, key: &str) -> String {
    format!(
        "curl -sw '\\n' {base}/v1/verifications -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{\"to\":\"{NUMBER}\"}}'"
    )
}

/// The messages come newest first, so the code of the first object must be checked; `[^}]*` finds it, because
/// no brace comes before it. The pause is for users who paste both lines at once: the message arrives a
/// moment after the first answer.
fn check_line(base: &str, key: &str) -> String {
    let sed = r#"sed -n 's/^[^}]*"code":"\([^"]*\)".*/\1/p'"#;
    format!(
        "sleep 1; code=$(curl -s '{base}/dev/messages?to={NUMBER}' | {sed}); \
         curl -sw '\\n' {base}/v1/checks -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
         -d '{{\"to\":\"{NUMBER}\",\"code\":\"'\"$code\"'\"}}'"
    )
}

#[derive(Serialize)]
struct Ready<'a> {
    base_url: &'a str,
    operator_url: &'a str,
    phone_url: String,
    tenant_id: String,
    key: &'a str,
    test_key: &'a str,
    /// The user name for Twilio's clients; the password is the key.
    twilio_account_sid: String,
    /// The same keys for clients of Twilio that accept only letters and digits in a password.
    twilio_token: &'a str,
    test_twilio_token: &'a str,
    portal_url: String,
    /// What the owner of the tenant signs in with.
    portal_email: &'a str,
    portal_password: &'a str,
}

/// Replaces the file as a whole: a script that waits for it can read it at once.
fn write_ready_file(file: &Path, place: &Place, demo: &Demo) -> anyhow::Result<()> {
    let (key, test_key) = (demo.key.expose(), demo.test_key.expose());
    let (token, test_token) = (demo.key.expose_alphanumeric(), demo.test_key.expose_alphanumeric());
    let ready = Ready {
        base_url: &place.base_url,
        operator_url: &place.operator_url,
        phone_url: format!("{}/dev/messages", place.base_url),
        tenant_id: demo.tenant.id.to_string(),
        key: &key,
        test_key: &test_key,
        twilio_account_sid: countersign_api::account_sid(demo.tenant.id),
        twilio_token: &token,
        test_twilio_token: &test_token,
        portal_url: format!("{}/portal", place.base_url),
        portal_email: demo.owner.email.expose(),
        portal_password: demo.password(),
    };
    let text = Zeroizing::new(serde_json::to_string(&ready)?);
    let mut draft = file.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    let written = keyfile::write_private(draft, text.as_bytes()).and_then(|()| std::fs::rename(draft, file));
    written.with_context(|| format!("The ready file {} cannot be written", file.display()))
}

fn explain_bind(error: anyhow::Error, args: &DevArgs) -> anyhow::Error {
    let Some(bind) = error.downcast_ref::<BindError>() else { return error };
    let taken = bind.address.port();
    if bind.source.kind() != ErrorKind::AddrInUse {
        return error;
    }
    let (flag, other) = if taken == args.port { ("--port", 8081) } else { ("--operator-port", 9091) };
    anyhow::anyhow!(
        "Port {taken} is taken by another program. Run `countersign dev {flag} {other}` \
         (or `cargo run -- dev {flag} {other}`); 0 picks a free port"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::keyring::{KeyRing, VersionedKey};

    fn demo() -> Demo {
        let key = || vec![VersionedKey { version: 1, key: [7; 32] }];
        Demo::derive(&KeyRing::new([1; 32], key(), key()).unwrap()).unwrap()
    }

    fn place() -> Place {
        Place { base_url: "http://127.0.0.1:8080".into(), operator_url: "http://127.0.0.1:9090".into() }
    }

    #[test]
    fn the_welcome_fits_a_glance() {
        let welcome = welcome(&place(), &demo());
        assert!(welcome.lines().count() <= 12, "{}", *welcome);
        let demo = demo();
        let (key, test_key) = (demo.key.expose(), demo.test_key.expose());
        let portal = ["/portal ", "owner@example.com", demo.password()];
        for part in ["/v1/verifications", "/v1/checks", "Ctrl-C", &key, &test_key].into_iter().chain(portal) {
            assert!(welcome.contains(part), "{part}");
        }
    }

    #[test]
    fn the_shell_line_takes_the_newest_code_in_any_shell() {
        let messages = concat!(
            r#"[{"id":"msg_2","to":"+48500500500","text":"Your \"code\":\"9\" is 222222\n","code":"222222","at":"x"},"#,
            r#"{"id":"msg_1","to":"+48500500500","text":"Your code is 111111","code":"111111","at":"x"}]"#
        );
        let line = check_line("http://127.0.0.1:8080", "cs_live_x");
        for shell in ["sh", "bash"] {
            let script = format!(
                "curl() {{ case \"$*\" in *dev/messages*) printf '%s' \"$MESSAGES\";; *) printf '%s' \"$*\";; esac; }}\n{line}"
            );
            let script = script.replace("sleep 1; ", "");
            let mut command = std::process::Command::new(shell);
            let output = command.arg("-c").arg(script).env("MESSAGES", messages).output().unwrap();
            let asked = String::from_utf8(output.stdout).unwrap();
            assert!(asked.ends_with(r#"-d {"to":"+48500500500","code":"222222"}"#), "{shell}: {asked}");
        }
    }

    #[test]
    fn the_ready_file_is_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready.json");
        write_ready_file(&file, &place(), &demo()).unwrap();
        let ready: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(ready["phone_url"], "http://127.0.0.1:8080/dev/messages");
        assert_eq!(ready["tenant_id"], demo().tenant.id.to_string());
        assert_eq!(ready["portal_url"], "http://127.0.0.1:8080/portal");
        assert_eq!(ready["portal_email"], "owner@example.com");
        assert_eq!(ready["portal_password"], demo().password());
        assert_eq!(ready["twilio_account_sid"].as_str().unwrap().len(), 34);
        for (token, key) in [("twilio_token", "key"), ("test_twilio_token", "test_key")] {
            assert_eq!(ready[token], ready[key].as_str().unwrap().replace('_', ""), "{token}");
        }
        assert_eq!(ready.as_object().unwrap().len(), 12);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
