//! Any bytes as a layout file: it is refused, or answers about all that it holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime_layouts::layout::file::LayoutFile;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{StaticAddress, TypeId};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = LayoutFile::from_bytes(bytes) else { return };
    let tables = file.tables();
    for number in 0..tables.types.len() as u64 + 1 {
        if let Ok(ty) = file.type_at(TypeId(number)) {
            let _ = file.types_named(&ty.name, Some(TypeId(number)));
        }
        let _ = file.body_of(TypeId(number));
        let _ = file.poll_of(TypeId(number));
    }
    for (address, _) in tables.functions_at.iter().chain(&tables.vtables) {
        let _ = file.functions_at(StaticAddress(*address));
        let _ = file.vtable_types(StaticAddress(*address));
    }
    for frame in &tables.variables {
        for &(start, end) in &frame.code {
            let _ = file.variables_at(StaticAddress(start));
            let _ = file.variables_at(StaticAddress(end));
        }
    }
    let _ = file.thread_locals("tokio");
    let _ = file.provenance();
});
