//! Pointers: the printer follows those that own or borrow, and prints the address of raw ones.

use std::fmt::Write;

use super::Printer;
use crate::layout::name::last_segment;
use crate::layout::{Type, TypeId};
use crate::value::slices::{Slice, SliceLayout};
use crate::value::{Ty, Value, ValueError};

/// Prints a fat pointer; `false` for all others.
pub(super) fn fat(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    depth: usize,
) -> Result<bool, ValueError> {
    if let Some(slice) = SliceLayout::of_fat_pointer(printer.program, value.ty, layout)? {
        let Slice { start, element, size, count } = slice.read(printer.program, value)?;
        printer.sequence(start, element, size, count, depth);
        return Ok(true);
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
        let found = self.program.code_at(address).and_then(|(module, at)| {
            self.program.layouts(module).functions_at(at).ok()?.first().cloned()
        });
        match found {
            Some(function) => format!("fn {}", function.name),
            None => format!("fn {address:#x}"),
        }
    }
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
