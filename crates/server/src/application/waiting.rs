//! The time before the server can serve: a store does not answer, or the database lacks migrations that
//! `countersign migrate` has yet to apply.
//!
//! The process stays, unready, for as long as that takes. During a rollout the servers may start before the
//! migration. If the process ended instead, an orchestrator would restart it again and again, which would
//! make an outage worse.

use super::{
    front::{Front, Patience},
    listener::Bounds,
};
use crate::{
    configuration::{CodesUrl, DatabaseUrl, Settings},
    wiring::{open_sql, redis_url},
};
use actix_web::{App, HttpResponse, ResponseError as _, dev::Server, http::header, middleware::from_fn, web};
use anyhow::Context as _;
use countersign_core::error::chain;
use countersign_stores::{
    redis::{RedisCodes, RedisUrl},
    sql::{Sql, postgres_servers},
};
use countersign_web::{
    head::answer_head,
    problem::{Problem, ProblemCode},
};
use std::{io, net::TcpListener, time::Duration};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// The time between two checks of the stores, and the wait that answers name to clients.
const LOOK: Duration = Duration::from_secs(1);

/// The reason for waiting.
#[derive(PartialEq, Eq)]
struct Wait {
    /// The problem that clients get.
    problem: ProblemCode,
    /// The reason, for the log.
    reason: String,
    /// The addresses of the servers that should answer.
    servers: String,
}

/// Returns once the database has this program's schema and the codes store answers. Until then both ports
/// answer that the process is alive, but not ready.
pub(super) async fn wait_for_stores(
    settings: &Settings,
    (api, operator): (Option<&TcpListener>, &TcpListener),
    bounds: &Bounds,
) -> anyhow::Result<()> {
    let mut stores = Stores::new(settings).await?;
    let Some(wait) = stores.find_wait().await else { return Ok(()) };
    let (told, heard) = watch::channel(wait.problem);
    tell(&wait);
    let mut last = wait;
    // The guard also cancels it when the caller gives up.
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let mut servers = JoinSet::new();
    if let Some(api) = api {
        servers.spawn(serve(api.try_clone()?, bounds.api(stop.clone()), heard.clone())?);
    }
    servers.spawn(serve(operator.try_clone()?, bounds.operator(stop.clone()), heard)?);
    loop {
        sleep(LOOK).await;
        // With the secrets that stand in the files by now; what cannot be read leaves it at those of before.
        if let Ok(again) = Stores::new(settings).await {
            stores = again;
        }
        match stores.find_wait().await {
            None => break,
            Some(wait) if wait != last => {
                tell(&wait);
                told.send_replace(wait.problem);
                last = wait;
            }
            Some(_) => {}
        }
    }
    tracing::info!("The stores can be served from");
    stop.cancel();
    while let Some(ended) = servers.join_next().await {
        ended?.context("A listener failed")?;
    }
    Ok(())
}

fn tell(Wait { problem, reason, servers }: &Wait) {
    let (store, setting) = match problem {
        ProblemCode::CodesUnavailable => ("codes store", "codes.url"),
        _ => ("database", "database.url"),
    };
    tracing::warn!(setting, servers, reason, "Not ready: waiting for the {store}");
}

/// The stores on other machines. A local file needs no wait: opening it brings its schema up to date.
struct Stores {
    sql: Option<(Sql, String)>,
    codes: Option<RedisUrl>,
}

impl Stores {
    async fn new(settings: &Settings) -> anyhow::Result<Self> {
        let sql = match settings.database {
            DatabaseUrl::Postgres { ref url, .. } => {
                Some((open_sql(settings).await?, postgres_servers(url.expose()).unwrap_or_default()))
            }
            DatabaseUrl::Sqlite(_) => None,
        };
        let codes = match &settings.codes.url {
            CodesUrl::Redis(servers) => Some(redis_url(servers)?),
            CodesUrl::Sqlite(_) => None,
        };
        Ok(Self { sql, codes })
    }

    /// The first thing that is missing, if any.
    async fn find_wait(&self) -> Option<Wait> {
        if let Some((sql, servers)) = &self.sql
            && let Some(reason) = find_reason(sql).await
        {
            let (problem, servers) = (ProblemCode::DirectoryUnavailable, servers.clone());
            return Some(Wait { problem, reason, servers });
        }
        // The configuration of the Redis servers is checked when the store is opened.
        let url = self.codes.as_ref()?;
        let reason = chain(&RedisCodes::ask_servers(url).await.err()?);
        Some(Wait { problem: ProblemCode::CodesUnavailable, reason, servers: url.servers() })
    }
}

/// Why the database cannot be used yet, if it cannot.
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

fn serve(listener: TcpListener, front: Front, waits_for: watch::Receiver<ProblemCode>) -> io::Result<Server> {
    let waits_for = web::Data::new(waits_for);
    // Each connection ends with its answer, so none is open when the real server starts.
    let patience = Patience { idle: Duration::ZERO, ..front.patience };
    let front = Front { workers: 1, shutdown: LOOK, patience, ..front };
    front.serve(listener, move || {
        App::new()
            .wrap(from_fn(answer_head))
            .app_data(waits_for.clone())
            .route("/health/live", web::get().to(say_alive))
            .default_service(web::to(refuse))
    })
}

async fn say_alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("live\n")
}

async fn refuse(waits_for: web::Data<watch::Receiver<ProblemCode>>) -> HttpResponse {
    let problem = Problem::new(*waits_for.borrow(), "The server waits for its stores").retry_after(LOOK);
    let mut answer = problem.error_response();
    answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    answer
}
