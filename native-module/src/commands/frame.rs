//! `async frame`, and what `async up` and `async down` share with it.

use clap::Parser;
use report_text::text::backtrace::{frame_count, write_frame};

use super::{Front, Run};
use crate::failure::Failure;

/// Select a frame of the current task, or show the one that is selected
///
/// Frames have the numbers that `async bt` shows; #0 is the innermost.
#[derive(Parser)]
pub(crate) struct Frame {
    /// Number of the frame to select
    #[arg(value_name = "N")]
    number: Option<usize>,
}

impl Run for Frame {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        move_to(front, |frame, count| match self.number {
            None => Ok(frame),
            Some(number) if number < count => Ok(number),
            Some(number) => Err(Failure::Sentence(format!(
                "There is no frame {number}: the outermost frame of this task is #{}.",
                count - 1
            ))),
        })
    }
}

/// Selects another frame of the current task and shows it. `choose` gets the number of the
/// selected frame and how many there are (at least one).
pub(super) fn move_to(
    front: &mut dyn Front,
    choose: impl FnOnce(usize, usize) -> Result<usize, Failure>,
) -> Result<(), Failure> {
    let report = front.report()?;
    let thread = front.selected_thread()?;
    let (task, frame) = front.selection().current(&report, thread)?;
    let count = frame_count(task);
    if count == 0 {
        return Err(Failure::Sentence(format!("Task {} has no frames.", task.id.0)));
    }
    let frame = choose(frame, count)?;
    front.selection().select_frame(task, frame);
    let look = front.look()?;
    Ok(write_frame(&report, task, frame, &look, front.out())?)
}

/// The number of the frame that is `by` frames further out, or further in where `by` is negative.
///
/// As in gdb, too many frames are as many as there are, and only no frame at all is an error.
pub(super) fn step(frame: usize, count: usize, by: i64) -> Result<usize, Failure> {
    let distance = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    if by > 0 && frame + 1 == count {
        return Err(Failure::sentence("The outermost frame is selected: there is none above it."));
    }
    if by < 0 && frame == 0 {
        return Err(Failure::sentence("The innermost frame is selected: there is none below it."));
    }
    Ok(if by < 0 {
        frame.saturating_sub(distance)
    } else {
        frame.saturating_add(distance).min(count - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_at_the_last_frame_of_either_side() {
        assert_eq!(step(0, 3, 1), Ok(1));
        assert_eq!(step(1, 3, i64::MAX), Ok(2));
        assert!(step(2, 3, 1).is_err());
        assert_eq!(step(2, 3, -1), Ok(1));
        assert_eq!(step(2, 3, i64::MIN), Ok(0));
        assert!(step(0, 3, -1).is_err());
        assert_eq!(step(2, 3, 0), Ok(2));
    }
}
