use super::{answer, load, serve::refuse_role};
use crate::{
    application::load_certificate,
    cli::{ConfigCommand, Role},
    configuration::{CodesUrl, DEFAULT_FILE, DatabaseUrl, PortalSettings, Settings},
    wiring::{Trial, try_all},
};
use anyhow::ensure;
use std::path::Path;

pub(super) async fn run(config: Option<&Path>, command: &ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Default => answer(DEFAULT_FILE.trim_end()),
        ConfigCommand::Check { connect: true, role } => {
            let settings = load(config, [])?;
            settings.refuse_plain()?;
            connect(&settings, *role).await
        }
        ConfigCommand::Check { connect: false, .. } => {
            let settings = load(config, [])?;
            settings.refuse_plain()?;
            load_certificate(&settings)?;
            answer(&format!("configuration is fine\n{}", summary(&settings)))
        }
    }
}

/// Tries everything that `serve` would use.
async fn connect(settings: &Settings, role: Role) -> anyhow::Result<()> {
    refuse_role(settings, role)?;
    let Trial { problems, notes } = try_all(settings, role).await;
    for note in notes {
        eprintln!("note: {note}");
    }
    ensure!(
        problems.is_empty(),
        "`countersign serve` would not serve so, for {}:\n  {}",
        if problems.len() == 1 { "1 reason".to_owned() } else { format!("{} reasons", problems.len()) },
        // Indents the further lines of a reason under its first.
        problems.iter().map(|problem| problem.replace('\n', "\n    ")).collect::<Vec<_>>().join("\n  ")
    );
    answer(&format!(
        "configuration is fine, and everything it names can be served from\n{}",
        summary(settings)
    ))
}

/// Describes the stores and ports that will be used, without secrets.
fn summary(settings: &Settings) -> String {
    let database = match &settings.database {
        DatabaseUrl::Sqlite(file) => file.display().to_string(),
        DatabaseUrl::Postgres { .. } => "Postgres".to_owned(),
    };
    let codes = match &settings.codes.url {
        CodesUrl::Sqlite(file) => file.display().to_string(),
        CodesUrl::Redis(_) => "Redis".to_owned(),
    };
    let keyring = match &settings.keyring.text {
        Some(_) => "in keyring.text".to_owned(),
        None => settings.keyring.file.display().to_string(),
    };
    let messages = match &settings.delivery.relay {
        Some(_) => "by routes, else to the relay",
        // Only the directory contains the routes.
        None => "by routes alone: delivery.relay.url is not set",
    };
    let portal = match &settings.server.portal {
        PortalSettings { on: false, .. } => "off on this node",
        PortalSettings { url: Some(url), .. } => url,
        PortalSettings { url: None, .. } => "beside the API",
    };
    let scheme = if settings.server.tls.is_some() { "https" } else { "http" };
    format!(
        "  API       {scheme}://{}\n  portal    {portal}\n  operator  http://{}\n  data      {}\n  database  {database}\n  codes     {}, {} partitions\n  key ring  {keyring}\n  messages  {messages}",
        settings.server.bind,
        settings.server.operator_bind,
        settings.folder.display(),
        codes,
        settings.codes.partitions,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_shows_no_password() {
        let url = "postgres://app:hunter2@db:5432/countersign?sslmode=disable";
        let variable = ("COUNTERSIGN__DATABASE__URL".to_owned(), url.to_owned());
        let broken = ("COUNTERSIGN__DATABASE__URL".to_owned(), url.replace("5432", "port"));
        let refused = Settings::load(None, [broken], []).unwrap_err().to_string();
        assert!(refused.contains("database.url") && !refused.contains("hunter2"), "{refused}");
        let settings = Settings::load(None, [variable], []).unwrap();
        let summary = summary(&settings);
        assert!(summary.contains("database  Postgres") && !summary.contains("hunter2"), "{summary}");
    }

    #[test]
    fn the_summary_says_where_the_portal_is() {
        let url = ("COUNTERSIGN__SERVER__PORTAL_URL", "https://portal.example.com");
        let off = ("COUNTERSIGN__SERVER__PORTAL", "off");
        for (variables, place) in [
            (vec![], "beside the API"),
            (vec![url], "https://portal.example.com"),
            (vec![url, off], "off on this node"),
        ] {
            let variables = variables.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned()));
            let summary = summary(&Settings::load(None, variables, []).unwrap());
            assert!(summary.contains(&format!("portal    {place}\n")), "{summary}");
        }
    }
}
