//! Async functions whose variables have the names of others. Polls each one once, and prints where
//! in its state machine the later variable lies: its number is nowhere else.

use std::future::Future;
use std::hint::black_box;
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A number that no pointer is, and no other variable.
const NUMBER: u64 = 0x5eed_0000_a51d_e001;

struct Guard(u64);

impl Drop for Guard {
    fn drop(&mut self) {
        black_box(self.0);
    }
}

#[inline(never)]
fn guard(of: &Arc<u64>) -> Guard {
    Guard(black_box(NUMBER) ^ (**of >> 63))
}

/// Pending once, with some bytes of its own.
struct Pause<const SIZE: usize>(bool, [u8; SIZE]);

impl<const SIZE: usize> Future for Pause<SIZE> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(black_box(self.1.len()));
        }
        Poll::Pending
    }
}

fn pause<const SIZE: usize>() -> Pause<SIZE> {
    Pause(black_box(false), black_box([1; SIZE]))
}

async fn argument(value: Arc<u64>) {
    let value = guard(&value);
    pause::<3>().await;
    black_box(&value);
}

async fn in_two_states(value: Arc<u64>) {
    let value = guard(&value);
    pause::<3>().await;
    pause::<90>().await;
    black_box(&value);
}

async fn after_another_state(value: Arc<u64>, skip: bool) {
    if !skip {
        pause::<90>().await;
    }
    let value = guard(&value);
    pause::<8>().await;
    black_box(&value);
}

async fn local(of: Arc<u64>) {
    let value = Arc::clone(&of);
    let value = guard(&value);
    pause::<3>().await;
    black_box((&value, &of));
}

fn block(value: Arc<u64>) -> impl Future<Output = ()> {
    async move {
        let value = guard(&value);
        pause::<3>().await;
        black_box(&value);
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

fn show<F: Future<Output = ()>>(name: &str, future: F) {
    let waker = Waker::from(Arc::new(Nobody));
    let mut future = pin!(future);
    let mut context = Context::from_waker(&waker);
    assert!(future.as_mut().poll(&mut context).is_pending());
    // SAFETY: it is only read, and every aligned word of it is somewhere inside of it.
    let place = unsafe { Pin::get_unchecked_mut(future.as_mut()) as *mut F as *const u64 };
    for word in 0..size_of::<F>() / 8 {
        // SAFETY: as above.
        if unsafe { place.add(word).read_volatile() } == NUMBER {
            println!("{name} {}", word * 8);
        }
    }
    while future.as_mut().poll(&mut context).is_pending() {}
}

fn main() {
    let value = Arc::new(1);
    show("argument::{async_fn_env#0}", argument(Arc::clone(&value)));
    show("in_two_states::{async_fn_env#0}", in_two_states(Arc::clone(&value)));
    show("after_another_state::{async_fn_env#0}", after_another_state(Arc::clone(&value), true));
    show("local::{async_fn_env#0}", local(Arc::clone(&value)));
    show("block::{async_block_env#0}", block(value));
}
