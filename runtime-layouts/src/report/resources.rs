//! Resources, their holders, and the waits of tasks for them.

use std::sync::Arc;

use super::{Frame, ResourceKind, SiteId, ThreadRef, Timer, WakerPlace};

/// Number of a [`Resource`] in its report.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ResourceId(pub u32);

/// Number of a [`Wait`] in its report.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WaitId(pub u32);

/// The index of a task in [`super::Report::tasks`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TaskIndex(pub u32);

/// One thing that is waited for, or held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its address: what the user's variables refer to.
    pub address: u64,
    /// Its type as the source spells it, without the path: `Mutex<Inventory>`. Of a socket or a
    /// timer what it is.
    pub name: Arc<str>,
    /// Its state in few words, to be shown: `0 of 3 permits free`; `None` when there is nothing to
    /// say, and of a timer.
    pub state: Option<String>,
    /// When it goes off; `None` for what is no timer.
    pub timer: Option<Timer>,
    /// Who has it; empty when nobody does, or when none was found.
    pub holders: Vec<Holder>,
    /// Whether it is taken by someone, as its own memory says; `None` when that does not say.
    pub is_taken: Option<bool>,
    /// How many have it, as the runtime itself counts; `None` when it does not.
    pub parties: Option<u64>,
    /// The places of a channel that are reserved; `None` where none is, or where that is not known.
    pub reserved: Option<ReservedPlaces>,
    /// Whether it can be got at without being held: by a weak handle, by an owner that was not found,
    /// or by a reference that a thread may have. Then what holds it does not tell what becomes of
    /// it.
    pub is_reachable: bool,
    /// Whether the first in its queue gets it next, even if nothing polls that one; `false` where
    /// whoever comes may take it, or where that is not known.
    pub is_in_order: bool,
    /// Who waits for it, in the order in which they will get it; those that its queue does not
    /// order come by task.
    pub queue: Vec<WaitId>,
    /// The first of them that was given it and was not polled since; `None` when none was.
    pub given: Option<WaitId>,
    /// The tasks whose end it is.
    pub tasks: Vec<TaskIndex>,
    /// Whether the end of all of them is waited for, not of the next.
    pub needs_all: bool,
    /// The thread whose end it is; `None` for what is no such, and where it is not known which.
    pub thread: Option<ThreadRef>,
    /// Where it is declared what it is: a file or section that the user or the program brings. `None`
    /// for what unhang knows itself.
    pub declared_in: Option<&'static str>,
    /// The child process that would end the wait, and waits for this process itself; `None` where
    /// there is none, or where the system does not tell, as of a core file.
    pub child: Option<Box<BlockedChild>>,
}

/// A child process that sleeps until this process does something with a pipe between the two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockedChild {
    /// Its process id.
    pub pid: u64,
    /// The id of the child that it is, or that began it.
    pub child: u64,
    /// Its name, as the system has it: at most 15 bytes.
    pub name: String,
    /// Whether it reads, until this process sends or closes the pipe; else it writes, until this
    /// process takes what is in the pipe.
    pub reads: bool,
    /// The number of the file that is this process's end of the pipe.
    pub fd: u64,
    /// The first suspended frame that was found to have that file, with the name of its variable;
    /// `None` where none was found.
    pub keeper: Option<FileKeeper>,
}

/// Who has an open file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileKeeper {
    /// The task.
    pub task: TaskIndex,
    /// Its frame.
    pub frame: FrameRef,
    /// The variable; `None` for a part of a future that is no state machine.
    pub variable: Option<Arc<str>>,
}

/// Places of a channel that are reserved for messages to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReservedPlaces {
    /// How many there are, without those that were given to who waits for room.
    pub count: u64,
    /// Whether the channel is full of these alone: only who has one can put a message into it.
    pub are_all: bool,
    /// Whether messages are waited for, not room.
    pub is_for_messages: bool,
}

/// How something is held or asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// By one alone.
    Exclusive,
    /// By several readers.
    Shared,
    /// So many permits.
    Permits(u64),
    /// To put something in.
    Send,
    /// To take something out.
    Receive,
    /// As one of those that own it together, and can tell the others.
    Handle,
    /// A place in a channel, which nobody else can put something into.
    Place,
    /// As one of those that own it together, of which it is not known what each can do.
    End,
    /// By running the code that makes it, for which the others wait.
    Initializer,
    /// As the other side of a connection inside of the process: what is waited for comes from there.
    /// Another task may have that side as well.
    Peer,
}

/// Something that keeps a resource from others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The task that has it; `None` for a thread that runs no task.
    pub task: Option<TaskIndex>,
    /// The frame in whose variables it is; of no meaning for what is in a static variable.
    pub frame: FrameRef,
    /// Whether it is in a static variable: then any code may use it, at any time.
    pub is_static: bool,
    /// The variable; `None` for a part of a future that has no name in the source.
    pub variable: Option<Arc<str>>,
    /// The type of the guard as the source spells it.
    pub guard: Arc<str>,
    /// How it is held.
    pub access: Access,
    /// Whether the variable may have been moved away, so that these are old bytes.
    pub may_be_moved: bool,
    /// Where the end of a channel lies, if that is behind a pointer that others may share: all who
    /// share it have one end. `None` for what this one has alone.
    pub shared_end: Option<u64>,
    /// The thread that holds it; `None` for what a suspended task holds.
    pub thread: Option<HoldingThread>,
    /// The collection, or the end of a channel, in the variable that it is in; `None` for one that is
    /// in none.
    pub within: Option<Within>,
    /// The frame that has the future which holds it and does not poll that: only what that frame
    /// does can let it go. `None` for what is polled.
    pub holding_frame: Option<FrameRef>,
}

/// What something is in, among others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Within {
    /// Its type as the source spells it.
    pub name: Arc<str>,
    /// Whether it is the end of a channel that takes messages out, and it is in one of these.
    pub has_messages: bool,
}

/// A thread that holds something on its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HoldingThread {
    /// The thread.
    pub thread: ThreadRef,
    /// Whether it waits in a call that does not end by itself.
    pub is_blocked: bool,
}

/// A frame of a task.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FrameRef {
    /// Its site.
    pub site: SiteId,
    /// Its address.
    pub address: u64,
}

impl Resource {
    /// Whether all were found who have an end of this channel, or a handle of this notification, and
    /// nobody else can get at it.
    #[must_use]
    pub fn are_all_found(&self) -> bool {
        // What a thread has on its stack may be old, but a pool counts its objects.
        let counts = |it: &&Holder| it.thread.is_none() || self.kind == ResourceKind::Pool;
        let holders = || self.holders.iter().filter(counts);
        if self.is_reachable || holders().next().is_none() {
            return false;
        }
        let places = holders().filter(|holder| holder.access == Access::Place).count() as u64;
        match self.reserved {
            // Whoever else can send has no room.
            Some(ReservedPlaces { count, are_all: true, is_for_messages: true }) => {
                return places == count;
            }
            Some(ReservedPlaces { count, is_for_messages: false, .. }) if places != count => {
                return false;
            }
            _ => {}
        }
        let ends = || holders().filter(|holder| holder.access != Access::Place);
        let all = ends().count() as u64;
        let mut shared: Vec<u64> = ends().filter_map(|holder| holder.shared_end).collect();
        let sharing = shared.len() as u64;
        shared.sort_unstable();
        shared.dedup();
        let different = all - sharing + shared.len() as u64;
        // A token counts those that are made of it; what else is had by handles, its owners.
        match self.kind {
            _ if !ends().any(|holder| holder.access == Access::Handle) => {
                self.parties == Some(different)
            }
            ResourceKind::Cancellation => self.parties.is_some_and(|parties| parties <= different),
            _ => self.parties.is_some_and(|parties| parties <= all),
        }
    }

    /// Whether it is open who has it: each variable that was found may have been moved away, or it is a
    /// semaphore, whose permits nobody counts. `false` where nobody was found.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        let may_be_elsewhere = self.holders.iter().all(|holder| holder.may_be_moved);
        !self.holders.is_empty() && (may_be_elsewhere || self.kind == ResourceKind::Semaphore)
    }

    /// Whether only a place of it helps who waits: to make room, or to send where there is no room.
    #[must_use]
    pub fn needs_place(&self) -> bool {
        self.reserved.is_some_and(|reserved| reserved.are_all || !reserved.is_for_messages)
    }

    /// The wait of the writer that keeps a reader waiting while others only read: a lock gives no new
    /// reads before a writer that waits. `None` where that is not the reason, or the order of the
    /// queue is not known.
    #[must_use]
    pub fn writer_before(&self, reader: WaitId, waits: &[Wait]) -> Option<WaitId> {
        let wait = |id: WaitId| waits.get(id.0 as usize);
        let is_shared = |access| access == Some(Access::Shared);
        let only_read = !self.holders.is_empty()
            && self.holders.iter().all(|holder| is_shared(Some(holder.access)));
        let place = self.queue.iter().position(|id| *id == reader)?;
        let is_asked = self.kind == ResourceKind::RwLock && is_shared(wait(reader)?.access);
        let is_writer =
            |id: &WaitId| wait(*id).is_some_and(|wait| !wait.is_granted && !is_shared(wait.access));
        let mut ahead = self.queue[..place].iter().copied();
        ahead.find(is_writer).filter(|_| is_asked && only_read && self.is_in_order)
    }

    /// Its state in few words: `0 of 3 permits free`, `due in 4.2 s`; `None` when there is nothing
    /// to say.
    #[must_use]
    pub fn state_text(&self) -> Option<String> {
        self.state.clone().or_else(|| self.timer.and_then(|timer| timer.text()))
    }
}

impl Access {
    /// Whether it is an end of a channel, or of what is used like one.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Send | Self::Receive | Self::Handle | Self::Place | Self::End)
    }
}

impl FrameRef {
    /// The reference to a frame.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        Self { site: frame.site, address: frame.address }
    }
}

impl Wait {
    /// Whether the leaf keeps a waker of its task.
    #[must_use]
    pub fn keeps_waker(&self) -> bool {
        self.waker == Some(WakerPlace::Leaf)
    }
}

/// One leaf of a task that waits for a resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wait {
    /// The task.
    pub task: TaskIndex,
    /// What it waits for.
    pub resource: ResourceId,
    /// How it asks for it; `None` when there is but one way.
    pub access: Option<Access>,
    /// Whether it was given what it asked for, but was not polled since.
    pub is_granted: bool,
    /// What is true of this one alone: `lagging by 5 messages`; `None` for nothing.
    pub note: Option<String>,
    /// Whether something polls it: not what a frame holds that stands at another await.
    pub is_polled: bool,
    /// Whether it only ends another wait of its task, and that in vain: the time limit of a pool, and
    /// its closing.
    pub is_limit: bool,
    /// Whether it blocks the thread that polls its task.
    pub blocks_thread: bool,
    /// The frame that holds what is not polled; `None` for what is.
    pub holding_frame: Option<FrameRef>,
    /// Where a waker of the task was seen, of a leaf that is not known otherwise; `None` where none
    /// was.
    pub waker: Option<WakerPlace>,
    /// The leaf: the future that waits.
    pub leaf: FrameRef,
    /// The innermost frame of the user's own code above the leaf; `None` when there is none.
    pub user: Option<FrameRef>,
}
