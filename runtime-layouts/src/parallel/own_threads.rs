//! Threads of unhang's own, and how to start one.
//!
//! The host program may be a debugger that waits for signals on its own threads, and no other
//! thread may take them. How to block signals is a matter of the operating system, so the front end
//! supplies the function that does it around every start.

use std::sync::OnceLock;

/// Runs what it is given, which starts threads.
pub type Starter = fn(&mut dyn FnMut());

static STARTER: OnceLock<Starter> = OnceLock::new();

/// Lets every thread that is started from now on be started within `starter`, such as one that
/// blocks all signals meanwhile: a thread takes on the mask of the one that starts it. The first call
/// counts.
pub fn start_within(starter: Starter) {
    let _ = STARTER.set(starter);
}

/// Starts threads.
pub(crate) fn start<T>(start: impl FnOnce() -> T) -> T {
    let mut start = Some(start);
    let mut started = None;
    if let Some(starter) = STARTER.get() {
        starter(&mut || started = start.take().map(|start| start()));
    }
    match (started, start) {
        (Some(started), _) => started,
        (None, Some(start)) => start(),
        (None, None) => unreachable!("it was called, and gave something back"),
    }
}
