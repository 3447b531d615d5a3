//! Which tasks of a list pass a filter.

use report_text::text::tasks::{TaskFilter, matches};
use runtime_layouts::layout::name::DisplayName;
use runtime_layouts::report::{
    Chain, Frame, FrameKind, FrameRef, FrameSource, FutureState, Report, Resource, ResourceId,
    ResourceKind, Site, SiteId, TargetSummary, Task, TaskId, TaskIndex, TaskKind, TaskState,
    TaskWakers, Trust, Wait,
};
use runtime_layouts::target::TargetKind;

/// Each task stands in one frame of the same function.
const SITE: SiteId = SiteId(0);

fn site() -> Site {
    Site {
        name: DisplayName { short: "shop::buy".into(), full: "shop::buy".into() },
        type_name: "shop::buy::{async_fn_env#0}".into(),
        kind: FrameKind::AsyncFn,
        state: FutureState::Suspended,
        location: None,
        expanded: None,
        defined: None,
        user: true,
    }
}

fn task(index: u32) -> Task {
    let frame = Frame { site: SITE, address: u64::from(index), problem: None };
    Task {
        id: TaskId(index.to_string()),
        runtime: None,
        kind: TaskKind::Task,
        state: TaskState::Idle,
        root: Some(SITE),
        address: 0x1000 + u64::from(index),
        thread: None,
        spawned_at: None,
        chain: Chain { frames: vec![frame], ..Chain::default() },
        trust: Trust::of(FrameSource::StateMachines),
        siblings_of_stack: None,
        panic: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(index),
        problems: Vec::new(),
    }
}

fn resource(kind: ResourceKind, name: &str) -> Resource {
    Resource {
        kind,
        address: 0x2000,
        name: name.into(),
        state: None,
        timer: None,
        holders: Vec::new(),
        is_taken: None,
        parties: None,
        queue: Vec::new(),
        given: None,
        tasks: Vec::new(),
        needs_all: false,
        thread: None,
        declared_in: None,
        child: None,
        reserved: None,
        is_reachable: false,
        is_in_order: true,
    }
}

/// A report whose tasks, numbered from 0, each wait for one of these, polled or not.
fn report(waits: &[(ResourceKind, &str, bool)]) -> Report {
    let target = TargetSummary {
        kind: TargetKind::Live,
        pid: None,
        executable: "shop".into(),
        build_id: None,
    };
    let mut report = Report { sites: vec![site()], types: vec![None], ..Report::empty(target) };
    let mut all = Vec::new();
    for (index, (kind, name, is_polled)) in (0..).zip(waits) {
        let leaf = FrameRef { site: SITE, address: u64::from(index) };
        report.tasks.push(task(index));
        report.resources.push(resource(*kind, name));
        all.push(Wait {
            task: TaskIndex(index),
            resource: ResourceId(index),
            access: None,
            is_granted: false,
            note: None,
            is_polled: *is_polled,
            is_limit: false,
            blocks_thread: false,
            holding_frame: (!is_polled).then_some(leaf),
            waker: None,
            leaf,
            user: Some(leaf),
        });
    }
    report.waits = all.into();
    report
}

fn passing(report: &Report, filter: &TaskFilter) -> Vec<String> {
    let tasks = report.tasks.iter().filter(|task| matches(report, task, filter));
    tasks.map(|task| task.id.0.clone()).collect()
}

#[test]
fn what_is_waited_for_counts_by_its_kind_not_by_its_name() {
    let report = report(&[
        (ResourceKind::Mutex, "Mutex<Semaphore>", true),
        (ResourceKind::Semaphore, "Semaphore", true),
        (ResourceKind::Sleep, "a timer", true),
        (ResourceKind::Semaphore, "Semaphore", false),
    ]);
    let waiting_on = |words: &[&str]| {
        let waiting_on = words.iter().flat_map(|word| ResourceKind::of_word(word)).collect();
        passing(&report, &TaskFilter { waiting_on, ..TaskFilter::default() })
    };
    assert_eq!(waiting_on(&["semaphore"]), ["1"], "not the lock, nor what nothing polls");
    assert_eq!(waiting_on(&["mutex"]), ["0"]);
    assert_eq!(waiting_on(&["timer"]), ["2"]);
    assert_eq!(waiting_on(&["lock", "sleep"]), ["0", "2"]);
    assert!(waiting_on(&["barrier"]).is_empty());
    assert_eq!(waiting_on(&[]), ["0", "1", "2", "3"]);
}

#[test]
fn text_is_found_in_frames_and_in_the_names_of_what_is_waited_for() {
    let report = report(&[
        (ResourceKind::Mutex, "Mutex<Inventory>", true),
        (ResourceKind::Mutex, "Mutex<Orders>", true),
    ]);
    let with = |text: &str| {
        passing(&report, &TaskFilter { with: vec![text.into()], ..TaskFilter::default() })
    };
    let without = |text: &str| {
        passing(&report, &TaskFilter { without: vec![text.into()], ..TaskFilter::default() })
    };
    assert_eq!(with("Inventory"), ["0"]);
    assert_eq!(without("Inventory"), ["1"]);
    assert_eq!(with("shop::buy"), ["0", "1"]);
    assert!(without("shop::buy").is_empty());
}
