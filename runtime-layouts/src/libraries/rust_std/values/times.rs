//! Durations and points in time.
//!
//! `library/core/src/time.rs`, `library/std/src/sys/pal/unix/time.rs` (Rust 1.95).

use std::time::Duration;

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown};
use crate::value::ValueError;

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("core::time::Duration", duration),
    ValuePrinter::of("std::time::Instant", instant),
    ValuePrinter::of("std::time::SystemTime", system_time),
];

const NANOS: u64 = 1_000_000_000;

fn duration(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let (seconds, nanos) = (shown.number("secs")?, shown.number("nanos")?);
    let text = match u32::try_from(nanos).ok().filter(|_| nanos < NANOS) {
        Some(nanos) => format!("{:?}", Duration::new(seconds, nanos)),
        None => format!("<not a Duration: {seconds} s {nanos} ns>"),
    };
    Ok(Some(Notation::Text(text)))
}

/// By the system's monotonic clock.
pub(crate) fn instant(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    point(shown, "Instant")
}

fn system_time(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    point(shown, "SystemTime")
}

fn point(shown: &Shown<'_>, name: &str) -> Result<Option<Notation>, ValueError> {
    let Some(time) = shown.find(&mut |ty| ty.member("tv_sec").is_some())? else { return Ok(None) };
    let seconds = time.member(shown.program, "tv_sec")?.unsigned(shown.program)?.cast_signed();
    let nanos = time.member(shown.program, "tv_nsec")?.unsigned(shown.program)?;
    let millis = nanos.min(NANOS - 1) / 1_000_000;
    Ok(Some(Notation::Text(format!("{name}({seconds}.{millis:03} s)"))))
}
