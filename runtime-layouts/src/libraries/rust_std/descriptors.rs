//! Open files of the process: what the system tells of one.

use crate::knowledge::ObservedResource;
use crate::report::ResourceKind;
use crate::value::{Program, Value};

/// What a value waits for that has the open file of that number: which it is, with its addresses, and
/// how it stands.
pub(crate) fn observed(
    program: &Program<'_>,
    value: Value,
    fd: Option<u64>,
    what: &str,
) -> ObservedResource {
    let host = program.target().host();
    let known = fd.and_then(|fd| host?.descriptor(fd));
    let mut seen = ObservedResource::new(ResourceKind::Io, value);
    let mut name = what.to_string();
    if let Some(known) = &known {
        name.push_str(&format!(" {}", known.place));
    }
    if let Some(fd) = fd {
        name.push_str(&format!(" (fd {fd})"));
    }
    seen.name = Some(name.into());
    seen.state = known.and_then(|known| known.state);
    seen
}
