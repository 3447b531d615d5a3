//! What Debian's packages have, unpacked under the target folder: compilers and linkers of other
//! versions, and what belongs to another processor, beside whatever is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::progress::Step;
use crate::workspace::{command, exclusively, root, run, target};

/// A folder with the files of packages, as they would be below `/`.
#[derive(Clone, Debug)]
pub struct Unpacked(PathBuf);

impl Unpacked {
    /// Downloads and unpacks packages of the distribution, once. Nothing is installed.
    pub fn packages(name: &str, packages: &[&str]) -> Result<Self> {
        Self::by(&|folder| command("apt-get", folder), name, packages)
    }

    /// The same where some of the packages are another architecture's: `libc6:arm64`. What the
    /// system knows of architectures stays as it is; the lists of packages are our own.
    pub fn packages_with(
        architecture: &'static str,
        name: &str,
        packages: &[&str],
    ) -> Result<Self> {
        Archive { architecture, release: None }.packages(name, packages)
    }

    fn by(apt: &dyn Fn(&Path) -> Command, name: &str, packages: &[&str]) -> Result<Self> {
        let folder = target().join("debian").join(name);
        exclusively("debian", || {
            // The list is written last: what is half unpacked is unpacked again.
            let list = folder.join("packages.txt");
            let wanted = packages.join("\n");
            if std::fs::read_to_string(&list).is_ok_and(|found| found == wanted) {
                return Ok(());
            }
            let step = Step::begin(format!("unpacking {name}"));
            let files = folder.join("files");
            std::fs::create_dir_all(&files)
                .with_context(|| format!("creating {}", files.display()))?;
            let download =
                |step: &Step| run(apt(&files).args(["--quiet", "download"]).args(packages), step);
            if download(&step).is_err() {
                // Lists that are missing or old are fetched, if we may.
                run(apt(root()).args(["--quiet", "update"]), &step)?;
                download(&step)?;
            }
            for entry in std::fs::read_dir(&files).context("the packages")? {
                let mut unpack = command("dpkg", root());
                run(unpack.arg("-x").arg(entry?.path()).arg(&folder), &step)?;
            }
            std::fs::remove_dir_all(&files).context("removing the packages")?;
            std::fs::write(&list, wanted).with_context(|| format!("writing {}", list.display()))?;
            step.done();
            Ok(())
        })?;
        Ok(Self(folder))
    }

    /// A program of one of them.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        let program = self.usr().join("bin").join(name);
        ensure!(program.is_file(), "{} is not there", program.display());
        Ok(program)
    }

    /// Where their programs are.
    pub fn programs(&self) -> PathBuf {
        self.usr().join("bin")
    }

    /// Where their libraries are.
    pub fn libraries(&self) -> PathBuf {
        self.usr().join(format!("lib/{}-linux-gnu", std::env::consts::ARCH))
    }

    /// Where everything is, as it would be below `/`.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    fn usr(&self) -> PathBuf {
        self.0.join("usr")
    }
}

/// What the system's lists of packages leave out.
#[derive(Clone, Copy, Debug)]
pub struct Archive {
    /// An architecture whose packages there are beside the machine's.
    pub architecture: &'static str,
    /// A release of the distribution by its name, instead of the one that runs.
    pub release: Option<&'static str>,
}

impl Archive {
    /// Downloads and unpacks packages, once. Nothing is installed.
    pub fn packages(self, name: &str, packages: &[&str]) -> Result<Unpacked> {
        let lists = Lists::of(self)?;
        Unpacked::by(&|folder| lists.tool("apt-get", folder), name, packages)
    }

    /// The first package that another one depends on: what a name without a version stands for.
    pub fn dependency(self, package: &str) -> Result<String> {
        let lists = Lists::of(self)?;
        let ask = || {
            let step = Step::begin(format!("asking for what {package} is"));
            let text = run(lists.tool("apt-cache", root()).args(["depends", package]), &step)?;
            step.done();
            Ok::<_, anyhow::Error>(text)
        };
        let first = |text: &str| {
            let named = text.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
            named.and_then(|name| name.split(':').next()).map(str::to_owned)
        };
        if let Some(found) = ask().ok().and_then(|text| first(&text)) {
            return Ok(found);
        }
        let step = Step::begin("fetching lists of packages");
        run(lists.tool("apt-get", root()).args(["--quiet", "update"]), &step)?;
        step.done();
        first(&ask()?).with_context(|| format!("{package} depends on nothing"))
    }
}

/// Lists of packages of our own, which have another architecture's or another release's.
struct Lists {
    folder: PathBuf,
    architectures: [String; 2],
    /// Where packages are, if not where the system takes them from.
    sources: Option<PathBuf>,
}

impl Lists {
    fn of(Archive { architecture, release }: Archive) -> Result<Self> {
        let name = release.map_or_else(|| "lists".to_owned(), |release| format!("lists-{release}"));
        let folder = target().join("debian").join(name);
        std::fs::create_dir_all(folder.join("partial")).context("creating a folder")?;
        let own = command("dpkg", root()).arg("--print-architecture").output();
        let own = own.context("running dpkg")?.stdout;
        let own = String::from_utf8_lossy(&own).trim().to_owned();
        let sources = match release {
            Some(release) => {
                // Beside the lists: apt removes what it does not know among them.
                let file = folder.with_extension("list");
                let text = format!("deb [signed-by={KEYS}] {} {release} main\n", mirror()?);
                std::fs::write(&file, text).context("writing where packages are")?;
                Some(file)
            }
            None => None,
        };
        Ok(Self { folder, architectures: [own, architecture.to_owned()], sources })
    }

    /// One of apt's programs, to be run in `folder`.
    fn tool(&self, name: &str, folder: &Path) -> Command {
        let mut apt = command(name, folder);
        for architecture in &self.architectures {
            apt.arg("-o").arg(format!("APT::Architectures::={architecture}"));
        }
        apt.arg("-o").arg(format!("Dir::State::lists={}", self.folder.display()));
        apt.args(["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]);
        if let Some(sources) = &self.sources {
            apt.arg("-o").arg(format!("Dir::Etc::sourcelist={}", sources.display()));
            apt.args(["-o", "Dir::Etc::sourceparts=/dev/null"]);
        }
        apt
    }
}

/// The keys of every release, as the package `debian-archive-keyring` has them.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where the system takes the distribution's packages from.
fn mirror() -> Result<String> {
    let step = Step::begin("asking where packages are");
    let mut apt = command("apt-get", root());
    apt.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
    let found = run(&mut apt, &step)?;
    step.done();
    let own = found.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    Ok(own.context("the system has no archive of Debian's")?.to_owned())
}
