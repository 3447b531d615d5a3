//! A pool of sqlx before PostgreSQL.

use std::net::SocketAddr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::PgPool;
use tokio::sync::oneshot;

use crate::{each_has_one, turn, CONNECTIONS, PATIENT};

async fn pool(address: SocketAddr) -> PgPool {
    let database = PgConnectOptions::new_without_pgpass().host(&address.ip().to_string());
    let database = database.port(address.port()).username("shop").database("postgres");
    let options = PgPoolOptions::new().max_connections(CONNECTIONS as u32).max_lifetime(None);
    let options = options.idle_timeout(None).acquire_timeout(PATIENT);
    options.connect_with(database).await.expect("a database")
}

/// Each of three tasks has one of three connections and wants another.
pub async fn two_each(address: SocketAddr) {
    let pool = pool(address).await;
    each_has_one(|has_one, started| {
        let pool = pool.clone();
        async move { transfer(pool, has_one, started).await.expect("a transfer") }
    })
    .await;
}

async fn transfer(
    pool: PgPool,
    has_one: oneshot::Sender<()>,
    started: oneshot::Receiver<()>,
) -> Result<(), sqlx::Error> {
    let mut transfer = pool.begin().await?;
    let _ = has_one.send(());
    let _ = started.await;
    sqlx::query("select 1").execute(&pool).await?;
    sqlx::query("select 2").execute(&mut *transfer).await?;
    transfer.commit().await
}

/// All connections are with tasks that wait for the answer to a slow statement.
pub async fn slow_query(address: SocketAddr) {
    let pool = pool(address).await;
    for _ in 0..CONNECTIONS + 2 {
        tokio::spawn(report(pool.clone()));
        turn().await;
    }
}

async fn report(pool: PgPool) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_sleep(36000)").execute(&pool).await?;
    Ok(())
}
