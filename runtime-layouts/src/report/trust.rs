//! The source of a task's frames, and so how far to trust them.

use super::{Task, TaskKind};

/// How far what is shown of a task can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trust {
    /// Where its frames are from.
    pub source: FrameSource,
    /// Whether the type of its future is known.
    pub future: FutureType,
    /// Whether it is being polled now, so that what memory stores of its future is from before this
    /// poll and may be torn. Its frames are not when they are those of its thread's stack.
    pub is_stale: bool,
}

/// Where the frames of a task are from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FrameSource {
    /// The state machines in memory, from where the runtime or the debug information says that they
    /// are.
    StateMachines,
    /// The native stack of the thread that polls it, or runs it.
    NativeStack,
    /// The state machines in memory, from a place on a thread's stack that holds what such a future
    /// can look like: the debug information does not say where it is.
    StackSearch,
    /// The type of its outermost future alone: where on a thread's stack that is was optimized
    /// away, and it was not found there.
    TypeAlone,
    /// There are none: it has ended or was not begun, or its future cannot be read.
    Nothing,
}

/// Whether the type of a task's future is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FutureType {
    /// It is the one that is shown.
    Known,
    /// It is one of so many: the linker folded the functions that poll them into one. The first is
    /// shown.
    OneOf(usize),
    /// The debug information does not tell it.
    Unknown,
}

impl Trust {
    /// What is said of a task that is being polled, and whose frames are not its thread's.
    pub(super) const TORN: &str =
        "it is being polled now; its frames date from before this poll and may be torn";

    /// Frames from there, of a future that nothing polls now and whose type is known.
    #[must_use]
    pub const fn of(source: FrameSource) -> Self {
        Self { source, future: FutureType::Known, is_stale: false }
    }
}

impl FrameSource {
    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::StateMachines => "state_machines",
            Self::NativeStack => "native_stack",
            Self::StackSearch => "stack_search",
            Self::TypeAlone => "type_alone",
            Self::Nothing => "nothing",
        }
    }
}

impl FutureType {
    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::OneOf(_) => "one_of_several",
            Self::Unknown => "unknown",
        }
    }
}

impl Task {
    /// What a reader has to know about its frames before trusting them: a clause each, without a full stop
    /// at its end.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let Trust { source, future, is_stale } = self.trust;
        let mut doubts = Vec::new();
        if let FutureType::OneOf(count) = future {
            doubts.push(format!(
                "the linker folded {count} identical task types into one; unhang shows the first"
            ));
        }
        if source == FrameSource::StackSearch {
            doubts.push(
                "the debug information does not locate this future: it was found on the stack by its \
                 shape"
                    .to_string(),
            );
        }
        let polled = match source {
            // A thread that blocks on a future is expected to poll it.
            FrameSource::NativeStack if self.kind == TaskKind::BlockOn => None,
            FrameSource::NativeStack => Some(
                "it is being polled now; its frames come from the thread's stack, and its stored state \
                 is stale",
            ),
            _ => Some(Trust::TORN),
        };
        doubts.extend(polled.filter(|_| is_stale).map(str::to_string));
        doubts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Chain, TaskId, TaskIndex, TaskState, TaskWakers};

    fn task(kind: TaskKind, trust: Trust) -> Task {
        Task {
            id: TaskId("1".into()),
            runtime: None,
            kind,
            state: TaskState::Running,
            root: None,
            address: 0,
            thread: None,
            spawned_at: None,
            chain: Chain::default(),
            trust,
            siblings_of_stack: None,
            panic: None,
            wakers: TaskWakers::default(),
            index: TaskIndex(0),
            problems: Vec::new(),
        }
    }

    fn doubts(kind: TaskKind, trust: Trust) -> String {
        task(kind, trust).doubts().join("; ")
    }

    #[test]
    fn what_a_suspended_task_stores_needs_no_words() {
        for source in [
            FrameSource::StateMachines,
            FrameSource::NativeStack,
            FrameSource::TypeAlone,
            FrameSource::Nothing,
        ] {
            assert_eq!(doubts(TaskKind::Task, Trust::of(source)), "", "{source:?}");
        }
    }

    #[test]
    fn what_is_polled_now_says_where_its_frames_are_from() {
        let stale = |source| Trust { is_stale: true, ..Trust::of(source) };
        let stack = stale(FrameSource::NativeStack);
        assert!(doubts(TaskKind::Task, stack).contains("come from the thread's stack"));
        assert_eq!(doubts(TaskKind::BlockOn, stack), "");
        let stored = doubts(TaskKind::Local, stale(FrameSource::StateMachines));
        assert!(stored.ends_with("from before this poll and may be torn"), "{stored}");
    }

    #[test]
    fn several_doubts_are_said_each() {
        let folded = Trust {
            future: FutureType::OneOf(3),
            is_stale: true,
            ..Trust::of(FrameSource::StackSearch)
        };
        let doubts = task(TaskKind::Task, folded).doubts();
        assert_eq!(doubts.len(), 3);
        assert!(doubts[0].contains("folded 3 identical"), "{doubts:?}");
        assert!(doubts[1].ends_with("by its shape"), "{doubts:?}");
    }
}
