//! Functions that block the calling thread.

use rustc_hash::FxHashSet;

use super::ObservedResource;
use crate::layout::name::path_segments;
use crate::report::Access;
use crate::value::{Program, Ty};

/// A function that blocks the thread that calls it until something else lets it go on.
pub struct BlockingCall {
    /// Its path, without generic arguments.
    pub(crate) function: &'static str,
    /// How it takes a lock; `None` when it waits for something else.
    pub(crate) lock: Option<TakesLock>,
    /// Whether it polls a future until that is ready, as `block_on` does.
    pub(crate) polls: bool,
    /// How to find what else it waits for; `None` where only the call itself is known.
    pub(crate) awaits: Option<FindAwaited>,
    /// Whether it blocks only where that is found: else it ends by itself, as what reads a file on a
    /// disk.
    pub(crate) may_end: bool,
    /// Of one that asks for the lock again and again instead of sleeping, the bits of the lock's word of
    /// which any keeps it from going on; the lock is its `self`, and the word the first atomic there.
    /// `None` for all others.
    pub(crate) spins: Option<u64>,
}

/// Finds what a thread in a blocking call waits for; `None` where memory does not show it.
pub(crate) type FindAwaited = fn(&BlockedThread<'_>) -> Option<ObservedResource>;

/// A thread that waits in the kernel, in a function that is known to block.
pub(crate) struct BlockedThread<'b> {
    /// The target.
    pub(crate) program: &'b Program<'b>,
    /// The kernel's id of the thread.
    pub(crate) tid: u64,
    /// The whole name of the function, with the generic arguments of the type that it is of.
    pub(crate) function: &'b str,
    /// The first argument of the system call that the thread is in: the address of the word that it
    /// waits on, or the open file that it reads or writes.
    pub(crate) word: u64,
    /// The second one, as what is asked for of a file; `None` where the registers do not show it.
    pub(crate) operation: Option<u64>,
    /// The third one, as the longest time that `poll` waits; `None` in the same case.
    pub(crate) limit: Option<u64>,
    /// Whether nothing but the standard library is between the function and the user's code: a runtime
    /// calls the same functions on sockets that do not block.
    pub(crate) is_direct: bool,
    /// Whether a function on its stack has a path that begins so.
    pub(crate) calls: &'b dyn Fn(&str) -> bool,
    /// The words of its registers and its stack.
    pub(crate) words: &'b dyn Fn() -> FxHashSet<u64>,
}

impl BlockedThread<'_> {
    /// The type whose function that is; `None` where the debug information does not name it.
    pub(crate) fn owner(&self) -> Option<Ty> {
        owner(self.program, self.function)
    }
}

/// The type whose function has that whole name.
pub(crate) fn owner(program: &Program<'_>, function: &str) -> Option<Ty> {
    let last = path_segments(function).pop()?;
    let at = last.text.as_ptr() as usize - function.as_ptr() as usize;
    let owner = function[..at].strip_suffix("::")?;
    (0..program.modules().len()).find_map(|module| {
        let id = *program.layouts(module).types_named(owner, None).ok()?.first()?;
        Some(Ty { module, id })
    })
}

impl BlockingCall {
    /// A function that waits for something else than a lock.
    pub(crate) const fn call(function: &'static str) -> Self {
        Self { function, lock: None, polls: false, awaits: None, may_end: false, spins: None }
    }

    /// The same, where memory may show for what.
    pub(crate) const fn of(function: &'static str, awaits: FindAwaited) -> Self {
        Self { awaits: Some(awaits), ..Self::call(function) }
    }

    /// A function that ends by itself but where memory or the system shows for what it waits.
    pub(crate) const fn only(function: &'static str, awaits: FindAwaited) -> Self {
        Self { may_end: true, ..Self::of(function, awaits) }
    }

    /// A function that takes a lock.
    pub(crate) const fn lock(
        function: &'static str,
        access: Option<Access>,
        of_word: fn(&Program<'_>, u64) -> Option<u64>,
    ) -> Self {
        Self { lock: Some(TakesLock { access, of_word }), ..Self::call(function) }
    }

    /// A function that spins for a lock, as long as any of these bits of its word is set.
    pub(crate) const fn spin(function: &'static str, access: Option<Access>, taken: u64) -> Self {
        Self { spins: Some(taken), ..Self::lock(function, access, |_, _| None) }
    }

    /// A function that polls a future until that is ready.
    pub(crate) const fn block_on(function: &'static str) -> Self {
        Self { polls: true, ..Self::call(function) }
    }
}

/// How a function takes a lock.
#[derive(Clone, Copy)]
pub struct TakesLock {
    /// For one alone, or for several; `None` when there is but one way.
    pub(crate) access: Option<Access>,
    /// The address of the lock, by that of the word that the thread waits on; `None` when it
    /// cannot be told.
    pub(crate) of_word: fn(&Program<'_>, u64) -> Option<u64>,
}
