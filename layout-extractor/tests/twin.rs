//! A program without debug information, by the layouts of another build of the same code.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use std::fs;
use std::path::Path;
use std::process::Command;

use layout_extractor::{TwinError, open_twin};
use object::{Object, ObjectSymbol};
use programs::Program;
use runtime_layouts::layout::StaticAddress;
use runtime_layouts::layout::source::LayoutSource;

/// As cargo builds it: every setting of a build is in the names of its symbols.
const PLAIN: [&str; 5] = ["-O", "-C", "debuginfo=0", "-C", "metadata=plain"];
const TWIN: [&str; 3] = ["-O", "-C", "metadata=twin"];
const LARGER: [&str; 5] = ["-O", "-C", "metadata=other", "--cfg", "feature=\"larger\""];

/// Where the vtable of the program's `dyn Future` is: the second word of a reference to it.
fn vtable(program: &Path) -> StaticAddress {
    let bytes = fs::read(program).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let reference = file.symbols().find(|symbol| symbol.name() == Ok("COUNTDOWN")).unwrap();
    let place = reference.address() + 8;
    let mut words = file.dynamic_relocations().unwrap();
    let (_, relocation) = words.find(|(at, _)| *at == place).unwrap();
    StaticAddress(relocation.addend().cast_unsigned())
}

fn stripped(program: &Program) -> Program {
    let copy = programs::rust("twins", &PLAIN);
    let status = Command::new("strip").arg(&program.path).arg("-o").arg(&copy.path).status();
    assert!(status.unwrap().success());
    copy
}

#[test]
fn a_vtable_leads_to_the_type_of_the_twin() {
    leads_to_its_type(&[]);
    leads_to_its_type(&["-C", "symbol-mangling-version=v0"]);
}

fn leads_to_its_type(mangling: &[&str]) {
    let build = |options: &[&str]| programs::rust("twins", &[options, mangling].concat());
    let (plain, twin) = (build(&PLAIN), build(&TWIN));
    let table = vtable(&plain.path);
    assert_eq!(plain.source().vtable_types(table).unwrap(), [], "it has no types");
    for program in [&plain, &stripped(&plain)] {
        let layouts = open_twin(&program.path, &twin.path).unwrap();
        let found = layouts.vtable_types(table).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(&*layouts.type_at(found[0]).unwrap().name, "twins::Countdown");
        // It is the program that runs, and the twin that is named.
        assert_eq!(layouts.facts(), program.source().facts());
        let rests_on = layouts.provenance().rests_on.unwrap();
        assert!(rests_on.contains(&twin.path.display().to_string()), "{rests_on}");
    }
}

#[test]
fn a_vtable_with_another_size_leads_nowhere() {
    let (plain, larger) = (programs::rust("twins", &PLAIN), programs::rust("twins", &LARGER));
    let layouts = open_twin(&plain.path, &larger.path).unwrap();
    assert_eq!(layouts.vtable_types(vtable(&plain.path)).unwrap(), []);
}

/// Nothing has another size, and no name is another one.
#[test]
fn another_commit_is_no_twin() {
    let places = concat!("--remap-path-prefix=", env!("CARGO_MANIFEST_DIR"), "/tests/programs=src");
    let build = |options: &[&str]| programs::rust("twins", &[options, &[places]].concat());
    let older = ["-O", "-C", "metadata=twin", "--cfg", "feature=\"older\""];
    let (plain, twin, older) = (build(&PLAIN), build(&TWIN), build(&older));
    for program in [&plain, &stripped(&plain)] {
        open_twin(&program.path, &twin.path).map(drop).unwrap();
        let refused = open_twin(&program.path, &older.path).err().unwrap().to_string();
        assert!(refused.contains("the program has code of src/twins.rs:"), "{refused}");
        assert!(refused.contains(" in its stead. Build the same sources"), "{refused}");
    }
}

#[test]
fn what_has_no_debug_information_is_no_twin() {
    let plain = programs::rust("twins", &PLAIN);
    let refused = open_twin(&plain.path, &plain.path).err().unwrap();
    assert!(matches!(refused, TwinError::NoTypes { .. }), "{refused}");
    assert!(refused.to_string().contains("`debug = true`"), "{refused}");
}
