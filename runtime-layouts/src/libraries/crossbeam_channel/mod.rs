//! The channels of crossbeam.
//!
//! Source: `crossbeam-channel/src/{channel,counter}.rs` (0.5.17); the standard library's are made of
//! the same parts.

use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::children::{Types, elements};
use crate::knowledge::{BlockingCall, CollectionType, GuardType, Library, ObservedResource};
use crate::libraries::rust_std::channels::{self, ChannelTypes};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("crossbeam_channel::channel::", "crossbeam_channel::")],
    guards: &[
        GuardType::end(SENDER, ResourceKind::Mpsc, Access::Send, COUNTER),
        GuardType::end(RECEIVER, ResourceKind::Mpsc, Access::Receive, COUNTER),
    ],
    collections: &[&[CollectionType {
        types: Types::Of(RECEIVER),
        children: |_, ty, layout| elements(ty, layout, "T", messages),
    }]],
    blocking: &[
        BlockingCall::of("crossbeam_channel::channel::Receiver::recv", message),
        BlockingCall::of("crossbeam_channel::channel::Sender::send", room),
        BlockingCall::call("crossbeam_channel::channel::Receiver::recv_timeout"),
        BlockingCall::call("crossbeam_channel::select::select"),
        BlockingCall::call("crossbeam_channel::select::select_timeout"),
        BlockingCall::call("crossbeam_channel::select::Select::select"),
        BlockingCall::call("crossbeam_channel::select::Select::ready"),
    ],
    ..Library::named("crossbeam-channel")
};

const SENDER: &str = "crossbeam_channel::channel::Sender";
const RECEIVER: &str = "crossbeam_channel::channel::Receiver";
const COUNTER: &str = "crossbeam_channel::counter::Counter<";
const TYPES: ChannelTypes = ChannelTypes {
    counter: COUNTER,
    list: "crossbeam_channel::flavors::list::Channel<",
    block: "crossbeam_channel::flavors::list::Block<",
    array: "crossbeam_channel::flavors::array::Channel<",
};

fn messages(program: &Program<'_>, receiver: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    channels::messages_of(&TYPES, program, receiver, most)
}

fn message(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    channels::waited_for(thread, COUNTER, Access::Receive)
}

fn room(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    channels::waited_for(thread, COUNTER, Access::Send)
}
