//! `async down`.

use clap::Parser;

use super::frame::move_to;
use super::{Front, Run};
use crate::failure::Failure;

/// Select the frame that the selected one awaits
#[derive(Parser)]
pub(crate) struct Down {
    /// How many frames to go down
    #[arg(value_name = "N", default_value_t = 1, hide_default_value = true)]
    count: usize,
}

impl Run for Down {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        move_to(front, |frame, _| down(frame, self.count))
    }
}

/// As in gdb, too many frames are as many as there are, and only no frame at all is an error.
fn down(frame: usize, by: usize) -> Result<usize, Failure> {
    if frame == 0 && by > 0 {
        return Err(Failure::sentence("The innermost frame is selected: there is none below it."));
    }
    Ok(frame.saturating_sub(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_at_the_innermost_frame() {
        assert_eq!(down(2, 1), Ok(1));
        assert_eq!(down(2, usize::MAX), Ok(0));
        assert!(down(0, 1).is_err());
        assert_eq!(down(0, 0), Ok(0));
    }
}
