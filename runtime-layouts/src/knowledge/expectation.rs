//! Expectations: the names that unhang looks for in a program, each declared once with every
//! spelling that it ever had. The compiler's are here, a library's in its own folder.

use crate::layout::Type;
use crate::value::find_by_name::is_named;

/// What kind of thing a name is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A type; of a generic one the name up to `<`, included, or up to a `::` in its arguments.
    Type,
    /// A state machine: a type whose path ends with the name. Members are those of its variants.
    StateMachine,
    /// A thread-local variable.
    ThreadLocal,
    /// A generic function, its name up to `<`, included.
    Function,
}

/// One spelling of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spelling {
    /// The full path, as rustc writes it into DWARF.
    pub name: &'static str,
    /// The first version of the library that it was seen in, of those in `docs/versions.md`; of Rust,
    /// for what is the compiler's or the standard library's.
    pub since: &'static str,
    /// The first version that no longer has it, of those; `None` while the newest does.
    pub until: Option<&'static str>,
    /// Members that it must have; empty when none is asked for by name.
    pub members: &'static [&'static str],
}

/// One thing that is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expectation {
    /// What it is for.
    pub what: &'static str,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its spellings, newest first.
    pub spellings: &'static [Spelling],
    /// The folder or file that the newest spelling is from.
    pub source: &'static str,
    /// Whether a program may do without: it does not use that part of the library, or the linker and
    /// the optimizer left nothing of it.
    pub optional: bool,
    /// What may be there instead, by its `what`; `None` for nothing. With one, a program must have
    /// one of both.
    pub instead: Option<&'static str>,
}

impl Expectation {
    /// Whether that is the type.
    pub(crate) fn is(&self, ty: &Type) -> bool {
        self.spellings.iter().any(|spelling| match spelling.name.ends_with("::") {
            true => ty.name.starts_with(spelling.name),
            false => is_named(ty, spelling.name),
        })
    }

    /// Its newest spelling.
    pub(crate) const fn newest(&self) -> &'static str {
        self.spellings[0].name
    }

    /// Its spellings' names, newest first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.spellings.iter().map(|spelling| spelling.name)
    }
}

/// A spelling that the newest version has.
pub(crate) const fn newest(name: &'static str, since: &'static str) -> Spelling {
    Spelling { name, since, until: None, members: &[] }
}

/// A spelling that the newest version no longer has.
pub(crate) const fn was(name: &'static str, since: &'static str, until: &'static str) -> Spelling {
    Spelling { name, since, until: Some(until), members: &[] }
}

/// A spelling with members that the type must have.
pub(crate) const fn with(spelling: Spelling, members: &'static [&'static str]) -> Spelling {
    Spelling { members, ..spelling }
}

/// What of the compiler and the core library the walk itself rests on.
pub mod compiler {
    use super::{Expectation, Kind, newest, with};
    use crate::layout::coroutine::AWAITEE;

    /// What wakes a task.
    pub const WAKER: Expectation = Expectation {
        what: "what wakes a task",
        kind: Kind::Type,
        spellings: &[newest("core::task::wake::Waker", "1.95")],
        source: "library/core/src/task/wake.rs",
        optional: true,
        instead: None,
    };

    /// State machines.
    pub const MACHINES: Expectation = Expectation {
        what: "the state machine of an async fn or block",
        kind: Kind::StateMachine,
        spellings: &[
            with(newest("{async_fn_env#0}", "1.63"), &[AWAITEE]),
            with(newest("{async_block_env#0}", "1.63"), &[AWAITEE]),
        ],
        source: "compiler/rustc_codegen_llvm/src/debuginfo/metadata/type_map.rs",
        optional: true,
        instead: None,
    };
}

/// Types that are asked for by their names, one for each spelling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedTypes {
    /// The types.
    pub types: &'static Expectation,
    /// The thread-local variables that point to them without saying so, spelling by spelling;
    /// `None` for types that are asked for whatever thread-locals there are.
    pub behind: Option<&'static Expectation>,
}

impl NamedTypes {
    /// Types that are asked for whatever thread-locals there are.
    #[must_use]
    pub const fn of(types: &'static Expectation) -> Self {
        Self { types, behind: None }
    }

    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = NamedType> {
        let spellings = self.types.spellings.iter().enumerate();
        spellings.map(move |(index, spelling)| NamedType {
            name: spelling.name,
            behind: self.behind.map(|locals| locals.spellings[index].name),
        })
    }
}

/// A type that is asked for by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedType {
    /// As [`Spelling::name`] has it.
    pub name: &'static str,
    /// The thread-local variable that points to one without saying so; `None` for a type that is
    /// asked for whatever thread-locals there are.
    pub behind: Option<&'static str>,
}
