//! The files that a core file refers to: their present paths, and whether they are unchanged.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object::Object;
use object::read::ReadCache;
use runtime_layouts::target::elf_image::Image;

use super::memory::CoreMemory;
use super::notes::{Notes, Segment};

/// Where the files are that were mapped.
pub(super) struct Places<'a> {
    /// The executable's path as the core names it, and as it is now.
    pub(super) executable: Option<(&'a str, &'a Path)>,
    /// What the core's paths start at.
    pub(super) sysroot: Option<&'a Path>,
}

impl Places<'_> {
    /// Where a file of the core is now.
    pub(super) fn path(&self, named: &str) -> PathBuf {
        match (self.executable, self.sysroot) {
            (Some((name, path)), _) if name == named => path.to_owned(),
            (_, Some(sysroot)) => below(sysroot, named),
            _ => PathBuf::from(named),
        }
    }
}

/// A path of the core below the system root.
pub(super) fn below(sysroot: &Path, named: &str) -> PathBuf {
    sysroot.join(named.trim_start_matches('/'))
}

/// Adds to the memory what the core left out and files hold, and says what is missing.
///
/// `own` is the memory that the core itself holds. What files hold is left out once `interrupted` says
/// that the user asked to stop.
pub(super) fn add(
    memory: &mut CoreMemory,
    own: &CoreMemory,
    notes: &Notes,
    places: &Places<'_>,
    interrupted: &dyn Fn() -> bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut files: HashMap<&str, Option<(Arc<File>, u64)>> = HashMap::new();
    for mapping in notes.files.iter() {
        if interrupted() {
            break;
        }
        if own.has(mapping.start, mapping.end) {
            continue;
        }
        let file = files.entry(&mapping.path).or_insert_with(|| {
            let path = places.path(&mapping.path);
            match open(&path, running(&mapping.path, notes, own).as_deref()) {
                Ok(file) => Some(file),
                // Data files do not matter: nothing that a runtime keeps is in one.
                Err(_) if !has_code(&mapping.path, notes) => None,
                Err(lack) => {
                    problems.push(format!(
                        "{} {lack}: unhang cannot see its contents or calls through it (see \
                         `--sysroot`)",
                        path.display()
                    ));
                    None
                }
            }
        });
        let Some((file, length)) = file else { continue };
        // A last page that the file does not fill ends in zeros, which nothing asks for.
        let available = length.saturating_sub(mapping.offset);
        let end = mapping.end.min(mapping.start.saturating_add(available));
        for (from, to) in left_out(&notes.segments, mapping.start, end) {
            let into = from.saturating_sub(mapping.start);
            memory.add(from, to, file, mapping.offset.saturating_add(into));
        }
    }
    problems
}

/// The parts of `start..end` that the core left out on purpose, so that they are as the file has
/// them. What was cut off a truncated core and could be written to is not: the process may have
/// changed it.
fn left_out(segments: &[Segment], start: u64, end: u64) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    let mut at = start;
    // They are in the order of their addresses.
    let below_end = segments.iter().take_while(|segment| segment.start < end);
    for segment in below_end.filter(|segment| segment.is_writable) {
        let (from, to) = (segment.start, segment.start.saturating_add(segment.written));
        if to <= at || from == to {
            continue;
        }
        if at < from {
            parts.push((at, from));
        }
        at = to;
    }
    if at < end {
        parts.push((at, end));
    }
    parts
}

/// The build id of the file that was mapped, from the core's own bytes.
fn running(named: &str, notes: &Notes, own: &CoreMemory) -> Option<String> {
    let first = notes.files.iter().find(|m| m.path == named && m.offset == 0)?;
    Image::at(first.start, own)?.build_id(own)
}

/// Whether the file was mapped to be executed.
fn has_code(named: &str, notes: &Notes) -> bool {
    notes
        .files
        .iter()
        .filter(|mapping| mapping.path == named)
        .any(|mapping| notes.segments.iter().any(|s| s.is_executable && mapping.contains(s.start)))
}

/// Opens a file that is to be the one with that build id; returns its length too.
fn open(path: &Path, running: Option<&str>) -> Result<(Arc<File>, u64), &'static str> {
    // The path comes from a file that nobody vouches for: to open a pipe or a device could block.
    let metadata = fs::metadata(path).map_err(|_| "does not exist here")?;
    if !metadata.is_file() {
        return Err("is not a regular file");
    }
    let file = File::open(path).map_err(|_| "cannot be read")?;
    if let Some(running) = running {
        let data = ReadCache::new(&file);
        let found = object::File::parse(&data).ok();
        let found = found.as_ref().and_then(|file| file.build_id().ok().flatten());
        if found.is_some_and(|found| hex::encode(found) != running) {
            return Err("is not the file that the process had mapped (its build id differs)");
        }
    }
    Ok((Arc::new(file), metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: u64, end: u64, written: u64, is_writable: bool) -> Segment {
        Segment { start, end, offset: 0, written, is_writable, is_executable: false }
    }

    #[test]
    fn what_could_be_written_to_is_not_taken_from_a_file() {
        let segments = [segment(0x1000, 0x2000, 0x1000, true), segment(0x2000, 0x3000, 0, true)];
        assert_eq!(left_out(&segments, 0x800, 0x3000), [(0x800, 0x1000), (0x2000, 0x3000)]);
        let read_only = [segment(0x1000, 0x2000, 0x1000, false)];
        assert_eq!(left_out(&read_only, 0x1000, 0x2000), [(0x1000, 0x2000)]);
        assert_eq!(left_out(&segments, 0x1100, 0x1200), []);
    }

    #[test]
    fn paths_lie_below_the_system_root() {
        let executable = Some(("/srv/app", Path::new("/tmp/app")));
        let places = Places { executable, sysroot: Some(Path::new("/image")) };
        assert_eq!(places.path("/srv/app"), Path::new("/tmp/app"));
        assert_eq!(places.path("/lib/libc.so.6"), Path::new("/image/lib/libc.so.6"));
        let here = Places { executable: None, sysroot: None };
        assert_eq!(here.path("/lib/libc.so.6"), Path::new("/lib/libc.so.6"));
    }

    #[test]
    fn pipes_and_devices_are_not_opened() {
        assert_eq!(open(Path::new("/dev/tty"), None).err(), Some("is not a regular file"));
        assert_eq!(open(Path::new("/proc"), None).err(), Some("is not a regular file"));
        assert_eq!(open(Path::new("/nowhere"), None).err(), Some("does not exist here"));
    }
}
