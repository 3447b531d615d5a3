//! `async dump`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Parser;
use report_text::json;
use report_text::text::{Beside, Look, dump};
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::report::Report;
use runtime_layouts::variables::Limits;
use runtime_layouts::variables::locals::LocalTable;

use super::{Front, Run};
use crate::failure::Failure;

/// Show everything that was found, for a bug report
///
/// Lists the tasks, then the runtimes and their workers, then the async backtrace of every task; of
/// more than a thousand tasks, one backtrace for all that stand in the same place. A FILE gets the
/// text without colours and without a limit of width.
#[derive(Parser)]
pub(crate) struct Dump {
    /// The file to write; by default the terminal
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write a page to FILE that shows the findings, who waits for whom as a graph, all stacks as one
    /// tree and every task, in any browser and without a network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "json"])]
    html: Option<PathBuf>,
    /// Write JSON instead of text: docs/report.schema.json describes it
    #[arg(long)]
    json: bool,
    /// In JSON of more than 2000 tasks, write the first ones of those that stand at the same place,
    /// and of the others the ids
    #[arg(long, requires = "json")]
    brief: bool,
    /// Show the variables of the frames of your own code; in JSON, of all frames
    #[arg(long)]
    locals: bool,
    /// Show the connections that tasks have, with their peers, what they do, and their requests
    #[arg(long)]
    connections: bool,
    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,
    /// Show only your own code: drop the frames of libraries
    #[arg(long)]
    user: bool,
    /// Show the backtrace of every task, even if thousands stand in the same place
    #[arg(long)]
    all: bool,
}

impl Run for Dump {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let mut look = front.look()?;
        look.full_names = self.full_names;
        look.user_only = self.user;
        let mut beside = Beside::default().and_connections(self.connections).and_brief(self.brief);
        if self.locals {
            let target = front.target()?;
            beside.locals =
                LocalTable::of(&*target, &report, &report.tasks, LIBRARIES, Limits::SHORT);
        }
        let Some(path) = self.html.as_ref().or(self.file.as_ref()) else {
            return self.write(&report, &look, &beside, front.out());
        };
        look.width = None;
        look.styled = false;
        let shown = path.to_string_lossy();
        let cannot = |error| Failure::Sentence(format!("Cannot write {shown}: {error}."));
        let mut file = BufWriter::new(File::create(path).map_err(cannot)?);
        self.write(&report, &look, &beside, &mut file)?;
        file.flush().map_err(cannot)?;
        let count = report.tasks.len();
        let tasks = if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") };
        front.say(format_args!("Wrote {tasks} to {shown}."))
    }
}

impl Dump {
    fn write(
        &self,
        report: &Report,
        look: &Look,
        beside: &Beside,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        if self.html.is_some() {
            report_page::write(|out| json::write_shared(report, beside, out), out)?;
        } else if self.json {
            json::write(report, beside, out)?;
        } else {
            dump::write(report, look, beside, self.all, out)?;
        }
        Ok(())
    }
}
