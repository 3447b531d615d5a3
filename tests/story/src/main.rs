//! `inventory [current-thread|multi-thread]`: the shop of `inventory-service` over a bare socket,
//! so that it compiles with every tokio since 1.0. `stock` and `checkout` are that package's own:
//! `xtask/src/story.rs` puts them beside this file.
//!
//! Prints where it listens.

mod checkout;
mod http;
mod stock;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::Mutex;

use crate::stock::Inventory;

fn main() -> io::Result<()> {
    let runtime = match std::env::args().nth(1).as_deref() {
        None | Some("current-thread") => Builder::new_current_thread().enable_io().build()?,
        #[cfg(feature = "multi-thread")]
        Some("multi-thread") => multi_thread()?,
        Some(other) => panic!("there is no {other} scheduler in this build"),
    };
    runtime.block_on(serve())
}

#[cfg(feature = "multi-thread")]
fn multi_thread() -> io::Result<tokio::runtime::Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_io().build()
}

/// Serves each customer in a task of its own.
async fn serve() -> io::Result<()> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(anywhere).await?;
    let inventory = Arc::new(Mutex::new(Inventory::opening()));
    console::start(http::customers);
    console::say(&listener.local_addr()?.to_string());
    loop {
        let (customer, _) = listener.accept().await?;
        tokio::spawn(http::serve(customer, inventory.clone()));
    }
}
