//! Notations for values whose layout means nothing to a developer.

use crate::layout::Type;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// A type whose values have a notation of their own.
pub struct ValuePrinter {
    /// Its path, without generic arguments; one that ends in `::` is a module's, all of whose types
    /// are meant.
    pub(crate) path: &'static str,
    /// Reads such a value. `None` when its layout is not the one that is known: then it is written
    /// by its layout, as all others are.
    pub(crate) read: ReadNotation,
}

/// Reads how a value is written.
pub(crate) type ReadNotation = fn(&Shown<'_>) -> Result<Option<Notation>, ValueError>;

/// The value that is written.
pub(crate) struct Shown<'p> {
    pub(crate) program: &'p Program<'p>,
    pub(crate) value: Value,
    /// Its type.
    pub(crate) layout: &'p Type,
    /// How many elements or entries are shown at most.
    pub(crate) most: u64,
}

/// How a value is written.
pub(crate) enum Notation {
    /// As this text.
    Text(String),
    /// As a value in it, which it adds nothing to.
    As(Value),
    /// As a value that it points to, a level deeper.
    Behind(Value),
    /// `Mutex(5, locked)`: a value in it, a level deeper, and what it says of itself.
    Around { name: &'static str, value: Value, state: Option<&'static str> },
    /// As a quoted text of so many bytes, with `b` or nothing before it.
    Quoted { start: u64, length: u64, prefix: &'static str },
    /// `[1, 2, … 3 more]`.
    Elements { count: u64, get: Box<dyn Fn(u64) -> Value> },
    /// `{key: value, … 3 more}`: those to show, and how many there are.
    Entries { shown: Vec<Entry>, count: u64 },
}

/// An entry of a map or a set: the key, and the value of a map.
pub(crate) type Entry = (Value, Option<Value>);

impl ValuePrinter {
    pub(crate) const fn of(path: &'static str, read: ReadNotation) -> Self {
        Self { path, read }
    }
}

impl Shown<'_> {
    /// A member of the value.
    pub(crate) fn member(&self, name: &str) -> Result<Value, ValueError> {
        self.value.member(self.program, name)
    }

    /// A member that is a number.
    pub(crate) fn number(&self, name: &str) -> Result<u64, ValueError> {
        self.member(name)?.unsigned(self.program)
    }

    /// The value of that type in the value itself, not behind a pointer.
    pub(crate) fn find(
        &self,
        wanted: &mut dyn FnMut(&Type) -> bool,
    ) -> Result<Option<Value>, ValueError> {
        find(self.program, self.value, wanted)
    }
}

/// The value of a type in another one, not behind a pointer.
pub(crate) fn find(
    program: &Program<'_>,
    value: Value,
    wanted: &mut dyn FnMut(&Type) -> bool,
) -> Result<Option<Value>, ValueError> {
    match path::find(program, value.ty, Reach::INLINE, wanted) {
        Some(path) => path.follow(program, value),
        None => Ok(None),
    }
}

/// The generic argument of that name, as a type.
pub(crate) fn argument(layout: &Type, value: Value, name: &str) -> Option<Ty> {
    layout.type_parameter(name).map(|id| Ty { module: value.ty.module, id })
}

/// Elements of one size that lie one behind the other.
pub(crate) fn elements(start: u64, element: Ty, size: u64, count: u64) -> Notation {
    let get = move |index: u64| {
        let address = start.wrapping_add(index.wrapping_mul(size));
        Value { ty: element, address }
    };
    Notation::Elements { count, get: Box::new(get) }
}
