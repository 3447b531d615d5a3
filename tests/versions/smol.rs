//! The same over smol's threads.

use smol::channel::{bounded, Receiver};
use smol::lock::Mutex;
use smol::Task;
use std::sync::Arc;
async fn knead(trough: Arc<Mutex<u32>>, table: Arc<Mutex<u32>>) -> u32 {
    let full = trough.lock().await;
    smol::Timer::after(std::time::Duration::from_millis(30)).await;
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
    let (trough, table) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
    let dough = smol::spawn(knead(trough.clone(), table.clone()));
    smol::spawn(knead(table, trough)).detach();
    smol::spawn(bake(dough)).detach();
    let (baskets, full) = bounded(1);
    smol::spawn(carry(full)).detach();
    std::thread::sleep(std::time::Duration::from_millis(200));
    console::announce(|| 0);
    smol::block_on(std::future::pending::<()>());
    drop(baskets);
}
