//! Runtimes and their workers.

use std::io::{self, Write};

use super::Look;
use crate::report::Report;

/// Writes every runtime with its workers.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let _ = (report, look);
    out.flush()
}
