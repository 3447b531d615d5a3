//! Reference-counted pointers: `library/alloc/src/{rc,sync}.rs` (Rust 1.95).

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown, argument, elements};
use crate::layout::name::last_segment;
use crate::layout::{Type, TypeKind};
use crate::value::{Ty, Value, ValueError};

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("alloc::rc::Rc", shared),
    ValuePrinter::of("alloc::sync::Arc", shared),
    ValuePrinter::of("alloc::rc::Weak", weak),
    ValuePrinter::of("alloc::sync::Weak", weak),
];

fn weak(_: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    Ok(Some(Notation::Text("(Weak)".to_string())))
}

/// A pointer to the counts and the value.
fn shared(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let program = shown.program;
    let mut is_fat = |ty: &Type| ty.member("data_ptr").is_some() || ty.member("vtable").is_some();
    if let Some(fat) = shown.find(&mut is_fat)? {
        return Ok(Some(shared_slice(shown, fat)?));
    }
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
    let Some(pointer) = shown.find(&mut is_pointer)? else { return Ok(None) };
    let Some(inner) = pointer.pointee(program)? else { return Ok(None) };
    let layout = inner.layout(program)?;
    let Some(member) = layout.member("data").or_else(|| layout.member("value")) else {
        return Ok(None);
    };
    Ok(Some(Notation::Behind(inner.member(program, &member.name)?)))
}

/// `Arc<str>` and `Arc<[T]>`: the elements follow the two counts.
fn shared_slice(shown: &Shown<'_>, fat: Value) -> Result<Notation, ValueError> {
    let program = shown.program;
    let by_name = || Notation::Text(last_segment(&shown.layout.name));
    let counts = 2 * u64::from(program.pointer_size());
    let Ok(data) = fat.member(program, "data_ptr") else { return Ok(by_name()) };
    let start = program.read_pointer(data.address)?;
    let length = fat.member(program, "length")?.unsigned(program)?;
    let element = argument(shown.layout, fat, "T").map(|ty| program.type_of(ty)).transpose()?;
    Ok(match element.map(|layout| layout.kind.clone()) {
        Some(TypeKind::Array { element, .. }) => {
            let element = Ty { module: fat.ty.module, id: element };
            let shape = program.type_of(element)?;
            let align = shape.align.unwrap_or(1).clamp(1, 1 << 20);
            let start = start.wrapping_add(counts.next_multiple_of(align));
            elements(start, element, shape.size, length)
        }
        _ if shown.layout.name.contains("<str") => {
            Notation::Quoted { start: start.wrapping_add(counts), length, prefix: "" }
        }
        _ => by_name(),
    })
}
