//! The channels of crossbeam.
//!
//! Source: `crossbeam-channel/src/{channel,counter}.rs` (0.5.17); the standard library's are made of
//! the same parts.

use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::{BlockingCall, GuardType, Library, ObservedResource};
use crate::libraries::rust_std::channels;
use crate::report::{Access, ResourceKind};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("crossbeam_channel::channel::", "crossbeam_channel::")],
    guards: &[
        GuardType::end(SENDER, ResourceKind::Mpsc, Access::Send, COUNTER),
        GuardType::end(RECEIVER, ResourceKind::Mpsc, Access::Receive, COUNTER),
    ],
    blocking: &[
        BlockingCall::of("crossbeam_channel::channel::Receiver::recv", message),
        BlockingCall::of("crossbeam_channel::channel::Sender::send", room),
        BlockingCall::call("crossbeam_channel::select::Select::select"),
        BlockingCall::call("crossbeam_channel::select::Select::ready"),
    ],
    ..Library::named("crossbeam-channel")
};

const SENDER: &str = "crossbeam_channel::channel::Sender";
const RECEIVER: &str = "crossbeam_channel::channel::Receiver";
const COUNTER: &str = "crossbeam_channel::counter::Counter<";

fn message(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    channels::waited_for(thread, COUNTER, Access::Receive)
}

fn room(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    channels::waited_for(thread, COUNTER, Access::Send)
}
