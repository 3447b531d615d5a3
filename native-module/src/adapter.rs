//! The debugger's primitives, as `unhang_shared.adapter.Adapter` declares them in Python.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use runtime_layouts::memory::{MemoryReader, ReadError};
use runtime_layouts::target::processors::RawFrame;

use crate::failure::Failure;
use report_text::text::style::escaped;

/// One debugger.
#[derive(Clone)]
pub(crate) struct Adapter {
    object: Arc<Py<PyAny>>,
    /// The thread that the debugger calls from, the only one that may call back.
    thread: ThreadId,
}

/// `unhang_shared.adapter.Process`.
#[derive(FromPyObject)]
pub(crate) struct Process {
    /// Whether it is a core file.
    pub(crate) is_core: bool,
    /// Whether it runs, or ran, on this machine, so that its process id and paths mean something.
    pub(crate) is_local: bool,
    /// Whether it is running now, so that nothing can be read consistently.
    pub(crate) is_running: bool,
    /// Its id; `None` when unknown.
    pub(crate) pid: Option<u64>,
    /// Whether it may have stood still before this stop.
    pub(crate) stood_still: bool,
    /// Two stops with the same text show the same process in the same state.
    pub(crate) stop_id: String,
}

/// `unhang_shared.adapter.Module`.
#[derive(FromPyObject)]
pub(crate) struct Module {
    /// The file's path on this machine.
    pub(crate) path: String,
    /// What was added to the file's addresses; `None` when the debugger does not know.
    pub(crate) load_bias: Option<u64>,
    /// Where its ELF header is in memory; `None` when the debugger does not know.
    pub(crate) header: Option<u64>,
}

/// `unhang_shared.adapter.Thread`.
#[derive(FromPyObject)]
pub(crate) struct Thread {
    /// The debugger's number.
    pub(crate) number: u32,
    /// The kernel's id.
    pub(crate) tid: u64,
    /// Its name; `None` when unknown.
    pub(crate) name: Option<String>,
    /// The value of the thread pointer; `None` when unknown.
    pub(crate) thread_pointer: Option<u64>,
}

impl Adapter {
    /// An adapter to call from this thread.
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        Self { object: Arc::new(object), thread: thread::current().id() }
    }

    /// Calls a primitive. `to` says what it is for: "list the threads".
    fn call<T>(
        &self,
        to: &str,
        name: &str,
        arguments: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>>,
    ) -> Result<T, Failure>
    where
        T: for<'a, 'py> FromPyObject<'a, 'py, Error: Into<PyErr>>,
    {
        Python::attach(|py| {
            arguments(py)
                .and_then(|arguments| self.object.bind(py).call_method1(name, arguments))
                .and_then(|answer| answer.extract::<T>().map_err(Into::into))
                .map_err(|error| failure(py, to, &error))
        })
    }

    fn ask<T>(&self, to: &str, name: &str) -> Result<T, Failure>
    where
        T: for<'a, 'py> FromPyObject<'a, 'py, Error: Into<PyErr>>,
    {
        self.call(to, name, |py| Ok(PyTuple::empty(py)))
    }

    /// What is being debugged; `None` when nothing is.
    pub(crate) fn process(&self) -> Result<Option<Process>, Failure> {
        self.ask("describe the process", "process")
    }

    /// How to start debugging, in the debugger's own commands.
    pub(crate) fn advice(&self) -> Result<String, Failure> {
        self.ask("say how to start", "advice")
    }

    /// The object files that are loaded, the executable first.
    pub(crate) fn modules(&self) -> Result<Vec<Module>, Failure> {
        self.ask("list the modules", "modules")
    }

    /// The files that it has of what is loaded, by their paths on this machine.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        self.ask("list its files", "files")
    }

    /// The auxiliary vector; empty when unknown.
    pub(crate) fn auxiliary_vector(&self) -> Result<HashMap<u64, u64>, Failure> {
        self.ask("read the auxiliary vector", "auxiliary_vector")
    }

    /// Where the process has memory that can be read and written and shows no file, from the first
    /// address to the one after the last; empty when unknown.
    pub(crate) fn data_areas(&self) -> Result<Vec<(u64, u64)>, Failure> {
        self.ask("tell where memory is", "data_areas")
    }

    /// The threads, in the debugger's order.
    pub(crate) fn threads(&self, thread_pointer: Option<&str>) -> Result<Vec<Thread>, Failure> {
        self.call("list the threads", "threads", |py| (thread_pointer,).into_pyobject(py))
    }

    /// The number of the selected thread; `None` when none is.
    pub(crate) fn selected_thread(&self) -> Result<Option<u32>, Failure> {
        self.ask("name the selected thread", "selected_thread")
    }

    /// The physical frames of a thread, innermost first, at most `limit`.
    pub(crate) fn frames(
        &self,
        thread: u32,
        limit: usize,
        registers: Vec<&str>,
    ) -> Result<Vec<RawFrame>, Failure> {
        self.call("unwind a thread", "frames", |py| (thread, limit, registers).into_pyobject(py))
    }

    /// Writes text to the terminal.
    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        // A debugger that shows nothing before the end has to hear of Ctrl-C here.
        if self.interrupted() {
            return Err(Failure::Interrupted);
        }
        let go_on = self.call("write", "write", |py| (text,).into_pyobject(py))?;
        if go_on { Ok(()) } else { Err(Failure::Quit) }
    }

    /// Columns of the terminal; `None` for no limit.
    pub(crate) fn width(&self) -> Result<Option<usize>, Failure> {
        self.ask("tell its width", "width")
    }

    /// Whether the terminal takes colours.
    pub(crate) fn styled(&self) -> Result<bool, Failure> {
        self.ask("tell its style", "styled")
    }

    /// Gives values to the debugger: each a name, an address and a type. Returns the names under
    /// which it knows them; `None` for one whose type it does not know.
    pub(crate) fn hand_over(
        &self,
        values: &[(String, u64, String)],
    ) -> Result<Vec<Option<String>>, Failure> {
        self.call("take values", "hand_over", |py| (values.to_vec(),).into_pyobject(py))
    }

    /// Whether the user asked to stop.
    pub(crate) fn interrupted(&self) -> bool {
        // Python's own flag, then the debugger's. Anything that goes wrong here is an interrupt
        // too: it would otherwise be lost.
        Python::attach(|py| py.check_signals().is_err())
            || self.ask::<bool>("tell about Ctrl-C", "interrupted").unwrap_or(true)
    }
}

/// What a Python exception means to the user.
fn failure(py: Python<'_>, to: &str, error: &PyErr) -> Failure {
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        return Failure::Interrupted;
    }
    let text = error.value(py).to_string();
    let text = escaped(text.trim());
    Failure::Sentence(format!("The debugger could not {to}: {}.", text.trim_end_matches('.')))
}

/// The process's memory as the debugger reads it.
pub(crate) struct DebuggerMemory(pub(crate) Adapter);

impl MemoryReader for DebuggerMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let error = ReadError { address, length: buffer.len() };
        // gdb may be called from its own thread only, and a thread that waits for the interpreter
        // while the interpreter's thread waits for it would wait for ever.
        if thread::current().id() != self.0.thread {
            return Err(error);
        }
        Python::attach(|py| {
            let object = self.0.object.bind(py);
            let answer = object.call_method1("read_memory", (address, buffer.len()));
            let answer = answer.map_err(|raised| {
                if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
                    // Python forgets it when it is caught; keep it for the next check.
                    raise_again(py);
                }
                error
            })?;
            let bytes = answer.cast::<PyBytes>().map_err(|_| error)?.as_bytes();
            (bytes.len() == buffer.len()).then(|| buffer.copy_from_slice(bytes)).ok_or(error)
        })
    }
}

/// Marks Ctrl-C as pending, as if it came now.
fn raise_again(py: Python<'_>) {
    let interrupt = || py.import("_thread")?.call_method0("interrupt_main");
    // It can only fail when the interpreter is going down; then nothing is left to interrupt.
    let _: PyResult<Bound<'_, PyAny>> = interrupt();
}
