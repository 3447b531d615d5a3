//! Two tasks of an executor that have each what the other one wants, a third that waits for the end of
//! one of them, and one that waits for a message. Built with many versions of async-executor.

use std::sync::Arc;

use async_channel::{bounded, Receiver};
use async_executor::{Executor, Task};
use async_lock::Mutex;
use futures_lite::future;

async fn knead(trough: Arc<Mutex<u32>>, table: Arc<Mutex<u32>>) -> u32 {
    let full = trough.lock().await;
    future::yield_now().await;
    let clean = table.lock().await;
    *full + *clean
}

async fn carry(baskets: Receiver<u32>) {
    while let Ok(basket) = baskets.recv().await {
        println!("{basket}");
    }
}

async fn bake(dough: Task<u32>) -> u32 {
    dough.await + 1
}

fn main() {
    let executor = Executor::new();
    let (trough, table) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
    let dough = executor.spawn(knead(trough.clone(), table.clone()));
    executor.spawn(knead(table, trough)).detach();
    executor.spawn(bake(dough)).detach();
    let (baskets, full) = bounded(1);
    executor.spawn(carry(full)).detach();
    while executor.try_tick() {}
    console::announce(|| 0);
    future::block_on(executor.run(future::pending::<()>()));
    drop(baskets);
}
