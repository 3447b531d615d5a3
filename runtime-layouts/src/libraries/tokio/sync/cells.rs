//! `OnceCell`, `SetOnce` and `Barrier`.
//!
//! Source: `tokio/src/sync/{once_cell,set_once,barrier}.rs` (tokio 1.54.1).

use super::{notify, semaphore};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::tokio::linked_list;
use crate::report::ResourceKind;
use crate::value::{Value, ValueError};

pub(in crate::libraries::tokio) const BARRIER: &str = "tokio::sync::barrier::Barrier";

/// `OnceCell`: who initializes it has the only permit of a semaphore. That one waits for what it
/// initializes it with.
pub(in crate::libraries::tokio) fn once_cell(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    if !semaphore::is_asked_for(reading)? {
        return Ok(None);
    }
    let Some(mut seen) = semaphore::around(reading, ResourceKind::OnceCell, value)? else {
        return Ok(None);
    };
    seen.is_taken = semaphore::free(reading, value)?.map(|free| free == 0);
    seen.parties = seen.is_taken.map(u64::from);
    seen.access = None;
    seen.state = Some(initialized(reading, value)?);
    Ok(Some(seen))
}

/// `SetOnce`: a `Notify` that announces the value.
pub(in crate::libraries::tokio) fn set_once(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::OnceCell, value);
    seen.state = Some(initialized(reading, value)?);
    seen.is_granted = notify::is_granted(reading)?;
    seen.order = Some((linked_list::waiters, value));
    Ok(Some(seen))
}

fn initialized(reading: &Reading<'_>, value: Value) -> Result<String, ValueError> {
    let is_set = value.member(reading.program, "value_set")?.unsigned(reading.program)? != 0;
    Ok(if is_set { "set" } else { "not set" }.to_string())
}

/// `Barrier`: `n` and how many have arrived in this generation.
pub(in crate::libraries::tokio) fn barrier(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Barrier, value);
    let all = value.member(reading.program, "n")?.unsigned(reading.program)?;
    if let Some(arrived) = value.find_number(reading.program, "arrived")? {
        seen.state = Some(format!("{arrived} of {all} arrived"));
    }
    seen.is_granted = notify::is_granted(reading)?;
    Ok(Some(seen))
}
