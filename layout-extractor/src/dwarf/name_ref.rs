//! References to names: where the name of an entry is stored.

use gimli::{Dwarf, Section as _};

use crate::object::sections::Slice;

/// A reference to a name: an offset in a string section, or another entry that has the name.
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
    /// The name's offset in `.debug_str`; `None` when it is in another section, or past four
    /// gigabytes.
    pub(crate) fn str_offset(self) -> Option<u32> {
        match self {
            NameRef::Str(offset) => u32::try_from(offset).ok(),
            _ => None,
        }
    }

    /// A number that is different for names in different places.
    #[inline]
    pub(crate) fn key(self) -> u64 {
        let (kind, offset) = self.parts();
        kind << 61 | offset
    }

    pub(crate) fn parts(self) -> (u64, u64) {
        match self {
            NameRef::None => (0, 0),
            NameRef::Str(offset) => (1, offset),
            NameRef::LineStr(offset) => (2, offset),
            NameRef::Info(offset) => (3, offset),
            NameRef::Origin(offset) => (4, offset),
        }
    }

    /// The section from the name on, with what follows the name's zero byte. Empty for
    /// [`Self::None`] and [`Self::Origin`].
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

    /// The bytes of the name. Empty for [`Self::None`] and [`Self::Origin`].
    pub(crate) fn bytes<'a>(self, dwarf: &Dwarf<Slice<'a>>) -> &'a [u8] {
        let from = self.from(dwarf);
        &from[..memchr::memchr(0, from).unwrap_or(0)]
    }
}
