//! Wakers that are stored in memory: which task will be woken.

use crate::value::{Program, Value, ValueError};

/// `library/core/src/task/wake.rs` (Rust 1.95).
const WAKER: &str = crate::expected::WAKER.newest();

/// The data pointer of the nearest waker in a value, which of a tokio task is the address of its
/// header; empty when none is stored.
pub(crate) fn stored(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    let Some(waker) = value.inside(program, WAKER)? else { return Ok(Vec::new()) };
    match waker.within(program, "data")? {
        Some(data) => Ok(vec![program.read_pointer(data.address)?]),
        None => Ok(Vec::new()),
    }
}
