//! The time before the database can be served from: it does not answer, or it
//! lacks migrations that `countersign migrate` is yet to apply.
//!
//! The process stays, unready, for as long as that takes. Whoever rolls a new
//! version out may start the servers first, and an orchestrator that restarts
//! what ends would only add to an outage.

use crate::{
    configuration::{DatabaseUrl, Settings},
    wiring::open_sql,
};
use actix_web::{App, HttpResponse, HttpServer, ResponseError as _, dev::Server, http::header, web};
use anyhow::Context as _;
use countersign_api::{Problem, ProblemCode};
use countersign_core::cause::chain;
use countersign_stores::sql::Sql;
use rustls::ServerConfig;
use std::{io, net::TcpListener, time::Duration};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// Between two looks at the database; also what clients are told to wait.
const LOOK: Duration = Duration::from_secs(1);
/// Connections of each port: probes, and clients that are told to come later.
const CONNECTIONS: usize = 256;
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns once the database has this program's schema. Until then both ports
/// answer: alive, but not ready.
pub(super) async fn wait_for_schema(
    settings: &Settings,
    (api, operator): (Option<&TcpListener>, &TcpListener),
    tls: Option<ServerConfig>,
) -> anyhow::Result<()> {
    // A file is brought up to date by whoever opens it.
    let DatabaseUrl::Postgres { .. } = settings.database else { return Ok(()) };
    let sql = open_sql(settings).await?;
    let Some(mut reason) = find_reason(&sql).await else { return Ok(()) };
    tracing::warn!(reason, "Not ready: waiting for the database");
    // Cancelled also when the caller gives up.
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let mut servers = JoinSet::new();
    if let Some(api) = api {
        servers.spawn(serve(api.try_clone()?, tls, stop.clone())?);
    }
    servers.spawn(serve(operator.try_clone()?, None, stop.clone())?);
    loop {
        sleep(LOOK).await;
        match find_reason(&sql).await {
            None => break,
            Some(now) if now != reason => {
                tracing::warn!(reason = now, "Not ready: waiting for the database");
                reason = now;
            }
            Some(_) => {}
        }
    }
    tracing::info!("The database is at this program's version");
    stop.cancel();
    while let Some(ended) = servers.join_next().await {
        ended?.context("A listener failed")?;
    }
    Ok(())
}

/// Why it cannot be served from, if it cannot.
async fn find_reason(sql: &Sql) -> Option<String> {
    match sql.pending_migrations().await {
        Ok(pending) if pending.is_empty() => None,
        Ok(pending) => Some(format!(
            "it is older than this program; run `countersign migrate` (it would apply: {})",
            pending.join(", ")
        )),
        Err(error) => Some(chain(&error)),
    }
}

fn serve(listener: TcpListener, tls: Option<ServerConfig>, stop: CancellationToken) -> io::Result<Server> {
    let app = || App::new().route("/health/live", web::get().to(say_alive)).default_service(web::to(refuse));
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(CONNECTIONS)
        // Each connection ends with its answer, so none lasts into the time of the real server.
        .keep_alive(actix_web::http::KeepAlive::Disabled)
        .client_request_timeout(PATIENCE)
        .client_disconnect_timeout(PATIENCE)
        .shutdown_timeout(1)
        .shutdown_signal(stop.cancelled_owned());
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

async fn say_alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("live\n")
}

async fn refuse() -> HttpResponse {
    let detail = "The server waits for its database";
    let problem = Problem::new(ProblemCode::DirectoryUnavailable, detail).retry_after(LOOK);
    let mut answer = problem.error_response();
    answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    answer
}
