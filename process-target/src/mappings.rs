//! Memory mappings: the lines of `/proc/PID/maps`, or a core file's `NT_FILE`.

use std::ops::Range;

/// A range of addresses that shows a range of a file, or nothing but memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mapping {
    /// The first address.
    pub(crate) start: u64,
    /// The first address after it.
    pub(crate) end: u64,
    /// The byte of the file at `start`.
    pub(crate) offset: u64,
    /// Whether it can be read and written.
    pub(crate) is_data: bool,
    /// The file's path as the process saw it, `[heap]` and the like, or nothing.
    pub(crate) path: String,
}

impl Mapping {
    /// Whether a file is mapped here.
    pub(crate) fn is_file(&self) -> bool {
        self.path.starts_with('/')
    }

    pub(crate) fn contains(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }
}

/// Every mapping of a process, by address.
#[derive(Clone, Default, Debug)]
pub(crate) struct Mappings(Vec<Mapping>);

impl Mappings {
    /// Those in this list, in any order.
    pub(crate) fn new(mut mappings: Vec<Mapping>) -> Self {
        mappings.sort_by_key(|mapping| mapping.start);
        Self(mappings)
    }

    /// The lines of `/proc/PID/maps` (`proc_pid_maps(5)`):
    /// `55d0-55e0 r-xp 00001000 fe:00 1234    /path`. Lines of another form are left out.
    pub(crate) fn of_proc(text: &str) -> Self {
        Self::new(text.lines().filter_map(line).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.0.iter()
    }

    /// What can be read and written and shows no file.
    pub(crate) fn data(&self) -> Vec<Range<u64>> {
        let data = self.0.iter().filter(|mapping| mapping.is_data && !mapping.is_file());
        data.map(|mapping| mapping.start..mapping.end).collect()
    }

    /// The mapping that this address lies in.
    pub(crate) fn at(&self, address: u64) -> Option<&Mapping> {
        let after = self.0.partition_point(|mapping| mapping.start <= address);
        self.0[..after].last().filter(|mapping| mapping.contains(address))
    }

    /// Which byte of its file lies at this address; `None` where no file does.
    pub(crate) fn file_offset(&self, address: u64) -> Option<u64> {
        let at = self.at(address).filter(|mapping| !mapping.path.is_empty())?;
        Some(at.offset.saturating_add(address - at.start))
    }

    /// Where the file that is mapped at this address may begin in memory: the mappings of its first
    /// bytes at or below the address, the nearest first.
    ///
    /// Where a page has 64 kB and a file not much more, each of its segments is mapped from the
    /// file's first byte on: the nearest mapping need not be the one that the loader made first.
    pub(crate) fn beginnings(&self, address: u64) -> impl Iterator<Item = u64> + '_ {
        let after = self.0.partition_point(|mapping| mapping.start <= address);
        let at = self.at(address).filter(|mapping| !mapping.path.is_empty());
        let below = self.0[..after].iter().rev();
        let of_file = below.filter(move |it| at.is_some_and(|at| it.path == at.path));
        of_file.filter(|mapping| mapping.offset == 0).map(|mapping| mapping.start)
    }
}

fn line(line: &str) -> Option<Mapping> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let (permissions, rest) = rest.split_once(' ')?;
    let (offset, rest) = rest.split_once(' ')?;
    let (_device, rest) = rest.split_once(' ')?;
    // The path is padded to a column, and may hold spaces itself.
    let path = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(' ');
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        offset: u64::from_str_radix(offset, 16).ok()?,
        is_data: permissions.starts_with("rw"),
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
5000-6000 r--p 00000000 fe:00 77                         /bin/a program
6000-8000 r-xp 00001000 fe:00 77                         /bin/a program
8000-9000 rw-p 00003000 fe:00 77                         /bin/a program
9000-a000 rw-p 00000000 00:00 0                          [heap]
c000-d000 rw-p 00000000 00:00 0 
nonsense
e000-f000 r--p 00000000 fe:00 78                         /lib/libc.so.6 (deleted)
";

    #[test]
    fn reads_the_lines() {
        let mappings = Mappings::of_proc(TEXT);
        assert_eq!(mappings.iter().count(), 6);
        let text = mappings.at(0x7fff).expect("mapped");
        assert_eq!((text.offset, text.path.as_str()), (0x1000, "/bin/a program"));
        assert!(!text.is_data && text.is_file());
        assert!(mappings.at(0xc000).is_some_and(|m| m.is_data && m.path.is_empty()));
        assert_eq!(mappings.at(0xb000), None);
        assert_eq!(mappings.at(0), None);
    }

    #[test]
    fn finds_where_a_file_begins() {
        let mappings = Mappings::of_proc(TEXT);
        let beginnings = |address| mappings.beginnings(address).collect::<Vec<_>>();
        assert_eq!(beginnings(0x8008), [0x5000]);
        assert_eq!(beginnings(0x5000), [0x5000]);
        assert_eq!(beginnings(0xe800), [0xe000]);
        assert_eq!(beginnings(0xc000), [], "no file");
        assert_eq!(mappings.file_offset(0x6010), Some(0x1010));
        assert_eq!(mappings.file_offset(0xc000), None);
    }
}
