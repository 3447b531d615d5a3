//! SEARCHES: bytes in gigabytes of bytes, on all processors.

use std::sync::OnceLock;

use memchr::memmem;
use nix::sys::signal::{SigSet, SigmaskHow};
use rayon::ThreadPool;
use rayon::prelude::*;

/// Bytes that one thread searches at a time: so many take longer than to hand them over.
const PART: usize = 4 << 20;

/// Where a needle is, in order.
pub(crate) fn find_all(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    if needle.is_empty() {
        return Vec::new();
    }
    let finder = memmem::Finder::new(needle);
    let in_part = |start: usize| {
        // What begins in a part may end in the next one.
        let end = haystack.len().min(start + PART + needle.len() - 1);
        let found = finder.find_iter(&haystack[start..end]);
        found.map(|at| start + at).collect::<Vec<_>>()
    };
    if haystack.len() <= PART {
        return in_part(0);
    }
    let parts: Vec<usize> = (0..haystack.len()).step_by(PART).collect();
    in_parallel(|| parts.into_par_iter().flat_map_iter(in_part).collect())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_lies_across_parts() {
        let mut haystack = vec![0; 3 * PART + 7];
        let places = [0, 5, PART - 2, 2 * PART, 3 * PART + 3];
        for place in places {
            haystack[place..place + 4].copy_from_slice(b"task");
        }
        assert_eq!(find_all(&haystack, b"task"), places);
        assert_eq!(find_all(&haystack, b"worker"), Vec::<usize>::new());
        assert_eq!(find_all(&haystack, b""), Vec::<usize>::new());
        assert_eq!(find_all(b"a task", b"task"), [2]);
    }
}
