//! References to resources on the stacks of threads outside all runtimes.
//!
//! `std::thread::scope` may lend anything to its threads, and no count includes a `&Notify`. So
//! before the diagnosis says that nobody could send a notification, the walk searches the stacks of
//! threads outside all runtimes for its address, as a conservative garbage collector would.

use rustc_hash::FxHashSet;

use crate::report::{Access, Holder, Resource, ResourceId, Runtime, Task};
use crate::target::Thread;
use crate::value::Program;
use crate::walk::chains::site_table::SiteTable;
use crate::walk::stacks::words;
use crate::walk::threads::lock_references;
use crate::walk::waits::Waits;

/// Bytes of the counts of an `Arc` (`ArcInner`, `library/alloc/src/sync.rs`, Rust 1.95).
const COUNTS: u64 = 16;

/// Marks the resources that a thread outside of all runtimes may have a reference to. Asks for stacks
/// only where that could make a difference.
pub(crate) fn mark(
    program: &Program<'_>,
    sites: &SiteTable,
    (runtimes, tasks): (&[Runtime], &[Task]),
    waits: &mut Waits,
) {
    let matters = |resource: &Resource| {
        let is_lent = |holder: &Holder| {
            matches!(holder.access, Access::Handle | Access::End) || holder.shared_end.is_some()
        };
        resource.holders.iter().any(is_lent) && resource.are_all_found()
    };
    if !waits.resources.iter().any(matters) {
        return;
    }
    let own = runtimes.iter().flat_map(|runtime| &runtime.workers).filter_map(|it| it.thread);
    // What waits for a channel by a call that blocks, as `Receiver::blocking_recv`, is as far outside
    // as what computes.
    let of_tasks = tasks.iter().filter(|task| !super::is_in_call(sites, task));
    let own: FxHashSet<u64> =
        own.chain(of_tasks.filter_map(|task| task.thread)).map(|thread| thread.tid).collect();
    let threads = program.target().threads().iter();
    let words = threads
        .filter(|thread| !own.contains(&thread.tid))
        .try_fold(FxHashSet::default(), |words, thread| {
            // What it was given may lie anywhere yet.
            let begins = lock_references::begins(program, thread);
            (!begins).then(|| words::of_stack(program, thread, words)).flatten()
        })
        .map(|words| {
            let mut words = Vec::from_iter(words);
            words.sort_unstable();
            words
        });
    let ids = (0..).map(ResourceId);
    for (id, resource) in ids.zip(&mut waits.resources).filter(|(_, it)| matters(it)) {
        // The counts of an `Arc` are right before what it is of.
        let own = resource.address.saturating_sub(COUNTS)..resource.address.saturating_add(1);
        let mut places = waits.allocations.get(&id).into_iter().flatten().chain([&own]);
        let has = |words: &Vec<u64>| {
            places.any(|place| {
                let first = words.partition_point(|word| *word < place.start);
                words.get(first).is_some_and(|word| *word < place.end)
            })
        };
        resource.is_reachable = words.as_ref().is_none_or(has);
    }
}

/// Whether each of these addresses is a word on a thread's stack or in a register.
pub(crate) fn has_all(program: &Program<'_>, thread: &Thread, addresses: &[u64]) -> bool {
    let words = words::of_stack(program, thread, FxHashSet::default());
    words.is_some_and(|words| addresses.iter().all(|address| words.contains(address)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::processor::WIDE;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::libraries::LIBRARIES;
    use crate::report::{FrameRef, ResourceKind, SiteId, TaskIndex};
    use crate::target::NativeFrame;
    use rustc_hash::FxHashMap;

    const BELL: u64 = 0x5010;
    const STACK: u64 = 0x7000;

    fn frame(frame_address: Option<u64>, registers: &[(u16, u64)]) -> NativeFrame {
        NativeFrame {
            pc: crate::target::CodeAddress::Next(0),
            frame_address,
            registers: registers.to_vec(),
        }
    }

    /// Whether a bell with one owner, of whom a task has it, may be rung by a thread with that word at
    /// an address and that value in a register.
    fn is_reachable(at: u64, word: u64, register: u64, frames: &[Option<u64>]) -> bool {
        let mut memory = FakeMemory::new().with(STACK, vec![0; 0x2000]);
        memory.put_u64(at, word);
        let frames = frames.iter().map(|at| frame(*at, &[(3, register)])).collect();
        let target = FakeTarget::new(FakeLayouts::new(), memory, 0).with_stack(&WIDE, frames);
        let holder = Holder {
            is_static: false,
            task: Some(TaskIndex(0)),
            frame: FrameRef { site: SiteId(0), address: 0x100 },
            variable: None,
            guard: "Arc<Notify>".into(),
            access: Access::Handle,
            may_be_moved: false,
            shared_end: Some(BELL),
            thread: None,
            within: None,
            holding_frame: None,
        };
        let resources = vec![Resource {
            kind: ResourceKind::Notify,
            address: BELL,
            name: "Notify".into(),
            state: None,
            timer: None,
            holders: vec![holder],
            is_taken: None,
            parties: Some(1),
            reserved: None,
            is_reachable: false,
            is_in_order: true,
            queue: Vec::new(),
            given: None,
            tasks: Vec::new(),
            needs_all: false,
            thread: None,
            declared_in: None,
            child: None,
        }];
        // The counts of its `Arc` lie before it.
        let allocation = BELL - 16..BELL + 8;
        let allocations = FxHashMap::from_iter([(ResourceId(0), vec![allocation])]);
        let mut waits = Waits::default();
        (waits.resources, waits.allocations) = (resources, allocations);
        let sites = SiteTable::of(LIBRARIES);
        mark(&Program::new(&target), &sites, (&[], &[]), &mut waits);
        waits.resources[0].is_reachable
    }

    #[test]
    fn a_reference_on_a_stack_or_in_a_register_is_found() {
        let frames = [Some(STACK + 0x800), Some(STACK + 0x1000), None];
        assert!(!is_reachable(STACK + 0x900, 0, 0, &frames), "none");
        assert!(is_reachable(STACK + 0x900, BELL, 0, &frames), "a reference");
        assert!(is_reachable(STACK + 0x900, BELL - 16, 0, &frames), "an `Arc`");
        assert!(is_reachable(STACK + 0x7f8, BELL, 0, &frames), "of the innermost function");
        assert!(!is_reachable(STACK + 0x1800, BELL, 0, &frames), "beyond the stack");
        assert!(is_reachable(STACK, 0, BELL, &frames), "in a register");
        assert!(is_reachable(STACK, 0, 0, &[]), "a stack that cannot be found");
        let begins = STACK + 0x900;
        assert!(is_reachable(begins, BELL, begins, &[None]), "of a thread that just begins");
        assert!(!is_reachable(begins, 0, begins, &[None]), "none there either");
    }
}
