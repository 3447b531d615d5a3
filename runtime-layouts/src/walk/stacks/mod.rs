//! What the stacks of threads show: functions, the futures that they block on or poll, and the calls
//! that block them.

pub(crate) mod beginning;
pub(crate) mod block_on_calls;
mod blocked;
pub(crate) mod blocked_calls;
pub(crate) mod blocked_on;
pub(crate) mod cut_stacks;
pub(crate) mod native_stack;
pub(crate) mod sibling_branches;
mod spinning;
pub(crate) mod stack_future;
mod thread_locals;
pub(crate) mod words;
