//! JSON of many tasks, in few words.

use std::collections::HashSet;

use report_text::json;
use report_text::text::Beside;
use runtime_layouts::layout::name::DisplayName;
use runtime_layouts::report::{
    Chain, Frame, FrameKind, FrameSource, FutureState, Report, Site, SiteId, TargetSummary, Task,
    TaskId, TaskIndex, TaskKind, TaskState, TaskWakers, Trust,
};
use runtime_layouts::target::TargetKind;
use serde_json::Value;

fn site(function: &str) -> Site {
    Site {
        name: DisplayName { short: function.into(), full: function.into() },
        type_name: format!("{function}::{{async_fn_env#0}}"),
        kind: FrameKind::AsyncFn,
        state: FutureState::Suspended,
        location: None,
        expanded: None,
        defined: None,
        user: true,
    }
}

fn task(index: u32, site: u32) -> Task {
    let frame = Frame { site: SiteId(site), address: u64::from(index), problem: None };
    Task {
        id: TaskId(index.to_string()),
        runtime: None,
        kind: TaskKind::Task,
        state: TaskState::Idle,
        root: Some(SiteId(site)),
        address: 0x1000 + u64::from(index),
        thread: None,
        spawned_at: None,
        chain: Chain { frames: vec![frame], ..Chain::default() },
        trust: Trust::of(FrameSource::StateMachines),
        beside_stack: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(index),
        problems: Vec::new(),
    }
}

/// The JSON of so many tasks, of which ten stand elsewhere.
fn report(tasks: u32, brief: bool) -> Value {
    let target = TargetSummary {
        kind: TargetKind::Live,
        pid: None,
        executable: "shop".into(),
        build_id: None,
    };
    let sites = vec![site("shop::buy"), site("shop::sell")];
    let mut report = Report { sites, types: vec![None, None], ..Report::empty(target) };
    report.tasks = (0..tasks).map(|index| task(index, u32::from(index >= tasks - 10))).collect();
    let mut text = Vec::new();
    json::write(&report, &Beside::default().and_brief(brief), &mut text).expect("a vector");
    serde_json::from_slice(&text).expect("JSON")
}

fn ids(tasks: &Value) -> Vec<String> {
    let id = |task: &Value| task.as_str().or(task["id"].as_str()).expect("an id").to_owned();
    tasks.as_array().expect("an array").iter().map(id).collect()
}

#[test]
fn of_many_tasks_the_first_are_whole_and_none_is_lost() {
    let json = report(3000, true);
    let whole = ids(&json["tasks"]);
    assert_eq!(whole.len(), 64 + 10);
    let alike = json["alike"].as_array().expect("an array");
    assert_eq!(alike.len(), 1, "the ten are written whole: {alike:?}");
    assert_eq!(alike[0]["task"], "0");
    let rest = ids(&alike[0]["tasks"]);
    let all: HashSet<String> = whole.iter().chain(&rest).cloned().collect();
    assert_eq!((all.len(), whole.len() + rest.len()), (3000, 3000));
}

#[test]
fn few_tasks_and_those_who_do_not_ask_get_all() {
    for (tasks, brief) in [(2000, true), (3000, false)] {
        let json = report(tasks, brief);
        assert_eq!(ids(&json["tasks"]).len(), tasks as usize);
        assert!(json.get("alike").is_none());
    }
}
