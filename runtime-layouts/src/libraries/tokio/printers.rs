//! Notations of values of tokio's types.
//!
//! Source: `tokio/src/sync/{mutex,rwlock}.rs`, `tokio/src/time/instant.rs` (tokio 1.54.1).

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown};
use crate::libraries::rust_std;
use crate::value::ValueError;

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("tokio::time::instant::Instant", rust_std::values::instant),
    ValuePrinter::of("tokio::sync::mutex::Mutex", mutex),
    ValuePrinter::of("tokio::sync::rwlock::RwLock", |shown| {
        Ok(Some(Notation::Around { name: "RwLock", value: shown.member("c")?, state: None }))
    }),
];

/// A semaphore of one permit, whose count is kept above a bit that says whether it is closed.
fn mutex(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let semaphore = shown.find(&mut |ty| ty.member("permits").is_some())?;
    let permits = match semaphore {
        Some(semaphore) => semaphore.member(shown.program, "permits")?.unsigned(shown.program)?,
        None => u64::MAX,
    };
    let state = (permits >> 1 == 0).then_some("locked");
    Ok(Some(Notation::Around { name: "Mutex", value: shown.member("c")?, state }))
}
