//! Types and functions that match names or patterns: roots of an extraction, static variables, and what
//! `unhang doctor` looks for.

use rayon::prelude::*;
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::LayoutError;

use super::source::DwarfSource;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::tags::is_nominal;
use crate::indexes::node::NodeNumber;

/// What matches a name.
#[derive(Clone, Default, Debug)]
pub struct Matches {
    /// Types, in the order of the debug information.
    pub types: Vec<TypeId>,
    /// How many functions that match have code.
    pub functions: usize,
}

/// Whether a path matches a name, by the rules of [`DwarfSource::find_all`].
pub(crate) fn name_matches(path: &str, name: &str) -> bool {
    match name {
        end if end.starts_with('{') => path.ends_with(end),
        start if start.ends_with(['<', ':']) => path.starts_with(start),
        whole => path == whole,
    }
}

impl DwarfSource {
    /// The types and functions that match each name, in the order of the names.
    ///
    /// A name that ends with `<` or `::` matches all paths that begin with it, one that starts with
    /// `{` all paths that end with it, and any other name the path that equals it. This reads every
    /// unit, so it takes time in proportion to the debug information. Units that cannot be read are
    /// left out.
    ///
    /// # Example
    ///
    /// ```
    /// use layout_extractor::DwarfSource;
    ///
    #[doc = include_str!("../../doc/compile.txt")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // `compile` runs `rustc -g`.
    /// let (_folder, program) = compile(
    ///     "struct Wrapper<T>(T);
    ///      fn main() { std::hint::black_box((&Wrapper(1_u8), &Wrapper(2_u32))); }",
    /// )?;
    /// let found = DwarfSource::open(&program)?.find_all(&["app::Wrapper<", "app::main"]);
    /// assert_eq!(found[0].types.len(), 2);
    /// assert_eq!(found[1].functions, 1);
    /// # Ok(())
    /// # }
    /// ```
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
