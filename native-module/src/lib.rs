//! The Python module `unhang_shared._native`: the commands, over a debugger's primitives.
//!
//! gdb and lldb each implement the primitives of `unhang_shared.adapter.Adapter` in a few hundred lines of
//! Python; everything else happens here and below, once for both.

// A test program has no Python interpreter to link with, and pyo3 is not to bring one: what talks
// to Python is left out of unit tests, and tested inside the debuggers.
#![cfg_attr(test, allow(dead_code, reason = "only the modules below use it"))]

mod commands;
mod completion;
mod failure;
mod output;
mod panics;
mod selection;
mod sources;

#[cfg(not(test))]
mod adapter;
#[cfg(not(test))]
mod executable;
#[cfg(not(test))]
mod local;
#[cfg(not(test))]
mod session;
#[cfg(not(test))]
mod target;

#[cfg(not(test))]
#[pyo3::pymodule(name = "_native")]
mod module {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::session::Session;

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::panics::remember();
        crate::local::keep_from_own_threads();
        Ok(())
    }
}
