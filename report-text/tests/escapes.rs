//! Names that mean harm, wherever a report has one: no front lets a terminal obey them.

use std::sync::Arc;

use report_text::json;
use report_text::text::style::{escaped, is_harmful};
use report_text::text::tasks::TaskFilter;
use report_text::text::{Beside, Look, backtrace, dump, locks, tasks, variables, why, workers};
use runtime_layouts::fake::{FakeLayouts, FakeTarget, tokio};
use runtime_layouts::layout::SourceFile;
use runtime_layouts::layout::SourceLocation;
use runtime_layouts::libraries::{LIBRARIES, REGISTRY};
use runtime_layouts::report::{
    Access, FrameRef, Holder, Report, Resource, ResourceId, ResourceKind, TaskIndex, TaskState,
    Wait, WaitId, Within,
};
use runtime_layouts::target::Target;
use runtime_layouts::variables::Limits;
use runtime_layouts::variables::locals::{LocalTable, Locals};
use runtime_layouts::walk::inspect;

/// A colour, the window's title, a line end, a screen cleared by C1, DEL, and text turned round.
const EVIL: &str = "\x1b[31m\x1b]0;title\x07\r\nx\u{9b}2J\u{7f}\u{202e}\u{2066}\u{2028}";

/// A name as wide as the evil one is when it is written.
fn meek() -> String {
    "n".repeat(escaped(EVIL).chars().count())
}

/// The vtable of a future whose state machine has a variable.
const VTABLE: u64 = 0x20_3000;

/// Four tasks, of which the first waits in an async fn with a variable; all names are of one kind.
fn target(name: &str) -> FakeTarget<impl runtime_layouts::memory::MemoryReader + use<>> {
    let mut layouts: FakeLayouts = tokio::layouts();
    let leaf = layouts.structure(&format!("shop::{name}"), 8, &[]);
    layouts.implement_future(leaf);
    let enumerator = layouts.structure(&format!("shop::{name}"), 1, &[]);
    let choice = layouts.enumeration(
        &format!("shop::{name}"),
        1,
        Some((0, 1)),
        &[(name, None, enumerator, None)],
    );
    let empty = layouts.structure("Unresumed", 32, &[]);
    let members = [(name, 0, choice), ("__awaitee", 16, leaf)];
    let suspended = layouts.structure("Suspend0", 32, &members);
    let machine = layouts.enumeration(
        &format!("shop::{name}::{{async_fn_env#0}}"),
        32,
        Some((24, 1)),
        &[
            ("Unresumed", Some(vec![0]), empty, Some(1)),
            ("Suspend0", Some(vec![3]), suspended, Some(7)),
        ],
    );
    layouts.vtable(VTABLE, machine);
    let mut memory = tokio::memory(4);
    memory.put_u64(tokio::task(1) + tokio::BOXED + 8, VTABLE);
    memory.put(tokio::boxed(1), [0; 32]);
    memory.put(tokio::boxed(1) + 24, [3]);
    FakeTarget::new(layouts, memory, tokio::THREAD_POINTER)
}

/// A report whose every text is that name: two tasks wait for each other's locks, one for a
/// socket, and one for a lock whose holder is not known.
fn report(target: &dyn Target, name: &str) -> Report {
    let mut report = inspect(target, REGISTRY);
    let text = || name.to_string();
    report.target.executable = text();
    report.target.build_id = Some(text());
    report.problems = vec![text()];
    report.caveats = vec![text()];
    for runtime in &mut report.runtimes {
        (runtime.version, runtime.object) = (Some(text()), Some(text()));
        runtime.incomplete = vec![text()];
    }
    let file = SourceFile { path: format!("/{name}/main.rs"), directory: text() };
    let place = SourceLocation { file: Arc::new(file), line: 7 };
    for site in &mut report.sites {
        (site.name.full, site.name.short) = (text(), text());
        site.type_name = text();
        site.location = Some(place.clone());
        (site.expanded, site.defined) = (Some(place.clone()), Some(place.clone()));
        site.user = true;
    }
    let mut frames = Vec::new();
    for task in &mut report.tasks {
        task.spawned_at = Some(place.clone());
        task.problems = vec![text()];
        task.state = TaskState::Idle;
        frames.extend(task.chain.frames.last().map(FrameRef::of));
        if let Some(last) = task.chain.frames.last_mut() {
            last.problem = Some(name.into());
        }
    }
    let holder = |task: usize| Holder {
        is_static: false,
        task: Some(TaskIndex(task as u32)),
        frame: frames[task],
        variable: Some(name.into()),
        guard: name.into(),
        access: Access::Exclusive,
        may_be_moved: false,
        shared_end: None,
        within: Some(Within { name: name.into(), has_messages: true }),
        holding_frame: None,
        thread: None,
    };
    let resource = |kind, queue: u32, holders| Resource {
        kind,
        address: 0x1000 + u64::from(queue),
        name: name.into(),
        state: Some(text()),
        timer: None,
        holders,
        is_taken: Some(true),
        parties: None,
        reserved: None,
        is_reachable: false,
        is_in_order: true,
        queue: vec![WaitId(queue)],
        given: None,
        tasks: Vec::new(),
        needs_all: false,
        thread: None,
        declared_in: None,
        child: None,
    };
    let wait = |task: usize, resource, note| Wait {
        task: TaskIndex(task as u32),
        resource: ResourceId(resource),
        access: None,
        is_granted: false,
        note,
        is_polled: true,
        is_limit: false,
        blocks_thread: false,
        holding_frame: None,
        waker: None,
        leaf: frames[task],
        user: Some(frames[task]),
    };
    report.resources = vec![
        resource(ResourceKind::Mutex, 0, vec![holder(1)]),
        resource(ResourceKind::Mutex, 1, vec![holder(0)]),
        resource(ResourceKind::Io, 2, Vec::new()),
        resource(ResourceKind::Mutex, 3, Vec::new()),
    ];
    let waits = [wait(0, 0, None), wait(1, 1, None), wait(2, 2, Some(text())), wait(3, 3, None)];
    report.waits = waits.into_iter().collect();
    report.holdings = vec![(TaskIndex(0), ResourceId(1), 0), (TaskIndex(1), ResourceId(0), 0)];
    report
}

/// What every front's command writes.
fn texts(name: &str, styled: bool) -> Vec<(&'static str, String)> {
    let target = target(name);
    let report = report(&target, name);
    let look = Look { width: None, styled, full_names: true, user_only: false, current: None };
    let mut written = Vec::new();
    let mut add = |what, write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut bytes = Vec::new();
        write(&mut bytes).expect("a vector");
        written.push((what, String::from_utf8(bytes).expect("text")));
    };
    let grouped = TaskFilter { group: Some(true), ..TaskFilter::default() };
    let locals =
        || Beside::with(LocalTable::of(&target, &report, &report.tasks, LIBRARIES, Limits::SHORT));
    add("list", &|out| tasks::write(&report, &TaskFilter::default(), &look, out));
    add("groups", &|out| tasks::write(&report, &grouped, &look, out));
    add("why", &|out| why::write(&report, &look, out));
    add("locks", &|out| locks::write(&report, true, &look, out));
    add("workers", &|out| workers::write(&report, &look, out));
    add("dump", &|out| dump::write(&report, &look, &locals(), true, out));
    for task in &report.tasks {
        add("why ID", &|out| why::write_task(&report, task, &look, out));
        add("bt", &|out| backtrace::write(&report, task, &look, &locals(), out));
        for number in 0..backtrace::frame_count(task) {
            add("frame", &|out| backtrace::write_frame(&report, task, number, &look, out));
            let frame = variables::frame(task, number).expect("a frame");
            let read = Locals::new(&target, LIBRARIES, Limits::LONG);
            add("locals", &|out| variables::write(&report, frame, &read, &look, out));
        }
    }
    written
}

/// The text without the sequences of our own styles.
fn without_styles(text: &str) -> String {
    ["", "1", "2", "31", "32", "33"]
        .iter()
        .fold(text.to_string(), |text, code| text.replace(&format!("\x1b[{code}m"), ""))
}

#[test]
fn no_text_lets_a_terminal_obey_a_process() {
    for styled in [false, true] {
        let (evil, meek) = (texts(EVIL, styled), texts(&meek(), styled));
        assert_eq!(evil.len(), meek.len());
        for ((what, evil), (_, meek)) in evil.iter().zip(&meek) {
            let told = if styled { without_styles(evil) } else { evil.clone() };
            let harmful = told.chars().find(|c| is_harmful(*c) && *c != '\n');
            assert_eq!(harmful, None, "{what}: {told}");
            // It makes no lines of its own either.
            assert_eq!(evil.lines().count(), meek.lines().count(), "{what}: {evil}");
            // No more sequences than as many styles.
            let count = |text: &str| text.matches('\x1b').count();
            assert_eq!(count(evil), count(meek), "{what}: {evil:?}");
        }
        let all: String = meek.iter().map(|(_, text)| text.as_str()).collect();
        for expected in ["Deadlock", "held by", "Holder not found", "note: nn", "n: nn", "n = nn"] {
            let all = without_styles(&all);
            assert!(all.contains(expected), "{expected} is not tried: {all}");
        }
    }
}

#[test]
fn json_is_harmless_where_a_terminal_shows_it() {
    let target = target(EVIL);
    let report = report(&target, EVIL);
    let locals = LocalTable::of(&target, &report, &report.tasks, LIBRARIES, Limits::SHORT);
    let mut bytes = Vec::new();
    json::write(&report, &Beside::with(locals), &mut bytes).expect("a vector");
    let text = String::from_utf8(bytes).expect("text");
    assert_eq!(text.chars().find(|c| is_harmful(*c) && *c != '\n'), None);
    // It says what it said.
    let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read["target"]["executable"], EVIL);
    assert_eq!(read["tasks"][0]["frames"][0]["type"], EVIL);
}
