//! `info async-tasks`, `async tasks`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, ValueEnum};
use report_text::text::tasks::{TaskFilter, write};
use runtime_layouts::report::{ResourceKind, TaskState};

use super::{Front, Run};
use crate::failure::Failure;

/// List the async tasks of the process
///
/// Prints one line for each task: its id, its state, the innermost frame of your own code, and what
/// the task waits for. A star marks the current task. When there are many tasks, those with the same
/// await stack form one group. The last line says how complete the list is.
#[derive(Parser)]
pub(crate) struct Tasks {
    #[command(flatten)]
    filter: Filter,
    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,
}

/// Which tasks, and how.
#[derive(Args)]
struct Filter {
    /// Show only tasks in this state; may be repeated
    #[arg(long, value_enum, value_delimiter = ',')]
    state: Vec<State>,
    /// Show only tasks with TEXT in a function or file of their await stack, or in the name of what
    /// they wait for
    #[arg(long, value_name = "TEXT")]
    with: Vec<String>,
    /// Show only tasks with TEXT in none of these
    #[arg(long, value_name = "TEXT")]
    without: Vec<String>,
    /// Show only tasks that wait for something of this kind, as the JSON report calls it, or for a
    /// `channel`, a `lock` (mutex, rwlock, thread_lock) or a `timer` (sleep); may be repeated
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(ResourceKind::words()))]
    waiting_on: Vec<String>,
    /// Show tasks with the same await stack as one
    #[arg(long, overrides_with = "no_group")]
    group: bool,
    /// Show every task on its own line
    #[arg(long, overrides_with = "group")]
    no_group: bool,
    /// Show at most N lines
    #[arg(long, value_name = "N", overrides_with = "all")]
    limit: Option<usize>,
    /// Show every task on its own line, without a limit
    #[arg(long, overrides_with = "limit")]
    all: bool,
    /// Show only your own code: drop the frames of libraries
    #[arg(long)]
    user: bool,
}

/// A task's state, as one types it.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// Waits for a wakeup
    Idle,
    /// Was woken and waits to be polled
    Scheduled,
    /// Is being polled now
    Running,
    /// Has an output that nothing has taken yet
    Complete,
    /// Was aborted
    Cancelled,
    /// Could not be read
    Unknown,
}

impl From<State> for TaskState {
    fn from(state: State) -> Self {
        match state {
            State::Idle => Self::Idle,
            State::Scheduled => Self::Scheduled,
            State::Running => Self::Running,
            State::Complete => Self::Complete,
            State::Cancelled => Self::Cancelled,
            State::Unknown => Self::Unknown,
        }
    }
}

impl Filter {
    fn task_filter(&self) -> TaskFilter {
        TaskFilter {
            states: self.state.iter().map(|state| TaskState::from(*state)).collect(),
            with: self.with.clone(),
            without: self.without.clone(),
            waiting_on: self
                .waiting_on
                .iter()
                .flat_map(|word| ResourceKind::of_word(word))
                .collect(),
            group: match (self.group, self.no_group || self.all) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
            limit: if self.all { Some(0) } else { self.limit },
        }
    }
}

impl Run for Tasks {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let thread = front.selected_thread()?;
        let mut look = front.look()?;
        look.full_names = self.full_names;
        look.user_only = self.filter.user;
        look.current = front.selection().current_id(&report, thread);
        Ok(write(&report, &self.filter.task_filter(), &look, front.out())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(line: &str) -> TaskFilter {
        let words = std::iter::once("tasks").chain(line.split_whitespace());
        Tasks::try_parse_from(words).expect("understood").filter.task_filter()
    }

    #[test]
    fn filters_are_understood() {
        let all = filter("");
        assert!(all.states.is_empty() && all.with.is_empty() && all.without.is_empty());
        assert_eq!((all.group, all.limit), (None, None));
        let some = filter("--state idle,running --state complete --with a --with b --without c");
        assert_eq!(some.states, [TaskState::Idle, TaskState::Running, TaskState::Complete]);
        assert_eq!((some.with, some.without), (vec!["a".into(), "b".into()], vec!["c".into()]));
    }

    #[test]
    fn what_is_waited_for_is_asked_for_by_its_kind() {
        use ResourceKind::{Broadcast, Io, Mpsc, Mutex, Oneshot, Pipe, Sleep, Watch};
        assert_eq!(filter("--waiting-on mutex").waiting_on, [Mutex]);
        assert_eq!(filter("--waiting-on timer --waiting-on io").waiting_on, [Sleep, Io]);
        let channels = [Mpsc, Oneshot, Watch, Broadcast, Pipe, Mutex];
        assert_eq!(filter("--waiting-on channel,mutex").waiting_on, channels);
        assert!(Tasks::try_parse_from(["tasks", "--waiting-on", "stock"]).is_err());
    }

    #[test]
    fn the_last_of_two_opposites_counts() {
        assert_eq!(filter("--group").group, Some(true));
        assert_eq!(filter("--no-group").group, Some(false));
        assert_eq!(filter("--no-group --group").group, Some(true));
        assert_eq!(filter("--group --no-group").group, Some(false));
        assert_eq!(filter("--all --limit 5").limit, Some(5));
        assert_eq!(filter("--limit 5 --all").limit, Some(0));
        let all = filter("--all");
        assert_eq!((all.group, all.limit), (Some(false), Some(0)));
        assert_eq!(filter("--all --group").group, Some(true));
    }
}
