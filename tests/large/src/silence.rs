//! The backend that has gone: it accepts connections and says nothing.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::net::TcpListener;

/// Starts it.
pub async fn listen() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(accept(listener));
    Ok(address)
}

/// Keeps every connection: whoever waits goes on waiting.
async fn accept(listener: TcpListener) {
    let mut kept = Vec::new();
    while let Ok((connection, _)) = listener.accept().await {
        kept.push(connection);
    }
}
