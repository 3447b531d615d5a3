//! `async connections`.

use clap::Parser;
use report_text::text::connections::write;

use super::{Front, Run};
use crate::failure::Failure;

/// Show the connections of tasks: their peers, what they do, and their requests
///
/// For each: the protocol, which end of it the process is, what it does, the request in flight as its
/// handler has it (a router may have cut off a prefix of the path), the peer, the task that has it,
/// and the tasks that wait for it. Peers are known of a live process only.
#[derive(Parser)]
pub(crate) struct Connections {
    /// Show every connection, even if thousands are alike
    #[arg(long)]
    all: bool,
    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,
}

impl Run for Connections {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let mut look = front.look()?;
        look.full_names = self.full_names;
        Ok(write(&report, self.all, &look, front.out())?)
    }
}
