//! Pointers: followed where they own or borrow, an address where they are raw.

use std::fmt::Write;

use super::{Printer, find};
use crate::layout::name::last_segment;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::{Ty, Value, ValueError};

/// Prints fat pointers, and pointers that share what they own; `false` for all others.
pub(super) fn special(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    path: &str,
    depth: usize,
) -> Result<bool, ValueError> {
    match path {
        "alloc::rc::Rc" | "alloc::sync::Arc" => return shared(printer, value, layout, depth),
        "alloc::rc::Weak" | "alloc::sync::Weak" => {
            printer.out.push_str("(Weak)");
            return Ok(true);
        }
        _ => {}
    }
    if layout.member("data_ptr").is_some() && layout.member("length").is_some() {
        return slice(printer, value, depth);
    }
    if layout.member("vtable").is_some() && layout.members().len() == 2 {
        return object(printer, value, layout, depth);
    }
    Ok(false)
}

impl Printer<'_> {
    /// A thin pointer.
    pub(super) fn pointer(
        &mut self,
        value: Value,
        layout: &Type,
        target: Option<TypeId>,
        depth: usize,
    ) -> Result<(), ValueError> {
        let address = self.program.read_pointer(value.address)?;
        if layout.name.starts_with("fn(") || layout.name.contains(" fn(") {
            self.out.push_str(&self.function(address));
            return Ok(());
        }
        // A captured reference has no name of its own.
        let is_raw = layout.name.starts_with('*');
        match target {
            Some(id) if !is_raw && address != 0 => {
                let target = Value { ty: Ty { module: value.ty.module, id }, address };
                if depth == 0 {
                    self.out.push('…');
                } else {
                    self.value(target, depth - 1);
                }
            }
            _ => {
                let _ = write!(self.out, "{address:#x}");
            }
        }
        Ok(())
    }

    /// The function at an address, by its name.
    fn function(&self, address: u64) -> String {
        let found = self.program.module_at(address).and_then(|(module, at)| {
            self.program.layouts(module).functions_at(at).ok()?.first().cloned()
        });
        match found {
            Some(function) => format!("fn {}", function.name),
            None => format!("fn {address:#x}"),
        }
    }
}

fn slice(printer: &mut Printer<'_>, value: Value, depth: usize) -> Result<bool, ValueError> {
    let program = printer.program;
    let data = value.member(program, "data_ptr")?;
    let TypeKind::Pointer { target: Some(id) } = program.type_of(data.ty)?.kind else {
        return Ok(false);
    };
    let element = Ty { module: value.ty.module, id };
    let size = program.type_of(element)?.size;
    let start = program.read_pointer(data.address)?;
    let length = value.member(program, "length")?.unsigned(program)?;
    printer.sequence(start, element, size, length, depth);
    Ok(true)
}

/// A `dyn Trait`: as the type that its vtable is of, where the debug information tells.
fn object(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    let data = program.read_pointer(value.member(program, &layout.members()[0].name)?.address)?;
    let vtable = program.read_pointer(value.member(program, "vtable")?.address)?;
    let concrete = program.module_at(vtable).and_then(|(module, address)| {
        let id = *program.layouts(module).vtable_types(address).ok()?.first()?;
        Some(Ty { module, id })
    });
    match concrete {
        Some(ty) if depth > 0 => printer.value(Value { ty, address: data }, depth - 1),
        _ => {
            let name = layout.name.find("dyn ").map_or(&*layout.name, |at| &layout.name[at..]);
            let _ =
                write!(printer.out, "{} at {data:#x}", last_segment(name.trim_end_matches('>')));
        }
    }
    Ok(true)
}

/// `library/alloc/src/{rc,sync}.rs` (Rust 1.95): a pointer to the counts and the value.
fn shared(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    let mut is_fat = |ty: &Type| ty.member("data_ptr").is_some() || ty.member("vtable").is_some();
    if let Some(fat) = find(program, value, &mut is_fat)? {
        return shared_slice(printer, fat, layout, depth);
    }
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
    let Some(pointer) = find(program, value, &mut is_pointer)? else { return Ok(false) };
    let Some(inner) = pointer.pointee(program)? else { return Ok(false) };
    let layout = inner.layout(program)?;
    let Some(member) = layout.member("data").or_else(|| layout.member("value")) else {
        return Ok(false);
    };
    let held = inner.member(program, &member.name)?;
    if depth == 0 {
        printer.out.push('…');
    } else {
        printer.value(held, depth - 1);
    }
    Ok(true)
}

/// `Arc<str>` and `Arc<[T]>`: the elements follow the two counts.
fn shared_slice(
    printer: &mut Printer<'_>,
    fat: Value,
    layout: &Type,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    let counts = 2 * u64::from(program.pointer_size());
    let Ok(data) = fat.member(program, "data_ptr") else {
        let _ = write!(printer.out, "{}", last_segment(&layout.name));
        return Ok(true);
    };
    let start = program.read_pointer(data.address)?;
    let length = fat.member(program, "length")?.unsigned(program)?;
    let element = super::argument(layout, fat, "T").map(|ty| program.type_of(ty)).transpose()?;
    match element.map(|layout| layout.kind.clone()) {
        Some(TypeKind::Array { element, .. }) => {
            let element = Ty { module: fat.ty.module, id: element };
            let shape = program.type_of(element)?;
            let align = shape.align.unwrap_or(1).clamp(1, 1 << 20);
            let start = start.wrapping_add(counts.next_multiple_of(align));
            printer.sequence(start, element, shape.size, length, depth);
        }
        _ if layout.name.contains("<str") => {
            printer.text(start.wrapping_add(counts), length, "")?
        }
        _ => {
            let _ = write!(printer.out, "{}", last_segment(&layout.name));
        }
    }
    Ok(true)
}
