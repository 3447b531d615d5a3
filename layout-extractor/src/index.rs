//! The index of one unit: made by one pass over its entries when a question first needs it.
//!
//! The pass copies no string and looks at none: names are kept as offsets. What is found by name
//! is sorted in a second step, only when somebody asks by name.

use std::ops::Range;
use std::sync::OnceLock;

use gimli::{AttributeValue, DwTag, Dwarf, Section as _, constants as dw};

use crate::by_name::NameIndex;
use crate::lately::Lately;
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

    /// What tells the names apart that are in different places.
    #[inline]
    pub(crate) fn key(self) -> u64 {
        let (kind, offset) = self.parts();
        kind << KIND | offset
    }

    fn parts(self) -> (u64, u64) {
        match self {
            NameRef::None => (0, 0),
            NameRef::Str(offset) => (1, offset),
            NameRef::LineStr(offset) => (2, offset),
            NameRef::Info(offset) => (3, offset),
            NameRef::Origin(offset) => (4, offset),
        }
    }

    /// The section from the name on: it ends with the first zero. Another entry's name is not here.
    pub(crate) fn from<'a>(self, dwarf: &Dwarf<Slice<'a>>) -> &'a [u8] {
        let (section, offset): (&'a [u8], u64) = match self {
            NameRef::Str(offset) => (dwarf.debug_str.reader().slice(), offset),
            NameRef::LineStr(offset) => (dwarf.debug_line_str.reader().slice(), offset),
            NameRef::Info(offset) => (dwarf.debug_info.reader().slice(), offset),
            NameRef::None | NameRef::Origin(_) => return &[],
        };
        let from = usize::try_from(offset).ok().and_then(|offset| section.get(offset..));
        from.unwrap_or_default()
    }
}

/// The number of a node in its unit.
pub(crate) type NodeNumber = u32;

/// An entry that has a place in a path: a namespace, type, subprogram or thread-local variable.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// Its name's kind (3 bits), flags (3), tag (16), and the name's offset. A program has millions
    /// of nodes, and no section of terabytes.
    packed: u64,
    /// Offset from the start of the unit.
    pub(crate) offset: u32,
    parent: u32,
}

const NO_PARENT: u32 = u32::MAX;
const HAS_LINKAGE_NAME: u64 = 1 << 58;
const IS_DECLARATION: u64 = 1 << 59;
const HAS_CODE: u64 = 1 << 60;
const KIND: u32 = 61;
const TAG: u32 = 42;
const OFFSET: u64 = (1 << TAG) - 1;

impl Node {
    fn new(name: NameRef, tag: DwTag, flags: u64, offset: u32, parent: u32) -> Self {
        let (kind, name) = name.parts();
        let packed = kind << KIND | flags | u64::from(tag.0) << TAG | name & OFFSET;
        Self { packed, offset, parent }
    }
    #[inline]
    pub(crate) fn name(&self) -> NameRef {
        let offset = self.packed & OFFSET;
        match self.packed >> KIND {
            1 => NameRef::Str(offset),
            2 => NameRef::LineStr(offset),
            3 => NameRef::Info(offset),
            4 => NameRef::Origin(offset),
            _ => NameRef::None,
        }
    }
    pub(crate) fn parent(&self) -> Option<NodeNumber> {
        (self.parent != NO_PARENT).then_some(self.parent)
    }
    #[inline]
    pub(crate) fn tag(&self) -> DwTag {
        DwTag((self.packed >> TAG) as u16)
    }
    pub(crate) fn has_linkage_name(&self) -> bool {
        self.packed & HAS_LINKAGE_NAME != 0
    }
    pub(crate) fn is_declaration(&self) -> bool {
        self.packed & IS_DECLARATION != 0
    }
    pub(crate) fn has_code(&self) -> bool {
        self.packed & HAS_CODE != 0
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
    /// The functions and namespaces that have a name which begins as one that is looked for among all
    /// (see [`NOTABLE`]), or whose name is at another node; in order.
    pub(crate) notable: Box<[NodeNumber]>,
    /// The nodes that are a `block_on…`, and those in it.
    pub(crate) blocking: Box<[Range<NodeNumber>]>,
    /// For each [`STRETCH`] of the unit the number of the first node in or behind it.
    stretches: Box<[NodeNumber]>,
    /// By `low`.
    pub(crate) code: Vec<CodeRange>,
    /// `(address, offset from the start of the unit)` of variables at fixed addresses, by address.
    pub(crate) statics: Vec<(u64, u32)>,
    /// Thread-local variables.
    pub(crate) thread_locals: Vec<NodeNumber>,
    /// What is inlined into the functions that have code here.
    pub(crate) inlined: Inlined,
    /// Whether it refers to entries of other units: after link-time optimization.
    pub(crate) refers: bool,
    /// Made when somebody asks for types by name.
    pub(crate) types_by_name: OnceLock<NameIndex>,
    /// Made when somebody asks for bodies by name.
    pub(crate) bodies_by_name: OnceLock<NameIndex>,
    /// Made when somebody asks how types are polled.
    pub(crate) polls: OnceLock<PollIndex>,
}

/// What is inlined into the functions of a unit that have code.
#[derive(Default)]
pub(crate) struct Inlined {
    /// The entries in `.debug_info` of what is inlined, by function; some of them several times.
    origins: Vec<u64>,
    /// The functions, and how far theirs go in `origins`.
    functions: Vec<(NodeNumber, u32)>,
}

impl Inlined {
    /// Adds what is inlined into the function that comes now.
    fn add(&mut self, function: NodeNumber, origin: u64) {
        self.origins.push(origin);
        let end = self.origins.len() as u32;
        match self.functions.last_mut() {
            Some((last, its_end)) if *last == function => *its_end = end,
            _ => self.functions.push((function, end)),
        }
    }

    /// The functions, each with what is inlined into it. One that has another in it may come twice.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (NodeNumber, &[u64])> {
        let mut start = 0;
        self.functions.iter().map(move |&(function, end)| {
            let range = std::mem::replace(&mut start, end as usize)..end as usize;
            (function, &self.origins[range])
        })
    }
}

/// How names begin that are looked for among all functions: bodies of closures and async fns, polls
/// of futures and tasks, and what keeps a future on the stack.
const NOTABLE: [&[u8]; 3] = [b"{", b"poll", BLOCK_ON];

/// How the functions begin that keep a future on the stack.
const BLOCK_ON: &[u8] = b"block_on";

/// What is inlined again into a function is noted once, while it is among so many that were inlined
/// lately, as a power of two.
const INLINED_LATELY: u32 = 8;

/// Bytes of a unit in which a node is looked for one by one: there are few.
const STRETCH: u32 = 64;

/// The number of the first node in or behind each stretch, up to the last one's.
fn stretches(nodes: &[Node]) -> Box<[NodeNumber]> {
    let last = nodes.last().map_or(0, |node| node.offset / STRETCH + 1);
    let mut stretches = Vec::with_capacity(last as usize);
    for (number, node) in (0..).zip(nodes) {
        while stretches.len() <= (node.offset / STRETCH) as usize {
            stretches.push(number);
        }
    }
    stretches.into()
}

/// The functions and namespaces whose names begin so, or are at another node. They are looked for in a
/// pass of its own, since names are all over a large section: the processor fetches many of them at
/// the same time.
fn notable(dwarf: &Dwarf<Slice<'_>>, nodes: &[Node]) -> Box<[NodeNumber]> {
    let firsts = NOTABLE.map(|beginning| beginning[0]);
    let is_notable = |node: &Node| {
        if !matches!(node.tag(), dw::DW_TAG_subprogram | dw::DW_TAG_namespace) {
            return false;
        }
        let name = node.name().from(dwarf);
        matches!(node.name(), NameRef::Origin(_))
            || name.first().is_some_and(|first| firsts.contains(first))
                && NOTABLE.iter().any(|beginning| name.starts_with(beginning))
    };
    (0..).zip(nodes).filter(|(_, node)| is_notable(node)).map(|(number, _)| number).collect()
}

/// The nodes among these that are a `block_on…`, each with those in it.
fn blocking(
    dwarf: &Dwarf<Slice<'_>>,
    nodes: &[Node],
    notable: &[NodeNumber],
) -> Box<[Range<NodeNumber>]> {
    let blocks = |&number: &NodeNumber| {
        nodes[number as usize].name().from(dwarf).starts_with(BLOCK_ON).then(|| {
            let behind = nodes[number as usize + 1..].iter();
            let within = behind.take_while(|node| node.parent().is_some_and(|of| of >= number));
            number..number + 1 + within.count() as NodeNumber
        })
    };
    notable.iter().filter_map(blocks).collect()
}

/// Bytes of debug information for each node, in what rustc writes. More room than that is asked for
/// when it is needed; what of it is not used costs nothing.
const BYTES_OF_NODE: usize = 32;

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
        let mut nodes: Vec<Node> = Vec::with_capacity(length as usize / BYTES_OF_NODE);
        let mut index = UnitIndex {
            place: view.start..view.start.saturating_add(length),
            nodes: Vec::new(),
            notable: Box::default(),
            blocking: Box::default(),
            stretches: Box::default(),
            code: Vec::new(),
            statics: Vec::new(),
            thread_locals: Vec::new(),
            inlined: Inlined::default(),
            refers: false,
            types_by_name: OnceLock::new(),
            bodies_by_name: OnceLock::new(),
            polls: OnceLock::new(),
        };
        let wanted = Wanted::NAMED.and(Wanted::LOCATED).and(Wanted::INLINED);
        let mut lately = Lately::new(INLINED_LATELY, u64::MAX);
        let mut skim = Skim::of(dwarf, view, wanted.and(Wanted::REFERRING))?;
        let mut open: Vec<(i32, NodeNumber)> = Vec::new();
        while let Some(entry) = skim.next()? {
            if !index.refers && entry.is(Wanted::REFERRING) {
                skim.references(&entry, &mut |_| index.refers = true)?;
                if index.refers {
                    skim.only(wanted);
                }
            }
            if !entry.is(wanted) {
                continue;
            }
            let (offset, depth, tag) = (entry.offset, entry.depth, entry.tag());
            while open.last().is_some_and(|&(at, _)| at >= depth) {
                open.pop();
            }
            if tag == dw::DW_TAG_inlined_subroutine {
                let function = open.last().map(|&(_, function)| function);
                if let Some(function) = function.filter(|&node| nodes[node as usize].has_code())
                    && let Some(origin) = skim.origin(&entry)?
                    && lately.get(origin) != Some(function)
                {
                    lately.put(origin, function);
                    index.inlined.add(function, origin);
                }
                continue;
            }
            let number = nodes.len() as NodeNumber;
            if tag == dw::DW_TAG_variable {
                let location = skim.static_location(&entry)?;
                let place = location.map(|location| place_of(dwarf, unit, location));
                match place.unwrap_or(StaticPlace::Other) {
                    StaticPlace::ThreadLocal(_) => index.thread_locals.push(number),
                    StaticPlace::Address(address) => {
                        index.statics.push((address, offset));
                        continue;
                    }
                    StaticPlace::Other => continue,
                }
            }
            let mut flags = 0;
            if entry.has_linkage_name() {
                flags |= HAS_LINKAGE_NAME;
            }
            if entry.is_declaration() {
                flags |= IS_DECLARATION;
            }
            if tag == dw::DW_TAG_subprogram && entry.has_code() {
                let before = index.code.len();
                match skim.code(&entry)? {
                    Some((low, high)) if low < high => {
                        index.code.push(CodeRange { low, high, node: number, is_entry: true });
                    }
                    Some(_) => {}
                    None => add_code(dwarf, view, &entry, number, &mut index.code)?,
                }
                if index.code.len() > before {
                    flags |= HAS_CODE;
                }
            }
            let name = match skim.name(&entry)? {
                NameRef::None => skim.origin(&entry)?.map_or(NameRef::None, NameRef::Origin),
                name => name,
            };
            let parent = open.last().map_or(NO_PARENT, |&(_, node)| node);
            nodes.push(Node::new(name, tag, flags, offset, parent));
            if entry.has_children() {
                open.push((depth, number));
            }
        }
        nodes.shrink_to_fit();
        index.notable = notable(dwarf, &nodes);
        index.blocking = blocking(dwarf, &nodes, &index.notable);
        index.stretches = stretches(&nodes);
        index.nodes = nodes;
        index.code.sort_unstable_by_key(|range| (range.low, range.node));
        index.statics.sort_unstable();
        index.code.shrink_to_fit();
        index.inlined.origins.shrink_to_fit();
        Ok(index)
    }

    /// The node at an offset from the start of the unit.
    pub(crate) fn node_at(&self, offset: u64) -> Option<NodeNumber> {
        let offset = u32::try_from(offset).ok()?;
        let first = *self.stretches.get((offset / STRETCH) as usize)?;
        let within = self.nodes[first as usize..].iter().take_while(|node| node.offset <= offset);
        let before = within.zip(first..).last();
        before.filter(|(node, _)| node.offset == offset).map(|(_, number)| number)
    }

    /// The node at an offset of `.debug_info`, if that is of this unit.
    pub(crate) fn own_node_at(&self, offset: u64) -> Option<NodeNumber> {
        self.place.contains(&offset).then(|| self.node_at(offset - self.place.start))?
    }

    /// Whether a node is a `block_on…`, or in one.
    pub(crate) fn blocks(&self, number: NodeNumber) -> bool {
        self.blocking.iter().any(|range| range.contains(&number))
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

/// Adds the ranges of a function's code, however they are written.
fn add_code<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    view: &UnitView<'a>,
    entry: &Skimmed<'_>,
    node: NodeNumber,
    code: &mut Vec<CodeRange>,
) -> Result<(), gimli::Error> {
    let (mut low, mut high, mut ranges) = (None, None, None);
    let offset = gimli::UnitOffset(entry.offset as usize);
    let mut attributes = view.unit.entries_raw(Some(offset))?;
    let Some(abbreviation) = attributes.read_abbreviation()? else { return Ok(()) };
    for &spec in abbreviation.attributes() {
        let attribute = attributes.read_attribute(spec)?;
        match attribute.name() {
            dw::DW_AT_low_pc => {
                low = dwarf.attr_address(&view.unit, attribute.value()).ok().flatten();
            }
            dw::DW_AT_high_pc => high = Some(attribute.value()),
            dw::DW_AT_ranges => ranges = Some(attribute.value()),
            _ => {}
        }
    }
    if let Some(ranges) = ranges {
        let before = code.len();
        if let Some(mut ranges) = dwarf.attr_ranges(&view.unit, ranges)? {
            while let Some(range) = ranges.next()? {
                let (low, high) = (range.begin, range.end);
                code.push(CodeRange { low, high, node, is_entry: code.len() == before });
            }
        }
    } else if let (Some(low), Some(high)) = (low, high) {
        let end = match high {
            AttributeValue::Addr(end) => Some(end),
            AttributeValue::DebugAddrIndex(index) => dwarf.address(&view.unit, index).ok(),
            size => size.udata_value().map(|size| low.saturating_add(size)),
        };
        if let Some(high) = end.filter(|&end| end > low) {
            code.push(CodeRange { low, high, node, is_entry: true });
        }
    }
    Ok(())
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
