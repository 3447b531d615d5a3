//! Clients of databases and brokers that do not go on: a situation and `HOST:PORT` are the arguments.
//!
//! Prints `ready` once nothing goes on any more.

mod of_deadpool;
mod of_lapin;
mod of_redis;
mod of_sqlx;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Connections of each pool.
const CONNECTIONS: usize = 3;

/// Longer than anybody looks.
const PATIENT: Duration = Duration::from_secs(36_000);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let situation = arguments.next().expect("the name of a situation");
    let address = arguments.next().expect("the address of a database");
    let address = address.parse().expect("an address and a port");
    let mut runtime = match situation.as_str() {
        // What lapin begins on its own thread, and we on ours, comes in one order on one worker.
        "lapin-held-up" => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(run(&situation, address));
}

/// Stands above what is added with a new situation: texts name the line where it waits.
async fn run(situation: &str, address: SocketAddr) {
    begin(situation, address).await;
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

/// Brings about the situation with that name.
async fn begin(situation: &str, address: SocketAddr) {
    match situation {
        "sqlx-two-each" => of_sqlx::two_each(address).await,
        "sqlx-slow-query" => of_sqlx::slow_query(address).await,
        "deadpool-two-each" => of_deadpool::two_each(address).await,
        "deadpool-slow-query" => of_deadpool::slow_query(address).await,
        "lapin-held-up" => of_lapin::held_up(address).await,
        "redis-blocking-pop" => of_redis::blocking_pop(address).await,
        other => panic!("no situation is called {other}"),
    }
}

/// Starts as many tasks as there are connections, one after the other: each is told by one end when
/// the others have a connection too, and tells by the other end that it has one itself.
async fn each_has_one<F: Future<Output = ()> + Send + 'static>(
    task: impl Fn(oneshot::Sender<()>, oneshot::Receiver<()>) -> F,
) {
    let mut starts = Vec::new();
    for _ in 0..CONNECTIONS {
        let (has_one, is_there) = oneshot::channel();
        let (start, started) = oneshot::channel();
        tokio::spawn(task(has_one, started));
        is_there.await.expect("a connection");
        starts.push(start);
    }
    for start in starts {
        let _ = start.send(());
        turn().await;
    }
}
