//! What a program or library asks of the system that it runs on.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::elf;
use object::read::elf::{Dyn, ElfFile64, FileHeader, SectionHeader};

/// A version of glibc.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

impl Version {
    /// Of `GLIBC_2.17` and `GLIBC_2.2.5`; `None` for other versions of symbols.
    fn of(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
        Some(Self(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

/// Fails when a 64-bit ELF file asks for a newer glibc, or for a library whose name begins with
/// none of these.
pub fn check(file: &Path, newest: Version, libraries: &[&str]) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let needs = Needs::of(&bytes).with_context(|| format!("reading {}", file.display()))?;
    let name = file.display();
    for library in &needs.libraries {
        let known = libraries.iter().any(|start| library.starts_with(start));
        ensure!(known, "{name} needs {library}, which not every machine has");
    }
    for version in &needs.versions {
        let of_glibc = Version::of(version);
        ensure!(of_glibc.is_some(), "{name} needs {version}, which is not glibc's");
        ensure!(of_glibc <= Some(newest), "{name} needs {version}, and may need {newest} at most");
    }
    Ok(())
}

/// Names of libraries, and of versions of their symbols.
struct Needs {
    libraries: Vec<String>,
    versions: Vec<String>,
}

impl Needs {
    fn of(bytes: &[u8]) -> Result<Self> {
        let file: ElfFile64<'_> = ElfFile64::parse(bytes)?;
        let endian = file.elf_header().endian()?;
        let sections = file.elf_section_table();
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let (mut libraries, mut versions) = (Vec::new(), Vec::new());
        if let Some((entries, link)) = sections.dynamic(endian, bytes)? {
            let strings = sections.strings(endian, bytes, link)?;
            for entry in entries.iter().filter(|entry| entry.tag(endian) == elf::DT_NEEDED) {
                libraries.push(text(entry.string(endian, strings)?));
            }
        }
        for section in sections.iter() {
            let Some((mut needed, link)) = section.gnu_verneed(endian, bytes)? else { continue };
            let strings = sections.strings(endian, bytes, link)?;
            while let Some((_, mut of_library)) = needed.next()? {
                while let Some(version) = of_library.next()? {
                    versions.push(text(version.name(endian, strings)?));
                }
            }
        }
        Ok(Self { libraries, versions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(Version::of("GLIBC_2.2.5"), Some(Version(2, 2)));
        assert!(Version::of("GLIBC_2.17") < Version::of("GLIBC_2.28"));
        assert_eq!(Version::of("GLIBC_PRIVATE"), None);
        assert_eq!(Version::of("GCC_3.0"), None);
    }

    /// This test asks for more than glibc 2.1, and for a C library.
    #[test]
    fn a_program_of_this_machine_needs_more() -> Result<()> {
        let own = fs::read(std::env::current_exe()?)?;
        let needs = Needs::of(&own)?;
        assert!(needs.libraries.iter().any(|name| name.starts_with("libc.so")));
        assert!(
            needs.versions.iter().filter_map(|name| Version::of(name)).max() > Some(Version(2, 1))
        );
        let fails = |newest, libraries: &[&str]| {
            let checked = check(&std::env::current_exe()?, newest, libraries);
            Ok::<_, anyhow::Error>(checked.err().map(|error| error.to_string()).unwrap_or_default())
        };
        let old = fails(Version(2, 1), &["lib", "ld-linux"])?;
        assert!(old.contains(" may need 2.1 at most") || old.contains("is not glibc's"), "{old}");
        let other = fails(Version(9, 0), &["libm."])?;
        assert!(other.contains("which not every machine has"), "{other}");
        Ok(())
    }
}
