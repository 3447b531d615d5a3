//! Kinds of resources and the words for them.

/// What sort of thing is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ResourceKind {
    /// A lock with one holder.
    Mutex,
    /// A lock with one writer or several readers.
    RwLock,
    /// Permits.
    Semaphore,
    /// Objects that are lent and given back: connections.
    Pool,
    /// A value that one of many initializes.
    OnceCell,
    /// A notification.
    Notify,
    /// A meeting point of several tasks.
    Barrier,
    /// A queue with many senders and one receiver.
    Mpsc,
    /// A value that is sent once.
    Oneshot,
    /// A value whose changes are watched.
    Watch,
    /// A queue that every receiver reads whole.
    Broadcast,
    /// Bytes in memory, from one end to the other.
    Pipe,
    /// The end of one task.
    Join,
    /// The end of the next of several tasks.
    JoinSet,
    /// A point in time.
    Sleep,
    /// A socket, pipe or other file descriptor.
    Io,
    /// A signal of the operating system.
    Signal,
    /// A child process.
    Child,
    /// A token that cancels.
    Cancellation,
    /// A future that several poll.
    Shared,
    /// Another turn of the task itself.
    Yield,
    /// Nothing: it is never ready.
    Never,
    /// A lock that blocks its thread.
    ThreadLock,
    /// A call that blocks its thread.
    Blocking,
    /// What others can change who share it with a future of a library that is not known: by rules.
    OtherEnd,
    /// What a future waits for is not known: its type is the name. All futures of one type share
    /// such a resource, without an address and a queue.
    Other,
}

/// Words that stand for several kinds, or for one by another name.
const ALIASES: &[(&str, &[ResourceKind])] = &[
    (
        "channel",
        &[
            ResourceKind::Mpsc,
            ResourceKind::Oneshot,
            ResourceKind::Watch,
            ResourceKind::Broadcast,
            ResourceKind::Pipe,
        ],
    ),
    ("lock", &[ResourceKind::Mutex, ResourceKind::RwLock, ResourceKind::ThreadLock]),
    ("timer", &[ResourceKind::Sleep]),
];

impl ResourceKind {
    /// All of them, in their order.
    pub const ALL: [Self; 26] = [
        Self::Mutex,
        Self::RwLock,
        Self::Semaphore,
        Self::Pool,
        Self::OnceCell,
        Self::Notify,
        Self::Barrier,
        Self::Mpsc,
        Self::Oneshot,
        Self::Watch,
        Self::Broadcast,
        Self::Pipe,
        Self::Join,
        Self::JoinSet,
        Self::Sleep,
        Self::Io,
        Self::Signal,
        Self::Child,
        Self::Cancellation,
        Self::Shared,
        Self::Yield,
        Self::Never,
        Self::ThreadLock,
        Self::Blocking,
        Self::OtherEnd,
        Self::Other,
    ];

    /// Its word: what the JSON report calls it, and what a filter takes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::RwLock => "rwlock",
            Self::Semaphore => "semaphore",
            Self::Pool => "pool",
            Self::OnceCell => "once_cell",
            Self::Notify => "notify",
            Self::Barrier => "barrier",
            Self::Mpsc => "mpsc",
            Self::Oneshot => "oneshot",
            Self::Watch => "watch",
            Self::Broadcast => "broadcast",
            Self::Pipe => "pipe",
            Self::Join => "join",
            Self::JoinSet => "join_set",
            Self::Sleep => "sleep",
            Self::Io => "io",
            Self::Signal => "signal",
            Self::Child => "child",
            Self::Cancellation => "cancellation",
            Self::Shared => "shared",
            Self::Yield => "yield",
            Self::Never => "never",
            Self::ThreadLock => "thread_lock",
            Self::Blocking => "blocking",
            Self::OtherEnd => "other_end",
            Self::Other => "other",
        }
    }

    /// Whether it has ends that put something in and ends that take something out.
    #[must_use]
    pub const fn is_channel(self) -> bool {
        matches!(self, Self::Mpsc | Self::Oneshot | Self::Watch | Self::Broadcast | Self::Pipe)
    }

    /// Whether tasks get it one after the other, or a few at a time, and keep it from all others. The
    /// locks of threads are none of these.
    #[must_use]
    pub const fn is_lock(self) -> bool {
        matches!(self, Self::Mutex | Self::RwLock | Self::Semaphore | Self::Pool | Self::OnceCell)
    }

    /// The words that a filter takes: those of the kinds, then those that stand for several kinds or
    /// for one by another name.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::word).chain(ALIASES.iter().map(|(word, _)| *word))
    }

    /// The kinds that a word stands for; empty for a word that is none of [`ResourceKind::words`].
    #[must_use]
    pub fn of_word(word: &str) -> Vec<Self> {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == word);
        match alias {
            Some((_, kinds)) => kinds.to_vec(),
            None => Self::ALL.into_iter().filter(|kind| kind.word() == word).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_list_is_whole() {
        for (place, kind) in ResourceKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
        assert_eq!(ResourceKind::ALL.len(), ResourceKind::Other as usize + 1, "the last one");
    }

    #[test]
    fn every_word_stands_for_something_and_is_there_once() {
        let mut seen = HashSet::new();
        for word in ResourceKind::words() {
            assert!(seen.insert(word), "{word} is there twice");
            assert!(!ResourceKind::of_word(word).is_empty(), "{word}");
        }
        for kind in ResourceKind::ALL {
            assert_eq!(ResourceKind::of_word(kind.word()), [kind]);
        }
        assert_eq!(ResourceKind::of_word("timer"), [ResourceKind::Sleep]);
        assert!(ResourceKind::of_word("channel").contains(&ResourceKind::Oneshot));
        assert!(ResourceKind::of_word("Mutex").is_empty() && ResourceKind::of_word("").is_empty());
    }
}
