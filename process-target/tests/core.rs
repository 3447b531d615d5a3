//! Real core files: of the kernel, of gdb, damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod child;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use child::Running;
use object::elf::{FileHeader64, PT_LOAD};
use object::endian::LittleEndian;
use object::read::elf::{FileHeader, ProgramHeader};
use process_target::{CoreOptions, CoreTarget, Layouts, LiveOptions, LiveTarget, TargetError};
use runtime_layouts::target::{Target, TargetKind};
use tempfile::TempDir;

#[test]
fn child() {
    child::run();
}

/// Core files of one process, made once, with the stacks that it had.
struct Cores {
    folder: TempDir,
    /// Of each thread, by its id.
    stacks: Stacks,
    gcore: Option<PathBuf>,
    kernel: Option<PathBuf>,
}

static CORES: LazyLock<Cores> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    // A copy: the kernel dumps a core into the folder that the process works in.
    let mut command = child::command(
        &std::env::current_exe().unwrap(),
        &["sh", "-c", "ulimit -c unlimited; exec \"$0\" \"$@\""].map(std::ffi::OsStr::new),
    );
    command.current_dir(folder.path());
    // What computes goes on for a moment between its stop and the kernel's core.
    command.env(child::IDLE, "1");
    let mut running = Running::spawn(command);
    // From here on nothing in it moves.
    running.signal("STOP");
    running.wait_for_state('T');
    let stacks = stacks(&LiveTarget::attach(running.pid(), &LiveOptions::default()).unwrap());

    let gcore = folder.path().join("gcore");
    let generate = format!("generate-core-file {}", gcore.display());
    let _ = Command::new("gdb")
        .args(["-nx", "-batch", "-iex", "set debuginfod enabled off"])
        .args(["-p", &running.pid().to_string(), "-ex", &generate])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    running.signal("ABRT");
    running.signal("CONT");
    running.wait();
    let kernel = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let kernel = kernel.into_iter().find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core"))
    });
    let gcore = Some(gcore).filter(|gcore| gcore.exists());
    Cores { folder, stacks, gcore, kernel }
});

/// The program counters of every thread, by its id.
type Stacks = Vec<(u64, Vec<u64>)>;

fn stacks(target: &dyn Target) -> Stacks {
    let stack = |thread| {
        let frames = target.native_frames(thread, 100);
        frames.iter().map(|frame| frame.pc.get()).collect()
    };
    let mut stacks: Stacks =
        target.threads().iter().map(|thread| (thread.tid, stack(thread))).collect();
    stacks.sort();
    stacks
}

/// The stacks of the process, where a thread that a signal took out of a system call may be in front
/// of the instruction, to call again: that has two or four bytes.
#[track_caller]
fn assert_same(ours: Stacks, before: &Stacks) {
    let ours: Stacks = ours
        .into_iter()
        .zip(before)
        .map(|((tid, mut stack), (_, before))| {
            if let (Some(pc), Some(before)) = (stack.first_mut(), before.first())
                && matches!(before.wrapping_sub(*pc), 2 | 4)
            {
                *pc = *before;
            }
            (tid, stack)
        })
        .collect();
    assert_eq!(&ours, before);
}

fn open(path: &Path) -> Result<CoreTarget, TargetError> {
    CoreTarget::open(path, &CoreOptions::default())
}

/// The core of gdb, or one of the kernel's: a test that any core serves for.
fn any() -> Option<&'static Path> {
    let core = CORES.kernel.as_deref().or(CORES.gcore.as_deref());
    if core.is_none() {
        eprintln!("skipped: neither gdb nor the kernel writes core files here");
    }
    core
}

#[test]
fn a_core_of_gdb_shows_what_the_process_showed() {
    let Some(core) = &CORES.gcore else {
        eprintln!("skipped: there is no gdb");
        return;
    };
    let target = open(core).unwrap();
    assert_eq!(target.problems(), [""; 0]);
    assert_eq!(target.identity().kind, TargetKind::Core);
    assert_eq!(Path::new(&target.identity().executable), std::env::current_exe().unwrap());
    assert_same(stacks(&target), &CORES.stacks);
}

#[test]
fn a_core_of_the_kernel_shows_what_the_process_showed() {
    let Some(core) = &CORES.kernel else {
        eprintln!("skipped: the kernel does not write core files here (kernel.core_pattern)");
        return;
    };
    let target = open(core).unwrap();
    assert_eq!(target.problems(), [""; 0]);
    assert_eq!(target.identity().pid, target.threads().iter().map(|t| t.tid).min());
    assert!(target.threads().iter().all(|thread| thread.thread_pointer.is_some()));
    assert_same(stacks(&target), &CORES.stacks);
}

#[test]
fn a_truncated_core_shows_what_is_there() {
    let Some(core) = any() else { return };
    let whole = fs::metadata(core).unwrap().len();
    let cut = CORES.folder.path().join("cut");
    fs::copy(core, &cut).unwrap();
    for keep in [whole / 2, whole / 10] {
        OpenOptions::new().write(true).open(&cut).unwrap().set_len(keep).unwrap();
        let target = open(&cut).unwrap();
        let said = &target.problems()[0];
        assert!(said.contains("truncated: it has"), "{said}");
        assert!(said.contains(&keep.to_string()), "{said}");
        assert_eq!(target.threads().len(), CORES.stacks.len());
        // The innermost frame is in the registers, whatever became of the stack.
        assert!(stacks(&target).iter().zip(&CORES.stacks).all(|(ours, whole)| {
            let back = whole.1[0].wrapping_sub(ours.1[0]);
            ours.0 == whole.0 && matches!(back, 0 | 2 | 4)
        }));
    }
    // So early that not even the threads are left.
    for keep in [0, 10, 64, 100, 1000] {
        OpenOptions::new().write(true).open(&cut).unwrap().set_len(keep).unwrap();
        assert!(matches!(open(&cut).err(), Some(TargetError::NotACore { .. })), "{keep}");
    }
}

#[test]
fn damage_is_survived() {
    let Some(core) = any() else { return };
    let mut head = vec![0; 16 << 10];
    File::open(core).unwrap().read_exact_at(&mut head, 0).unwrap();
    let damaged = CORES.folder.path().join("damaged");
    // Opened once: debug information is not what is damaged.
    let layouts = layout_extractor::open_program(&std::env::current_exe().unwrap(), &[]).unwrap();
    let options = CoreOptions { layouts: Layouts::Given(layouts), ..CoreOptions::default() };
    // A simple generator: the same damage every time.
    let mut random = 1_u64;
    for _ in 0..300 {
        let mut bytes = head.clone();
        for _ in 0..8 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (random >> 33) as usize % bytes.len();
            bytes[at] = (random >> 56) as u8;
        }
        fs::write(&damaged, &bytes).unwrap();
        if let Ok(target) = CoreTarget::open(&damaged, &options) {
            let _ = stacks(&target);
        }
    }
}

#[test]
fn zeroed_thread_local_storage_is_named() {
    let Some(core) = any() else { return };
    let pointers: Vec<u64> =
        open(core).unwrap().threads().iter().map(|t| t.thread_pointer.unwrap()).collect();
    let zeroed = CORES.folder.path().join("zeroed");
    fs::copy(core, &zeroed).unwrap();
    let bytes = fs::read(&zeroed).unwrap();
    let header = FileHeader64::<LittleEndian>::parse(&bytes[..]).unwrap();
    let segments = header.program_headers(LittleEndian, &bytes[..]).unwrap();
    let file = OpenOptions::new().write(true).open(&zeroed).unwrap();
    for pointer in &pointers {
        let segment = segments.iter().find(|s| {
            s.p_type(LittleEndian) == PT_LOAD
                && pointer
                    .checked_sub(s.p_vaddr(LittleEndian))
                    .is_some_and(|into| into < s.p_filesz(LittleEndian))
        });
        let segment = segment.unwrap();
        let at = segment.p_offset(LittleEndian) + (pointer - segment.p_vaddr(LittleEndian));
        file.write_all_at(&[0; 64], at).unwrap();
    }
    let target = open(&zeroed).unwrap();
    let said = &target.problems()[0];
    assert!(said.contains("zeros for the thread-local storage of all its threads"), "{said}");
    assert!(said.contains("gcore before gdb 18"), "{said}");
    assert_same(stacks(&target), &CORES.stacks);
}

#[test]
fn the_executable_may_lie_elsewhere() {
    let Some(core) = any() else { return };
    let executable = std::env::current_exe().unwrap();
    let named = executable.strip_prefix("/").unwrap();
    let root = CORES.folder.path().join("root");
    let options = CoreOptions { sysroot: Some(root.clone()), ..CoreOptions::default() };
    let error = CoreTarget::open(core, &options).err().unwrap().to_string();
    assert!(error.contains("does not exist here: give its executable with `--exe`"), "{error}");

    // The executable alone: the libraries are missed.
    let inside = root.join(named);
    fs::create_dir_all(inside.parent().unwrap()).unwrap();
    symlink(&executable, &inside).unwrap();
    let target = CoreTarget::open(core, &options).unwrap();
    if Some(core) == CORES.kernel.as_deref() {
        let said = target.problems().join("\n");
        assert!(said.contains("libc") && said.contains("`--sysroot`"), "{said}");
    }
    // The whole system.
    fs::remove_dir_all(&root).unwrap();
    symlink("/", &root).unwrap();
    let target = CoreTarget::open(core, &options).unwrap();
    assert_same(stacks(&target), &CORES.stacks);

    let given = CORES.folder.path().join("a copy");
    fs::copy(&executable, &given).unwrap();
    let options = CoreOptions { executable: Some(given), ..CoreOptions::default() };
    assert_same(stacks(&CoreTarget::open(core, &options).unwrap()), &CORES.stacks);
}

/// Not as a program that was rebuilt: it may be the right build of the wrong target.
#[test]
fn a_program_for_another_processor_is_refused() {
    let Some(core) = any() else { return };
    let mut bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
    // `e_machine`: `EM_AARCH64`, and where this is one `EM_X86_64`.
    let (other, name) =
        if cfg!(target_arch = "aarch64") { (62_u16, "x86_64") } else { (183, "aarch64") };
    bytes[18..20].copy_from_slice(&other.to_le_bytes());
    let executable = CORES.folder.path().join("foreign");
    fs::write(&executable, bytes).unwrap();
    let options = CoreOptions { executable: Some(executable), ..CoreOptions::default() };
    let said = CoreTarget::open(core, &options).err().unwrap().to_string();
    let expected = [
        &format!("foreign is a program for {name}, but"),
        std::env::consts::ARCH,
        "give the right one with `--exe`",
    ];
    assert!(expected.iter().all(|text| said.contains(*text)), "{said}");
}

#[test]
fn another_program_is_refused() {
    let Some(core) = any() else { return };
    let executable = Some(PathBuf::from("/bin/sh"));
    let options = CoreOptions { executable, ..CoreOptions::default() };
    let error = CoreTarget::open(core, &options).err().unwrap();
    assert!(matches!(error, TargetError::NotTheProgram { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("/bin/sh is not the program that dumped this core"), "{said}");
}

#[test]
fn what_is_no_core_file_is_refused() {
    for (path, what) in [
        ("/bin/sh", "it is an ELF file of a different type"),
        ("/proc/self/status", "it does not start with a 64-bit ELF header"),
        ("/dev/null", "it is not a regular file"),
        ("/", "it is not a regular file"),
    ] {
        let error = open(Path::new(path)).err().unwrap().to_string();
        assert_eq!(error, format!("{path} is not a readable core file: {what}"));
    }
    let error = open(Path::new("/nowhere")).err().unwrap();
    assert!(matches!(error, TargetError::Unreadable { .. }), "{error}");
    let mut empty = tempfile::NamedTempFile::new().unwrap();
    empty.write_all(b"\x7fELF\x02\x01\x01").unwrap();
    assert!(open(empty.path()).is_err());
}

#[test]
fn memory_that_the_core_left_out_comes_from_the_files() {
    let Some(core) = &CORES.kernel else {
        eprintln!("skipped: the kernel does not write core files here");
        return;
    };
    let target = open(core).unwrap();
    let bias = target.modules()[0].load_bias;
    let (start, end) = target.modules()[0].layouts.facts().address_range;
    // Text: a part that the kernel never dumps.
    let middle = bias.wrapping_add(start.0 + (end.0 - start.0) / 2) & !0xfff;
    let mut bytes = [0; 4096];
    target.memory().read(middle, &mut bytes).unwrap();
    assert!(bytes.iter().any(|byte| *byte != 0));
    assert!(target.memory().read(8, &mut bytes).is_err());
}
