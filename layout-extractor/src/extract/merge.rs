//! MERGE: descriptions that are of the same type become one.
//!
//! Two descriptions are the same when they say the same and refer to the same, cycles included: so
//! all that say the same start as equal, and are told apart by what they refer to, round after
//! round, until nothing changes.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::quality::FixedState;
use rayon::prelude::*;
use runtime_layouts::layout::TypeId;
use rustc_hash::FxHashMap;

use super::descriptions::Descriptions;
use super::{Progress, Stage};

/// About how many descriptions a type has.
const DESCRIPTIONS_OF_ONE: usize = 8;

/// Which descriptions are of the same type.
pub(super) struct Classes<'d> {
    descriptions: &'d Descriptions,
    /// The class of every description, in order.
    pub(super) of: Vec<u32>,
    /// The first description of every class.
    pub(super) first: Vec<usize>,
}

impl Classes<'_> {
    /// The class of a type.
    pub(super) fn class(&self, id: TypeId) -> u32 {
        self.of[self.descriptions.number(id)]
    }
}

/// Finds out which descriptions are the same.
pub(super) fn classes<'d>(descriptions: &'d Descriptions, progress: &dyn Progress) -> Classes<'d> {
    progress.start(Stage::Merging, None);
    let mut known: FxHashMap<u64, u32> = FxHashMap::default();
    known.reserve(descriptions.len() / DESCRIPTIONS_OF_ONE);
    let mut of: Vec<u32> = Vec::with_capacity(descriptions.len());
    for words in &descriptions.words {
        let next = known.len() as u32;
        of.push(*known.entry(*words).or_insert(next));
    }
    let mut count = known.len() as u32;
    let mut has_changed = vec![true; descriptions.len()];
    loop {
        progress.advance(1);
        // Only a class in which one refers to what changed can fall apart.
        let is_doubtful: Vec<AtomicBool> = (0..count).map(|_| AtomicBool::new(false)).collect();
        (0..descriptions.len()).into_par_iter().with_min_len(4096).for_each(|number| {
            let references = descriptions.references(number);
            if references.iter().any(|&referred| has_changed[referred as usize]) {
                is_doubtful[of[number] as usize].store(true, Ordering::Relaxed);
            }
        });
        let meaning = |number: usize| {
            let mut hasher = FixedState::default().build_hasher();
            for &referred in descriptions.references(number) {
                hasher.write_u32(of[referred as usize]);
            }
            hasher.finish()
        };
        let doubtful: Vec<(usize, u64)> = (0..descriptions.len())
            .into_par_iter()
            .filter(|&number| is_doubtful[of[number] as usize].load(Ordering::Relaxed))
            .map(|number| (number, meaning(number)))
            .collect();
        has_changed.fill(false);
        // What the first one of each class means stays; those that mean something else leave it.
        let mut stays: Vec<Option<u64>> = vec![None; count as usize];
        let mut parts: FxHashMap<(u32, u64), u32> = FxHashMap::default();
        for (number, meaning) in doubtful {
            let class = of[number];
            if *stays[class as usize].get_or_insert(meaning) != meaning {
                of[number] = *parts.entry((class, meaning)).or_insert_with(|| {
                    count += 1;
                    count - 1
                });
                has_changed[number] = true;
            }
        }
        if parts.is_empty() {
            break;
        }
    }
    in_order(descriptions, of, count)
}

/// Numbers the classes by the first description of each.
fn in_order(descriptions: &Descriptions, mut of: Vec<u32>, count: u32) -> Classes<'_> {
    let mut numbers = vec![u32::MAX; count as usize];
    let mut first = Vec::with_capacity(count as usize);
    for (number, class) in of.iter_mut().enumerate() {
        let known = &mut numbers[*class as usize];
        if *known == u32::MAX {
            *known = first.len() as u32;
            first.push(number);
        }
        *class = *known;
    }
    Classes { descriptions, of, first }
}
