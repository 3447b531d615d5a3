//! Wakers stored in memory, and the task that each wakes.

use super::expectation::compiler;
use crate::layout::Type;
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// `library/core/src/task/wake.rs` (Rust 1.95).
const WAKER: &str = compiler::WAKER.newest();

/// Wakers of one value that are looked at, at most.
const MAX_WAKERS: usize = 8;

/// The ways from a type to the wakers that its values store.
pub(crate) fn paths(program: &Program<'_>, ty: Ty) -> Vec<Path> {
    let mut is_waker = |ty: &Type| &*ty.name == WAKER;
    path::find_all(program, ty, Reach::RUNTIME, MAX_WAKERS, &mut is_waker)
}

/// Whether a type is that of wakers.
pub(crate) fn is_waker(layout: &Type) -> bool {
    &*layout.name == WAKER
}

/// Whether one of these wakers in a value wakes the task whose header is there.
pub(crate) fn wake(program: &Program<'_>, value: Value, paths: &[Path], header: u64) -> bool {
    paths.iter().any(|path| {
        let waker = path.follow(program, value).ok().flatten();
        waker.is_some_and(|waker| stored(program, waker).is_ok_and(|data| data == [header]))
    })
}

/// The data pointer of the nearest waker in a value, which of a tokio task is the address of its
/// header; empty when none is stored.
pub(crate) fn stored(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    let Some(waker) = value.find_inline(program, WAKER)? else { return Ok(Vec::new()) };
    match waker.find_member(program, "data")? {
        Some(data) => Ok(vec![program.read_pointer(data.address)?]),
        None => Ok(Vec::new()),
    }
}
