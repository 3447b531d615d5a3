//! The description of a type: what its entry says, and the entries below it.
//!
//! Names stay offsets, and so do the types that it refers to. A layout is made from a description,
//! and [`extract`](mod@crate::extract) compares descriptions to find out which are of the same
//! type: neither sees anything of a type that is not in here.

use gimli::{DwAte, DwTag, Dwarf, EndianSlice, Error, Expression, constants as dw};
use runtime_layouts::layout::source::LayoutError;

use super::abbreviations::{EntryKinds, TypeAttribute};
use super::attribute_value::Value;
use super::entry_cursor::{CursorEntry, EntryCursor};
use super::name_ref::NameRef;
use super::reader::malformed;
use super::tags::is_type;
use super::unit_view::UnitView;
use crate::object::sections::Slice;

/// The description of one type.
#[derive(Default)]
pub(crate) struct Description<'a> {
    pub(crate) has_name: bool,
    /// Bytes.
    pub(crate) size: Option<u64>,
    pub(crate) align: Option<u64>,
    pub(crate) encoding: Option<DwAte>,
    /// Whether the unit only declares the type.
    pub(crate) is_declaration: bool,
    /// The type that a pointer, array or alias refers to, or that a function returns.
    pub(crate) target: Option<u64>,
    pub(crate) declared: Declared,
    pub(crate) type_parameters: Vec<(NameRef, u64)>,
    pub(crate) members: Vec<DescribedMember>,
    pub(crate) enumerators: Vec<(NameRef, i128)>,
    /// The number of elements in each dimension of an array; `None` when it is unknown.
    pub(crate) counts: Vec<Option<u64>>,
    /// The types of a function's parameters.
    pub(crate) parameters: Vec<u64>,
    variant_part: Option<VariantPart<'a>>,
}

/// A line of a declaration, with the number of its file in the unit's line table.
#[derive(Clone, Copy, Default)]
pub(crate) struct Declared {
    pub(crate) file: Option<u64>,
    pub(crate) line: Option<u64>,
}

#[derive(Clone, Copy)]
pub(crate) struct DescribedMember {
    pub(crate) name: NameRef,
    /// Bytes from the start of the type.
    pub(crate) offset: u64,
    pub(crate) ty: u64,
}

/// The variants of an enum.
#[derive(Default)]
pub(crate) struct VariantPart<'a> {
    /// The offset in `.debug_info` of the member that holds the discriminant.
    discriminant: Option<u64>,
    /// The offset and type of that member, once its entry was read.
    pub(crate) found: Option<(u64, u64)>,
    pub(crate) variants: Vec<DescribedVariant<'a>>,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct DescribedVariant<'a> {
    /// The value that selects the variant.
    pub(crate) value: Option<Value<'a>>,
    /// The encoded list of values that select the variant (`DW_AT_discr_list`).
    pub(crate) values: Option<&'a [u8]>,
    pub(crate) member: Option<DescribedMember>,
    pub(crate) declared: Declared,
}

/// Reads descriptions in one unit.
pub(crate) struct DescriptionReader<'v, 'a> {
    view: &'v UnitView<'a>,
    cursor: EntryCursor<'v, 'a>,
}

impl<'v, 'a> DescriptionReader<'v, 'a> {
    /// A reader of a unit's descriptions.
    pub(crate) fn new(
        dwarf: &'v Dwarf<Slice<'a>>,
        view: &'v UnitView<'a>,
    ) -> Result<Self, LayoutError> {
        let cursor = EntryCursor::new(dwarf, view, EntryKinds::DESCRIBING);
        Ok(Self { view, cursor: cursor.map_err(|error| malformed(view.start, error))? })
    }

    fn member(&self, entry: &CursorEntry<'v>) -> Result<Option<DescribedMember>, Error> {
        let Some(ty) = self.cursor.entry_attribute(entry, TypeAttribute::Type)? else {
            return Ok(None);
        };
        let offset = match self.cursor.number_attribute(entry, TypeAttribute::Location)? {
            Some(offset) => offset,
            None => match self.cursor.attribute(entry, TypeAttribute::Location)? {
                Some(Value::Bytes(expression)) => self.evaluated(expression),
                _ => 0,
            },
        };
        Ok(Some(DescribedMember { name: self.cursor.name(entry)?, offset, ty }))
    }

    /// The offset of a member as old compilers write it: as an expression.
    fn evaluated(&self, expression: &'a [u8]) -> u64 {
        let expression = Expression(EndianSlice::new(expression, self.cursor.endian()));
        match expression.operations(self.view.unit.encoding()).next() {
            Ok(Some(gimli::Operation::PlusConstant { value })) => value,
            _ => 0,
        }
    }

    fn count(&self, entry: &CursorEntry<'v>) -> Result<Option<u64>, Error> {
        let number = |attribute| self.cursor.number_attribute(entry, attribute);
        if let Some(count) = number(TypeAttribute::Count)? {
            return Ok(Some(count));
        }
        let lower = number(TypeAttribute::LowerBound)?.unwrap_or(0);
        let upper = number(TypeAttribute::UpperBound)?;
        Ok(upper.and_then(|upper| upper.checked_sub(lower)?.checked_add(1)))
    }

    fn declared(&self, entry: &CursorEntry<'v>) -> Result<Declared, Error> {
        let number = |attribute| self.cursor.number_attribute(entry, attribute);
        Ok(Declared { file: number(TypeAttribute::File)?, line: number(TypeAttribute::Line)? })
    }
}

impl<'a> Description<'a> {
    /// Reads the description of a type of this unit, by the offset of its entry in `.debug_info`.
    pub(crate) fn read(
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        offset: u64,
    ) -> Result<Self, LayoutError> {
        let mut description = Self::default();
        description.read_again(&mut DescriptionReader::new(dwarf, view)?, offset)?;
        Ok(description)
    }

    /// As [`Self::read`], into the allocations of a description that is no longer needed.
    pub(crate) fn read_again(
        &mut self,
        reader: &mut DescriptionReader<'_, 'a>,
        offset: u64,
    ) -> Result<(), LayoutError> {
        let within = offset.checked_sub(reader.view.start);
        let within = within.and_then(|within| usize::try_from(within).ok());
        let within = within.ok_or(LayoutError::NoSuchType(offset))?;
        self.try_read(reader, within).map_err(|error| malformed(offset, error))
    }

    fn try_read(
        &mut self,
        reader: &mut DescriptionReader<'_, 'a>,
        within: usize,
    ) -> Result<(), Error> {
        reader.cursor.go_to(within);
        let Some(root) = reader.cursor.next()? else {
            return Err(Error::NoEntryAtGivenOffset(within as u64));
        };
        self.has_name = root.has_name();
        self.size = reader.cursor.number_attribute(&root, TypeAttribute::Size)?;
        self.align = reader.cursor.number_attribute(&root, TypeAttribute::Align)?;
        let encoding = reader.cursor.number_attribute(&root, TypeAttribute::Encoding)?;
        self.encoding = encoding.and_then(|encoding| encoding.try_into().ok()).map(DwAte);
        self.is_declaration = root.is_declaration();
        self.target = reader.cursor.entry_attribute(&root, TypeAttribute::Type)?;
        self.declared = reader.declared(&root)?;
        self.type_parameters.clear();
        self.members.clear();
        self.enumerators.clear();
        self.counts.clear();
        self.parameters.clear();
        self.variant_part = None;
        if !root.has_children() {
            return Ok(());
        }
        // The tags of the last entries at depths 1 and 2.
        let mut above = [root.tag(); 2];
        while let Some(entry) = reader.cursor.next()? {
            if is_type(entry.tag()) {
                reader.cursor.skip_below(entry.depth);
            }
            let is_part = match entry.depth {
                1 => true,
                2 => above[0] == dw::DW_TAG_variant_part,
                3 => above == [dw::DW_TAG_variant_part, dw::DW_TAG_variant],
                _ => false,
            };
            if let Some(tag) = above.get_mut(entry.depth as usize - 1) {
                *tag = entry.tag();
            }
            if is_part && !is_type(entry.tag()) {
                self.add(reader, &entry)?;
            }
        }
        Ok(())
    }

    /// The number of elements of an array, over all dimensions; `None` when it is unknown, or too
    /// large for 64 bits.
    pub(crate) fn element_count(&self) -> Option<u64> {
        self.counts.iter().try_fold(1, |product: u64, count| product.checked_mul((*count)?))
    }

    /// The variants, if a type with this tag is an enum.
    pub(crate) fn enum_part(&self, tag: DwTag) -> Option<&VariantPart<'a>> {
        let is_struct = matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_class_type);
        self.variant_part.as_ref().filter(|_| is_struct && !self.is_declaration)
    }

    /// Adds an entry below the type's.
    fn add<'v>(
        &mut self,
        reader: &DescriptionReader<'v, 'a>,
        entry: &CursorEntry<'v>,
    ) -> Result<(), Error> {
        if entry.depth > 1 {
            return match &mut self.variant_part {
                Some(part) => part.add(reader, entry),
                None => Ok(()),
            };
        }
        let cursor = &reader.cursor;
        match entry.tag() {
            dw::DW_TAG_variant_part => {
                let discriminant = cursor.entry_attribute(entry, TypeAttribute::Discriminant)?;
                let part = VariantPart { discriminant, ..VariantPart::default() };
                self.variant_part = Some(part);
            }
            dw::DW_TAG_member if !entry.is_external() && !entry.is_declaration() => {
                self.members.extend(reader.member(entry)?);
            }
            dw::DW_TAG_template_type_parameter => {
                if let Some(ty) = cursor.entry_attribute(entry, TypeAttribute::Type)? {
                    self.type_parameters.push((cursor.name(entry)?, ty));
                }
            }
            dw::DW_TAG_enumerator => {
                let value = cursor.attribute(entry, TypeAttribute::Value)?.and_then(Value::signed);
                self.enumerators.push((cursor.name(entry)?, value.unwrap_or(0)));
            }
            dw::DW_TAG_subrange_type => self.counts.push(reader.count(entry)?),
            dw::DW_TAG_formal_parameter => {
                self.parameters.extend(cursor.entry_attribute(entry, TypeAttribute::Type)?);
            }
            _ => {}
        }
        Ok(())
    }
}

impl<'a> VariantPart<'a> {
    /// Adds an entry below the variant part: the discriminant, a variant, or a variant's member.
    fn add<'v>(
        &mut self,
        reader: &DescriptionReader<'v, 'a>,
        entry: &CursorEntry<'v>,
    ) -> Result<(), Error> {
        let cursor = &reader.cursor;
        match (entry.depth, entry.tag()) {
            (2, dw::DW_TAG_member) => {
                let at = reader.view.start + u64::from(entry.offset);
                if self.discriminant == Some(at)
                    && let Some(member) = reader.member(entry)?
                {
                    self.found = Some((member.offset, member.ty));
                }
            }
            (2, dw::DW_TAG_variant) => self.variants.push(DescribedVariant {
                value: cursor.attribute(entry, TypeAttribute::Value)?,
                values: match cursor.attribute(entry, TypeAttribute::Values)? {
                    Some(Value::Bytes(bytes)) => Some(bytes),
                    _ => None,
                },
                ..DescribedVariant::default()
            }),
            (3, dw::DW_TAG_member) => {
                if let Some(variant) = self.variants.last_mut()
                    && variant.member.is_none()
                {
                    variant.member = reader.member(entry)?;
                    variant.declared = reader.declared(entry)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
