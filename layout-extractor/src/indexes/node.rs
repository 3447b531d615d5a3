//! Nodes: the entries of a unit that have a place in a path.

use gimli::DwTag;

use crate::dwarf::name_ref::NameRef;

/// The number of a node in its unit.
pub(crate) type NodeNumber = u32;

/// An entry that is a segment of a path: a namespace, type, subprogram or thread-local variable.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// The kind of its name (3 bits), flags (3), the tag (16), and the offset of the name. Packed,
    /// since a program has millions of nodes, and no section of terabytes.
    packed: u64,
    /// Offset from the start of the unit.
    pub(crate) offset: u32,
    parent: u32,
}

pub(super) const NO_PARENT: u32 = u32::MAX;
pub(super) const HAS_LINKAGE_NAME: u64 = 1 << 58;
pub(super) const IS_DECLARATION: u64 = 1 << 59;
pub(super) const HAS_CODE: u64 = 1 << 60;
const KIND: u32 = 61;
const TAG: u32 = 42;
const OFFSET: u64 = (1 << TAG) - 1;

impl Node {
    pub(super) fn new(name: NameRef, tag: DwTag, flags: u64, offset: u32, parent: u32) -> Self {
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
