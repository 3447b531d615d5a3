//! `unhang dump`: the report of a process or a core file, without a debugger.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use process_target::{
    CoreOptions, CoreTarget, Inspection, Layouts, LiveOptions, LiveProcess, TargetError,
};
use report_text::json;
use report_text::text::{self, Beside, Look, dump};
use runtime_layouts::layout::file::LayoutFile;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::libraries::{LIBRARIES, REGISTRY};
use runtime_layouts::report::Report;
use runtime_layouts::target::Target;
use runtime_layouts::variables::Limits;
use runtime_layouts::variables::locals::LocalTable;
use runtime_layouts::walk;
use runtime_layouts::whatis::{self, WhatIs, parse_address};
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use super::{screen, size};

/// Exit codes of this command, beside those of all.
const COMPLETE: u8 = 0;
const INCOMPLETE: u8 = 3;
const NO_RUNTIME: u8 = 4;
/// That of a program which Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Show every async task of a process or a core file.
///
/// Lists the tasks, then the runtimes and their workers, then the async backtrace of every task; of
/// more than a thousand tasks, one backtrace for all that stand in the same place. unhang only reads
/// the process: it stops it for some milliseconds and lets it continue.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes:
  0    everything was shown
  1    nothing could be shown; one sentence on standard error says why
  2    invalid command line
  3    shown, but something is missing or may be torn: the text says what
  4    shown, but no async runtime was found
  130  interrupted by Ctrl-C

Examples:
  unhang dump -p $(pidof app)
  unhang dump --core core.1234 --exe target/release/app --json -o app.json
  unhang dump -p $(pidof app) --html app.html")]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: Subject,

    /// The executable that dumped the core, if it is not at the path that the core records
    #[arg(long, value_name = "FILE", conflicts_with = "pid")]
    exe: Option<PathBuf>,

    /// The directory that contains the files that the core records, such as an unpacked container image
    #[arg(long, value_name = "DIR", conflicts_with = "pid")]
    sysroot: Option<PathBuf>,

    /// For an executable without debug information: a layout file of the build (see `unhang
    /// extract`), or a directory that contains it as `BUILD-ID.unhang` or `APP.unhang`
    #[arg(long, value_name = "FILE|DIR")]
    layouts: Option<PathBuf>,

    /// For an executable without debug information: another build of the same sources by the same
    /// compiler, with `debug = true`
    #[arg(long, value_name = "FILE", conflicts_with = "layouts")]
    twin: Option<PathBuf>,

    /// A file that declares what types are which unhang does not know (see docs/knowledge.md); those of
    /// the environment variable UNHANG_KNOWLEDGE and those in the executable are used besides. May be
    /// given several times
    #[arg(long, value_name = "FILE")]
    knowledge: Vec<PathBuf>,

    /// Do not stop the process: whatever changes meanwhile may be shown incorrectly
    #[arg(long, conflicts_with = "core")]
    no_stop: bool,

    /// Write JSON
    #[arg(long)]
    json: bool,

    /// In JSON of more than 2000 tasks, write the first ones of those that stand at the same place,
    /// and of the others the ids
    #[arg(long, requires = "json")]
    brief: bool,

    /// Write a page to FILE that shows the findings, who waits for whom as a graph, all stacks as one
    /// tree and every task, in any browser and without a network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "output"])]
    html: Option<PathBuf>,

    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Width of the text in columns; by default the terminal's, or no limit without a terminal
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,

    /// Show the variables of the frames of your own code; in JSON, of all frames
    #[arg(long)]
    locals: bool,

    /// Show only your own code: drop the frames of libraries
    #[arg(long)]
    user: bool,

    /// Show the connections that tasks have, with their peers, what they do, and their requests
    #[arg(long)]
    connections: bool,

    /// Show only what lies at this address and what points at it; JSON has it beside the rest. May be
    /// given several times
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    whatis: Vec<u64>,

    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,

    /// Show the backtrace of every task, even if thousands stand in the same place
    #[arg(long)]
    all: bool,

    /// Report on standard error how long each step took, above all the stop of the process
    #[arg(short, long)]
    verbose: bool,
}

/// What is looked at.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// A process of this machine
    #[arg(short, long, value_name = "PID")]
    pid: Option<u64>,

    /// A core file
    #[arg(long, value_name = "CORE")]
    core: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let interrupted = Arc::new(AtomicBool::new(false));
    // The first Ctrl-C ends the work in good order, the second one at once. The process goes on
    // either way.
    let code = i32::from(INTERRUPTED);
    flag::register_conditional_shutdown(SIGINT, code, interrupted.clone())
        .and_then(|_| flag::register(SIGINT, interrupted.clone()))
        .context("cannot listen for Ctrl-C")?;
    let layouts = match &arguments.twin {
        Some(twin) => Layouts::Twin(twin.clone()),
        None => arguments.layouts.as_deref().map(open_layouts).transpose()?.unwrap_or_default(),
    };
    let knowledge = super::knowledge::read(&arguments.knowledge)?;
    let mut log = Log::new(arguments.verbose);
    let found = match (&arguments.subject.pid, &arguments.subject.core) {
        (Some(pid), _) => {
            let locals = arguments.locals.then_some(Limits::SHORT);
            let addresses = arguments.whatis.clone();
            let options = LiveOptions { layouts, knowledge, interrupted, locals, addresses };
            process(*pid, &options, !arguments.no_stop, &mut log)
        }
        (None, Some(core)) => {
            let options = CoreOptions {
                executable: arguments.exe.clone(),
                sysroot: arguments.sysroot.clone(),
                layouts,
                knowledge,
                interrupted,
            };
            core_file(core, &options, arguments, &mut log)
        }
        (None, None) => bail!("specify a process (`--pid`) or a core file (`--core`)"),
    };
    let Found { report, locals, found, sources } = match found {
        Err(TargetError::Interrupted) => return Ok(INTERRUPTED),
        found => found?,
    };
    if report.interrupted {
        return Ok(INTERRUPTED);
    }
    log.begin_writing();
    let beside = Beside::with(locals)
        .and_connections(arguments.connections)
        .and_found(found)
        .and_brief(arguments.brief);
    let written = write_to(arguments, &report, &beside);
    log.end();
    sources.iter().for_each(|source| source.remember());
    written?;
    let code = code_of(&report);
    // The program ends here: to take a million tasks apart would take as long as to write them.
    std::mem::forget((report, beside));
    Ok(code)
}

fn open_layouts(path: &Path) -> anyhow::Result<Layouts> {
    Ok(match path.is_dir() {
        true => Layouts::Found(vec![path.to_owned()]),
        false => Layouts::Given(Arc::new(LayoutFile::open(path)?)),
    })
}

/// What a look found.
struct Found {
    report: Report,
    locals: LocalTable,
    found: Vec<WhatIs>,
    /// What was asked about the program and its libraries.
    sources: Vec<Arc<dyn LayoutSource>>,
}

/// Looks at a process.
fn process(
    pid: u64,
    options: &LiveOptions,
    stops: bool,
    log: &mut Log,
) -> Result<Found, TargetError> {
    log.begin("opening the program");
    let process = LiveProcess::open(pid, options)?;
    log.begin("reading tasks");
    let inspection = if stops { process.inspect()? } else { process.inspect_running()? };
    log.stopped(&inspection.stops);
    log.read(inspection.bytes_read);
    let sources = process.sources();
    let Inspection { report, locals, found, .. } = inspection;
    Ok(Found { report, locals, found, sources })
}

/// Looks at a core file.
fn core_file(
    core: &Path,
    options: &CoreOptions,
    arguments: &Arguments,
    log: &mut Log,
) -> Result<Found, TargetError> {
    log.begin("opening the core file");
    let target = CoreTarget::open(core, options)?;
    log.begin("reading tasks");
    let mut report = walk::inspect(&target, REGISTRY);
    let locals = match arguments.locals {
        true => LocalTable::of(&target, &report, &report.tasks, LIBRARIES, Limits::SHORT),
        false => LocalTable::default(),
    };
    let what_is = |address: &u64| whatis::of(&target, &report, LIBRARIES, *address);
    let found = arguments.whatis.iter().map(what_is).collect();
    log.read(target.bytes_read());
    report.problems.splice(0..0, target.problems().iter().cloned());
    let sources = target.modules().iter().map(|module| module.layouts.clone()).collect();
    Ok(Found { report, locals, found, sources })
}

/// Writes the report to where it is wanted. Nobody reading any more is no failure.
fn write_to(arguments: &Arguments, report: &Report, beside: &Beside) -> anyhow::Result<()> {
    let written = match arguments.html.as_ref().or(arguments.output.as_ref()) {
        Some(path) => {
            let write = || -> io::Result<()> {
                let mut out = BufWriter::new(File::create(path)?);
                write_report(arguments, report, beside, screen::plain(), &mut out)?;
                out.flush()
            };
            return write().with_context(|| format!("cannot write {}", path.display()));
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            write_report(arguments, report, beside, screen::look(), &mut out)
                .and_then(|()| out.flush())
        }
    };
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the report"),
    }
}

fn write_report(
    arguments: &Arguments,
    report: &Report,
    beside: &Beside,
    look: Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    if arguments.html.is_some() {
        return report_page::write(|out| json::write_shared(report, beside, out), out);
    }
    if arguments.json {
        return json::write(report, beside, out);
    }
    let look = Look {
        width: arguments.width.or(look.width),
        full_names: arguments.full_names,
        user_only: arguments.user,
        ..look
    };
    if !beside.found.is_empty() {
        return beside
            .found
            .iter()
            .try_for_each(|found| text::whatis::write(report, found, &look, out));
    }
    dump::write(report, &look, beside, arguments.all, out)
}

/// What the exit code says of a report.
fn code_of(report: &Report) -> u8 {
    if report.runtimes.is_empty() && report.tasks.is_empty() {
        NO_RUNTIME
    } else if report.completeness().is_complete() {
        COMPLETE
    } else {
        INCOMPLETE
    }
}

/// What is being done, on a terminal, and how long it took, for who wants to know.
struct Log {
    verbose: bool,
    phase: Option<Phase>,
}

struct Phase {
    name: &'static str,
    begun: Instant,
    bar: ProgressBar,
}

impl Log {
    fn new(verbose: bool) -> Self {
        Self { verbose, phase: None }
    }

    /// Begins a phase that says nothing itself, and ends the one before it.
    fn begin(&mut self, name: &'static str) {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::new_spinner().with_message(name)
        } else {
            ProgressBar::hidden()
        };
        bar.enable_steady_tick(Duration::from_millis(100));
        self.set_phase(name, bar);
    }

    /// Begins the phase that writes.
    fn begin_writing(&mut self) {
        self.set_phase("writing", ProgressBar::hidden());
    }

    fn set_phase(&mut self, name: &'static str, bar: ProgressBar) {
        self.end();
        self.phase = Some(Phase { name, begun: Instant::now(), bar });
    }

    fn end(&mut self) {
        if let Some(Phase { name, begun, bar }) = self.phase.take() {
            bar.finish_and_clear();
            self.say(&format!("{name}: {}", time(begun.elapsed())));
        }
    }

    fn stopped(&mut self, stops: &[Duration]) {
        self.end();
        if let Some((last, before)) = stops.split_last() {
            let before: Vec<String> = before.iter().map(|stop| time(*stop)).collect();
            let stop = time(*last);
            self.say(&format!(
                "stopped the process for {stop}; before that for {}",
                before.join(", ")
            ));
        }
    }

    fn read(&mut self, bytes: u64) {
        self.end();
        self.say(&format!("read {} of its memory", size(bytes)));
    }

    fn say(&self, text: &str) {
        if self.verbose {
            // Whoever closed it does not want to know.
            let _ = writeln!(io::stderr(), "unhang: {text}");
        }
    }
}

/// A time for people: `3.1 ms`.
fn time(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 1000.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{:.2} s", milliseconds / 1000.0)
    }
}
