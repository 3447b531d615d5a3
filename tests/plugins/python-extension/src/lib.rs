//! An extension module of Python: `import rates_python; rates_python.start()`.

use pyo3::prelude::*;

/// The module.
#[pymodule]
mod rates_python {
    use super::*;

    /// Starts the runtime.
    #[pyfunction]
    fn start(py: Python<'_>) {
        py.detach(rates::start);
    }
}
