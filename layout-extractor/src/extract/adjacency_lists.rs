//! Adjacency lists: many short lists of numbers in one allocation.

use std::ops::Range;

/// Many short lists, concatenated.
#[derive(Default)]
pub(super) struct AdjacencyLists {
    items: Vec<u32>,
    /// Where each list ends.
    ends: Vec<u32>,
}

impl AdjacencyLists {
    /// The lists with these lengths, already concatenated.
    pub(super) fn joined(items: Vec<u32>, lengths: impl Iterator<Item = u32>) -> Self {
        let mut end = 0;
        let ends = lengths.map(|length| {
            end += length;
            end
        });
        AdjacencyLists { ends: ends.collect(), items }
    }

    /// `count` lists, from pairs of a list's number and an item.
    pub(super) fn sorted<I: Iterator<Item = (u32, u32)>>(
        count: usize,
        pairs: impl Fn() -> I,
    ) -> Self {
        let mut ends = vec![0; count];
        let mut items = 0;
        for (list, _) in pairs() {
            ends[list as usize] += 1;
            items += 1;
        }
        let mut start = 0;
        for end in &mut ends {
            let length = *end;
            *end = start;
            start += length;
        }
        // Each end counts up from the beginning of its list.
        let mut lists = AdjacencyLists { items: vec![0; items], ends };
        for (list, item) in pairs() {
            let next = &mut lists.ends[list as usize];
            lists.items[*next as usize] = item;
            *next += 1;
        }
        lists
    }

    /// The range of a list in all items.
    pub(super) fn range(&self, list: u32) -> Range<u32> {
        let start = list.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        start..self.ends[list as usize]
    }

    /// The items of a list.
    pub(super) fn get(&self, list: u32) -> &[u32] {
        let range = self.range(list);
        &self.items[range.start as usize..range.end as usize]
    }

    /// The items of all lists.
    pub(super) fn into_items(self) -> Vec<u32> {
        self.items
    }
}
