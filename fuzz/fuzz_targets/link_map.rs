//! Any memory as a program with the dynamic linker's list in it: the list ends, and what is found
//! can be said.
//!
//! The input lies at a fixed address, the ELF header first. Every address in it may lead anywhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime_layouts::fake::FakeMemory;
use runtime_layouts::target::auxiliary::ProgramHeaders;
use runtime_layouts::target::libraries::libraries;

/// Where the input lies.
const BASE: u64 = 0x5000;

fuzz_target!(|bytes: &[u8]| {
    let memory = FakeMemory::new().with(BASE, bytes);
    for big_endian in [false, true] {
        let Some(headers) = ProgramHeaders::of(BASE, &memory, big_endian) else { continue };
        for load_bias in [Some(BASE), None] {
            let _ = headers.build_id(&memory, big_endian, load_bias);
            for library in libraries(&headers, &memory, big_endian, load_bias) {
                let _ = ProgramHeaders::of(library.load_bias, &memory, big_endian);
            }
        }
    }
});
