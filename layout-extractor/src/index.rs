//! The index of one unit: made by one pass over its entries when a question first needs it.
//!
//! The pass copies no string and looks at none: names are kept as offsets. What is found by name
//! is sorted in a second step, only when somebody asks by name.

use std::ops::Range;
use std::sync::OnceLock;

use gimli::{AttributeValue, DwTag, Dwarf, constants as dw};

use crate::by_name::NameIndex;
use crate::polls::PollIndex;
use crate::recipes::Wanted;
use crate::skim::{Skim, Skimmed};
use crate::units::{Slice, UnitView};

/// Where a name is: an offset into a string section, or another entry that has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum NameRef {
    /// No name.
    None,
    /// An offset in `.debug_str`.
    Str(u64),
    /// An offset in `.debug_line_str`.
    LineStr(u64),
    /// An offset in `.debug_info`.
    Info(u64),
    /// The entry at this offset of `.debug_info` has the name (`DW_AT_specification`,
    /// `DW_AT_abstract_origin`).
    Origin(u64),
}

impl NameRef {
    /// Where in `.debug_str` the name is, within the first four gigabytes; `None` when it is
    /// elsewhere.
    pub(crate) fn place(self) -> Option<u32> {
        match self {
            NameRef::Str(offset) => u32::try_from(offset).ok(),
            _ => None,
        }
    }

    fn pack(self) -> u64 {
        const OFFSET: u64 = (1 << 61) - 1;
        match self {
            NameRef::None => 0,
            NameRef::Str(offset) => (1 << 61) | (offset & OFFSET),
            NameRef::LineStr(offset) => (2 << 61) | (offset & OFFSET),
            NameRef::Info(offset) => (3 << 61) | (offset & OFFSET),
            NameRef::Origin(offset) => (4 << 61) | (offset & OFFSET),
        }
    }

    fn unpack(word: u64) -> Self {
        let offset = word & ((1 << 61) - 1);
        match word >> 61 {
            1 => NameRef::Str(offset),
            2 => NameRef::LineStr(offset),
            3 => NameRef::Info(offset),
            4 => NameRef::Origin(offset),
            _ => NameRef::None,
        }
    }
}

/// The number of a node in its unit.
pub(crate) type NodeNumber = u32;

/// An entry that has a place in a path: a namespace, type, subprogram or thread-local variable.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    name: u64,
    /// Offset from the start of the unit.
    pub(crate) offset: u32,
    parent: u32,
    tag: u16,
    flags: u8,
}

const NO_PARENT: u32 = u32::MAX;
const HAS_LINKAGE_NAME: u8 = 1;
const IS_DECLARATION: u8 = 2;
const HAS_CODE: u8 = 4;

impl Node {
    pub(crate) fn name(&self) -> NameRef {
        NameRef::unpack(self.name)
    }
    pub(crate) fn parent(&self) -> Option<NodeNumber> {
        (self.parent != NO_PARENT).then_some(self.parent)
    }
    pub(crate) fn tag(&self) -> DwTag {
        DwTag(self.tag)
    }
    pub(crate) fn has_linkage_name(&self) -> bool {
        self.flags & HAS_LINKAGE_NAME != 0
    }
    pub(crate) fn is_declaration(&self) -> bool {
        self.flags & IS_DECLARATION != 0
    }
    pub(crate) fn has_code(&self) -> bool {
        self.flags & HAS_CODE != 0
    }
}

/// A range of a function's code.
#[derive(Clone, Copy)]
pub(crate) struct CodeRange {
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) node: NodeNumber,
    /// Whether the function is entered at `low`.
    pub(crate) is_entry: bool,
}

/// The index of one unit.
pub(crate) struct UnitIndex {
    /// Where the unit is in `.debug_info`.
    place: Range<u64>,
    /// By offset.
    pub(crate) nodes: Vec<Node>,
    /// By `low`.
    pub(crate) code: Vec<CodeRange>,
    /// `(address, offset from the start of the unit)` of variables at fixed addresses, by address.
    pub(crate) statics: Vec<(u64, u32)>,
    /// Thread-local variables.
    pub(crate) thread_locals: Vec<NodeNumber>,
    /// The entries of other units that are referred to, by offset in `.debug_info`.
    pub(crate) references: Vec<u64>,
    /// Made when somebody asks for types by name.
    pub(crate) types_by_name: OnceLock<NameIndex>,
    /// Made when somebody asks for bodies by name.
    pub(crate) bodies_by_name: OnceLock<NameIndex>,
    /// Made when somebody asks how types are polled.
    pub(crate) polls: OnceLock<PollIndex>,
}

/// Whether an entry with this tag has a place in a path.
pub(crate) fn is_named(tag: DwTag) -> bool {
    tag == dw::DW_TAG_namespace || tag == dw::DW_TAG_subprogram || is_type(tag)
}

/// Whether an entry with this tag describes a type.
pub(crate) fn is_type(tag: DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_structure_type
            | dw::DW_TAG_union_type
            | dw::DW_TAG_enumeration_type
            | dw::DW_TAG_class_type
            | dw::DW_TAG_base_type
            | dw::DW_TAG_pointer_type
            | dw::DW_TAG_reference_type
            | dw::DW_TAG_rvalue_reference_type
            | dw::DW_TAG_array_type
            | dw::DW_TAG_subroutine_type
            | dw::DW_TAG_unspecified_type
            | dw::DW_TAG_typedef
            | dw::DW_TAG_const_type
            | dw::DW_TAG_volatile_type
            | dw::DW_TAG_restrict_type
            | dw::DW_TAG_atomic_type
    )
}

impl UnitIndex {
    /// Reads every entry of the unit once.
    pub(crate) fn build<'a>(
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
    ) -> Result<Self, gimli::Error> {
        let unit = &view.unit;
        let length = unit.header.length_including_self() as u64;
        let mut index = UnitIndex {
            place: view.start..view.start.saturating_add(length),
            nodes: Vec::new(),
            code: Vec::new(),
            statics: Vec::new(),
            thread_locals: Vec::new(),
            references: Vec::new(),
            types_by_name: OnceLock::new(),
            bodies_by_name: OnceLock::new(),
            polls: OnceLock::new(),
        };
        let wanted = Wanted::NAMED.and(Wanted::LOCATED);
        let mut skim = Skim::of(dwarf, view, wanted.and(Wanted::REFERRING))?;
        let mut open: Vec<(i32, NodeNumber)> = Vec::new();
        while let Some(entry) = skim.next()? {
            skim.references(&entry, &mut |target| index.references.push(target))?;
            if !entry.is(wanted) {
                continue;
            }
            let (offset, depth, tag) = (entry.offset, entry.depth, entry.tag());
            let number = index.nodes.len() as NodeNumber;
            if tag == dw::DW_TAG_variable {
                let place = match skim.may_be_static(&entry)? {
                    true => Attributes::read(dwarf, view, &entry)?.place(dwarf, unit),
                    false => StaticPlace::Other,
                };
                match place {
                    StaticPlace::Address(address) => index.statics.push((address, offset)),
                    StaticPlace::ThreadLocal(_) => index.thread_locals.push(number),
                    StaticPlace::Other => {}
                }
                if !matches!(place, StaticPlace::ThreadLocal(_)) {
                    continue;
                }
            }
            while open.last().is_some_and(|&(at, _)| at >= depth) {
                open.pop();
            }
            let mut flags = 0;
            if entry.has_linkage_name() {
                flags |= HAS_LINKAGE_NAME;
            }
            if entry.is_declaration() {
                flags |= IS_DECLARATION;
            }
            if tag == dw::DW_TAG_subprogram
                && entry.has_code()
                && Attributes::read(dwarf, view, &entry)?.code(
                    dwarf,
                    view,
                    number,
                    &mut index.code,
                )?
            {
                flags |= HAS_CODE;
            }
            let name = match skim.name(&entry)? {
                NameRef::None => skim.origin(&entry)?.map_or(NameRef::None, NameRef::Origin),
                name => name,
            };
            index.nodes.push(Node {
                name: name.pack(),
                offset,
                parent: open.last().map_or(NO_PARENT, |&(_, node)| node),
                tag: tag.0,
                flags,
            });
            if entry.has_children() {
                open.push((depth, number));
            }
        }
        index.code.sort_by_key(|range| range.low);
        index.statics.sort_unstable();
        index.references.sort_unstable();
        index.references.dedup();
        // There may be thousands of these, and they stay.
        index.nodes.shrink_to_fit();
        index.code.shrink_to_fit();
        Ok(index)
    }

    /// The node at an offset from the start of the unit.
    pub(crate) fn node_at(&self, offset: u64) -> Option<NodeNumber> {
        let offset = u32::try_from(offset).ok()?;
        self.nodes.binary_search_by_key(&offset, |node| node.offset).ok().map(|n| n as NodeNumber)
    }

    /// The node at an offset of `.debug_info`, if that is of this unit.
    pub(crate) fn own_node_at(&self, offset: u64) -> Option<NodeNumber> {
        self.place.contains(&offset).then(|| self.node_at(offset - self.place.start))?
    }

    /// A node, and those that it is in, outwards. A parent's number is smaller than its child's, so
    /// this ends.
    pub(crate) fn with_parents(&self, number: NodeNumber) -> impl Iterator<Item = NodeNumber> + '_ {
        std::iter::successors(Some(number), |number| self.node(*number).parent())
    }

    /// The node with that number.
    pub(crate) fn node(&self, number: NodeNumber) -> &Node {
        &self.nodes[number as usize]
    }
}

/// The attributes of a function or variable that are looked at one by one.
#[derive(Default)]
struct Attributes<'a> {
    low: Option<u64>,
    high: Option<AttributeValue<Slice<'a>>>,
    ranges: Option<AttributeValue<Slice<'a>>>,
    location: Option<gimli::Expression<Slice<'a>>>,
}

impl<'a> Attributes<'a> {
    fn read(
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        entry: &Skimmed<'_>,
    ) -> Result<Self, gimli::Error> {
        let mut found = Self::default();
        let offset = gimli::UnitOffset(entry.offset as usize);
        let mut attributes = view.unit.entries_raw(Some(offset))?;
        let Some(abbreviation) = attributes.read_abbreviation()? else { return Ok(found) };
        for &spec in abbreviation.attributes() {
            let attribute = attributes.read_attribute(spec)?;
            match attribute.name() {
                dw::DW_AT_low_pc => {
                    found.low = dwarf.attr_address(&view.unit, attribute.value()).ok().flatten();
                }
                dw::DW_AT_high_pc => found.high = Some(attribute.value()),
                dw::DW_AT_ranges => found.ranges = Some(attribute.value()),
                dw::DW_AT_location => found.location = attribute.value().exprloc_value(),
                _ => {}
            }
        }
        Ok(found)
    }

    fn place(self, dwarf: &Dwarf<Slice<'a>>, unit: &gimli::Unit<Slice<'a>>) -> StaticPlace {
        self.location.map_or(StaticPlace::Other, |location| place_of(dwarf, unit, location))
    }

    /// Adds the ranges of a function's code, and returns whether there are any.
    fn code(
        self,
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        node: NodeNumber,
        code: &mut Vec<CodeRange>,
    ) -> Result<bool, gimli::Error> {
        let before = code.len();
        if let Some(ranges) = self.ranges {
            if let Some(mut ranges) = dwarf.attr_ranges(&view.unit, ranges)? {
                while let Some(range) = ranges.next()? {
                    let (low, high) = (range.begin, range.end);
                    code.push(CodeRange { low, high, node, is_entry: code.len() == before });
                }
            }
        } else if let (Some(low), Some(high)) = (self.low, self.high) {
            let end = match high {
                AttributeValue::Addr(end) => Some(end),
                AttributeValue::DebugAddrIndex(index) => dwarf.address(&view.unit, index).ok(),
                size => size.udata_value().map(|size| low.saturating_add(size)),
            };
            if let Some(high) = end.filter(|&end| end > low) {
                code.push(CodeRange { low, high, node, is_entry: true });
            }
        }
        Ok(code.len() > before)
    }
}

/// Where a variable that is not on the stack is.
pub(crate) enum StaticPlace {
    /// At an address.
    Address(u64),
    /// At an offset from the start of the TLS segment, if the debug information is right.
    ThreadLocal(u64),
    /// Somewhere else.
    Other,
}

/// Reads the location of a variable that may be static: `DW_OP_addr A`, or
/// `DW_OP_const8u O, DW_OP_GNU_push_tls_address`.
pub(crate) fn place_of<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    unit: &gimli::Unit<Slice<'a>>,
    expression: gimli::Expression<Slice<'a>>,
) -> StaticPlace {
    use gimli::Operation;
    let mut operations = expression.operations(unit.encoding());
    let first = match operations.next() {
        Ok(Some(operation)) => operation,
        _ => return StaticPlace::Other,
    };
    let value = match first {
        Operation::Address { address } => address,
        Operation::AddressIndex { index } | Operation::ConstantIndex { index } => {
            match dwarf.address(unit, index) {
                Ok(address) => address,
                Err(_) => return StaticPlace::Other,
            }
        }
        Operation::UnsignedConstant { value } => value,
        Operation::SignedConstant { value } => value.cast_unsigned(),
        _ => return StaticPlace::Other,
    };
    let is_address = matches!(first, Operation::Address { .. } | Operation::AddressIndex { .. });
    match operations.next() {
        Ok(Some(Operation::TLS)) => StaticPlace::ThreadLocal(value),
        Ok(None) if is_address => StaticPlace::Address(value),
        _ => StaticPlace::Other,
    }
}
