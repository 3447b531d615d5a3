//! A queue whose list runs in a circle, which is followed to its limit: a second or more.

use runtime_layouts::fake::service::{Await, HEAD, PREVIOUS, Service};

#[test]
fn a_queue_that_runs_in_a_circle_ends() {
    let mut service = Service::new();
    let stock = service.mutex();
    let tasks = ["first", "second", "third"];
    let [first, second, third] = tasks.map(|name| service.spawn(name, &[], Await::Lock(stock)));
    service.queue(stock).clear();
    service.memory.put_u64(stock.0 + HEAD + 8, second.future);
    for (from, to) in [(second, third), (third, first), (first, second)] {
        service.memory.put_u64(from.future + PREVIOUS, to.future);
    }
    let report = service.report();
    let [lock] = &*report.resources else { panic!("{:?}", report.resources) };
    assert_eq!(lock.queue.len(), 3);
}
