//! The floor: what one start and one check would cost if nothing but the HTTP
//! and the storage were there. Two JSON handlers, one bare insert and one bare
//! update, on the writer and with the settings of the embedded engine.

use actix_web::{App, HttpResponse, HttpServer, web};
use countersign_core::ports::StoreError;
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

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(ready)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: floor FOLDER READY-FILE");
    };
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
