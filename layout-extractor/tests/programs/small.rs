//! As little as has a future, an async fn, a vtable and enums: for tests that break it often.
#![no_std]
#![allow(dead_code)]

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

pub struct Ready(Option<core::num::NonZeroU64>);

impl Future for Ready {
    type Output = u64;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        self.0.map_or(Poll::Pending, |value| Poll::Ready(value.get()))
    }
}

async fn twice(value: u64) -> u64 {
    let first = Ready(core::num::NonZeroU64::new(value)).await;
    first + Ready(core::num::NonZeroU64::new(first)).await
}

#[no_mangle]
pub extern "C" fn block_on_twice(value: u64, context: &mut Context<'_>) -> u64 {
    let mut future = twice(value);
    let future: Pin<&mut dyn Future<Output = u64>> = unsafe { Pin::new_unchecked(&mut future) };
    match future.poll(context) {
        Poll::Ready(value) => value,
        Poll::Pending => 0,
    }
}
