//! A cursor over the entries of a unit that skips attributes nobody asks for.
//!
//! Most entries (members, arguments, variables of functions) only have to be stepped over. How to
//! do that depends on the abbreviation alone, so it is computed once for each abbreviation: usually
//! it is a fixed number of bytes. Compared with reading attribute after attribute this is several
//! times faster, and makes a pass over all names of a program affordable.

use gimli::{
    DwTag, Dwarf, Encoding, EndianSlice, Error, Expression, Format, Reader as _, RunTimeEndian,
    Section as _, constants as dw,
};

use super::abbreviations::{
    AbbreviationLayout, AbbreviationLayouts, AttributePlace, EntryKinds, SkipRule, SkipShape,
    TypeAttribute,
};
use super::attribute_forms::{LengthRule, reference_size};
use super::attribute_value::Value;
use super::name_ref::NameRef;
use super::unit_view::UnitView;
use crate::object::sections::Slice;

/// An entry that the cursor stopped at.
#[derive(Clone, Copy)]
pub(crate) struct CursorEntry<'v> {
    /// Offset from the start of the unit.
    pub(crate) offset: u32,
    /// Depth in the tree; 0 for the root.
    pub(crate) depth: i32,
    /// Offset of its attributes from the start of the unit.
    pub(super) attributes: u32,
    layout: &'v AbbreviationLayout,
}

impl CursorEntry<'_> {
    pub(crate) fn tag(&self) -> DwTag {
        self.layout.tag
    }

    pub(crate) fn has_children(&self) -> bool {
        self.layout.has_children
    }

    /// Whether it is of one of these kinds.
    pub(crate) fn is(&self, kinds: EntryKinds) -> bool {
        self.layout.kinds.meets(kinds)
    }

    /// Whether it has a name of its own.
    pub(crate) fn has_name(&self) -> bool {
        self.layout.name.is_some()
    }

    /// Whether it has a mangled name.
    pub(crate) fn has_linkage_name(&self) -> bool {
        self.layout.has_linkage_name
    }

    /// `DW_AT_declaration`.
    pub(crate) fn is_declaration(&self) -> bool {
        self.layout.is_declaration
    }

    /// `DW_AT_external`.
    pub(crate) fn is_external(&self) -> bool {
        self.layout.is_external
    }

    /// Whether it has an attribute for its code; the code itself may be empty.
    pub(crate) fn has_code(&self) -> bool {
        self.layout.has_code
    }
}

/// Steps through the entries of a unit in order, and stops at those of the wanted kinds.
pub(crate) struct EntryCursor<'v, 'a> {
    pub(super) dwarf: &'v Dwarf<Slice<'a>>,
    pub(super) view: &'v UnitView<'a>,
    layouts: &'v AbbreviationLayouts,
    wanted: EntryKinds,
    pub(super) encoding: Encoding,
    pub(super) endian: RunTimeEndian,
    /// The unit, its header included.
    pub(super) bytes: &'a [u8],
    at: usize,
    depth: i32,
    /// The cursor ends when it leaves this depth.
    floor: i32,
    /// Entries below this depth are skipped, up to the next one that is not.
    ceiling: i32,
}

impl<'v, 'a> EntryCursor<'v, 'a> {
    /// A cursor that begins at the unit's root.
    pub(crate) fn new(
        dwarf: &'v Dwarf<Slice<'a>>,
        view: &'v UnitView<'a>,
        wanted: EntryKinds,
    ) -> Result<Self, Error> {
        let header = &view.unit.header;
        let section = dwarf.debug_info.reader();
        if header.length_including_self() as u64 > u64::from(u32::MAX) {
            return Err(Error::UnsupportedOffset);
        }
        let start = usize::try_from(view.start).map_err(|_| Error::UnsupportedOffset)?;
        let end = start.saturating_add(header.length_including_self());
        let bytes = section.slice().get(start..end);
        let bytes = bytes.ok_or(Error::UnexpectedEof(section.offset_id()))?;
        Ok(Self {
            dwarf,
            view,
            layouts: view.table.layouts(),
            wanted,
            encoding: header.encoding(),
            endian: section.endian(),
            bytes,
            at: header.root_offset().0,
            depth: 0,
            floor: i32::MIN,
            ceiling: i32::MAX,
        })
    }

    /// Moves to an entry, by its offset from the start of the unit. The cursor ends behind the
    /// entry's last descendant. Behind an entry without children it would go on to the next
    /// sibling: callers do not ask for that.
    pub(crate) fn below(mut self, offset: usize) -> Self {
        self.go_to(offset);
        self
    }

    /// As [`Self::below`], for a cursor that is used again.
    pub(crate) fn go_to(&mut self, offset: usize) {
        self.at = offset;
        self.depth = 0;
        self.floor = 0;
        self.ceiling = i32::MAX;
    }

    /// Skips the descendants of an entry of this depth.
    pub(crate) fn skip_below(&mut self, depth: i32) {
        self.ceiling = depth;
    }

    /// The next entry of the wanted kinds; `None` behind the last one.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<CursorEntry<'v>>, Error> {
        let (mut at, mut depth) = (self.at, self.depth);
        while at < self.bytes.len() {
            let offset = at;
            let code = self.leb(&mut at)?;
            if code == 0 {
                depth = depth.wrapping_sub(1);
                if depth <= self.floor {
                    break;
                }
                continue;
            }
            let attributes = at;
            let rule = match self.layouts.skip_rule(code) {
                Some(rule) => rule,
                None => SkipRule::of(self.layout(code)?),
            };
            at += usize::from(rule.first);
            match rule.shape {
                // The usual case.
                SkipShape::Fixed => {}
                SkipShape::Leb => {
                    self.leb(&mut at)?;
                    at += usize::from(rule.after);
                }
                SkipShape::Block => {
                    at = self.behind_value(LengthRule::Block, at)? + usize::from(rule.after);
                }
                SkipShape::Other => {
                    let layout = self.layout(code)?;
                    at = self.behind(layout.first, &layout.rest, attributes)?;
                }
            }
            let own_depth = depth;
            depth = depth.wrapping_add(i32::from(rule.has_children));
            if rule.kinds.meets(self.wanted) && own_depth <= self.ceiling {
                (self.at, self.depth) = (at, depth);
                self.ceiling = i32::MAX;
                let (offset, attributes) = (offset as u32, attributes as u32);
                let layout = self.layout(code)?;
                return Ok(Some(CursorEntry { offset, depth: own_depth, attributes, layout }));
            }
        }
        (self.at, self.depth) = (at, depth);
        Ok(None)
    }

    #[inline]
    fn layout(&self, code: u64) -> Result<&'v AbbreviationLayout, Error> {
        let layout = self.layouts.get(code, &self.view.unit.abbreviations, self.encoding);
        layout.ok_or(Error::InvalidAbbreviationCode(code))
    }

    pub(crate) fn endian(&self) -> RunTimeEndian {
        self.endian
    }

    /// The name of an entry.
    // Called for every node of a unit, from a loop in another module.
    #[inline(always)]
    pub(crate) fn name(&self, entry: &CursorEntry<'v>) -> Result<NameRef, Error> {
        let layout = entry.layout;
        let Some(place) = layout.name else { return Ok(NameRef::None) };
        let at = self.place(layout, place, entry)?;
        // The usual case.
        if place.form == dw::DW_FORM_strp && self.encoding.format == Format::Dwarf32 {
            return Ok(NameRef::Str(self.word(at)?));
        }
        match self.value(place.form, at)? {
            Value::Name(name) => Ok(name),
            _ => Ok(NameRef::None),
        }
    }

    /// The offset in `.debug_info` of the entry's `DW_AT_abstract_origin`, or else of its
    /// `DW_AT_specification`.
    #[inline]
    pub(crate) fn origin(&self, entry: &CursorEntry<'v>) -> Result<Option<u64>, Error> {
        let Some(place) = entry.layout.origin else { return Ok(None) };
        self.reference(place, entry)
    }

    /// The offset in `.debug_info` that the attribute at this place refers to.
    #[inline]
    fn reference(
        &self,
        place: AttributePlace,
        entry: &CursorEntry<'v>,
    ) -> Result<Option<u64>, Error> {
        let at = self.place(entry.layout, place, entry)?;
        Ok(match place.form {
            // The usual case.
            dw::DW_FORM_ref4 => Some(self.view.start.wrapping_add(self.word(at)?)),
            form => self.value(form, at)?.reference(),
        })
    }

    /// The value of an attribute; `None` when the entry does not have it.
    pub(crate) fn attribute(
        &self,
        entry: &CursorEntry<'v>,
        attribute: TypeAttribute,
    ) -> Result<Option<Value<'a>>, Error> {
        let layout = entry.layout;
        let Some(place) = layout.type_attributes[attribute as usize] else { return Ok(None) };
        Ok(Some(match place.form {
            dw::DW_FORM_implicit_const => Value::Signed(layout.implicit(attribute)),
            form => self.value(form, self.place(layout, place, entry)?)?,
        }))
    }

    /// As [`Self::attribute`], for an unsigned number.
    pub(crate) fn number_attribute(
        &self,
        entry: &CursorEntry<'v>,
        attribute: TypeAttribute,
    ) -> Result<Option<u64>, Error> {
        let Some(place) = entry.layout.type_attributes[attribute as usize] else { return Ok(None) };
        let at = || self.place(entry.layout, place, entry);
        Ok(match place.form {
            dw::DW_FORM_data1 => Some(u64::from(*self.slice(at()?, 1)?.first().unwrap_or(&0))),
            dw::DW_FORM_data4 => Some(self.word(at()?)?),
            dw::DW_FORM_udata => Some(self.leb(&mut at()?)?),
            _ => self.attribute(entry, attribute)?.and_then(Value::unsigned),
        })
    }

    /// As [`Self::attribute`], for a reference: the offset in `.debug_info`.
    pub(crate) fn entry_attribute(
        &self,
        entry: &CursorEntry<'v>,
        attribute: TypeAttribute,
    ) -> Result<Option<u64>, Error> {
        let Some(place) = entry.layout.type_attributes[attribute as usize] else { return Ok(None) };
        self.reference(place, entry)
    }

    /// The location of a variable that may be static or thread-local; `None` when it is on the
    /// stack, in a register, or in a location list.
    pub(crate) fn static_location(
        &self,
        entry: &CursorEntry<'v>,
    ) -> Result<Option<Expression<Slice<'a>>>, Error> {
        let layout = entry.layout;
        let Some(place) = layout.location else { return Ok(None) };
        let Value::Bytes(bytes) = self.value(place.form, self.place(layout, place, entry)?)? else {
            return Ok(None);
        };
        let is_static = match bytes.first() {
            None | Some(FIRST_REGISTER..=LAST_REGISTER) => false,
            Some(first) => gimli::DwOp(*first) != dw::DW_OP_fbreg,
        };
        Ok(is_static.then(|| Expression(EndianSlice::new(bytes, self.endian))))
    }

    /// The first address of a function's code, and the one behind its end; `None` when the entry
    /// does not give an address and a length.
    pub(crate) fn code(&self, entry: &CursorEntry<'v>) -> Result<Option<(u64, u64)>, Error> {
        let layout = entry.layout;
        let Some((low, high)) = layout.code else { return Ok(None) };
        let size = usize::from(self.encoding.address_size);
        let low = self.number(self.place(layout, low, entry)?, size)?;
        let length = self.value(high.form, self.place(layout, high, entry)?)?.unsigned();
        Ok(length.map(|length| (low, low.saturating_add(length))))
    }

    /// Calls `visit` with each reference of an entry to another unit, as an offset in
    /// `.debug_info`.
    pub(crate) fn references(
        &self,
        entry: &CursorEntry<'v>,
        visit: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let size = usize::from(reference_size(self.encoding));
        for place in &entry.layout.references {
            let target = self.number(self.place(entry.layout, *place, entry)?, size)?;
            if !(self.view.start..self.view.start + self.bytes.len() as u64).contains(&target) {
                visit(target);
            }
        }
        Ok(())
    }
}

/// `DW_OP_reg0` to `DW_OP_breg31`.
const FIRST_REGISTER: u8 = dw::DW_OP_reg0.0;
const LAST_REGISTER: u8 = dw::DW_OP_breg31.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dwarf::unit_view::origin_of;
    use crate::dwarf::units::Units;
    use crate::object::object_file::ObjectFile;

    /// Reads the debug information of this test, the standard library's included.
    #[test]
    fn sees_the_entries_that_gimli_sees() {
        let path = std::env::current_exe().expect("a path");
        let object = ObjectFile::open(&path).expect("an ELF file");
        let dwarf = object.sections.dwarf(object.endian);
        let units = Units::read(&object);
        let (mut entries, mut names) = (0, 0);
        for number in 0..units.len() {
            let view = units.view(&dwarf, number).expect("a unit");
            let mut cursor = EntryCursor::new(&dwarf, &view, EntryKinds::ALL).expect("its bytes");
            let mut all = view.unit.entries_raw(None).expect("its entries");
            let mut entry = gimli::DebuggingInformationEntry::default();
            while !all.is_empty() {
                let depth = all.next_depth();
                if !all.read_entry(&mut entry).expect("an entry") {
                    continue;
                }
                let found = cursor.next().expect("readable").expect("as many entries");
                assert_eq!(
                    (
                        found.offset as usize,
                        found.depth as isize,
                        found.tag(),
                        found.has_children()
                    ),
                    (entry.offset().0, depth, entry.tag(), entry.has_children())
                );
                let name = entry.attr_value(dw::DW_AT_name);
                let name = name.and_then(|name| dwarf.attr_string(&view.unit, name).ok());
                let found_name = cursor.name(&found).expect("a name");
                assert_eq!(
                    found_name.bytes(&dwarf),
                    name.map(|name| name.slice()).unwrap_or_default()
                );
                let origin = origin_of(&view, &entry);
                assert_eq!(cursor.origin(&found).expect("an origin"), origin);
                entries += 1;
                names += usize::from(found_name != NameRef::None);
            }
            assert!(cursor.next().expect("readable").is_none(), "no more entries");
        }
        assert!(entries > 10_000 && names > 10_000, "{entries} entries, {names} names");
    }
}
