//! TYPES: from the entry of a type to its layout.

use std::sync::Arc;

use gimli::{DwAte, Dwarf, constants as dw};
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{
    Discriminant, Member, Type, TypeId, TypeKind, TypeParameter, Variant,
};

use super::source::DwarfSource;
use crate::dwarf::attribute_value::Value;
use crate::dwarf::discriminants::{Signedness, discriminant_list, discriminant_value};
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::reader::{Entry, malformed_because};
use crate::dwarf::tags::is_alias;
use crate::dwarf::type_description::{DescribedMember, Description, VariantPart};
use crate::dwarf::unit_view::UnitView;
use crate::indexes::node::NodeNumber;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;
use crate::support::rust_path::strip_arguments;

/// How many types may stand between a type and what it is made of: arrays of arrays, typedefs.
const MAX_NESTED: usize = 32;

/// How deep a name goes that has to be put together; the product of what is listed at each level
/// bounds the work.
const MAX_NAMED: usize = 4;

impl DwarfSource {
    /// Reads the type whose entry is at this offset.
    pub(crate) fn read_type(&self, offset: u64) -> Result<Type, LayoutError> {
        let dwarf = self.dwarf();
        let (view, index, node) = self.type_entry(&dwarf, offset)?;
        let described = Description::read(&dwarf, &view, offset)?;
        let tag = index.node(node).tag();
        if is_alias(tag) {
            // A typedef is what it stands for, under its own name.
            let mut ty = match described.target {
                Some(target) => self.nested_type(target, offset, 0)?,
                None => opaque(),
            };
            ty.name = self.type_name(&dwarf, offset, 0)?.into();
            return Ok(ty);
        }
        let name = self.name_of_type(&dwarf, index, node, &described, 0)?;
        let declared = self.described_location(&dwarf, &view, described.declared);
        let text =
            |name| -> Arc<str> { String::from_utf8_lossy(self.name_bytes(&dwarf, name)).into() };
        let member = |member: &DescribedMember| Member {
            name: text(member.name),
            offset: member.offset,
            ty: TypeId(member.ty),
        };
        let parameter =
            |&(name, ty): &(NameRef, u64)| TypeParameter { name: text(name), ty: TypeId(ty) };
        let type_parameters = described.type_parameters.iter().map(parameter).collect();
        let members = || described.members.iter().map(member).collect();
        let mut size = described.size;
        let kind = match tag {
            dw::DW_TAG_base_type => base_kind(described.encoding, size.unwrap_or(0)),
            dw::DW_TAG_pointer_type
            | dw::DW_TAG_reference_type
            | dw::DW_TAG_rvalue_reference_type => {
                size = size.or(Some(u64::from(view.unit.header.address_size())));
                TypeKind::Pointer { target: described.target.map(TypeId) }
            }
            dw::DW_TAG_enumeration_type => {
                let all = described.enumerators.iter();
                TypeKind::PlainEnum {
                    enumerators: all.map(|&(name, value)| (text(name), value)).collect(),
                }
            }
            dw::DW_TAG_array_type => {
                let element = described
                    .target
                    .ok_or_else(|| malformed_because(offset, "an array of no type"))?;
                let count = described
                    .counts
                    .iter()
                    .copied()
                    .try_fold(1, |product: u64, count| product.checked_mul(count?));
                if size.is_none() {
                    let of_one = self.size_of(element, 0)?;
                    size = count.map(|count| count.saturating_mul(of_one));
                }
                TypeKind::Array { element: TypeId(element), count }
            }
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type
                if described.is_declaration =>
            {
                TypeKind::Opaque
            }
            dw::DW_TAG_union_type => TypeKind::Union { members: members() },
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type => match described.enum_part(tag) {
                Some(part) => self.enum_kind(&dwarf, &view, part)?,
                None => TypeKind::Struct { members: members() },
            },
            _ => TypeKind::Opaque,
        };
        Ok(Type {
            name: name.into(),
            size: size.unwrap_or(0),
            align: described.align,
            declared,
            type_parameters,
            kind,
        })
    }

    /// Follows typedefs to a type, without an unbounded recursion.
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

    /// The size of a type in bytes, without reading all of it.
    fn size_of(&self, offset: u64, depth: usize) -> Result<u64, LayoutError> {
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

    /// The name of an entry as it stands there.
    pub(crate) fn entry_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entry: &Entry<'s>,
    ) -> Option<Arc<str>> {
        let value = entry.attr_value(dw::DW_AT_name)?;
        let slice = dwarf.attr_string(&view.unit, value).ok()?;
        Some(slice.to_string_lossy().into())
    }

    fn enum_kind<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        part: &VariantPart<'s>,
    ) -> Result<TypeKind, LayoutError> {
        let mut discriminant = None;
        let mut signedness = Signedness::Unsigned;
        if let Some((offset, ty)) = part.found {
            let (size, sign) = self.discriminant_type(dwarf, ty)?;
            signedness = sign;
            discriminant = Some(Discriminant { offset, size });
        }
        let size = discriminant.as_ref().map_or(16, |d: &Discriminant| d.size);
        let mut variants = Vec::with_capacity(part.variants.len());
        for described in &part.variants {
            let Some(member) = described.member else { continue };
            let ty = member.ty;
            let values = match (described.value, described.values) {
                (Some(value), _) => written(self.object.facts.big_endian, value)
                    .map(|(value, width)| vec![discriminant_value(value, width, size, signedness)]),
                (None, Some(bytes)) => Some(
                    discriminant_list(bytes, size, signedness)
                        .ok_or_else(|| malformed_because(ty, "a broken list of discriminants"))?,
                ),
                (None, None) => None,
            };
            // A state's member is called `3`; its struct is called `Suspend0`.
            let own_name = self.own_name(dwarf, ty)?;
            let name = match own_name.as_deref() {
                Some(name) => strip_arguments(name).into(),
                None => String::from_utf8_lossy(self.name_bytes(dwarf, member.name)).into(),
            };
            let line = self.described_location(dwarf, view, described.declared);
            variants.push(Variant { name, values, offset: member.offset, ty: TypeId(ty), line });
        }
        Ok(TypeKind::Enum { discriminant, variants })
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

    /// The last part of a type's name.
    fn own_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        ty: u64,
    ) -> Result<Option<String>, LayoutError> {
        let (_, index, node) = self.node_at(dwarf, ty)?;
        let name = self.name_bytes(dwarf, index.node(node).name());
        Ok((!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned()))
    }

    /// The full name of a type.
    pub(crate) fn type_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
        depth: usize,
    ) -> Result<String, LayoutError> {
        let (view, index, node) = self.type_entry(dwarf, offset)?;
        let described = Description::read(dwarf, &view, offset)?;
        self.name_of_type(dwarf, index, node, &described, depth)
    }

    fn name_of_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
        node: NodeNumber,
        described: &Description<'s>,
        depth: usize,
    ) -> Result<String, LayoutError> {
        let path = self.path_of(dwarf, index, node)?;
        if described.has_name {
            return Ok(path);
        }
        if depth > MAX_NAMED {
            return Ok("…".to_owned());
        }
        let target = described.target;
        let of = |target: Option<u64>| match target {
            Some(target) => self.type_name(dwarf, target, depth + 1),
            None => Ok("()".to_owned()),
        };
        Ok(match index.node(node).tag() {
            dw::DW_TAG_array_type => {
                let mut name = of(target)?;
                for count in &described.counts {
                    let count = count.map_or_else(|| "_".to_owned(), |count| count.to_string());
                    name = format!("[{name}; {count}]");
                }
                name
            }
            dw::DW_TAG_pointer_type => format!("*{}", of(target)?),
            dw::DW_TAG_reference_type | dw::DW_TAG_rvalue_reference_type => {
                format!("&{}", of(target)?)
            }
            dw::DW_TAG_subroutine_type => {
                let parameters = described.parameters.iter().take(16);
                let parameters: Result<Vec<_>, _> = parameters.map(|&ty| of(Some(ty))).collect();
                let result = target.map(|ty| of(Some(ty))).transpose()?;
                let result = result.map(|result| format!(" -> {result}")).unwrap_or_default();
                format!("fn({}){result}", parameters?.join(", "))
            }
            dw::DW_TAG_const_type
            | dw::DW_TAG_volatile_type
            | dw::DW_TAG_restrict_type
            | dw::DW_TAG_atomic_type => of(target)?,
            _ => path,
        })
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

/// The value that selects a variant, and the bytes that it is written in.
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
