//! The thread pool for work on all processors.

use std::sync::OnceLock;

use nix::sys::signal::{SigSet, SigmaskHow};
use rayon::ThreadPool;

/// Runs `work` in a rayon pool whose threads block all signals: the debugger that this is loaded
/// into handles its signals on its own threads.
pub(crate) fn in_parallel<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).ok()?;
        // A thread inherits the mask of the thread that starts it.
        let pool = rayon::ThreadPoolBuilder::new().thread_name(|n| format!("unhang-{n}")).build();
        before.thread_set_mask().ok()?;
        pool.ok()
    });
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
