//! Each page of the process is fetched once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use super::{MemoryReader, Page, ReadError, end_of};

/// Bytes a page: the smallest page size of the supported processors, so that no page of the cache
/// lies half in a mapping.
pub const PAGE: usize = 4096;

/// Reads of more pages than this go past the cache, as one read.
const LARGEST_CACHED_READ: usize = 16 * PAGE;

/// The cache is cut into parts with a lock each, by page number, so that threads seldom meet.
const SHARDS: usize = 16;

/// The number of no page, and of no neighbour of one.
const NO_PAGE: u64 = u64::MAX - 1;

/// Pages that are fetched at once where pages are asked for one after the other. As many as there
/// are parts: each of them then belongs to another one.
const AHEAD: usize = SHARDS;

/// Runs of pages that are told apart: several threads ask for pages, each in a place of its own.
const RUNS: usize = 2 * SHARDS;

/// Pages that a cache keeps by default: 128 MiB.
const DEFAULT_PAGES: usize = 128 << 20 >> 12;

/// A page cache over another reader.
///
/// It is only right as long as the process stands still: make a new one at each stop.
///
/// A page that cannot be fetched whole (a core file may end anywhere, and a debugger may know half
/// a page) is not lost: reads in it go to the reader with exactly the bytes that were asked for.
/// Reads that fail are not remembered beyond that.
pub struct PageCache<M> {
    reader: M,
    shards: [Mutex<Shard>; SHARDS],
    pages_a_shard: usize,
    /// Pages to be filled, which nobody else has: as many as are fetched ahead by each thread.
    spare: Mutex<Vec<Arc<Page>>>,
    /// The pages that were fetched last, in several runs.
    runs: [AtomicU64; RUNS],
    /// The run that was begun last.
    newest_run: AtomicUsize,
}

/// One part of the cache: slots under a clock hand.
#[derive(Default)]
struct Shard {
    slots: Vec<Slot>,
    slot_of: FxHashMap<u64, usize>,
    /// The slot that was used last. Neighbouring reads mostly hit it, without any hashing.
    last: usize,
    /// The slot at which the search for one to give up goes on.
    hand: usize,
}

/// A page that was asked for.
struct Slot {
    page: u64,
    /// `None` when the page cannot be read whole.
    bytes: Option<Arc<Page>>,
    /// Whether it was used since the hand passed it.
    used: bool,
}

impl<M: MemoryReader> PageCache<M> {
    /// A cache of 128 MiB at most.
    pub fn new(reader: M) -> Self {
        Self::with_capacity(reader, DEFAULT_PAGES)
    }

    /// A cache of about `pages` pages at most (one in each of its parts at least).
    pub fn with_capacity(reader: M, pages: usize) -> Self {
        Self {
            reader,
            shards: Default::default(),
            pages_a_shard: pages.div_ceil(SHARDS).max(1),
            spare: Mutex::default(),
            runs: [const { AtomicU64::new(NO_PAGE) }; RUNS],
            newest_run: AtomicUsize::new(0),
        }
    }

    /// The reader behind the cache.
    pub fn reader(&self) -> &M {
        &self.reader
    }

    /// The part that a page belongs to, with the slot of the page in it.
    fn slot(&self, page: u64) -> (MutexGuard<'_, Shard>, usize) {
        // The low bits: neighbouring pages are in different parts.
        let shard = &self.shards[(page % SHARDS as u64) as usize];
        // The lock is held while the page is fetched, so that two threads never fetch it twice. A
        // panic while it was held left at worst a slot that nothing finds.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match shard.find(page) {
            Some(slot) => slot,
            None => {
                let mut bytes = shard.make_room(self.pages_a_shard);
                let fetched = self.fetch(page, Arc::make_mut(&mut bytes));
                shard.insert(page, fetched.then_some(bytes))
            }
        };
        (shard, slot)
    }

    /// Copies `buffer.len()` bytes at `offset` of one page.
    fn read_in_page(&self, page: u64, offset: usize, buffer: &mut [u8]) -> Result<(), ReadError> {
        let (shard, slot) = self.slot(page);
        if let Some(bytes) = &shard.slots[slot].bytes {
            buffer.copy_from_slice(&bytes[offset..offset + buffer.len()]);
            return Ok(());
        }
        drop(shard);
        self.reader.read(page * PAGE as u64 + offset as u64, buffer)
    }
}

impl<M: MemoryReader> PageCache<M> {
    /// Fetches a page, and those beyond it where it continues a run of pages, in either direction.
    /// The lock of its own part is held.
    fn fetch(&self, page: u64, bytes: &mut Page) -> bool {
        let ahead = AHEAD as u64;
        for run in &self.runs {
            let last = run.load(Ordering::Relaxed);
            let (first, end) = if last.wrapping_add(1) == page {
                (Some(page), page.saturating_add(ahead - 1))
            } else if page.wrapping_add(1) == last {
                let first = page.checked_sub(ahead - 1);
                (first, first.unwrap_or_default())
            } else {
                continue;
            };
            run.store(page, Ordering::Relaxed);
            if let Some(first) = first
                && self.fetch_ahead(first, page, bytes)
            {
                run.store(end, Ordering::Relaxed);
                return true;
            }
            return self.fetch_one(page, bytes);
        }
        let newest = self.newest_run.fetch_add(1, Ordering::Relaxed) % RUNS;
        self.runs[newest].store(page, Ordering::Relaxed);
        self.fetch_one(page, bytes)
    }

    fn fetch_one(&self, page: u64, bytes: &mut Page) -> bool {
        self.reader.read(page.wrapping_mul(PAGE as u64), bytes).is_ok()
    }

    /// Fetches a page and its neighbours from `first` on, all or none.
    fn fetch_ahead(&self, first: u64, page: u64, bytes: &mut Page) -> bool {
        let mut others: Vec<Arc<Page>> = {
            let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = spare.len().saturating_sub(AHEAD - 1);
            spare.drain(kept..).collect()
        };
        others.resize_with(AHEAD - 1, || Arc::new([0; PAGE]));
        let mut all: Vec<&mut Page> = others.iter_mut().map(Arc::make_mut).collect();
        all.insert((page - first) as usize, bytes);
        let read = self.reader.read_ahead(first.wrapping_mul(PAGE as u64), &mut all);
        if read.is_ok() {
            let numbers = (first..).filter(|number| *number != page);
            numbers.zip(&mut others).for_each(|(number, other)| self.keep(number, other));
        }
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).append(&mut others);
        read.is_ok()
    }

    /// Keeps a page that nobody asked for yet, unless its part is in use, and leaves another one to
    /// be filled.
    fn keep(&self, page: u64, bytes: &mut Arc<Page>) {
        let Ok(mut shard) = self.shards[(page % SHARDS as u64) as usize].try_lock() else { return };
        if !shard.slot_of.contains_key(&page) {
            let room = shard.make_room(self.pages_a_shard);
            let bytes = std::mem::replace(bytes, room);
            shard.insert(page, Some(bytes));
        }
    }
}

impl Shard {
    /// The slot of that page; `None` when it was never asked for, or was given up.
    fn find(&mut self, page: u64) -> Option<usize> {
        let slot = match self.slots.get(self.last) {
            Some(last) if last.page == page => self.last,
            _ => *self.slot_of.get(&page)?,
        };
        self.last = slot;
        self.slots[slot].used = true;
        Some(slot)
    }

    /// Makes sure that one more slot fits, and returns a page to fill, which nobody else has.
    fn make_room(&mut self, capacity: usize) -> Arc<Page> {
        if self.slots.len() < capacity {
            return Arc::new([0; PAGE]);
        }
        // Every slot gets a second chance, so the hand turns at most once around and a bit.
        loop {
            let victim = self.hand % self.slots.len();
            self.hand = victim + 1;
            if !std::mem::take(&mut self.slots[victim].used) {
                let slot = self.slots.swap_remove(victim);
                self.slot_of.remove(&slot.page);
                if let Some(moved) = self.slots.get(victim) {
                    self.slot_of.insert(moved.page, victim);
                }
                let unshared = slot.bytes.filter(|bytes| Arc::strong_count(bytes) == 1);
                return unshared.unwrap_or_else(|| Arc::new([0; PAGE]));
            }
        }
    }

    fn insert(&mut self, page: u64, bytes: Option<Arc<Page>>) -> usize {
        let slot = self.slots.len();
        self.slots.push(Slot { page, bytes, used: true });
        self.slot_of.insert(page, slot);
        self.last = slot;
        slot
    }
}

impl<M: MemoryReader> MemoryReader for PageCache<M> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let error = ReadError { address, length: buffer.len() };
        end_of(address, buffer.len()).ok_or(error)?;
        if buffer.len() > LARGEST_CACHED_READ {
            return self.reader.read(address, buffer);
        }
        let (mut address, mut rest) = (address, buffer);
        while !rest.is_empty() {
            let offset = (address % PAGE as u64) as usize;
            let (part, more) = rest.split_at_mut(rest.len().min(PAGE - offset));
            self.read_in_page(address / PAGE as u64, offset, part).map_err(|_| error)?;
            // Wraps only after the last byte of the address space, when nothing is left to read.
            address = address.wrapping_add(part.len() as u64);
            rest = more;
        }
        Ok(())
    }

    fn page(&self, number: u64) -> Option<Arc<Page>> {
        let (shard, slot) = self.slot(number);
        shard.slots[slot].bytes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeMemory;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn fetches_each_page_once() {
        let there = bytes(3 * PAGE);
        let cache = PageCache::new(FakeMemory::new().with(0x1000, there.clone()));
        let mut buffer = [0; 16];
        for address in 0x1000..0x1000 + 2 * PAGE as u64 {
            cache.read(address, &mut buffer).expect("mapped");
            assert_eq!(buffer, there[address as usize - 0x1000..][..16]);
        }
        assert_eq!(cache.reader().reads(), 5, "two of them for pages ahead, which are not there");
    }

    #[test]
    fn fetches_ahead_in_both_directions() {
        let there = bytes(64 * PAGE);
        let memory = || FakeMemory::new().with(64 * PAGE as u64, there.clone());
        let read = |cache: &PageCache<FakeMemory>, page: usize| {
            let mut buffer = [0; 16];
            cache.read((64 + page) as u64 * PAGE as u64 + 8, &mut buffer).expect("mapped");
            assert_eq!(buffer, there[page * PAGE + 8..][..16]);
        };
        let forwards = PageCache::new(memory());
        (0..48).for_each(|page| read(&forwards, page));
        assert_eq!(forwards.reader().reads(), 1 + 3, "16 pages with each but the first");
        let backwards = PageCache::new(memory());
        (16..64).rev().for_each(|page| read(&backwards, page));
        assert_eq!(backwards.reader().reads(), 1 + 3);
        let scattered = PageCache::new(memory());
        (0..64).step_by(2).for_each(|page| read(&scattered, page));
        assert_eq!(scattered.reader().reads(), 32);
    }

    #[test]
    fn joins_pages() {
        let cache = PageCache::new(FakeMemory::new().with(0x1000, bytes(4 * PAGE)));
        let mut buffer = vec![0; 2 * PAGE + 2];
        cache.read(0x1fff, &mut buffer).expect("mapped");
        assert_eq!(buffer, bytes(4 * PAGE)[PAGE - 1..][..2 * PAGE + 2]);
    }

    #[test]
    fn reads_what_is_left_of_a_broken_page() {
        let cache = PageCache::new(FakeMemory::new().with(0x1000, bytes(PAGE + 8)));
        let mut buffer = [0; 16];
        cache.read(0x1ff8, &mut buffer).expect("the second page has eight bytes");
        assert_eq!(buffer, bytes(PAGE + 8)[PAGE - 8..]);
        assert_eq!(
            cache.read(0x1ff9, &mut buffer),
            Err(ReadError { address: 0x1ff9, length: 16 }),
            "the error names the whole read"
        );
    }

    #[test]
    fn stops_at_holes() {
        let memory = FakeMemory::new().with(0x1000, bytes(3 * PAGE)).with_hole(0x2000, PAGE as u64);
        let cache = PageCache::new(memory);
        let mut buffer = [0; 8];
        assert!(cache.read(0x1ff8, &mut buffer).is_ok());
        assert!(cache.read(0x1ff9, &mut buffer).is_err());
        assert!(cache.read(0x2ff8, &mut buffer).is_err());
        assert!(cache.read(0x3000, &mut buffer).is_ok());
    }

    #[test]
    fn knows_the_end_of_the_address_space() {
        let last_page = u64::MAX - (PAGE as u64 - 1);
        let cache = PageCache::new(FakeMemory::new().with(last_page, bytes(PAGE)));
        let mut buffer = [0; 8];
        cache.read(u64::MAX - 7, &mut buffer).expect("the last eight bytes are mapped");
        assert_eq!(buffer, bytes(PAGE)[PAGE - 8..]);
        assert!(cache.read(u64::MAX - 6, &mut buffer).is_err());
        assert!(cache.read(u64::MAX, &mut []).is_ok(), "an empty read never fails");
    }

    #[test]
    fn passes_large_reads_on_whole() {
        let length = LARGEST_CACHED_READ + 1;
        let cache = PageCache::new(FakeMemory::new().with(0x1000, bytes(length)));
        let mut buffer = vec![0; length];
        cache.read(0x1000, &mut buffer).expect("mapped");
        assert_eq!((buffer, cache.reader().reads()), (bytes(length), 1));
    }

    #[test]
    fn is_bounded_and_still_right() {
        let pages = 8 * SHARDS;
        let there = bytes(pages * PAGE);
        let memory = FakeMemory::new().with(0, there.clone());
        let cache = PageCache::with_capacity(memory, 2 * SHARDS);
        let mut buffer = [0; 8];
        for round in 0..3 {
            for page in 0..pages {
                let address = page * PAGE + 8 * round;
                cache.read(address as u64, &mut buffer).expect("mapped");
                assert_eq!(buffer, there[address..][..8]);
            }
        }
        for shard in &cache.shards {
            let shard = shard.lock().expect("not poisoned");
            assert!(shard.slots.len() <= 2);
            assert_eq!(shard.slots.len(), shard.slot_of.len());
            assert!(shard.slot_of.iter().all(|(page, slot)| shard.slots[*slot].page == *page));
        }
    }

    #[test]
    fn serves_several_threads() {
        let cache = PageCache::new(FakeMemory::new().with(0, bytes(64 * PAGE)));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut buffer = [0; 8];
                    for address in (0..64 * PAGE as u64 - 8).step_by(1024) {
                        cache.read(address, &mut buffer).expect("mapped");
                    }
                });
            }
        });
        assert!(cache.reader().reads() <= 64, "no page twice");
    }
}
