//! The index of one unit, built in one pass over its entries when a question first needs the unit.
//!
//! The pass copies no string and reads none: names stay offsets. The lookup tables by name are
//! built in a second step, and only when somebody asks by name.

use std::ops::Range;
use std::sync::OnceLock;

use gimli::{AttributeValue, Dwarf, constants as dw};

use super::name_index::NameIndex;
use super::node::{HAS_CODE, HAS_LINKAGE_NAME, IS_DECLARATION, NO_PARENT, Node, NodeNumber};
use super::poll_index::PollIndex;
use crate::dwarf::abbreviations::EntryKinds;
use crate::dwarf::entry_cursor::{CursorEntry, EntryCursor};
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::static_location::{StaticPlace, static_place};
use crate::dwarf::unit_view::UnitView;
use crate::object::sections::Slice;
use crate::support::direct_mapped_cache::DirectMappedCache;
use crate::support::polled_names::{BLOCK_ON, SEARCHED_BEGINNINGS};

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
    /// The functions and namespaces whose name has one of [`SEARCHED_BEGINNINGS`], or is the name
    /// of another entry; in order.
    pub(crate) searched: Box<[NodeNumber]>,
    /// Each `block_on…` with the nodes below it.
    pub(crate) block_ons: Box<[Range<NodeNumber>]>,
    /// For each [`BUCKET_BYTES`] of the unit the first node at or behind it.
    buckets: Box<[NodeNumber]>,
    /// By `low`.
    pub(crate) code: Vec<CodeRange>,
    /// `(address, offset from the start of the unit)` of variables at fixed addresses, by address.
    pub(crate) statics: Vec<(u64, u32)>,
    /// Thread-local variables, and those that may be some: the symbol table knows.
    pub(crate) thread_locals: Vec<NodeNumber>,
    /// What is inlined into the unit's functions.
    pub(crate) inlined: Inlined,
    /// Built for the first question about types by name.
    pub(crate) types_by_name: OnceLock<NameIndex>,
    /// Built for the first question about bodies by name.
    pub(crate) bodies_by_name: OnceLock<NameIndex>,
    /// Built for the first question about polls.
    pub(crate) polls: OnceLock<PollIndex>,
}

/// What is inlined into the functions of a unit that have code of their own.
#[derive(Default)]
pub(crate) struct Inlined {
    /// The offsets in `.debug_info` of the inlined functions, grouped by the function around them;
    /// with repetitions.
    origins: Vec<u64>,
    /// Each function, and the end of its group in `origins`.
    functions: Vec<(NodeNumber, u32)>,
}

impl Inlined {
    /// Adds to the group of the last function, or begins the next one's.
    fn add(&mut self, function: NodeNumber, origin: u64) {
        self.origins.push(origin);
        let end = self.origins.len() as u32;
        match self.functions.last_mut() {
            Some((last, its_end)) if *last == function => *its_end = end,
            _ => self.functions.push((function, end)),
        }
    }

    /// The functions, each with what is inlined into it. A function around another one may come
    /// twice.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (NodeNumber, &[u64])> {
        let mut start = 0;
        self.functions.iter().map(move |&(function, end)| {
            let range = std::mem::replace(&mut start, end as usize)..end as usize;
            (function, &self.origins[range])
        })
    }
}

/// Slots of the cache of recently inlined functions, as a power of two: most repetitions follow
/// soon.
const RECENT_INLINES: u32 = 8;

/// Bytes of a unit for each bucket: few nodes are in so many bytes.
const BUCKET_BYTES: u32 = 64;

/// The first node at or behind each bucket, up to the last node's.
fn buckets(nodes: &[Node]) -> Box<[NodeNumber]> {
    let last = nodes.last().map_or(0, |node| node.offset / BUCKET_BYTES + 1);
    let mut buckets = Vec::with_capacity(last as usize);
    for (number, node) in (0..).zip(nodes) {
        while buckets.len() <= (node.offset / BUCKET_BYTES) as usize {
            buckets.push(number);
        }
    }
    buckets.into()
}

/// Finds [`UnitIndex::searched`]. A pass of its own: the names are spread over a large section, and
/// in a short loop the processor fetches many of them at once.
fn searched(dwarf: &Dwarf<Slice<'_>>, nodes: &[Node]) -> Box<[NodeNumber]> {
    let firsts = SEARCHED_BEGINNINGS.map(|beginning| beginning[0]);
    let is_searched = |node: &Node| {
        if !matches!(node.tag(), dw::DW_TAG_subprogram | dw::DW_TAG_namespace) {
            return false;
        }
        let name = node.name().from(dwarf);
        matches!(node.name(), NameRef::Origin(_))
            || name.first().is_some_and(|first| firsts.contains(first))
                && SEARCHED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    };
    (0..).zip(nodes).filter(|(_, node)| is_searched(node)).map(|(number, _)| number).collect()
}

/// Finds [`UnitIndex::block_ons`].
fn block_ons(
    dwarf: &Dwarf<Slice<'_>>,
    nodes: &[Node],
    searched: &[NodeNumber],
) -> Box<[Range<NodeNumber>]> {
    let is_block_on = |&number: &NodeNumber| {
        nodes[number as usize].name().from(dwarf).starts_with(BLOCK_ON).then(|| {
            let behind = nodes[number as usize + 1..].iter();
            let within = behind.take_while(|node| node.parent().is_some_and(|of| of >= number));
            number..number + 1 + within.count() as NodeNumber
        })
    };
    searched.iter().filter_map(is_block_on).collect()
}

/// Bytes of debug information for each node in what rustc writes, to reserve memory by.
const BYTES_OF_NODE: usize = 32;

impl UnitIndex {
    /// Reads every entry of the unit once.
    ///
    /// # Errors When an entry cannot be read, since the entries behind it cannot be found then.
    pub(crate) fn build<'a>(
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
    ) -> Result<Self, gimli::Error> {
        let mut builder = Builder::new(dwarf, view);
        builder.read_entries()?;
        Ok(builder.finish())
    }

    /// The node at an offset from the start of the unit.
    pub(crate) fn node_at(&self, offset: u64) -> Option<NodeNumber> {
        let offset = u32::try_from(offset).ok()?;
        let first = *self.buckets.get((offset / BUCKET_BYTES) as usize)?;
        let within = self.nodes[first as usize..].iter().take_while(|node| node.offset <= offset);
        let before = within.zip(first..).last();
        before.filter(|(node, _)| node.offset == offset).map(|(_, number)| number)
    }

    /// The node at an offset of `.debug_info`; `None` also when that is in another unit.
    pub(crate) fn own_node_at(&self, offset: u64) -> Option<NodeNumber> {
        self.place.contains(&offset).then(|| self.node_at(offset - self.place.start))?
    }

    /// Whether a node is a `block_on…`, or below one.
    pub(crate) fn is_block_on(&self, number: NodeNumber) -> bool {
        self.block_ons.iter().any(|range| range.contains(&number))
    }

    /// A node and its ancestors, outwards. A parent's number is smaller than its child's, so this
    /// ends.
    pub(crate) fn self_and_parents(
        &self,
        number: NodeNumber,
    ) -> impl Iterator<Item = NodeNumber> + '_ {
        std::iter::successors(Some(number), |number| self.node(*number).parent())
    }

    /// The node with that number.
    pub(crate) fn node(&self, number: NodeNumber) -> &Node {
        &self.nodes[number as usize]
    }
}

/// Builds the index of a unit.
struct Builder<'v, 'a> {
    dwarf: &'v Dwarf<Slice<'a>>,
    view: &'v UnitView<'a>,
    nodes: Vec<Node>,
    /// The depths and nodes of the last entry's ancestors, outermost first.
    open: Vec<(i32, NodeNumber)>,
    code: Vec<CodeRange>,
    statics: Vec<(u64, u32)>,
    thread_locals: Vec<NodeNumber>,
    inlined: Inlined,
    /// What was inlined recently, and into which function.
    recent_inlines: DirectMappedCache<u64, NodeNumber>,
}

impl<'v, 'a> Builder<'v, 'a> {
    fn new(dwarf: &'v Dwarf<Slice<'a>>, view: &'v UnitView<'a>) -> Self {
        Self {
            dwarf,
            view,
            nodes: Vec::with_capacity(length(view) as usize / BYTES_OF_NODE),
            open: Vec::new(),
            code: Vec::new(),
            statics: Vec::new(),
            thread_locals: Vec::new(),
            inlined: Inlined::default(),
            recent_inlines: DirectMappedCache::new(RECENT_INLINES, u64::MAX),
        }
    }

    fn read_entries(&mut self) -> Result<(), gimli::Error> {
        let variables = EntryKinds::LOCATED.and(EntryKinds::UNPLACED);
        let wanted = EntryKinds::NAMED.and(variables).and(EntryKinds::INLINED);
        let mut cursor = EntryCursor::new(self.dwarf, self.view, wanted)?;
        while let Some(entry) = cursor.next()? {
            while self.open.last().is_some_and(|&(depth, _)| depth >= entry.depth) {
                self.open.pop();
            }
            let has_code = match entry.tag() {
                dw::DW_TAG_inlined_subroutine => {
                    self.add_inlined(&cursor, &entry)?;
                    continue;
                }
                dw::DW_TAG_variable if !self.add_variable(&cursor, &entry)? => continue,
                dw::DW_TAG_subprogram => self.add_code(&cursor, &entry)?,
                _ => false,
            };
            self.add_node(&cursor, &entry, has_code)?;
        }
        Ok(())
    }

    /// Adds an inlined function, if it is in a function with code.
    fn add_inlined(
        &mut self,
        cursor: &EntryCursor<'v, 'a>,
        entry: &CursorEntry<'v>,
    ) -> Result<(), gimli::Error> {
        let Some(&(_, function)) = self.open.last() else { return Ok(()) };
        if self.nodes[function as usize].has_code()
            && let Some(origin) = cursor.origin(entry)?
            && self.recent_inlines.get(origin) != Some(function)
        {
            self.recent_inlines.put(origin, function);
            self.inlined.add(function, origin);
        }
        Ok(())
    }

    /// Adds a variable, if it is static or may be thread-local; whether it is to be a node, as
    /// thread-local ones are.
    fn add_variable(
        &mut self,
        cursor: &EntryCursor<'v, 'a>,
        entry: &CursorEntry<'v>,
    ) -> Result<bool, gimli::Error> {
        if entry.is(EntryKinds::UNPLACED) {
            self.thread_locals.push(self.nodes.len() as NodeNumber);
            return Ok(true);
        }
        let Some(location) = cursor.static_location(entry)? else { return Ok(false) };
        Ok(match static_place(self.dwarf, &self.view.unit, location) {
            StaticPlace::ThreadLocal(_) => {
                self.thread_locals.push(self.nodes.len() as NodeNumber);
                true
            }
            StaticPlace::Address(address) => {
                self.statics.push((address, entry.offset));
                false
            }
            StaticPlace::Other => false,
        })
    }

    /// Adds the code of a function; whether it has any.
    fn add_code(
        &mut self,
        cursor: &EntryCursor<'v, 'a>,
        entry: &CursorEntry<'v>,
    ) -> Result<bool, gimli::Error> {
        if !entry.has_code() {
            return Ok(false);
        }
        let before = self.code.len();
        let node = self.nodes.len() as NodeNumber;
        match cursor.code(entry)? {
            Some((low, high)) if low < high => {
                self.code.push(CodeRange { low, high, node, is_entry: true });
            }
            Some(_) => {}
            None => add_ranges(self.dwarf, self.view, entry, node, &mut self.code)?,
        }
        Ok(self.code.len() > before)
    }

    /// Adds an entry that is a segment of a path.
    #[inline]
    fn add_node(
        &mut self,
        cursor: &EntryCursor<'v, 'a>,
        entry: &CursorEntry<'v>,
        has_code: bool,
    ) -> Result<(), gimli::Error> {
        let mut flags = if has_code { HAS_CODE } else { 0 };
        if entry.has_linkage_name() {
            flags |= HAS_LINKAGE_NAME;
        }
        if entry.is_declaration() {
            flags |= IS_DECLARATION;
        }
        let name = match cursor.name(entry)? {
            NameRef::None => cursor.origin(entry)?.map_or(NameRef::None, NameRef::Origin),
            name => name,
        };
        let parent = self.open.last().map_or(NO_PARENT, |&(_, node)| node);
        if entry.has_children() {
            self.open.push((entry.depth, self.nodes.len() as NodeNumber));
        }
        self.nodes.push(Node::new(name, entry.tag(), flags, entry.offset, parent));
        Ok(())
    }

    /// Sorts what was read, and finds the nodes that are searched by the beginning of their names.
    fn finish(mut self) -> UnitIndex {
        self.nodes.shrink_to_fit();
        self.code.sort_unstable_by_key(|range| (range.low, range.node));
        self.code.shrink_to_fit();
        self.statics.sort_unstable();
        self.inlined.origins.shrink_to_fit();
        let searched = searched(self.dwarf, &self.nodes);
        let start = self.view.start;
        UnitIndex {
            place: start..start.saturating_add(length(self.view)),
            block_ons: block_ons(self.dwarf, &self.nodes, &searched),
            searched,
            buckets: buckets(&self.nodes),
            nodes: self.nodes,
            code: self.code,
            statics: self.statics,
            thread_locals: self.thread_locals,
            inlined: self.inlined,
            types_by_name: OnceLock::new(),
            bodies_by_name: OnceLock::new(),
            polls: OnceLock::new(),
        }
    }
}

/// Bytes of a unit, its header included.
fn length(view: &UnitView<'_>) -> u64 {
    view.unit.header.length_including_self() as u64
}

/// Adds the ranges of a function's code, from attributes of any form.
fn add_ranges<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    view: &UnitView<'a>,
    entry: &CursorEntry<'_>,
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
