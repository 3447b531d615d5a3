//! Programs for a Mac, whose debug information stays in the object files that they were linked from.
//! Real ones, and dSYM bundles, are looked at by the end-to-end tests.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use std::path::Path;

use layout_extractor::{DwarfSource, extract, open_program};
use object::read::macho::{MachOFile64, Nlist as _};
use object::{Endianness, Object, ObjectSymbol, macho};
use programs::{Program, mac};
use runtime_layouts::layout::StaticAddress;
use runtime_layouts::layout::source::{LayoutSource, ObjectFormat, TlsModule};
use runtime_layouts::target::processors;

/// The address of a symbol of C.
fn symbol(path: &Path, name: &str) -> Option<StaticAddress> {
    let bytes = std::fs::read(path).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let name = format!("_{name}");
    let found = file.symbols().find(|symbol| symbol.name() == Ok(&name))?;
    Some(StaticAddress(found.address()))
}

fn lack(program: &Program) -> String {
    program.source().provenance().lack.unwrap()
}

/// Everything that `mac.rs` has, and nothing of what the linker dropped.
fn check(program: &Program, processor: &str) {
    let source = program.source();
    let facts = source.facts();
    assert_eq!(facts.format, ObjectFormat::MachO);
    assert_eq!(processors::of(facts).unwrap().name, processor);
    assert_eq!(facts.build_id.as_ref().unwrap().len(), 32);
    assert_eq!(facts.tls.unwrap().size, 32);
    assert!(!facts.is_fixed);
    assert_eq!(source.provenance().lack, None);
    assert!(source.provenance().form.contains("of the object files"));

    let at = |name| symbol(&program.path, name).unwrap();
    assert_eq!(facts.entry, at("main"));
    let [context] = source.types_named("tokio::runtime::Context", None).unwrap()[..] else {
        panic!("one")
    };
    assert_eq!(source.type_at(context).unwrap().size, 16);
    for (name, lines) in [("main", 78..84), ("depth_of", 72..76)] {
        let [function] = &source.functions_at(at(name)).unwrap()[..] else { panic!("one") };
        assert_eq!(&*function.name, format!("tokio::{name}"));
        let calls = source.calls_at(StaticAddress(at(name).0 + 8)).unwrap();
        let line = calls[0].location.as_ref().map(|location| location.line);
        assert!(line.is_some_and(|line| lines.contains(&line)), "{calls:?}");
    }
    assert_eq!(symbol(&program.path, "dropped_by_the_linker"), None);
    let statics = source.static_variables("tokio::runtime::Context").unwrap();
    let addresses: Vec<_> = statics.iter().map(|variable| variable.address).collect();
    assert_eq!(addresses, [at("KEPT")], "and not the one that was dropped");

    let distance = |name: &str| {
        let path = format!("tokio::runtime::context::{name}");
        let found = source.thread_locals(&path).unwrap();
        found.first().map(|local| local.offset)
    };
    let distances = [distance("CONTEXT"), distance("LAST")];
    assert_eq!((distances[0], distances[1], distance("DROPPED")), (Some(0), Some(16), None));
    let Some(TlsModule::Number(key)) = facts.tls_module else { panic!("no key") };
    let key = key.0 - 8;
    assert!([at("CONTEXT").0, at("LAST").0].contains(&key), "the first descriptor");
}

#[test]
fn the_object_files_have_the_debug_information() {
    for processor in ["aarch64", "x86_64"] {
        check(&mac(processor, &[], &[]), processor);
        check(&mac(processor, &[], &["-fixup_chains"]), processor);
        let program = mac(processor, &["-C", "opt-level=2"], &[]);
        let found = program.source().functions_at(symbol(&program.path, "main").unwrap()).unwrap();
        assert_eq!(&*found[0].name, "tokio::main");
    }
}

#[test]
fn a_layout_file_is_of_its_program_alone() {
    let program = mac("aarch64", &[], &[]);
    let file = extract(&program.source(), &()).unwrap();
    assert_eq!(file.facts(), program.source().facts());
    let beside = program.path.with_extension("unhang");
    std::fs::write(&beside, file.to_bytes().unwrap()).unwrap();
    std::fs::remove_file(program.path.with_extension("o")).unwrap();
    let found = open_program(&program.path, &[]).unwrap();
    assert_eq!(found.provenance().lack, None);
    let of = |source: &dyn LayoutSource| {
        source.thread_locals("tokio::runtime::context::CONTEXT").unwrap()[0].offset
    };
    assert_eq!(of(&*found), 0);

    let other = mac("x86_64", &[], &[]);
    std::fs::remove_file(other.path.with_extension("o")).unwrap();
    std::fs::copy(&beside, other.path.with_extension("unhang")).unwrap();
    let lack = open_program(&other.path, &[]).unwrap().provenance().lack.unwrap();
    assert!(lack.contains("it is of a program for aarch64"), "{lack}");
}

#[test]
fn object_files_that_cannot_be_used_are_named() {
    let program = mac("aarch64", &["-C", "dwarf-version=5"], &[]);
    assert!(lack(&program).contains("mac.o: it has DWARF 5, and DWARF 4 is read there"));
    let program = mac("aarch64", &[], &[]);
    let object = program.path.with_extension("o");

    // The linker can say when the file was written.
    let mut bytes = std::fs::read(&program.path).unwrap();
    let file = MachOFile64::<Endianness>::parse(&*bytes).unwrap();
    let of_object = |symbol: &&macho::Nlist64<Endianness>| symbol.n_type().0 == macho::N_OSO.0;
    let place = file.macho_symbol_table().iter().find(of_object).unwrap();
    let at = std::ptr::from_ref(place) as usize - bytes.as_ptr() as usize + 8;
    bytes[at..at + 8].copy_from_slice(&1_u64.to_le_bytes());
    std::fs::write(&program.path, bytes).unwrap();
    assert!(lack(&program).contains("mac.o: it is of a later build"), "{}", lack(&program));

    std::fs::write(&object, b"BC\xc0\xde\0\0\0\0").unwrap();
    std::fs::File::options()
        .append(true)
        .open(&object)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1))
        .unwrap();
    assert!(lack(&program).contains("mac.o: it is LLVM bitcode"), "{}", lack(&program));
    std::fs::remove_file(&object).unwrap();
    let lack = lack(&program);
    assert!(lack.contains("mac.o: it is missing"), "{lack}");
    assert!(lack.contains("1 object file that"), "{lack}");
    assert!(lack.contains("run `dsymutil "), "{lack}");
}

/// A universal file of these programs, as `lipo` makes it.
fn universal(programs: &[(u32, &Program)], path: &Path) {
    let mut file = 0xcafe_babe_u32.to_be_bytes().to_vec();
    file.extend((programs.len() as u32).to_be_bytes());
    let mut parts = Vec::new();
    let begin = 0x4000;
    for (cpu_type, program) in programs {
        let bytes = std::fs::read(&program.path).unwrap();
        let start = begin + parts.len() as u32;
        for word in [*cpu_type, 0, start, bytes.len() as u32, 14] {
            file.extend(word.to_be_bytes());
        }
        parts.extend(&bytes);
        parts.resize(parts.len().next_multiple_of(0x4000), 0);
    }
    file.resize(begin as usize, 0);
    file.extend(parts);
    std::fs::write(path, file).unwrap();
}

#[test]
fn a_universal_file_has_this_machines_program() {
    let (arm, intel) = (mac("aarch64", &[], &[]), mac("x86_64", &[], &[]));
    let numbers = |program| match program {
        "aarch64" => (0x0100_000c, &arm),
        _ => (0x0100_0007, &intel),
    };
    let path = arm.path.with_file_name("universal");
    universal(&[numbers("aarch64"), numbers("x86_64")], &path);
    let source = DwarfSource::open(&path).unwrap();
    let expected = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };
    assert_eq!(processors::of(source.facts()).unwrap().name, expected);
    assert_eq!(source.types_named("tokio::runtime::Context", None).unwrap().len(), 1);
    let other = if expected == "aarch64" { "x86_64" } else { "aarch64" };
    universal(&[numbers(other)], &path);
    let source = DwarfSource::open(&path).unwrap();
    assert_eq!(processors::of(source.facts()).unwrap().name, other);
    universal(&[(18, &arm)], &path);
    let error = DwarfSource::open(&path).err().unwrap().to_string();
    assert!(error.contains("without a processor that is supported"), "{error}");
}

#[test]
fn other_files_for_a_mac_are_refused() {
    let program = mac("aarch64", &[], &[]);
    let object = program.path.with_extension("o");
    let error = |path: &Path| DwarfSource::open(path).err().unwrap().to_string();
    assert!(error(&object).contains("it is an unlinked object file"), "{}", error(&object));
    let mut bytes = std::fs::read(&program.path).unwrap();
    bytes[..4].copy_from_slice(&0xfeed_face_u32.to_le_bytes());
    std::fs::write(&object, &bytes).unwrap();
    assert!(error(&object).contains("it is a Mach-O file of 32 bits"), "{}", error(&object));
}

/// Broken programs and object files do no harm, and take no time.
#[test]
fn damage_is_survived() {
    let program = mac("aarch64", &[], &["-fixup_chains"]);
    let object = program.path.with_extension("o");
    let whole = [std::fs::read(&program.path).unwrap(), std::fs::read(&object).unwrap()];
    // A generator that needs no crate: the damage is the same in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let started = std::time::Instant::now();
    for round in 0..150 {
        for (path, bytes) in [&program.path, &object].into_iter().zip(&whole) {
            let mut damaged = bytes.clone();
            for _ in 0..=random(8) {
                // Most of a program is padding.
                let at = random(damaged.len().min(4096));
                damaged[at] = if round % 2 == 0 { 0xff } else { random(256) as u8 };
            }
            if round % 10 == 0 {
                damaged.truncate(random(bytes.len()));
            }
            std::fs::write(path, damaged).unwrap();
        }
        let Ok(source) = DwarfSource::open(&program.path) else { continue };
        let _ = source.provenance();
        let _ = source.thread_locals("tokio::runtime::context::CONTEXT");
        let _ = source.static_variables("tokio::runtime::Context");
        for address in (0x1_0000_0000..0x1_0000_1000).step_by(64).map(StaticAddress) {
            let _ = source.functions_at(address);
            let _ = source.vtable_types(address);
            let _ = source.calls_at(address);
        }
        let _ = extract(&source, &());
    }
    assert!(started.elapsed().as_secs() < 120);
}
