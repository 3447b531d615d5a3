//! The frames of a task in the order of a backtrace, with the lines that draw its branches.

use runtime_layouts::report::{Chain, Frame, FrameKind, Polled, Report, Site, Task};

/// One line of a backtrace's tree.
pub(crate) enum Line<'r> {
    /// A frame with its number. That it is the root of a branch that has ended, the branch says.
    Frame { number: usize, frame: &'r Frame, depth: usize, ended: bool },
    /// The start of a branch. The first one is drawn from above.
    Branch { heading: Heading, first: bool, depth: usize },
    /// The end of the last one of so many branches: the next frame holds them all.
    Joined { count: usize, depth: usize },
}

/// What is said of a branch.
pub(crate) enum Heading {
    /// Its number from 1 among those that its holder awaits, how many there are, and what becomes
    /// of it.
    Awaited { index: usize, count: usize, polled: Polled },
    /// Its holder does not await it; whether the variable that has it may have been moved away.
    Held { may_be_moved: bool },
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
pub(crate) fn lines(task: &Task) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    add(&task.chain, 0, &mut 0, &mut lines);
    lines
}

fn add<'r>(chain: &'r Chain, depth: usize, number: &mut usize, lines: &mut Vec<Line<'r>>) {
    let count = chain.branches.iter().filter(|branch| branch.polled != Polled::No).count();
    let mut drawn = 0;
    for (index, branch) in chain.branches.iter().enumerate() {
        let heading = match branch.polled {
            Polled::No => Heading::Held { may_be_moved: branch.may_be_moved },
            // Nothing branches here: it is what the next frame awaits.
            Polled::Yes if count == 1 => {
                add(branch, depth, number, lines);
                continue;
            }
            polled => Heading::Awaited { index: index + 1, count, polled },
        };
        lines.push(Line::Branch { heading, first: drawn == 0, depth });
        add(branch, depth + 1, number, lines);
        drawn += 1;
    }
    if drawn > 0 {
        lines.push(Line::Joined { count: drawn, depth });
    }
    for (index, frame) in chain.frames.iter().enumerate().rev() {
        let ended = index == 0 && chain.polled == Polled::Ended;
        lines.push(Line::Frame { number: *number, frame, depth, ended });
        *number += 1;
    }
}

/// The name of a site, short or whole, with the line at which a block stands.
pub(crate) fn name(site: &Site, full: bool) -> String {
    let name = if full { &site.name.full } else { &site.name.short };
    match (&site.kind, &site.defined) {
        (FrameKind::AsyncBlock | FrameKind::AsyncClosure, Some(defined)) => {
            format!("{name} (line {})", defined.line)
        }
        _ => name.clone(),
    }
}

/// What a task is: the outermost of its futures whose name says something. What only wraps another
/// one, and shows nothing of it (`Map<…>`, `Pin<…>`), says nothing.
pub(super) fn telling_root<'r>(report: &'r Report, task: &'r Task) -> Option<&'r Site> {
    let root = task.root.map(|id| &report.sites[id.0 as usize]);
    let mut frames = task.chain.frames.iter().map(|frame| site(report, frame));
    let says_something = |site: &&Site| {
        let is_code = matches!(
            site.kind,
            FrameKind::AsyncFn | FrameKind::AsyncBlock | FrameKind::AsyncClosure
        );
        is_code || !(site.name.short.ends_with("<…>") || is_box(&site.name.short))
    };
    root.filter(says_something)
        .or_else(|| frames.find(says_something))
        .or(root.filter(|root| !is_box(&root.name.short)))
        .or_else(|| task.chain.frames.first().map(|frame| site(report, frame)))
        .or(root)
}

/// Whether a name is that of a pointer to a future, which the future's own name tells better.
fn is_box(name: &str) -> bool {
    let name = name.rsplit_once("Pin<").map_or(name, |(_, inner)| inner);
    name.starts_with("Box<") || name.starts_with("alloc::boxed::Box<")
}

/// The last two parts of a name, without what sort of code it is: of `async block in
/// inventory::stock::reserve` `stock::reserve`.
pub(super) fn short_name(name: &str) -> &str {
    let name = ["async block in ", "async closure in "]
        .iter()
        .find_map(|start| name.strip_prefix(start))
        .unwrap_or(name);
    let (mut depth, mut before, mut starts) = (0_usize, ' ', Vec::new());
    for (at, character) in name.char_indices() {
        match character {
            '<' | '(' | '{' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            ')' | '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && before == ':' => starts.push(at + 1),
            _ => {}
        }
        before = character;
    }
    match starts.as_slice() {
        [.., start, _] => &name[*start..],
        _ => name,
    }
}

/// `stock.rs:31` of `inventory/src/stock.rs:31`.
pub(super) fn short_place(place: &str) -> &str {
    place.rsplit_once('/').map_or(place, |(_, file)| file)
}

/// `src/stock.rs:31`; empty when unknown.
pub(crate) fn place(site: &Site) -> String {
    match &site.location {
        Some(location) => format!("{}:{}", location.file.short(), location.line),
        None => String::new(),
    }
}

/// The path of frames, outermost first, from the task's root to where the user's code stands, and
/// what that waits for.
pub(crate) struct UserPosition<'r> {
    /// The innermost frame of the user's own code; `None` when there is none.
    pub(super) user: Option<&'r Site>,
    /// The futures that it awaits, or without such a frame the innermost ones.
    pub(super) awaits: Vec<&'r Site>,
}

/// Where a task stands.
pub(super) fn user_position<'r>(report: &'r Report, task: &'r Task) -> UserPosition<'r> {
    match innermost_user(report, &task.chain) {
        Some((user, awaits)) => UserPosition { user: Some(user), awaits },
        None => UserPosition { user: None, awaits: leaves(report, &task.chain) },
    }
}

fn innermost_user<'r>(report: &'r Report, chain: &'r Chain) -> Option<(&'r Site, Vec<&'r Site>)> {
    let mut branches = chain.polled_branches();
    if let Some(found) = branches.find_map(|branch| innermost_user(report, branch)) {
        return Some(found);
    }
    let at = chain.frames.iter().rposition(|frame| site(report, frame).user)?;
    let awaits = match chain.frames.get(at + 1) {
        Some(next) => vec![site(report, next)],
        None => chain
            .polled_branches()
            .filter_map(|branch| branch.frames.first())
            .map(|frame| site(report, frame))
            .collect(),
    };
    Some((site(report, &chain.frames[at]), awaits))
}

fn leaves<'r>(report: &'r Report, chain: &'r Chain) -> Vec<&'r Site> {
    let branches: Vec<&Site> =
        chain.polled_branches().flat_map(|branch| leaves(report, branch)).collect();
    if branches.is_empty() {
        chain.frames.last().map(|frame| site(report, frame)).into_iter().collect()
    } else {
        branches
    }
}

/// The site of a frame.
pub(super) fn site<'r>(report: &'r Report, frame: &Frame) -> &'r Site {
    &report.sites[frame.site.0 as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_names_tell_a_function() {
        assert_eq!(short_name("inventory::stock::reserve"), "stock::reserve");
        assert_eq!(short_name("async block in shop::main"), "shop::main");
        assert_eq!(short_name("main"), "main");
        assert_eq!(short_name("shop::<a::B as c::D<e::F>>::call"), "<a::B as c::D<e::F>>::call");
        assert_eq!(short_name("a::b::Map<fn(c::D) -> e::F>"), "b::Map<fn(c::D) -> e::F>");
        assert_eq!(short_place("crates/shop/src/stock.rs:31"), "stock.rs:31");
        assert_eq!(short_place("stock.rs:31"), "stock.rs:31");
    }
}
