//! Who owns what, where memory alone leaves it open: no certain fault from what a moved variable left
//! behind, and none at all where something else can still send.

use runtime_layouts::diagnosis::findings;
use runtime_layouts::fake::processor::WIDE;
use runtime_layouts::fake::{FakeLayouts, FakeMemory, FakeTarget, tokio};
use runtime_layouts::layout::TypeId;
use runtime_layouts::libraries::REGISTRY;
use runtime_layouts::report::{Finding, FindingKind, Report};
use runtime_layouts::target::{CodeAddress, NativeFrame};
use runtime_layouts::walk::inspect;

/// The vtables of the two futures.
const WAITS: u64 = 0x20_3000;
const KEEPS: u64 = 0x20_4000;
/// The channel, and from it to the counts of its senders and of its weak senders.
const CHAN: u64 = 0x50_0000;
const SENDERS: u64 = 0;
const WEAK_SENDERS: u64 = 40;
/// The stack of the process's own thread.
const STACK: u64 = 0x60_0000;

/// `async fn waits()` with a sender in `bell` that awaits the channel's receiver, and `async fn
/// keeps()` with a sender in `bell` that awaits something else.
fn layouts() -> FakeLayouts {
    let mut layouts = tokio::layouts();
    let word = layouts.integer(8);
    let tx = layouts.structure("Tx", 8, &[("tail_position", 0, word)]);
    let fields = layouts.structure("RxFields", 16, &[("index", 0, word), ("rx_closed", 8, word)]);
    let unbounded = layouts.structure("Semaphore", 8, &[("permits", 0, word)]);
    let members = [
        ("tx_count", SENDERS, word),
        ("tx", 8, tx),
        ("rx_fields", 16, fields),
        ("semaphore", 32, unbounded),
        ("tx_weak_count", WEAK_SENDERS, word),
    ];
    let chan = layouts.structure("tokio::sync::mpsc::chan::Chan<(), S>", 48, &members);
    let chan = layouts.pointer("*const Chan", Some(chan));
    let end = |layouts: &mut FakeLayouts, name: &str| {
        let ty = layouts.structure(&format!("tokio::sync::mpsc::{name}"), 8, &[("chan", 0, chan)]);
        layouts.parameter(ty, "T", word);
        ty
    };
    let sender = end(&mut layouts, "unbounded::UnboundedSender<u64>");
    let receiver = end(&mut layouts, "unbounded::UnboundedReceiver<u64>");
    layouts.implement_future(receiver);
    let leaf = layouts.structure("shop::Leaf", 8, &[]);
    layouts.implement_future(leaf);
    let waits = machine(&mut layouts, "waits", sender, receiver);
    let keeps = machine(&mut layouts, "keeps", sender, leaf);
    layouts.vtable(WAITS, waits);
    layouts.vtable(KEEPS, keeps);
    layouts
}

fn machine(layouts: &mut FakeLayouts, name: &str, variable: TypeId, awaitee: TypeId) -> TypeId {
    let empty = layouts.structure("Unresumed", 24, &[]);
    let members = [("bell", 0, variable), ("__awaitee", 8, awaitee)];
    let suspended = layouts.structure("Suspend0", 24, &members);
    let variants = [
        ("Unresumed", Some(vec![0]), empty, Some(1)),
        ("Suspend0", Some(vec![3]), suspended, Some(7)),
    ];
    let name = format!("shop::{name}::{{async_fn_env#0}}");
    layouts.enumeration(&name, 24, Some((16, 1)), &variants)
}

/// Task 1 waits; with `kept`, task 2 has a sender too.
fn memory(kept: bool, senders: u64, weak: u64) -> FakeMemory {
    let mut memory = tokio::memory(2);
    memory.put(CHAN, [0; 48]);
    memory.put_u64(CHAN + SENDERS, senders);
    memory.put_u64(CHAN + WEAK_SENDERS, weak);
    for (number, vtable) in [(1, WAITS), (2, KEEPS)].into_iter().take(1 + usize::from(kept)) {
        memory.put_u64(tokio::task(number) + tokio::BOXED + 8, vtable);
        let at = tokio::boxed(number);
        memory.put(at, [0; 24]);
        memory.put_u64(at, CHAN);
        memory.put_u64(at + 8, CHAN);
        memory.put(at + 16, [3]);
    }
    memory
}

/// What the process's own thread has in a register: nothing of interest, or the channel.
fn report_with(layouts: FakeLayouts, memory: FakeMemory, register: u64) -> Report {
    let frame = NativeFrame {
        pc: CodeAddress::Next(0),
        frame_address: Some(STACK),
        registers: vec![(3, register)],
    };
    let target = FakeTarget::new(layouts, memory, tokio::THREAD_POINTER);
    inspect(&target.with_stack(&WIDE, vec![frame]), REGISTRY)
}

fn report(layouts: FakeLayouts, memory: FakeMemory) -> Report {
    report_with(layouts, memory, 0)
}

/// The finding that there is, if any.
fn finding(layouts: FakeLayouts, memory: FakeMemory) -> Option<Finding> {
    let report = report(layouts, memory);
    assert_eq!(report.waits[0].note, None);
    assert!(!report.waits[0].is_granted, "it waits");
    let mut findings = findings(&report);
    assert!(findings.len() <= 1, "{findings:?}");
    findings.pop()
}

#[test]
fn a_message_of_its_own_never_comes() {
    let found = finding(layouts(), memory(false, 1, 0)).expect("a finding");
    assert_eq!((found.kind, found.is_sure), (FindingKind::NeverWoken, true));
}

#[test]
fn without_drop_flags_nothing_is_certain() {
    let found = finding(layouts().with_abort(), memory(false, 1, 0)).expect("a finding");
    assert_eq!((found.kind, found.is_sure), (FindingKind::NeverWoken, false));
}

/// A variable that may have been moved away counts as long as no thread has the channel's address, or
/// that of the counts of its `Arc`.
#[test]
fn a_thread_may_have_what_was_moved_away() {
    let with = |layouts: FakeLayouts, register| {
        findings(&report_with(layouts, memory(false, 1, 0), register)).len()
    };
    for (register, are_sure, in_doubt) in [(0, 1, 1), (CHAN, 1, 0), (CHAN - 16, 1, 0)] {
        assert_eq!(with(layouts(), register), are_sure, "it was not moved");
        assert_eq!(with(layouts().with_abort(), register), in_doubt, "{register:#x}");
    }
}

#[test]
fn two_variables_do_not_own_one_sender() {
    for layouts in [layouts(), layouts().with_abort()] {
        let report = report(layouts, memory(true, 1, 0));
        assert_eq!(report.resources[0].parties, Some(1));
        assert_eq!(report.resources[0].holders.len(), 2);
        assert_eq!(findings(&report), []);
    }
}

#[test]
fn a_sender_that_was_not_found_may_send() {
    assert_eq!(finding(layouts(), memory(false, 2, 0)), None);
}

#[test]
fn a_weak_sender_may_send() {
    assert_eq!(finding(layouts(), memory(false, 1, 1)), None);
    assert_eq!(finding(layouts().with_abort(), memory(false, 1, 1)), None);
}
