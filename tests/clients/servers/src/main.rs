//! Servers and their clients that do not go on: the arguments name the situation and, for a client
//! whose server is elsewhere, that server's address, `HOST:PORT`.
//!
//! Prints `ready` once nothing goes on any more without a client; a server elsewhere its address.

mod of_actix;
mod of_actors;
mod of_axum;
mod of_quinn;
mod of_reqwest;
mod of_tonic;
mod of_tower;

use std::time::Duration;

use tokio::runtime::{Builder, Handle};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let situation = arguments.next().expect("the name of a situation");
    let address = arguments.next();
    match situation.as_str() {
        "actix-upload" => of_actix::upload().expect("a server"),
        "actix-actors" => of_actors::shop_and_bank(),
        "tower-full" => block_on(two_workers(), of_tower::full()),
        "axum-upgrades-first" | "reqwest-slow-server" => {
            block_on(two_workers(), run(&situation, address.as_deref()));
        }
        _ => block_on(Builder::new_current_thread(), run(&situation, address.as_deref())),
    }
}

fn two_workers() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}

fn block_on(mut builder: Builder, future: impl std::future::Future<Output = ()>) {
    builder.enable_all().build().expect("a runtime").block_on(future);
}

/// Stands above what is added with a new situation: texts name the line where it waits.
async fn run(situation: &str, address: Option<&str>) {
    match situation {
        "tonic-lock" => of_tonic::lock().await,
        "tonic-unread" => of_tonic::unread().await,
        "axum-asks-itself" => of_axum::asks_itself().await,
        "axum-upgrades-first" => of_axum::upgrades_first().await,
        "quinn-silent-stream" => of_quinn::silent_stream().await,
        "reqwest-slow-server" => of_reqwest::slow_server(address.expect("an address")).await,
        other => panic!("no situation is called {other}"),
    }
    announce();
    std::future::pending::<()>().await;
}

/// From a thread and later: whoever reads it finds every task where it hangs.
fn announce() {
    let metrics = Handle::current().metrics();
    console::announce(move || metrics.num_alive_tasks());
}

/// Lets the task before come to where it waits.
async fn turn() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}
