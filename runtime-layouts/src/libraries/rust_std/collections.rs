//! Standard collections that may hold futures, guards and ends of channels.

use super::channels;
use super::values::maps;
use crate::knowledge::CollectionType;
use crate::knowledge::children::{Children, Types, elements};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::value::slices::SliceLayout;
use crate::value::vec_deque::VecDequeElements;
use crate::value::{Program, Ty, Value, ValueError};

/// A `RawTable` without a map around it is what DashMap's shards are, in one more module with hashbrown's
/// feature `raw` (0.12 to 0.14, `src/lib.rs`).
pub(super) const COLLECTIONS: &[CollectionType] = &[
    CollectionType { types: Types::Of("alloc::vec::Vec"), children: vector },
    CollectionType {
        types: Types::Of("std::sync::mpsc::Receiver"),
        children: |_, ty, layout| elements(ty, layout, "T", channels::messages),
    },
    CollectionType {
        types: Types::Of("std::sync::lazy_lock::LazyLock"),
        children: |_, ty, layout| elements(ty, layout, "T", in_lazy),
    },
    CollectionType {
        types: Types::Of("alloc::collections::vec_deque::VecDeque"),
        children: |_, ty, layout| elements(ty, layout, "T", in_deque),
    },
    CollectionType {
        types: Types::Of("std::collections::hash::map::HashMap"),
        children: |_, ty, layout| elements(ty, layout, "V", in_map),
    },
    CollectionType {
        types: Types::Of("hashbrown::map::HashMap"),
        children: |_, ty, layout| elements(ty, layout, "V", in_map),
    },
    CollectionType {
        types: Types::Of("hashbrown::raw::RawTable"),
        children: |_, ty, layout| elements(ty, layout, "T", in_table),
    },
    CollectionType {
        types: Types::Of("hashbrown::raw::inner::RawTable"),
        children: |_, ty, layout| elements(ty, layout, "T", in_table),
    },
    CollectionType {
        types: Types::Of("alloc::collections::btree::map::BTreeMap"),
        children: |_, ty, layout| elements(ty, layout, "V", in_tree),
    },
];

const TABLES: [&str; 2] = ["hashbrown::raw::RawTable<", "hashbrown::raw::inner::RawTable<"];

fn vector(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let slice = SliceLayout::of_vec(program, ty, layout)?;
    Ok(slice.map(|SliceLayout { data, length, element, size }| Children::Slice {
        data,
        length,
        element,
        size,
    }))
}

/// The elements of a `VecDeque`.
pub(crate) fn in_deque(
    program: &Program<'_>,
    deque: Value,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    let Some(elements) = VecDequeElements::of(program, deque)? else { return Ok(Vec::new()) };
    Ok((0..elements.length).take(most).map(|index| elements.get(index)).collect())
}

/// The value of a `LazyLock`. One that was not made so far has its closure there, which leads to
/// nothing that anybody waits for (`library/std/src/sync/lazy_lock.rs`, Rust 1.95: a union).
fn in_lazy(program: &Program<'_>, lazy: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let value = lazy.find_member(program, "value")?;
    value
        .into_iter()
        .take(most)
        .map(|value| Ok(value.find_member(program, "value")?.unwrap_or(value)))
        .collect()
}

fn in_table(program: &Program<'_>, table: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let slots = maps::slots(program, table, most as u64)?;
    Ok(slots.map(|(slots, _)| slots).unwrap_or_default())
}

/// The keys and values of a map, and how many it has.
pub(crate) type Entries = (Vec<(Value, Value)>, u64);

/// The entries of a `HashMap`, so many at most, and how many there are; `None` where the layout is not
/// the one that is known.
pub(crate) fn entries_of_map(
    program: &Program<'_>,
    map: Value,
    most: usize,
) -> Result<Option<Entries>, ValueError> {
    let Some(table) = table_of(program, map)? else { return Ok(None) };
    let Some((pairs, count)) = maps::slots(program, table, most as u64)? else { return Ok(None) };
    let entry = |pair: Value| Ok((pair.member(program, "__0")?, pair.member(program, "__1")?));
    Ok(Some((pairs.into_iter().map(entry).collect::<Result<_, ValueError>>()?, count)))
}

/// The table in a map.
fn table_of(program: &Program<'_>, map: Value) -> Result<Option<Value>, ValueError> {
    for name in TABLES {
        if let Some(table) = map.find_inline(program, name)? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// The values of a map, or of a part of one with one table in it.
pub(crate) fn in_map(
    program: &Program<'_>,
    map: Value,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    let Some(table) = table_of(program, map)? else { return Ok(Vec::new()) };
    in_table(program, table, most)?.into_iter().map(|pair| pair.member(program, "__1")).collect()
}

fn in_tree(program: &Program<'_>, map: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let entries = maps::tree_entries(program, map, most as u64)?;
    let entries = entries.map(|(entries, _)| entries).unwrap_or_default();
    Ok(entries.into_iter().filter_map(|(_, value)| value).collect())
}
