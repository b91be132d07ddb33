//! Postgres over TLS.

use super::started;
use anyhow::{Context, Result};
use countersign_core::ports::error::StoreError;
use countersign_stores::{
    certificates::Certificates,
    sql::{Sql, Statement},
};

const IS_ENCRYPTED: Statement = Statement {
    table: "pg_stat_ssl",
    text: "SELECT CASE WHEN ssl THEN 1 ELSE 0 END FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    params: &[],
};

fn trusting(ca: Option<&[u8]>) -> Option<Certificates> {
    ca.map(|pem| Certificates { authority: Some(pem.to_vec()), client: None })
}

async fn is_encrypted(url: &str, ca: Option<&[u8]>) -> Result<i64, StoreError> {
    let rows = Sql::postgres(url, trusting(ca).as_ref())?.query(&IS_ENCRYPTED, Vec::new()).await?;
    rows.first().map_or(Err(StoreError::Conflict), |row| row.int(0))
}

#[tokio::test]
async fn postgres_is_reached_by_tls_and_only_with_the_right_certificate() -> Result<()> {
    let url = started("COUNTERSIGN_TEST_POSTGRES")?;
    let ca = std::fs::read(started("COUNTERSIGN_TEST_POSTGRES_CA")?)?;
    assert_eq!(is_encrypted(&url, None).await?, 0, "on this machine in clear");
    for mode in ["", "?sslmode=require", "?sslmode=verify-full"] {
        assert_eq!(is_encrypted(&format!("{url}{mode}"), Some(&ca)).await?, 1, "{mode}");
    }
    assert_eq!(is_encrypted(&format!("{url}?sslmode=disable"), Some(&ca)).await?, 0);
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?.cert.pem();
    let by_stranger = is_encrypted(&url, Some(stranger.as_bytes())).await;
    assert!(matches!(by_stranger, Err(StoreError::Unavailable(_))), "{by_stranger:?}");
    let by_system = is_encrypted(&format!("{url}?sslmode=require"), None).await;
    assert!(matches!(by_system, Err(StoreError::Unavailable(_))), "{by_system:?}");
    // The certificate is for the address, not for the name.
    let named = url.replace("127.0.0.1", "localhost");
    let misnamed = is_encrypted(&named, Some(&ca)).await;
    assert!(matches!(misnamed, Err(StoreError::Unavailable(_))), "{misnamed:?}");
    let sql = Sql::postgres(&url, trusting(Some(&ca)).as_ref())?;
    sql.pending_migrations().await.context("another way to the server")?;
    Ok(())
}
