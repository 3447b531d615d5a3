//! The bounded queue of crossbeam-queue, in which pools keep what is idle.
//!
//! Source: `crossbeam-queue/src/array_queue.rs` (0.3.14). A slot whose element was taken keeps its
//! bytes: only what lies between the ends is in the queue.

use crate::knowledge::children::{Types, elements};
use crate::knowledge::{CollectionType, Library};
use crate::libraries::concurrent_queue::{ends, in_slots};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    collections: &[&[CollectionType {
        types: Types::Of("crossbeam_queue::array_queue::ArrayQueue"),
        children: |_, ty, layout| elements(ty, layout, "T", queued),
    }]],
    ..Library::named("crossbeam-queue")
};

/// `ArrayQueue { head, tail, buffer, cap, one_lap }`: an end is an index below a lap and a number of
/// laps above it.
fn queued(program: &Program<'_>, queue: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let element = queue.layout(program)?.type_parameter("T");
    let Some(element) = element.map(|id| Ty { module: queue.ty.module, id }) else {
        return Ok(Vec::new());
    };
    let number = |name| queue.member(program, name)?.unsigned(program);
    let (capacity, below) = (number("cap")?, number("one_lap")?.wrapping_sub(1));
    let (head, tail) = ends(program, queue)?;
    let (first, queued) = between(head, tail, below, capacity);
    in_slots(program, queue, ("value", (first, queued, capacity)), element, most)
}

/// The index of the first element between two ends, and how many there are.
fn between(head: u64, tail: u64, below: u64, capacity: u64) -> (u64, u64) {
    match (head & below, tail & below) {
        (first, _) if head == tail => (first, 0),
        (first, last) if first < last => (first, last - first),
        (first, last) => (first, capacity.saturating_sub(first).saturating_add(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::between;

    /// Of a queue for three, a lap is four.
    #[test]
    fn what_was_taken_is_not_in_the_queue() {
        for (head, tail, found) in [
            (0, 0, (0, 0)),
            // The first was taken again.
            (1, 1, (1, 0)),
            (1, 2, (1, 1)),
            (0, 4, (0, 3)),
            // Full, and begun anew at the front.
            (2, 4 + 2, (2, 3)),
            (2, 4 + 1, (2, 2)),
        ] {
            assert_eq!(between(head, tail, 3, 3), found, "{head}, {tail}");
        }
    }
}
