//! `async up`.

use clap::Parser;

use super::frame::move_to;
use super::{Front, Run};
use crate::failure::Failure;

/// Select the frame that awaits the selected one
#[derive(Parser)]
pub(crate) struct Up {
    /// How many frames to go up
    #[arg(value_name = "N", default_value_t = 1, hide_default_value = true)]
    count: usize,
}

impl Run for Up {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        move_to(front, |frame, count| up(frame, count, self.count))
    }
}

/// As in gdb, too many frames are as many as there are, and only no frame at all is an error.
fn up(frame: usize, count: usize, by: usize) -> Result<usize, Failure> {
    if frame + 1 == count && by > 0 {
        return Err(Failure::sentence("The outermost frame is selected: there is none above it."));
    }
    Ok(frame.saturating_add(by).min(count - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_at_the_outermost_frame() {
        assert_eq!(up(0, 3, 1), Ok(1));
        assert_eq!(up(1, 3, usize::MAX), Ok(2));
        assert!(up(2, 3, 1).is_err());
        assert_eq!(up(2, 3, 0), Ok(2));
    }
}
