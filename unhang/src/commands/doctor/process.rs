//! Whether a process can be looked into, and what is there to see.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use layout_extractor::open_program;
use process_target::{Inspection, Layouts, LiveOptions, LiveProcess, TargetError};
use runtime_layouts::layout::file::LayoutFile;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::report::{Report, Runtime, TaskKind};

use super::{Check, Checks};

const PROCESS: &str = "process";
const ACCESS: &str = "access";
const LAYOUTS: &str = "debug information";
const RUNTIMES: &str = "runtimes";

/// Checks a process.
pub(super) fn check(pid: u64, layouts: Option<&Path>, checks: &mut Checks) {
    // Read once, for this and for the report. When it cannot be, opening the process says why.
    let given = match layouts.map(LayoutFile::open).transpose() {
        Ok(file) => file.map(|file| Arc::new(file) as Arc<dyn LayoutSource>),
        Err(error) => return checks.add(Check::bad("layout file", error.to_string())),
    };
    let source = given.or_else(|| {
        let source = open_program(&executable(pid)?, &[]).ok()?;
        Some(source)
    });
    let layouts = source.clone().map(Layouts::Given).unwrap_or_default();
    let options = LiveOptions { layouts, ..LiveOptions::default() };
    let process = match LiveProcess::open(pid, &options) {
        Ok(process) => process,
        Err(error) => return refused(&error, pid, checks),
    };
    let name = executable(pid).map_or_else(String::new, |path| path.display().to_string());
    checks.add(Check::good(PROCESS, format!("{pid} runs {name}")));
    let inspection = process.inspect();
    match &inspection {
        Ok(inspection) => {
            let longest = inspection.stops.iter().max().copied().unwrap_or(Duration::ZERO);
            let milliseconds = longest.as_secs_f64() * 1000.0;
            let found = format!("unhang can stop and read it (stopped for {milliseconds:.1} ms)");
            checks.add(Check::good(ACCESS, found));
        }
        Err(error) => checks.add(Check::bad(ACCESS, error.to_string())),
    }
    if let Some(source) = source {
        let provenance = source.provenance();
        if let Some(lack) = provenance.lack {
            // Nothing can be known of its runtimes then.
            return checks.add(Check::bad(LAYOUTS, lack));
        }
        checks.add(Check::good(LAYOUTS, format!("{}: {}", provenance.path, provenance.form)));
    }
    if let Ok(inspection) = &inspection {
        checks.add(runtimes(inspection));
    }
}

/// The lines for a process that cannot be opened.
fn refused(error: &TargetError, pid: u64, checks: &mut Checks) {
    let what = match error {
        TargetError::NoSuchProcess { .. }
        | TargetError::Zombie { .. }
        | TargetError::KernelThread { .. } => PROCESS,
        TargetError::NotPermitted { .. }
        | TargetError::Traced { .. }
        | TargetError::CannotStop { .. } => ACCESS,
        _ => LAYOUTS,
    };
    if what != PROCESS {
        checks.add(Check::good(PROCESS, format!("{pid} exists")));
    }
    checks.add(Check::bad(what, error.to_string()));
}

fn runtimes(inspection: &Inspection) -> Check {
    let report = &inspection.report;
    if report.runtimes.is_empty() && report.tasks.is_empty() {
        let why = report.problems.first().map_or("none was found", |problem| problem.as_str());
        return Check::bad(RUNTIMES, why.to_owned());
    }
    let mut said: Vec<String> = report.runtimes.iter().map(describe).collect();
    said.push(counted(report));
    let incomplete = report.runtimes.iter().flat_map(|runtime| &runtime.incomplete);
    match report.problems.iter().chain(incomplete).next() {
        None => Check::good(RUNTIMES, said.join("; ")),
        Some(problem) => Check::note(RUNTIMES, format!("{}; {problem}", said.join("; "))),
    }
}

/// `3 tasks and 1 block_on future`.
fn counted(report: &Report) -> String {
    let futures = report.tasks.iter().filter(|task| task.kind == TaskKind::BlockOn).count();
    let tasks = report.tasks.len() - futures;
    let some = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    match (tasks, futures) {
        (_, 0) => some(tasks, "task"),
        (0, _) => some(futures, "block_on future"),
        (_, _) => format!("{} and {}", some(tasks, "task"), some(futures, "block_on future")),
    }
}

fn describe(runtime: &Runtime) -> String {
    let version = runtime.version.as_deref().unwrap_or("of an unknown version");
    format!("{} {version}, {}", runtime.library, runtime.flavor)
}

/// The executable of a process: under its own name where that is still the same file, since that
/// reads better, else the link that the kernel keeps.
fn executable(pid: u64) -> Option<PathBuf> {
    let link = PathBuf::from(format!("/proc/{pid}/exe"));
    let name = fs::read_link(&link).ok()?;
    let id = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    Some(if id(&name) == id(&link) { name } else { link })
}
