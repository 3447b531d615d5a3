//! The shop over HTTP, with its orders in a database: axum and sqlx.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const A_DAY: Duration = Duration::from_secs(86_400);

/// More than four requests at once wait for the pool, not for the database.
const CONNECTIONS: u32 = 4;

#[derive(Serialize, Deserialize, sqlx::FromRow)]
struct Order {
    id: i64,
    item: String,
    cents: i64,
}

/// Starts the service and returns where it listens.
pub async fn serve(database: SocketAddr) -> Result<SocketAddr> {
    let options = PgConnectOptions::new()
        .host(&database.ip().to_string())
        .port(database.port())
        .username("shop")
        .database("shop")
        .ssl_mode(PgSslMode::Prefer);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(A_DAY)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options);
    let shop = Router::new()
        .route("/orders/{id}", get(show))
        .route("/orders", post(place))
        .with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, shop).await });
    Ok(address)
}

async fn show(
    State(pool): State<PgPool>,
    Path(id): Path<i64>,
) -> Result<Json<Option<Order>>, StatusCode> {
    let order = find(&pool, id).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(Json(order))
}

async fn find(pool: &PgPool, id: i64) -> sqlx::Result<Option<Order>> {
    sqlx::query_as("select id, item, cents from orders where id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
}

async fn place(
    State(pool): State<PgPool>,
    Json(order): Json<Order>,
) -> Result<StatusCode, StatusCode> {
    insert(&pool, order).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(StatusCode::CREATED)
}

async fn insert(pool: &PgPool, order: Order) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    sqlx::query("insert into orders (id, item, cents) values ($1, $2, $3)")
        .bind(order.id)
        .bind(order.item)
        .bind(order.cents)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// A customer, who looks at an order or places one.
pub async fn order(shop: SocketAddr, number: usize) -> Result<()> {
    let request = if number % 2 == 0 {
        format!("GET /orders/{number} HTTP/1.1\r\nhost: shop\r\n\r\n")
    } else {
        let body = format!(r#"{{"id":{number},"item":"lamp","cents":1999}}"#);
        let length = body.len();
        format!(
            "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
    };
    let mut connection = TcpStream::connect(shop).await?;
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(())
}
