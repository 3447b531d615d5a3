//! Any bytes as an object file: every question has an answer or an error.
//!
//! Begin with small objects in the corpus (`rustc --crate-type cdylib -C debuginfo=2`).
#![no_main]

use layout_extractor::{DwarfSource, extract};
use libfuzzer_sys::fuzz_target;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{StaticAddress, TypeId};

fuzz_target!(|bytes: &[u8]| {
    let Ok(source) = DwarfSource::from_bytes("fuzzed", bytes.to_vec()) else { return };
    let _ = source.provenance();
    for id in 0..64 {
        let ty = TypeId(id * 11);
        let _ = source.type_at(ty);
        let _ = source.body_of(ty);
        let _ = source.poll_of(ty);
    }
    let entry = source.facts().entry;
    for step in 0..64 {
        let at = StaticAddress(entry.0.wrapping_add(step * 16));
        let _ = source.functions_at(at);
        let _ = source.variables_at(at);
        let _ = source.vtable_types(at);
        let _ = source.calls_at(at);
    }
    let _ = source.types_named("core::task::poll::Poll<()>", None);
    let _ = source.thread_locals("tokio::runtime::context::CONTEXT");
    if let Ok(file) = extract(&source, &()) {
        let _ = file.to_bytes();
    }
});
