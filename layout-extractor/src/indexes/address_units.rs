//! An index from addresses to the units that describe them.

use crate::dwarf::reader::UnitNumber;

/// The address ranges of all units. LLVM lists data there too, so that vtables are found as
/// functions are.
pub(crate) struct AddressMap {
    /// `(low, high, unit)`, sorted.
    ranges: Vec<(u64, u64, u32)>,
    /// The highest `high` up to and including each range: folded functions make ranges overlap.
    highest: Vec<u64>,
}

impl AddressMap {
    pub(crate) fn new(mut ranges: Vec<(u64, u64, u32)>) -> Self {
        ranges.sort_unstable();
        let highest = ranges
            .iter()
            .scan(0, |highest, &(_, high, _)| {
                *highest = high.max(*highest);
                Some(*highest)
            })
            .collect();
        AddressMap { ranges, highest }
    }

    /// The units that describe an address, in the order of `.debug_info`.
    pub(crate) fn at(&self, address: u64) -> Vec<UnitNumber> {
        let mut found = Vec::new();
        let mut at = self.ranges.partition_point(|&(low, _, _)| low <= address);
        while at > 0 && self.highest[at - 1] > address {
            at -= 1;
            let (_, high, unit) = self.ranges[at];
            if high > address {
                found.push(unit as UnitNumber);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::AddressMap;

    #[test]
    fn overlapping_ranges_are_all_found() {
        let map = AddressMap::new(vec![(10, 100, 2), (20, 30, 1), (40, 50, 0), (40, 50, 3)]);
        assert_eq!(map.at(5), Vec::<usize>::new());
        assert_eq!(map.at(25), [1, 2]);
        assert_eq!(map.at(45), [0, 2, 3]);
        assert_eq!(map.at(99), [2]);
        assert_eq!(map.at(100), Vec::<usize>::new());
    }
}
