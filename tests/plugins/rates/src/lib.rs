//! Exchange rates, kept fresh in the background: what a library with a runtime of its own looks
//! like. One task has the lock and waits for an answer that never comes; the others wait for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, Mutex};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Starts the runtime; returns when its tasks stand where they stay.
pub fn start() {
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("rates")
            .build()
            .expect("a runtime")
    });
    let rates = Arc::new(Mutex::new(0));
    let (sender, answer) = oneshot::channel();
    // The bank keeps its end, and never answers.
    std::mem::forget(sender);
    runtime.spawn(load(Arc::clone(&rates), answer));
    settle();
    for _ in 0..2 {
        runtime.spawn(quote(Arc::clone(&rates)));
    }
    settle();
}

fn settle() {
    std::thread::sleep(Duration::from_millis(100));
}

/// Asks the bank, with the lock held.
async fn load(rates: Arc<Mutex<u32>>, answer: oneshot::Receiver<u32>) {
    let mut table = rates.lock().await;
    *table = answer.await.unwrap_or_default();
}

/// Reads a rate.
async fn quote(rates: Arc<Mutex<u32>>) {
    let table = rates.lock().await;
    std::hint::black_box(*table);
}
