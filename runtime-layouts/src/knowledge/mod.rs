//! The vocabulary in which a library describes itself, and the list of libraries that an inspection
//! knows.
//!
//! Each library has a folder and describes itself in one [`Library`]. Consumers ask [`Libraries`]:
//! the walk for resources and guards, the value printer for notations, the layout extractor for the
//! types that a debugger will look up by name.

pub(crate) mod blocking;
pub(crate) mod children;
pub(crate) mod connection;
pub(crate) mod deadline;
pub mod declared;
pub mod expectation;
mod future_set;
mod guard;
mod libraries;
pub(crate) mod naming;
pub(crate) mod notation;
pub(crate) mod pool;
mod resource;
mod streaming;
pub(crate) mod waker;

pub use self::blocking::{BlockingCall, TakesLock};
pub use self::children::CollectionType;
pub use self::connection::ConnectionType;
pub use self::declared::MessagesType;
pub(crate) use self::future_set::FutureSet;
pub use self::future_set::{FutureSetType, WakingType};
pub use self::guard::GuardType;
pub use self::libraries::{KnownLibrary, Libraries};
pub use self::notation::ValuePrinter;
pub use self::resource::ResourceType;
pub(crate) use self::resource::{
    ObservedResource, OfSystem, ReadOrder, ReadValue, Reading, Tasks, Wakers,
};
pub use self::streaming::{BesideType, StreamingTrait};

use self::expectation::{Expectation, NamedTypes};
use crate::layout::source::LayoutSource;

/// A library: of locks, channels and futures, or an async runtime.
#[derive(Clone, Copy)]
pub struct Library {
    /// Its name, which is that of its crate.
    pub name: &'static str,
    /// What makes it an async runtime; `None` for a library that runs no tasks.
    pub runtime: Option<Runtime>,
    /// The names that the reading of it rests on.
    pub expectations: &'static [Expectation],
    /// Types that are asked for by name. All others are reached from these, from a task, a
    /// thread-local variable or a frame, or their names are made of those of others.
    pub named_types: &'static [NamedTypes],
    /// The types whose variables at fixed addresses are asked for, which lead to a runtime or its
    /// tasks: their full names, of a generic one up to `<`, included.
    pub statics: &'static [&'static str],
    /// The types of variables at fixed addresses that may have ends of channels in them, in the same
    /// way.
    pub holding_statics: &'static [&'static str],
    /// The crates whose units describe those types.
    pub defining_crates: &'static [&'static str],
    /// Crates of runtimes whose tasks are not read.
    pub unsupported_runtimes: &'static [&'static str],
    /// The beginnings of the paths of functions that only pass on the call to a future's `poll`.
    pub passing_on: &'static [&'static str],
    /// The beginnings of the paths of functions by which a thread that blocks enters the kernel.
    pub entering_kernel: &'static [&'static str],
    /// The beginnings of the paths of functions that are a system call themselves, with the debug
    /// information that the system's C library has not.
    pub system_calls: &'static [&'static str],
    /// Of these the last parts of the paths of functions in which a thread does not wait: it wakes
    /// others, or lets others run.
    pub passing_kernel: &'static [&'static str],
    /// The paths of functions that run an initializer while others wait for what it makes: their
    /// receiver is what those wait for.
    pub initializing: &'static [&'static str],
    /// The beginnings of the paths of futures that are around another one, their member `future`, which
    /// names what they do.
    pub around: &'static [&'static str],
    /// Private paths of the library and the public ones that export the same items.
    pub public_paths: &'static [(&'static str, &'static str)],
    /// What its macros put before and behind the names of its users' functions.
    pub macro_names: &'static [(&'static str, &'static str)],
    /// What its futures wait for.
    pub resources: &'static [ResourceType],
    /// What keeps it from others.
    pub guards: &'static [GuardType],
    /// Its connections to other programs, and requests on them.
    pub connections: &'static [ConnectionType],
    /// The types of streams of bytes that speak TLS around others; of generic ones up to `<`,
    /// included.
    pub secure_streams: &'static [&'static str],
    /// The types that are the number of an open file.
    pub descriptors: &'static [&'static str],
    /// The beginnings of the paths of what sends requests: a request in one of its frames did not
    /// come, but is to be sent.
    pub sending: &'static [&'static str],
    /// The paths of types that lead to its runtimes and tasks, without generic arguments.
    pub handles: &'static [&'static str],
    /// What holds futures where the walk's general rule does not look.
    pub collections: &'static [&'static [CollectionType]],
    /// What takes messages out of channels that are declared.
    pub messages: &'static [MessagesType],
    /// Sets of futures that give each a waker of their own.
    pub future_sets: &'static [FutureSetType],
    /// Futures that give what they poll wakers of their own.
    pub waking: &'static [WakingType],
    /// The paths of futures that have ended when they hold none of those that they could hold.
    pub ended_when_empty: &'static [&'static str],
    /// Futures and streams that always have something to give, so that nothing waits in them.
    pub never_pending: &'static [&'static str],
    /// Traits whose objects may have futures in them that are polled.
    pub streaming: &'static [StreamingTrait],
    /// Futures that wait for sockets of their own beside the futures that they poll.
    pub waiting_beside: &'static [BesideType],
    /// The paths of wrappers in which a future may be, and later its output.
    pub output_wrappers: &'static [&'static str],
    /// Functions of which it matters whether a program has them: the last parts of their paths.
    pub notable_functions: &'static [&'static str],
    /// Functions that give out a handle with which a task can be aborted: the last parts of their
    /// paths. A program that has none of them aborts a task only by what awaits its end.
    pub makes_abort_handles: &'static [&'static str],
    /// Its functions that block the thread that calls them.
    pub blocking: &'static [BlockingCall],
    /// Types whose values have a notation of their own.
    pub printers: &'static [&'static [ValuePrinter]],
    /// Beginnings of generic arguments that its users do not spell, since they use an alias, and
    /// what they spell instead.
    pub aliases: &'static [(&'static str, &'static str)],
}

impl Library {
    /// The name of its crate in paths: `async_executor`.
    #[must_use]
    pub fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }

    /// A library of that name of which nothing else is known: what it has is added to this.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            runtime: None,
            expectations: &[],
            named_types: &[],
            statics: &[],
            holding_statics: &[],
            defining_crates: &[],
            unsupported_runtimes: &[],
            passing_on: &[],
            entering_kernel: &[],
            system_calls: &[],
            passing_kernel: &[],
            initializing: &[],
            around: &[],
            public_paths: &[],
            macro_names: &[],
            resources: &[],
            guards: &[],
            connections: &[],
            secure_streams: &[],
            descriptors: &[],
            sending: &[],
            handles: &[],
            collections: &[],
            messages: &[],
            future_sets: &[],
            waking: &[],
            ended_when_empty: &[],
            never_pending: &[],
            streaming: &[],
            waiting_beside: &[],
            output_wrappers: &[],
            notable_functions: &[],
            makes_abort_handles: &[],
            blocking: &[],
            printers: &[],
            aliases: &[],
        }
    }
}

impl Library {
    /// Whether an object file has what leads to this runtime, or to its tasks.
    #[must_use]
    pub fn is_in(&self, layouts: &dyn LayoutSource) -> bool {
        let has_root = |root| layouts.thread_locals(root).is_ok_and(|found| !found.is_empty());
        let has_static =
            |name: &&str| layouts.static_variables(name).is_ok_and(|found| !found.is_empty());
        self.runtime.and_then(|runtime| runtime.root).is_some_and(has_root)
            || self.statics.iter().any(has_static)
    }
}

/// What an object file with a runtime in it is known by.
#[derive(Clone, Copy)]
pub struct Runtime {
    /// The thread-local variable that leads to the runtime that a thread is inside of: its path, as
    /// rustc writes it into DWARF. Its description needs the runtime's own types. `None` for a
    /// runtime that no thread-local variable leads to.
    pub root: Option<&'static str>,
    /// Text that every object with the runtime in it has among its constants.
    pub text: &'static [u8],
    /// The functions in the vtables of tasks that poll them, without generic arguments.
    pub task_polls: &'static [&'static str],
    /// The functions in which the threads of its pool for blocking work take one closure after the
    /// other, without generic arguments.
    pub pool_loops: &'static [&'static str],
}
