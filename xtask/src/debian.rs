//! What Debian's packages have, unpacked under the target folder: compilers and linkers of other
//! versions, beside whatever is installed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::progress::Step;
use crate::workspace::{command, exclusively, root, run, target};

/// A folder with the files of packages, as they would be below `/`.
#[derive(Clone, Debug)]
pub struct Unpacked(PathBuf);

impl Unpacked {
    /// Downloads and unpacks packages of the distribution, once. Nothing is installed.
    pub fn packages(name: &str, packages: &[&str]) -> Result<Self> {
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
            let download = |step: &Step| {
                let mut apt = command("apt-get", &files);
                run(apt.args(["--quiet", "download"]).args(packages), step)
            };
            if download(&step).is_err() {
                // Lists that are missing or old are fetched, if we may.
                run(command("apt-get", root()).args(["--quiet", "update"]), &step)?;
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
        let program = self.folder().join("bin").join(name);
        ensure!(program.is_file(), "{} is not there", program.display());
        Ok(program)
    }

    /// Where their programs are.
    pub fn programs(&self) -> PathBuf {
        self.folder().join("bin")
    }

    /// Where their libraries are.
    pub fn libraries(&self) -> PathBuf {
        self.folder().join(format!("lib/{}-linux-gnu", std::env::consts::ARCH))
    }

    fn folder(&self) -> PathBuf {
        Path::new(&self.0).join("usr")
    }
}
