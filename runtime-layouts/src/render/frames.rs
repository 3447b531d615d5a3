//! The frames of a task in the order of a backtrace, with the lines that draw its branches.

use crate::report::{Chain, Frame, FrameKind, Report, Site, Task};

/// One line of a backtrace's tree.
pub(super) enum Line<'r> {
    /// A frame with its number.
    Frame { number: usize, frame: &'r Frame, depth: usize },
    /// The start of a branch: its number from 1, and how many there are.
    Branch { index: usize, count: usize, depth: usize },
    /// The end of the last branch: the next frame awaits them all.
    Joined { count: usize, depth: usize },
}

/// How many frames the backtrace of the task has: their numbers are `0..count`.
#[must_use]
pub fn frame_count(task: &Task) -> usize {
    count(&task.chain)
}

fn count(chain: &Chain) -> usize {
    chain.frames.len() + chain.branches.iter().map(count).sum::<usize>()
}

/// The lines of a task's backtrace, innermost first.
pub(super) fn lines(task: &Task) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    add(&task.chain, 0, &mut 0, &mut lines);
    lines
}

fn add<'r>(chain: &'r Chain, depth: usize, number: &mut usize, lines: &mut Vec<Line<'r>>) {
    let count = chain.branches.len();
    for (index, branch) in chain.branches.iter().enumerate() {
        lines.push(Line::Branch { index: index + 1, count, depth });
        add(branch, depth + 1, number, lines);
    }
    if count > 0 {
        lines.push(Line::Joined { count, depth });
    }
    for frame in chain.frames.iter().rev() {
        lines.push(Line::Frame { number: *number, frame, depth });
        *number += 1;
    }
}

/// The name of a site, short or whole, with the line at which a block stands.
pub(super) fn name(site: &Site, full: bool) -> String {
    let name = if full { &site.name.full } else { &site.name.short };
    match (&site.kind, &site.defined) {
        (FrameKind::AsyncBlock | FrameKind::AsyncClosure, Some(defined)) => {
            format!("{name} (line {})", defined.line)
        }
        _ => name.clone(),
    }
}

/// `src/stock.rs:31`; empty when unknown.
pub(super) fn place(site: &Site) -> String {
    match &site.location {
        Some(location) => format!("{}:{}", location.file.short(), location.line),
        None => String::new(),
    }
}

/// The path of frames, outermost first, from the task's root to where the user's code stands, and
/// what that waits for.
pub(super) struct Standing<'r> {
    /// The innermost frame of the user's own code; `None` when there is none.
    pub(super) user: Option<&'r Site>,
    /// The futures that it awaits, or without such a frame the innermost ones.
    pub(super) awaits: Vec<&'r Site>,
}

/// Where a task stands.
pub(super) fn standing<'r>(report: &'r Report, task: &'r Task) -> Standing<'r> {
    match innermost_user(report, &task.chain) {
        Some((user, awaits)) => Standing { user: Some(user), awaits },
        None => Standing { user: None, awaits: leaves(report, &task.chain) },
    }
}

fn innermost_user<'r>(report: &'r Report, chain: &'r Chain) -> Option<(&'r Site, Vec<&'r Site>)> {
    if let Some(found) = chain.branches.iter().find_map(|branch| innermost_user(report, branch)) {
        return Some(found);
    }
    let at = chain.frames.iter().rposition(|frame| site(report, frame).user)?;
    let awaits = match chain.frames.get(at + 1) {
        Some(next) => vec![site(report, next)],
        None => chain
            .branches
            .iter()
            .filter_map(|branch| branch.frames.first())
            .map(|frame| site(report, frame))
            .collect(),
    };
    Some((site(report, &chain.frames[at]), awaits))
}

fn leaves<'r>(report: &'r Report, chain: &'r Chain) -> Vec<&'r Site> {
    if chain.branches.is_empty() {
        chain.frames.last().map(|frame| site(report, frame)).into_iter().collect()
    } else {
        chain.branches.iter().flat_map(|branch| leaves(report, branch)).collect()
    }
}

/// The site of a frame.
pub(super) fn site<'r>(report: &'r Report, frame: &Frame) -> &'r Site {
    &report.sites[frame.site.0 as usize]
}
