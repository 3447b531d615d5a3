//! Knowledge in a form that anyone can write: what a library's own primitives are, as a small text in
//! TOML, without code. `docs/knowledge.md` has the form.
//!
//! Such a text stands in a file that the user gives, in a section of the program, or here: libraries
//! of which paths say everything are declared in it themselves.

mod check;
mod expression;
mod form;
mod member_path;
mod read;
mod reader;
mod sources;
#[cfg(test)]
mod tests;
mod text;

pub use self::check::{CheckedDeclaration, Remark, Verdict, check};
pub(crate) use self::expression::{Number, Subject};
pub(crate) use self::member_path::MemberPath;
pub use self::read::MessagesType;
pub(crate) use self::read::{Declaration, DeclaredMessages, DeclaredWait};
use self::reader::Places;
pub(super) use self::sources::libraries;
pub use self::sources::{Summary, documents, summary};
use self::text::Leaked;
use super::Library;

/// The form that is read: what `unhang` is in a text.
pub const FORM: &str = "1";

/// The bytes of a text, at most.
pub const LARGEST: usize = 1 << 18;

/// What is wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct DeclarationError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, without a full stop.
    pub what: String,
}

/// A resource of a declaration, with all that is to be checked of it.
pub(crate) struct Declared {
    of: &'static Declaration,
    /// The spellings of its type's name.
    types: Vec<Leaked>,
    places: Places,
    messages: Option<MemberPath>,
    waits: Vec<PlacedWait>,
    guards: Vec<DeclaredGuard>,
}

/// A wait of a declaration.
struct PlacedWait {
    types: Vec<Leaked>,
    wait: &'static DeclaredWait,
    /// The key that has the types.
    key: &'static str,
    places: Places,
}

/// A guard of a declaration.
struct DeclaredGuard {
    types: Vec<Leaked>,
    to: Option<MemberPath>,
    permits: Option<Number>,
    emptied: Leaked,
    places: Places,
}

/// A library that is declared here, by its text.
///
/// # Panics
/// When that is not as it has to be: a test reads each of them.
#[must_use]
pub(crate) fn built_in(text: &str) -> Library {
    match form::read(text, None) {
        Ok((library, _)) => library,
        Err(error) => panic!("{error}: {text}"),
    }
}
