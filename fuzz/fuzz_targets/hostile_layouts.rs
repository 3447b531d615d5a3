//! Layouts that lie and memory that lies, through the whole inspection: it ends, and every text can
//! be made of what it found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime_layouts::fake::{FakeTarget, tokio};
use unhang_fuzz::{everything, hostile};

fuzz_target!(|bytes: &[u8]| {
    let (layouts, memory) = hostile::world(bytes);
    everything::say(&FakeTarget::new(layouts, memory, tokio::THREAD_POINTER));
});
