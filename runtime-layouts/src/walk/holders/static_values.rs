//! Ends of channels and guards in static variables.
//!
//! What a static variable has any code may use at any time, and it is never dropped: it is a way out of
//! every wait for it, and a reason for which the end of a channel never comes.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::knowledge::{Libraries, naming};
use crate::value::{Program, Ty, Value};
use crate::walk::chains::live_values::LiveValues;
use crate::walk::search::Collection;
use crate::walk::search::search_for::SearchFor;

/// Static variables that are looked at, at most.
const MOST_VARIABLES: usize = 10_000;

/// A value that a static variable keeps.
pub(crate) struct InStatic {
    pub(crate) value: Value,
    /// The path of the variable; its type where that is not known.
    pub(crate) variable: Arc<str>,
    /// The collection in it that the value is in; `None` for one that is in none.
    pub(crate) within: Option<Collection>,
}

/// The guards and ends of channels in those static variables whose types may have some.
pub(crate) fn guards(program: &Program<'_>, libraries: Libraries) -> Vec<InStatic> {
    let mut live_values = LiveValues::of(SearchFor::Guards, libraries);
    let mut found = Vec::new();
    let mut seen: FxHashSet<u64> = FxHashSet::default();
    for (module, loaded) in program.modules().iter().enumerate() {
        for type_name in libraries.holding_statics() {
            let variables = loaded.layouts.static_variables(type_name).unwrap_or_default();
            for variable in variables {
                if program.is_interrupted() || seen.len() >= MOST_VARIABLES {
                    return found;
                }
                let ty = Ty { module, id: variable.ty };
                let address = loaded.load_bias.wrapping_add(variable.address.0);
                if !seen.insert(address) {
                    continue;
                }
                let values = live_values.in_collections(program, Value { ty, address });
                let of_type = || naming::of_type(program, ty).unwrap_or_default().into();
                let name = variable.name.clone();
                let name = name.map(|name| libraries.spelled(&name).into()).unwrap_or_else(of_type);
                found.extend(values.into_iter().map(|(value, within)| InStatic {
                    value,
                    variable: Arc::clone(&name),
                    within,
                }));
            }
        }
    }
    found
}
