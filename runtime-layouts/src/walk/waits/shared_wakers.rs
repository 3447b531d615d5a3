//! What futures of unknown libraries share with others that keeps their wakers, by a rule: who has the
//! other end of it can wake them.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::knowledge::{Libraries, waker};
use crate::layout::Type;
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty, Value};
use crate::walk::search::Finder;
use crate::walk::search::end_types::EndTypes;
use crate::walk::search::shared::{SharedPointer, is_shared};

/// Shared pointers of one value that are looked at, at most.
const MAX_FOUND: usize = 8;

/// Finds what futures share with others that keeps their wakers; keeps what it learns about types.
pub(crate) struct SharedWakers {
    /// The nearest shared pointers of a type.
    nearest: FxHashMap<Ty, Rc<[Path]>>,
    finder: Finder,
    /// The wakers behind each shared pointer: by the address of its counts.
    known: FxHashMap<u64, Rc<WakersBehind>>,
}

/// By its data pointer where a waker is kept: the innermost pointer that others share; `None` for the
/// one that it is behind.
type WakersBehind = FxHashMap<u64, Option<SharedPointer>>;

impl SharedWakers {
    /// Nothing is known of any type.
    pub(crate) fn of(libraries: Libraries) -> Self {
        let finder = Finder::of_ends(Rc::new(EndTypes::wakers()), libraries);
        Self { nearest: FxHashMap::default(), finder, known: FxHashMap::default() }
    }

    /// What a leaf shares with others and keeps the waker with that data pointer in; `None` where it
    /// keeps that alone, or shares nothing.
    pub(crate) fn of_leaf(
        &mut self,
        program: &Program<'_>,
        leaf: Value,
        own: u64,
    ) -> Option<SharedPointer> {
        let mut handles = Vec::new();
        for path in self.nearest(program, leaf.ty).iter() {
            let _ = path.each(program, leaf, &mut |end| handles.push(end));
        }
        handles.truncate(MAX_FOUND);
        handles.into_iter().find_map(|handle| {
            let pointer = SharedPointer::at(program, handle)?;
            let behind = self.behind(program, pointer);
            let shared = behind.get(&own)?.unwrap_or(pointer);
            // What only the leaf has is not shared.
            shared.counts(program).is_none_or(|counts| counts.strong > 1).then_some(shared)
        })
    }

    fn behind(&mut self, program: &Program<'_>, pointer: SharedPointer) -> Rc<WakersBehind> {
        let address = pointer.counted.address;
        if let Some(known) = self.known.get(&address) {
            return Rc::clone(known);
        }
        self.finder.begin();
        let mut found = self.finder.values_in(program, pointer.counted);
        let mut behind = WakersBehind::default();
        for (place, (value, _)) in (0..).zip(&found.values) {
            let innermost = found.shared.remove(&place).and_then(|mut shared| shared.pop());
            for data in waker::stored(program, *value).unwrap_or_default() {
                behind.entry(data).or_insert(innermost);
            }
        }
        let behind = Rc::new(behind);
        self.known.insert(address, Rc::clone(&behind));
        behind
    }

    fn nearest(&mut self, program: &Program<'_>, ty: Ty) -> Rc<[Path]> {
        let paths = self.nearest.entry(ty).or_insert_with(|| {
            let mut wanted = |ty: &Type| is_shared(&ty.name);
            path::find_all(program, ty, Reach::RUNTIME, MAX_FOUND, &mut wanted).into()
        });
        Rc::clone(paths)
    }
}
