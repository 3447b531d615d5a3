//! A connection to Redis that several tasks share.

use std::net::SocketAddr;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisResult};

use crate::turn;

/// One waits for what another one would bring, on the same connection: the server answers in order.
pub async fn blocking_pop(address: SocketAddr) {
    let client = Client::open(format!("redis://{address}/")).expect("an address");
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let store = client.get_multiplexed_async_connection_with_config(&patient).await;
    let store = store.expect("a connection");
    tokio::spawn(next_job(store.clone()));
    turn().await;
    tokio::spawn(deliver(store.clone(), 7));
    turn().await;
    tokio::spawn(deliver(store, 8));
    turn().await;
}

async fn next_job(mut store: MultiplexedConnection) -> RedisResult<Option<(String, String)>> {
    store.blpop("jobs", 0.0).await
}

async fn deliver(mut store: MultiplexedConnection, job: u32) -> RedisResult<u32> {
    store.rpush("jobs", job).await
}
