//! An index from names to the units that use them.
//!
//! `.debug_str` holds each name once for the whole object, while a type or function is described in
//! every unit that uses it. The first lookup by name scans the entries of all units once, on all
//! processors, and records which unit uses which name. That takes about as long as reading all
//! entries; later lookups are immediate, and no unit has to be indexed to rule it out.

use std::hash::BuildHasher;

use gimli::Dwarf;
use rayon::prelude::*;
use rustc_hash::FxBuildHasher;

use crate::dwarf::abbreviations::EntryKinds;
use crate::dwarf::entry_cursor::EntryCursor;
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::unit_view::UnitView;
use crate::object::sections::Slice;
use crate::support::direct_mapped_cache::DirectMappedCache;
use crate::support::rust_path::split_last_segment;

/// A list of up to so many units is scanned.
const FEW_UNITS: usize = 8;

/// How many segments at the end of a path are looked up.
const MAX_PARTS: usize = 4;

/// How many parts `.debug_str` is divided into, for threads to work on.
const PARTS: usize = 64;

/// Which units use which names, and which entries of other units.
#[derive(Default)]
pub(crate) struct NameUsers {
    /// The hash of each name and its offset in `.debug_str`, sorted. A name has several offsets
    /// when the linker did not merge strings.
    names: Vec<Pair>,
    /// The offset of a name and a unit that uses it, sorted, for each part of `.debug_str`.
    users: Vec<Vec<Pair>>,
    /// The length of a part in bytes.
    part: u32,
    /// The hash of a name and a unit that uses it, sorted, for names outside `.debug_str`.
    others: Vec<Pair>,
    /// An entry and another unit that refers to it, sorted: link-time optimization makes units
    /// refer to each other.
    pub(crate) references: Vec<(u64, u32)>,
}

/// Two numbers, ordered by the first and then by the second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair(u64);

impl Pair {
    fn of(first: u32, second: u32) -> Self {
        Self(u64::from(first) << 32 | u64::from(second))
    }

    fn first(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn second(self) -> u32 {
        self.0 as u32
    }
}

/// The names and entries that one unit uses, each list sorted.
#[derive(Default)]
pub(crate) struct UnitNames {
    users: Vec<u32>,
    others: Vec<u32>,
    references: Vec<u64>,
}

impl UnitNames {
    /// Reads a unit. When an entry cannot be read, the names before it count.
    pub(crate) fn read<'a>(dwarf: &Dwarf<Slice<'a>>, view: &UnitView<'a>) -> Self {
        let mut found = UnitNames::default();
        let _ = found.add_entries(dwarf, view);
        for list in [&mut found.users, &mut found.others] {
            list.sort_unstable();
            list.dedup();
        }
        found.references.sort_unstable();
        found.references.dedup();
        found
    }

    fn add_entries<'a>(
        &mut self,
        dwarf: &Dwarf<Slice<'a>>,
        view: &UnitView<'a>,
    ) -> Result<(), gimli::Error> {
        // No name has that offset.
        let mut recent = DirectMappedCache::new(RECENT_NAMES, u32::MAX);
        let names = EntryKinds::NAMED.and(EntryKinds::MANGLED);
        let mut cursor = EntryCursor::new(dwarf, view, names.and(EntryKinds::REFERRING))?;
        while let Some(entry) = cursor.next()? {
            if entry.is(EntryKinds::REFERRING) {
                cursor.references(&entry, &mut |target| self.references.push(target))?;
            }
            if !entry.is(names) {
                continue;
            }
            let name = cursor.name(&entry)?;
            match name.str_offset() {
                _ if name == NameRef::None => {}
                Some(str_offset) if recent.is_new(str_offset) => self.users.push(str_offset),
                Some(_) => {}
                None => self.others.push(hash(name.bytes(dwarf))),
            }
        }
        Ok(())
    }
}

/// Slots of the cache of recent names, as a power of two. Most names of a unit occur several times.
const RECENT_NAMES: u32 = 12;

impl NameUsers {
    /// Joins what all units use.
    pub(crate) fn of(section: &[u8], units: Vec<(u32, UnitNames)>) -> Self {
        let mut name_users = NameUsers {
            part: u32::try_from(section.len() / PARTS + 1).unwrap_or(u32::MAX),
            ..NameUsers::default()
        };
        for (unit, found) in &units {
            name_users.others.extend(found.others.iter().map(|&hash| Pair::of(hash, *unit)));
            name_users.references.extend(found.references.iter().map(|&at| (at, *unit)));
        }
        let part = |number: u32| {
            let start = number.saturating_mul(name_users.part);
            let end = start.saturating_add(name_users.part);
            let mut users = Vec::new();
            for (unit, found) in &units {
                let from =
                    &found.users[found.users.partition_point(|str_offset| *str_offset < start)..];
                let within = from.iter().take_while(|str_offset| **str_offset < end);
                users.extend(within.map(|&str_offset| Pair::of(str_offset, *unit)));
            }
            users.sort_unstable();
            let names = users.chunk_by(|one, other| one.first() == other.first()).map(|users| {
                let str_offset = users[0].first();
                Pair::of(hash(string_at(section, str_offset)), str_offset)
            });
            (names.collect(), users)
        };
        let parts: Vec<(Vec<Pair>, Vec<Pair>)> =
            (0..PARTS as u32).into_par_iter().with_max_len(1).map(part).collect();
        for (names, users) in parts {
            name_users.names.extend(names);
            name_users.users.push(users);
        }
        name_users.names.par_sort_unstable();
        name_users.others.par_sort_unstable();
        name_users.references.par_sort_unstable();
        name_users
    }

    /// The units that may have an entry with this path, in order.
    pub(crate) fn units_with_path(&self, section: &[u8], path: &str) -> Vec<UnitNumber> {
        // `{async_fn#0}` and `poll` are in most units; the segments before them are in few.
        let mut rest = path;
        let mut all: Vec<Users<'_>> = Vec::with_capacity(MAX_PARTS);
        while !rest.is_empty() && all.len() < MAX_PARTS {
            let (parents, last) = split_last_segment(rest);
            all.push(self.users(section, last.as_bytes()));
            rest = parents;
        }
        all.sort_by_key(Users::most);
        let Some((fewest, others)) = all.split_first() else { return Vec::new() };
        let mut units = fewest.units();
        units.retain(|unit| others.iter().all(|users| users.contain(*unit)));
        units
    }

    /// The units that use a name.
    pub(crate) fn users<'s>(&'s self, section: &'s [u8], name: &'s [u8]) -> Users<'s> {
        let part = |str_offset| &self.users[(str_offset / self.part) as usize];
        let mut lists: Vec<_> = self
            .str_offsets(section, name)
            .map(|str_offset| of(part(str_offset), str_offset))
            .collect();
        lists.push(of(&self.others, hash(name)));
        lists.retain(|list| !list.is_empty());
        Users(lists)
    }

    /// The offsets of a name in `.debug_str`.
    pub(crate) fn str_offsets<'s>(
        &'s self,
        section: &'s [u8],
        name: &'s [u8],
    ) -> impl Iterator<Item = u32> + 's {
        let known = of(&self.names, hash(name)).iter().map(|pair| pair.second());
        known.filter(move |str_offset| string_at(section, *str_offset) == name)
    }
}

/// The units that use a name, as sorted lists.
pub(crate) struct Users<'m>(Vec<&'m [Pair]>);

impl Users<'_> {
    /// An upper bound of their number.
    fn most(&self) -> usize {
        self.0.iter().map(|list| list.len()).sum()
    }

    fn contain(&self, unit: UnitNumber) -> bool {
        let is_in = |list: &&[Pair]| {
            list.binary_search_by_key(&unit, |pair| pair.second() as UnitNumber).is_ok()
        };
        self.0.iter().any(is_in)
    }

    /// All units, sorted.
    pub(crate) fn units(&self) -> Vec<UnitNumber> {
        let all = self.0.iter().flat_map(|list| list.iter());
        let mut units: Vec<UnitNumber> = all.map(|pair| pair.second() as UnitNumber).collect();
        if self.0.len() > 1 {
            units.sort_unstable();
            units.dedup();
        }
        units
    }
}

/// The pairs of a sorted list with this first number.
fn of(list: &[Pair], first: u32) -> &[Pair] {
    let list = &list[list.partition_point(|pair| pair.first() < first)..];
    // For a short list a scan is faster than a search.
    let length = match list.get(FEW_UNITS) {
        Some(pair) if pair.first() == first => list.partition_point(|pair| pair.first() == first),
        _ => list.iter().take_while(|pair| pair.first() == first).count(),
    };
    &list[..length]
}

fn hash(name: &[u8]) -> u32 {
    // The upper half is better mixed.
    (FxBuildHasher.hash_one(name) >> 32) as u32
}

fn string_at(section: &[u8], offset: u32) -> &[u8] {
    let from = section.get(offset as usize..).unwrap_or_default();
    &from[..memchr::memchr(0, from).unwrap_or(0)]
}
