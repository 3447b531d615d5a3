//! Ends of channels and guards in static variables.
//!
//! What a static variable has any code may use at any time, and it is never dropped: it is a way out of
//! every wait for it, and a reason for which the end of a channel never comes.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::guard_types::GuardPaths;
use super::{ends_brought, in_objects};

use crate::knowledge::{Libraries, naming};
use crate::report::{FrameRef, Holder, Resource, SiteId, Within};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::chains::live_values::LiveValues;
use crate::walk::search::Collection;
use crate::walk::search::search_for::SearchFor;
use crate::walk::waits::Waits;

/// Static variables that are looked at, at most.
const MAX_VARIABLES: usize = 10_000;

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
                if program.is_interrupted() || seen.len() >= MAX_VARIABLES {
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

/// Adds the static variable that keeps an end of what someone waits for, or its guard.
pub(super) fn add(
    program: &Program<'_>,
    kept: &InStatic,
    paths: &GuardPaths,
    waits: &mut Waits,
) -> Result<(), ValueError> {
    let known = paths.known;
    let Some(key) = paths.follow(program, kept.value)? else { return Ok(()) };
    let is_guard = in_objects::is_guard(known.access);
    for end in ends_brought(known.access).iter().filter(|_| is_guard || known.access.is_end()) {
        let Some(id) = waits.known(known.kind, key.address, *end) else { continue };
        // A lock's guard that was found is not in a static variable.
        if is_guard && !in_objects::is_missing(&waits.resources[id.0 as usize]) {
            continue;
        }
        // Whatever else is known of it, any code can get at a static variable.
        waits.resources[id.0 as usize].is_reachable = true;
        let within = kept.within.map(|collection| Within {
            name: waits.spelled(program, collection.value.ty),
            has_messages: collection.has_messages,
        });
        let holder = Holder {
            task: None,
            frame: FrameRef { site: SiteId(0), address: 0 },
            is_static: true,
            variable: Some(Arc::clone(&kept.variable)),
            guard: Arc::clone(&paths.guard),
            access: known.access,
            may_be_moved: false,
            shared_end: None,
            thread: None,
            within,
            holding_frame: None,
        };
        waits.held(id, holder);
    }
    Ok(())
}

/// Whether an end of something, or its guard, may be in a static variable, so that it is worth to look there.
pub(super) fn may_have(resource: &Resource) -> bool {
    let is_open = resource.kind.is_channel() && resource.parties != Some(0);
    (is_open && !resource.are_all_found()) || in_objects::is_missing(resource)
}
