//! Static variables of types that are asked for by name.

pub mod _export {
    use std::cell::Cell;

    pub struct TaskPoolHolder<const SIZE: usize>(pub [u8; SIZE]);
    pub struct TaskPoolRef(pub Cell<usize>);

    // SAFETY: there is one thread.
    unsafe impl Sync for TaskPoolRef {}
}

use _export::{TaskPoolHolder, TaskPoolRef};

static FIRST: TaskPoolHolder<16> = TaskPoolHolder([1; 16]);
static SECOND: TaskPoolHolder<32> = TaskPoolHolder([2; 32]);
static POINTER: TaskPoolRef = TaskPoolRef(std::cell::Cell::new(3));
static OTHER: [u8; 16] = [4; 16];

fn main() {
    println!("{:p} {:p} {:p} {:p}", &FIRST, &SECOND, &POINTER, &OTHER);
}
