//! The units that use a name.

use gimli::{Dwarf, Section as _};
use rayon::prelude::*;

use super::source::DwarfSource;
use crate::dwarf::reader::UnitNumber;
use crate::indexes::name_users::{NameUsers, UnitNames};
use crate::object::sections::Slice;
use crate::support::thread_pool::in_parallel;

/// The size of debug information in bytes from which threads are worth starting.
const WORTH_THREADS: usize = 4 << 20;

impl DwarfSource {
    /// The units that may have an entry with this path, in order.
    pub(crate) fn units_with_path<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        path: &str,
    ) -> Vec<UnitNumber> {
        let name_users = self.name_users(dwarf);
        let section = dwarf.debug_str.reader().slice();
        name_users.units_with_path(section, path)
    }

    /// The units that have a namespace, type, function or static variable of this name, in order.
    pub(crate) fn units_using_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        name: &str,
    ) -> Vec<UnitNumber> {
        let section = dwarf.debug_str.reader().slice();
        self.name_users(dwarf).users(section, name.as_bytes()).units()
    }

    /// All offsets of a name in `.debug_str`.
    pub(crate) fn str_offsets_of_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        name: &str,
    ) -> Vec<u32> {
        let section = dwarf.debug_str.reader().slice();
        self.name_users(dwarf).str_offsets(section, name.as_bytes()).collect()
    }

    /// The units that refer to this entry of another unit, in order.
    pub(crate) fn units_referring_to<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
    ) -> impl Iterator<Item = UnitNumber> + 's {
        let references = &self.name_users(dwarf).references;
        let first = references.partition_point(|(at, _)| *at < offset);
        let same = references[first..].iter().take_while(move |(at, _)| *at == offset);
        same.map(|(_, unit)| *unit as UnitNumber)
    }

    /// The units that refer to entries of other units, unsorted and with repetitions.
    pub(crate) fn units_that_refer<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
    ) -> impl Iterator<Item = UnitNumber> + 's {
        self.name_users(dwarf).references.iter().map(|(_, unit)| *unit as UnitNumber)
    }

    fn name_users<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) -> &'s NameUsers {
        self.name_users.get_or_init(|| self.read_name_users(dwarf))
    }

    fn read_name_users<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) -> NameUsers {
        let section = dwarf.debug_str.reader().slice();
        let units = self.rust_units(dwarf);
        let read = |number: &UnitNumber| (*number as u32, self.unit_names(dwarf, *number));
        let read = || NameUsers::of(section, units.par_iter().map(read).collect());
        match self.is_worth_threads(dwarf) {
            true => in_parallel(read),
            false => read(),
        }
    }

    fn unit_names<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>, number: UnitNumber) -> UnitNames {
        let view = self.units.view(dwarf, number);
        view.map(|view| UnitNames::read(dwarf, &view)).unwrap_or_default()
    }

    /// The units that were compiled from Rust, in order. Only these are searched: a program may
    /// have more debug information for C and C++.
    pub(crate) fn rust_units<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) -> &'s [UnitNumber] {
        self.rust_units.get_or_init(|| {
            let is_rust =
                |unit: &UnitNumber| self.units.root(dwarf, *unit).is_ok_and(|root| root.is_rust);
            let all = 0..self.units.len();
            match self.is_worth_threads(dwarf) {
                true => in_parallel(|| all.into_par_iter().filter(is_rust).collect()),
                false => all.filter(is_rust).collect(),
            }
        })
    }

    fn is_worth_threads(&self, dwarf: &Dwarf<Slice<'_>>) -> bool {
        dwarf.debug_info.reader().len() >= WORTH_THREADS
    }
}
