//! Maps and sets.

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Entry, Notation, Shown, argument, find};
use crate::layout::{Type, TypeKind};
use crate::value::{Program, Ty, Value, ValueError};

/// Slots of a hash table that are looked at.
const MAX_SLOTS: u64 = 1 << 16;
/// Nodes of a B-tree that are looked at.
const MAX_NODES: usize = 4096;
/// Levels of a B-tree: more than any that fits in memory.
const MAX_LEVELS: u64 = 24;

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("std::collections::hash::map::HashMap", hashed),
    ValuePrinter::of("std::collections::hash::set::HashSet", hashed),
    ValuePrinter::of("hashbrown::map::HashMap", hashed),
    ValuePrinter::of("hashbrown::set::HashSet", hashed),
    ValuePrinter::of("alloc::collections::btree::map::BTreeMap", ordered),
    ValuePrinter::of("alloc::collections::btree::set::BTreeSet", ordered),
];

/// `hashbrown/src/raw/mod.rs` (0.15; since 0.9 in this form): the elements lie before the control
/// bytes, in reverse; a control byte whose highest bit is clear says that its element is there. A
/// tuple in a set is a key like any other: what is a map's is told by the type that the table is asked
/// for.
fn hashed(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let program = shown.program;
    let mut is_table = |ty: &Type| {
        let path = ty.name.strip_prefix("hashbrown::raw::");
        // With hashbrown's feature `raw`, before 0.15.
        let path = path.map(|path| path.strip_prefix("inner::").unwrap_or(path));
        path.is_some_and(|path| path.starts_with("RawTable<"))
    };
    let Some(table) = shown.find(&mut is_table)? else { return Ok(None) };
    let Some((pairs, count)) = slots(program, table, shown.most)? else { return Ok(None) };
    let entries = pairs.into_iter().map(|pair| entry_of(program, pair));
    Ok(Some(Notation::Entries { shown: entries.collect::<Result<_, _>>()?, count }))
}

/// The elements of a `RawTable`, so many at most, and how many there are; `None` where the layout is
/// not the one that is known.
pub(in crate::libraries::rust_std) fn slots(
    program: &Program<'_>,
    table: Value,
    most: u64,
) -> Result<Option<(Vec<Value>, u64)>, ValueError> {
    let Some(pair) = argument(table.layout(program)?, table, "T") else {
        return Ok(None);
    };
    let mut is_inner = |ty: &Type| ty.member("bucket_mask").is_some();
    let Some(inner) = find(program, table, &mut is_inner)? else { return Ok(None) };
    let mask = inner.member(program, "bucket_mask")?.unsigned(program)?;
    let count = inner.member(program, "items")?.unsigned(program)?;
    let control = program.read_pointer(inner.member(program, "ctrl")?.address)?;
    let pair_layout = program.type_of(pair)?;
    let mut found = Vec::new();
    let wanted = count.min(most);
    let slots = mask.min(MAX_SLOTS) + 1;
    let mut controls = vec![0x80_u8; usize::try_from(slots).unwrap_or(0)];
    program.target().memory().read(control, &mut controls)?;
    for (slot, control_byte) in (0..slots).zip(controls) {
        if found.len() as u64 >= wanted {
            break;
        }
        if control_byte & 0x80 != 0 {
            continue;
        }
        let back = slot.wrapping_add(1).wrapping_mul(pair_layout.size);
        found.push(Value { ty: pair, address: control.wrapping_sub(back) });
    }
    Ok(Some((found, count)))
}

/// Key and value of a pair; of a set's pair the value is `()`.
fn entry_of(program: &Program<'_>, pair: Value) -> Result<Entry, ValueError> {
    let key = pair.member(program, "__0")?;
    let value = pair.member(program, "__1")?;
    let is_unit = &*program.type_of(value.ty)?.name == "()";
    Ok((key, (!is_unit).then_some(value)))
}

/// `library/alloc/src/collections/btree/node.rs` (Rust 1.95): leaves hold keys and values in two
/// arrays; an inner node starts with a leaf and has its children behind it.
fn ordered(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let map = match shown.layout.member("map") {
        Some(_) => shown.member("map")?,
        None => shown.value,
    };
    let entries = tree_entries(shown.program, map, shown.most)?;
    Ok(entries.map(|(shown, count)| Notation::Entries { shown, count }))
}

/// The entries of a `BTreeMap`, so many at most, and how many there are; `None` where the layout is
/// not the one that is known.
pub(in crate::libraries::rust_std) fn tree_entries(
    program: &Program<'_>,
    map: Value,
    most: u64,
) -> Result<Option<(Vec<Entry>, u64)>, ValueError> {
    let count = map.member(program, "length")?.unsigned(program)?;
    let root = map.member(program, "root")?;
    let mut is_node = |ty: &Type| ty.member("height").is_some() && ty.member("node").is_some();
    let Some(root) = find(program, root, &mut is_node)?.filter(|_| count > 0) else {
        return Ok(Some((Vec::new(), 0)));
    };
    let height = root.member(program, "height")?.unsigned(program)?.min(MAX_LEVELS);
    let node = root.member(program, "node")?;
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
    let Some(pointer) = find(program, node, &mut is_pointer)? else { return Ok(None) };
    let Some(leaf) = pointer.pointee(program)? else { return Ok(None) };
    let mut walk = Tree {
        program,
        leaf: leaf.ty,
        edges: edges_offset(program, leaf)?,
        wanted: count.min(most),
        entries: Vec::new(),
        nodes: MAX_NODES,
    };
    walk.node(leaf.address, height)?;
    Ok(Some((walk.entries, count)))
}

/// From an inner node to its first child, in bytes: behind the leaf that it starts with.
fn edges_offset(program: &Program<'_>, leaf: Value) -> Result<u64, ValueError> {
    let layout = leaf.layout(program)?;
    let inner = layout.name.replacen("::LeafNode<", "::InternalNode<", 1);
    let known = program.layouts(leaf.ty.module).types_named(&inner, Some(leaf.ty.id))?;
    let described = known.first().and_then(|id| {
        let layout = program.type_of(Ty { module: leaf.ty.module, id: *id }).ok()?;
        layout.member("edges").map(|member| member.offset)
    });
    let pointer = u64::from(program.pointer_size());
    Ok(described.unwrap_or_else(|| layout.size.checked_next_multiple_of(pointer).unwrap_or(0)))
}

struct Tree<'p> {
    program: &'p Program<'p>,
    leaf: Ty,
    edges: u64,
    wanted: u64,
    entries: Vec<Entry>,
    /// How many more nodes may be looked at.
    nodes: usize,
}

impl Tree<'_> {
    fn node(&mut self, address: u64, height: u64) -> Result<(), ValueError> {
        let program = self.program;
        let Some(nodes) = self.nodes.checked_sub(1) else { return Ok(()) };
        self.nodes = nodes;
        let leaf = Value { ty: self.leaf, address };
        let keys = leaf.member(program, "keys")?;
        let values = leaf.member(program, "vals")?;
        let (key, most) = element(program, keys)?;
        let (value, _) = element(program, values)?;
        let count = leaf.member(program, "len")?.unsigned(program)?.min(most);
        let pointer = u64::from(program.pointer_size());
        let slot = |array: Value, ty: Ty, index: u64| -> Result<Value, ValueError> {
            let size = program.type_of(ty)?.size;
            Ok(Value { ty, address: array.address.wrapping_add(index.wrapping_mul(size)) })
        };
        for index in 0..=count {
            if self.entries.len() as u64 >= self.wanted {
                return Ok(());
            }
            if height > 0 {
                let edge =
                    address.wrapping_add(self.edges).wrapping_add(index.wrapping_mul(pointer));
                self.node(program.read_pointer(edge)?, height - 1)?;
            }
            if index < count && (self.entries.len() as u64) < self.wanted {
                let is_unit = program.type_of(value)?.size == 0;
                let of_key = slot(keys, key, index)?;
                let of_value = if is_unit { None } else { Some(slot(values, value, index)?) };
                self.entries.push((of_key, of_value));
            }
        }
        Ok(())
    }
}

/// The element of an array of `MaybeUninit`s, without that, and the array's length.
fn element(program: &Program<'_>, array: Value) -> Result<(Ty, u64), ValueError> {
    let layout = array.layout(program)?;
    let TypeKind::Array { element, count } = &layout.kind else {
        return Err(ValueError::Shape {
            type_name: layout.name.to_string(),
            wanted: "elements".to_string(),
        });
    };
    let element = Ty { module: array.ty.module, id: *element };
    let slot = program.type_of(element)?;
    let held = slot.type_parameter("T").map(|id| Ty { module: array.ty.module, id });
    Ok((held.unwrap_or(element), count.unwrap_or(0)))
}
