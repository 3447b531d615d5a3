//! `unhang extract`: writes a layout file for a build.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use layout_extractor::extract::{Progress, Stage, extract};
use layout_extractor::{DwarfSource, LAYOUT_SECTION};
use runtime_layouts::layout::file::Tables;
use runtime_layouts::layout::source::{LayoutSource, ObjectFormat};

use super::size;

/// What adds a section to a binary.
const OBJCOPIES: [&str; 2] = ["objcopy", "llvm-objcopy"];

/// Write a layout file for a build, so that unhang can inspect its stripped copy.
///
/// The file holds what unhang would read from the debug information: the layouts of futures, tasks
/// and runtimes. It is small and fits only the build that it was made from. unhang finds it as
/// `APP.unhang` beside the binary `APP`, and as `APP.unhang` or `BUILD-ID.unhang` in the directories
/// of the environment variable UNHANG_LAYOUTS.
///
/// For a Mac, the debug information is looked for in BINARY.dSYM beside the binary, and then in the
/// object files that it was linked from.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  unhang extract target/release/app -o target/release/app.unhang\n  \
                        strip target/release/app\n\n  \
                        unhang extract --embed target/release/app\n  \
                        strip target/release/app"
)]
pub(crate) struct Arguments {
    /// The executable or shared library, with its debug information
    binary: PathBuf,

    /// Where to write the layout file
    #[arg(short, long, value_name = "FILE", required_unless_present = "embed")]
    output: Option<PathBuf>,

    /// Add the layouts to the binary itself, as a section that `strip` keeps
    #[arg(long, conflicts_with = "output")]
    embed: bool,

    /// A file that declares what types are which unhang does not know (see docs/knowledge.md), to be
    /// kept with the layouts. May be given several times
    #[arg(long, value_name = "FILE")]
    knowledge: Vec<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let started = Instant::now();
    // This thread shares the work, and one less is started. Nobody has used the threads so far.
    let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
    let source = DwarfSource::open(&arguments.binary)?;
    let output = arguments.output.as_deref().unwrap_or(&arguments.binary);
    if !arguments.embed && is_same_file(&arguments.binary, output) {
        bail!("the layout file would overwrite the binary: choose another name with -o");
    }
    if arguments.embed && source.facts().format == ObjectFormat::MachO {
        bail!(
            "{} is a program for a Mac, whose signature covers its sections: write a file with -o \
             instead",
            arguments.binary.display()
        );
    }
    let knowledge = super::knowledge::read(&arguments.knowledge)?;
    let bar = Bar::new();
    let mut file = extract(&source, &bar)?;
    file.add_knowledge(knowledge);
    bar.finish();
    // That is known at once when everything was read.
    if let Some(lack) = source.provenance().lack {
        bail!("{lack}");
    }
    let bytes = file.to_bytes()?;
    let debug_information = source.debug_information_size();
    match arguments.embed {
        true => embed(&arguments.binary, &bytes)?,
        false => {
            write(output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
        }
    }
    let report = Report {
        output,
        file: bytes.len() as u64,
        debug_information,
        seconds: started.elapsed(),
        tables: file.tables(),
    };
    let text = if arguments.json { report.json() } else { report.text() };
    // A closed pipe is no failure: the file is written.
    let _ = writeln!(std::io::stdout(), "{text}");
    // The program ends here: to take everything apart would take a tenth of the time.
    std::mem::forget((source, file));
    Ok(())
}

/// Writes beside the file and renames, so that nobody sees half of it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::Error::other("it is a directory"));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written =
        std::fs::write(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Adds the layouts to a binary, in place of earlier ones. The binary is replaced as a whole, so
/// that a program that runs from it is not disturbed.
fn embed(binary: &Path, layouts: &[u8]) -> anyhow::Result<()> {
    let folder = binary.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let at =
        |error| anyhow::Error::new(error).context(format!("cannot write {}", binary.display()));
    let workplace = tempfile::Builder::new().prefix(".unhang-").tempdir_in(folder).map_err(at)?;
    let (section, copy) = (workplace.path().join("layouts"), workplace.path().join("binary"));
    std::fs::write(&section, layouts).map_err(at)?;
    let mut add = OsString::from(format!("{LAYOUT_SECTION}="));
    add.push(&section);
    let mut reason = None;
    for tool in OBJCOPIES {
        let mut objcopy = Command::new(tool);
        objcopy.arg("--remove-section").arg(LAYOUT_SECTION).arg("--add-section").arg(&add);
        match objcopy.arg(binary).arg(&copy).output() {
            Ok(said) if said.status.success() => {
                return std::fs::rename(&copy, binary).map_err(at);
            }
            Ok(said) => {
                let text = String::from_utf8_lossy(&said.stderr);
                reason = Some(text.lines().last().unwrap_or_default().to_owned());
            }
            Err(_) => {}
        }
    }
    match reason {
        Some(reason) => bail!("cannot add a section to {}: {reason}", binary.display()),
        None => bail!(
            "adding a section needs `objcopy` from binutils or LLVM, which is not installed: write \
             a file with -o instead"
        ),
    }
}

fn is_same_file(binary: &Path, output: &Path) -> bool {
    match (binary.canonicalize(), output.canonicalize()) {
        (Ok(binary), Ok(output)) => binary == output,
        _ => false,
    }
}

/// What was done.
struct Report<'a> {
    output: &'a Path,
    file: u64,
    debug_information: u64,
    seconds: Duration,
    tables: &'a Tables,
}

impl Report<'_> {
    fn ratio(&self) -> f64 {
        self.debug_information as f64 / self.file.max(1) as f64
    }

    fn state_machines(&self) -> usize {
        self.tables.types.iter().filter(|ty| ty.body.is_some()).count()
    }

    fn text(&self) -> String {
        let Report { output, file, debug_information, seconds, tables } = self;
        let time = match seconds.as_millis() {
            millis @ ..1_000 => format!("{millis} ms"),
            _ => format!("{:.1} s", seconds.as_secs_f64()),
        };
        format!(
            "{}: {}, 1/{:.0} of {} of debug information, in {}\n{} types, {} closures and \
             async bodies, {} task types, {} boxed future types",
            output.display(),
            size(*file),
            self.ratio(),
            size(*debug_information),
            time,
            tables.types.len(),
            self.state_machines(),
            tables.functions_at.len(),
            tables.vtables.len(),
        )
    }

    fn json(&self) -> String {
        serde_json::json!({
            "schema": 1,
            "output": self.output.display().to_string(),
            "build_id": self.tables.facts.build_id,
            "bytes": self.file,
            "debug_information_bytes": self.debug_information,
            "seconds": self.seconds.as_secs_f64(),
            "types": self.tables.types.len(),
            "bodies": self.state_machines(),
            "task_polls": self.tables.functions_at.len(),
            "vtables": self.tables.vtables.len(),
            "thread_locals": self.tables.thread_locals.len(),
        })
        .to_string()
    }
}

/// How far the extraction is, on a terminal.
struct Bar {
    bar: Mutex<ProgressBar>,
}

impl Bar {
    fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        Bar { bar: Mutex::new(bar) }
    }

    fn finish(&self) {
        self.bar().finish_and_clear();
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, ProgressBar> {
        self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Bar {
    fn start(&self, stage: Stage, total: Option<u64>) {
        let what = match stage {
            Stage::Units => "reading units",
            Stage::Types => "following types",
            Stage::Merging => "merging types",
        };
        let shape = if total.is_some() {
            "{spinner:.cyan} {msg:16} {bar:30.cyan/dim} {pos}/{len}"
        } else {
            "{spinner:.cyan} {msg:16} {pos}"
        };
        let bar = self.bar();
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style);
        }
        bar.set_position(0);
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_message(what);
    }

    fn advance(&self, count: u64) {
        self.bar().inc(count);
    }
}
