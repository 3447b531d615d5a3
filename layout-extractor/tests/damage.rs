//! A small object, damaged in many ways: every question has an answer or an error, and none takes
//! long. The fuzz target `dwarf_reader` does the same for longer.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use std::time::Instant;

use layout_extractor::{DwarfSource, extract};
use object::{Object, ObjectSection};
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{StaticAddress, TypeId};

fn ask_everything(bytes: Vec<u8>) -> bool {
    let Ok(source) = DwarfSource::from_bytes("damaged", bytes) else { return false };
    let _ = source.provenance();
    for offset in (0..4096).step_by(7) {
        let _ = source.type_at(TypeId(offset));
    }
    let (low, high) = source.facts().address_range;
    let step = ((high.0.wrapping_sub(low.0)) / 64).max(1);
    for number in 0..64 {
        let at = StaticAddress(low.0.wrapping_add(number * step));
        let _ = source.functions_at(at);
        let _ = source.variables_at(at);
        let _ = source.vtable_types(at);
        let _ = source.calls_at(at);
    }
    let _ = source.types_named("small::Ready", None);
    let _ = source.thread_locals("small::LOCAL");
    let file = extract(&source, &());
    file.is_ok_and(|file| !file.tables().variables.is_empty())
}

#[test]
fn damage_is_survived() {
    let options = [
        "--crate-type",
        "cdylib",
        "-C",
        "panic=abort",
        "-C",
        "opt-level=1",
        "-C",
        "link-arg=-nostdlib",
    ];
    let program = programs::rust("small", &options);
    let bytes = std::fs::read(&program.path).unwrap();
    assert!(ask_everything(bytes.clone()));
    let object = object::File::parse(&*bytes).unwrap();
    let file_header = 0..64_usize;
    let mut places = vec![file_header];
    for name in [
        ".debug_info",
        ".debug_abbrev",
        ".debug_aranges",
        ".debug_line",
        ".debug_loc",
        ".debug_loclists",
        ".debug_ranges",
        ".debug_rnglists",
        ".debug_str_offsets",
        ".debug_addr",
        ".symtab",
        ".rela.dyn",
    ] {
        let range = object.section_by_name(name).and_then(|section| section.file_range());
        if let Some((start, size)) = range {
            places.push(start as usize..(start + size) as usize);
        }
    }
    // A generator that needs no crate: the damage is the same in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let started = Instant::now();
    for round in 0..400 {
        let mut damaged = bytes.clone();
        for _ in 0..=random(4) {
            let place = places[random(places.len())].clone();
            let at = place.start + random(place.len());
            damaged[at] = match round % 3 {
                0 => 0xff,
                1 => damaged[at] ^ (1 << random(8)),
                _ => random(256) as u8,
            };
        }
        if round % 10 == 0 {
            damaged.truncate(random(bytes.len()));
        }
        ask_everything(damaged);
    }
    // It takes a second or two; a loop without a bound would take forever.
    assert!(started.elapsed().as_secs() < 120);
}
