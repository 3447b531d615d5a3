//! What tasks of the miniature tokio keep and await.

/// Something that is waited for or kept: its address, which is the resource's identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Object(pub u64);

/// A spawned task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spawned {
    /// The address of its header.
    pub header: u64,
    /// The address of its future, which begins with what that awaits.
    pub future: u64,
}

/// What a variable is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// `MutexGuard`.
    Guard(Object),
    /// `RwLockReadGuard`.
    ReadGuard(Object),
    /// `SemaphorePermit` of so many permits.
    Permit(Object, u64),
    /// `mpsc::Sender`.
    Sender(Object),
    /// `Arc<mpsc::Sender>`.
    SharedSender(Object),
    /// `mpsc::Receiver`.
    Receiver(Object),
    /// `oneshot::Sender`.
    OneshotSender(Object),
    /// One that has sent.
    UsedOneshotSender,
    /// `Arc<Notify>`.
    NotifyHandle(Object),
    /// `TaskTrackerToken`.
    Token(Object),
    /// The future of `Mutex::lock`, which was polled and waits in the queue.
    Locking(Object),
    /// The same, and the lock was given to it since.
    Given(Object),
    /// An open file of that number.
    File(u64),
}

/// Whether a variable still has its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flag {
    /// It has: nothing moves it.
    None,
    /// Something may move it, and its drop flag says that it has not.
    Set,
    /// Its drop flag says that it was moved away.
    Clear,
    /// It was captured when the future was made: no flag tells.
    Captured,
}

/// A variable of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keep<'n> {
    /// Its name; `__5` for one that has none in the source.
    pub name: &'n str,
    /// What it is.
    pub what: What,
    /// Whether it still has it.
    pub flag: Flag,
}

impl<'n> Keep<'n> {
    /// A variable that nothing moves.
    #[must_use]
    pub fn of(name: &'n str, what: What) -> Self {
        Self { name, what, flag: Flag::None }
    }

    /// A guard in a variable that nothing moves.
    #[must_use]
    pub fn guard(name: &'n str, lock: Object) -> Self {
        Self::of(name, What::Guard(lock))
    }

    /// The same variable with a flag.
    #[must_use]
    pub fn with(self, flag: Flag) -> Self {
        Self { flag, ..self }
    }
}

/// What a frame awaits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Await {
    /// A leaf of which nothing is known.
    Socket,
    /// `Mutex::lock`, in the queue.
    Lock(Object),
    /// The same, and the lock was given to it since.
    LockGiven(Object),
    /// `Semaphore::acquire` of so many permits.
    Acquire(Object, u64),
    /// `OnceCell::get_or_init`, behind another one that initializes it.
    Initialized(Object),
    /// `mpsc::Receiver::recv`, of the frame's own receiver.
    Receive(Object),
    /// `mpsc::Sender::send`, of a sender that the frame does not have.
    Send(Object),
    /// A `oneshot::Receiver`.
    Oneshot(Object),
    /// `Notify::notified`.
    Notified(Object),
    /// A `JoinHandle`.
    Join(Spawned),
    /// `TaskTracker::wait`.
    AllEnded(Object),
    /// The end of the child process of that id.
    Child(u64),
    /// Reading from the pipe of that number.
    Pipe(u64),
}
