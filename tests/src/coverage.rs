//! How many of a program's live tasks end in a named leaf.
//!
//! A task is live until it has ended. It ends in a named leaf when the innermost frame of every
//! branch has a name from the debug information and no frame is marked with a problem. An
//! async body that is suspended is no leaf: it awaits something, and that is then missing. The leaf of
//! a thread's stack is its innermost function with debug information: below it may be the system's
//! libraries, which have none.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::front::{DUMP, Front};
use xtask::session::Subject;

/// What one report shows.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Coverage {
    /// Live tasks, local and blocking ones and `block_on` futures among them.
    pub live: usize,
    /// Those that end in a named leaf.
    pub named: usize,
    /// A line for each of the others, with what is missing.
    pub misses: Vec<String>,
}

impl Coverage {
    /// Asks one front for the JSON report of a process.
    pub fn ask(front: Front, pid: u32) -> Result<(Self, Value)> {
        let outputs = front.ask(Subject::Process(pid), &[format!("{DUMP} --json")])?;
        let report: Value = serde_json::from_str(&outputs[0])
            .with_context(|| format!("{front:?}: {}", outputs[0]))?;
        Ok((Self::of(&report)?, report))
    }

    /// Counts the tasks of a JSON report.
    pub fn of(report: &Value) -> Result<Self> {
        let mut coverage = Self::default();
        for task in report["tasks"].as_array().context("tasks")? {
            if matches!(task["state"].as_str(), Some("complete" | "cancelled")) {
                continue;
            }
            coverage.live += 1;
            match lacks(task) {
                None => coverage.named += 1,
                Some(lack) => {
                    let (id, name) = (&task["id"], &task["name"]);
                    coverage.misses.push(format!("task {id} {name}: {lack}"));
                }
            }
        }
        Ok(coverage)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} live tasks end in a named leaf", self.named, self.live)?;
        self.misses.iter().try_for_each(|miss| write!(f, "\n    {miss}"))
    }
}

/// What keeps a task from ending in named leaves; `None` when it does. What is said of the whole
/// task (that it runs, that a place was found by its shape) is a note, and no lack.
fn lacks(task: &Value) -> Option<String> {
    lack_of_chain(&task["frames"])
}

fn lack_of_chain(frames: &Value) -> Option<String> {
    let frames = frames.as_array().filter(|frames| !frames.is_empty());
    let Some(frames) = frames else { return Some("no frames".into()) };
    if let Some(problem) = frames.iter().find_map(|frame| frame["problem"].as_str()) {
        return Some(problem.to_owned());
    }
    let branches = frames[0]["children"].as_array().filter(|branches| !branches.is_empty());
    match branches {
        Some(branches) => branches.iter().find_map(lack_of_chain),
        None => lack_of_leaf(frames.iter().find(|frame| !is_foreign(frame)).unwrap_or(&frames[0])),
    }
}

/// Whether a frame of a thread's stack is in a system library without debug information.
fn is_foreign(frame: &Value) -> bool {
    frame["kind"] == "native" && frame["function"] == "(code without debug information)"
}

fn lack_of_leaf(leaf: &Value) -> Option<String> {
    let name = leaf["function"].as_str().unwrap_or_default();
    if name.is_empty() || is_foreign(leaf) {
        return Some(format!("the leaf has no name: {name:?}"));
    }
    let body = matches!(leaf["kind"].as_str(), Some("async_fn" | "async_block" | "async_closure"));
    (body && leaf["state"] == "suspended").then(|| format!("what `{name}` awaits is missing"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leaf(kind: &str, state: &str) -> Value {
        json!({"function": "a::b", "kind": kind, "state": state,
            "children": [], "problem": null})
    }

    fn misses(frames: Value) -> usize {
        let task = json!({"id": "1", "name": "a", "state": "idle", "frames": frames});
        Coverage::of(&json!({"tasks": [task]})).expect("tasks").misses.len()
    }

    #[test]
    fn a_future_and_a_body_that_was_not_polled_are_leaves() {
        assert_eq!(misses(json!([leaf("future", "unknown")])), 0);
        assert_eq!(misses(json!([leaf("async_fn", "unresumed")])), 0);
    }

    #[test]
    fn what_is_no_leaf() {
        assert_eq!(misses(json!([])), 1);
        assert_eq!(misses(json!([leaf("async_fn", "suspended")])), 1);
        for (field, value) in [("function", json!("")), ("problem", json!("<unreadable 0x8>"))] {
            let mut leaf = leaf("future", "unknown");
            leaf[field] = value;
            assert_eq!(misses(json!([leaf])), 1, "{field}");
        }
    }

    #[test]
    fn below_a_function_of_the_program_may_be_a_system_library() {
        let mut foreign = leaf("native", "running");
        foreign["function"] = json!("(code without debug information)");
        assert_eq!(misses(json!([foreign, leaf("native", "running")])), 0);
        assert_eq!(misses(json!([foreign])), 1);
    }

    #[test]
    fn one_branch_without_a_leaf_is_enough() {
        let mut frame = leaf("future", "unknown");
        frame["children"] =
            json!([[leaf("future", "unknown")], [leaf("async_block", "suspended")]]);
        assert_eq!(misses(json!([frame])), 1);
    }

    #[test]
    fn a_task_that_has_ended_does_not_count() {
        let task = json!({"id": "1", "state": "complete", "frames": [], "problems": []});
        let coverage = Coverage::of(&json!({"tasks": [task]})).expect("tasks");
        assert_eq!(coverage, Coverage::default());
    }
}
