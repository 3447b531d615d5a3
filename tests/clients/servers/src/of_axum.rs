//! Services of axum that wait for themselves.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{header, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::turn;

/// What the handlers share.
#[derive(Clone)]
struct Shop {
    stock: Arc<Mutex<u32>>,
    url: String,
}

/// Who takes an order has the stock, and asks its own service for the price, which wants the stock.
pub async fn asks_itself() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let shop = Shop { stock: Arc::default(), url: url.clone() };
    let router =
        Router::new().route("/order", get(take_order)).route("/price", get(price)).with_state(shop);
    tokio::spawn(async { axum::serve(listener, router).await.expect("a server") });
    tokio::spawn(async move { ask(&format!("{url}/order")).await });
    turn().await;
}

async fn take_order(State(shop): State<Shop>) -> String {
    let mut stock = shop.stock.lock().await;
    let price = ask(&format!("{}/price", shop.url)).await;
    *stock += 1;
    price
}

async fn price(State(shop): State<Shop>) -> String {
    format!("{} cents\n", 500 + *shop.stock.lock().await)
}

async fn ask(url: &str) -> String {
    let answer = reqwest::get(url).await.expect("an answer");
    answer.text().await.expect("text")
}

/// A handler waits for the upgrade of its connection before it answers, which is what upgrades it.
pub async fn upgrades_first() {
    let router = Router::new().route("/chat", get(chat));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async { axum::serve(listener, router).await.expect("a server") });
    tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request =
            b"GET /chat HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
        stream.write_all(request).await.expect("a request");
        stream.read_u8().await.expect("an answer")
    });
    turn().await;
}

async fn chat(request: Request) -> impl IntoResponse {
    let upgraded = hyper::upgrade::on(request).await;
    tokio::spawn(async { drop(upgraded) });
    (StatusCode::SWITCHING_PROTOCOLS, [(header::CONNECTION, "upgrade"), (header::UPGRADE, "chat")])
}
