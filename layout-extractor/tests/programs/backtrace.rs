//! A future with a type of the standard library that has a closure of its own in it: what the closure
//! does is described by the standard library's units alone.

use std::backtrace::Backtrace;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

pub struct Failing {
    trace: Backtrace,
}

impl Future for Failing {
    type Output = Backtrace;
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Backtrace> {
        Poll::Ready(std::mem::replace(&mut self.trace, Backtrace::disabled()))
    }
}

fn main() {
    let boxed: Pin<Box<dyn Future<Output = Backtrace>>> =
        Box::pin(Failing { trace: Backtrace::capture() });
    black_box(boxed);
}
