//! JSON of many tasks, in few words.

use std::collections::HashSet;

use report_text::json;
use report_text::text::Beside;
use runtime_layouts::fake::FakeReport;
use serde_json::Value;

/// The JSON of so many tasks, of which the last ten stand elsewhere.
fn report(tasks: usize, brief: bool) -> Value {
    let mut story = FakeReport::new();
    for number in 0..tasks {
        let task = story.task();
        if number >= tasks - 10 {
            story.awaits(task);
        }
    }
    let report = story.report();
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
    assert_eq!(alike[0]["task"], "1");
    let rest = ids(&alike[0]["tasks"]);
    let all: HashSet<String> = whole.iter().chain(&rest).cloned().collect();
    assert_eq!((all.len(), whole.len() + rest.len()), (3000, 3000));
}

#[test]
fn few_tasks_and_those_who_do_not_ask_get_all() {
    for (tasks, brief) in [(2000, true), (3000, false)] {
        let json = report(tasks, brief);
        assert_eq!(ids(&json["tasks"]).len(), tasks);
        assert!(json.get("alike").is_none());
    }
}
