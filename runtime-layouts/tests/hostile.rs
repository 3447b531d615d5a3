//! Memory and layouts that mean harm: every walk ends soon, in little room, and says on the node
//! itself what was cut.

use std::thread;
use std::time::{Duration, Instant};

use runtime_layouts::fake::{FakeLayouts, FakeMemory, FakeTarget, tokio};
use runtime_layouts::layout::TypeId;
use runtime_layouts::libraries::{LIBRARIES, REGISTRY};
use runtime_layouts::memory::{MemoryReader, ReadError};
use runtime_layouts::report::{Chain, Polled, Report};
use runtime_layouts::variables::Limits;
use runtime_layouts::variables::locals::LocalTable;
use runtime_layouts::walk::inspect;

/// The vtable of the future that a test puts behind the box of the first task.
const VTABLE: u64 = 0x20_3000;
/// A debugger's threads may have little more.
const STACK: usize = 512 << 10;
/// By far more than any of these takes, and by far less than without a bound.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory that is everywhere: what a test did not put there reads as one word, again and again.
struct Everywhere {
    memory: FakeMemory,
    word: u64,
}

impl MemoryReader for Everywhere {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        for (index, byte) in (0_u64..).zip(buffer) {
            let at = address.wrapping_add(index);
            let mut one = [0];
            *byte = match self.memory.read(at, &mut one) {
                Ok(()) => one[0],
                Err(_) => self.word.to_le_bytes()[(at % 8) as usize],
            };
        }
        Ok(())
    }
}

/// Layouts and memory of one task whose box holds a future of a type that is made by `make`.
fn world(make: impl FnOnce(&mut FakeLayouts) -> TypeId) -> (FakeLayouts, FakeMemory) {
    let mut layouts = tokio::layouts();
    let future = make(&mut layouts);
    layouts.vtable(VTABLE, future);
    let mut memory = tokio::memory(1);
    memory.put_u64(tokio::task(1) + tokio::BOXED + 8, VTABLE);
    memory.put(tokio::boxed(1), [0; 16]);
    (layouts, memory)
}

/// The report of a process, its variables included, made on a small stack.
fn report(layouts: FakeLayouts, memory: impl MemoryReader + 'static) -> Report {
    let begun = Instant::now();
    let look = move || {
        let target = FakeTarget::new(layouts, memory, tokio::THREAD_POINTER);
        let report = inspect(&target, REGISTRY);
        let locals = LocalTable::of(&target, &report, &report.tasks, LIBRARIES, Limits::LONG);
        // The text of variables is bounded too.
        assert!(format!("{locals:?}").len() < 50_000_000);
        report
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(look).expect("a thread");
    let report = thread.join().expect("no panic");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    report
}

/// The chain of the first task.
fn chain(report: &Report) -> &Chain {
    &report.tasks[0].chain
}

/// The problems of a chain's frames, outermost first.
fn problems(chain: &Chain) -> Vec<String> {
    let own = chain.frames.iter().filter_map(|frame| frame.problem.as_deref());
    own.map(str::to_string).chain(chain.branches.iter().flat_map(problems)).collect()
}

fn frames(chain: &Chain) -> usize {
    chain.frames.len() + chain.branches.iter().map(frames).sum::<usize>()
}

fn leaf(layouts: &mut FakeLayouts, size: u64) -> TypeId {
    let leaf = layouts.structure("shop::Leaf", size, &[]);
    layouts.implement_future(leaf);
    leaf
}

fn vector(layouts: &mut FakeLayouts, element: TypeId) -> TypeId {
    let pointer = layouts.pointer("*mut T", Some(element));
    let buffer = layouts.structure("RawVec<T>", 8, &[("ptr", 0, pointer)]);
    let word = layouts.integer(8);
    let vector =
        layouts.structure("alloc::vec::Vec<T>", 16, &[("buf", 0, buffer), ("len", 8, word)]);
    layouts.parameter(vector, "T", element);
    vector
}

fn pinned_box(layouts: &mut FakeLayouts) -> TypeId {
    let boxed = layouts.boxed_dyn_future();
    layouts.structure("core::pin::Pin<alloc::boxed::Box<dyn F>>", 16, &[("pointer", 0, boxed)])
}

#[test]
fn a_box_that_leads_to_itself_is_a_cycle() {
    // So many boxes lead to each other in a circle.
    for length in [1, 2, 3, 40, 500] {
        let (layouts, mut memory) = world(pinned_box);
        for number in 0..length {
            let at = tokio::boxed(1) + number * 16;
            memory.put_u64(at, tokio::boxed(1) + (number + 1) % length * 16);
            memory.put_u64(at + 8, VTABLE);
        }
        let report = report(layouts, memory);
        let problems = problems(chain(&report));
        let expected = if length < 20 { "a cycle" } else { "more than 64 nested wrappers" };
        assert!(matches!(&*problems, [one] if one.contains(expected)), "{length}: {problems:?}");
    }
}

#[test]
fn a_box_in_a_variable_that_leads_to_itself_is_a_cycle() {
    let (layouts, mut memory) = world(|layouts| {
        let boxed = pinned_box(layouts);
        layouts.vtable(VTABLE + 0x100, boxed);
        let leaf = leaf(layouts, 8);
        let name = "shop::keeps::{async_fn_env#0}";
        let empty = layouts.structure("Unresumed", 32, &[]);
        let members = [("evil", 0, boxed), ("__awaitee", 16, leaf)];
        let suspended = layouts.structure("Suspend0", 32, &members);
        let variants = [
            ("Unresumed", Some(vec![0]), empty, Some(1)),
            ("Suspend0", Some(vec![3]), suspended, Some(7)),
        ];
        layouts.enumeration(name, 32, Some((24, 1)), &variants)
    });
    let at = tokio::boxed(1);
    memory.put(at, [0; 32]);
    memory.put_u64(at, at);
    memory.put_u64(at + 8, VTABLE + 0x100);
    memory.put(at + 24, [3]);
    let report = report(layouts, memory);
    let problems = problems(chain(&report));
    assert!(
        matches!(&*problems, [one] if one.contains("`evil`") && one.contains("a cycle")),
        "{problems:?}"
    );
    assert_eq!(frames(chain(&report)), 3, "the awaited future is shown all the same");
}

#[test]
fn vectors_in_vectors_have_one_budget() {
    for depth in 1..6 {
        let (layouts, memory) = world(|layouts| {
            let leaf = leaf(layouts, 8);
            let all = (0..depth).fold(leaf, |element, _| vector(layouts, element));
            let joined = layouts.structure("shop::Joined", 16, &[("all", 0, all)]);
            layouts.implement_future(joined);
            joined
        });
        let mut memory = Everywhere { memory, word: 1 << 63 };
        memory.memory.put_u64(tokio::boxed(1), 1 << 63);
        memory.memory.put_u64(tokio::boxed(1) + 8, 1 << 63);
        let report = report(layouts, memory);
        let problems = problems(chain(&report));
        assert!(!problems.is_empty(), "{depth}");
        assert!(frames(chain(&report)) <= 10_002, "{depth}: {}", frames(chain(&report)));
    }
}

/// A `FuturesUnordered` whose nodes are 16 bytes.
fn unordered(layouts: &mut FakeLayouts) -> TypeId {
    let leaf = leaf(layouts, 8);
    let next = layouts.pointer("*mut Task", None);
    let task = layouts.structure("Task", 16, &[("next_all", 0, next), ("future", 8, leaf)]);
    layouts.point(next, task);
    let name = "futures_util::stream::futures_unordered::FuturesUnordered<shop::Leaf>";
    let all = layouts.structure(name, 16, &[("head_all", 0, next)]);
    layouts.implement_future(all);
    all
}

#[test]
fn a_list_that_runs_in_a_circle_is_a_cycle() {
    let (layouts, mut memory) = world(unordered);
    let node = |number: u64| 0x50_0000 + number * 16;
    memory.put_u64(tokio::boxed(1), node(0));
    for number in 0..5 {
        memory.put_u64(node(number), node(if number == 4 { 2 } else { number + 1 }));
        memory.put_u64(node(number) + 8, 0);
    }
    let report = report(layouts, memory);
    let problems = problems(chain(&report));
    assert!(matches!(&*problems, [one] if one.contains("a cycle")), "{problems:?}");
    let last = chain(&report);
    assert_eq!(last.branches.len(), 5, "each node is shown once");
}

#[test]
fn a_list_without_end_is_cut() {
    let (layouts, mut memory) = world(unordered);
    let node = |number: u64| 0x50_0000 + number * 16;
    memory.put_u64(tokio::boxed(1), node(0));
    let mut bytes = Vec::new();
    for number in 0..30_000 {
        bytes.extend(node(number + 1).to_le_bytes());
        bytes.extend([0; 8]);
    }
    memory.put(node(0), bytes);
    let report = report(layouts, memory);
    let problems = problems(chain(&report));
    assert!(problems.iter().any(|one| one.contains("10000 of a list's nodes")), "{problems:?}");
}

/// Nodes that own each other: `struct Node { next: Option<Box<Node>>, future: Leaf }`.
fn nodes(layouts: &mut FakeLayouts) -> TypeId {
    let leaf = leaf(layouts, 8);
    let next = layouts.pointer("alloc::boxed::Box<shop::Node, alloc::alloc::Global>", None);
    let none = layouts.structure("None", 8, &[]);
    let some = layouts.structure("Some", 8, &[("__0", 0, next)]);
    let variants = [("None", Some(vec![0]), none, None), ("Some", None, some, None)];
    let option = layouts.enumeration("core::option::Option<Box>", 8, Some((0, 8)), &variants);
    let node = layouts.structure("shop::Node", 16, &[("next", 0, option), ("future", 8, leaf)]);
    layouts.point(next, node);
    let all = layouts.structure("shop::All", 16, &[("first", 0, node)]);
    layouts.implement_future(all);
    all
}

#[test]
fn nodes_that_own_each_other_end() {
    for (count, is_closed, expected) in [
        (5, false, None),
        (5, true, Some("a cycle")),
        (5_000, false, Some("more than 64 nested wrappers")),
    ] {
        let (layouts, mut memory) = world(nodes);
        let node = |number: u64| tokio::boxed(1) + number * 16;
        for number in 0..count {
            let is_last = number + 1 == count;
            let next = if is_last { u64::from(is_closed) * node(1) } else { node(number + 1) };
            memory.put_u64(node(number), next);
            memory.put_u64(node(number) + 8, 0);
        }
        let report = report(layouts, memory);
        let problems = problems(chain(&report));
        match expected {
            None => assert!(problems.is_empty(), "{problems:?}"),
            Some(text) => assert!(problems[0].contains(text), "{problems:?}"),
        }
    }
}

#[test]
fn two_hundred_arms_are_shown() {
    for (bytes, disabled) in [(1, 8), (8, 64), (16, 128)] {
        let (layouts, mut memory) = world(|layouts| {
            let leaf = leaf(layouts, 8);
            let names: Vec<String> = (0..200).map(|number| format!("__{number}")).collect();
            let members = (0_u64..).zip(&names).map(|(at, name)| (&**name, at * 8, leaf));
            let tuple = layouts.structure("(…)", 1600, &members.collect::<Vec<_>>());
            let tuple = layouts.pointer("&mut (…)", Some(tuple));
            let mask = layouts.integer(bytes);
            let mask = layouts.pointer("&mut u64", Some(mask));
            let members = [("_ref__disabled", 0, mask), ("_ref__futures", 8, tuple)];
            let closure = layouts.structure("shop::pick::{closure_env#0}", 16, &members);
            let poll = layouts.structure("core::future::PollFn", 16, &[("f", 0, closure)]);
            layouts.implement_future(poll);
            poll
        });
        memory.put_u64(tokio::boxed(1), 0x50_0000);
        memory.put_u64(tokio::boxed(1) + 8, 0x60_0000);
        memory.put(0x50_0000, [0xff; 16]);
        memory.put(0x60_0000, [0; 1600]);
        let report = report(layouts, memory);
        let branches = &chain(&report).branches;
        assert_eq!(branches.len(), 200);
        let off = branches.iter().filter(|branch| branch.polled == Polled::Disabled).count();
        assert_eq!(off, disabled, "of a mask of {bytes} bytes");
    }
}

#[test]
fn layouts_that_cannot_be_are_bounded() {
    let make = |layouts: &mut FakeLayouts| {
        let leaf = leaf(layouts, u64::MAX);
        let word = layouts.integer(8);
        let itself = layouts.structure("shop::Itself", u64::MAX, &[]);
        layouts.complete(
            itself,
            &[("one", 0, itself), ("two", u64::MAX, itself), ("three", 1 << 63, itself)],
        );
        let array = layouts.array(leaf, 1 << 63);
        let arrays = layouts.array(array, u64::MAX);
        let numbers = layouts.array(word, u64::MAX);
        let (vector, state) = (vector(layouts, arrays), layouts.structure("S", u64::MAX, &[]));
        let members = [
            ("itself", 8, itself),
            ("leaf", u64::MAX, leaf),
            ("arrays", u64::MAX - 7, arrays),
            ("numbers", 1 << 63, numbers),
            ("vector", u64::MAX - 1, vector),
            ("__awaitee", u64::MAX, leaf),
        ];
        layouts.complete(state, &members);
        layouts.complete(itself, &[("one", 0, itself), ("two", u64::MAX, itself), ("f", 1, leaf)]);
        let variants = [
            ("Unresumed", Some(vec![0]), state, Some(1)),
            ("Suspend0", None, state, Some(u32::MAX)),
        ];
        let name = "shop::cannot_be::{async_fn_env#0}";
        layouts.enumeration(name, u64::MAX, Some((u64::MAX, 16)), &variants)
    };
    for word in [0, 1, 1 << 63, u64::MAX] {
        let (layouts, memory) = world(make);
        let report = report(layouts, Everywhere { memory, word });
        assert_eq!(report.tasks.len(), 1);
        assert!(frames(chain(&report)) <= 10_002);
    }
}

#[test]
fn a_user_who_asks_to_stop_ends_one_long_chain() {
    let look = |patience| {
        let (layouts, mut memory) = world(|layouts| {
            let leaf = leaf(layouts, 8);
            let inner = vector(layouts, leaf);
            let all = vector(layouts, inner);
            let joined = layouts.structure("shop::Joined", 16, &[("all", 0, all)]);
            layouts.implement_future(joined);
            joined
        });
        memory.put_u64(tokio::boxed(1), 1 << 63);
        memory.put_u64(tokio::boxed(1) + 8, 1 << 63);
        let memory = Everywhere { memory, word: 1 << 63 };
        let target = FakeTarget::new(layouts, memory, tokio::THREAD_POINTER);
        let target = target.read_by_one_thread().interrupted_after(patience);
        let report = inspect(&target, REGISTRY);
        (report.interrupted, u64::MAX - target.patience())
    };
    let (was_interrupted, asked) = look(u64::MAX);
    assert!(!was_interrupted);
    assert!(asked > 100, "asked {asked} times");
    for tenth in 2..10 {
        assert!(look(1 + asked * tenth / 10).0, "{tenth} tenths of {asked}");
    }
}
