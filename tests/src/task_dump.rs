//! What tokio's own task dump says of the fixture `task-dump`, which stands still in the state that
//! it has dumped.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use xtask::fixture::{self, Profile, Running};

/// One function on a stack, as the `backtrace` crate names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Symbol {
    /// Its demangled name, hash and all.
    pub name: String,
    /// The whole path of its file; empty when unknown.
    pub file: String,
    /// The line, from 1; 0 when unknown.
    pub line: u64,
}

/// The stack above one bottom-level future, innermost first, up to where the task is polled.
pub type Trace = Vec<Symbol>;

/// The traces of each task, by the task's id; sorted, since a `select!` polls its branches in an
/// order that it draws anew each time.
pub type Dump = BTreeMap<String, Vec<Trace>>;

/// Starts the program. Returns it, suspended, and what it dumped.
pub fn take(profile: Profile) -> Result<(Running, Dump)> {
    let mut command = Command::new(fixture::build_unstable("task-dump", profile)?);
    command.env("FIXTURE_ENDS_WITH_STDIN", "1");
    let mut running = Running::spawn(command)?;
    let first = read(&running)?;
    let second = read(&running)?;
    // A dump polls every task once more. Had that changed where they stand, the second would show.
    ensure!(first == second, "two dumps differ: {first:#?} and {second:#?}");
    let ready = running.line()?;
    ensure!(ready == "ready", "{ready}");
    running.come_to_rest()?;
    Ok((running, first))
}

/// Reads one dump, up to its `end`.
fn read(running: &Running) -> Result<Dump> {
    let mut dump = Dump::new();
    let mut task = None;
    loop {
        let line = running.line()?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "task" => {
                let known = dump.insert(rest.to_owned(), Vec::new());
                ensure!(known.is_none(), "task {rest} is there twice");
                task = Some(rest.to_owned());
            }
            "trace" => traces(&mut dump, task.as_ref())?.push(Trace::new()),
            "frame" => {
                let [name, file, line] = rest.split('\t').collect::<Vec<_>>()[..] else {
                    bail!("not a frame: {line}");
                };
                let line = line.parse().with_context(|| format!("not a line: {line}"))?;
                let trace = traces(&mut dump, task.as_ref())?.last_mut().context("no trace")?;
                trace.push(Symbol { name: name.into(), file: file.into(), line });
            }
            "end" => {
                dump.values_mut().for_each(|traces| traces.sort());
                return Ok(dump);
            }
            _ => bail!("not a line of a dump: {line}"),
        }
    }
}

fn traces<'d>(dump: &'d mut Dump, task: Option<&String>) -> Result<&'d mut Vec<Trace>> {
    task.and_then(|id| dump.get_mut(id)).context("no task")
}
