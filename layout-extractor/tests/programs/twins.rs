//! Futures behind vtables, one of which has another size in another version of the program.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "larger")]
type Steps = [u8; 24];
#[cfg(not(feature = "larger"))]
type Steps = [u8; 8];

struct Countdown {
    left: u64,
    steps: Steps,
}

impl Future for Countdown {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u64> {
        self.left -= u64::from(self.steps[0]);
        if self.left == 0 {
            return Poll::Ready(helper(1));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Countdown {
    fn drop(&mut self) {
        black_box(helper(self.left));
    }
}

#[cfg(not(feature = "older"))]
#[inline(never)]
fn helper(number: u64) -> u64 {
    black_box(number).checked_add(1).expect("a small number")
}

/// The same code, which stood elsewhere in an older commit.
#[cfg(feature = "older")]
#[inline(never)]
fn helper(number: u64) -> u64 {
    black_box(number).checked_add(1).expect("a small number")
}

#[used]
#[no_mangle]
pub static COUNTDOWN: &(dyn Future<Output = u64> + Sync) =
    &Countdown { left: 3, steps: [1; std::mem::size_of::<Steps>()] };

fn main() {
    black_box(&COUNTDOWN);
}
