//! A sweep of memory for the wakers of tasks that wait in futures of which nothing is known.
//!
//! A waker is two words: what it wakes, and the table of its functions. Whatever keeps one of a task
//! lies in memory that somebody wrote, so the sweep looks through all that lies around what the walk
//! has seen: no front has to know how memory is mapped, and a core file gives the same answer as the
//! process that it is of.

use std::collections::VecDeque;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Waits;
use crate::memory::word_format::WordFormat;
use crate::report::{
    Chain, FrameRef, ResourceId, ResourceKind, Runtime, Task, TaskIndex, TaskState, ThreadRef,
    Wait, WakerPlace,
};
use crate::target::Thread;
use crate::value::Program;
use crate::walk::chains::site_table::SiteTable;

/// Bytes that are read at once: so many go past the page cache.
const CHUNK: u64 = 256 << 10;
/// Chunks that are searched, at most: 256 MiB.
const MAX_CHUNKS: usize = 1 << 10;
/// Chunks at the end of a module, where its variables are, that are searched: 4 MiB.
const STATIC_CHUNKS: u64 = 16;
/// Bytes that can be read or not as a whole.
const PAGE: usize = 4 << 10;
/// Bytes of the largest stack: that of the main thread, as most systems limit it.
const LARGEST_STACK: u64 = 8 << 20;
/// Words of a table of functions (`RawWakerVTable`, `library/core/src/task/wake.rs`, Rust 1.95).
const FUNCTIONS: u64 = 4;

/// Says of each wait in a future of which nothing is known where a waker of its task is.
///
/// Freed memory keeps what was in it: where more is found than there are wakers, some of that is old,
/// and nothing is said.
pub(crate) fn mark(
    program: &Program<'_>,
    sites: &SiteTable,
    (runtimes, tasks): (&[Runtime], &[Task]),
    waits: &mut Waits,
) {
    let is_wanted = |wait: &Wait| {
        let task = &tasks[wait.task.0 as usize];
        wait.is_polled
            && wait.waker.is_none()
            && waits.resources[wait.resource.0 as usize].kind == ResourceKind::Other
            && task.state == TaskState::Idle
            && task.waker_data() != 0
            && task.wakers.at_most.is_some_and(|count| count > 0)
    };
    let task_of = |wait: &Wait| &tasks[wait.task.0 as usize];
    let wanted = waits.waits.iter().filter(|wait| is_wanted(wait));
    let wanted: FxHashSet<u64> = wanted.map(|wait| task_of(wait).waker_data()).collect();
    if wanted.is_empty() {
        return;
    }
    let Some(processor) = program.target().processor() else { return };
    let (words, tables) = (processor.words, FxHashMap::default());
    let wanted = Wanted::Data(wanted);
    let mut sweep = Sweep { program, words, wanted, tables, found: Vec::new() };
    let resources = waits.resources.iter().map(|resource| resource.address);
    let known = tasks.iter().map(|task| task.address).chain(resources);
    sweep.run(seeds(program, words, known));
    let places = Places::of(program, sites, runtimes, tasks, waits);
    let mut by_task: FxHashMap<u64, Vec<u64>> = FxHashMap::default();
    for (data, at) in sweep.found {
        by_task.entry(data).or_default().push(at);
    }
    let at = |wait: &Wait| {
        let task = task_of(wait);
        let found = by_task.get(&task.waker_data()).filter(|_| is_wanted(wait))?;
        let mut found: Vec<WakerPlace> = found.iter().filter_map(|at| places.at(*at)).collect();
        // Another leaf of the task's own has that one.
        let is_own =
            |place: &WakerPlace| matches!(place, WakerPlace::Frame(of, _) if *of == task.index);
        found.retain(|place| !is_own(place));
        // A stack has copies of what was passed on: it tells only where nothing else does.
        let is_stack = |place: &WakerPlace| matches!(place, WakerPlace::Stack(_));
        if !found.iter().all(is_stack) {
            found.retain(|place| !is_stack(place));
        }
        found.sort_by_key(|place| rank(*place));
        found.dedup();
        let is_whole = task.wakers.at_most.is_some_and(|count| found.len() as u64 <= count.into());
        found.first().copied().filter(|_| is_whole)
    };
    let all: Vec<Option<WakerPlace>> = waits.waits.iter().map(at).collect();
    for (wait, place) in waits.waits.iter_mut().zip(all) {
        wait.waker = wait.waker.or(place);
    }
}

/// What the wakers in memory wake whose functions are so named: data pointers, in order, each once.
/// `known` are addresses around which there is memory that the program writes to.
///
/// For the tasks of which no list has any. Freed memory keeps what was in it: who asks has to see
/// whether what is there can be a task.
pub(crate) fn woken_by(
    program: &Program<'_>,
    known: impl Iterator<Item = u64>,
    is_function: &dyn Fn(&str) -> bool,
) -> Vec<u64> {
    let Some(processor) = program.target().processor() else { return Vec::new() };
    let (words, tables) = (processor.words, FxHashMap::default());
    let ranges = program.modules().iter().map(|module| {
        let (start, end) = module.layouts.facts().address_range;
        start.0.wrapping_add(module.load_bias)..end.0.wrapping_add(module.load_bias)
    });
    let wanted = Wanted::Functions { ranges: ranges.collect(), is_function };
    let mut sweep = Sweep { program, words, wanted, tables, found: Vec::new() };
    sweep.run(seeds(program, words, known));
    let mut found: Vec<u64> = sweep.found.into_iter().map(|(data, _)| data).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The chunks around which there is memory that the program writes to.
fn seeds(program: &Program<'_>, words: WordFormat, known: impl Iterator<Item = u64>) -> Vec<u64> {
    let threads = program.target().threads().iter();
    let stacks = threads.clone().filter_map(|thread| Some(stack_of(program, thread)?.start));
    let arenas = threads.flat_map(|thread| beside_thread_pointer(program, words, thread));
    let addresses = known.chain(stacks).chain(arenas).filter(|at| *at != 0);
    let statics = program.modules().iter().flat_map(|module| {
        let end = module.layouts.facts().address_range.1.0.wrapping_add(module.load_bias);
        let last = end.saturating_sub(1) / CHUNK;
        last.saturating_sub(STATIC_CHUNKS - 1)..=last
    });
    let mut chunks: Vec<u64> = addresses.map(|at| at / CHUNK).chain(statics).collect();
    chunks.sort_unstable();
    chunks.dedup();
    chunks
}

/// What lies in a thread's thread-local storage and may be a pointer: an allocator keeps there where
/// the thread allocates.
fn beside_thread_pointer(program: &Program<'_>, words: WordFormat, thread: &Thread) -> Vec<u64> {
    let Some(pointer) = thread.thread_pointer else { return Vec::new() };
    let mut bytes = vec![0; 2 * PAGE];
    let start = (pointer / PAGE as u64).saturating_sub(1) * PAGE as u64;
    let mut found = Vec::new();
    if program.target().memory().read(start, &mut bytes).is_ok() {
        let mut byte = [0];
        let is_mapped = |at: &u64| program.target().memory().read(*at, &mut byte).is_ok();
        found.extend(words.pointers(&bytes).filter(|at| *at >= PAGE as u64).filter(is_mapped));
    }
    found
}

/// The part of a thread's stack that is in use.
fn stack_of(program: &Program<'_>, thread: &Thread) -> Option<Range<u64>> {
    let frames = program.stack(thread);
    let mut places = frames.iter().filter_map(|frame| frame.frame_address);
    let first = places.next()?;
    Some(first..places.next_back().unwrap_or(first))
}

/// Which wakers are looked for.
enum Wanted<'s> {
    /// Those with these data pointers.
    Data(FxHashSet<u64>),
    /// Those one of whose functions has such a name.
    Functions {
        /// Where the modules lie, which have the tables.
        ranges: Vec<Range<u64>>,
        is_function: &'s dyn Fn(&str) -> bool,
    },
}

/// What is looked for, and what was found.
struct Sweep<'s> {
    program: &'s Program<'s>,
    words: WordFormat,
    wanted: Wanted<'s>,
    /// Whether there is a table of a waker's functions at an address.
    tables: FxHashMap<u64, bool>,
    /// What is woken, and where the waker is.
    found: Vec<(u64, u64)>,
}

impl Sweep<'_> {
    /// Searches these chunks, then those beside them, and so on, as far as memory can be read.
    fn run(&mut self, seeds: Vec<u64>) {
        let mut seen: FxHashSet<u64> = seeds.iter().copied().collect();
        let mut next = VecDeque::from(seeds);
        let mut left = MAX_CHUNKS;
        while let Some(chunk) = next.pop_front() {
            if left == 0 || self.program.is_interrupted() {
                return;
            }
            left -= 1;
            let (below, above) = self.search(chunk * CHUNK);
            // What lies beside a module's variables is its code.
            let is_static = self.program.module_at(chunk * CHUNK).is_some();
            let below = below.then(|| chunk.checked_sub(1)).flatten().filter(|_| !is_static);
            let above = above.then(|| chunk.checked_add(1)).flatten();
            next.extend([below, above].into_iter().flatten().filter(|beside| seen.insert(*beside)));
        }
    }

    /// Searches a chunk as far as it can be read; whether its first and its last page can.
    fn search(&mut self, start: u64) -> (bool, bool) {
        let memory = self.program.target().memory();
        let mut bytes = vec![0; CHUNK as usize];
        if memory.read(start, &mut bytes).is_ok() {
            self.search_bytes(start, &bytes);
            return (true, true);
        }
        let pages = (start..).step_by(PAGE).zip(bytes.chunks_exact_mut(PAGE));
        let are_readable: Vec<bool> = pages
            .map(|(at, page)| {
                let is_readable = memory.read(at, page).is_ok();
                if is_readable {
                    self.search_bytes(at, page);
                }
                is_readable
            })
            .collect();
        (are_readable.first() == Some(&true), are_readable.last() == Some(&true))
    }

    fn search_bytes(&mut self, start: u64, bytes: &[u8]) {
        let size = usize::from(self.words.pointer_size);
        for (at, value) in (start..).step_by(size.max(1)).zip(self.words.pointers(bytes)) {
            let (is_data, is_wanted) = match &self.wanted {
                Wanted::Data(wanted) => (true, wanted.contains(&value)),
                Wanted::Functions { ranges, .. } => {
                    (false, ranges.iter().any(|range| range.contains(&value)))
                }
            };
            if !is_wanted {
                continue;
            }
            if is_data && self.is_beside_table(at) {
                self.found.push((value, at));
            } else if !is_data && self.is_table(value) {
                self.add_beside(at);
            }
        }
    }

    /// Adds the words beside a pointer to a table: either may be what is woken.
    fn add_beside(&mut self, at: u64) {
        let word = u64::from(self.words.pointer_size);
        for beside in [at.wrapping_sub(word), at.wrapping_add(word)] {
            let data = self.program.read_pointer(beside).unwrap_or(0);
            if data != 0 && self.program.module_at(data).is_none() {
                self.found.push((data, beside));
            }
        }
    }

    /// Whether one of the words beside a place points to the functions of a waker.
    fn is_beside_table(&mut self, at: u64) -> bool {
        let word = u64::from(self.words.pointer_size);
        [at.wrapping_sub(word), at.wrapping_add(word)].into_iter().any(|beside| {
            let table = self.program.read_pointer(beside).unwrap_or(0);
            table != 0 && self.is_table(table)
        })
    }

    /// A `dyn Trait` has a table too, with its size and alignment among the first words.
    fn is_table(&mut self, at: u64) -> bool {
        let (program, word) = (self.program, u64::from(self.words.pointer_size));
        let is_code = |function: u64| {
            let target = program.read_pointer(at.wrapping_add(function * word)).unwrap_or(0);
            target != 0 && program.module_at(target).is_some()
        };
        let is_wanted = || match &self.wanted {
            Wanted::Data(_) => true,
            Wanted::Functions { is_function, .. } => {
                let wakes = program.read_pointer(at.wrapping_add(word)).unwrap_or(0);
                let place = program.module_at(wakes);
                let functions =
                    place.and_then(|(module, at)| program.layouts(module).functions_at(at).ok());
                functions.unwrap_or_default().iter().any(|function| is_function(&function.name))
            }
        };
        *self.tables.entry(at).or_insert_with(|| {
            program.module_at(at).is_some() && (0..FUNCTIONS).all(is_code) && is_wanted()
        })
    }
}

/// What lies where.
struct Places<'p> {
    program: &'p Program<'p>,
    /// What several share.
    shared: Spans<ResourceId>,
    /// The frames of tasks.
    frames: Spans<(TaskIndex, FrameRef)>,
    /// The stacks of threads; of a runtime's workers they keep old copies, of what was polled last.
    stacks: Vec<(Range<u64>, Option<ThreadRef>)>,
}

impl<'p> Places<'p> {
    fn of(
        program: &'p Program<'p>,
        sites: &SiteTable,
        runtimes: &[Runtime],
        tasks: &[Task],
        waits: &Waits,
    ) -> Self {
        let mut frames = Vec::new();
        for task in tasks {
            add_frames(program, sites, task.index, &task.chain, &mut frames);
        }
        let shared = waits.allocations.iter().flat_map(|(id, places)| {
            places.iter().map(|place| (place.start, place.end.saturating_sub(place.start), *id))
        });
        let threads = program.target().threads().iter();
        let workers = runtimes.iter().flat_map(|runtime| &runtime.workers);
        let workers: FxHashSet<u64> =
            workers.filter_map(|worker| worker.thread).map(|thread| thread.tid).collect();
        let stacks = threads.filter_map(|thread| {
            let reference = ThreadRef { number: thread.number, tid: thread.tid };
            let user = Some(reference).filter(|_| !workers.contains(&thread.tid));
            Some((stack_of(program, thread)?, user))
        });
        let (shared, frames) = (Spans::of(shared.collect()), Spans::of(frames));
        Self { program, shared, frames, stacks: stacks.collect() }
    }

    /// What lies at an address; `None` where nothing does any more.
    fn at(&self, at: u64) -> Option<WakerPlace> {
        if let Some(id) = self.shared.innermost(at) {
            return Some(WakerPlace::Resource(id));
        }
        if let Some((task, frame)) = self.frames.innermost(at) {
            return Some(WakerPlace::Frame(task, frame));
        }
        if let Some((_, thread)) = self.stacks.iter().find(|(stack, _)| stack.contains(&at)) {
            return thread.map(WakerPlace::Stack);
        }
        match self.program.module_at(at) {
            Some(_) => Some(WakerPlace::Static(at)),
            None => (!self.is_below_stack(at)).then_some(WakerPlace::Heap(at)),
        }
    }

    /// Whether an address is in the part of a stack that is not in use: between that and what lies
    /// below a stack there is a page that cannot be read.
    fn is_below_stack(&self, at: u64) -> bool {
        let starts = self.stacks.iter().map(|(stack, _)| stack.start);
        let above = starts.filter(|start| *start > at && start - at <= LARGEST_STACK).min();
        above.is_some_and(|start| {
            let mut pages = (at..start).step_by(PAGE);
            pages.all(|page| self.program.target().memory().read(page, &mut [0]).is_ok())
        })
    }
}

/// Things that lie in memory, each from an address on with a size, in the order of the addresses.
struct Spans<T> {
    all: Vec<(u64, u64, T)>,
    /// The largest of the sizes.
    largest: u64,
}

impl<T: Copy> Spans<T> {
    fn of(mut all: Vec<(u64, u64, T)>) -> Self {
        all.sort_unstable_by_key(|(start, size, _)| (*start, *size));
        let largest = all.iter().map(|(_, size, _)| *size).max().unwrap_or(0);
        Self { all, largest }
    }

    /// The smallest that an address is in.
    fn innermost(&self, at: u64) -> Option<T> {
        let first = self.all.partition_point(|(start, ..)| start.saturating_add(self.largest) < at);
        let around = self.all[first..].iter().take_while(|(start, ..)| *start <= at);
        let around = around.filter(|(start, size, _)| at - start < *size);
        around.min_by_key(|(_, size, _)| *size).map(|(_, _, thing)| *thing)
    }
}

/// How little a place tells of who would wake a task.
fn rank(place: WakerPlace) -> u8 {
    match place {
        WakerPlace::Resource(_) | WakerPlace::Leaf => 0,
        WakerPlace::Frame(..) => 1,
        WakerPlace::Stack(_) | WakerPlace::Static(_) => 2,
        WakerPlace::Heap(_) => 3,
    }
}

fn add_frames(
    program: &Program<'_>,
    sites: &SiteTable,
    task: TaskIndex,
    chain: &Chain,
    frames: &mut Vec<(u64, u64, (TaskIndex, FrameRef))>,
) {
    for frame in chain.frames.iter().filter(|frame| frame.address != 0) {
        let layout = sites.type_of(frame.site).and_then(|ty| program.type_of(ty).ok());
        let size = layout.map_or(0, |layout| layout.size);
        frames.push((frame.address, size, (task, FrameRef::of(frame))));
    }
    for branch in &chain.branches {
        add_frames(program, sites, task, branch, frames);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::processor::WIDE;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};

    const TASK: u64 = 0x1234_5670;
    const FUNCTIONS_OF_WAKER: u64 = CHUNK;
    const HEAP: u64 = 8 * CHUNK;

    /// Where wakers of the task are found, from the first chunk of the heap on.
    fn found(memory: FakeMemory) -> Vec<u64> {
        let target = FakeTarget::new(FakeLayouts::new(), memory, 0);
        let program = Program::new(&target);
        let wanted = Wanted::Data(FxHashSet::from_iter([TASK]));
        let (words, tables) = (WIDE.words, FxHashMap::default());
        let mut sweep = Sweep { program: &program, words, wanted, tables, found: Vec::new() };
        sweep.run(vec![HEAP / CHUNK]);
        sweep.found.into_iter().map(|(_, at)| at - HEAP).collect()
    }

    fn memory(functions: [u64; 4]) -> FakeMemory {
        let size = usize::try_from(CHUNK).expect("it fits");
        let mut memory =
            FakeMemory::new().with(FUNCTIONS_OF_WAKER, vec![0; PAGE]).with(HEAP, vec![0; 2 * size]);
        for (place, function) in (FUNCTIONS_OF_WAKER..).step_by(8).zip(functions) {
            memory.put_u64(place, function);
        }
        memory
    }

    #[test]
    fn a_waker_is_what_it_wakes_beside_its_functions() {
        let mut memory = memory([0x10, 0x20, 0x30, 0x40]);
        for (at, beside) in [(0x100, 0x108), (CHUNK + 0x208, CHUNK + 0x200)] {
            memory.put_u64(HEAP + at, TASK);
            memory.put_u64(HEAP + beside, FUNCTIONS_OF_WAKER);
        }
        memory.put_u64(HEAP + 0x400, TASK);
        assert_eq!(found(memory), [0x100, CHUNK + 0x208], "in the chunk above too");
    }

    #[test]
    fn a_table_of_a_trait_is_no_waker_s() {
        let mut memory = memory([0x10, 0, 0x8, 0x40]);
        memory.put_u64(HEAP + 0x100, TASK);
        memory.put_u64(HEAP + 0x108, FUNCTIONS_OF_WAKER);
        assert!(found(memory).is_empty());
    }

    #[test]
    fn what_cannot_be_read_hides_nothing_else() {
        let mut memory = memory([0x10, 0x20, 0x30, 0x40]);
        memory.put_u64(HEAP + 0x5000, TASK);
        memory.put_u64(HEAP + 0x5008, FUNCTIONS_OF_WAKER);
        assert_eq!(found(memory.with_hole(HEAP + 0x2000, 16)), [0x5000]);
    }
}
