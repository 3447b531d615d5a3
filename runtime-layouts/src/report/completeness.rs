//! Completeness of a report: the one answer for list, footer, JSON and exit code.

use super::{Chain, FrameSource, Report, Task, Trust, sentence};

/// Tasks of which the reasons are given: there may be a million.
const MAX_TASKS: usize = 8;

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
                reasons.push(format!("{name} counts {counted} tasks, but its list has {listed}."));
            }
        }
        let mut torn = self.tasks.iter().filter_map(|task| Some((task, missing(task)?)));
        let named = torn.by_ref().take(MAX_TASKS);
        reasons.extend(named.map(|(task, why)| sentence(&format!("Task {}: {why}", task.id.0))));
        match torn.count() {
            0 => {}
            1 => reasons.push("1 more task is not shown in full.".to_string()),
            more => reasons.push(format!("{more} more tasks are not shown in full.")),
        }
        if self.interrupted {
            reasons.push("Interrupted: the list is incomplete.".to_string());
        }
        Completeness { reasons }
    }
}

/// Why a task is not shown whole; `None` when it is. Frames that the optimizer left nothing of are
/// not missing: the program does not have them.
fn missing(task: &Task) -> Option<&str> {
    let Trust { source, is_stale, .. } = task.trust;
    let torn = is_stale && source != FrameSource::NativeStack;
    let own = task.problems.first().map(String::as_str);
    let own = own.or_else(|| torn.then_some(Trust::TORN));
    let cut = || if source == FrameSource::TypeAlone { None } else { cut(&task.chain) };
    own.or_else(cut)
}

/// Why a chain does not go on where it should.
fn cut(chain: &Chain) -> Option<&str> {
    let own = chain.frames.iter().find_map(|frame| frame.problem.as_deref());
    own.or_else(|| chain.branches.iter().find_map(cut))
}
