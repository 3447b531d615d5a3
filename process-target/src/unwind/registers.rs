//! The general registers of a frame.

/// DWARF numbers of general registers are below this: the test below asks every processor.
const COUNT: usize = 65;

/// The registers that are known, by DWARF number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Registers([Option<u64>; COUNT]);

impl Default for Registers {
    fn default() -> Self {
        Self([None; COUNT])
    }
}

impl Registers {
    pub(crate) fn get(&self, number: u16) -> Option<u64> {
        self.0.get(usize::from(number)).copied().flatten()
    }

    /// Registers with a higher number (floating point) are not kept.
    pub(crate) fn set(&mut self, number: u16, value: u64) {
        if let Some(register) = self.0.get_mut(usize::from(number)) {
            *register = Some(value);
        }
    }

    /// Those that are known, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.0.iter().zip(0..).filter_map(|(value, number)| Some((number, (*value)?)))
    }
}

impl FromIterator<(u16, u64)> for Registers {
    fn from_iter<I: IntoIterator<Item = (u16, u64)>>(values: I) -> Self {
        let mut registers = Self::default();
        for (number, value) in values {
            registers.set(number, value);
        }
        registers
    }
}

#[cfg(test)]
mod tests {
    use runtime_layouts::target::processors::ALL;

    #[test]
    fn every_processor_fits() {
        let mut numbers = ALL.iter().flat_map(|processor| processor.numbers());
        assert!(numbers.all(|number| usize::from(number) < super::COUNT));
    }
}
