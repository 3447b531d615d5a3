//! What lies at addresses of the miniature tokio.

use super::*;
use crate::fake::service::{Await, Keep, Service};
use crate::fake::{FakeMemory, FakeTarget, tokio};
use crate::libraries::{LIBRARIES, REGISTRY};
use crate::report::ResourceKind;
use crate::walk::inspect;

fn ask(target: &FakeTarget<FakeMemory>, address: u64) -> WhatIs {
    of(target, &inspect(target, REGISTRY), LIBRARIES, address)
}

fn paths(found: &WhatIs) -> Vec<(u32, &str, u64)> {
    let mut all = Vec::new();
    for place in &found.places {
        if let Place::Part(part) = place {
            all.push((part.task.0, part.path.as_str(), part.offset));
        }
    }
    all
}

#[test]
fn an_address_is_one_as_a_user_writes_it() {
    assert_eq!(parse_address("0x7f_00"), Ok(0x7f00));
    assert_eq!(parse_address(" 32 "), Ok(32));
    for wrong in ["", "0x", "stock", "-1", "0x11112222333344445"] {
        assert!(parse_address(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_task_and_what_it_has_are_told_apart() {
    let target = FakeTarget::new(tokio::layouts(), tokio::memory(2), tokio::THREAD_POINTER);
    let found = ask(&target, tokio::task(2));
    assert_eq!(found.places, [Place::Task { task: TaskIndex(1), offset: 0 }]);
    assert!(found.is_whole && found.is_readable);
    let found = ask(&target, tokio::task(2) + 36);
    assert_eq!(found.places, [Place::Task { task: TaskIndex(1), offset: 36 }]);

    // The box in the first future, and what it leads to, which is a frame itself.
    let found = ask(&target, tokio::task(1) + tokio::BOXED);
    assert_eq!(paths(&found), [(0, "", 0)], "the future begins there");
    let found = ask(&target, tokio::boxed(1));
    assert_eq!(paths(&found), [(0, "", 0)], "the leaf, the innermost that begins there");
    let found = ask(&target, tokio::boxed(1) + tokio::INNER_STATE);
    assert_eq!(paths(&found), [(0, "", tokio::INNER_STATE)], "of the future itself");

    let found = ask(&target, 0x1234_5678);
    assert!(found.pointers.is_empty() && !found.is_readable);
}

#[test]
fn a_lock_is_told_with_those_who_point_at_it() {
    let mut service = Service::new();
    let (stock, orders) = (service.mutex(), service.mutex());
    service.spawn("checkout", &[Keep::guard("stock", stock)], Await::Lock(orders));
    service.spawn("restock", &[Keep::guard("orders", orders)], Await::Lock(stock));
    let target = service.target();
    let report = inspect(&target, REGISTRY);
    let found = of(&target, &report, LIBRARIES, stock.0);
    let Some(Place::Resource(id)) = found.places.first() else { panic!("{found:?}") };
    assert_eq!(report.resource(*id).kind, ResourceKind::Mutex);
    let pointers: Vec<_> = found
        .pointers
        .iter()
        .map(|pointer| match pointer {
            Pointer::Part(part) => (part.task.0, part.path.split('.').next().unwrap_or_default()),
            Pointer::Stack(_) => panic!("no stacks"),
        })
        .collect();
    assert!(pointers.contains(&(0, "stock")), "the guard: {pointers:?}");
    assert!(pointers.iter().any(|(task, _)| *task == 1), "who waits for it: {pointers:?}");
}
