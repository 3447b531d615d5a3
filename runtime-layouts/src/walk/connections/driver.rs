//! Whether something polls a connection.

use std::ops::Range;

use super::ConnectionReader;
use crate::knowledge::ConnectionType;
use crate::knowledge::connection::Driver;
use crate::report::{Chain, Driven, Frame, Task, TaskState};
use crate::value::{Program, Value};
use crate::walk::chains::live_values::LiveValue;
use crate::walk::chains::site_table::SiteTable;

/// Words of a frame that are looked at for a pointer to a connection, at most.
const MAX_WORDS: u64 = 1 << 14;

impl ConnectionReader {
    /// Whether something polls a connection; `None` for what may be old bytes.
    pub(super) fn driven(
        &self,
        program: &Program<'_>,
        sites: &SiteTable,
        (task, chain): (&Task, &Chain),
        live: &LiveValue,
        known: &ConnectionType,
    ) -> Option<Driven> {
        let range = range_of(program, live.value)?;
        let is_part = has_polled(program, sites, chain, &range);
        if live.may_be_moved && !is_part {
            return None;
        }
        match known.driver {
            Driver::Users => return Some(Driven::ByItsUsers),
            Driver::Keeper if is_polled(live) => return Some(Driven::Yes),
            Driver::Keeper | Driver::Poll => {}
        }
        let of_frame = live.variable.is_none() && is_polled(live);
        if is_part || of_frame {
            return Some(Driven::Yes);
        }
        let is_sure = task.state == TaskState::Idle
            && live.shared.is_empty()
            && live.within.is_none()
            && !has_problem(chain)
            && !may_point_to(program, sites, chain, &range);
        Some(if is_sure { Driven::No } else { Driven::Unknown })
    }
}

fn range_of(program: &Program<'_>, value: Value) -> Option<Range<u64>> {
    let size = program.type_of(value.ty).ok()?.size.max(1);
    Some(value.address..value.address.saturating_add(size))
}

/// Whether a value is in a frame that is polled.
pub(super) fn is_polled(live: &LiveValue) -> bool {
    live.holding_frame.is_none()
}

fn polled_frames<'c>(chain: &'c Chain, visit: &mut dyn FnMut(&'c Frame) -> bool) -> bool {
    chain.frames.iter().any(&mut *visit)
        || chain.polled_branches().any(|branch| polled_frames(branch, visit))
}

/// Whether a frame that is polled is that value or a part of it.
fn has_polled(program: &Program<'_>, sites: &SiteTable, chain: &Chain, range: &Range<u64>) -> bool {
    polled_frames(chain, &mut |frame| {
        // One that has it may begin with it.
        let ends_in_it = || {
            let value = Value { ty: sites.type_of(frame.site)?, address: frame.address };
            Some(range_of(program, value)?.end <= range.end)
        };
        range.contains(&frame.address) && ends_in_it() == Some(true)
    })
}

/// Whether something of a chain could not be read.
fn has_problem(chain: &Chain) -> bool {
    chain.frames.iter().any(|frame| frame.problem.is_some())
        || chain.branches.iter().any(has_problem)
}

/// Whether a frame has a pointer to that value outside of it: who has one may poll it.
fn may_point_to(
    program: &Program<'_>,
    sites: &SiteTable,
    chain: &Chain,
    value: &Range<u64>,
) -> bool {
    let word = u64::from(program.pointer_size());
    polled_frames(chain, &mut |frame| {
        let Some(ty) = sites.type_of(frame.site) else { return true };
        let Some(range) = range_of(program, Value { ty, address: frame.address }) else {
            return true;
        };
        let words = (range.end - range.start) / word;
        words > MAX_WORDS
            || (0..words).map(|number| frame.address.wrapping_add(number * word)).any(|at| {
                let leads_there = |to: u64| value.contains(&to) && !value.contains(&at);
                program.is_interrupted() || program.read_pointer(at).map_or(true, leads_there)
            })
    })
}
