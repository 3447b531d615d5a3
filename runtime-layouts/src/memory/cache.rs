//! The page cache: fetches each page of the process once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use super::{MemoryReader, Page, ReadError, end_of};

/// Bytes a page: the smallest page size of the supported processors, so that no page of the cache
/// lies half in a mapping.
pub const PAGE: usize = 4096;

/// Reads of more pages than this go past the cache, as one read.
const LARGEST_CACHED_READ: usize = 16 * PAGE;

/// The cache is cut into parts with a lock each, by block, so that threads seldom meet.
const SHARDS: usize = 16;

/// Pages that lie in the cache together, and are fetched together where pages are asked for one
/// after the other.
const BLOCK: usize = 16;

/// The number of no page, and of no neighbour of one.
const NO_PAGE: u64 = u64::MAX - 1;

/// Runs of pages that are told apart: several threads ask for pages, each in a place of its own.
const RUNS: usize = 32;

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
    /// The pages that were fetched last, in several runs.
    runs: [AtomicU64; RUNS],
    /// The run that was begun last.
    newest_run: AtomicUsize,
}

/// One part of the cache: blocks under a clock hand.
#[derive(Default)]
struct Shard {
    blocks: Vec<Block>,
    place_of: FxHashMap<u64, usize>,
    /// The place of the block that was used last. Neighbouring reads mostly hit it, without any
    /// hashing.
    last: usize,
    /// The place at which the search for a block to give up goes on.
    hand: usize,
    /// The pages that are known, in all blocks.
    pages: usize,
    /// Pages of blocks that were given up, to be filled anew.
    spare: Vec<Arc<Page>>,
}

/// Pages in a row of which some were asked for.
struct Block {
    number: u64,
    /// `None` also for a page that cannot be read whole.
    pages: [Option<Arc<Page>>; BLOCK],
    /// Whether each page was asked for or fetched.
    known: [bool; BLOCK],
    /// Whether it was used since the hand passed it.
    used: bool,
}

impl<M: MemoryReader> PageCache<M> {
    /// A cache of 128 MiB at most.
    pub fn new(reader: M) -> Self {
        Self::with_capacity(reader, DEFAULT_PAGES)
    }

    /// A cache of about `pages` pages at most (one block in each of its parts at least).
    pub fn with_capacity(reader: M, pages: usize) -> Self {
        Self {
            reader,
            shards: Default::default(),
            pages_a_shard: pages.div_ceil(SHARDS).max(BLOCK),
            runs: [const { AtomicU64::new(NO_PAGE) }; RUNS],
            newest_run: AtomicUsize::new(0),
        }
    }

    /// The reader behind the cache.
    pub fn reader(&self) -> &M {
        &self.reader
    }

    /// The part that a page belongs to, with the place of its block in it, in which it is known.
    fn block(&self, page: u64) -> (MutexGuard<'_, Shard>, usize) {
        let (number, at) = in_block(page);
        let shard = &self.shards[(number % SHARDS as u64) as usize];
        // The lock is held while the page is fetched, so that two threads never fetch it twice. A
        // panic while it was held left at worst a block that nothing finds.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match shard.find(number) {
            Some(place) if shard.blocks[place].known[at] => place,
            found => {
                let mut block = found.map_or(Block::new(number), |place| shard.remove(place));
                self.fetch(page, &mut block, &mut shard);
                shard.insert(block)
            }
        };
        (shard, place)
    }

    /// Copies `buffer.len()` bytes at `offset` of one page.
    fn read_in_page(&self, page: u64, offset: usize, buffer: &mut [u8]) -> Result<(), ReadError> {
        let (shard, place) = self.block(page);
        if let Some(bytes) = shard.blocks[place].page(page) {
            buffer.copy_from_slice(&bytes[offset..offset + buffer.len()]);
            return Ok(());
        }
        drop(shard);
        self.reader.read(page * PAGE as u64 + offset as u64, buffer)
    }

    /// Fetches a page of a block, with the rest of the block where it continues a run of pages, in
    /// either direction.
    fn fetch(&self, page: u64, block: &mut Block, shard: &mut Shard) {
        let (number, at) = in_block(page);
        for run in &self.runs {
            let last = run.load(Ordering::Relaxed);
            let (first, count, end) = if last.wrapping_add(1) == page {
                (at, BLOCK - at, BLOCK - 1)
            } else if page.wrapping_add(1) == last {
                (0, at + 1, 0)
            } else {
                continue;
            };
            let is_whole = self.fetch_some(first, count, block, shard);
            let end = if is_whole { number * BLOCK as u64 + end as u64 } else { page };
            run.store(end, Ordering::Relaxed);
            if !is_whole && count > 1 {
                self.fetch_some(at, 1, block, shard);
            }
            return;
        }
        let newest = self.newest_run.fetch_add(1, Ordering::Relaxed) % RUNS;
        self.runs[newest].store(page, Ordering::Relaxed);
        self.fetch_some(at, 1, block, shard);
    }

    /// Fetches so many pages of a block from one on, all or none. One alone is known from now on.
    fn fetch_some(&self, first: usize, count: usize, block: &mut Block, shard: &mut Shard) -> bool {
        let mut fetched = shard.make_room(count, self.pages_a_shard);
        let start = block.number.wrapping_mul(BLOCK as u64).wrapping_add(first as u64);
        let start = start.wrapping_mul(PAGE as u64);
        let mut bytes: Vec<&mut Page> = fetched.iter_mut().map(Arc::make_mut).collect();
        let read = match &mut *bytes {
            [page] => self.reader.read(start, &mut page[..]),
            pages => self.reader.read_ahead(start, pages),
        };
        if read.is_err() {
            block.known[first] |= count == 1;
            shard.spare.append(&mut fetched);
            return false;
        }
        for (at, page) in (first..).zip(fetched) {
            // What somebody reads already stays.
            match &mut block.pages[at] {
                Some(_) => shard.spare.push(page),
                empty => *empty = Some(page),
            }
            block.known[at] = true;
        }
        true
    }
}

/// The block of a page, and the page's place in it.
fn in_block(page: u64) -> (u64, usize) {
    (page / BLOCK as u64, (page % BLOCK as u64) as usize)
}

impl Block {
    fn new(number: u64) -> Self {
        Self { number, pages: Default::default(), known: [false; BLOCK], used: true }
    }

    /// One of its pages, if it could be read whole.
    fn page(&self, page: u64) -> Option<&Arc<Page>> {
        self.pages[in_block(page).1].as_ref()
    }

    /// How many of its pages are known.
    fn count(&self) -> usize {
        self.known.iter().filter(|known| **known).count()
    }
}

impl Shard {
    /// The place of that block; `None` when it was never asked for, or was given up.
    fn find(&mut self, block: u64) -> Option<usize> {
        let place = match self.blocks.get(self.last) {
            Some(last) if last.number == block => self.last,
            _ => *self.place_of.get(&block)?,
        };
        self.last = place;
        self.blocks[place].used = true;
        Some(place)
    }

    /// Makes sure that so many more pages fit, and returns that many to fill, which nobody else has.
    fn make_room(&mut self, count: usize, capacity: usize) -> Vec<Arc<Page>> {
        // Every block gets a second chance, so the hand turns at most once around and a bit.
        while self.pages + count > capacity && !self.blocks.is_empty() {
            let victim = self.hand % self.blocks.len();
            self.hand = victim + 1;
            if !std::mem::take(&mut self.blocks[victim].used) {
                let pages = self.remove(victim).pages.into_iter().flatten();
                self.spare.extend(pages.filter(|page| Arc::strong_count(page) == 1));
            }
        }
        let mut pages = self.spare.split_off(self.spare.len().saturating_sub(count));
        self.spare.truncate(BLOCK);
        pages.resize_with(count, || Arc::new([0; PAGE]));
        pages
    }

    fn remove(&mut self, place: usize) -> Block {
        let block = self.blocks.swap_remove(place);
        self.place_of.remove(&block.number);
        if let Some(moved) = self.blocks.get(place) {
            self.place_of.insert(moved.number, place);
        }
        self.pages -= block.count();
        block
    }

    fn insert(&mut self, block: Block) -> usize {
        let place = self.blocks.len();
        self.pages += block.count();
        self.place_of.insert(block.number, place);
        self.blocks.push(block);
        self.last = place;
        place
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
        let (shard, place) = self.block(number);
        shard.blocks[place].page(number).cloned()
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
        let pages = 8 * SHARDS * BLOCK;
        let there = bytes(pages * PAGE);
        let memory = FakeMemory::new().with(0, there.clone());
        let cache = PageCache::with_capacity(memory, 2 * SHARDS * BLOCK);
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
            assert!(shard.pages <= 2 * BLOCK && shard.spare.len() <= BLOCK);
            assert_eq!(shard.pages, shard.blocks.iter().map(Block::count).sum::<usize>());
            assert_eq!(shard.blocks.len(), shard.place_of.len());
            let is_there = |(number, place): (&u64, &usize)| shard.blocks[*place].number == *number;
            assert!(shard.place_of.iter().all(is_there));
        }
    }

    #[test]
    fn is_bounded_where_nothing_can_be_read() {
        let cache = PageCache::with_capacity(FakeMemory::new(), SHARDS * BLOCK);
        for page in (0..).step_by(BLOCK).take(100 * SHARDS) {
            assert!(cache.page(page).is_none());
        }
        let blocks =
            cache.shards.iter().map(|shard| shard.lock().expect("not poisoned").blocks.len());
        assert!(blocks.sum::<usize>() <= SHARDS * BLOCK);
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
