//! Whether the shop is well, over gRPC: tonic. Who watches is told of changes, and nothing changes.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const SERVICE: &str = "shop";

/// Starts the service and returns where it listens.
pub async fn serve() -> Result<SocketAddr> {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status(SERVICE, ServingStatus::Serving).await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder().add_service(service);
    tokio::spawn(async move {
        // The service forgets what it knows when who reports goes.
        let _reporter = reporter;
        server.serve_with_incoming(TcpIncoming::from(listener)).await
    });
    Ok(address)
}

/// A balancer, that sends customers here while the shop is well.
pub async fn watch(service: SocketAddr) -> Result<()> {
    let channel = Endpoint::from_shared(format!("http://{service}"))?.connect().await?;
    let request = HealthCheckRequest { service: SERVICE.to_owned() };
    let mut changes = HealthClient::new(channel).watch(request).await?.into_inner();
    while changes.message().await?.is_some() {}
    Ok(())
}
