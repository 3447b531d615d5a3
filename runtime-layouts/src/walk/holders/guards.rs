//! Guards in the variables of suspended frames.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::guard_types::{GuardPaths, GuardTypes, access_of, is_emptied, is_waited_for_only};
use crate::knowledge::Libraries;
use crate::report::{Access, FrameRef, ResourceKind, SiteId, Task, TaskIndex};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::Collection;
use crate::walk::search::search_for::SearchFor;
use crate::walk::search::shared::SharedPointer;

/// Guards, as memory has them. Small, since there may be millions.
#[derive(Default)]
pub(crate) struct GuardBatch {
    /// What many of them have in common.
    pub(crate) origins: Vec<GuardOrigin>,
    pub(crate) guards: Vec<Guard>,
}

/// A sort of guards: those in one variable of one site.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct GuardOrigin {
    pub(crate) ty: Ty,
    pub(crate) site: SiteId,
    pub(crate) variable: Option<Arc<str>>,
    pub(crate) may_be_moved: bool,
    pub(crate) access: Access,
    /// Which of all that it keeps.
    pub(crate) part: u8,
}

/// One guard.
pub(crate) struct Guard {
    pub(crate) task: TaskIndex,
    /// The place of its sort.
    pub(crate) origin: u32,
    pub(crate) address: u64,
    /// The address of the frame that keeps it.
    pub(crate) frame: u64,
    /// The address of what is kept by it.
    pub(crate) key: u64,
    /// What the user knows, where it matters even if nobody waits for it.
    pub(crate) object: Option<Box<Value>>,
    /// Few have one.
    pub(crate) way: Option<Box<Way>>,
}

/// How a guard that is not simply in a variable of a polled frame is there.
pub(crate) struct Way {
    /// See [`Holder::holding_frame`].
    pub(crate) holding_frame: Option<FrameRef>,
    /// The pointers that others may share and behind which it lies, outermost first.
    pub(crate) shared: Vec<SharedPointer>,
    /// See [`Holder::within`].
    pub(crate) within: Option<Collection>,
}

impl GuardBatch {
    fn add(&mut self, origin: GuardOrigin, guard: Guard) {
        // Mostly there are few sorts, in turn.
        let known = self.origins.iter().position(|known| *known == origin);
        let place = known.unwrap_or_else(|| {
            self.origins.push(origin);
            self.origins.len() - 1
        });
        self.guards.push(Guard { origin: u32::try_from(place).unwrap_or(u32::MAX), ..guard });
    }

    /// Gives back room that is not needed.
    pub(crate) fn shrink(&mut self) {
        self.origins.shrink_to_fit();
        self.guards.shrink_to_fit();
    }
}

/// Reads guards; keeps what it learns about types.
pub(crate) struct Guards {
    live_values: LiveValues,
    types: GuardTypes,
}

impl Guards {
    /// A reader of the guards of these libraries.
    pub(crate) fn of(libraries: Libraries) -> Self {
        Self {
            live_values: LiveValues::of(SearchFor::Guards, libraries),
            types: GuardTypes::of(libraries),
        }
    }

    /// Adds the guards that a task's frames keep. One that cannot be read is none.
    pub(crate) fn of_task(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        task: &Task,
        found: &mut GuardBatch,
    ) {
        let mut kept = Vec::new();
        self.live_values.of_chain(program, sites, &task.chain, &mut kept);
        if let Some(beside) = &task.siblings_of_stack {
            let known = kept.len();
            self.live_values.of_chain(program, sites, &beside.chain, &mut kept);
            kept[known..].iter_mut().for_each(|kept| kept.may_be_moved |= beside.is_ambiguous);
        }
        give_to_users(sites, &mut kept);
        for kept in kept {
            for (part, paths) in (0..).zip(&*self.types.paths(program, kept.value.ty)) {
                if let Ok(Some((origin, guard))) = read(program, task.index, &kept, (part, paths)) {
                    found.add(origin, guard);
                }
            }
        }
    }
}

/// What lies in a future of a library, as a stream in a codec's `Framed`, lies in the user's variable
/// around that too: the user knows it by that one.
fn give_to_users(sites: &SiteTable, kept: &mut [LiveValue]) {
    let is_users =
        |kept: &LiveValue| kept.variable.is_some() && sites.is_user_code(kept.frame.site);
    let is_inner = |kept: &LiveValue| {
        kept.variable.is_none() && kept.holding_frame.is_none() && !is_users(kept)
    };
    if !kept.iter().any(is_inner) {
        return;
    }
    let plain = |kept: &LiveValue| kept.shared.is_empty() && kept.within.is_none();
    let mut users: FxHashMap<Value, usize> = FxHashMap::default();
    for (at, outer) in kept.iter().enumerate().filter(|(_, outer)| is_users(outer) && plain(outer))
    {
        users.entry(outer.value).or_insert(at);
    }
    for at in 0..kept.len() {
        if let Some(outer) = users.get(&kept[at].value).filter(|_| is_inner(&kept[at]))
            && plain(&kept[at])
        {
            kept[at].frame = kept[*outer].frame;
            kept[at].variable = kept[*outer].variable.clone();
        }
    }
}

/// What a guard keeps by one of its parts; `None` for one that keeps nothing so.
fn read(
    program: &Program<'_>,
    task: TaskIndex,
    kept: &LiveValue,
    (part, paths): (u8, &GuardPaths),
) -> Result<Option<(GuardOrigin, Guard)>, ValueError> {
    let value = kept.value;
    if is_emptied(program, value, paths.known)? {
        return Ok(None);
    }
    let key = match paths.follow(program, value)? {
        // It may have a pool of its own or borrow one.
        None if paths.known.kind == ResourceKind::Pool => paths.known.find_key(program, value)?,
        key => key,
    };
    // An `Option` in the guard that is empty: it keeps nothing any more.
    let Some(key) = key else { return Ok(None) };
    let object = match &paths.object {
        Some(path) => path.follow(program, value)?.unwrap_or(key),
        None => key,
    };
    let access = access_of(program, value, paths.known)?;
    let is_of_interest = !is_waited_for_only(paths.known.kind, access);
    let object = is_of_interest.then(|| Box::new(object));
    let LiveValue { value, frame, variable, may_be_moved, shared, within, holding_frame } = kept;
    let (may_be_moved, within, holding_frame) = (*may_be_moved, *within, *holding_frame);
    let (ty, site) = (value.ty, frame.site);
    let origin = GuardOrigin { ty, site, variable: variable.clone(), may_be_moved, access, part };
    let (address, frame, key) = (value.address, frame.address, key.address);
    let is_plain = shared.is_empty() && within.is_none() && holding_frame.is_none();
    let shared = || shared.clone();
    let way = (!is_plain).then(|| Box::new(Way { holding_frame, shared: shared(), within }));
    Ok(Some((origin, Guard { task, origin: 0, address, frame, key, object, way })))
}
