//! The units that describe an address.

use gimli::Dwarf;
use runtime_layouts::layout::source::LayoutError;

use super::source::DwarfSource;
use crate::dwarf::reader::{UnitNumber, malformed};
use crate::indexes::address_units::AddressMap;
use crate::object::sections::Slice;

impl DwarfSource {
    /// The units that describe this address.
    pub(crate) fn units_at<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        address: u64,
    ) -> Vec<UnitNumber> {
        if !self.object.is_loaded(address) {
            return Vec::new();
        }
        self.address_map(dwarf).at(address)
    }

    pub(crate) fn address_map<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) -> &'s AddressMap {
        self.addresses.get_or_init(|| self.read_addresses(dwarf))
    }

    /// Reads `.debug_aranges`, and for units that it leaves out the ranges of their roots.
    fn read_addresses<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) -> AddressMap {
        let mut ranges = Vec::new();
        let mut listed = vec![false; self.units.len()];
        let mut headers = dwarf.debug_aranges.headers();
        // A broken header ends the table; the roots have the rest.
        while let Ok(Some(header)) = headers.next() {
            let Some(unit) = self.units.at(header.debug_info_offset().0 as u64) else { continue };
            let mut entries = header.entries();
            while let Ok(Some(entry)) = entries.next() {
                let range = entry.range();
                if self.is_real_range(range.begin, range.end) {
                    ranges.push((range.begin, range.end, self.units.resolve_skeleton(unit) as u32));
                    listed[unit] = true;
                }
            }
        }
        // The ranges of split units are in their skeletons.
        let dwarf = &self.object.own_sections().dwarf(self.object.endian);
        for (unit, _) in listed.iter().enumerate().filter(|(_, listed)| !**listed) {
            if self.units.is_split(unit) {
                continue;
            }
            // An unreadable unit does not hide the others.
            let _ = self.add_root_ranges(dwarf, unit, &mut ranges);
        }
        AddressMap::new(ranges)
    }

    fn add_root_ranges<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        ranges: &mut Vec<(u64, u64, u32)>,
    ) -> Result<(), LayoutError> {
        let view = self.units.view(dwarf, number)?;
        let at = |error| malformed(view.start, error);
        let mut found = dwarf.unit_ranges(&view.unit).map_err(at)?;
        while let Some(range) = found.next().map_err(at)? {
            if self.is_real_range(range.begin, range.end) {
                ranges.push((range.begin, range.end, self.units.resolve_skeleton(number) as u32));
            }
        }
        Ok(())
    }

    /// Whether the linker kept this range. It sets the addresses of dropped code to 0, or to the
    /// top of the address space.
    fn is_real_range(&self, low: u64, high: u64) -> bool {
        low < high && low != 0 && self.object.is_loaded(low)
    }
}
