//! What guards there are, by type, and the way from each to what it keeps.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::knowledge::declared::Subject;
use crate::knowledge::{GuardType, Libraries, naming};
use crate::layout::Type;
use crate::layout::name::last_segment;
use crate::report::{Access, ResourceKind};
use crate::value::find_by_name::is_named;
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value, ValueError};

/// How to get from a guard to what it keeps.
pub(crate) struct GuardPaths {
    pub(crate) known: &'static GuardType,
    /// The ways from its part [`GuardType::from`]. An end of a channel may be one of several sorts of
    /// channels.
    keys: Vec<Path>,
    pub(crate) object: Option<Path>,
    /// `Mutex<Inventory>`.
    pub(crate) resource: Arc<str>,
    /// `MutexGuard<Inventory>`.
    pub(crate) guard: Arc<str>,
}

impl GuardPaths {
    /// What a guard keeps.
    pub(crate) fn follow(
        &self,
        program: &Program<'_>,
        guard: Value,
    ) -> Result<Option<Value>, ValueError> {
        if let Some(to) = self.known.to {
            return match to.follow(program, guard)? {
                Some(part) => self.known.find_key(program, part),
                None => Ok(None),
            };
        }
        let part = match self.known.from {
            "" => guard,
            member => guard.member(program, member)?,
        };
        for path in &self.keys {
            if let Some(found) = path.follow(program, part)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The ways from guards that are known so far, by type.
pub(crate) struct GuardTypes {
    pub(crate) libraries: Libraries,
    known: FxHashMap<Ty, Rc<[GuardPaths]>>,
}

impl GuardTypes {
    /// None are known yet; what guards are is to be asked of these libraries.
    pub(crate) fn of(libraries: Libraries) -> Self {
        Self { libraries, known: FxHashMap::default() }
    }

    /// The ways from a type to all that it keeps; none from what is no guard.
    pub(crate) fn paths(&mut self, program: &Program<'_>, ty: Ty) -> Rc<[GuardPaths]> {
        let libraries = self.libraries;
        let paths = self.known.entry(ty).or_insert_with(|| {
            let known = program.type_of(ty).ok().and_then(|layout| libraries.guard(&layout.name));
            let all = std::iter::successors(known, |known| known.besides);
            all.filter_map(|known| paths_of(program, libraries, known, ty)).collect()
        });
        Rc::clone(paths)
    }
}

/// Whether a guard gave back what it kept, by its own memory.
pub(crate) fn is_emptied(
    program: &Program<'_>,
    guard: Value,
    known: &GuardType,
) -> Result<bool, ValueError> {
    match known.emptied {
        "" => Ok(false),
        member => Ok(!guard.member(program, member)?.is_some(program)?),
    }
}

/// How a guard holds what it keeps.
pub(crate) fn access_of(
    program: &Program<'_>,
    guard: Value,
    known: &GuardType,
) -> Result<Access, ValueError> {
    let Access::Permits(least) = known.access else { return Ok(known.access) };
    if let Some(permits) = known.permits {
        let subject = Subject { program, value: guard, counts: None };
        return Ok(Access::Permits(permits.of(subject)?.unwrap_or(least)));
    }
    Ok(Access::Permits(match guard.member(program, "permits") {
        Ok(permits) => permits.unsigned(program)?,
        Err(_) => least,
    }))
}

/// Whether what is held is of interest only if someone waits for it.
pub(crate) fn is_waited_for_only(kind: ResourceKind, access: Access) -> bool {
    access.is_end() || kind == ResourceKind::JoinSet
}

/// The number of the object of a pool that a guard has; `None` where they have none.
pub(crate) fn number_of(
    program: &Program<'_>,
    guard: Value,
    known: &GuardType,
) -> Result<Option<u64>, ValueError> {
    match known.number {
        "" => Ok(None),
        member => guard.find_number(program, member),
    }
}

/// Different types of what such a guard may keep, at most.
fn most_keys(known: &GuardType) -> usize {
    const MAX_SORTS: usize = 3;
    if known.access.is_end() { MAX_SORTS } else { 1 }
}

fn paths_of(
    program: &Program<'_>,
    libraries: Libraries,
    known: &'static GuardType,
    ty: Ty,
) -> Option<GuardPaths> {
    let layout = program.type_of(ty).ok()?;
    let part = match known.from {
        "" => ty,
        from => {
            let member = layout.members().iter().find(|member| &*member.name == from)?;
            Ty { module: ty.module, id: member.ty }
        }
    };
    let to = |name: &'static str| {
        let mut wanted = |ty: &Type| is_named(ty, name);
        path::find(program, ty, Reach::RUNTIME, &mut wanted)
    };
    let mut names = std::iter::once(known.key).chain(known.other_keys.iter().copied());
    let keys = names.find_map(|name| {
        let mut is_key = |ty: &Type| is_named(ty, name);
        let keys = path::find_all(program, part, Reach::RUNTIME, most_keys(known), &mut is_key);
        (!keys.is_empty()).then_some(keys)
    })?;
    let object = to(known.object);
    let resource = match &object {
        Some(path) if known.object != known.key => naming::of_type(program, path.end)?,
        _ => {
            let guarded = layout.type_parameters.first().and_then(|parameter| {
                naming::of_type(program, Ty { module: ty.module, id: parameter.ty })
            });
            naming::of_kind(known.kind, guarded.as_deref())
        }
    };
    let guard = libraries.spelled(&last_segment(&layout.name)).into();
    Some(GuardPaths { known, keys, object, resource: resource.into(), guard })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::libraries::LIBRARIES;
    use crate::report::Access;

    #[test]
    fn a_stream_has_the_ends_of_two_pipes() {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(8);
        let path = "tokio::io::util::mem::SimplexStream";
        let pipe = layouts.structure(path, 8, &[("max_buf_size", 0, word)]);
        let pipe = layouts.pointer("&SimplexStream", Some(pipe));
        let path = "tokio::io::util::mem::DuplexStream";
        let stream = layouts.structure(path, 16, &[("read", 0, pipe), ("write", 8, pipe)]);
        let memory =
            FakeMemory::new().with(0x1000, [0x2000_u64, 0x3000].map(u64::to_le_bytes).concat());
        let target = FakeTarget::new(layouts, memory, 0);
        let program = Program::new(&target);
        let stream = Value { ty: Ty { module: 0, id: stream }, address: 0x1000 };
        let kept = GuardTypes::of(LIBRARIES).paths(&program, stream.ty);
        let kept = kept.iter().map(|paths| {
            let key = paths.follow(&program, stream).expect("memory is readable");
            (paths.known.access, key.map(|key| key.address))
        });
        let expected = [(Access::Receive, Some(0x2000)), (Access::Send, Some(0x3000))];
        assert_eq!(kept.collect::<Vec<_>>(), expected);
    }
}
