//! A server of tonic and its client in one process, with the one service that comes ready-made.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, Mutex};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::turn;

/// What each service answers at the moment.
type Table = Arc<Mutex<Vec<i32>>>;

struct Registry {
    table: Table,
}

#[tonic::async_trait]
impl Health for Registry {
    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let table = self.table.lock().await;
        let status = table.first().copied().unwrap_or_default();
        Ok(Response::new(HealthCheckResponse { status }))
    }

    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (updates, stream) = mpsc::channel(4);
        tokio::spawn(publish(updates));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Tells as often as there is room for it.
async fn publish(updates: mpsc::Sender<Result<HealthCheckResponse, Status>>) {
    while updates.send(Ok(HealthCheckResponse { status: 1 })).await.is_ok() {}
}

/// Starts the server; returns its table and a client of it.
async fn server() -> (Table, HealthClient<Channel>) {
    let table = Table::default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(serve(listener, table.clone()));
    (table, HealthClient::new(connect(address).await))
}

async fn serve(listener: TcpListener, table: Table) {
    let service = HealthServer::new(Registry { table });
    let incoming = TcpListenerStream::new(listener);
    Server::builder().add_service(service).serve_with_incoming(incoming).await.expect("a server");
}

async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    // The smallest that HTTP/2 begins with.
    endpoint.initial_stream_window_size(65_535).connect().await.expect("a connection")
}

/// The handler of a call waits for a lock that somebody else keeps.
pub async fn lock() {
    let (table, client) = server().await;
    tokio::spawn(refresh(table));
    turn().await;
    tokio::spawn(ask(client));
    turn().await;
}

async fn refresh(table: Table) {
    let mut table = table.lock().await;
    tokio::time::sleep(Duration::from_secs(36_000)).await;
    table.push(1);
}

async fn ask(mut client: HealthClient<Channel>) -> Result<i32, Status> {
    let answer = client.check(HealthCheckRequest::default()).await?;
    Ok(answer.into_inner().status)
}

/// A server tells and tells, and who asked does not listen.
pub async fn unread() {
    let (_, client) = server().await;
    tokio::spawn(follow(client));
    for _ in 0..8 {
        turn().await;
    }
}

async fn follow(mut client: HealthClient<Channel>) -> Result<(), Status> {
    let mut updates = client.watch(HealthCheckRequest::default()).await?.into_inner();
    updates.message().await?;
    tokio::time::sleep(Duration::from_secs(36_000)).await;
    updates.message().await?;
    Ok(())
}
