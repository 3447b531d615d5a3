//! The walk over hand-built tasks: the runtime, its list, each task's chain of futures, and the text
//! of all that.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use report_text::text::{Look, tasks};
use runtime_layouts::fake::{FakeMemory, FakeTarget, tokio};
use runtime_layouts::libraries::REGISTRY;
use runtime_layouts::walk::inspect;

const TASKS: [u64; 3] = [10, 1_000, 10_000];

fn target(tasks: u64) -> FakeTarget<FakeMemory> {
    FakeTarget::new(tokio::layouts(), tokio::memory(tasks), tokio::THREAD_POINTER)
}

fn walk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("walk");
    group.sample_size(20);
    for tasks in TASKS {
        let target = target(tasks);
        group.throughput(Throughput::Elements(tasks));
        group.bench_with_input(BenchmarkId::from_parameter(tasks), &target, |bencher, target| {
            bencher.iter(|| black_box(inspect(target, REGISTRY)));
        });
    }
    group.finish();
}

fn list(criterion: &mut Criterion) {
    let look = Look {
        width: Some(100),
        styled: false,
        full_names: false,
        user_only: false,
        current: None,
    };
    let mut group = criterion.benchmark_group("list");
    group.sample_size(20);
    for tasks in TASKS {
        let report = inspect(&target(tasks), REGISTRY);
        group.throughput(Throughput::Elements(tasks));
        group.bench_with_input(BenchmarkId::from_parameter(tasks), &report, |bencher, report| {
            bencher.iter(|| {
                let mut text = Vec::new();
                let filter = tasks::TaskFilter::default();
                tasks::write(report, &filter, &look, &mut text).expect("a vector");
                black_box(text)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, walk, list);
criterion_main!(benches);
