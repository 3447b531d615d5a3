//! Changes to the memory of the miniature tokio (`runtime_layouts::fake::tokio`).

use runtime_layouts::fake::{FakeMemory, tokio};

/// How many tasks the miniature has.
pub const TASKS: u64 = 4;

/// The place that two bytes and a number choose: one that is read, or is near one that is.
pub fn place(region: u8, into: u16) -> u64 {
    let into = u64::from(into);
    match region % 8 {
        0 => tokio::CONTEXT + into % 64,
        1 => tokio::HANDLE + into % 64,
        2 => tokio::TASK_VTABLE + into % 64,
        3 => tokio::FUTURE_VTABLE + into % 64,
        4 => tokio::boxed(1 + into % TASKS) + into % 32,
        _ => tokio::task(1 + into % TASKS) + (into / 8) % 96,
    }
}

/// Makes seven bytes of input a change: where, and what to write or to make unreadable there.
pub fn memory(memory: &mut FakeMemory, edit: &[u8; 7]) {
    let into = u16::from_le_bytes([edit[1], edit[2]]);
    let address = place(edit[0], into);
    if edit[0] & 0x80 != 0 {
        memory.hole(address, 1 + u64::from(into) % 16);
    } else {
        memory.put(address, &edit[3..7]);
    }
}
