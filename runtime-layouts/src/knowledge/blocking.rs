//! Functions that block the calling thread.

use crate::report::Access;
use crate::value::Program;

/// A function that blocks the thread that calls it until something else lets it go on.
pub struct BlockingCall {
    /// Its path, without generic arguments.
    pub(crate) function: &'static str,
    /// How it takes a lock; `None` when it waits for something else.
    pub(crate) lock: Option<TakesLock>,
    /// Whether it polls a future until that is ready, as `block_on` does.
    pub(crate) polls: bool,
}

impl BlockingCall {
    /// A function that waits for something else than a lock.
    pub(crate) const fn call(function: &'static str) -> Self {
        Self { function, lock: None, polls: false }
    }

    /// A function that takes a lock.
    pub(crate) const fn lock(
        function: &'static str,
        access: Option<Access>,
        of_word: fn(&Program<'_>, u64) -> Option<u64>,
    ) -> Self {
        Self { function, lock: Some(TakesLock { access, of_word }), polls: false }
    }

    /// A function that polls a future until that is ready.
    pub(crate) const fn block_on(function: &'static str) -> Self {
        Self { function, lock: None, polls: true }
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
