//! Open files of the process: what the system tells of one.

use crate::knowledge::{ObservedResource, OfSystem};
use crate::report::ResourceKind;
use crate::value::{Program, Value};

/// An open file whose type does not say what it is.
pub(crate) const ANY: &str = "a file descriptor";

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
    if let Some(place) = known.as_ref().and_then(|known| known.place.as_ref()) {
        name.push_str(&format!(" {place}"));
    }
    // Of others the type says it.
    let kind = known.as_ref().and_then(|known| known.kind.as_ref()).filter(|_| what == ANY);
    match (fd, kind) {
        (Some(fd), Some(kind)) => name.push_str(&format!(" (fd {fd}, {kind})")),
        (Some(fd), None) => name.push_str(&format!(" (fd {fd})")),
        (None, _) => {}
    }
    seen.name = Some(name.into());
    seen.of_system = fd.map(OfSystem::File);
    (seen.state, seen.ends) = known.map(|known| (known.state, known.ends)).unwrap_or_default();
    seen
}
