//! Variables of state machines that have the name of another one, judged by where the program has
//! them.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use std::process::Command;

use runtime_layouts::layout::TypeKind;
use runtime_layouts::layout::source::LayoutSource;

/// Whether the guard of each machine is where the program finds it; all are called `value`.
fn check(options: &[&str]) {
    let program = programs::rust("shadowed", options);
    let source = program.source();
    let output = Command::new(&program.path).output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let mut checked = 0;
    for (name, place) in said.lines().map(|line| line.split_once(' ').unwrap()) {
        let ids = source.types_named(&format!("shadowed::{name}"), None).unwrap();
        let machine = source.type_at(*ids.first().expect(name)).unwrap();
        let TypeKind::Enum { variants, .. } = &machine.kind else { panic!("{machine:#?}") };
        let last = source.type_at(variants.last().unwrap().ty).unwrap();
        let guards: Vec<u64> = last
            .members()
            .iter()
            .filter(|member| &*source.type_at(member.ty).unwrap().name == "shadowed::Guard")
            .map(|member| {
                assert_eq!(&*member.name, "value");
                member.offset
            })
            .collect();
        assert_eq!(guards, [place.parse::<u64>().unwrap()], "{name} {options:?}: {last:#?}");
        checked += 1;
    }
    assert_eq!(checked, 5, "{said}");
}

#[test]
fn where_the_body_says() {
    check(&[]);
}

#[test]
fn where_alone_there_is_room() {
    check(&["-C", "opt-level=3"]);
    check(&["-C", "opt-level=1", "-C", "dwarf-version=5", "-C", "codegen-units=1"]);
}
