//! Any memory behind true layouts: the walk ends, and every text can be made of what it found.
//!
//! The memory is that of a healthy miniature runtime with bytes of it replaced: each seven bytes
//! of input are a place in it and what to write there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime_layouts::fake::{FakeTarget, tokio};
use unhang_fuzz::{edits, everything};

fuzz_target!(|bytes: &[u8]| {
    let mut memory = tokio::memory(edits::TASKS);
    for edit in bytes.as_chunks::<7>().0 {
        edits::memory(&mut memory, edit);
    }
    everything::say(&FakeTarget::new(tokio::layouts(), memory, tokio::THREAD_POINTER));
});
