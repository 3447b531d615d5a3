//! DESCRIPTION: what the entry of a type says, and the entries below it, with names as places and
//! types as offsets.
//!
//! A layout is made of this, and so is the judgement whether two units describe the same type: what
//! is not in here, neither knows of.

use gimli::{
    DwAt, DwAte, DwTag, Dwarf, EndianSlice, Error, Expression, Reader as _, Section as _,
    constants as dw,
};
use runtime_layouts::layout::source::LayoutError;

use crate::index::{NameRef, is_type};
use crate::recipes::Wanted;
use crate::skim::{Skim, Skimmed};
use crate::units::{Slice, UnitView, malformed};
use crate::values::Value;

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

/// What one entry says.
#[derive(Default)]
struct Facts<'a> {
    name: Option<NameRef>,
    ty: Option<u64>,
    size: Option<u64>,
    align: Option<u64>,
    encoding: Option<DwAte>,
    is_declaration: bool,
    is_external: bool,
    declared: Declared,
    location: Option<Value<'a>>,
    discriminant: Option<u64>,
    value: Option<Value<'a>>,
    values: Option<Value<'a>>,
    count: Option<u64>,
    lower: Option<u64>,
    upper: Option<u64>,
}

impl<'a> Facts<'a> {
    fn of<'v>(skim: &Skim<'v, 'a>, entry: &Skimmed<'v>) -> Result<Self, Error> {
        let mut facts = Self::default();
        skim.describing(entry, |name, value| facts.note(name, value))?;
        Ok(facts)
    }

    #[inline]
    fn note(&mut self, name: DwAt, value: Value<'a>) {
        match name {
            dw::DW_AT_name => match value {
                Value::Name(name) => self.name = Some(name),
                _ => self.name = Some(NameRef::None),
            },
            dw::DW_AT_type => self.ty = value.reference(),
            dw::DW_AT_byte_size => self.size = value.unsigned(),
            dw::DW_AT_alignment => self.align = value.unsigned(),
            dw::DW_AT_encoding => {
                self.encoding = value.unsigned().and_then(|v| u8::try_from(v).ok()).map(DwAte);
            }
            dw::DW_AT_declaration => self.is_declaration = true,
            dw::DW_AT_external => self.is_external = true,
            dw::DW_AT_decl_file => self.declared.file = value.unsigned(),
            dw::DW_AT_decl_line => self.declared.line = value.unsigned(),
            dw::DW_AT_data_member_location => self.location = Some(value),
            dw::DW_AT_discr => self.discriminant = value.reference(),
            dw::DW_AT_discr_value | dw::DW_AT_const_value => self.value = Some(value),
            dw::DW_AT_discr_list => self.values = Some(value),
            dw::DW_AT_count => self.count = value.unsigned(),
            dw::DW_AT_lower_bound => self.lower = value.unsigned(),
            dw::DW_AT_upper_bound => self.upper = value.unsigned(),
            _ => {}
        }
    }

    fn member(&self, view: &UnitView<'a>, section: Slice<'a>) -> Option<DescribedMember> {
        let offset = match self.location {
            Some(Value::Bytes(expression)) => {
                let expression = Expression(EndianSlice::new(expression, section.endian()));
                // Old producers write an expression.
                match expression.operations(view.unit.encoding()).next() {
                    Ok(Some(gimli::Operation::PlusConstant { value })) => value,
                    _ => 0,
                }
            }
            location => location.and_then(Value::unsigned).unwrap_or(0),
        };
        let name = self.name.unwrap_or(NameRef::None);
        self.ty.map(|ty| DescribedMember { name, offset, ty })
    }

    fn count(&self) -> Option<u64> {
        self.count.or_else(|| self.upper?.checked_sub(self.lower.unwrap_or(0))?.checked_add(1))
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
        description.read_again(dwarf, view, offset)?;
        Ok(description)
    }

    /// Reads another one into this.
    pub(crate) fn read_again(
        &mut self,
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        offset: u64,
    ) -> Result<(), LayoutError> {
        let within = offset.checked_sub(view.start).and_then(|within| usize::try_from(within).ok());
        let within = within.ok_or(LayoutError::NoSuchType(offset))?;
        self.try_read(dwarf, view, within).map_err(|error| malformed(offset, error))
    }

    fn try_read(
        &mut self,
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        within: usize,
    ) -> Result<(), Error> {
        let mut skim = Skim::of(dwarf, view, Wanted::DESCRIBING)?.below(within);
        let Some(root) = skim.next()? else {
            return Err(Error::NoEntryAtGivenOffset(within as u64));
        };
        let facts = Facts::of(&skim, &root)?;
        self.has_name = facts.name.is_some();
        self.size = facts.size;
        self.align = facts.align;
        self.encoding = facts.encoding;
        self.is_declaration = facts.is_declaration;
        self.target = facts.ty;
        self.declared = facts.declared;
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
        while let Some(entry) = skim.next()? {
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
                self.add(dwarf, view, &skim, &entry)?;
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
    fn add<'v>(
        &mut self,
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
        skim: &Skim<'v, 'a>,
        entry: &Skimmed<'v>,
    ) -> Result<(), Error> {
        let section = *dwarf.debug_info.reader();
        let facts = Facts::of(skim, entry)?;
        let name = facts.name.unwrap_or(NameRef::None);
        let part = &mut self.variant_part;
        match (entry.depth, entry.tag()) {
            (1, dw::DW_TAG_variant_part) => {
                let discriminant = facts.discriminant;
                *part = Some(VariantPart { discriminant, ..VariantPart::default() });
            }
            (1, dw::DW_TAG_member) => {
                let is_static = facts.is_external || facts.is_declaration;
                self.members.extend(facts.member(view, section).filter(|_| !is_static));
            }
            (1, dw::DW_TAG_template_type_parameter) => {
                self.type_parameters.extend(facts.ty.map(|ty| (name, ty)));
            }
            (1, dw::DW_TAG_enumerator) => {
                let value = facts.value.and_then(Value::signed).unwrap_or(0);
                self.enumerators.push((name, value));
            }
            (1, dw::DW_TAG_subrange_type) => self.counts.push(facts.count()),
            (1, dw::DW_TAG_formal_parameter) => self.parameters.extend(facts.ty),
            (2, dw::DW_TAG_member) => {
                if let (Some(part), Some(member)) = (part, facts.member(view, section))
                    && part.discriminant == Some(view.start + u64::from(entry.offset))
                {
                    part.found = Some((member.offset, member.ty));
                }
            }
            (2, dw::DW_TAG_variant) => {
                if let Some(part) = part {
                    part.variants.push(DescribedVariant {
                        value: facts.value,
                        values: match facts.values {
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
                    variant.member = facts.member(view, section);
                    variant.declared = facts.declared;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a type with this tag stands for another one.
pub(crate) fn is_alias(tag: DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_typedef
            | dw::DW_TAG_const_type
            | dw::DW_TAG_volatile_type
            | dw::DW_TAG_restrict_type
            | dw::DW_TAG_atomic_type
    )
}
