//! Any memory as a program with the dynamic linker's list and symbols in it: the list ends, and what is
//! found can be said.
//!
//! The input lies at a fixed address, the ELF header first. Every address in it may lead anywhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime_layouts::fake::FakeMemory;
use runtime_layouts::target::code_symbols::CodeSymbols;
use runtime_layouts::target::elf_image::Image;
use runtime_layouts::target::shared_objects::shared_objects;

/// Where the input lies.
const BASE: u64 = 0x5000;

fuzz_target!(|bytes: &[u8]| {
    let memory = FakeMemory::new().with(BASE, bytes);
    let Some(image) = Image::at(BASE, &memory) else { return };
    let _ = (image.build_id(&memory), image.frame_table(), image.extent());
    for address in image.extent().step_by(bytes.len().max(1)).take(8) {
        let _ = CodeSymbols::default().at(&memory, BASE, address);
    }
    for library in shared_objects(&image, &memory, &|| false) {
        let library = Image::at(library.load_bias, &memory);
        let _ = library.map(|library| library.build_id(&memory));
    }
});
