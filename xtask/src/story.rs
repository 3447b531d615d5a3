//! The story with any version of tokio: `tests/story`, built with that version.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::executable;
use crate::fixture::{Profile, Running};
use crate::hung_service::HungService;
use crate::progress::Step;
use crate::workspace::{self, cargo, exclusively, root, target};

/// Which of tokio's schedulers runs the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheduler {
    /// `Builder::new_current_thread`.
    CurrentThread,
    /// `Builder::new_multi_thread`, with two workers.
    MultiThread,
}

impl Scheduler {
    /// unhang's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::CurrentThread => "current_thread",
            Self::MultiThread => "multi_thread",
        }
    }

    /// The program's argument.
    pub fn argument(self) -> &'static str {
        match self {
            Self::CurrentThread => "current-thread",
            Self::MultiThread => "multi-thread",
        }
    }
}

/// One build of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Story<'a> {
    /// tokio's version, with all three numbers.
    pub version: &'a str,
    /// debug or release.
    pub profile: Profile,
    /// Whether tokio is built with `rt-multi-thread`; without it there is only the current-thread
    /// scheduler.
    pub multi_thread: bool,
    /// Whether tokio is built with `--cfg tokio_unstable`.
    pub unstable: bool,
    /// Whether tokio is built with its feature `parking_lot`.
    pub parking_lot: bool,
}

/// The versions that are tried, each with a lock file in `tests/story/locks`: the last patch of
/// releases around which something moved, and of some between them.
pub const VERSIONS: [&str; 25] = [
    "1.0.3", "1.2.0", "1.4.0", "1.5.1", "1.8.5", "1.9.0", "1.11.0", "1.13.1", "1.15.0", "1.18.6",
    "1.20.6", "1.21.2", "1.22.0", "1.23.1", "1.25.3", "1.26.0", "1.28.2", "1.30.0", "1.32.1",
    "1.35.1", "1.38.2", "1.40.0", "1.44.2", "1.47.1", "1.54.1",
];

/// One of each: what the end-to-end tests look at, with the scheduler that runs it.
pub const DIAGONAL: [(Story<'static>, Scheduler); 10] = {
    use Profile::{Debug, Release};
    use Scheduler::{CurrentThread, MultiThread};
    [
        (Story::plain("1.0.3", Release, CurrentThread), CurrentThread),
        (Story::plain("1.4.0", Debug, CurrentThread), CurrentThread),
        (Story::plain("1.8.5", Release, CurrentThread), CurrentThread),
        (Story::plain("1.9.0", Debug, MultiThread), MultiThread),
        (Story::plain("1.13.1", Debug, CurrentThread), CurrentThread),
        (Story::plain("1.20.6", Debug, MultiThread), MultiThread),
        (Story::plain("1.25.3", Debug, CurrentThread), CurrentThread),
        (Story::plain("1.32.1", Release, CurrentThread), CurrentThread),
        (Story::plain("1.38.2", Debug, MultiThread), MultiThread),
        (Story::plain("1.54.1", Release, MultiThread), MultiThread),
    ]
};

impl<'a> Story<'a> {
    /// The plainest build that has that scheduler.
    pub const fn plain(version: &'a str, profile: Profile, scheduler: Scheduler) -> Self {
        let multi_thread = matches!(scheduler, Scheduler::MultiThread);
        Self { version, profile, multi_thread, unstable: false, parking_lot: false }
    }

    /// Builds it and returns the executable.
    pub fn build(&self) -> Result<PathBuf> {
        let folder = target().join("story").join(self.version);
        let variant = self.to_string().replace(' ', "-");
        let executable = folder.join(variant).join("inventory");
        exclusively("story", || {
            let step = Step::begin(format!("building the story with tokio {self}"));
            let package = package(self.version, false)?;
            let mut build = cargo(&package.folder);
            build.args(["build", "--profile", self.profile.name()]).args(&package.options);
            let features = [("multi-thread", self.multi_thread), ("parking_lot", self.parking_lot)];
            for (feature, _) in features.iter().filter(|(_, wanted)| *wanted) {
                build.args(["--features", feature]);
            }
            // One folder for all: what does not depend on the version is built once. Flags are not
            // a part of a package's identity in it, so those with flags have one of their own.
            let built =
                target().join("story").join(if self.unstable { "unstable" } else { "build" });
            build.arg("--target-dir").arg(&built).env_remove("CARGO_ENCODED_RUSTFLAGS");
            build.env("RUSTFLAGS", if self.unstable { "--cfg tokio_unstable" } else { "" });
            workspace::run(&mut build, &step)?;
            // The next version's executable will have the same name.
            let built = built.join(self.profile.folder()).join("inventory");
            copy_if_newer(&built, &executable)?;
            step.done();
            Ok(())
        })?;
        Ok(executable)
    }

    /// Starts it with that scheduler.
    pub fn open(&self, scheduler: Scheduler) -> Result<HungService> {
        HungService::new(Running::start(&self.build()?, &[scheduler.argument()])?)
    }
}

impl fmt::Display for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.profile.folder())?;
        let extras = [
            ("rt-multi-thread", self.multi_thread),
            ("tokio_unstable", self.unstable),
            ("parking_lot", self.parking_lot),
        ];
        extras.iter().filter(|(_, has)| *has).try_for_each(|(name, _)| write!(f, " {name}"))
    }
}

/// A package that is ready to be built.
#[derive(Clone, Debug)]
pub struct Package {
    /// What is told to people.
    pub title: String,
    /// Where it is.
    pub folder: PathBuf,
    /// What cargo is to be told beside.
    pub options: Vec<String>,
    /// The program's name.
    pub executable: &'static str,
}

/// The story with a version of tokio, as a package in its own folder; with `old_compiler` such that
/// rustc 1.63 can build it.
pub fn package(version: &str, old_compiler: bool) -> Result<Package> {
    let story = root().join("tests/story");
    let shop = root().join("tests/fixtures/inventory-service/src");
    let sources = ["main.rs", "http.rs"].map(|file| story.join("src").join(file));
    let shared = ["stock.rs", "checkout.rs"].map(|file| shop.join(file));
    let (folder, lock) = match old_compiler {
        false => ("story", story.join("locks")),
        true => ("story-old", root().join("tests/old-compiler/locks")),
    };
    let lock = lock.join(format!("{version}.lock"));
    let folder = target().join(folder).join(version);
    let template = story.join("Cargo.toml.in");
    let is_locked = write_package(&folder, &template, version, &lock, &[sources, shared].concat())?;
    let options = if is_locked { vec!["--locked".to_owned()] } else { Vec::new() };
    let title = format!("the story with tokio {version}");
    Ok(Package { title, folder, options, executable: "inventory" })
}

/// Writes a package from its template, its lock file and its sources; says whether there is such a
/// lock file.
pub(crate) fn write_package(
    folder: &Path,
    template: &Path,
    version: &str,
    lock: &Path,
    sources: &[PathBuf],
) -> Result<bool> {
    let read =
        |path: &Path| std::fs::read(path).with_context(|| format!("reading {}", path.display()));
    let manifest = String::from_utf8(read(template)?)
        .context("its manifest")?
        .replace("{fixtures}", &root().join("tests/fixtures").display().to_string())
        .replace("{version}", version);
    let to = folder.join("src");
    std::fs::create_dir_all(&to).with_context(|| format!("creating {}", to.display()))?;
    write_if_other(&folder.join("Cargo.toml"), manifest.as_bytes())?;
    for path in sources {
        write_if_other(&to.join(path.file_name().context("a file's name")?), &read(path)?)?;
    }
    let is_locked = lock.exists();
    if is_locked {
        write_if_other(&folder.join("Cargo.lock"), &read(lock)?)?;
    }
    Ok(is_locked)
}

/// Writes a file unless it has that text already: cargo builds anew what is newer.
pub(crate) fn write_if_other(path: &Path, text: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Replaces a copy of an executable, unless it is the same: one that runs cannot be written to, and
/// a debugger that has read it may read it again.
pub(crate) fn copy_if_newer(from: &Path, to: &Path) -> Result<()> {
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if to.exists() && time(to) == time(from) {
        return Ok(());
    }
    let beside = to.with_extension("new");
    let folder = to.parent().context("its folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    executable::copy(from, &beside)?;
    std::fs::rename(&beside, to).with_context(|| format!("writing {}", to.display()))
}
