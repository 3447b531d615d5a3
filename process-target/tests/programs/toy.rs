//! The toy runtime: an executor of one thread, with a list of its tasks.

use std::cell::{Cell, UnsafeCell};
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Waker};

thread_local! {
    /// The executor that runs on this thread.
    static CURRENT: Cell<*const Executor> = const { Cell::new(ptr::null()) };
}

/// An executor.
#[derive(Default)]
pub struct Executor {
    first: Cell<Option<&'static Header>>,
    count: Cell<u64>,
}

/// The part of a task that does not depend on its future.
struct Header {
    next: Option<&'static Header>,
    id: u64,
    woken: Cell<bool>,
    poll: fn(&Header),
}

/// A task.
#[repr(C)]
struct Task<F> {
    header: Header,
    future: UnsafeCell<F>,
}

impl Executor {
    /// Adds a task. Both live as long as the program.
    pub fn spawn<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.count.set(self.count.get() + 1);
        let header = Header {
            next: self.first.get(),
            id: self.count.get(),
            woken: Cell::new(true),
            poll: poll::<F>,
        };
        let task = Box::leak(Box::new(Task { header, future: UnsafeCell::new(future) }));
        self.first.set(Some(&task.header));
    }

    /// Polls every task once and calls the function, inside of the executor.
    pub fn run(&self, then: impl FnOnce()) {
        CURRENT.set(self);
        let mut next = self.first.get();
        while let Some(header) = next {
            header.woken.set(false);
            (header.poll)(header);
            next = header.next;
        }
        then();
        CURRENT.set(ptr::null());
    }
}

/// Polls the task with that header, which is of this type.
fn poll<F: Future<Output = ()>>(header: &Header) {
    // The header is the first member of its task.
    let task: &Task<F> = unsafe { &*ptr::from_ref(header).cast() };
    let future = unsafe { Pin::new_unchecked(&mut *task.future.get()) };
    let _ = future.poll(&mut Context::from_waker(Waker::noop()));
}
