//! Paths to parts of values: `name`, `name.field`, `name.0`, `name[3]`, `*name`.

use crate::layout::{Type, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::slices::{Slice, SliceLayout};
use crate::value::{Program, Ty, Value, ValueError};

/// Pointers that a field is looked for behind, as `.` does in Rust.
const DEEPEST_DEREF: usize = 8;

/// One step of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// `.name` or `.0`
    Field(String),
    /// `[3]`
    Index(u64),
    /// `*`
    Deref,
}

/// A path: where it starts, and its steps in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValuePath {
    /// The variable.
    pub variable: String,
    /// The steps from there.
    pub steps: Vec<Step>,
}

/// Reads a path.
///
/// # Errors
/// A sentence that says where it is none.
pub fn parse(text: &str) -> Result<ValuePath, String> {
    let wrong = |at: &str| {
        format!(
            "`{at}` is not a path: write `name.field`, `name[3]` or \
                                    `*name`."
        )
    };
    let text = text.trim();
    let inner = text.trim_start_matches('*');
    let derefs = text.len() - inner.len();
    let end = inner.find(['.', '[']).unwrap_or(inner.len());
    let (variable, mut rest) = inner.split_at(end);
    if variable.is_empty() || !variable.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(wrong(text));
    }
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(field) = rest.strip_prefix('.') {
            let end = field.find(['.', '[']).unwrap_or(field.len());
            let (name, after) = field.split_at(end);
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Err(wrong(rest));
            }
            steps.push(Step::Field(name.to_string()));
            rest = after;
        } else {
            let index = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((number, after)) = index else { return Err(wrong(rest)) };
            let number = number.trim().parse().map_err(|_| wrong(rest))?;
            steps.push(Step::Index(number));
            rest = after;
        }
    }
    steps.extend(vec![Step::Deref; derefs]);
    Ok(ValuePath { variable: variable.to_string(), steps })
}

/// Goes one step from a value.
///
/// # Errors
/// A sentence that says what there is instead.
pub fn follow(program: &Program<'_>, value: Value, step: &Step) -> Result<Value, String> {
    match step {
        Step::Field(name) => field(program, value, name),
        Step::Index(index) => element(program, value, *index),
        Step::Deref => deref(program, value)
            .map_err(|error| sentence(&error))?
            .ok_or_else(|| format!("`{}` cannot be dereferenced.", type_name(program, value))),
    }
}

fn sentence(error: &ValueError) -> String {
    format!("It cannot be read: {error}.")
}

fn type_name(program: &Program<'_>, value: Value) -> String {
    program
        .type_of(value.ty)
        .map_or_else(|error| error.to_string(), |layout| layout.name.to_string())
}

/// The field of that name, of the value or of what it points to.
fn field(program: &Program<'_>, value: Value, name: &str) -> Result<Value, String> {
    let mut at = value;
    let mut known: Vec<String> = Vec::new();
    for _ in 0..DEEPEST_DEREF {
        let fields = fields(program, at).map_err(|error| sentence(&error))?;
        let wanted =
            |field: &&(String, Value)| field.0 == name || field.0.strip_prefix("__") == Some(name);
        if let Some((_, found)) = fields.iter().find(wanted) {
            return Ok(*found);
        }
        if known.is_empty() {
            known =
                fields.into_iter().map(|(name, _)| name.trim_start_matches("__").into()).collect();
        }
        match deref(program, at).map_err(|error| sentence(&error))? {
            Some(next) => at = next,
            None => break,
        }
    }
    let ty = type_name(program, value);
    Err(match known.as_slice() {
        [] => format!("`{ty}` has no fields."),
        known => format!("`{ty}` has no field `{name}`; it has: {}.", known.join(", ")),
    })
}

fn fields(program: &Program<'_>, value: Value) -> Result<Vec<(String, Value)>, ValueError> {
    let layout = program.type_of(value.ty)?;
    let holder = match &layout.kind {
        TypeKind::Enum { .. } => value.active_variant(program)?.1,
        _ => value,
    };
    let layout = program.type_of(holder.ty)?;
    let member = |member: &crate::layout::Member| {
        let ty = Ty { module: holder.ty.module, id: member.ty };
        let address = holder.address.wrapping_add(member.offset);
        (member.name.to_string(), Value { ty, address })
    };
    Ok(layout.members().iter().map(member).collect())
}

/// What a pointer points to, also one that shares what it owns.
fn deref(program: &Program<'_>, value: Value) -> Result<Option<Value>, ValueError> {
    let layout = program.type_of(value.ty)?;
    if let TypeKind::Pointer { target: Some(_) } = &layout.kind {
        return value.pointee(program);
    }
    let is_shared =
        ["alloc::sync::Arc<", "alloc::rc::Rc<"].iter().any(|p| layout.name.starts_with(p));
    let is_wrapper =
        ["core::pin::Pin<", "alloc::boxed::Box<"].iter().any(|p| layout.name.starts_with(p));
    if !is_shared && !is_wrapper {
        return Ok(None);
    }
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
    let Some(path) = path::find(program, value.ty, Reach::INLINE, &mut is_pointer) else {
        return Ok(None);
    };
    let Some(pointer) = path.follow(program, value)? else { return Ok(None) };
    let Some(target) = pointer.pointee(program)? else { return Ok(None) };
    if !is_shared {
        return Ok(Some(target));
    }
    let held = ["data", "value"].iter().find_map(|name| target.member(program, name).ok());
    Ok(Some(held.unwrap_or(target)))
}

/// An element of an array, slice or vector.
fn element(program: &Program<'_>, value: Value, index: u64) -> Result<Value, String> {
    let mut at = value;
    for _ in 0..DEEPEST_DEREF {
        if let Some(Slice { start, element: ty, size, count }) =
            sequence(program, at).map_err(|error| sentence(&error))?
        {
            if index >= count {
                return Err(format!("There is no element {index}: the length is {count}."));
            }
            return Ok(Value { ty, address: start.wrapping_add(index.wrapping_mul(size)) });
        }
        match deref(program, at).map_err(|error| sentence(&error))? {
            Some(next) => at = next,
            None => break,
        }
    }
    Err(format!("`{}` has no indexable elements.", type_name(program, value)))
}

/// The elements of an array, of a `Vec`, or behind a fat pointer; `None` for what has none.
fn sequence(program: &Program<'_>, value: Value) -> Result<Option<Slice>, ValueError> {
    let layout = program.type_of(value.ty)?;
    let of = |id| Ty { module: value.ty.module, id };
    if let TypeKind::Array { element, count } = &layout.kind {
        let size = program.type_of(of(*element))?.size;
        let (start, element, count) = (value.address, of(*element), count.unwrap_or(0));
        return Ok(Some(Slice { start, element, size, count }));
    }
    let slice = match layout.name.starts_with("alloc::vec::Vec<") {
        true => SliceLayout::of_vec(program, value.ty, layout)?,
        false => SliceLayout::of_fat_pointer(program, value.ty, layout)?,
    };
    slice.map(|slice| slice.read(program, value)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let path = parse(" **order.lines[3].0 ").expect("a path");
        assert_eq!(path.variable, "order");
        assert_eq!(
            path.steps,
            [
                Step::Field("lines".into()),
                Step::Index(3),
                Step::Field("0".into()),
                Step::Deref,
                Step::Deref
            ]
        );
        assert_eq!(parse("order").expect("a path").steps, []);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".a", "a..b", "a[", "a[x]", "a b", "a.b c", "*"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
