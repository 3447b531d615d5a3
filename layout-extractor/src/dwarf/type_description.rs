//! DESCRIPTION: what the entry of a type says, and the entries below it, with names as places and
//! types as offsets.
//!
//! A layout is made of this, and so is the judgement whether two units describe the same type: what
//! is not in here, neither knows of.

use gimli::{DwAte, DwTag, Dwarf, EndianSlice, Error, Expression, constants as dw};
use runtime_layouts::layout::source::LayoutError;

use super::abbreviations::{Fact, Wanted};
use super::attribute_value::Value;
use super::entry_cursor::{Skim, Skimmed};
use super::name_ref::NameRef;
use super::reader::malformed;
use super::tags::is_type;
use super::unit_view::UnitView;
use crate::object::sections::Slice;

/// What describes one type.
#[derive(Default)]
pub(crate) struct Description<'a> {
    pub(crate) has_name: bool,
    /// Bytes.
    pub(crate) size: Option<u64>,
    pub(crate) align: Option<u64>,
    pub(crate) encoding: Option<DwAte>,
    /// Whether this is all that is known here of the type.
    pub(crate) is_declaration: bool,
    /// What a pointer, an array or an alias is of.
    pub(crate) target: Option<u64>,
    pub(crate) declared: Declared,
    pub(crate) type_parameters: Vec<(NameRef, u64)>,
    pub(crate) members: Vec<DescribedMember>,
    pub(crate) enumerators: Vec<(NameRef, i128)>,
    /// How many elements an array has in each dimension.
    pub(crate) counts: Vec<Option<u64>>,
    /// What a function takes.
    pub(crate) parameters: Vec<u64>,
    variant_part: Option<VariantPart<'a>>,
}

/// The number of a file in the unit's line table, and the line.
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
    /// The entry of the member that tells the variants apart.
    discriminant: Option<u64>,
    /// Its place and type, once its entry was met.
    pub(crate) found: Option<(u64, u64)>,
    pub(crate) variants: Vec<DescribedVariant<'a>>,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct DescribedVariant<'a> {
    /// The value that selects it.
    pub(crate) value: Option<Value<'a>>,
    /// The values that select it.
    pub(crate) values: Option<&'a [u8]>,
    pub(crate) member: Option<DescribedMember>,
    pub(crate) declared: Declared,
}

/// The unit's view and the way through its entries that a description is read by.
pub(crate) struct Reader<'v, 'a> {
    view: &'v UnitView<'a>,
    skim: Skim<'v, 'a>,
}

impl<'v, 'a> Reader<'v, 'a> {
    /// Of a unit.
    pub(crate) fn new(
        dwarf: &'v Dwarf<Slice<'a>>,
        view: &'v UnitView<'a>,
    ) -> Result<Self, LayoutError> {
        let skim = Skim::of(dwarf, view, Wanted::DESCRIBING);
        Ok(Self { view, skim: skim.map_err(|error| malformed(view.start, error))? })
    }

    fn member(&self, entry: &Skimmed<'v>) -> Result<Option<DescribedMember>, Error> {
        let Some(ty) = self.skim.entry_of(entry, Fact::Type)? else { return Ok(None) };
        let offset = match self.skim.number_of(entry, Fact::Location)? {
            Some(offset) => offset,
            None => match self.skim.fact(entry, Fact::Location)? {
                Some(Value::Bytes(expression)) => self.evaluated(expression),
                _ => 0,
            },
        };
        Ok(Some(DescribedMember { name: self.skim.name(entry)?, offset, ty }))
    }

    /// The place of a member as old producers write it.
    fn evaluated(&self, expression: &'a [u8]) -> u64 {
        let expression = Expression(EndianSlice::new(expression, self.skim.endian()));
        match expression.operations(self.view.unit.encoding()).next() {
            Ok(Some(gimli::Operation::PlusConstant { value })) => value,
            _ => 0,
        }
    }

    fn count(&self, entry: &Skimmed<'v>) -> Result<Option<u64>, Error> {
        let number = |fact| self.skim.number_of(entry, fact);
        if let Some(count) = number(Fact::Count)? {
            return Ok(Some(count));
        }
        let lower = number(Fact::LowerBound)?.unwrap_or(0);
        let upper = number(Fact::UpperBound)?;
        Ok(upper.and_then(|upper| upper.checked_sub(lower)?.checked_add(1)))
    }

    fn declared(&self, entry: &Skimmed<'v>) -> Result<Declared, Error> {
        let number = |fact| self.skim.number_of(entry, fact);
        Ok(Declared { file: number(Fact::File)?, line: number(Fact::Line)? })
    }
}

impl<'a> Description<'a> {
    /// Reads what describes the type whose entry is at this offset of `.debug_info`, which is in this
    /// unit.
    pub(crate) fn read(
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        offset: u64,
    ) -> Result<Self, LayoutError> {
        let mut description = Self::default();
        description.read_again(&mut Reader::new(dwarf, view)?, offset)?;
        Ok(description)
    }

    /// Reads another one into this.
    pub(crate) fn read_again(
        &mut self,
        reader: &mut Reader<'_, 'a>,
        offset: u64,
    ) -> Result<(), LayoutError> {
        let within = offset.checked_sub(reader.view.start);
        let within = within.and_then(|within| usize::try_from(within).ok());
        let within = within.ok_or(LayoutError::NoSuchType(offset))?;
        self.try_read(reader, within).map_err(|error| malformed(offset, error))
    }

    fn try_read(&mut self, reader: &mut Reader<'_, 'a>, within: usize) -> Result<(), Error> {
        reader.skim.go_to(within);
        let Some(root) = reader.skim.next()? else {
            return Err(Error::NoEntryAtGivenOffset(within as u64));
        };
        self.has_name = root.has_name();
        self.size = reader.skim.number_of(&root, Fact::Size)?;
        self.align = reader.skim.number_of(&root, Fact::Align)?;
        let encoding = reader.skim.number_of(&root, Fact::Encoding)?;
        self.encoding = encoding.and_then(|encoding| encoding.try_into().ok()).map(DwAte);
        self.is_declaration = root.is_declaration();
        self.target = reader.skim.entry_of(&root, Fact::Type)?;
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
        // What the entries that were met last at the first and second level are.
        let mut above = [root.tag(); 2];
        while let Some(entry) = reader.skim.next()? {
            if is_type(entry.tag()) {
                reader.skim.skip_below(entry.depth);
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

    /// What makes an enum of a type with this tag; `None` for all other types.
    pub(crate) fn enum_part(&self, tag: DwTag) -> Option<&VariantPart<'a>> {
        let is_struct = matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_class_type);
        self.variant_part.as_ref().filter(|_| is_struct && !self.is_declaration)
    }

    /// Adds what an entry below the type's says.
    fn add<'v>(&mut self, reader: &Reader<'v, 'a>, entry: &Skimmed<'v>) -> Result<(), Error> {
        let skim = &reader.skim;
        let part = &mut self.variant_part;
        match (entry.depth, entry.tag()) {
            (1, dw::DW_TAG_variant_part) => {
                let discriminant = skim.entry_of(entry, Fact::Discriminant)?;
                *part = Some(VariantPart { discriminant, ..VariantPart::default() });
            }
            (1, dw::DW_TAG_member) if !entry.is_external() && !entry.is_declaration() => {
                self.members.extend(reader.member(entry)?);
            }
            (1, dw::DW_TAG_template_type_parameter) => {
                if let Some(ty) = skim.entry_of(entry, Fact::Type)? {
                    self.type_parameters.push((skim.name(entry)?, ty));
                }
            }
            (1, dw::DW_TAG_enumerator) => {
                let value = skim.fact(entry, Fact::Value)?.and_then(Value::signed);
                self.enumerators.push((skim.name(entry)?, value.unwrap_or(0)));
            }
            (1, dw::DW_TAG_subrange_type) => self.counts.push(reader.count(entry)?),
            (1, dw::DW_TAG_formal_parameter) => {
                self.parameters.extend(skim.entry_of(entry, Fact::Type)?);
            }
            (2, dw::DW_TAG_member) => {
                if let Some(part) = part
                    && part.discriminant == Some(reader.view.start + u64::from(entry.offset))
                {
                    let member = reader.member(entry)?;
                    part.found = member.map(|member| (member.offset, member.ty)).or(part.found);
                }
            }
            (2, dw::DW_TAG_variant) => {
                if let Some(part) = part {
                    part.variants.push(DescribedVariant {
                        value: skim.fact(entry, Fact::Value)?,
                        values: match skim.fact(entry, Fact::Values)? {
                            Some(Value::Bytes(bytes)) => Some(bytes),
                            _ => None,
                        },
                        ..DescribedVariant::default()
                    });
                }
            }
            (3, dw::DW_TAG_member) => {
                if let Some(variant) = part.as_mut().and_then(|part| part.variants.last_mut())
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
