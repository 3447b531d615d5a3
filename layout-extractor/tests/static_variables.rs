//! Static variables by the names of their types: from the debug information, and from a layout file.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use layout_extractor::extract;
use runtime_layouts::layout::source::LayoutSource;

#[test]
fn they_are_found_by_the_names_of_their_types() {
    let program = programs::rust("embassy_executor", &[]);
    let dwarf = program.source();
    let file = extract(&program.source(), &()).unwrap();
    for source in [&dwarf as &dyn LayoutSource, &file] {
        let found = |name| {
            let found = source.static_variables(name).unwrap();
            assert!(found.is_sorted_by_key(|variable| variable.address));
            let sizes = found.iter().map(|it| source.type_at(it.ty).unwrap().size);
            let mut sizes: Vec<u64> = sizes.collect();
            sizes.sort_unstable();
            sizes
        };
        assert_eq!(found("embassy_executor::_export::TaskPoolHolder<"), [16, 32]);
        assert_eq!(found("embassy_executor::_export::TaskPoolRef"), [8]);
        assert_eq!(found("embassy_executor::_export::TaskPoolHolder"), []);
        assert_eq!(found("embassy_executor::_export::Task"), []);
        assert_eq!(found(""), []);
    }
    let addresses = |source: &dyn LayoutSource| {
        let found = source.static_variables("embassy_executor::_export::TaskPoolHolder<").unwrap();
        found.into_iter().map(|variable| variable.address).collect::<Vec<_>>()
    };
    assert_eq!(addresses(&dwarf), addresses(&file));
}
