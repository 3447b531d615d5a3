//! A layout file answers as the debug information does.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use std::collections::HashSet;

use layout_extractor::{DwarfSource, extract};
use runtime_layouts::layout::file::LayoutFile;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{Function, StaticAddress, TypeId, TypeKind};
use runtime_layouts::libraries::LIBRARIES;

/// Compares everything that two sources say about two types, and what those refer to.
struct Comparison<'a> {
    dwarf: &'a DwarfSource,
    file: &'a LayoutFile,
    seen: HashSet<(TypeId, TypeId)>,
    open: Vec<(TypeId, TypeId)>,
}

impl Comparison<'_> {
    fn same(&mut self, dwarf: TypeId, file: TypeId) {
        if self.seen.insert((dwarf, file)) {
            self.open.push((dwarf, file));
        }
    }

    fn same_lists(&mut self, dwarf: &[TypeId], file: &[TypeId]) {
        assert_eq!(dwarf.len(), file.len());
        for (&dwarf, &file) in dwarf.iter().zip(file) {
            self.same(dwarf, file);
        }
    }

    fn same_functions(&mut self, dwarf: &Function, file: &Function) {
        assert_eq!(dwarf.name, file.name);
        assert_eq!(dwarf.declared, file.declared);
        assert_eq!(dwarf.linkage_name, file.linkage_name);
        let names = |function: &Function| -> Vec<_> {
            function.variables.iter().map(|variable| variable.name.clone()).collect()
        };
        assert_eq!(names(dwarf), names(file));
        for (dwarf, file) in dwarf.variables.iter().zip(&file.variables) {
            self.same(dwarf.ty, file.ty);
        }
        for (dwarf, file) in dwarf.type_parameters.iter().zip(&file.type_parameters) {
            assert_eq!(dwarf.name, file.name);
            self.same(dwarf.ty, file.ty);
        }
    }

    /// Follows all references; gives the number of types that were compared.
    fn run(&mut self) -> usize {
        while let Some((dwarf, file)) = self.open.pop() {
            let (one, two) = (self.dwarf.type_at(dwarf).unwrap(), self.file.type_at(file).unwrap());
            assert_eq!(
                (&one.name, one.size, one.align, &one.declared),
                (&two.name, two.size, two.align, &two.declared)
            );
            let parameters = |ty: &runtime_layouts::layout::Type| -> Vec<_> {
                ty.type_parameters.iter().map(|parameter| parameter.ty).collect()
            };
            self.same_lists(&parameters(&one), &parameters(&two));
            match (&one.kind, &two.kind) {
                (TypeKind::Pointer { target: one }, TypeKind::Pointer { target: two }) => {
                    self.same_lists(one.as_slice(), two.as_slice());
                }
                (TypeKind::Struct { .. }, TypeKind::Struct { .. })
                | (TypeKind::Union { .. }, TypeKind::Union { .. }) => {
                    assert_eq!(one.members().len(), two.members().len());
                    for (one, two) in one.members().iter().zip(two.members()) {
                        assert_eq!((&one.name, one.offset), (&two.name, two.offset));
                        self.same(one.ty, two.ty);
                    }
                }
                (
                    TypeKind::Enum { discriminant: place, variants },
                    TypeKind::Enum { discriminant: other_place, variants: others },
                ) => {
                    assert_eq!((place, variants.len()), (other_place, others.len()));
                    for state in 0..variants.len() {
                        let of_file = self.file.invoked_at(file, state).unwrap();
                        assert_eq!(self.dwarf.invoked_at(dwarf, state).unwrap(), of_file);
                    }
                    for (one, two) in variants.iter().zip(others) {
                        assert_eq!(
                            (&one.name, &one.values, one.offset, &one.line),
                            (&two.name, &two.values, two.offset, &two.line)
                        );
                        self.same(one.ty, two.ty);
                    }
                }
                (
                    TypeKind::Array { element, count },
                    TypeKind::Array { element: other, count: other_count },
                ) => {
                    assert_eq!(count, other_count);
                    self.same(*element, *other);
                }
                (one, two) => assert_eq!(one, two),
            }
            let polls = (self.dwarf.poll_of(dwarf).unwrap(), self.file.poll_of(file).unwrap());
            assert_eq!(polls.0, polls.1, "{}", one.name);
            match (self.dwarf.body_of(dwarf).unwrap(), self.file.body_of(file).unwrap()) {
                // The same type in two units may have two bodies, one inlined.
                (Some(one), Some(two)) => {
                    assert_eq!((&one.name, &one.declared), (&two.name, &two.declared));
                }
                (one, two) => assert_eq!(one.is_some(), two.is_some(), "{one:?} {two:?}"),
            }
        }
        self.seen.len()
    }
}

fn check(path: &std::path::Path) {
    let extracted = extract(&DwarfSource::open(path).unwrap(), &()).unwrap();
    let file = LayoutFile::from_bytes(&extracted.to_bytes().unwrap()).unwrap();
    assert!(*file.tables() == *extracted.tables());
    // A source that was not part of an extraction, so that it searches as a debugger would.
    let dwarf = DwarfSource::open(path).unwrap();
    assert_eq!(dwarf.facts(), file.facts());
    let mut comparison =
        Comparison { dwarf: &dwarf, file: &file, seen: HashSet::new(), open: Vec::new() };

    let tables = file.tables();
    assert!(!tables.functions_at.is_empty() && !tables.vtables.is_empty());
    comparison.compare_addresses();
    comparison.compare_thread_locals();
    assert!(comparison.compare_stack_variables() > 0);
    let compared = comparison.run();
    assert!(compared > 100, "{compared}");
    comparison.compare_types_by_name();
    comparison.compare_names();
}

impl Comparison<'_> {
    /// Functions and vtables by their addresses.
    fn compare_addresses(&mut self) {
        let tables = self.file.tables();
        for (address, _) in &tables.functions_at {
            let address = StaticAddress(*address);
            let (one, two) = (
                self.dwarf.functions_at(address).unwrap(),
                self.file.functions_at(address).unwrap(),
            );
            assert_eq!(one.len(), two.len());
            for (one, two) in one.iter().zip(&two) {
                self.same_functions(one, two);
            }
        }
        for (address, _) in &tables.vtables {
            let address = StaticAddress(*address);
            let (one, two) = (
                self.dwarf.vtable_types(address).unwrap(),
                self.file.vtable_types(address).unwrap(),
            );
            self.same_lists(&one, &two);
        }
    }

    fn compare_thread_locals(&mut self) {
        for path in
            ["tokio::runtime::context::CONTEXT", "tokio::runtime::context", "tokio::nothing"]
        {
            // The search begins with an item's own name; a module's finds less.
            let (one, two) =
                (self.dwarf.thread_locals(path).unwrap(), self.file.thread_locals(path).unwrap());
            for one in &one {
                let two = two.iter().find(|two| two.name == one.name).unwrap();
                assert_eq!(one.offset, two.offset);
                self.same(one.ty, two.ty);
            }
            assert!(!path.ends_with("CONTEXT") || one.len() == two.len());
        }
    }

    /// The variables at every place of every frame that has some. Returns how many there were.
    fn compare_stack_variables(&mut self) -> usize {
        let mut places = 0;
        for frame in &self.file.tables().variables {
            for &(start, end) in &frame.code {
                for pc in start..end {
                    let pc = StaticAddress(pc);
                    let one = self.dwarf.variables_at(pc).unwrap();
                    let two = self.file.variables_at(pc).unwrap();
                    let facts = |list: &[runtime_layouts::layout::PlacedVariable]| -> Vec<_> {
                        list.iter()
                            .map(|v| (v.function.clone(), v.name.clone(), v.location))
                            .collect()
                    };
                    assert_eq!(facts(&one), facts(&two), "{pc:?}");
                    for (one, two) in one.iter().zip(&two) {
                        self.same(one.ty, two.ty);
                        places += 1;
                    }
                }
            }
        }
        places
    }

    /// The types that a debugger asks for by name, though nothing may lead to them.
    fn compare_types_by_name(&self) {
        for by_name in LIBRARIES.named_types() {
            let is_behind_none = by_name.behind.is_some_and(|local| {
                let locals = self.dwarf.thread_locals(local).unwrap();
                locals.is_empty()
            });
            // What a generic one is asked for depends on the program.
            if !is_behind_none && !by_name.name.ends_with('<') {
                let of = |found: Vec<_>| !found.is_empty();
                let in_dwarf = of(self.dwarf.types_named(by_name.name, None).unwrap());
                let in_file = of(self.file.types_named(by_name.name, None).unwrap());
                // A standard library that was built with the program describes types that nothing
                // in the program leads to.
                let of_crate = by_name.name.split("::").next().unwrap_or_default();
                let mut libraries = LIBRARIES.all();
                let is_kept = libraries.any(|library| library.defining_crates.contains(&of_crate));
                assert!(in_dwarf || !in_file, "{by_name:?}");
                assert!(in_file || !in_dwarf || !is_kept, "{by_name:?}");
            }
        }
    }

    /// Names, near and anywhere.
    fn compare_names(&self) {
        for (one, two) in self.seen.iter().take(300) {
            let name = self.dwarf.type_at(*one).unwrap().name.clone();
            let found = self.file.types_named(&name, Some(*two)).unwrap();
            assert!(found.contains(two), "{name}");
            // DWARF has no names for arrays, functions' types and the pointers inside fat ones, so they
            // cannot be asked for by name.
            let kind = self.dwarf.type_at(*one).unwrap().kind.clone();
            let is_unnamed_pointer =
                name.starts_with('*') && !name.starts_with("*const ") && !name.starts_with("*mut ");
            if !matches!(kind, TypeKind::Array { .. } | TypeKind::Opaque) && !is_unnamed_pointer {
                assert!(self.dwarf.types_named(&name, Some(*one)).unwrap().contains(one), "{name}");
                let anywhere = self.dwarf.types_named(&name, None).unwrap();
                assert!(anywhere.contains(one), "{name}");
            }
        }
    }
}

#[test]
fn a_debug_build() {
    let program = programs::rust("tokio", &["-C", "codegen-units=16"]);
    check(&program.path);
    let file = extract(&DwarfSource::open(&program.path).unwrap(), &()).unwrap();
    let has = |name| !file.types_named(name, None).unwrap().is_empty();
    assert!(has("tokio::runtime::task::core::Trailer"));
    assert!(has("tokio::runtime::scheduler::current_thread::Context"));
    assert!(!has("tokio::runtime::scheduler::multi_thread::worker::Context"));
}

#[test]
fn a_release_build() {
    check(&programs::rust("tokio", &["-C", "opt-level=3", "-C", "dwarf-version=5"]).path);
}

/// An extraction leaves the standard library's units out, but for what it is asked.
#[test]
fn a_closure_of_the_standard_library() {
    let program = programs::rust("backtrace", &[]);
    let dwarf = DwarfSource::open(&program.path).unwrap();
    let file = extract(&DwarfSource::open(&program.path).unwrap(), &()).unwrap();
    let name = "std::backtrace::helper::lazy_resolve::{closure_env#0}";
    let [of_file] = file.types_named(name, None).unwrap()[..] else { panic!("one in the file") };
    let of_dwarf = *dwarf.types_named(name, None).unwrap().first().unwrap();
    let in_file = file.body_of(of_file).unwrap().unwrap();
    let in_dwarf = dwarf.body_of(of_dwarf).unwrap().unwrap();
    assert_eq!((&in_file.name, &in_file.declared), (&in_dwarf.name, &in_dwarf.declared));
    assert_eq!(&*in_file.name, "std::backtrace::helper::lazy_resolve::{closure#0}");
}

/// `UNHANG_TEST_BINARY` names any other program to compare.
#[test]
fn another_binary() {
    if let Some(path) = std::env::var_os("UNHANG_TEST_BINARY") {
        check(path.as_ref());
    }
}
