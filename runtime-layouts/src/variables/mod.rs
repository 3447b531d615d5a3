//! The variables of suspended frames, with values as a Rust developer would write them.
//!
//! A general rule prints every type by its layout. A library's own notation replaces it for types
//! such as the standard containers, which show their contents instead of their structure. The
//! process is not trusted: depth, elements, text and total nodes are all bounded.

pub mod locals;
pub mod path;
mod pointers;
mod text;

use std::fmt::Write;

use crate::knowledge::Libraries;
use crate::knowledge::notation::{Entry, Notation, Shown};
use crate::layout::coroutine;
use crate::layout::name::{Environment, base_path, last_segment, path_segments};
use crate::layout::{Member, Type, TypeKind};
use crate::value::{Program, Ty, Value, ValueError};

/// How much of a value is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Structs, enums, pointers and containers within each other.
    pub depth: usize,
    /// Elements of one container, and fields of one struct.
    pub elements: u64,
    /// Bytes of one text.
    pub text: u64,
    /// Values in all.
    pub nodes: usize,
}

impl Limits {
    /// For a line beside others.
    pub const SHORT: Self = Self { depth: 4, elements: 8, text: 120, nodes: 120 };
    /// For one value that the user asked for.
    pub const LONG: Self = Self { depth: 10, elements: 100, text: 4_000, nodes: 4_000 };
}

/// A value as text.
#[must_use]
pub fn value(program: &Program<'_>, libraries: Libraries, value: Value, limits: Limits) -> String {
    let mut printer =
        Printer { program, libraries, limits, nodes: limits.nodes, out: String::new() };
    printer.value(value, limits.depth);
    printer.out
}

/// The printing of one value.
struct Printer<'p> {
    program: &'p Program<'p>,
    libraries: Libraries,
    limits: Limits,
    nodes: usize,
    out: String,
}

/// One field of a struct or variant.
struct Field {
    name: String,
    value: Value,
}

impl Printer<'_> {
    /// Prints a value; what cannot be read is marked in its place.
    fn value(&mut self, value: Value, depth: usize) {
        if self.nodes == 0 {
            return self.out.push('…');
        }
        self.nodes -= 1;
        if let Err(error) = self.try_value(value, depth) {
            let _ = match error {
                ValueError::Unreadable(_) => write!(self.out, "{error}"),
                error => write!(self.out, "<{error}>"),
            };
        }
    }

    fn try_value(&mut self, value: Value, depth: usize) -> Result<(), ValueError> {
        let layout = self.program.type_of(value.ty)?;
        if self.special(value, layout, depth)? {
            return Ok(());
        }
        match &layout.kind {
            TypeKind::Integer { signed } => self.integer(value, layout, *signed),
            TypeKind::Float => self.float(value, layout),
            TypeKind::Bool => self.boolean(value),
            TypeKind::Char => self.character(value),
            TypeKind::Pointer { target } => self.pointer(value, layout, *target, depth),
            TypeKind::Struct { members } => {
                let fields = self.fields(value, members);
                let name = last_segment(&layout.name);
                self.fields_text(&type_word(layout, &name), &fields, depth);
                Ok(())
            }
            TypeKind::Union { .. } => {
                let _ = write!(self.out, "{} {{ … }}", last_segment(&layout.name));
                Ok(())
            }
            TypeKind::Enum { variants, .. } => {
                let (active, fields) = value.active_variant(self.program)?;
                if Environment::of(&layout.name).is_some() {
                    self.machine(layout, &variants[active].name);
                    return Ok(());
                }
                let members = self.program.type_of(fields.ty)?;
                let fields = self.fields(fields, members.members());
                self.fields_text(&variants[active].name, &fields, depth);
                Ok(())
            }
            TypeKind::PlainEnum { enumerators } => self.plain_enum(value, layout, enumerators),
            TypeKind::Array { element, count } => {
                let element = Ty { module: value.ty.module, id: *element };
                let size = self.program.type_of(element)?.size;
                self.sequence(value.address, element, size, count.unwrap_or(0), depth);
                Ok(())
            }
            TypeKind::Opaque => {
                let name = if &*layout.name == "()" { "()" } else { &last_segment(&layout.name) };
                self.out.push_str(name);
                Ok(())
            }
        }
    }

    /// Prints types whose layout is not what a developer has in mind. `false` for all others.
    fn special(&mut self, value: Value, layout: &Type, depth: usize) -> Result<bool, ValueError> {
        if text::borrowed(self, value, layout)? || pointers::fat(self, value, layout, depth)? {
            return Ok(true);
        }
        let Some(known) = self.libraries.printer(base_path(&layout.name)) else { return Ok(false) };
        let (program, most) = (self.program, self.limits.elements);
        match (known.read)(&Shown { program, value, layout, most })? {
            Some(notation) => self.notation(notation, depth).map(|()| true),
            None => Ok(false),
        }
    }

    fn notation(&mut self, notation: Notation, depth: usize) -> Result<(), ValueError> {
        match notation {
            Notation::Text(text) => self.out.push_str(&text),
            Notation::As(value) => self.value(value, depth),
            Notation::Behind(value) => self.deeper(value, depth),
            Notation::Around { name, value, state } => {
                let _ = write!(self.out, "{name}(");
                self.deeper(value, depth);
                if let Some(state) = state {
                    let _ = write!(self.out, ", {state}");
                }
                self.out.push(')');
            }
            Notation::Quoted { start, length, prefix } => self.text(start, length, prefix)?,
            Notation::Elements { count, get } => {
                self.list('[', (0..count).map(get), count, depth, ']')
            }
            Notation::Entries { shown, count } => self.entries(&shown, count, depth),
        }
        Ok(())
    }

    /// A value a level deeper, or that there is one.
    fn deeper(&mut self, value: Value, depth: usize) {
        match depth.checked_sub(1) {
            Some(depth) => self.value(value, depth),
            None => self.out.push('…'),
        }
    }

    /// `{key: value, … 3 more}`.
    fn entries(&mut self, entries: &[Entry], count: u64, depth: usize) {
        if count == 0 {
            return self.out.push_str("{}");
        }
        let Some(depth) = depth.checked_sub(1) else {
            let _ = write!(self.out, "{{… {count}}}");
            return;
        };
        self.out.push('{');
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            self.value(*key, depth);
            if let Some(value) = value {
                self.out.push_str(": ");
                self.value(*value, depth);
            }
        }
        let shown = entries.len() as u64;
        if shown < count {
            let _ = write!(self.out, ", … {} more", count - shown);
        }
        self.out.push('}');
    }

    fn integer(&mut self, value: Value, layout: &Type, signed: bool) -> Result<(), ValueError> {
        let size = u8::try_from(layout.size).unwrap_or(0).min(16);
        let number = self.program.read_unsigned(value.address, size)?;
        let _ = if signed && size > 0 {
            let unused = 128 - 8 * u32::from(size);
            write!(self.out, "{}", (number << unused).cast_signed() >> unused)
        } else {
            write!(self.out, "{number}")
        };
        Ok(())
    }

    fn float(&mut self, value: Value, layout: &Type) -> Result<(), ValueError> {
        let bits = self.program.read_unsigned(value.address, layout.size.min(8) as u8)?;
        #[expect(clippy::cast_possible_truncation, reason = "so many bytes were read")]
        let _ = match layout.size {
            4 => write!(self.out, "{:?}", f32::from_bits(bits as u32)),
            8 => write!(self.out, "{:?}", f64::from_bits(bits as u64)),
            _ => write!(self.out, "<float of {} bytes>", layout.size),
        };
        Ok(())
    }

    fn boolean(&mut self, value: Value) -> Result<(), ValueError> {
        let text = match self.program.read_unsigned(value.address, 1)? {
            0 => "false".to_string(),
            1 => "true".to_string(),
            other => format!("<not a bool: {other}>"),
        };
        self.out.push_str(&text);
        Ok(())
    }

    fn character(&mut self, value: Value) -> Result<(), ValueError> {
        let number = self.program.read_unsigned(value.address, 4)?;
        let known = u32::try_from(number).ok().and_then(char::from_u32);
        let _ = match known {
            Some(known) => write!(self.out, "{known:?}"),
            None => write!(self.out, "<not a char: {number:#x}>"),
        };
        Ok(())
    }

    fn plain_enum(
        &mut self,
        value: Value,
        layout: &Type,
        enumerators: &[(std::sync::Arc<str>, i128)],
    ) -> Result<(), ValueError> {
        let size = u8::try_from(layout.size).unwrap_or(0).min(16);
        let number = self.program.read_unsigned(value.address, size)?;
        let mask = if size >= 16 { u128::MAX } else { (1 << (8 * u32::from(size))) - 1 };
        let known = enumerators.iter().find(|(_, other)| other.cast_unsigned() & mask == number);
        let _ = match known {
            Some((name, _)) => write!(self.out, "{name}"),
            None => write!(self.out, "<no {}: {number}>", last_segment(&layout.name)),
        };
        Ok(())
    }

    /// A state machine is another frame, or will be one: its name is enough.
    fn machine(&mut self, layout: &Type, state: &str) {
        let state = match state {
            coroutine::UNRESUMED => ", not polled yet",
            coroutine::RETURNED => ", has returned",
            coroutine::PANICKED => ", has panicked",
            _ => "",
        };
        let _ = write!(self.out, "{}{state}", last_segment(&layout.name));
    }

    fn fields(&self, value: Value, members: &[Member]) -> Vec<Field> {
        let mut fields: Vec<Field> = members
            .iter()
            .map(|member| Field {
                name: member.name.to_string(),
                value: Value {
                    ty: Ty { module: value.ty.module, id: member.ty },
                    address: value.address.wrapping_add(member.offset),
                },
            })
            .filter(|field| {
                let layout = self.program.type_of(field.value.ty);
                !layout.is_ok_and(Type::is_marker)
            })
            .collect();
        // The debug information lists a tuple's members in its own order.
        if fields.iter().all(|field| number_of(&field.name).is_some()) {
            fields.sort_by_key(|field| number_of(&field.name));
        }
        fields
    }

    /// `Name { a: 1, b: 2 }`, `Name(1, 2)`, `(1, 2)`, `Name`.
    fn fields_text(&mut self, name: &str, fields: &[Field], depth: usize) {
        self.out.push_str(name);
        let is_tuple = !fields.is_empty() && fields.iter().all(|f| number_of(&f.name).is_some());
        if fields.is_empty() {
            if name.is_empty() {
                self.out.push_str("()");
            }
            return;
        }
        if depth == 0 {
            self.out.push_str(if is_tuple { "(…)" } else { " { … }" });
            return;
        }
        self.out.push_str(if is_tuple { "(" } else { " { " });
        let most = usize::try_from(self.limits.elements).unwrap_or(usize::MAX);
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            if index == most {
                self.out.push('…');
                break;
            }
            if !is_tuple {
                let name = field.name.strip_prefix("_ref__").unwrap_or(&field.name);
                let _ = write!(self.out, "{name}: ");
            }
            self.value(field.value, depth - 1);
        }
        if is_tuple && fields.len() == 1 && name.is_empty() {
            self.out.push(',');
        }
        self.out.push_str(if is_tuple { ")" } else { " }" });
    }

    /// `[1, 2, …]`.
    fn sequence(&mut self, start: u64, element: Ty, size: u64, count: u64, depth: usize) {
        let addresses = (0..count).map(|index| start.wrapping_add(index.wrapping_mul(size)));
        self.list('[', addresses.map(|address| Value { ty: element, address }), count, depth, ']');
    }

    fn list(
        &mut self,
        open: char,
        values: impl Iterator<Item = Value>,
        count: u64,
        depth: usize,
        close: char,
    ) {
        self.out.push(open);
        if depth == 0 && count > 0 {
            let _ = write!(self.out, "… {count}{close}");
            return;
        }
        for (index, value) in (0_u64..).zip(values) {
            if index > 0 {
                self.out.push_str(", ");
            }
            if index == self.limits.elements || self.nodes == 0 {
                let _ = write!(self.out, "… {} more", count - index);
                break;
            }
            self.value(value, depth - 1);
        }
        self.out.push(close);
    }
}

/// What stands before a struct's fields: nothing for a tuple, words for a closure.
fn type_word(layout: &Type, name: &str) -> String {
    if layout.name.starts_with('(') {
        return String::new();
    }
    match path_segments(name).last() {
        Some(segment) if !name.starts_with('{') => segment.text.to_string(),
        _ => name.to_string(),
    }
}

/// The number of a tuple's field: `__3`.
fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix("__")?.parse().ok()
}
