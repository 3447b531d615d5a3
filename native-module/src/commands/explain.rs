//! `async explain`.

use clap::Parser;
use clap::builder::PossibleValuesParser;
use report_text::text::explain;

use super::{Front, Run};
use crate::failure::Failure;

/// Explain a kind of finding: what it means, how it is proven, and the ways out
///
/// Without a kind, list them.
#[derive(Parser)]
pub(crate) struct Explain {
    /// What `async why` named
    #[arg(value_name = "KIND", value_parser = PossibleValuesParser::new(explain::kinds()))]
    kind: Option<String>,
}

impl Run for Explain {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let look = front.look()?;
        Ok(explain::write(self.kind.as_deref(), &look, front.out())?)
    }
}
