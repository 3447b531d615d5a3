//! Signals are the business of the program that this is part of.

use nix::sys::signal::{SigSet, SigmaskHow};
use runtime_layouts::parallel::own_threads;

/// Lets the threads that an inspection starts take no signals: a debugger waits for its own on its
/// own threads. To be called once, before the first inspection.
pub fn keep_from_own_threads() {
    own_threads::start_within(without_signals);
}

/// Threads begin with the mask of the one that starts them.
pub(crate) fn without_signals(start: &mut dyn FnMut()) {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    start();
    if let Ok(before) = before {
        // It was the mask until now.
        let _ = before.thread_set_mask();
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::Signal;

    use super::*;

    #[test]
    fn threads_that_are_started_within_take_no_signals() {
        let mask = || SigSet::thread_get_mask().expect("a mask");
        let before = mask();
        let mut started = None;
        without_signals(&mut || started = Some(std::thread::spawn(mask)));
        let inside =
            started.map(|thread| thread.join().expect("no panic")).expect("it was started");
        assert!(inside.contains(Signal::SIGINT) && inside.contains(Signal::SIGCHLD));
        assert!(!before.contains(Signal::SIGINT));
        assert_eq!(mask(), before, "the thread that starts them goes on taking its own");
    }
}
