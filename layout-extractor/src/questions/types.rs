//! The layout of a type, by the offset of its entry.

use std::sync::Arc;

use gimli::{DwAte, DwTag, Dwarf, constants as dw};
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{
    Discriminant, Member, Type, TypeId, TypeKind, TypeParameter, Variant,
};

use super::source::DwarfSource;
use crate::dwarf::attribute_value::Value;
use crate::dwarf::discriminants::{Signedness, discriminant_list, discriminant_value};
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::reader::malformed_because;
use crate::dwarf::tags::is_alias;
use crate::dwarf::type_description::{DescribedMember, DescribedVariant, Description, VariantPart};
use crate::dwarf::unit_view::UnitView;
use crate::object::sections::Slice;
use crate::support::rust_path::strip_arguments;

/// The longest chain of typedefs, or nesting of arrays, that is followed.
const MAX_NESTED: usize = 32;

impl DwarfSource {
    /// Reads the type whose entry is at this offset.
    pub(crate) fn read_type(&self, offset: u64) -> Result<Type, LayoutError> {
        let dwarf = self.dwarf();
        let (view, index, node) = self.type_entry(&dwarf, offset)?;
        let mut described = Description::read(&dwarf, &view, offset)?;
        self.separate_members(&dwarf, &view, index, node, &mut described);
        let tag = index.node(node).tag();
        if is_alias(tag) {
            // A typedef has the layout of its target, under its own name.
            let mut ty = match described.target {
                Some(target) => self.nested_type(target, offset, 0)?,
                None => opaque(),
            };
            ty.name = self.type_name(&dwarf, offset, 0)?.into();
            return Ok(ty);
        }
        let name = self.name_of_type(&dwarf, index, node, &described, 0)?.into();
        let kind = self.kind_of(&dwarf, &view, tag, &described, offset)?;
        let parameter = |&(name, ty): &(NameRef, u64)| TypeParameter {
            name: text(&dwarf, name),
            ty: TypeId(ty),
        };
        Ok(Type {
            name,
            size: match described.size {
                Some(size) => size,
                None => self.implied_size(&view, &kind)?,
            },
            align: described.align,
            declared: self.described_location(&dwarf, &view, described.declared),
            type_parameters: described.type_parameters.iter().map(parameter).collect(),
            kind,
        })
    }

    fn kind_of<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        tag: DwTag,
        described: &Description<'s>,
        offset: u64,
    ) -> Result<TypeKind, LayoutError> {
        let member = |member: &DescribedMember| Member {
            name: text(dwarf, member.name),
            offset: member.offset,
            ty: TypeId(member.ty),
        };
        let members = || described.members.iter().map(member).collect();
        Ok(match tag {
            dw::DW_TAG_base_type => base_kind(described.encoding, described.size.unwrap_or(0)),
            dw::DW_TAG_pointer_type
            | dw::DW_TAG_reference_type
            | dw::DW_TAG_rvalue_reference_type => {
                TypeKind::Pointer { target: described.target.map(TypeId) }
            }
            dw::DW_TAG_enumeration_type => {
                let all = described.enumerators.iter();
                let enumerators = all.map(|&(name, value)| (text(dwarf, name), value)).collect();
                TypeKind::PlainEnum { enumerators }
            }
            dw::DW_TAG_array_type => {
                let element = described.target.map(TypeId);
                let element =
                    element.ok_or_else(|| malformed_because(offset, "an array of no type"))?;
                TypeKind::Array { element, count: described.element_count() }
            }
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type
                if described.is_declaration =>
            {
                TypeKind::Opaque
            }
            dw::DW_TAG_union_type => TypeKind::Union { members: members() },
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type => match described.enum_part(tag) {
                Some(part) => self.enum_kind(dwarf, view, part)?,
                None => TypeKind::Struct { members: members() },
            },
            _ => TypeKind::Opaque,
        })
    }

    /// The size in bytes of a type whose entry has no `DW_AT_byte_size`.
    fn implied_size(&self, view: &UnitView<'_>, kind: &TypeKind) -> Result<u64, LayoutError> {
        Ok(match kind {
            TypeKind::Pointer { .. } => u64::from(view.unit.header.address_size()),
            TypeKind::Array { element, count } => {
                let of_one = self.size_of(element.0, 0)?;
                count.map_or(0, |count| count.saturating_mul(of_one))
            }
            _ => 0,
        })
    }

    /// Reads the type at the end of a chain of typedefs.
    fn nested_type(&self, offset: u64, from: u64, depth: usize) -> Result<Type, LayoutError> {
        if depth > MAX_NESTED {
            return Err(malformed_because(from, "types refer to each other"));
        }
        let dwarf = self.dwarf();
        let (view, index, node) = self.type_entry(&dwarf, offset)?;
        if !is_alias(index.node(node).tag()) {
            return self.read_type(offset);
        }
        match Description::read(&dwarf, &view, offset)?.target {
            Some(target) => self.nested_type(target, from, depth + 1),
            None => Ok(opaque()),
        }
    }

    /// The size of a type in bytes, without its whole layout.
    pub(super) fn size_of(&self, offset: u64, depth: usize) -> Result<u64, LayoutError> {
        let dwarf = self.dwarf();
        let (view, index, node) = self.type_entry(&dwarf, offset)?;
        let described = Description::read(&dwarf, &view, offset)?;
        if let Some(size) = described.size {
            return Ok(size);
        }
        if depth > MAX_NESTED {
            return Err(malformed_because(offset, "types refer to each other"));
        }
        match (index.node(node).tag(), described.target) {
            (dw::DW_TAG_pointer_type, _) => Ok(u64::from(view.unit.header.address_size())),
            (dw::DW_TAG_array_type, Some(element)) => {
                let one = self.size_of(element, depth + 1)?;
                let sizes = described.counts.into_iter().map(|count| count.unwrap_or(0));
                Ok(sizes.fold(one, u64::saturating_mul))
            }
            (tag, Some(target)) if is_alias(tag) => self.size_of(target, depth + 1),
            _ => Ok(0),
        }
    }

    fn enum_kind<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        part: &VariantPart<'s>,
    ) -> Result<TypeKind, LayoutError> {
        let (mut discriminant, mut size, mut signedness) = (None, 16, Signedness::Unsigned);
        if let Some((offset, ty)) = part.found {
            (size, signedness) = self.discriminant_type(dwarf, ty)?;
            discriminant = Some(Discriminant { offset, size });
        }
        let mut variants = Vec::with_capacity(part.variants.len());
        for described in &part.variants {
            let Some(member) = described.member else { continue };
            variants.push(Variant {
                name: self.variant_name(dwarf, &member)?,
                values: self.variant_values(described, size, signedness)?,
                offset: member.offset,
                ty: TypeId(member.ty),
                line: self.described_location(dwarf, view, described.declared),
            });
        }
        Ok(TypeKind::Enum { discriminant, variants })
    }

    /// The name of a variant's struct, else of its member: a state's member is called `3`, and its
    /// struct `Suspend0`.
    fn variant_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        member: &DescribedMember,
    ) -> Result<Arc<str>, LayoutError> {
        Ok(match self.own_name(dwarf, member.ty)? {
            Some(name) => strip_arguments(&name).into(),
            None => text(dwarf, member.name),
        })
    }

    /// The values that select a variant, of a discriminant of `size` bytes; `None` for the variant
    /// that all other values select.
    fn variant_values(
        &self,
        described: &DescribedVariant<'_>,
        size: u8,
        signedness: Signedness,
    ) -> Result<Option<Vec<u128>>, LayoutError> {
        if let Some(value) = described.value {
            let value = written(self.object.facts.big_endian, value);
            return Ok(value
                .map(|(value, width)| vec![discriminant_value(value, width, size, signedness)]));
        }
        let Some(bytes) = described.values else { return Ok(None) };
        let at = described.member.map_or(0, |member| member.ty);
        let values = discriminant_list(bytes, size, signedness);
        values.map(Some).ok_or_else(|| malformed_because(at, "a broken list of discriminants"))
    }

    /// The size of a discriminant's type in bytes, and whether it is signed.
    pub(crate) fn discriminant_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        ty: u64,
    ) -> Result<(u8, Signedness), LayoutError> {
        let (view, _, _) = self.type_entry(dwarf, ty)?;
        let size = self.size_of(ty, 0)?;
        if !(1..=16).contains(&size) {
            return Err(malformed_because(ty, "a discriminant of no usable size"));
        }
        let is_signed = matches!(
            Description::read(dwarf, &view, ty)?.encoding,
            Some(dw::DW_ATE_signed | dw::DW_ATE_signed_char)
        );
        Ok((size as u8, if is_signed { Signedness::Signed } else { Signedness::Unsigned }))
    }
}

fn opaque() -> Type {
    Type {
        name: "".into(),
        size: 0,
        align: None,
        declared: None,
        type_parameters: Vec::new(),
        kind: TypeKind::Opaque,
    }
}

fn base_kind(encoding: Option<DwAte>, size: u64) -> TypeKind {
    // rustc describes `()` and `!` as unsigned numbers of no bytes.
    if size == 0 {
        return TypeKind::Opaque;
    }
    match encoding {
        Some(dw::DW_ATE_boolean) => TypeKind::Bool,
        Some(dw::DW_ATE_float) => TypeKind::Float,
        Some(dw::DW_ATE_UTF) => TypeKind::Char,
        Some(dw::DW_ATE_signed | dw::DW_ATE_signed_char) => TypeKind::Integer { signed: true },
        Some(dw::DW_ATE_unsigned | dw::DW_ATE_unsigned_char) => TypeKind::Integer { signed: false },
        _ => TypeKind::Opaque,
    }
}

/// A discriminant value as written, and its width in bytes.
fn written(big_endian: bool, value: Value<'_>) -> Option<(u128, u8)> {
    Some(match value {
        Value::Fixed(value, width) => (u128::from(value), width),
        Value::Unsigned(value) => (u128::from(value), 16),
        Value::Signed(value) => (i128::from(value).cast_unsigned(), 16),
        Value::Wide(value) => (u128::from_ne_bytes(value), 16),
        Value::Bytes(bytes) => {
            let bytes = &bytes[..bytes.len().min(16)];
            let add = |sum: u128, byte: &u8| (sum << 8) | u128::from(*byte);
            let value = if big_endian {
                bytes.iter().fold(0, add)
            } else {
                bytes.iter().rev().fold(0, add)
            };
            (value, bytes.len() as u8)
        }
        _ => return None,
    })
}

fn text(dwarf: &Dwarf<Slice<'_>>, name: NameRef) -> Arc<str> {
    String::from_utf8_lossy(name.bytes(dwarf)).into()
}
