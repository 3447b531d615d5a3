//! Files that are not what they should be: one sentence each, and no harm.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use std::path::Path;

use layout_extractor::{DwarfSource, extract};
use runtime_layouts::layout::file::{LayoutFile, LayoutFileError};
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{StaticAddress, TypeId};

fn open_error(path: &Path) -> String {
    DwarfSource::open(path).err().unwrap().to_string()
}

fn lack(options: &[&str]) -> String {
    programs::rust("tokio", options).source().provenance().lack.unwrap()
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        open_error(&path)
    };
    assert!(open_error(&folder.path().join("missing")).contains("cannot read"));
    assert!(open_error(folder.path()).contains("is a directory"));
    assert!(file("empty", b"").contains("not an ELF"));
    assert!(file("text", b"#!/bin/sh\nexit 0\n").contains("not an ELF"));
    assert!(file("windows", b"MZ\x90\0\x03\0\0\0").contains("not an ELF"));
    assert!(file("short", b"\x7fELF\x02\x01\x01").contains("not an ELF"));
}

#[test]
fn what_is_missing_is_said() {
    assert!(lack(&["-C", "strip=symbols"]).contains("has no debug information"));
    assert!(lack(&["-C", "debuginfo=0", "-C", "strip=debuginfo"]).contains("`debug = true`"));
    assert!(lack(&["-C", "debuginfo=1"]).contains("no types"));
    assert!(lack(&["-C", "debuginfo=line-tables-only"]).contains("no types"));
    let c = programs::c("struct a { int b; } c; int main(void) { return c.b; }");
    assert!(c.source().provenance().lack.unwrap().contains("not compiled from Rust"));
}

/// The files of a split build say what the program itself would say; without them it says which
/// are missing.
#[test]
fn split_debug_information_is_that_of_the_program() {
    for version in ["-Cdwarf-version=4", "-Cdwarf-version=5"] {
        let types = |source: &DwarfSource| {
            let file = extract(source, &()).unwrap();
            file.tables().types.len()
        };
        let whole = types(&programs::rust("tokio", &[version]).source());
        for form in ["packed", "unpacked"] {
            let split = format!("split-debuginfo={form}");
            let program = programs::rust("tokio", &[version, "-C", &split]);
            assert_eq!(program.source().provenance().lack, None, "{version} {form}");
            assert_eq!(types(&program.source()), whole, "{version} {form}");
            let root = |source: &DwarfSource| {
                let found = source.thread_locals("tokio::runtime::context::CONTEXT").unwrap();
                source.type_at(found[0].ty).unwrap()
            };
            // What is asked by address comes first where names are remembered.
            let by_address = program.source();
            by_address.functions_at(by_address.facts().entry).unwrap();
            assert_eq!(root(&by_address), root(&program.source()), "{version} {form}");
            for entry in std::fs::read_dir(program.path.parent().unwrap()).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|kind| kind == "dwo" || kind == "dwp") {
                    std::fs::remove_file(path).unwrap();
                }
            }
            let lack = program.source().provenance().lack.unwrap();
            assert!(lack.contains(".dwo"), "{lack}");
        }
    }
}

#[test]
fn a_stripped_object_answers_nothing() {
    let source = programs::rust("tokio", &["-C", "strip=symbols"]).source();
    assert_eq!(source.functions_at(source.facts().entry).unwrap(), []);
    assert_eq!(source.thread_locals("tokio::runtime::context::CONTEXT").unwrap(), []);
    assert_eq!(source.types_named("u8", None).unwrap(), []);
    assert!(source.type_at(TypeId(0)).is_err());
    assert_eq!(source.variables_at(source.facts().entry).unwrap(), []);
    assert!(extract(&source, &()).unwrap().provenance().lack.is_some());
}

#[test]
fn identifiers_from_elsewhere_are_errors() {
    let source = programs::rust("tokio", &[]).source();
    let mut errors = 0;
    for offset in (0..20_000).chain([u64::MAX, u64::MAX / 2]) {
        let ty = TypeId(offset);
        errors += usize::from(source.type_at(ty).is_err());
        errors += usize::from(source.body_of(ty).is_err());
        errors += usize::from(source.poll_of(ty).is_err());
    }
    assert!(errors > 10_000);
    for address in [0, 1, u64::MAX, u64::MAX - 24] {
        let address = StaticAddress(address);
        assert_eq!(source.functions_at(address).unwrap(), []);
        assert_eq!(source.vtable_types(address).unwrap(), []);
        assert_eq!(source.variables_at(address).unwrap(), []);
    }
}

#[test]
fn damaged_layout_files_are_refused() {
    let file = extract(&programs::rust("tokio", &[]).source(), &()).unwrap();
    let bytes = file.to_bytes().unwrap();
    let error = |bytes: &[u8]| LayoutFile::from_bytes(bytes).err();
    assert!(matches!(error(b""), Some(LayoutFileError::Foreign)));
    assert!(matches!(error(b"\x7fELF\x02\x01\x01\0\0\0\0"), Some(LayoutFileError::Foreign)));
    let mut newer = bytes.clone();
    newer[8] = 99;
    assert!(matches!(error(&newer), Some(LayoutFileError::OtherVersion(99))));
    for length in (0..bytes.len()).step_by(97) {
        assert!(error(&bytes[..length]).is_some(), "{length}");
    }
    for at in (8..bytes.len()).step_by(61) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        // A checksum guards the tables; the rest is checked one by one.
        assert!(error(&damaged).is_some(), "{at}");
    }
    let mut huge = bytes.clone();
    let at = 12 + usize::from(u16::from_le_bytes([bytes[10], bytes[11]]));
    huge[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(error(&huge).unwrap().to_string().contains("claims"));
    assert!(LayoutFile::from_bytes(&bytes).is_ok());
    assert!(matches!(
        LayoutFile::open(Path::new("/nonexistent/x")),
        Err(LayoutFileError::Unreadable { .. })
    ));
}

#[test]
fn tables_that_refer_to_nothing_are_refused() {
    let tables = extract(&programs::rust("tokio", &[]).source(), &()).unwrap().tables().clone();
    let none = u32::MAX;
    let refused = |change: &dyn Fn(&mut runtime_layouts::layout::file::Tables)| {
        let mut changed = tables.clone();
        change(&mut changed);
        assert!(LayoutFile::new(changed).is_err());
    };
    refused(&|tables| tables.types[3].name = none);
    refused(&|tables| tables.types[3].units = none);
    refused(&|tables| tables.types[3].body = Some(none));
    refused(&|tables| tables.types[3].declared = Some((none, 1)));
    refused(&|tables| tables.functions[0].name = none);
    refused(&|tables| tables.functions_at[0].1 = vec![none]);
    refused(&|tables| tables.vtables[0].1 = vec![none]);
    refused(&|tables| tables.vtables.reverse());
    refused(&|tables| tables.thread_locals[0].ty = none);
    refused(&|tables| tables.string_ends[0] = none);
    refused(&|tables| tables.string_ends.swap(1, 9));
    refused(&|tables| tables.files[0].0 = none);
}
