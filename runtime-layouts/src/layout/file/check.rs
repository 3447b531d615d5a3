//! The checks of a layout file: its tables refer only to entries that are there.

use super::tables::{
    StoredFunction, StoredKind, StoredLocation, StoredType, StringNumber, Tables, TypeNumber,
};

/// Checks that everything that the tables refer to is there.
///
/// # Errors
/// A clause that says what is wrong.
pub(super) fn check(tables: &Tables) -> Result<(), &'static str> {
    check_strings(tables)?;
    let check = References { tables };
    for &(path, directory) in &tables.files {
        check.string(path).and(check.string(directory))?;
    }
    tables.types.iter().try_for_each(|stored| check.stored_type(stored))?;
    tables.functions.iter().try_for_each(|stored| check.stored_function(stored))?;
    tables.functions_at.iter().flat_map(|(_, list)| list).try_for_each(|&n| check.function(n))?;
    tables.vtables.iter().flat_map(|(_, list)| list).try_for_each(|&number| check.ty(number))?;
    for stored in &tables.thread_locals {
        check.string(stored.name).and(check.ty(stored.ty))?;
    }
    tables.static_variables.iter().try_for_each(|&(_, number)| check.ty(number))?;
    tables
        .variables
        .iter()
        .flat_map(|frame| &frame.calls)
        .try_for_each(|&(_, n)| check.function(n))?;
    for stored in tables.variables.iter().flat_map(|frame| &frame.variables) {
        check.string(stored.name).and(check.string(stored.function)).and(check.ty(stored.ty))?;
    }
    let is_sorted = tables.functions_at.is_sorted_by(|a, b| a.0 < b.0)
        && tables.vtables.is_sorted_by(|a, b| a.0 < b.0)
        && tables.unit_sets.iter().all(|set| set.is_sorted_by(|a, b| a < b));
    if is_sorted { Ok(()) } else { Err("a list is not sorted") }
}

/// Whether the strings follow each other and begin at whole characters.
fn check_strings(tables: &Tables) -> Result<(), &'static str> {
    let mut before = 0;
    for &end in &tables.string_ends {
        let fits = end >= before && tables.strings.is_char_boundary(end as usize);
        before = fits.then_some(end).ok_or("its strings do not add up")?;
    }
    Ok(())
}

/// Checks of numbers that refer to entries of the tables.
struct References<'t> {
    tables: &'t Tables,
}

impl References<'_> {
    fn string(&self, number: StringNumber) -> Result<(), &'static str> {
        within(number, self.tables.string_ends.len(), "string")
    }

    fn ty(&self, number: TypeNumber) -> Result<(), &'static str> {
        within(number, self.tables.types.len(), "type")
    }

    fn function(&self, number: u32) -> Result<(), &'static str> {
        within(number, self.tables.functions.len(), "function")
    }

    fn location(&self, location: StoredLocation) -> Result<(), &'static str> {
        location.map_or(Ok(()), |(file, _)| within(file, self.tables.files.len(), "file"))
    }

    fn named_types(&self, list: &[(StringNumber, TypeNumber)]) -> Result<(), &'static str> {
        list.iter().try_for_each(|&(name, of)| self.string(name).and(self.ty(of)))
    }

    fn stored_type(&self, stored: &StoredType) -> Result<(), &'static str> {
        self.string(stored.name).and(self.location(stored.declared))?;
        self.named_types(&stored.type_parameters)?;
        within(stored.units, self.tables.unit_sets.len(), "set of units")?;
        stored.body.map_or(Ok(()), |body| self.function(body))?;
        stored.poll.map_or(Ok(()), |(_, declared)| self.location(declared))?;
        self.kind(&stored.kind)
    }

    fn kind(&self, kind: &StoredKind) -> Result<(), &'static str> {
        match kind {
            StoredKind::Pointer { target } => target.map_or(Ok(()), |target| self.ty(target)),
            StoredKind::Struct { members } | StoredKind::Union { members } => members
                .iter()
                .try_for_each(|member| self.string(member.name).and(self.ty(member.ty))),
            StoredKind::Enum { discriminant, variants } => {
                if discriminant.as_ref().is_some_and(|d| !(1..=16).contains(&d.size)) {
                    return Err("a discriminant has no usable size");
                }
                variants.iter().try_for_each(|variant| {
                    self.string(variant.name).and(self.ty(variant.ty))?;
                    self.location(variant.line).and(self.location(variant.invoked))
                })
            }
            StoredKind::PlainEnum { enumerators } => {
                enumerators.iter().try_for_each(|&(name, _)| self.string(name))
            }
            StoredKind::Array { element, .. } => self.ty(*element),
            StoredKind::Opaque
            | StoredKind::Integer { .. }
            | StoredKind::Float
            | StoredKind::Bool
            | StoredKind::Char => Ok(()),
        }
    }

    fn stored_function(&self, stored: &StoredFunction) -> Result<(), &'static str> {
        self.string(stored.name).and(self.location(stored.declared))?;
        stored.linkage_name.map_or(Ok(()), |name| self.string(name))?;
        self.named_types(&stored.type_parameters).and(self.named_types(&stored.variables))
    }
}

fn within(number: u32, count: usize, what: &'static str) -> Result<(), &'static str> {
    if (number as usize) < count {
        return Ok(());
    }
    Err(match what {
        "string" => "it refers to a string that is not there",
        "type" => "it refers to a type that is not there",
        "file" => "it refers to a file that is not there",
        "function" => "it refers to a function that is not there",
        _ => "it refers to a unit that is not there",
    })
}
