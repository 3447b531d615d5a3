//! PARALLEL: work on all processors.

use std::sync::OnceLock;

use nix::sys::signal::{SigSet, SigmaskHow};
use rayon::ThreadPool;

/// Does something with rayon. Its threads take no signals: the program that this is loaded into, a
/// debugger, waits for its own on its own threads.
pub(crate) fn in_parallel<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).ok()?;
        // Threads begin with the mask of the one that starts them.
        let pool = rayon::ThreadPoolBuilder::new().thread_name(|n| format!("unhang-{n}")).build();
        before.thread_set_mask().ok()?;
        pool.ok()
    });
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
