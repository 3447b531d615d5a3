//! Whether a report shows all that there is: the one answer of list, footer, JSON and exit code.

use std::fmt;

use super::{Chain, Report, Task, sentence};

/// What could not be read of a task, or may be wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What it is, in a few words.
    pub text: String,
    /// Whether something of the task is not shown; `false` when all is shown, and a part of it is
    /// likely and not certain, or the program does not have it.
    pub is_missing: bool,
}

impl Problem {
    /// Something that is not shown.
    #[must_use]
    pub fn missing(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_missing: true }
    }

    /// Something that is to be known of what is shown.
    #[must_use]
    pub fn doubt(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_missing: false }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Tasks of which the reasons are given: there may be a million.
const MOST_TASKS: usize = 8;

/// Whether everything is shown, and why not.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Completeness {
    /// Why something is missing, or may be torn: a sentence each; empty when everything is shown.
    pub reasons: Vec<String>,
}

impl Completeness {
    /// Whether everything is shown.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl Report {
    /// Whether this shows all that there is, as far as that can be told: every task of every
    /// runtime, and every task down to what it waits for.
    #[must_use]
    pub fn completeness(&self) -> Completeness {
        let mut reasons: Vec<String> =
            self.problems.iter().map(|problem| sentence(problem)).collect();
        for runtime in &self.runtimes {
            let name = format!("{} runtime {}", runtime.library, runtime.id);
            let of = |reason| sentence(&format!("{name}: {reason}"));
            reasons.extend(runtime.incomplete.iter().map(of));
            let listed = runtime.listed_tasks;
            if let Some(counted) = runtime.counted_tasks.filter(|counted| *counted != listed) {
                reasons.push(format!("{name} counts {counted} tasks, its list has {listed}."));
            }
        }
        let mut torn = self.tasks.iter().filter_map(|task| Some((task, missing(task)?)));
        let named = torn.by_ref().take(MOST_TASKS);
        reasons.extend(named.map(|(task, why)| sentence(&format!("Task {}: {why}", task.id.0))));
        match torn.count() {
            0 => {}
            1 => reasons.push("1 more task is not shown whole.".to_string()),
            more => reasons.push(format!("{more} more tasks are not shown whole.")),
        }
        if self.interrupted {
            reasons.push("Interrupted: the list is not complete.".to_string());
        }
        Completeness { reasons }
    }
}

/// Why a task is not shown whole; `None` when it is.
fn missing(task: &Task) -> Option<&str> {
    let own = task.problems.iter().find(|problem| problem.is_missing);
    own.map(|problem| problem.text.as_str()).or_else(|| cut(&task.chain))
}

/// Why a chain does not go on where it should.
fn cut(chain: &Chain) -> Option<&str> {
    let own = chain.frames.iter().find_map(|frame| frame.problem.as_deref());
    own.or_else(|| chain.branches.iter().find_map(cut))
}
