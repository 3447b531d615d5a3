//! The time, in milliseconds.

use core::cell::RefCell;
use core::task::Waker;

use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

struct Ticks {
    /// How many there were, and who waits for more.
    state: Mutex<RefCell<(u64, Queue)>>,
}

embassy_time_driver::time_driver_impl!(static TICKS: Ticks = Ticks {
    state: Mutex::new(RefCell::new((0, Queue::new()))),
});

impl Driver for Ticks {
    fn now(&self) -> u64 {
        critical_section::with(|section| self.state.borrow_ref(section).0)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|section| {
            self.state.borrow_ref_mut(section).1.schedule_wake(at, waker);
        });
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        let mut state = TICKS.state.borrow_ref_mut(section);
        state.0 += 1;
        let now = state.0;
        state.1.next_expiration(now);
    });
}
