//! Reads of the process that the page cache answers, and those that it passes on.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use runtime_layouts::fake::FakeMemory;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::cache::{PAGE, PageCache};

const PAGES: usize = 1024;

/// Where the pages begin.
const START: u64 = 0x10_0000;

/// Few words a page: tasks lie so.
const STRIDE: usize = 1000;

fn memory() -> FakeMemory {
    FakeMemory::new().with(START, vec![1; PAGES * PAGE])
}

fn read_words(cache: &PageCache<FakeMemory>, addresses: &[u64]) -> u64 {
    let mut sum = 0;
    let mut word = [0; 8];
    for &address in addresses {
        cache.read(address, &mut word).expect("mapped");
        sum += u64::from_le_bytes(word);
    }
    sum
}

/// The same addresses, in order and as a heap has them.
fn addresses() -> [(&'static str, Vec<u64>); 2] {
    let ordered: Vec<u64> = (START..).step_by(STRIDE).take(PAGES * PAGE / STRIDE).collect();
    let count = ordered.len();
    // A step that has no divisor in common with the count visits each of them.
    let step = (1..).map(|more| count / 3 + more).find(|step| gcd(*step, count) == 1);
    let step = step.expect("there is a prime");
    let scattered = (0..count).map(|number| ordered[number * step % count]).collect();
    [("ordered", ordered), ("scattered", scattered)]
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn hits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("page cache, hits");
    for (name, addresses) in addresses() {
        let cache = PageCache::new(memory());
        read_words(&cache, &addresses);
        group.throughput(Throughput::Elements(addresses.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(read_words(&cache, &addresses)));
        });
    }
    group.finish();
}

fn misses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("page cache, first reads");
    for (name, addresses) in addresses() {
        group.throughput(Throughput::Elements(addresses.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || PageCache::new(memory()),
                |cache| black_box(read_words(cache, &addresses)),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, hits, misses);
criterion_main!(benches);
