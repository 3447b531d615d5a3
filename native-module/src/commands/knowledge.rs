//! `async knowledge`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use report_text::text::knowledge::described;
use runtime_layouts::knowledge::declared;

use super::{Front, Run};
use crate::failure::Failure;

/// Show who declares what types are, or load a file that does
///
/// What a lock, a pool or a channel of a library is that unhang does not know, a file in TOML can tell
/// it: see docs/knowledge.md. Programs can have such a text in a section. `unhang doctor --knowledge
/// FILE PROGRAM` checks one.
#[derive(Parser)]
#[command(subcommand_value_name = "load FILE", subcommand_help_heading = "Actions")]
pub(crate) struct Knowledge {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Load a file that declares what types are
    Load {
        /// The file
        file: PathBuf,
    },
}

impl Run for Knowledge {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        if let Some(Action::Load { file }) = self.action {
            let summary = front.load_knowledge(&file)?;
            let what = described(&summary);
            return front.say(format_args!("Loaded {}: {what}.", file.display()));
        }
        let texts = front.knowledge()?;
        if texts.is_empty() {
            return front.say(format_args!(
                "Nothing is declared: unhang knows what it knows itself. `async knowledge load FILE` \
                 loads a file."
            ));
        }
        for text in texts {
            match declared::summary(&text) {
                Ok(summary) => {
                    front.say(format_args!("{}: {}", text.origin, described(&summary)))?;
                }
                Err(why) => front.say(format_args!("{}: not used: {why}", text.origin))?,
            }
        }
        Ok(())
    }
}
