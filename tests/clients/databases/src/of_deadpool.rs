//! A pool of deadpool before PostgreSQL, with connections of tokio-postgres.

use std::net::SocketAddr;

use deadpool_postgres::{Manager, Pool, PoolError};
use tokio::sync::oneshot;
use tokio_postgres::{Config, NoTls};

use crate::{each_has_one, turn, CONNECTIONS};

fn pool(address: SocketAddr) -> Pool {
    let mut database = Config::new();
    database.host(address.ip().to_string()).port(address.port()).user("shop").dbname("postgres");
    let manager = Manager::new(database, NoTls);
    Pool::builder(manager).max_size(CONNECTIONS).build().expect("a pool")
}

/// Each of three tasks has one of three connections and wants another.
pub async fn two_each(address: SocketAddr) {
    let pool = pool(address);
    each_has_one(|has_one, started| {
        let pool = pool.clone();
        async move { transfer(pool, has_one, started).await.expect("a transfer") }
    })
    .await;
}

async fn transfer(
    pool: Pool,
    has_one: oneshot::Sender<()>,
    started: oneshot::Receiver<()>,
) -> Result<(), PoolError> {
    let from = pool.get().await?;
    let _ = has_one.send(());
    let _ = started.await;
    let to = pool.get().await?;
    drop((from, to));
    Ok(())
}

/// All connections are with tasks that wait for the answer to a slow statement.
pub async fn slow_query(address: SocketAddr) {
    let pool = pool(address);
    for _ in 0..CONNECTIONS + 2 {
        tokio::spawn(report(pool.clone()));
        turn().await;
    }
}

async fn report(pool: Pool) -> Result<(), PoolError> {
    let client = pool.get().await?;
    client.execute("select pg_sleep(36000)", &[]).await?;
    Ok(())
}
