//! Questions to debug information that nobody has asked anything yet. The program is a small one that
//! is compiled here; `UNHANG_BENCH_PROGRAM` names another one.
#![allow(missing_docs)]

#[path = "../tests/programs/mod.rs"]
mod programs;

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BatchSize, Bencher, Criterion, criterion_group, criterion_main};
use layout_extractor::{DwarfSource, extract};
use runtime_layouts::layout::source::LayoutSource;

/// A name that every Rust program has.
const NAME: &str = "alloc::string::String";

/// What `unhang doctor --expectations` asks about, so to speak: it reads every unit.
const NAMES: [&str; 3] = [NAME, "core::option::Option<", "{async_fn_env#0}"];

/// Measures one question to a source that is opened anew each time, opening not counted.
fn cold<T>(bencher: &mut Bencher<'_>, path: &Path, question: impl Fn(&DwarfSource) -> T) {
    bencher.iter_batched_ref(
        || DwarfSource::open(path).expect("a program"),
        |source| black_box(question(source)),
        BatchSize::PerIteration,
    );
}

fn questions(criterion: &mut Criterion) {
    let compiled;
    let path = match std::env::var_os("UNHANG_BENCH_PROGRAM") {
        Some(path) => PathBuf::from(path),
        None => {
            compiled = programs::rust("tokio", &[]);
            compiled.path.clone()
        }
    };
    let mut group = criterion.benchmark_group("cold");
    group.bench_function("open", |bencher| {
        bencher.iter(|| black_box(DwarfSource::open(&path).expect("a program")));
    });
    group.bench_function("a type by name", |bencher| {
        cold(bencher, &path, |source| source.types_named(NAME, None).expect("an answer"));
    });
    group.bench_function("names in every unit", |bencher| {
        cold(bencher, &path, |source| source.find_all(&NAMES));
    });
    group.sample_size(10);
    group.bench_function("extract", |bencher| {
        cold(bencher, &path, |source| extract(source, &()).expect("a layout file"));
    });
    group.finish();
}

criterion_group!(benches, questions);
criterion_main!(benches);
