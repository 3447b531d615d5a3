//! The types that a type or function refers to, in a fixed order.

use runtime_layouts::layout::{Function, Type, TypeId, TypeKind};

/// Adds the types that a type refers to: its parameters, then its parts.
pub(super) fn types_of_type(ty: &Type, found: &mut Vec<TypeId>) {
    found.extend(ty.type_parameters.iter().map(|parameter| parameter.ty));
    match &ty.kind {
        TypeKind::Pointer { target } => found.extend(target),
        TypeKind::Struct { members } | TypeKind::Union { members } => {
            found.extend(members.iter().map(|member| member.ty));
        }
        TypeKind::Enum { variants, .. } => {
            found.extend(variants.iter().map(|variant| variant.ty));
        }
        TypeKind::Array { element, .. } => found.push(*element),
        _ => {}
    }
}

pub(super) fn types_of_function(function: &Function, found: &mut Vec<TypeId>) {
    found.extend(function.type_parameters.iter().map(|parameter| parameter.ty));
    found.extend(function.variables.iter().map(|variable| variable.ty));
}
