//! Real processes, stopped and let go.
#![allow(clippy::unwrap_used, missing_docs)]

mod child;

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use child::Running;
use process_target::{LiveOptions, LiveProcess, LiveTarget, TargetError};
use runtime_layouts::target::{Target, TargetKind, Thread};

#[test]
fn child() {
    child::run();
}

fn attach(pid: u64) -> Result<LiveTarget, TargetError> {
    LiveTarget::attach(pid, &LiveOptions::default())
}

fn thread<'t>(target: &'t LiveTarget, name: &str) -> &'t Thread {
    let found = target.threads().iter().find(|thread| thread.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no thread {name} in {:?}", target.threads()))
}

#[test]
fn a_process_is_stopped_read_and_goes_on() {
    let mut running = Running::start();
    let mut target = attach(running.pid()).unwrap();
    assert_eq!(running.state(), 't', "it stands still");
    assert_eq!(target.problems(), [""; 0]);
    assert_eq!(target.identity().kind, TargetKind::Live);
    assert_eq!(target.identity().pid, Some(running.pid()));
    assert_eq!(Path::new(&target.identity().executable), std::env::current_exe().unwrap());

    let threads = target.threads();
    assert_eq!(threads[0].tid, running.pid(), "the first thread comes first");
    assert_eq!(threads.len(), 4, "{threads:?}: the harness has one more");
    assert!(threads.iter().all(|thread| thread.thread_pointer.is_some()));

    let frames = target.native_frames(thread(&target, "sleeper"), 100);
    let sleeping =
        frames.iter().find(|frame| frame.pc.get().wrapping_sub(running.sleeps_in) < 0x100);
    let sleeping = sleeping.unwrap_or_else(|| panic!("not in {frames:x?}"));
    assert!(sleeping.frame_address.is_some());
    let processor = target.processor().unwrap();
    let mut preserved = processor.registers.iter().filter(|register| register.preserved);
    assert!(preserved.all(|register| sleeping.register(register.number).is_some()));
    // Frames lie in order on the stack.
    assert!(frames.is_sorted_by(|inner, outer| inner.frame_address < outer.frame_address));

    let stopped = target.release().unwrap();
    assert!(stopped.as_secs() < 10);
    assert_eq!(target.release(), None, "it goes on already");
    assert!(running.answers());
    running.wait_for_state('S');
}

#[test]
fn a_panic_or_an_error_leaves_nothing_stopped() {
    let mut running = Running::start();
    let pid = running.pid();
    let panicked = std::panic::catch_unwind(|| {
        let _target = attach(pid).unwrap();
        panic!("on purpose");
    });
    assert!(panicked.is_err());
    assert!(running.answers());
    // Twice at once is refused, and the refusal changes nothing.
    let first = attach(pid).unwrap();
    let error = attach(pid).err().unwrap();
    assert!(matches!(error, TargetError::Traced { .. }), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    assert_eq!(running.state(), 't');
    drop(first);
    assert!(running.answers());
}

#[test]
fn what_was_stopped_stays_stopped() {
    let mut running = Running::start();
    running.signal("STOP");
    running.wait_for_state('T');
    for _ in 0..3 {
        let target = attach(running.pid()).unwrap();
        let frames = target.native_frames(thread(&target, "sleeper"), 100);
        assert!(frames.iter().any(|frame| frame.pc.get().wrapping_sub(running.sleeps_in) < 0x100));
        drop(target);
        running.wait_for_state('T');
    }
    running.signal("CONT");
    assert!(running.answers());
}

#[test]
fn signals_that_come_meanwhile_are_not_lost() {
    let mut running = Running::start();
    for _ in 0..20 {
        let mut target = attach(running.pid()).unwrap();
        running.signal("STOP");
        target.release();
        running.wait_for_state('T');
        running.signal("CONT");
    }
    assert!(running.answers());
    let target = attach(running.pid()).unwrap();
    running.signal("TERM");
    drop(target);
    running.wait();
}

#[test]
fn without_a_stop_the_thread_pointers_are_found_too() {
    let running = Running::start();
    let process = LiveProcess::open(running.pid(), &LiveOptions::default()).unwrap();
    let target = process.unstopped().unwrap();
    assert_ne!(running.state(), 't');
    assert!(target.problems()[0].contains("was not stopped"));
    let stopped = process.stop().unwrap();
    for waiting in ["sleeper", "child"] {
        let without = thread(&target, waiting);
        let with = thread(&stopped, waiting);
        if target.processor().unwrap().storage.starts_with_its_address {
            assert_eq!(without.thread_pointer, with.thread_pointer, "{waiting}");
        }
        // Of the registers no more than two are known, so the stack may end early; what there is
        // of it is right.
        let stack = target.native_frames(without, 100);
        let whole = stopped.native_frames(with, 100);
        assert!(!stack.is_empty());
        for (one, other) in stack.iter().zip(&whole) {
            assert_eq!(one.pc, other.pc, "{waiting}");
        }
    }
}

#[test]
fn an_inspection_says_how_long_it_stopped_the_process() {
    let mut running = Running::start();
    let process = LiveProcess::open(running.pid(), &LiveOptions::default()).unwrap();
    let inspection = process.inspect().unwrap();
    assert!(inspection.report.runtimes.is_empty());
    assert!((2..=4).contains(&inspection.stops.len()), "{:?}", inspection.stops);
    assert!(running.answers());
    let unstopped = process.inspect_running().unwrap();
    assert!(unstopped.stops.is_empty());
    assert!(unstopped.report.problems[0].contains("was not stopped"));
    let interrupted = LiveOptions::default();
    interrupted.interrupted.store(true, std::sync::atomic::Ordering::Relaxed);
    let process = LiveProcess::open(running.pid(), &interrupted).unwrap();
    assert!(matches!(process.inspect().err(), Some(TargetError::Interrupted)));
    assert!(running.answers());
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let error = attach(0x7fff_fffe).err().unwrap();
    assert!(matches!(error, TargetError::NoSuchProcess { .. }), "{error}");
    assert!(matches!(attach(0).err(), Some(TargetError::NoSuchProcess { pid: 0 })));

    let mut ended = Command::new("true").stdout(Stdio::null()).spawn().unwrap();
    let begun = std::time::Instant::now();
    let error = loop {
        match attach(ended.id().into()).err() {
            Some(error @ TargetError::Zombie { .. }) => break error,
            other => assert!(begun.elapsed().as_secs() < 20, "{other:?}"),
        }
    };
    assert!(error.to_string().contains("zombie"), "{error}");
    ended.wait().unwrap();
}

#[test]
fn the_id_of_a_thread_serves_as_well() {
    let running = Running::start();
    let tid = thread(&attach(running.pid()).unwrap(), "sleeper").tid;
    let target = attach(tid).unwrap();
    assert_eq!(target.identity().pid, Some(running.pid()));
    assert_eq!(target.threads()[0].tid, running.pid());
}

#[test]
fn a_deleted_executable_is_read_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    // Not by this process: a child that another test forks meanwhile would hold the descriptor, and
    // what is open for writing cannot be executed.
    let cp = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&copy).status();
    assert!(cp.unwrap().success());
    let running = Running::spawn(child::command(&copy, &[]));
    std::fs::remove_file(&copy).unwrap();
    let target = attach(running.pid()).unwrap();
    assert!(target.identity().executable.ends_with("(deleted)"));
    let frames = target.native_frames(thread(&target, "sleeper"), 100);
    assert!(frames.iter().any(|frame| frame.pc.get().wrapping_sub(running.sleeps_in) < 0x100));
}

#[test]
fn a_process_in_another_mount_namespace_is_read_all_the_same() {
    let may = Command::new("unshare").args(["-m", "true"]).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user may not make mount namespaces");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs none \"$0\" && cp \"$1\" \"$0/inside\" && shift && \
                  exec \"$0/inside\" \"$@\"";
    let prefix: Vec<&OsStr> = ["unshare", "-m", "sh", "-c", script].map(OsStr::new).to_vec();
    let prefix = [&prefix[..], &[folder.path().as_os_str()]].concat();
    let running = Running::spawn(child::command(&program, &prefix));
    let inside = folder.path().join("inside");
    assert!(!inside.exists(), "it cannot be seen from here");
    let target = attach(running.pid()).unwrap();
    assert_eq!(Path::new(&target.identity().executable), inside);
    let frames = target.native_frames(thread(&target, "sleeper"), 100);
    assert!(frames.iter().any(|frame| frame.pc.get().wrapping_sub(running.sleeps_in) < 0x100));
}

/// A user that is not root, and owns nothing.
const NOBODY: u32 = 65534;

#[test]
fn root_may_look_at_everybody_and_nobody_at_root() {
    let is_root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    // The test program must be one that everybody may run.
    let program = std::env::current_exe().unwrap();
    let mut try_out = child::command(&program, &[]);
    try_out.env_clear().uid(NOBODY).stdout(Stdio::null()).stderr(Stdio::null());
    if !is_root || !try_out.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user cannot start programs as another one");
        return;
    }
    let mut theirs = child::command(&program, &[]);
    theirs.uid(NOBODY);
    let running = Running::spawn(theirs);
    let target = attach(running.pid()).unwrap();
    assert!(!target.native_frames(thread(&target, "sleeper"), 100).is_empty());

    let ours = Running::start();
    let mut prober = Command::new(&program);
    prober.args(["--exact", "prober", "--nocapture"]).env("PROBE", ours.pid().to_string());
    let output = prober.uid(NOBODY).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("refused: not permitted to inspect process"), "{said}");
    assert!(said.contains("belongs to user 0; run unhang as that user or with `sudo`"), "{said}");
}

/// The other user of the test above.
#[test]
fn prober() {
    if let Some(pid) = std::env::var("PROBE").ok().and_then(|pid| pid.parse().ok())
        && let Err(error) = attach(pid)
    {
        println!("refused: {error}");
    }
}

/// The program counters and preserved registers of every thread, as gdb sees them.
const GDB_SCRIPT: &str = r#"
import gdb
gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
registers = REGISTERS
for thread in gdb.selected_inferior().threads():
    thread.switch()
    print("thread", thread.ptid[1])
    frame = gdb.newest_frame()
    while frame:
        if frame.type() != gdb.INLINE_FRAME:
            values = (int(frame.read_register(name)) & (2**64 - 1) for name in registers)
            print("frame", frame.pc(), *values)
        frame = frame.older()
"#;

#[test]
fn stacks_are_those_of_gdb() {
    let has_gdb = Command::new("gdb").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has_gdb {
        eprintln!("skipped: there is no gdb");
        return;
    }
    let running = Running::start();
    // Stopped, so that both see the same.
    running.signal("STOP");
    running.wait_for_state('T');
    let folder = tempfile::tempdir().unwrap();
    let script: PathBuf = folder.path().join("stacks.py");
    let target = attach(running.pid()).unwrap();
    let processor = target.processor().unwrap();
    drop(target);
    let preserved = processor
        .registers
        .iter()
        .filter(|register| register.preserved && register.number != processor.program_counter);
    let (names, numbers): (Vec<_>, Vec<_>) = preserved.map(|it| (it.name, it.number)).unzip();
    std::fs::write(&script, GDB_SCRIPT.replace("REGISTERS", &format!("{names:?}"))).unwrap();
    let gdb = Command::new("gdb")
        .args(["-nx", "-batch", "-iex", "set debuginfod enabled off"])
        .args(["-p", &running.pid().to_string(), "-x"])
        .arg(&script)
        .output()
        .unwrap();
    let gdb = String::from_utf8_lossy(&gdb.stdout);
    let target = attach(running.pid()).unwrap();
    let mut seen = 0;
    for part in gdb.split("thread ").skip(1) {
        let mut lines = part.lines();
        let tid: u64 = lines.next().unwrap().trim().parse().unwrap();
        let thread = target.threads().iter().find(|thread| thread.tid == tid).unwrap();
        let theirs: Vec<Vec<u64>> = lines
            .filter_map(|line| line.strip_prefix("frame "))
            .map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect())
            .collect();
        let ours: Vec<Vec<u64>> = target
            .native_frames(thread, 1000)
            .iter()
            .map(|frame| {
                let registers = numbers.iter().map(|number| frame.register(*number).unwrap());
                std::iter::once(frame.pc.get()).chain(registers).collect()
            })
            .collect();
        assert!(ours.len() > 3);
        assert_eq!(ours, theirs, "thread {tid}");
        seen += 1;
    }
    assert_eq!(seen, target.threads().len(), "{gdb}");
}
