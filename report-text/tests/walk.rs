//! The walk over hand-built memory: what a torn, unreadable or circular process must not break.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use report_text::json;
use report_text::text::{Beside, Look, backtrace, tasks};
use runtime_layouts::fake::{FakeMemory, FakeTarget, tokio};
use runtime_layouts::libraries::REGISTRY;
use runtime_layouts::memory::{MemoryReader, ReadError};
use runtime_layouts::report::{FrameSource, Report, TaskState, Trust};
use runtime_layouts::walk::inspect;

fn report(memory: FakeMemory) -> Report {
    inspect(&FakeTarget::new(tokio::layouts(), memory, tokio::THREAD_POINTER), REGISTRY)
}

fn look() -> Look {
    Look { width: Some(100), styled: false, full_names: false, user_only: false, current: None }
}

fn list(report: &Report) -> String {
    let mut text = Vec::new();
    tasks::write(report, &tasks::TaskFilter::default(), &look(), &mut text).expect("a vector");
    String::from_utf8(text).expect("text")
}

fn backtrace_of(report: &Report, id: &str) -> String {
    let task = report.tasks.iter().find(|task| task.id.0 == id).expect("the task");
    let mut text = Vec::new();
    backtrace::write(report, task, &look(), &Beside::default(), &mut text).expect("a vector");
    String::from_utf8(text).expect("text")
}

fn names<'r>(report: &'r Report, id: &str) -> Vec<&'r str> {
    let task = report.tasks.iter().find(|task| task.id.0 == id).expect("the task");
    let frames = task.chain.frames.iter();
    frames.map(|frame| report.sites[frame.site.0 as usize].name.short.as_str()).collect()
}

#[test]
fn a_healthy_list_is_complete() {
    let report = report(tokio::memory(3));
    assert_eq!(report.tasks.len(), 3);
    assert_eq!(names(&report, "2"), ["shop::wait", "shop::inner", "leaf::Leaf"]);
    let text = backtrace_of(&report, "2");
    assert!(text.contains("waits in Leaf, unhang does not know what for"), "{text}");
    assert!(report.tasks.iter().all(|task| task.state == TaskState::Idle));
    let list = list(&report);
    assert!(list.contains("shop::inner  src/main.rs:20  Leaf (not known)"), "{list}");
    assert!(list.ends_with("Complete: 3 tasks of 1 runtime. `async bt ID` shows one.\n"), "{list}");
    assert!(json_of(&report).contains(r#""complete":true,"missing":[]"#));
}

#[test]
fn an_empty_runtime_is_complete() {
    let list = list(&report(tokio::memory(0)));
    assert!(list.contains("Complete: 0 tasks"), "{list}");
}

#[test]
fn an_unreadable_page_in_a_chain_keeps_the_frames_above_it() {
    let memory = tokio::memory(2).with_hole(tokio::boxed(1), 16);
    let report = report(memory);
    assert_eq!(names(&report, "1"), ["shop::wait"]);
    assert_eq!(names(&report, "2").len(), 3);
    let text = backtrace_of(&report, "1");
    assert!(text.contains("src/main.rs:10"), "{text}");
    let unreadable = format!("<unreadable {:#x}>", tokio::boxed(1) + 8);
    assert!(text.contains(&unreadable), "{text}");
    // The list says it, and so does every other front.
    let list = list(&report);
    let reason = format!("Task 1: {unreadable}.");
    assert!(list.contains(&format!("{reason}\nIncomplete: 2 tasks of 1 runtime.")), "{list}");
    let json: serde_json::Value = serde_json::from_str(&json_of(&report)).expect("JSON");
    assert_eq!((&json["complete"], &json["missing"]), (&false.into(), &vec![reason].into()));
}

#[test]
fn of_many_torn_tasks_a_few_are_named() {
    let mut memory = tokio::memory(30);
    (1..=20).for_each(|number| memory.hole(tokio::boxed(number), 16));
    let report = report(memory);
    let reasons = report.completeness().reasons;
    assert_eq!(reasons.len(), 9, "{reasons:?}");
    assert_eq!(reasons[8], "12 more tasks are not shown in full.");
    assert!(list(&report).contains("Incomplete: 30 tasks of 1 runtime."));
}

#[test]
fn a_list_that_breaks_off_shows_what_was_read() {
    let mut memory = tokio::memory(3);
    memory.put_u64(tokio::task(2) + tokio::NEXT, 0xdead_0000);
    let report = report(memory);
    assert_eq!(report.tasks.len(), 2);
    let list = list(&report);
    assert!(list.contains("Incomplete"), "{list}");
    assert!(list.contains("counts 3 tasks, but its list has 2"), "{list}");
}

#[test]
fn a_list_that_runs_in_a_circle_ends() {
    let mut memory = tokio::memory(3);
    memory.put_u64(tokio::task(3) + tokio::NEXT, tokio::task(1));
    let report = report(memory);
    assert_eq!(report.tasks.len(), 3);
    assert!(list(&report).contains("torn: it loops back"), "{}", list(&report));
}

#[test]
fn a_future_that_holds_itself_is_a_cycle() {
    let mut memory = tokio::memory(1);
    let mut layouts = tokio::layouts();
    let boxed = layouts.boxed_dyn_future();
    let looping = layouts.async_fn("shop::looping", boxed, 30);
    layouts.vtable(0x20_3000, looping);
    let at = tokio::boxed(1);
    memory.put_u64(tokio::task(1) + tokio::BOXED + 8, 0x20_3000);
    memory.put(at, [0; 24]);
    memory.put_u64(at, at);
    memory.put_u64(at + 8, 0x20_3000);
    memory.put(at + 16, [3]);
    let report = inspect(&FakeTarget::new(layouts, memory, tokio::THREAD_POINTER), REGISTRY);
    let text = backtrace_of(&report, "1");
    assert!(text.contains("a cycle"), "{text}");
    assert_eq!(names(&report, "1"), ["shop::wait", "shop::looping", "shop::looping"]);
}

#[test]
fn a_state_that_no_variant_has_is_said() {
    let memory = tokio::memory(1).with(tokio::boxed(1) + tokio::INNER_STATE, [77]);
    let text = backtrace_of(&report(memory), "1");
    assert!(text.contains("holds no valid variant"), "{text}");
    assert!(text.contains("shop::wait"), "{text}");
}

#[test]
fn an_unknown_vtable_is_said() {
    let mut memory = tokio::memory(1);
    memory.put_u64(tokio::task(1) + tokio::BOXED + 8, 0x20_9000);
    let text = backtrace_of(&report(memory), "1");
    assert!(text.contains("vtable 0x209000"), "{text}");
}

#[test]
fn a_niche_tells_the_stage() {
    let memory = tokio::memory(1).with(tokio::task(1) + tokio::OUTER_STATE, [4]);
    assert_eq!(report(memory).tasks[0].state, TaskState::Complete);
}

#[test]
fn the_state_word_tells_the_state() {
    for (word, state) in [
        (0, TaskState::Idle),
        (1, TaskState::Running),
        (4, TaskState::Scheduled),
        (2, TaskState::Complete),
        (0x22, TaskState::Cancelled),
    ] {
        let mut memory = tokio::memory(1);
        memory.put_u64(tokio::task(1) + tokio::STATE, word);
        assert_eq!(report(memory).tasks[0].state, state, "{word:#x}");
    }
}

#[test]
fn how_far_frames_can_be_trusted_is_said() {
    let mut memory = tokio::memory(3);
    memory.put_u64(tokio::task(2) + tokio::STATE, 1);
    memory.put(tokio::task(3) + tokio::OUTER_STATE, [4]);
    let report = report(memory);
    let trusts: Vec<Trust> = report.tasks.iter().map(|task| task.trust).collect();
    let stored = Trust::of(FrameSource::StateMachines);
    // No thread's stack shows the poll of the one that runs.
    let stale = Trust { is_stale: true, ..stored };
    assert_eq!(trusts, [stored, stale, Trust::of(FrameSource::Nothing)]);
    let text = backtrace_of(&report, "2");
    assert!(text.contains("note: it is being polled now; its frames date from before"), "{text}");
    assert!(report.tasks.iter().all(|task| task.problems.is_empty()), "nothing was unreadable");
    let json: serde_json::Value = serde_json::from_str(&json_of(&report)).expect("JSON");
    assert_eq!(json["tasks"][1]["trust"]["stale"], true);
    assert_eq!(json["tasks"][1]["trust"]["source"], "state_machines");
    assert_eq!(json["tasks"][1]["problems"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["tasks"][2]["trust"]["source"], "nothing");
}

#[test]
fn a_thread_in_no_runtime_is_no_error() {
    let mut memory = tokio::memory(1);
    memory.put_u64(tokio::CONTEXT, 0);
    let report = report(memory);
    assert!(report.runtimes.is_empty());
    assert!(report.tasks.is_empty());
}

#[test]
fn many_tasks_are_grouped() {
    let list = list(&report(tokio::memory(60)));
    assert!(list.contains("60     1, 2, 3, …  idle"), "{list}");
}

/// Memory that knows which threads have read it.
struct Witness {
    memory: FakeMemory,
    readers: Arc<Readers>,
    /// Whether whoever walks the first chain waits until another thread has begun: on one processor
    /// it might else be through with all of them before.
    waits: bool,
}

#[derive(Default)]
struct Readers {
    known: Mutex<HashSet<ThreadId>>,
    /// Told when a second one comes.
    second: Condvar,
}

impl MemoryReader for Witness {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let Readers { known, second } = &*self.readers;
        let mut known = known.lock().expect("no reader panics");
        if known.insert(thread::current().id()) && known.len() > 1 {
            second.notify_all();
        }
        if self.waits && address == tokio::boxed(1) {
            let limit = Duration::from_secs(10);
            let is_alone = |known: &mut HashSet<_>| known.len() < 2;
            drop(second.wait_timeout_while(known, limit, is_alone).expect("no reader panics"));
        } else {
            drop(known);
        }
        self.memory.read(address, buffer)
    }
}

/// A process that tells whether several threads may read it, and whose user asks to stop when that
/// was looked for so many times.
fn watched(memory: FakeMemory, by_threads: bool, patience: u64) -> FakeTarget<Witness> {
    let readers = Arc::<Readers>::default();
    // Where the user asks to stop, no other one may ever begin.
    let waits = by_threads && patience == u64::MAX;
    let memory = Witness { memory, readers, waits };
    let target = FakeTarget::new(tokio::layouts(), memory, tokio::THREAD_POINTER);
    let target = target.interrupted_after(patience).read_by_at_most(3);
    if by_threads { target } else { target.read_by_one_thread() }
}

fn json_of(report: &Report) -> String {
    let mut text = Vec::new();
    json::write(report, &Beside::default(), &mut text).expect("a vector");
    String::from_utf8(text).expect("text")
}

/// Tasks of which many are not like the others, far apart from each other.
fn mixed(tasks: u64) -> FakeMemory {
    let mut memory = tokio::memory(tasks);
    for number in 1..=tasks {
        let (at, boxed) = (tokio::task(number), tokio::boxed(number));
        match number {
            _ if number % 701 == 0 => memory.put_u64(at + tokio::STATE, 1),
            _ if number % 577 == 0 => memory.put(at + tokio::OUTER_STATE, [4]),
            _ if number % 431 == 0 => memory.put(at + tokio::OUTER_STATE, [0]),
            _ if number % 311 == 0 => memory.put_u64(at + tokio::BOXED + 8, 0x20_9000),
            _ if number % 211 == 0 => memory.put(boxed + tokio::INNER_STATE, [77]),
            3_000.. if number % 101 == 0 => memory.put(boxed + tokio::INNER_STATE, [1]),
            _ => {}
        }
    }
    memory
}

#[test]
fn several_threads_find_what_one_finds() {
    let report = |by_threads| {
        let memory = mixed(6_000);
        let target = watched(memory, by_threads, u64::MAX);
        let readers = Arc::clone(&target.reader().readers);
        let report = inspect(&target, REGISTRY);
        let readers = readers.known.lock().expect("no reader panics").len();
        (report, readers)
    };
    let (by_one, readers) = report(false);
    assert_eq!((by_one.tasks.len(), readers), (6_000, 1));
    let by_one = json_of(&by_one);
    for _ in 0..3 {
        let (by_several, readers) = report(true);
        assert!(readers > 1, "one thread has done it all");
        assert!(json_of(&by_several) == by_one, "not the same report");
    }
}

#[test]
fn several_threads_find_a_circle_too() {
    let torn = || {
        let mut memory = tokio::memory(6_000);
        memory.put_u64(tokio::task(5_000) + tokio::NEXT, tokio::task(4_000));
        memory
    };
    let report = |by_threads| inspect(&watched(torn(), by_threads, u64::MAX), REGISTRY);
    let by_one = report(false);
    assert_eq!(by_one.tasks.len(), 5_000);
    assert_eq!(json_of(&report(true)), json_of(&by_one));
}

#[test]
fn a_user_who_asks_to_stop_ends_it() {
    let report = |by_threads, patience| {
        let target = watched(tokio::memory(6_000), by_threads, patience);
        (inspect(&target, REGISTRY), target.patience())
    };
    let (whole, left) = report(false, u64::MAX);
    assert!(!whole.interrupted);
    let asked = u64::MAX - left;
    for patience in (0..10).map(|tenth| 1 + asked * tenth / 10) {
        assert!(report(false, patience).0.interrupted, "{patience} of {asked}");
    }
    // How often this thread asks depends on how much the others do.
    for patience in 1..4 {
        let (part, _) = report(true, patience);
        assert!(part.interrupted, "{patience}");
        assert!(part.tasks.len() < 6_000, "{patience}");
    }
}
