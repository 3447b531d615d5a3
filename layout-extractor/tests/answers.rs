//! What a debugger asks of a program, in every form that rustc gives its debug information.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use std::collections::BTreeSet;

use layout_extractor::{DwarfSource, extract};
use object::{Object, ObjectSymbol};
use runtime_layouts::layout::source::{LayoutSource, PolledAs};
use runtime_layouts::layout::{StaticAddress, TypeId, TypeKind};

/// A demangled name without its hashes.
fn plain(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// A name without the wrapper that async bodies had before 1.64.
fn unwrapped(name: &str) -> String {
    const WRAPPER: &str = "core::future::from_generator::GenFuture<";
    let Some(at) = name.find(WRAPPER) else { return name.to_owned() };
    let inside = &name[at + WRAPPER.len()..];
    let end = inside.find("#0}>").unwrap() + 3;
    format!("{}{}{}", &name[..at], &inside[..end], &inside[end + 1..])
}

/// A program that was compiled, and what is asked about it.
struct Asked<'p> {
    source: DwarfSource,
    object: object::File<'p>,
}

fn check(options: &[&str]) {
    let program = programs::rust("tokio", options);
    let bytes = std::fs::read(&program.path).unwrap();
    let object = object::File::parse(&*bytes).unwrap();
    let asked = Asked { source: program.source(), object };
    assert_eq!(asked.source.provenance().lack, None);
    asked.check_the_context();
    let machine = asked.check_the_state_machine(asked.check_the_poll());
    asked.check_futures_written_by_hand(machine);
    asked.check_what_is_behind_dyn_futures();
    asked.check_the_stack_of_block_on();
}

impl Asked<'_> {
    /// The thread-local context is found, and no other copy of it.
    fn check_the_context(&self) {
        let Self { source, object } = self;
        let locals = source.thread_locals("tokio::runtime::context::CONTEXT").unwrap();
        let [local] = &*locals else { panic!("{locals:#?}") };
        let symbol = object
            .symbols()
            .find(|symbol| {
                let name = symbol.name().unwrap_or_default();
                symbol.kind() == object::SymbolKind::Tls
                    && name.contains("CONTEXT")
                    && !name.contains("OTHER_CONTEXT")
                    && !name.contains("STATE")
            })
            .unwrap();
        assert_eq!(local.offset, symbol.address());
        let storage = source.type_at(local.ty).unwrap();
        assert!(storage.name.contains("tokio::runtime::context::Context"), "{}", storage.name);
    }

    /// The task's poll function leads to its cell. Returns the type of its future.
    fn check_the_poll(&self) -> TypeId {
        let Self { source, object } = self;
        let poll = object
            .symbols()
            .find(|symbol| {
                let name = plain(symbol.name().unwrap_or_default());
                name.starts_with("tokio::runtime::task::raw::poll")
            })
            .unwrap();
        let functions = source.functions_at(StaticAddress(poll.address())).unwrap();
        let [function] = &*functions else { panic!("{functions:#?}") };
        assert_eq!(
            unwrapped(&function.name),
            "tokio::runtime::task::raw::poll<tokio::outer::{async_fn_env#0}, u64>"
        );
        assert_eq!(function.linkage_name.as_deref(), poll.name().ok());
        assert!(function.declared.as_ref().unwrap().file.path.ends_with("tests/programs/tokio.rs"));
        let names: Vec<_> = function.type_parameters.iter().map(|p| &*p.name).collect();
        assert_eq!(names, ["T", "S"]);
        let harness = function.variables.iter().find(|v| &*v.name == "harness").unwrap();
        let harness = source.type_at(harness.ty).unwrap();
        let cell = source.type_at(harness.member("cell").unwrap().ty).unwrap();
        let TypeKind::Pointer { target: Some(cell) } = cell.kind else { panic!("{cell:#?}") };
        assert!(source.type_at(cell).unwrap().member("future").is_some());
        function.type_parameters[0].ty
    }

    /// The state machine has a line a state, and a body. Returns its type, without what wraps it.
    fn check_the_state_machine(&self, mut machine: TypeId) -> TypeId {
        let source = &self.source;
        let mut outer = source.type_at(machine).unwrap();
        if let Some(wrapped) = outer.member("__0") {
            assert_eq!(source.poll_of(machine).unwrap().unwrap().polled_as, PolledAs::Future);
            machine = wrapped.ty;
            outer = source.type_at(machine).unwrap();
        }
        let TypeKind::Enum { discriminant: Some(_), variants } = &outer.kind else {
            panic!("{outer:#?}")
        };
        let states: Vec<_> = variants.iter().map(|variant| &*variant.name).collect();
        assert_eq!(states, ["Unresumed", "Returned", "Panicked", "Suspend0", "Suspend1"]);
        let lines: Vec<_> =
            variants.iter().map(|variant| variant.line.as_ref().unwrap().line as usize).collect();
        assert_eq!(lines[3..], [line_of("boxed.await"), line_of("inner(first).await")]);
        let suspended = source.type_at(variants[3].ty).unwrap();
        assert!(suspended.name.ends_with("::Suspend0"), "{}", suspended.name);
        assert!(suspended.member("__awaitee").is_some());
        let body = source.body_of(machine).unwrap().unwrap();
        assert_eq!(&*body.name, "tokio::outer::{async_fn#0}");
        assert_eq!(body.declared.as_ref().unwrap().line as usize, line_of("async fn outer"));
        assert_eq!(source.poll_of(machine).unwrap(), None);
        machine
    }

    fn check_futures_written_by_hand(&self, machine: TypeId) {
        let source = &self.source;
        let named = |name: &str| source.types_named(name, Some(machine)).unwrap();
        let countdown = source.poll_of(*named("tokio::Countdown<u16>").first().unwrap()).unwrap();
        let countdown = countdown.unwrap();
        assert_eq!(countdown.polled_as, PolledAs::Future);
        assert_eq!(countdown.declared.unwrap().line as usize, line_of("fn poll(mut self"));
        assert_eq!(source.body_of(*named("tokio::Countdown<u16>").first().unwrap()).unwrap(), None);
        for not_polled in ["tokio::runtime::context::Context", "u64"] {
            if let Some(&ty) = source.types_named(not_polled, None).unwrap().first() {
                assert_eq!(source.poll_of(ty).unwrap(), None, "{not_polled}");
            }
        }
    }

    fn check_what_is_behind_dyn_futures(&self) {
        let source = &self.source;
        let file = extract(source, &()).unwrap();
        let behind: BTreeSet<String> = file
            .tables()
            .vtables
            .iter()
            .flat_map(|(at, _)| source.vtable_types(StaticAddress(*at)).unwrap())
            .map(|ty| unwrapped(&source.type_at(ty).unwrap().name))
            .collect();
        let expected = ["tokio::Countdown<&str>", "tokio::main::{async_block_env#0}"];
        assert_eq!(behind, expected.map(str::to_owned).into());
    }

    /// `block_on` keeps its future on its stack, and its code has lines.
    fn check_the_stack_of_block_on(&self) {
        let Self { source, object } = self;
        let block_on = object.symbols().find(|symbol| {
            let name = plain(symbol.name().unwrap_or_default());
            name.starts_with("tokio::runtime::block_on")
        });
        let block_on = block_on.unwrap();
        let has_future = (block_on.address()..block_on.address() + block_on.size()).any(|pc| {
            source.variables_at(StaticAddress(pc)).unwrap().iter().any(|variable| {
                let ty = source.type_at(variable.ty).unwrap();
                &*variable.name == "future"
                    && unwrapped(&ty.name) == "tokio::outer::{async_fn_env#0}"
            })
        });
        assert!(has_future);
        let calls = source.calls_at(StaticAddress(block_on.address())).unwrap();
        let physical = calls.last().unwrap();
        assert!(physical.function.name.starts_with("tokio::runtime::block_on"));
        let location = physical.location.as_ref().unwrap();
        assert!(location.file.path.ends_with("tests/programs/tokio.rs"));
    }
}

/// The line of the program that has this text.
fn line_of(part: &str) -> usize {
    include_str!("programs/tokio.rs").lines().position(|line| line.contains(part)).unwrap() + 1
}

#[test]
fn dwarf_4_legacy_names() {
    check(&["-C", "dwarf-version=4"]);
}

#[test]
fn dwarf_5() {
    check(&["-C", "dwarf-version=5"]);
}

#[test]
fn v0_names() {
    check(&["-C", "symbol-mangling-version=v0"]);
}

#[test]
fn optimized() {
    check(&["-C", "opt-level=2", "-C", "dwarf-version=4"]);
    check(&["-C", "opt-level=2", "-C", "dwarf-version=5", "-C", "codegen-units=1"]);
}

#[test]
fn one_function_in_many_units() {
    check(&["-C", "codegen-units=64"]);
}

#[test]
fn compressed_sections() {
    check(&["-C", "link-arg=-Wl,--compress-debug-sections=zlib"]);
}

#[test]
fn not_position_independent() {
    check(&["-C", "relocation-model=static"]);
}
