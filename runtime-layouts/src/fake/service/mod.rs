//! A miniature tokio with locks and channels: tasks whose one frame keeps guards, ends of channels
//! and futures in its variables, and awaits something.
//!
//! ```
//! use runtime_layouts::fake::service::{Await, Keep, Service};
//! use runtime_layouts::report::TaskIndex;
//!
//! let mut service = Service::new();
//! let stock = service.mutex();
//! service.spawn("holder", &[Keep::guard("guard", stock)], Await::Socket);
//! service.spawn("waiting", &[], Await::Lock(stock));
//! let report = service.report();
//! let lock = report.resource(report.waits_of(TaskIndex(1))[0].resource);
//! assert_eq!(&*lock.name, "Mutex<Stock>");
//! assert_eq!(lock.holders[0].variable.as_deref(), Some("guard"));
//! ```

mod frame;
mod parts;
mod types;

use std::collections::BTreeMap;

use self::frame::Frame;
pub use self::parts::{Await, Flag, Keep, Object, Spawned, What};
use self::types::{ASKING, READABLE, REQUEST, Types};
pub use self::types::{HEAD, HEAD_POSITION, NEXT, PERMITS, PREVIOUS, ROOM, SENDERS, TAIL_POSITION};
use super::{FakeLayouts, FakeMemory, FakeTarget, tokio};
use crate::layout::TypeId;
use crate::libraries::REGISTRY;
use crate::report::Report;
use crate::walk::inspect;

/// A process with one runtime, which is put together task by task.
///
/// Locks are taken, channels empty, and tasks idle; what differs is written to the memory.
pub struct Service {
    layouts: FakeLayouts,
    types: Types,
    /// What is in it; the queues and the list of tasks are written at the end.
    pub memory: FakeMemory,
    /// The nodes in the queue of each semaphore, first come first.
    queues: BTreeMap<Object, Vec<u64>>,
    /// Headers, each with the address of its trailer.
    tasks: Vec<(u64, u64)>,
    free: u64,
}

/// Where objects and tasks begin.
const HEAP: u64 = 0x40_0000;

/// An end of a channel as it lies in memory: from an `Arc`'s pointer to what it shares.
const BEHIND_COUNTS: u64 = 16;

impl Default for Service {
    fn default() -> Self {
        Self::new()
    }
}

impl Service {
    /// No tasks and no objects yet.
    #[must_use]
    pub fn new() -> Self {
        let mut layouts = FakeLayouts::new();
        let types = Types::add_to(&mut layouts);
        Self {
            layouts,
            types,
            memory: FakeMemory::new(),
            queues: BTreeMap::new(),
            tasks: Vec::new(),
            free: HEAP,
        }
    }

    fn allocate(&mut self, size: u64) -> u64 {
        let at = self.free;
        self.free += size.next_multiple_of(64);
        self.memory.put(at, vec![0; size as usize]);
        at
    }

    /// A `Mutex` that is locked.
    pub fn mutex(&mut self) -> Object {
        Object(self.allocate(32))
    }

    /// A `Semaphore` without free permits, the one in an `RwLock`, or the one in a `OnceCell` that
    /// is being initialized.
    pub fn semaphore(&mut self) -> Object {
        Object(self.allocate(32))
    }

    /// An mpsc channel with room for one message, which is empty and has so many senders.
    pub fn channel(&mut self, senders: u64) -> Object {
        let chan = self.shared(64);
        self.memory.put_u64(chan.0 + ROOM + PERMITS, 1 << 1);
        self.memory.put_u64(chan.0 + ROOM + 24, 1);
        self.memory.put_u64(chan.0 + SENDERS, senders);
        chan
    }

    /// A oneshot channel.
    pub fn oneshot(&mut self) -> Object {
        self.shared(8)
    }

    /// A `Notify` that so many `Arc`s own.
    pub fn notify(&mut self, owners: u64) -> Object {
        let notify = self.shared(8);
        self.memory.put_u64(notify.0 - BEHIND_COUNTS, owners);
        notify
    }

    /// A `TaskTracker` that is closed and counts so many tasks.
    pub fn tracker(&mut self, tasks: u64) -> Object {
        let tracker = self.shared(16);
        self.memory.put_u64(tracker.0, tasks << 1 | 1);
        tracker
    }

    /// Something behind the counts of an `Arc`.
    fn shared(&mut self, size: u64) -> Object {
        let counts = self.allocate(BEHIND_COUNTS + size);
        // One strong, and no weak one but that of all strong ones.
        self.memory.put_u64(counts, 1);
        self.memory.put_u64(counts + 8, 1);
        Object(counts + BEHIND_COUNTS)
    }

    /// The nodes in the queue of a lock, semaphore or cell, first come first, to be put in another
    /// order.
    pub fn queue(&mut self, of: Object) -> &mut Vec<u64> {
        self.queues.entry(of).or_default()
    }

    /// Spawns `async fn NAME`, which has these variables and awaits something; with captured
    /// variables it is an async block.
    pub fn spawn(&mut self, name: &str, keeps: &[Keep<'_>], awaits: Await) -> Spawned {
        let (awaitee, size) = self.awaitee_type(awaits);
        let frame = Frame::of(self, name, (awaitee, size), keeps);
        let stage = frame.size + 8;
        let cell = self.cell(name, frame.machine, frame.size);
        let header = self.allocate(40 + stage + 16);
        let future = header + 40;
        let vtable = self.allocate(self.types.vtable_size);
        let pointer = self.layouts.pointer("*mut Cell", Some(cell));
        self.layouts.function(
            vtable,
            &format!("tokio::runtime::task::raw::poll<{name}, S>"),
            &[("T", frame.machine)],
            &[("harness", pointer)],
        );
        self.memory.put_u64(vtable, vtable);
        self.memory.put_u64(vtable + 8, 40 + stage);
        self.memory.put_u64(vtable + 16, 32);
        self.memory.put_u64(header + 16, vtable);
        self.memory.put_u64(header + 32, self.tasks.len() as u64 + 1);
        self.memory.put(future + frame.size - 1, [3]);
        for (keep, place) in keeps.iter().zip(&frame.places) {
            self.put(future + place.at, keep.what);
            if let Some(flag) = place.flag {
                self.memory.put(future + flag, [u8::from(keep.flag == Flag::Set)]);
            }
        }
        let receiver = keeps.iter().position(|keep| matches!(keep.what, What::Receiver(_)));
        let receiver = receiver.map(|number| future + frame.places[number].at);
        self.put_awaitee(future, awaits, receiver);
        self.tasks.push((header, header + 40 + stage));
        Spawned { header, future }
    }

    /// A task's memory: header, id, stage and trailer.
    fn cell(&mut self, name: &str, machine: TypeId, size: u64) -> TypeId {
        let (fake, types) = (&mut self.layouts, &self.types);
        let stage = size + 8;
        let running = fake.structure("Stage::Running", stage, &[("__0", 0, machine)]);
        let finished = fake.structure("Stage::Finished", stage, &[]);
        let stage_type = fake.enumeration(
            &format!("tokio::runtime::task::core::Stage<{name}>"),
            stage,
            Some((size, 1)),
            &[
                ("Running", Some(vec![0]), running, None),
                ("Finished", Some(vec![1]), finished, None),
            ],
        );
        let header = self.layouts.pointee(types.header);
        self.layouts.structure(
            &format!("tokio::runtime::task::core::Cell<{name}, S>"),
            40 + stage + 16,
            &[
                ("header", 0, header),
                ("id", 32, types.word),
                ("stage", 40, stage_type),
                ("trailer", 40 + stage, types.links),
            ],
        )
    }

    fn awaitee_type(&self, awaits: Await) -> (TypeId, u64) {
        let types = &self.types;
        match awaits {
            Await::Socket => (types.leaf, 8),
            Await::Lock(_) | Await::LockGiven(_) => (types.locking, ASKING),
            Await::Acquire(..) => (types.acquiring, ASKING),
            Await::Initialized(_) => (types.initializing, ASKING),
            Await::Receive(_) => (types.receiving, 24),
            Await::Send(_) => (types.sending, ASKING),
            Await::Oneshot(_) => (types.oneshot_receiver, 8),
            Await::Notified(_) => (types.notified, 16),
            Await::Join(_) => (types.join_handle, 8),
            Await::AllEnded(_) => (types.all_ended, 24),
            Await::Child(_) => (types.child, 8),
            Await::Pipe(_) => (types.reading, 24),
        }
    }

    fn variable_type(&self, what: What) -> (TypeId, u64) {
        let types = &self.types;
        match what {
            What::Guard(_) => (types.mutex_guard, 8),
            What::ReadGuard(_) => (types.read_guard, 8),
            What::Permit(..) => (types.permit, 16),
            What::Sender(_) => (types.sender, 8),
            What::SharedSender(_) => (types.shared_sender, 8),
            What::Receiver(_) => (types.receiver, 8),
            What::OneshotSender(_) | What::UsedOneshotSender => (types.oneshot_sender, 8),
            What::NotifyHandle(_) => (types.notify_handle, 8),
            What::Token(_) => (types.token, 8),
            What::Locking(_) | What::Given(_) => (types.locking, ASKING),
            What::File(_) => (types.file, 8),
        }
    }

    fn put(&mut self, at: u64, what: What) {
        let pointer = match what {
            What::Guard(of) | What::ReadGuard(of) => of.0,
            What::Permit(of, permits) => {
                self.memory.put_u64(at + 8, permits);
                of.0
            }
            What::SharedSender(of) => {
                let sender = self.shared(8);
                self.memory.put_u64(sender.0, of.0 - BEHIND_COUNTS);
                sender.0 - BEHIND_COUNTS
            }
            What::Sender(of)
            | What::Receiver(of)
            | What::OneshotSender(of)
            | What::NotifyHandle(of)
            | What::Token(of) => of.0 - BEHIND_COUNTS,
            What::UsedOneshotSender => 0,
            What::File(number) => number,
            What::Locking(of) => return self.put_request(at, of, of.0, Some(1)),
            What::Given(of) => return self.put_request(at, of, of.0, None),
        };
        self.memory.put_u64(at, pointer);
    }

    fn put_awaitee(&mut self, at: u64, awaits: Await, receiver: Option<u64>) {
        match awaits {
            Await::Socket => {}
            Await::Lock(of) | Await::Initialized(of) => self.put_request(at, of, of.0, Some(1)),
            Await::LockGiven(of) => self.put_request(at, of, of.0, None),
            Await::Acquire(of, permits) => self.put_request(at, of, of.0, Some(permits)),
            Await::Send(of) => {
                let sender = self.allocate(8);
                self.memory.put_u64(sender, of.0 - BEHIND_COUNTS);
                self.put_request(at, Object(of.0 + ROOM), sender, Some(1));
            }
            Await::Receive(of) => {
                let receiver = receiver.unwrap_or_else(|| {
                    let receiver = self.allocate(8);
                    self.memory.put_u64(receiver, of.0 - BEHIND_COUNTS);
                    receiver
                });
                self.memory.put_u64(at, receiver);
                self.memory.put_u64(at + 8, receiver);
                self.memory.put(at + 16, [3]);
            }
            Await::Oneshot(of) => self.memory.put_u64(at, of.0 - BEHIND_COUNTS),
            Await::Notified(of) => self.memory.put_u64(at, of.0),
            Await::Join(task) => self.memory.put_u64(at, task.header),
            Await::AllEnded(of) => {
                self.memory.put_u64(at, of.0 + 8);
                self.memory.put_u64(at + 16, of.0);
            }
            Await::Child(pid) => self.memory.put_u64(at, pid),
            Await::Pipe(number) => {
                let registration = self.allocate(8);
                self.memory.put_u64(registration, number);
                self.memory.put_u64(at, READABLE);
                self.memory.put_u64(at + 8, registration);
                self.memory.put(at + 16, [3]);
            }
        }
    }

    /// The future of a call that asks a semaphore for permits: it is in the queue and so many are
    /// missing, or it was given them.
    fn put_request(&mut self, at: u64, semaphore: Object, this: u64, missing: Option<u64>) {
        self.memory.put_u64(at, missing.unwrap_or(0));
        self.memory.put_u64(at + 24, semaphore.0);
        self.memory.put_u64(at + 32, missing.unwrap_or(1));
        self.memory.put(at + 40, [1]);
        self.memory.put_u64(at + REQUEST, this);
        self.memory.put(at + REQUEST + 8, [3]);
        if missing.is_some() {
            self.queue(semaphore).push(at);
        }
    }

    /// The process. Queues are linked as they are, and tasks in the order in which they were
    /// spawned.
    #[must_use]
    pub fn target(mut self) -> FakeTarget<FakeMemory> {
        let memory = &mut self.memory;
        for (semaphore, nodes) in &self.queues {
            let mut last = semaphore.0 + HEAD + 8;
            for (place, node) in nodes.iter().enumerate() {
                memory.put_u64(last, *node);
                let older = place.checked_sub(1).map_or(0, |older| nodes[older]);
                memory.put_u64(node + NEXT, older);
                memory.put_u64(semaphore.0 + HEAD, *node);
                last = node + PREVIOUS;
            }
        }
        memory.put(tokio::CONTEXT, [0; 0x1000]);
        memory.put_u64(tokio::CONTEXT, tokio::HANDLE);
        memory.put(tokio::CONTEXT + 8, [2]);
        memory.put(tokio::HANDLE, [0; 24]);
        memory.put_u64(tokio::HANDLE + 16, self.tasks.len() as u64);
        let mut last = tokio::HANDLE;
        for (header, trailer) in &self.tasks {
            memory.put_u64(last, *header);
            last = trailer + 8;
        }
        FakeTarget::new(self.layouts, self.memory, tokio::THREAD_POINTER)
    }

    /// What an inspection of the process finds.
    #[must_use]
    pub fn report(self) -> Report {
        inspect(&self.target(), REGISTRY)
    }
}
