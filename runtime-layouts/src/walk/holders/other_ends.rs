//! The other ends of what futures of unknown libraries wait with, by rules.
//!
//! A future that keeps its task's waker in what it shares through an `Arc` is woken by who has that as
//! well: so is every channel, cell and lock made that consists of ends around one `Arc`. The count in
//! the `Arc` says how many there are, and what suspended frames keep says where they are. What an end
//! can do is not known, so all that rests on this says `perhaps`.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::owners::Owners;
use crate::report::{Access, FrameRef, Holder, ResourceId, Task, TaskIndex, Within};
use crate::value::path::Path;
use crate::value::{Program, Ty};
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::end_types::EndTypes;
use crate::walk::search::shared::SharedPointer;
use crate::walk::waits::Waits;

/// Tasks whose frames are searched, at most: of more nobody is said to have an end.
const MAX_TASKS: usize = 100_000;

/// Adds the ends that suspended frames keep of what futures of unknown libraries wait with.
pub(crate) fn add(
    program: &Program<'_>,
    sites: &SiteTable,
    tasks: &[Task],
    owners: &mut Owners,
    waits: &mut Waits,
) {
    if waits.shared.is_empty() {
        return;
    }
    let mut types = EndTypes::default();
    let mut known: FxHashMap<u64, (ResourceId, FxHashSet<u64>)> = FxHashMap::default();
    for (id, pointer, leaf) in &waits.shared {
        types.add(program, pointer, *leaf);
        let (_, own) = known.entry(pointer.counted.address).or_insert((*id, FxHashSet::default()));
        own.insert(pointer.handle.address);
    }
    if tasks.len() <= MAX_TASKS {
        let types = Rc::new(types);
        let (paths, seen) = (FxHashMap::default(), FxHashSet::default());
        let mut ends = Ends { program, types: &types, paths, known, owners, seen };
        let mut live_values = LiveValues::of_ends(Rc::clone(&types), sites.libraries());
        let mut kept = Vec::new();
        for task in tasks.iter().take_while(|_| !program.is_interrupted()) {
            live_values.of_chain(program, sites, &task.chain, &mut kept);
            for value in kept.drain(..) {
                ends.add(task.index, value, waits);
            }
        }
        ends.count(waits);
    }
}

/// The ends that are found.
struct Ends<'e, 'p> {
    program: &'e Program<'p>,
    types: &'e EndTypes,
    paths: FxHashMap<Ty, Option<Rc<Path>>>,
    /// What is waited with, by the address of its counts, and where the pointers of those who wait
    /// are.
    known: FxHashMap<u64, (ResourceId, FxHashSet<u64>)>,
    owners: &'e mut Owners,
    /// The pointers that were added, each with the outermost one around it.
    seen: FxHashSet<(u64, Option<u64>)>,
}

impl Ends<'_, '_> {
    /// Says of each how many other ends there are.
    fn count(&self, waits: &mut Waits) {
        for (id, pointer, _) in &waits.shared {
            let Some((_, own)) = self.known.get(&pointer.counted.address) else { continue };
            let others = pointer
                .counts(self.program)
                .and_then(|counts| counts.strong.checked_sub(own.len() as u64));
            waits.resources[id.0 as usize].parties = others;
        }
    }

    fn add(&mut self, task: TaskIndex, kept: LiveValue, waits: &mut Waits) {
        let LiveValue { value, frame, variable, may_be_moved, shared, within, holding_frame } =
            kept;
        let program = self.program;
        let path = self.paths.entry(value.ty);
        let path = path.or_insert_with(|| self.types.pointer_in(program, value.ty).map(Rc::new));
        let Some(path) = path.clone() else { return };
        let pointer = path.follow(program, value).ok().flatten();
        let Some(pointer) = pointer.and_then(|handle| SharedPointer::at(program, handle)) else {
            return;
        };
        let Some((id, own)) = self.known.get(&pointer.counted.address) else { return };
        let all: Vec<SharedPointer> = shared.iter().copied().chain([pointer]).collect();
        if own.contains(&pointer.handle.address) {
            // It waits, so it is there.
            self.owners.add(*id, &all, task, false);
            return;
        }
        self.owners.add(*id, &all, task, may_be_moved);
        let outermost = shared.first().map(|pointer| pointer.handle.address);
        if !self.seen.insert((pointer.handle.address, outermost)) {
            return;
        }
        let guard = waits.spelled(program, value.ty);
        // What it is in that others share: a queue of messages, mostly.
        let shared_with = shared.first().map(|pointer| (pointer.handle.ty, false));
        let within = within.map(|collection| (collection.value.ty, collection.has_messages));
        let within = within
            .or(shared_with)
            .map(|(ty, has_messages)| Within { name: waits.spelled(program, ty), has_messages });
        let frame = FrameRef { site: frame.site, address: frame.address };
        waits.held(
            *id,
            Holder {
                is_static: false,
                task: Some(task),
                frame,
                variable,
                guard,
                access: Access::End,
                may_be_moved,
                shared_end: (!shared.is_empty()).then_some(pointer.handle.address),
                thread: None,
                within,
                holding_frame,
            },
        );
    }
}
