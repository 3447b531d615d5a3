//! `unhang explain`: what a kind of finding means.

use clap::builder::PossibleValuesParser;
use report_text::text::explain;

use super::{man, screen};

/// Explain a kind of finding: what it means, how it is proven, and the ways out.
///
/// Without a kind, list them.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  unhang explain futurelock")]
pub(crate) struct Arguments {
    /// What `async why` or `unhang dump` named
    #[arg(value_name = "KIND", value_parser = PossibleValuesParser::new(explain::kinds()))]
    kind: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut text = Vec::new();
    explain::write(arguments.kind.as_deref(), &screen::look(), &mut text)?;
    man::print(&text)
}
