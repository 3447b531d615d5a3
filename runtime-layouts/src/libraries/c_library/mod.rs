//! The C library: its functions that wait, by the names that it exports; and rustix, which asks the
//! kernel without it.
//!
//! It has no debug information mostly, so a stack shows only which of its functions other code calls.
//!
//! Source: the manual pages of these functions, sections 2 and 3 (man-pages 6.9);
//! `rustix/src/fs/fd.rs`, `rustix/src/backend/linux_raw/arch/*.rs` (1.1.6).

use crate::knowledge::{BlockingCall, Library};
use crate::libraries::rust_std::descriptors;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    entering_kernel: &["rustix::"],
    system_calls: &["rustix::backend::arch::asm::syscall"],
    blocking: BLOCKING,
    ..Library::named("c-library")
};

const fn call(function: &'static str) -> BlockingCall {
    BlockingCall::call(function)
}

/// Functions that wait until something else happens, whatever they are asked. Those that wait only where
/// they are told to (`waitpid`), or for a moment (`pthread_mutex_lock`), are none of them: a runtime calls
/// them, too. Of what concerns a file the system says whether it waits, and `poll` is told how long.
const BLOCKING: &[BlockingCall] = &[
    call("getaddrinfo"),
    call("getnameinfo"),
    call("gethostbyname"),
    call("gethostbyname_r"),
    call("nanosleep"),
    call("clock_nanosleep"),
    call("sleep"),
    call("usleep"),
    call("pause"),
    call("sigwait"),
    call("sigwaitinfo"),
    call("sigsuspend"),
    call("sem_wait"),
    call("pthread_join"),
    call("pthread_cond_wait"),
    call("pthread_cond_timedwait"),
    call("pthread_barrier_wait"),
    BlockingCall::only("flock", descriptors::flocked_file),
    BlockingCall::only("rustix::fs::fd::flock", descriptors::flocked_file),
    BlockingCall::only("poll", descriptors::polled_files),
    BlockingCall::only("accept", descriptors::socket_to_read),
    BlockingCall::only("accept4", descriptors::socket_to_read),
    BlockingCall::only("recv", descriptors::socket_to_read),
    BlockingCall::only("recvfrom", descriptors::socket_to_read),
    BlockingCall::only("recvmsg", descriptors::socket_to_read),
    BlockingCall::only("read", descriptors::file_to_read),
    BlockingCall::only("readv", descriptors::file_to_read),
    BlockingCall::only("connect", descriptors::file_to_write),
    BlockingCall::only("send", descriptors::file_to_write),
    BlockingCall::only("sendto", descriptors::file_to_write),
    BlockingCall::only("sendmsg", descriptors::file_to_write),
    BlockingCall::only("write", descriptors::file_to_write),
    BlockingCall::only("writev", descriptors::file_to_write),
];
