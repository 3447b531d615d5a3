//! Layouts of the miniature's locks and channels, with tokio's type names and those members of
//! tokio's that carry information.

use crate::fake::{FakeLayouts, tokio};
use crate::layout::TypeId;

/// From a request for permits to its node in the queue: the start. From that node, in bytes.
pub const PREVIOUS: u64 = 8;
/// From a node to the next one, which is older.
pub const NEXT: u64 = 16;
/// From a semaphore to its list's newest node; the oldest one follows.
pub const HEAD: u64 = 0;
/// From a semaphore to the count of free permits, whose lowest bit says whether it is closed.
pub const PERMITS: u64 = 16;
/// From a channel to the place behind its newest message.
pub const TAIL_POSITION: u64 = 0;
/// From a channel to the semaphore of its room, whose bound follows.
pub const ROOM: u64 = 8;
/// From a channel to the count of senders.
pub const SENDERS: u64 = 40;
/// From a channel to the place of its oldest message; a byte that says whether it is closed follows.
pub const HEAD_POSITION: u64 = 48;

/// Bytes of a request for permits.
pub(super) const REQUEST: u64 = 48;
/// Bytes of the future of a call that asks for permits: the request, `self`, and the state.
pub(super) const ASKING: u64 = REQUEST + 16;

/// The interest of who reads.
pub(super) const READABLE: u64 = 1;

/// The types that frames have in them, with their sizes in bytes.
pub(super) struct Types {
    pub(super) word: TypeId,
    pub(super) flag: TypeId,
    pub(super) header: TypeId,
    pub(super) vtable_size: u64,
    pub(super) links: TypeId,
    pub(super) leaf: TypeId,
    pub(super) mutex_guard: TypeId,
    pub(super) read_guard: TypeId,
    pub(super) locking: TypeId,
    pub(super) permit: TypeId,
    pub(super) acquiring: TypeId,
    pub(super) initializing: TypeId,
    pub(super) sender: TypeId,
    pub(super) shared_sender: TypeId,
    pub(super) receiver: TypeId,
    pub(super) receiving: TypeId,
    pub(super) sending: TypeId,
    pub(super) oneshot_sender: TypeId,
    pub(super) oneshot_receiver: TypeId,
    pub(super) notify_handle: TypeId,
    pub(super) notified: TypeId,
    pub(super) join_handle: TypeId,
    pub(super) token: TypeId,
    pub(super) all_ended: TypeId,
    pub(super) child: TypeId,
    pub(super) file: TypeId,
    pub(super) reading: TypeId,
}

impl Types {
    /// Adds all of them.
    pub(super) fn add_to(fake: &mut FakeLayouts) -> Self {
        let (word, flag) = (fake.integer(8), fake.boolean());
        let (header, vtable_size, links) = task(fake, word);
        let leaf = fake.structure("leaf::Leaf", 8, &[("waiter", 0, word)]);
        fake.implement_future(leaf);
        let queues = Queues::add_to(fake, word, flag);
        let stock = fake.structure("shop::Stock", 8, &[("pieces", 0, word)]);
        let (mutex_guard, locking) = mutex(fake, &queues, stock);
        let read_guard = read_guard(fake, &queues, stock);
        let (permit, acquiring, initializing) = semaphore(fake, &queues, word);
        let channel = Channel::add_to(fake, &queues, word, flag);
        let (oneshot_sender, oneshot_receiver) = oneshot(fake, word);
        let (notify_handle, notified, notify) = notification(fake, word);
        let (token, all_ended) = tracker(fake, word, notify, notified);
        let raw = fake.structure("tokio::runtime::task::raw::RawTask", 8, &[("ptr", 0, header)]);
        let join_handle =
            fake.structure("tokio::runtime::task::join::JoinHandle<()>", 8, &[("raw", 0, raw)]);
        fake.implement_future(join_handle);
        let (child, file, reading) = processes(fake, word);
        Self {
            word,
            flag,
            header,
            vtable_size,
            links,
            leaf,
            mutex_guard,
            read_guard,
            locking,
            permit,
            acquiring,
            initializing,
            sender: channel.sender,
            shared_sender: channel.shared_sender,
            receiver: channel.receiver,
            receiving: channel.receiving,
            sending: channel.sending,
            oneshot_sender,
            oneshot_receiver,
            notify_handle,
            notified,
            join_handle,
            token,
            all_ended,
            child,
            file,
            reading,
        }
    }
}

/// A pointer to a task's header, the size of a vtable, and a task's trailer.
fn task(fake: &mut FakeLayouts, word: TypeId) -> (TypeId, u64, TypeId) {
    let header = fake.pointer("*mut Header", None);
    let vtable = fake.structure(
        "tokio::runtime::task::raw::Vtable",
        24,
        &[("poll", 0, word), ("trailer_offset", 8, word), ("id_offset", 16, word)],
    );
    let vtable = fake.pointer("&Vtable", Some(vtable));
    let target = fake.structure(
        "tokio::runtime::task::core::Header",
        32,
        &[("state", 0, word), ("queue_next", 8, header), ("vtable", 16, vtable)],
    );
    fake.point(header, target);
    let links = fake.structure("PointersInner", 16, &[("prev", 0, header), ("next", 8, header)]);
    let trailer = fake.structure("tokio::runtime::task::core::Trailer", 16, &[("owned", 0, links)]);
    tokio::runtime(fake, header, word);
    (header, 24, trailer)
}

/// The semaphore that the others are made of, and a request for its permits.
struct Queues {
    semaphore: TypeId,
    request: TypeId,
}

impl Queues {
    fn add_to(fake: &mut FakeLayouts, word: TypeId, flag: TypeId) -> Self {
        let node = fake.pointer("*mut Waiter", None);
        let links = fake.structure("Pointers<Waiter>", 16, &[("prev", 0, node), ("next", 8, node)]);
        let waiter = fake.structure(
            "tokio::sync::batch_semaphore::Waiter",
            24,
            &[("state", 0, word), ("pointers", PREVIOUS, links)],
        );
        fake.point(node, waiter);
        let list = fake.structure(
            "tokio::util::linked_list::LinkedList<tokio::sync::batch_semaphore::Waiter, \
             tokio::sync::batch_semaphore::Waiter>",
            16,
            &[("head", 0, node), ("tail", 8, node)],
        );
        let semaphore = fake.structure(
            "tokio::sync::batch_semaphore::Semaphore",
            24,
            &[("waiters", HEAD, list), ("permits", PERMITS, word)],
        );
        let to_semaphore = fake.pointer("&Semaphore", Some(semaphore));
        let request = fake.structure(
            "tokio::sync::batch_semaphore::Acquire",
            REQUEST,
            &[
                ("node", 0, waiter),
                ("semaphore", 24, to_semaphore),
                ("num_permits", 32, word),
                ("queued", 40, flag),
            ],
        );
        fake.implement_future(request);
        Self { semaphore, request }
    }

    /// The future of a call that asks for permits of what its `self` points to.
    fn call(&self, fake: &mut FakeLayouts, path: &str, arguments: &str, this: TypeId) -> TypeId {
        let name = format!("{path}::{{async_fn_env#0}}{arguments}");
        call(fake, &name, (self.request, REQUEST), this)
    }
}

/// The future of an async fn of the library: what it awaits, then `self`, then its state.
fn call(fake: &mut FakeLayouts, name: &str, awaitee: (TypeId, u64), this: TypeId) -> TypeId {
    let (awaitee, at) = awaitee;
    let size = at + 16;
    let empty = fake.structure(&format!("{name}::Unresumed"), size, &[]);
    let members = [("__awaitee", 0, awaitee), ("self", at, this)];
    let suspended = fake.structure(&format!("{name}::Suspend0"), size, &members);
    fake.enumeration(
        name,
        size,
        Some((at + 8, 1)),
        &[
            ("Unresumed", Some(vec![0]), empty, None),
            ("Returned", Some(vec![1]), empty, None),
            ("Panicked", Some(vec![2]), empty, None),
            ("Suspend0", Some(vec![3]), suspended, None),
        ],
    )
}

/// A guard of a `Mutex`, and the future of `lock`.
fn mutex(fake: &mut FakeLayouts, queues: &Queues, stock: TypeId) -> (TypeId, TypeId) {
    let mutex = fake.structure(
        "tokio::sync::mutex::Mutex<shop::Stock>",
        32,
        &[("s", 0, queues.semaphore), ("c", 24, stock)],
    );
    let mutex = fake.pointer("&tokio::sync::mutex::Mutex<shop::Stock>", Some(mutex));
    let guard =
        fake.structure("tokio::sync::mutex::MutexGuard<shop::Stock>", 8, &[("lock", 0, mutex)]);
    let path = "tokio::sync::mutex::{impl#10}::lock";
    (guard, queues.call(fake, path, "<shop::Stock>", mutex))
}

/// A guard of an `RwLock`, which leads to the semaphore in it alone.
fn read_guard(fake: &mut FakeLayouts, queues: &Queues, stock: TypeId) -> TypeId {
    let semaphore = fake.pointer("&Semaphore", Some(queues.semaphore));
    let name = "tokio::sync::rwlock::read_guard::RwLockReadGuard<shop::Stock>";
    let guard = fake.structure(name, 8, &[("s", 0, semaphore)]);
    fake.parameter(guard, "T", stock);
    guard
}

/// A permit, and the futures of `acquire` and of a `OnceCell`'s `get_or_init`.
fn semaphore(fake: &mut FakeLayouts, queues: &Queues, word: TypeId) -> (TypeId, TypeId, TypeId) {
    let name = "tokio::sync::semaphore::Semaphore";
    let semaphore = fake.structure(name, 24, &[("ll_sem", 0, queues.semaphore)]);
    let to_semaphore = fake.pointer(&format!("&{name}"), Some(semaphore));
    let permit = fake.structure(
        "tokio::sync::semaphore::SemaphorePermit",
        16,
        &[("sem", 0, to_semaphore), ("permits", 8, word)],
    );
    let path = "tokio::sync::semaphore::{impl#2}::acquire";
    let acquiring = queues.call(fake, path, "", to_semaphore);
    let cell = fake.structure(
        "tokio::sync::once_cell::OnceCell<shop::Stock>",
        32,
        &[("semaphore", 0, semaphore), ("value_set", 24, word)],
    );
    let cell = fake.pointer("&OnceCell", Some(cell));
    let path = "tokio::sync::once_cell::{impl#4}::get_or_init";
    (permit, acquiring, queues.call(fake, path, "<shop::Stock>", cell))
}

/// The ends of an mpsc channel, and the futures that use them.
struct Channel {
    sender: TypeId,
    shared_sender: TypeId,
    receiver: TypeId,
    receiving: TypeId,
    sending: TypeId,
}

impl Channel {
    fn add_to(fake: &mut FakeLayouts, queues: &Queues, word: TypeId, flag: TypeId) -> Self {
        let bounded = "tokio::sync::mpsc::bounded";
        let semaphore = fake.structure(
            &format!("{bounded}::Semaphore"),
            32,
            &[("semaphore", 0, queues.semaphore), ("bound", 24, word)],
        );
        let tx = fake.structure("Tx", 8, &[("tail_position", 0, word)]);
        let fields = fake.structure("RxFields", 16, &[("index", 0, word), ("rx_closed", 8, flag)]);
        let chan = format!("tokio::sync::mpsc::chan::Chan<shop::Order, {bounded}::Semaphore>");
        let target = fake.structure(
            &chan,
            64,
            &[
                ("tx", TAIL_POSITION, tx),
                ("semaphore", ROOM, semaphore),
                ("tx_count", SENDERS, word),
                ("rx_fields", HEAD_POSITION, fields),
            ],
        );
        let chan = arc(fake, &chan, target, 64, word);
        let mut end = |name: &str| {
            fake.structure(&format!("{bounded}::{name}<shop::Order>"), 8, &[("chan", 0, chan)])
        };
        let (sender, receiver) = (end("Sender"), end("Receiver"));
        let shared_sender = arc(fake, &format!("{bounded}::Sender<shop::Order>"), sender, 8, word);
        let to_sender = fake.pointer("&Sender", Some(sender));
        let sending =
            queues.call(fake, &format!("{bounded}::{{impl#5}}::send"), "<shop::Order>", to_sender);
        let to_receiver = fake.pointer("&mut Receiver", Some(receiver));
        let path = format!("{bounded}::{{impl#1}}::recv");
        let closure = fake.structure(
            &format!("{path}::{{async_fn#0}}::{{closure_env#0}}<shop::Order>"),
            8,
            &[("_ref__self", 0, to_receiver)],
        );
        let polling =
            fake.structure("core::future::poll_fn::PollFn<recv>", 8, &[("f", 0, closure)]);
        fake.implement_future(polling);
        let name = format!("{path}::{{async_fn_env#0}}<shop::Order>");
        let receiving = call(fake, &name, (polling, 8), to_receiver);
        Self { sender, shared_sender, receiver, receiving, sending }
    }
}

/// An `Arc` of what lies behind its two counts.
fn arc(fake: &mut FakeLayouts, name: &str, target: TypeId, size: u64, word: TypeId) -> TypeId {
    let inner = fake.structure(
        &format!("alloc::sync::ArcInner<{name}>"),
        16 + size,
        &[("strong", 0, word), ("weak", 8, word), ("data", 16, target)],
    );
    let pointer = fake.pointer(&format!("*mut ArcInner<{name}>"), Some(inner));
    fake.structure(
        &format!("alloc::sync::Arc<{name}, alloc::alloc::Global>"),
        8,
        &[("ptr", 0, pointer)],
    )
}

/// The ends of a oneshot channel. The receiver is itself the future.
fn oneshot(fake: &mut FakeLayouts, word: TypeId) -> (TypeId, TypeId) {
    let name = "tokio::sync::oneshot::Inner<shop::Order>";
    let inner = fake.structure(name, 8, &[("state", 0, word)]);
    let inner = arc(fake, name, inner, 8, word);
    let none = fake.structure("Option::None", 8, &[]);
    let some = fake.structure("Option::Some", 8, &[("__0", 0, inner)]);
    let option = fake.enumeration(
        "core::option::Option<Inner>",
        8,
        Some((0, 8)),
        &[("None", Some(vec![0]), none, None), ("Some", None, some, None)],
    );
    let mut end = |name: &str| {
        let name = format!("tokio::sync::oneshot::{name}<shop::Order>");
        fake.structure(&name, 8, &[("inner", 0, option)])
    };
    let (sender, receiver) = (end("Sender"), end("Receiver"));
    fake.implement_future(receiver);
    (sender, receiver)
}

/// A handle of a `Notify`, the future of `notified`, and the `Notify` itself.
fn notification(fake: &mut FakeLayouts, word: TypeId) -> (TypeId, TypeId, TypeId) {
    let name = "tokio::sync::notify::Notify";
    let notify = fake.structure(name, 8, &[("state", 0, word)]);
    let to_notify = fake.pointer("&Notify", Some(notify));
    let notified = fake.structure(
        "tokio::sync::notify::Notified",
        16,
        &[("notify", 0, to_notify), ("notification", 8, word)],
    );
    fake.implement_future(notified);
    (arc(fake, name, notify, 8, word), notified, notify)
}

/// What a tracked task keeps until it ends, and the future that waits for the end of all.
fn tracker(
    fake: &mut FakeLayouts,
    word: TypeId,
    notify: TypeId,
    notified: TypeId,
) -> (TypeId, TypeId) {
    let name = "tokio_util::task::task_tracker::TaskTrackerInner";
    let inner = fake.structure(name, 16, &[("state", 0, word), ("on_last_exit", 8, notify)]);
    let to_inner = fake.pointer("&TaskTrackerInner", Some(inner));
    let inner = arc(fake, name, inner, 16, word);
    let path = "tokio_util::task::task_tracker";
    let token = fake.structure(&format!("{path}::TaskTrackerToken"), 8, &[("inner", 0, inner)]);
    let waiting = fake.structure(
        &format!("{path}::TaskTrackerWaitFuture"),
        24,
        &[("future", 0, notified), ("inner", 16, to_inner)],
    );
    fake.implement_future(waiting);
    (token, waiting)
}

/// A child process, whose end can be awaited, an open file, and the future that reads from a pipe.
fn processes(fake: &mut FakeLayouts, word: TypeId) -> (TypeId, TypeId, TypeId) {
    let child = fake.structure("std::process::Child", 8, &[("pid", 0, word)]);
    let child = fake.structure("tokio::process::Child", 8, &[("child", 0, child)]);
    fake.implement_future(child);
    let file = fake.structure("std::os::fd::owned::OwnedFd", 8, &[("fd", 0, word)]);
    let path = "tokio::runtime::io::registration";
    let registration = fake.structure(&format!("{path}::Registration"), 8, &[("of", 0, file)]);
    let registration = fake.pointer("&Registration", Some(registration));
    let interest = fake.structure("tokio::io::interest::Interest", 8, &[("__0", 0, word)]);
    let name = "tokio::runtime::io::scheduled_io::Readiness";
    let readiness = fake.structure(name, 8, &[("interest", 0, interest)]);
    fake.implement_future(readiness);
    let name = format!("{path}::{{impl#1}}::readiness::{{async_fn_env#0}}");
    let reading = call(fake, &name, (readiness, 8), registration);
    (child, file, reading)
}
