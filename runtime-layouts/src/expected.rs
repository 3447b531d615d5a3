//! EXPECTATIONS: names of the compiler's, the standard library's and the runtimes' own that the
//! reading of a program rests on, each declared once, with every spelling that it had.

use crate::layout::Type;
use crate::standard::words;
use crate::tokio::expected::{CELL, SCOPED, SCOPED_CONTEXTS, TRAILER};
use crate::value::parts::is_named;

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
    /// The first version of tokio that it was seen in, of those in `docs/versions.md`; of Rust, for
    /// what is the compiler's or the standard library's.
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
    /// Whether a program may do without: it does not use that part of tokio, or the linker and
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

pub(crate) const fn newest(name: &'static str, since: &'static str) -> Spelling {
    Spelling { name, since, until: None, members: &[] }
}

pub(crate) const fn was(name: &'static str, since: &'static str, until: &'static str) -> Spelling {
    Spelling { name, since, until: Some(until), members: &[] }
}

pub(crate) const fn with(spelling: Spelling, members: &'static [&'static str]) -> Spelling {
    Spelling { members, ..spelling }
}

const fn standard(
    what: &'static str,
    kind: Kind,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind, spellings, source, optional: true, instead: None }
}

/// What a state machine awaits.
pub(crate) const AWAITEE: &str = "__awaitee";

/// The file descriptor of a socket.
pub(crate) const OWNED_FD: Expectation = standard(
    "a file descriptor",
    Kind::Type,
    "library/std/src/os/fd/owned.rs",
    &[newest("std::os::fd::owned::OwnedFd", "1.95")],
);

pub(crate) const WAKER: Expectation = standard(
    "what wakes a task",
    Kind::Type,
    "library/core/src/task/wake.rs",
    &[newest("core::task::wake::Waker", "1.95")],
);

const MACHINES: Expectation = standard(
    "the state machine of an async fn or block",
    Kind::StateMachine,
    "compiler/rustc_codegen_llvm/src/debuginfo/metadata/type_map.rs",
    &[
        with(newest("{async_fn_env#0}", "1.63"), &[AWAITEE]),
        with(newest("{async_block_env#0}", "1.63"), &[AWAITEE]),
    ],
);

/// What is expected of the compiler and the standard library.
pub const STANDARD: &[Expectation] = &[MACHINES, WAKER, OWNED_FD];

/// A type that is asked for by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByName {
    /// As [`Spelling::name`] has it.
    pub name: &'static str,
    /// The thread-local variable that points to one without saying so; `None` for a type that is
    /// asked for whatever thread-locals there are.
    pub behind: Option<&'static str>,
}

/// Every type that is asked for by its name: some of the runtimes' own, and what tells which lock a
/// thread waits for. All others are reached from these, from a task, a thread-local variable or a
/// frame, or their names are made of those of others.
pub fn types_by_name() -> impl Iterator<Item = ByName> {
    let always = |name| ByName { name, behind: None };
    let behind = |(name, local)| ByName { name, behind: Some(local) };
    let scoped = SCOPED_CONTEXTS.names().zip(SCOPED.names());
    let others = CELL.names().chain(TRAILER.names()).chain(words::NAMED);
    others.map(always).chain(scoped.map(behind))
}
