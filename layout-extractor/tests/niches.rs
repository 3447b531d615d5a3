//! Discriminants of every width and form, judged by values that the compiler placed in the object.
#![allow(clippy::unwrap_used, missing_docs)]

mod programs;

use layout_extractor::DwarfSource;
use object::{Object, ObjectSection, ObjectSymbol};
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{Type, TypeKind};

/// The name of the variant that these bytes hold.
fn active(source: &DwarfSource, ty: &Type, bytes: &[u8]) -> String {
    let number = |offset: u64, size: u64| {
        let bytes = &bytes[offset as usize..(offset + size) as usize];
        bytes.iter().rev().fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte))
    };
    match &ty.kind {
        TypeKind::Enum { discriminant: None, variants } => variants[0].name.to_string(),
        TypeKind::Enum { discriminant: Some(place), variants } => {
            let value = number(place.offset, u64::from(place.size));
            let selects = |values: &Vec<u128>| values.contains(&value);
            let named = variants.iter().find(|v| v.values.as_ref().is_some_and(selects));
            let default = || variants.iter().find(|v| v.values.is_none());
            let found = named.or_else(default).unwrap_or_else(|| panic!("{value:#x} of {ty:#?}"));
            source.type_at(found.ty).unwrap();
            found.name.to_string()
        }
        TypeKind::PlainEnum { enumerators } => {
            let value = number(0, ty.size) as i128;
            enumerators.iter().find(|(_, of)| *of == value).unwrap().0.to_string()
        }
        other => panic!("{other:?}"),
    }
}

fn check(options: &[&str]) {
    let program = programs::rust("niches", options);
    let source = program.source();
    let bytes = std::fs::read(&program.path).unwrap();
    let object = object::File::parse(&*bytes).unwrap();
    let mut checked = 0;
    for symbol in object.symbols() {
        let name = symbol.name().unwrap();
        let Some((holder, variant)) = name.split_once('_') else { continue };
        if !name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            || !symbol.is_definition()
            || symbol.size() == 0
        {
            continue;
        }
        let holders = ["Niche8", "Niche16", "Niche32", "Niche64", "Niche128", "NicheChar"]
            .into_iter()
            .chain(["NicheBool", "Nested8", "Pointer", "Repr8", "ReprU8", "Repr16", "Repr32"])
            .chain(["ReprU32", "Repr64", "ReprU64", "One", "Simple"]);
        let Some(holder) = holders.into_iter().find(|h| h.to_uppercase() == holder) else {
            continue;
        };
        let ids = source.types_named(&format!("niches::{holder}"), None).unwrap();
        let ty = source.type_at(*ids.first().expect(holder)).unwrap();
        let value = source.type_at(ty.member("value").unwrap().ty).unwrap();
        let section = object.section_by_index(symbol.section_index().unwrap()).unwrap();
        let zeros = vec![0; symbol.size() as usize];
        let data = section.data_range(symbol.address(), symbol.size()).unwrap().unwrap_or(&zeros);
        assert_eq!(active(&source, &value, data).to_uppercase(), variant, "{name}: {value:#?}");
        checked += 1;
    }
    assert_eq!(checked, 36);
}

#[test]
fn every_width() {
    check(&[]);
}

#[test]
fn every_width_in_dwarf_4() {
    check(&["-C", "dwarf-version=4"]);
}

#[test]
fn every_width_in_dwarf_5() {
    check(&["-C", "dwarf-version=5", "-C", "opt-level=2"]);
}
