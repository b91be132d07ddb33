//! The floor: the cost of one start and one check if there were nothing but HTTP and storage. There are two
//! JSON handlers. On SQLite they make one bare insert and one bare update, with the writer and the settings
//! of the embedded engine. On Redis they run one bare script each, with the writes of the real scripts, over
//! the same Redis client.

use actix_web::{App, HttpResponse, HttpServer, web};
use countersign_core::ports::error::StoreError;
use countersign_stores::sqlite::{Database, Options, sqlite_error};
use rusqlite::params;
use serde::Deserialize;
use std::path::PathBuf;

/// As many bytes as a live verification takes.
const RECORD: [u8; 190] = [7; 190];

#[derive(Deserialize)]
struct Start {
    to: String,
}

#[derive(Deserialize)]
struct Check {
    id: i64,
    code: String,
}

async fn start(database: web::Data<Database>, body: web::Json<Start>) -> HttpResponse {
    let to = body.into_inner().to;
    let insert = move |c: &rusqlite::Connection| {
        let mut insert = c.prepare_cached("INSERT INTO floor (number, record, state) VALUES (?1, ?2, 0)");
        let insert = insert.as_mut().map_err(|_| StoreError::Conflict)?;
        insert.execute(params![to, RECORD]).map_err(sqlite_error)?;
        Ok(c.last_insert_rowid())
    };
    match database.write(insert).await {
        Ok(id) => HttpResponse::Created().json(serde_json::json!({ "id": id, "status": "pending" })),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn check(database: web::Data<Database>, body: web::Json<Check>) -> HttpResponse {
    let Check { id, code } = body.into_inner();
    let update = move |c: &rusqlite::Connection| {
        let mut update =
            c.prepare_cached("UPDATE floor SET state = 1 WHERE id = ?1 AND state = 0 AND ?2 = '123456'");
        let update = update.as_mut().map_err(|_| StoreError::Conflict)?;
        update.execute(params![id, code]).map_err(sqlite_error)
    };
    match database.write(update).await {
        Ok(1) => HttpResponse::Ok().json(serde_json::json!({ "id": id, "status": "approved" })),
        Ok(_) => HttpResponse::Conflict().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// Writes verification, number, message and event, and reads nothing.
const START: &str = "redis.call('SET', KEYS[1], ARGV[1], 'PX', 1200000)
redis.call('SET', KEYS[2], ARGV[2], 'PX', 86400000)
redis.call('ZADD', KEYS[3], 1790000000000, ARGV[3])
redis.call('XADD', KEYS[4], '*', 'e', ARGV[4])
return 1";
/// Reads verification and number, and writes verification and event.
const CHECK: &str = "redis.call('GET', KEYS[1])
redis.call('GET', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
redis.call('XADD', KEYS[3], '*', 'e', ARGV[2])
return 1";

/// As many bytes as the record of a number, a waiting message, and the events take.
const NUMBER: [u8; 50] = [7; 50];
const STARTED: [u8; 280] = [7; 280];
const APPROVED: [u8; 57] = [7; 57];

struct Redis {
    connection: redis::aio::MultiplexedConnection,
    start: redis::Script,
    check: redis::Script,
    next: std::sync::atomic::AtomicI64,
}

impl Redis {
    async fn open(url: &str) -> anyhow::Result<Self> {
        let connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let (start, check) = (redis::Script::new(START), redis::Script::new(CHECK));
        start.load_async(&mut connection.clone()).await?;
        check.load_async(&mut connection.clone()).await?;
        Ok(Self { connection, start, check, next: Default::default() })
    }

    async fn run(
        &self,
        script: &redis::Script,
        keys: &[String],
        values: &[&[u8]],
    ) -> redis::RedisResult<i64> {
        let mut command = redis::cmd("EVALSHA");
        command.arg(script.get_hash()).arg(keys.len()).arg(keys);
        for value in values {
            command.arg(*value);
        }
        command.query_async(&mut self.connection.clone()).await
    }
}

/// The partition, out of 64 as in the real engine.
fn part(id: i64) -> i64 {
    id % 64
}

async fn start_in_redis(redis: web::Data<Redis>, body: web::Json<Start>) -> HttpResponse {
    let id = redis.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let keys = [
        format!("{{{}}}v{id:033}", part(id)),
        format!("{{{}}}n{}", part(id), body.to),
        format!("{{{}}}d", part(id)),
        format!("{{{}}}e", part(id)),
    ];
    let message = format!("{id:052}");
    let values: [&[u8]; 4] = [&RECORD, &NUMBER, message.as_bytes(), &STARTED];
    match redis.run(&redis.start, &keys, &values).await {
        Ok(_) => HttpResponse::Created().json(serde_json::json!({ "id": id, "status": "pending" })),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn check_in_redis(redis: web::Data<Redis>, body: web::Json<Check>) -> HttpResponse {
    let Check { id, code } = body.into_inner();
    let keys = [
        format!("{{{}}}v{id:033}", part(id)),
        format!("{{{}}}n{code}", part(id)),
        format!("{{{}}}e", part(id)),
    ];
    match redis.run(&redis.check, &keys, &[&RECORD, &APPROVED]).await {
        Ok(_) => HttpResponse::Ok().json(serde_json::json!({ "id": id, "status": "approved" })),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn serve_redis(url: &str, ready: &str) -> anyhow::Result<()> {
    let redis = web::Data::new(Redis::open(url).await?);
    let app = move || {
        App::new()
            .app_data(redis.clone())
            .route("/start", web::post().to(start_in_redis))
            .route("/check", web::post().to(check_in_redis))
    };
    let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", 0))?;
    std::fs::write(ready, format!("http://{}", server.addrs()[0]))?;
    server.run().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(ready)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: floor FOLDER|REDIS-URL READY-FILE");
    };
    if folder.starts_with("redis://") {
        return serve_redis(&folder, &ready).await;
    }
    let path = PathBuf::from(folder).join("floor.sqlite");
    let database = Database::open(&path, Options { full_sync: false })?;
    let schema =
        "CREATE TABLE floor (id INTEGER PRIMARY KEY, number TEXT, record BLOB, state INTEGER) STRICT";
    database.write(move |c| c.execute_batch(schema).map_err(sqlite_error)).await?;
    let app = move || {
        App::new()
            .app_data(web::Data::new(database.clone()))
            .route("/start", web::post().to(start))
            .route("/check", web::post().to(check))
    };
    let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", 0))?;
    std::fs::write(ready, format!("http://{}", server.addrs()[0]))?;
    server.run().await?;
    Ok(())
}
