//! TYPES: from the entry of a type to its layout.

use std::sync::Arc;

use gimli::{AttributeValue, Dwarf, constants as dw};
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{
    Discriminant, Member, SourceLocation, Type, TypeId, TypeKind, TypeParameter, Variant,
};

use crate::discriminants::{Signedness, discriminant_list, discriminant_value};
use crate::index::{NodeNumber, UnitIndex};
use crate::names::without_arguments;
use crate::source::DwarfSource;
use crate::units::{Entry, Slice, UnitView, malformed, malformed_because};

/// How many types may stand between a type and what it is made of: arrays of arrays, typedefs.
const MOST_NESTED: usize = 32;

/// How deep a name goes that has to be put together; the product of what is listed at each level
/// bounds the work.
const MOST_NAMED: usize = 4;

/// What the children of a type's entry say.
#[derive(Default)]
struct Children {
    type_parameters: Vec<TypeParameter>,
    members: Vec<Member>,
    enumerators: Vec<(Arc<str>, i128)>,
    counts: Vec<Option<u64>>,
    variant_part: Option<VariantPart>,
    parameters: Vec<u64>,
}

#[derive(Default)]
struct VariantPart {
    /// The entry of the member that tells the variants apart.
    discriminant: Option<u64>,
    /// Its place, once its entry was met.
    found: Option<(u64, u64)>,
    variants: Vec<RawVariant>,
}

#[derive(Default)]
struct RawVariant {
    values: Option<RawValues>,
    offset: u64,
    ty: Option<u64>,
    name: Option<Arc<str>>,
    line: Option<SourceLocation>,
}

enum RawValues {
    One(u128, u8),
    List(Vec<u8>),
}

impl DwarfSource {
    /// Reads the type whose entry is at this offset.
    pub(crate) fn read_type(&self, offset: u64) -> Result<Type, LayoutError> {
        let dwarf = self.dwarf();
        let (view, index, node) = self.type_entry(&dwarf, offset)?;
        let entry = view.entry(offset)?;
        let tag = entry.tag();
        if let Some(target) = self.aliased(&view, &entry) {
            // A typedef is what it stands for, under its own name.
            let mut ty = match target {
                Some(target) => self.nested_type(target, offset, 0)?,
                None => opaque(),
            };
            ty.name = self.type_name(&dwarf, offset, 0)?.into();
            return Ok(ty);
        }
        let children = self.children(&dwarf, &view, offset)?;
        let number = |name| entry.attr_value(name).and_then(|value| value.udata_value());
        let target = || view.attribute_reference(&entry, dw::DW_AT_type);
        let mut size = number(dw::DW_AT_byte_size);
        let kind = match tag {
            dw::DW_TAG_base_type => base_kind(&entry, size.unwrap_or(0)),
            dw::DW_TAG_pointer_type
            | dw::DW_TAG_reference_type
            | dw::DW_TAG_rvalue_reference_type => {
                size = size.or(Some(u64::from(view.unit.header.address_size())));
                TypeKind::Pointer { target: target().map(TypeId) }
            }
            dw::DW_TAG_enumeration_type => {
                TypeKind::PlainEnum { enumerators: children.enumerators }
            }
            dw::DW_TAG_array_type => {
                let element =
                    target().ok_or_else(|| malformed_because(offset, "an array of no type"))?;
                let count = children
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
            dw::DW_TAG_union_type => TypeKind::Union { members: children.members },
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type => {
                if entry.has_attr(dw::DW_AT_declaration) {
                    TypeKind::Opaque
                } else if let Some(part) = children.variant_part {
                    self.enum_kind(&dwarf, part)?
                } else {
                    TypeKind::Struct { members: children.members }
                }
            }
            _ => TypeKind::Opaque,
        };
        let name = self.name_of_type(&dwarf, &view, index, node, &entry, 0)?;
        Ok(Type {
            name: name.into(),
            size: size.unwrap_or(0),
            align: number(dw::DW_AT_alignment),
            declared: self.declared(&dwarf, &view, &entry),
            type_parameters: children.type_parameters,
            kind,
        })
    }

    /// For a typedef or qualifier the type it stands for; the outer `None` for all other entries.
    #[allow(clippy::option_option, reason = "a typedef of nothing differs from no typedef")]
    fn aliased<'s>(&self, view: &UnitView<'s>, entry: &Entry<'s>) -> Option<Option<u64>> {
        matches!(
            entry.tag(),
            dw::DW_TAG_typedef
                | dw::DW_TAG_const_type
                | dw::DW_TAG_volatile_type
                | dw::DW_TAG_restrict_type
                | dw::DW_TAG_atomic_type
        )
        .then(|| view.attribute_reference(entry, dw::DW_AT_type))
    }

    /// Follows typedefs to a type, without an unbounded recursion.
    fn nested_type(&self, offset: u64, from: u64, depth: usize) -> Result<Type, LayoutError> {
        if depth > MOST_NESTED {
            return Err(malformed_because(from, "types refer to each other"));
        }
        let dwarf = self.dwarf();
        let (view, _, _) = self.type_entry(&dwarf, offset)?;
        let entry = view.entry(offset)?;
        match self.aliased(&view, &entry) {
            Some(Some(target)) => self.nested_type(target, from, depth + 1),
            Some(None) => Ok(opaque()),
            None => self.read_type(offset),
        }
    }

    /// The size of a type in bytes, without reading all of it.
    fn size_of(&self, offset: u64, depth: usize) -> Result<u64, LayoutError> {
        let dwarf = self.dwarf();
        let (view, _, _) = self.type_entry(&dwarf, offset)?;
        let entry = view.entry(offset)?;
        if let Some(size) = entry.attr_value(dw::DW_AT_byte_size).and_then(|v| v.udata_value()) {
            return Ok(size);
        }
        if depth > MOST_NESTED {
            return Err(malformed_because(offset, "types refer to each other"));
        }
        match (entry.tag(), view.attribute_reference(&entry, dw::DW_AT_type)) {
            (dw::DW_TAG_pointer_type, _) => Ok(u64::from(view.unit.header.address_size())),
            (dw::DW_TAG_array_type, Some(element)) => {
                let counts = self.children(&dwarf, &view, offset)?.counts;
                let one = self.size_of(element, depth + 1)?;
                let sizes = counts.into_iter().map(|count| count.unwrap_or(0));
                Ok(sizes.fold(one, u64::saturating_mul))
            }
            (_, Some(target)) if self.aliased(&view, &entry).is_some() => {
                self.size_of(target, depth + 1)
            }
            _ => Ok(0),
        }
    }

    /// Reads the entries below a type's.
    fn children<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        offset: u64,
    ) -> Result<Children, LayoutError> {
        let at = |error| malformed(offset, error);
        let mut entries = view.entries_from(offset)?;
        let mut entry = Entry::default();
        let mut children = Children::default();
        entries.read_entry(&mut entry).map_err(at)?;
        let mut in_variant_part = false;
        while !entries.is_empty() && entries.next_depth() > 0 {
            let depth = entries.next_depth();
            if depth > 1 && !(in_variant_part && depth <= 3) {
                if let Some(skipped) = entries.read_abbreviation().map_err(at)? {
                    entries.skip_attributes(skipped.attributes()).map_err(at)?;
                }
                continue;
            }
            if !entries.read_entry(&mut entry).map_err(at)? {
                continue;
            }
            let place = view.start + entry.offset().0 as u64;
            let target = view.attribute_reference(&entry, dw::DW_AT_type);
            if depth == 1 {
                in_variant_part = entry.tag() == dw::DW_TAG_variant_part;
            }
            let part = &mut children.variant_part;
            match (depth, entry.tag()) {
                (1, dw::DW_TAG_variant_part) => {
                    *part = Some(VariantPart {
                        discriminant: view.attribute_reference(&entry, dw::DW_AT_discr),
                        ..VariantPart::default()
                    });
                }
                (1, dw::DW_TAG_member) => {
                    let is_static =
                        entry.has_attr(dw::DW_AT_external) || entry.has_attr(dw::DW_AT_declaration);
                    if let (Some(target), false) = (target, is_static) {
                        children.members.push(Member {
                            name: self.entry_name(dwarf, view, &entry).unwrap_or_default(),
                            offset: member_offset(view, &entry),
                            ty: TypeId(target),
                        });
                    }
                }
                (1, dw::DW_TAG_template_type_parameter) => {
                    if let Some(target) = target {
                        children.type_parameters.push(TypeParameter {
                            name: self.entry_name(dwarf, view, &entry).unwrap_or_default(),
                            ty: TypeId(target),
                        });
                    }
                }
                (1, dw::DW_TAG_enumerator) => {
                    let value = entry.attr_value(dw::DW_AT_const_value).map_or(0, signed_value);
                    let name = self.entry_name(dwarf, view, &entry).unwrap_or_default();
                    children.enumerators.push((name, value));
                }
                (1, dw::DW_TAG_subrange_type) => children.counts.push(subrange_count(&entry)),
                (1, dw::DW_TAG_formal_parameter) => children.parameters.extend(target),
                (2, dw::DW_TAG_member) => {
                    if let (Some(part), Some(target)) = (part, target)
                        && part.discriminant == Some(place)
                    {
                        part.found = Some((member_offset(view, &entry), target));
                    }
                }
                (2, dw::DW_TAG_variant) => {
                    if let Some(part) = part {
                        part.variants.push(RawVariant {
                            values: raw_values(self.object.facts.big_endian, &entry),
                            ..RawVariant::default()
                        });
                    }
                }
                (3, dw::DW_TAG_member) => {
                    if let Some(variant) = part.as_mut().and_then(|part| part.variants.last_mut())
                        && variant.ty.is_none()
                    {
                        variant.ty = target;
                        variant.offset = member_offset(view, &entry);
                        variant.name = self.entry_name(dwarf, view, &entry);
                        variant.line = self.declared(dwarf, view, &entry);
                    }
                }
                _ => {}
            }
        }
        Ok(children)
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
        part: VariantPart,
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
        for raw in part.variants {
            let Some(ty) = raw.ty else { continue };
            let values = match raw.values {
                None => None,
                Some(RawValues::One(value, width)) => {
                    Some(vec![discriminant_value(value, width, size, signedness)])
                }
                Some(RawValues::List(bytes)) => Some(
                    discriminant_list(&bytes, size, signedness)
                        .ok_or_else(|| malformed_because(ty, "a broken list of discriminants"))?,
                ),
            };
            // A state's member is called `3`; its struct is called `Suspend0`.
            let own_name = self.own_name(dwarf, ty)?;
            let name = match own_name.as_deref() {
                Some(name) => without_arguments(name).into(),
                None => raw.name.unwrap_or_default(),
            };
            variants.push(Variant {
                name,
                values,
                offset: raw.offset,
                ty: TypeId(ty),
                line: raw.line,
            });
        }
        Ok(TypeKind::Enum { discriminant, variants })
    }

    /// The size of a discriminant's type in bytes, and whether it is signed.
    fn discriminant_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        ty: u64,
    ) -> Result<(u8, Signedness), LayoutError> {
        let (view, _, _) = self.type_entry(dwarf, ty)?;
        let entry = view.entry(ty)?;
        let size = self.size_of(ty, 0)?;
        if !(1..=16).contains(&size) {
            return Err(malformed_because(ty, "a discriminant of no usable size"));
        }
        let is_signed = matches!(
            entry.attr_value(dw::DW_AT_encoding),
            Some(AttributeValue::Encoding(dw::DW_ATE_signed | dw::DW_ATE_signed_char))
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
        let entry = view.entry(offset)?;
        self.name_of_type(dwarf, &view, index, node, &entry, depth)
    }

    fn name_of_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        index: &'s UnitIndex,
        node: NodeNumber,
        entry: &Entry<'s>,
        depth: usize,
    ) -> Result<String, LayoutError> {
        let path = self.path_of(dwarf, index, node)?;
        if entry.has_attr(dw::DW_AT_name) {
            return Ok(path);
        }
        if depth > MOST_NAMED {
            return Ok("…".to_owned());
        }
        let target = view.attribute_reference(entry, dw::DW_AT_type);
        let of = |target: Option<u64>| match target {
            Some(target) => self.type_name(dwarf, target, depth + 1),
            None => Ok("()".to_owned()),
        };
        let offset = view.start + u64::from(index.node(node).offset);
        Ok(match entry.tag() {
            dw::DW_TAG_array_type => {
                let mut name = of(target)?;
                for count in self.children(dwarf, view, offset)?.counts {
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
                let parameters = self.children(dwarf, view, offset)?.parameters;
                let parameters: Result<Vec<_>, _> =
                    parameters.into_iter().take(16).map(|ty| of(Some(ty))).collect();
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

fn base_kind(entry: &Entry<'_>, size: u64) -> TypeKind {
    // rustc describes `()` and `!` as unsigned numbers of no bytes.
    if size == 0 {
        return TypeKind::Opaque;
    }
    match entry.attr_value(dw::DW_AT_encoding) {
        Some(AttributeValue::Encoding(encoding)) => match encoding {
            dw::DW_ATE_boolean => TypeKind::Bool,
            dw::DW_ATE_float => TypeKind::Float,
            dw::DW_ATE_UTF => TypeKind::Char,
            dw::DW_ATE_signed | dw::DW_ATE_signed_char => TypeKind::Integer { signed: true },
            dw::DW_ATE_unsigned | dw::DW_ATE_unsigned_char => TypeKind::Integer { signed: false },
            _ => TypeKind::Opaque,
        },
        _ => TypeKind::Opaque,
    }
}

/// Bytes from the start of the struct. Old producers write an expression.
fn member_offset(view: &UnitView<'_>, entry: &Entry<'_>) -> u64 {
    let Some(value) = entry.attr_value(dw::DW_AT_data_member_location) else { return 0 };
    if let Some(offset) = value.udata_value() {
        return offset;
    }
    let Some(expression) = value.exprloc_value() else { return 0 };
    match expression.operations(view.unit.encoding()).next() {
        Ok(Some(gimli::Operation::PlusConstant { value })) => value,
        _ => 0,
    }
}

fn subrange_count(entry: &Entry<'_>) -> Option<u64> {
    let number = |name| entry.attr_value(name)?.udata_value();
    if let Some(count) = number(dw::DW_AT_count) {
        return Some(count);
    }
    let lower = number(dw::DW_AT_lower_bound).unwrap_or(0);
    number(dw::DW_AT_upper_bound)?.checked_sub(lower)?.checked_add(1)
}

fn signed_value(value: AttributeValue<Slice<'_>>) -> i128 {
    match value {
        AttributeValue::Udata(value) => i128::from(value),
        AttributeValue::Data16(value) => value.cast_signed(),
        other => other.sdata_value().map_or(0, i128::from),
    }
}

/// The value or list that selects a variant, as it is written.
fn raw_values(big_endian: bool, entry: &Entry<'_>) -> Option<RawValues> {
    if let Some(value) = entry.attr(dw::DW_AT_discr_value) {
        let (value, width) = match value.raw_value() {
            AttributeValue::Data1(value) => (u128::from(value), 1),
            AttributeValue::Data2(value) => (u128::from(value), 2),
            AttributeValue::Data4(value) => (u128::from(value), 4),
            AttributeValue::Data8(value) => (u128::from(value), 8),
            AttributeValue::Data16(value) => (value, 16),
            AttributeValue::Udata(value) => (u128::from(value), 16),
            AttributeValue::Sdata(value) => (i128::from(value).cast_unsigned(), 16),
            AttributeValue::Block(block) => {
                let bytes = block.slice();
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
        };
        return Some(RawValues::One(value, width));
    }
    match entry.attr_value(dw::DW_AT_discr_list)? {
        AttributeValue::Block(block) => Some(RawValues::List(block.slice().to_vec())),
        AttributeValue::Exprloc(block) => Some(RawValues::List(block.0.slice().to_vec())),
        _ => None,
    }
}
