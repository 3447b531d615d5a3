//! A program that has what a tokio program has, under the same paths: a context, tasks, boxed
//! futures, and a future on the stack of `block_on`.
#![allow(dead_code)]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, RawWaker, RawWakerVTable, Waker};

pub mod runtime {
    pub mod context {
        use std::cell::{Cell, RefCell};
        pub struct Context {
            pub depth: Cell<u32>,
            pub names: RefCell<Vec<String>>,
        }
        thread_local! {
            static CONTEXT: Context =
                const { Context { depth: Cell::new(0), names: RefCell::new(Vec::new()) } };
        }
        thread_local! {
            static OTHER_CONTEXT: Cell<u64> = Cell::new(7);
        }
        pub fn enter() -> u32 {
            OTHER_CONTEXT.with(|other| other.set(other.get() + 1));
            CONTEXT.with(|context| {
                context.depth.set(context.depth.get() + 1);
                context.names.borrow_mut().push("entered".to_owned());
                context.depth.get()
            })
        }
    }
    pub mod scheduler {
        pub mod current_thread {
            use std::cell::Cell;
            thread_local! {
                static CURRENT: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
            }
            /// What `CURRENT` points to, without saying so.
            pub struct Context {
                pub core: u16,
            }
            pub fn set(context: &Context) {
                CURRENT.with(|current| current.set((context as *const Context).cast()));
            }
        }
        pub mod multi_thread {
            pub mod worker {
                /// What no thread-local points to.
                pub struct Context {
                    pub core: u32,
                }
            }
        }
    }
    pub mod task {
        pub mod core {
            /// What nothing refers to.
            pub struct Trailer {
                pub next: usize,
            }
        }
        pub mod harness {
            pub struct Cell<T, S> {
                pub future: T,
                pub scheduler: S,
            }
            pub struct Harness<T, S> {
                pub cell: *mut Cell<T, S>,
            }
        }
        pub mod raw {
            use super::harness::{Cell, Harness};
            use std::future::Future;
            use std::pin::Pin;

            #[inline(never)]
            pub unsafe fn poll<T: Future<Output = u32>, S>(cell: *mut u8) {
                let harness = Harness::<T, S> { cell: cell.cast::<Cell<T, S>>() };
                let waker = crate::waker();
                let mut context = std::task::Context::from_waker(&waker);
                let future = unsafe { Pin::new_unchecked(&mut (*harness.cell).future) };
                crate::keep(future.poll(&mut context).is_ready());
            }
        }
    }
    #[inline(never)]
    pub fn block_on<F: Future<Output = u32>>(future: F) -> u32 {
        let mut future = future;
        let waker = crate::waker();
        let mut context = std::task::Context::from_waker(&waker);
        loop {
            let pinned = unsafe { Pin::new_unchecked(&mut future) };
            if let std::task::Poll::Ready(value) = pinned.poll(&mut context) {
                return crate::keep(value);
            }
        }
    }
    use std::future::Future;
    use std::pin::Pin;
}

/// `std::hint::black_box`, which came in 1.66.
#[inline(never)]
fn keep<T>(value: T) -> T {
    let value = std::mem::ManuallyDrop::new(value);
    unsafe { std::ptr::read_volatile(&*value) }
}

fn waker() -> Waker {
    fn clone(_: *const ()) -> RawWaker {
        RawWaker::new(std::ptr::null(), &TABLE)
    }
    fn nothing(_: *const ()) {}
    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, nothing, nothing, nothing);
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

pub struct Countdown<T> {
    left: u32,
    what: T,
}

impl<T: Unpin> Future for Countdown<T> {
    type Output = u32;
    fn poll(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<u32> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 { Poll::Ready(1) } else { Poll::Pending }
    }
}

pub struct NeverPolled(u8);

async fn inner(left: u32) -> u32 {
    let kept = [left; 4];
    let one = Countdown { left, what: 7_u16 }.await;
    one + kept.iter().sum::<u32>()
}

async fn outer(boxed: Pin<Box<dyn Future<Output = u32>>>) -> u32 {
    let first = boxed.await;
    let second = inner(first).await;
    first + second
}

fn poll_of<T: Future<Output = u32>, S>(
    _: &runtime::task::harness::Cell<T, S>,
) -> unsafe fn(*mut u8) {
    runtime::task::raw::poll::<T, S>
}

fn main() {
    println!("{}", runtime::context::enter());
    let boxed: Pin<Box<dyn Future<Output = u32>>> = Box::pin(Countdown { left: 3, what: "text" });
    println!("{}", runtime::block_on(outer(boxed)));
    let boxed: Pin<Box<dyn Future<Output = u32>>> = Box::pin(async { inner(2).await + 1 });
    let mut cell = runtime::task::harness::Cell { future: outer(boxed), scheduler: 0_u64 };
    let poll = crate::keep(poll_of(&cell));
    unsafe { poll(std::ptr::addr_of_mut!(cell).cast()) };
    println!("{}", std::mem::size_of_val(&NeverPolled(1)));
    let context = crate::keep(runtime::scheduler::current_thread::Context { core: 1 });
    runtime::scheduler::current_thread::set(&context);
    let other = crate::keep(runtime::scheduler::multi_thread::worker::Context { core: 2 });
    let trailer = crate::keep(runtime::task::core::Trailer { next: 3 });
    println!("{}", usize::from(context.core) + other.core as usize + trailer.next);
    std::mem::forget(cell);
}
