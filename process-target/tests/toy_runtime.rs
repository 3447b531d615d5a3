//! A runtime that is registered by one line is listed: from the debug information of a real program,
//! and from the layout file of that.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use layout_extractor::{DwarfSource, extract};
use process_target::{Layouts, LiveOptions, LiveProcess};
use runtime_layouts::fake::toy;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::report::{Report, TaskState};
use runtime_layouts::walk;

/// Compiles the toy runtime and the program that uses it.
fn compile(folder: &Path) -> PathBuf {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let rustc = |arguments: &[&str], source: &str| {
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-C", "debuginfo=2", "--out-dir"]).arg(folder);
        let output = rustc.arg("-L").arg(folder).args(arguments).arg(programs.join(source));
        let output = output.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    rustc(&["--crate-type", "rlib"], "toy.rs");
    rustc(&["--extern", "toy"], "cafe.rs");
    folder.join("cafe")
}

/// The program, which waits for its standard input.
struct Running(Child);

impl Running {
    fn start(program: &Path) -> Self {
        let mut command = Command::new(program);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn report(running: &Running, layouts: Arc<dyn LayoutSource>) -> Report {
    let options = LiveOptions { layouts: Layouts::Given(layouts), ..LiveOptions::default() };
    let process = LiveProcess::open(running.0.id().into(), &options).unwrap();
    walk::inspect(&process.stop().unwrap(), toy::REGISTRY)
}

#[test]
fn a_runtime_of_one_line_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile(folder.path());
    let source = DwarfSource::open(&program).unwrap().with_libraries(toy::REGISTRY.libraries);
    assert_eq!(source.provenance().lack, None);
    let file = extract(&source, &()).unwrap();
    assert_eq!(file.tables().thread_locals.len(), 1, "what leads to the runtime");
    let running = Running::start(&program);
    for layouts in [Arc::new(source) as Arc<dyn LayoutSource>, Arc::new(file)] {
        let report = report(&running, layouts);
        assert_eq!(report.problems, [""; 0]);
        let [runtime] = report.runtimes.as_slice() else { panic!("{:?}", report.runtimes) };
        assert_eq!((runtime.library, runtime.listed_tasks), ("toy", 3));
        // The list begins with the newest.
        let expected =
            [("3", "async block in cafe::main"), ("2", "cafe::order"), ("1", "cafe::order")];
        for (task, (id, outermost)) in report.tasks.iter().zip(expected) {
            assert_eq!((&*task.id.0, task.state), (id, TaskState::Idle));
            let frames = task.chain.frames.iter();
            let found: Vec<_> = frames.map(|frame| &*report.site(frame.site).name.short).collect();
            assert_eq!(found, [outermost, "cafe::brew", "core::future::pending::Pending<()>"]);
        }
    }
}
