//! `async up`.

use clap::Parser;

use super::frame::{move_to, step};
use super::{Front, Run};
use crate::failure::Failure;

/// Select the frame that awaits the selected one
#[derive(Parser)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Up {
    /// How many frames to go up
    #[arg(value_name = "N", default_value_t = 1, hide_default_value = true)]
    count: i64,
}

impl Run for Up {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        move_to(front, |frame, count| step(frame, count, self.count))
    }
}
