//! Sets and lists by number. A hung program has as many waits as tasks, and each is asked for often.

use crate::report::WaitId;

/// A set of the waits of a report.
#[derive(Clone, Debug)]
pub(super) struct WaitSet {
    has: Vec<bool>,
}

impl WaitSet {
    /// None of so many waits.
    pub(super) fn none_of(count: usize) -> Self {
        Self { has: vec![false; count] }
    }

    pub(super) fn contains(&self, id: WaitId) -> bool {
        self.has.get(id.0 as usize).is_some_and(|has| *has)
    }

    pub(super) fn insert(&mut self, id: WaitId) {
        self.has[id.0 as usize] = true;
    }

    pub(super) fn remove(&mut self, id: WaitId) {
        self.has[id.0 as usize] = false;
    }

    /// The waits in it, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = WaitId> + '_ {
        (0..).map(WaitId).zip(&self.has).filter(|(_, has)| **has).map(|(id, _)| id)
    }
}

/// A list for each number below some count, all in one piece.
#[derive(Debug)]
pub(super) struct Lists<T> {
    /// Where each list begins, and where the last one ends.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// The lists of `count` numbers: `pairs` gives each item with the number that it is of, and is
    /// gone through twice. Within a list the order is theirs.
    pub(super) fn of<I: Iterator<Item = (u32, T)>>(count: usize, pairs: impl Fn() -> I) -> Self {
        let mut starts = vec![0; count + 1];
        let mut first = None;
        for (number, item) in pairs() {
            starts[number as usize + 1] += 1;
            first = first.or(Some(item));
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut items = first.map_or(Vec::new(), |item| vec![item; starts[count] as usize]);
        for (number, item) in pairs() {
            let place = &mut next[number as usize];
            items[*place as usize] = item;
            *place += 1;
        }
        Self { starts, items }
    }

    /// The list of a number; empty for one that has none.
    pub(super) fn get(&self, number: u32) -> &[T] {
        let at = number as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => &self.items[*start as usize..*end as usize],
            _ => &[],
        }
    }
}

#[test]
fn a_list_has_what_its_number_was_given() {
    let pairs = [(2, 'a'), (0, 'b'), (2, 'c')];
    let lists = Lists::of(3, || pairs.into_iter());
    let all: Vec<&[char]> = (0..4).map(|number| lists.get(number)).collect();
    assert_eq!(all, [&['b'][..], &[], &['a', 'c'], &[]]);
}

#[test]
fn a_set_has_what_was_put_into_it() {
    let mut set = WaitSet::none_of(4);
    [3, 1, 2].into_iter().for_each(|id| set.insert(WaitId(id)));
    set.remove(WaitId(1));
    assert_eq!(set.iter().collect::<Vec<_>>(), [WaitId(2), WaitId(3)]);
    assert!(!set.contains(WaitId(9)));
}
