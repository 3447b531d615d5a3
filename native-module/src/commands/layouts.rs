//! `async layouts`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::{Front, Run};
use crate::failure::Failure;

/// Show where the layouts of the program's types come from, or load a file
///
/// Layouts come from the program's own debug information. For a program without it,
/// `unhang extract` writes a layout file at build time, and `async layouts load FILE` loads it.
/// Where there is none, `async layouts load --twin FILE` takes those of another build of the same
/// sources by the same compiler, with `debug = true`.
#[derive(Parser)]
#[command(subcommand_value_name = "load [--twin] FILE", subcommand_help_heading = "Actions")]
pub(crate) struct Layouts {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Load a layout file; unhang uses it for the program with its build id
    Load {
        /// The file that `unhang extract` wrote, or the twin
        file: PathBuf,
        /// FILE is another build of the same sources, with debug information
        #[arg(long)]
        twin: bool,
    },
}

impl Run for Layouts {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        if let Some(Action::Load { file, twin }) = self.action {
            let sentence = match twin {
                true => front.load_twin(&file)?,
                false => front.load_layouts(&file)?,
            };
            return front.say(format_args!("{sentence}"));
        }
        let sources = front.layouts()?;
        for source in &sources {
            front.say(format_args!("{}: {}", source.path, source.form))?;
            if let Some(lack) = &source.lack {
                front.say(format_args!("  {lack}"))?;
            }
        }
        Ok(())
    }
}
