//! The same over async-std's threads.

use async_std::channel::{bounded, Receiver};
use async_std::sync::{Arc, Mutex};
use async_std::task::{self, JoinHandle};
async fn knead(trough: Arc<Mutex<u32>>, table: Arc<Mutex<u32>>) -> u32 {
    let full = trough.lock().await;
    task::sleep(std::time::Duration::from_millis(30)).await;
    let clean = table.lock().await;
    *full + *clean
}
async fn carry(baskets: Receiver<u32>) {
    while let Ok(basket) = baskets.recv().await {
        println!("{basket}");
    }
}
async fn bake(dough: JoinHandle<u32>) -> u32 {
    dough.await + 1
}
fn main() {
    let (trough, table) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
    let dough = task::spawn(knead(trough.clone(), table.clone()));
    task::spawn(knead(table, trough));
    task::spawn(bake(dough));
    let (baskets, full) = bounded(1);
    task::spawn(carry(full));
    std::thread::sleep(std::time::Duration::from_millis(200));
    console::announce(|| 0);
    task::block_on(std::future::pending::<()>());
    drop(baskets);
}
