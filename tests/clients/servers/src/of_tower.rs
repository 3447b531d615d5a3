//! A server of axum behind a stack of tower's layers that is full.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{BoxError, Router};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tower::buffer::BufferLayer;
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::ServiceBuilder;

/// Two requests are served, two wait before them.
pub async fn full() {
    let patient = Duration::from_secs(36_000);
    let stack = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(too_busy))
        .layer(TimeoutLayer::new(patient))
        .layer(BufferLayer::new(2))
        .layer(ConcurrencyLimitLayer::new(2));
    // Without the last call each connection would make services of its own.
    let router = Router::new().route("/report", get(report)).layer(stack).with_state(());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let metrics = Handle::current().metrics();
    console::start(move || metrics.num_alive_tasks());
    console::say(&listener.local_addr().expect("its address").to_string());
    axum::serve(listener, router).await.expect("a server");
}

async fn report() -> &'static str {
    tokio::time::sleep(Duration::from_secs(36_000)).await;
    "all is well\n"
}

async fn too_busy(_: BoxError) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}
