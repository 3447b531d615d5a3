//! NAMED: what a program has of names that are given by their beginnings, for a check of what
//! is expected of it.

use rayon::prelude::*;
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::LayoutError;

use super::source::DwarfSource;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::tags::is_nominal;
use crate::indexes::node::NodeNumber;

/// What has one of the names.
#[derive(Clone, Default, Debug)]
pub struct Matches {
    /// Types, in the order of the debug information.
    pub types: Vec<TypeId>,
    /// How many functions have code.
    pub functions: usize,
}

/// Whether a path has a name, or begins or ends as it does, as [`DwarfSource::find_all`] takes it.
pub(crate) fn name_matches(path: &str, name: &str) -> bool {
    match name {
        end if end.starts_with('{') => path.ends_with(end),
        start if start.ends_with(['<', ':']) => path.starts_with(start),
        whole => path == whole,
    }
}

impl DwarfSource {
    /// The types and functions of each name: with that full path, or with one that begins so when
    /// the name ends with `<` or `::`, or that ends so when it starts with `{`. Reads every unit, so
    /// it takes as long as the debug information is large. Units that cannot be read are passed
    /// over.
    #[must_use]
    pub fn find_all(&self, names: &[&str]) -> Vec<Matches> {
        let in_units = (0..self.units.len()).into_par_iter().map(|number| {
            let mut found = vec![Matches::default(); names.len()];
            // What was found before an error counts.
            let _ = self.find_in_unit(number, names, &mut found);
            found
        });
        in_units.reduce(
            || vec![Matches::default(); names.len()],
            |mut all, more| {
                for (all, mut more) in all.iter_mut().zip(more) {
                    all.types.append(&mut more.types);
                    all.functions += more.functions;
                }
                all
            },
        )
    }

    fn find_in_unit(
        &self,
        number: UnitNumber,
        names: &[&str],
        found: &mut [Matches],
    ) -> Result<(), LayoutError> {
        let dwarf = self.dwarf();
        let index = self.index(&dwarf, number)?;
        let start = self.units.view(&dwarf, number)?.start;
        let named = |path: &str| {
            let all = names.iter().enumerate().filter(move |(_, name)| name_matches(path, name));
            all.map(|(place, _)| place).collect::<Vec<_>>()
        };
        for (node, entry) in index.nodes.iter().enumerate() {
            if is_nominal(entry.tag()) && !entry.is_declaration() {
                let path = self.path_of(&dwarf, index, node as NodeNumber)?;
                for place in named(&path) {
                    found[place].types.push(TypeId(start + u64::from(entry.offset)));
                }
            }
        }
        for range in index.code.iter().filter(|range| range.is_entry && range.low != 0) {
            if self.object.is_loaded(range.low) {
                for place in named(&self.path_of(&dwarf, index, range.node)?) {
                    found[place].functions += 1;
                }
            }
        }
        Ok(())
    }
}
