//! Waits and holders, found in memory made by hand.

use crate::fake::service::{
    Await, Flag, HEAD, Keep, Object, PERMITS, PREVIOUS, ROOM, Service, Spawned, TAIL_POSITION, What,
};
use crate::libraries::REGISTRY;
use crate::report::{Access, Holder, Report, Resource, ResourceKind, TaskIndex, Wait};
use crate::walk::inspect;

/// The only resource of a report that is known.
fn only(report: &Report) -> &Resource {
    let known = report.resources.iter().filter(|resource| resource.kind != ResourceKind::Other);
    let [only] = known.collect::<Vec<_>>()[..] else { panic!("{:?}", report.resources) };
    only
}

/// The resource of a kind and an address.
fn resource(report: &Report, kind: ResourceKind, address: Object) -> &Resource {
    let mut all = report.resources.iter();
    let found = all.find(|resource| resource.kind == kind && resource.address == address.0);
    found.unwrap_or_else(|| panic!("{:?}", report.resources))
}

/// Who holds a resource: `2: guard`, with a question mark if it may have been moved.
fn holders(report: &Report, resource: &Resource) -> Vec<String> {
    let one = |holder: &Holder| {
        let task = holder.task.map_or("", |task| &report.task(task).id.0);
        let variable = holder.variable.as_deref().unwrap_or("-");
        let moved = if holder.may_be_moved { "?" } else { "" };
        let shared = if holder.shared_end.is_some() { ", shared" } else { "" };
        format!("{task}: {variable}{moved}{shared}")
    };
    resource.holders.iter().map(one).collect()
}

/// Who waits for a resource, in the order of its queue.
fn queue(report: &Report, resource: &Resource) -> Vec<String> {
    let id = |wait: &Wait| report.task(wait.task).id.0.clone();
    resource.queue.iter().map(|wait| id(report.wait(*wait))).collect()
}

/// The only wait of a task for something that is known.
fn wait_of(report: &Report, number: u32) -> &Wait {
    let waits = report.waits_of(TaskIndex(number - 1));
    let is_known = |wait: &&Wait| report.resource(wait.resource).kind != ResourceKind::Other;
    let [only] = waits.iter().filter(is_known).collect::<Vec<_>>()[..] else { panic!("{waits:?}") };
    only
}

/// The queue of a mutex that three tasks wait for, after something was done to its memory.
fn queue_of_three(change: impl FnOnce(&mut Service, Object, [Spawned; 3])) -> Vec<String> {
    let mut service = Service::new();
    let stock = service.mutex();
    let tasks =
        ["first", "second", "third"].map(|name| service.spawn(name, &[], Await::Lock(stock)));
    change(&mut service, stock, tasks);
    let report = service.report();
    queue(&report, only(&report))
}

#[test]
fn a_guard_in_a_frame_holds_its_mutex() {
    let mut service = Service::new();
    let stock = service.mutex();
    service.spawn("holder", &[Keep::guard("guard", stock)], Await::Socket);
    service.spawn("waiting", &[], Await::Lock(stock));
    let report = service.report();
    let lock = only(&report);
    assert_eq!((lock.kind, lock.address), (ResourceKind::Mutex, stock.0));
    assert_eq!((&*lock.name, lock.is_taken), ("Mutex<Stock>", Some(true)));
    assert_eq!(holders(&report, lock), ["1: guard"]);
    assert_eq!(queue(&report, lock), ["2"]);
    let holder = &lock.holders[0];
    assert_eq!((&*holder.guard, holder.access), ("MutexGuard<Stock>", Access::Exclusive));
    assert_eq!(report.site(holder.frame.site).name.short, "shop::holder");
    assert_eq!(holder.frame.address, report.tasks[0].chain.frames[0].address);
    let wait = wait_of(&report, 2);
    assert_eq!((wait.access, wait.is_granted), (Some(Access::Exclusive), false));
    assert_eq!((wait.is_polled, wait.holding_frame), (true, None));
    let user = wait.user.expect("the user's own frame");
    assert_eq!(report.site(user.site).name.short, "shop::waiting");
}

#[test]
fn a_lock_is_listed_even_if_nobody_waits_for_it() {
    let mut service = Service::new();
    let stock = service.mutex();
    service.spawn("holder", &[Keep::guard("guard", stock)], Await::Socket);
    let report = service.report();
    assert_eq!((&*only(&report).name, only(&report).address), ("Mutex<Stock>", stock.0));
    assert_eq!(holders(&report, only(&report)), ["1: guard"]);
    assert_eq!(report.held_by(TaskIndex(0)).count(), 1);
}

#[test]
fn a_lock_that_its_guard_does_not_lead_to_has_its_name_from_the_guard() {
    let mut service = Service::new();
    let lock = service.semaphore();
    service.spawn("reader", &[Keep::of("guard", What::ReadGuard(lock))], Await::Socket);
    let report = service.report();
    let lock = only(&report);
    assert_eq!((lock.kind, &*lock.name), (ResourceKind::RwLock, "RwLock<Stock>"));
    assert_eq!(lock.holders[0].access, Access::Shared);
}

#[test]
fn two_locks_have_their_own_holders() {
    let mut service = Service::new();
    let (stock, orders) = (service.mutex(), service.mutex());
    service.spawn("first", &[Keep::guard("stock", stock)], Await::Lock(orders));
    service.spawn("second", &[Keep::guard("orders", orders)], Await::Lock(stock));
    let report = service.report();
    for (lock, holder, waiting) in [(stock, "1: stock", "2"), (orders, "2: orders", "1")] {
        let lock = resource(&report, ResourceKind::Mutex, lock);
        assert_eq!(holders(&report, lock), [holder]);
        assert_eq!(queue(&report, lock), [waiting]);
    }
}

#[test]
fn a_queue_is_in_its_own_order() {
    assert_eq!(queue_of_three(|_, _, _| ()), ["1", "2", "3"]);
    let turned = queue_of_three(|service, stock, _| service.queue(stock).rotate_left(1));
    assert_eq!(turned, ["2", "3", "1"]);
}

#[test]
fn a_torn_queue_is_followed_as_far_as_it_goes() {
    let torn = queue_of_three(|service, stock, [first, second, third]| {
        let order = [third.future, first.future, second.future];
        service.queue(stock).clear();
        // By hand, so that it breaks off behind the second one.
        let memory = &mut service.memory;
        memory.put_u64(stock.0 + HEAD + 8, order[0]);
        memory.put_u64(order[0] + PREVIOUS, order[1]);
        memory.put_u64(order[1] + PREVIOUS, 0);
    });
    assert_eq!(torn, ["3", "1", "2"]);
    let unreadable = queue_of_three(|service, stock, [_, _, third]| {
        service.queue(stock).clear();
        service.memory.put_u64(stock.0 + HEAD + 8, third.future);
        service.memory.put_u64(third.future + PREVIOUS, 0xdead_0000);
    });
    assert_eq!(unreadable, ["1", "2", "3"]);
}

#[test]
fn who_was_given_the_lock_comes_first() {
    let mut service = Service::new();
    let stock = service.mutex();
    service.spawn("waiting", &[], Await::Lock(stock));
    service.spawn("given", &[], Await::LockGiven(stock));
    let report = service.report();
    let lock = only(&report);
    assert_eq!(queue(&report, lock), ["2", "1"]);
    assert_eq!(lock.given, Some(lock.queue[0]));
    assert!(wait_of(&report, 2).is_granted && !wait_of(&report, 1).is_granted);
}

#[test]
fn a_free_lock_has_no_holder_whatever_bytes_are_left() {
    let mut service = Service::new();
    let stock = service.mutex();
    service.memory.put_u64(stock.0 + PERMITS, 1 << 1);
    service.spawn("holder", &[Keep::guard("guard", stock)], Await::Socket);
    let report = service.report();
    assert_eq!((only(&report).is_taken, &*only(&report).holders), (Some(false), &[][..]));
}

#[test]
fn a_drop_flag_tells_whether_a_guard_was_moved() {
    for (flag, wanted) in [
        (Flag::None, "1: guard"),
        (Flag::Set, "1: guard"),
        (Flag::Clear, "1: guard?"),
        (Flag::Captured, "1: guard?"),
    ] {
        let mut service = Service::new();
        let stock = service.mutex();
        service.spawn("holder", &[Keep::guard("guard", stock).with(flag)], Await::Socket);
        service.spawn("waiting", &[], Await::Lock(stock));
        let report = service.report();
        assert_eq!(holders(&report, only(&report)), [wanted], "{flag:?}");
    }
}

#[test]
fn a_guard_that_was_moved_does_not_count_beside_one_that_was_not() {
    let mut service = Service::new();
    let stock = service.mutex();
    service.spawn("moved", &[Keep::guard("old", stock).with(Flag::Clear)], Await::Socket);
    service.spawn("holder", &[Keep::guard("guard", stock)], Await::Socket);
    let report = service.report();
    assert_eq!(holders(&report, only(&report)), ["2: guard"]);
}

#[test]
fn a_temporary_gives_way_to_the_variable_that_it_was_moved_to() {
    let (temporary, named) = ("__5", "guard");
    for names in [[temporary, named], [named, temporary]] {
        let mut service = Service::new();
        let stock = service.mutex();
        let keeps = names.map(|name| Keep::guard(name, stock));
        service.spawn("holder", &keeps, Await::Socket);
        let report = service.report();
        assert_eq!(holders(&report, only(&report)), ["1: guard"], "{names:?}");
    }
}

#[test]
fn a_guard_that_may_be_old_gives_way_to_one_beside_it() {
    let mut service = Service::new();
    let stock = service.mutex();
    let keeps = [Keep::guard("guard", stock), Keep::guard("old", stock).with(Flag::Captured)];
    service.spawn("holder", &keeps, Await::Socket);
    let report = service.report();
    assert_eq!(holders(&report, only(&report)), ["1: guard"]);
}

#[test]
fn two_guards_in_two_tasks_are_two_holders() {
    let mut service = Service::new();
    let permits = service.semaphore();
    service.spawn("one", &[Keep::of("permit", What::Permit(permits, 2))], Await::Socket);
    service.spawn("other", &[Keep::of("permit", What::Permit(permits, 3))], Await::Socket);
    service.spawn("waiting", &[], Await::Acquire(permits, 4));
    let report = service.report();
    let semaphore = only(&report);
    assert_eq!((semaphore.kind, &*semaphore.name), (ResourceKind::Semaphore, "Semaphore"));
    assert_eq!(semaphore.state.as_deref(), Some("0 free"));
    assert_eq!(holders(&report, semaphore), ["1: permit", "2: permit"]);
    let access: Vec<Access> = semaphore.holders.iter().map(|holder| holder.access).collect();
    assert_eq!(access, [Access::Permits(2), Access::Permits(3)]);
    assert_eq!(wait_of(&report, 3).access, Some(Access::Permits(4)));
}

#[test]
fn who_initializes_a_cell_has_its_permit() {
    let mut service = Service::new();
    let cell = service.semaphore();
    service.spawn("initializing", &[Keep::of("permit", What::Permit(cell, 1))], Await::Socket);
    service.spawn("waiting", &[], Await::Initialized(cell));
    let report = service.report();
    let cell = only(&report);
    assert_eq!((cell.kind, &*cell.name), (ResourceKind::OnceCell, "OnceCell<Stock>"));
    assert_eq!(holders(&report, cell), ["1: permit"]);
}

#[test]
fn a_future_that_is_kept_and_not_polled_is_in_the_queue() {
    for (what, is_granted) in
        [(What::Locking as fn(Object) -> What, false), (What::Given as fn(Object) -> What, true)]
    {
        let mut service = Service::new();
        let stock = service.mutex();
        service.spawn("keeper", &[Keep::of("locking", what(stock))], Await::Socket);
        service.spawn("waiting", &[], Await::Lock(stock));
        let report = service.report();
        let lock = only(&report);
        assert_eq!(queue(&report, lock), ["1", "2"]);
        let wait = wait_of(&report, 1);
        assert_eq!((wait.is_polled, wait.is_granted), (false, is_granted));
        let holding_frame = wait.holding_frame.expect("the frame that keeps it");
        assert_eq!(report.site(holding_frame.site).name.short, "shop::keeper");
        assert_eq!(holders(&report, lock), [""; 0]);
    }
}

#[test]
fn a_receiver_waits_for_the_senders() {
    let mut service = Service::new();
    let orders = service.channel(2);
    let receiver = Keep::of("receiver", What::Receiver(orders));
    service.spawn("receiving", &[receiver], Await::Receive(orders));
    service.spawn("one", &[Keep::of("sender", What::Sender(orders))], Await::Socket);
    let moved = Keep::of("moved", What::Sender(orders)).with(Flag::Captured);
    service.spawn("other", &[moved], Await::Socket);
    let report = service.report();
    let channel = only(&report);
    assert_eq!((channel.kind, &*channel.name), (ResourceKind::Mpsc, "mpsc<Order>"));
    assert_eq!(channel.state.as_deref(), Some("0 of 1 queued, 2 senders"));
    assert_eq!(channel.parties, Some(2));
    assert_eq!(holders(&report, channel), ["2: sender", "3: moved?"]);
    assert_eq!(channel.holders[0].access, Access::Send);
    let wait = wait_of(&report, 1);
    assert_eq!((wait.access, wait.is_granted), (Some(Access::Receive), false));
}

#[test]
fn of_more_senders_than_the_channel_counts_old_ones_go() {
    let mut service = Service::new();
    let orders = service.channel(1);
    service.spawn("receiving", &[], Await::Receive(orders));
    let moved = Keep::of("moved", What::Sender(orders)).with(Flag::Clear);
    service.spawn("old", &[moved], Await::Socket);
    service.spawn("sending", &[Keep::of("sender", What::Sender(orders))], Await::Socket);
    let report = service.report();
    assert_eq!(holders(&report, only(&report)), ["3: sender"]);
}

#[test]
fn a_message_that_was_sent_is_granted() {
    let mut service = Service::new();
    let orders = service.channel(1);
    service.memory.put_u64(orders.0 + TAIL_POSITION, 1);
    service.spawn("receiving", &[], Await::Receive(orders));
    let report = service.report();
    assert!(wait_of(&report, 1).is_granted);
}

#[test]
fn a_sender_waits_for_the_receiver() {
    let mut service = Service::new();
    let orders = service.channel(1);
    service.memory.put_u64(orders.0 + TAIL_POSITION, 1);
    service.memory.put_u64(orders.0 + ROOM + PERMITS, 0);
    service.spawn("sending", &[], Await::Send(orders));
    service.spawn("owner", &[Keep::of("receiver", What::Receiver(orders))], Await::Socket);
    service.spawn("other", &[Keep::of("sender", What::Sender(orders))], Await::Socket);
    let report = service.report();
    let channel = only(&report);
    assert_eq!(channel.state.as_deref(), Some("full: 1 of 1 queued"));
    assert_eq!(channel.parties, Some(1));
    assert_eq!(holders(&report, channel), ["2: receiver"]);
    assert_eq!(channel.holders[0].access, Access::Receive);
    assert_eq!(wait_of(&report, 1).access, Some(Access::Send));
}

#[test]
fn both_ends_of_a_channel_can_be_waited_for() {
    let mut service = Service::new();
    let orders = service.channel(1);
    service.spawn("sending", &[Keep::of("sender", What::Sender(orders))], Await::Send(orders));
    let receiver = Keep::of("receiver", What::Receiver(orders));
    service.spawn("receiving", &[receiver], Await::Receive(orders));
    let report = service.report();
    let [room, message] = &*report.resources else { panic!("{:?}", report.resources) };
    assert_eq!(
        (holders(&report, room), queue(&report, room)),
        (vec!["2: receiver".into()], vec!["1".into()])
    );
    assert_eq!(
        (holders(&report, message), queue(&report, message)),
        (vec!["1: sender".into()], vec!["2".into()])
    );
}

#[test]
fn ends_of_channels_count_only_where_someone_waits() {
    let mut service = Service::new();
    let (orders, answer) = (service.channel(1), service.oneshot());
    let keeps = [
        Keep::of("sender", What::Sender(orders)),
        Keep::of("receiver", What::Receiver(orders)),
        Keep::of("answer", What::OneshotSender(answer)),
    ];
    service.spawn("owner", &keeps, Await::Socket);
    let of_report = service.report().resources;
    assert!(of_report.iter().all(|resource| resource.kind == ResourceKind::Other), "{of_report:?}");
}

#[test]
fn a_sender_behind_an_arc_is_shared() {
    let mut service = Service::new();
    let orders = service.channel(1);
    service.spawn("receiving", &[], Await::Receive(orders));
    service.spawn("one", &[Keep::of("shared", What::SharedSender(orders))], Await::Socket);
    let report = service.report();
    assert_eq!(holders(&report, only(&report)), ["2: shared, shared"]);
}

#[test]
fn a_oneshot_waits_for_its_sender() {
    let mut service = Service::new();
    let answer = service.oneshot();
    service.spawn("asking", &[], Await::Oneshot(answer));
    let sender = Keep::of("answer", What::OneshotSender(answer)).with(Flag::Set);
    let used = Keep::of("used", What::UsedOneshotSender);
    service.spawn("answering", &[sender], Await::Socket);
    service.spawn("done", &[used], Await::Socket);
    let report = service.report();
    let channel = only(&report);
    assert_eq!((channel.kind, &*channel.name), (ResourceKind::Oneshot, "oneshot<Order>"));
    assert_eq!((channel.address, channel.parties), (answer.0, Some(1)));
    assert_eq!(holders(&report, channel), ["2: answer"]);
    assert!(!wait_of(&report, 1).is_granted);
}

#[test]
fn a_value_that_was_sent_is_granted() {
    let mut service = Service::new();
    let answer = service.oneshot();
    service.memory.put_u64(answer.0, 0b00011);
    service.spawn("asking", &[], Await::Oneshot(answer));
    let report = service.report();
    assert_eq!((wait_of(&report, 1).is_granted, only(&report).parties), (true, Some(0)));
}

#[test]
fn a_join_handle_waits_for_its_task() {
    let mut service = Service::new();
    let awaited = service.spawn("awaited", &[], Await::Socket);
    let ended = service.spawn("ended", &[], Await::Socket);
    service.memory.put_u64(ended.header, 0b10);
    service.spawn("first", &[], Await::Join(awaited));
    service.spawn("second", &[], Await::Join(ended));
    let report = service.report();
    let end = resource(&report, ResourceKind::Join, Object(awaited.header));
    assert_eq!((&*end.tasks, end.parties), (&[TaskIndex(0)][..], Some(1)));
    assert_eq!((queue(&report, end), end.needs_all), (vec!["3".to_string()], false));
    assert!(!wait_of(&report, 3).is_granted && wait_of(&report, 4).is_granted);
}

#[test]
fn a_notification_waits_for_those_who_own_the_notify() {
    for (owners, wanted) in
        [(1, vec!["2: notify, shared"]), (64, vec!["2: notify, shared"]), (65, Vec::new())]
    {
        let mut service = Service::new();
        let notify = service.notify(owners);
        service.spawn("waiting", &[], Await::Notified(notify));
        service.spawn("owner", &[Keep::of("notify", What::NotifyHandle(notify))], Await::Socket);
        let report = service.report();
        let notify = only(&report);
        assert_eq!((notify.kind, notify.parties), (ResourceKind::Notify, Some(owners)));
        assert_eq!(holders(&report, notify), wanted, "{owners}");
    }
}

#[test]
fn tracked_tasks_are_those_whose_end_is_waited_for() {
    let mut service = Service::new();
    let tracker = service.tracker(2);
    service.spawn("waiting", &[], Await::AllEnded(tracker));
    for name in ["one", "other"] {
        service.spawn(name, &[Keep::of("token", What::Token(tracker))], Await::Socket);
    }
    service.spawn("untracked", &[], Await::Socket);
    let report = service.report();
    let end = only(&report);
    assert_eq!((end.kind, &*end.name, end.needs_all), (ResourceKind::JoinSet, "TaskTracker", true));
    assert_eq!(end.tasks, [TaskIndex(1), TaskIndex(2)]);
    assert_eq!((&*end.holders, end.parties), (&[][..], Some(2)));
}

#[test]
fn a_guard_whose_lock_cannot_be_read_holds_nothing() {
    let mut service = Service::new();
    let stock = service.mutex();
    service.spawn("holder", &[Keep::guard("guard", Object(0))], Await::Socket);
    service.spawn("broken", &[Keep::guard("guard", Object(0xdead_0000))], Await::Socket);
    service.spawn("waiting", &[], Await::Lock(stock));
    let report = service.report();
    assert_eq!(holders(&report, resource(&report, ResourceKind::Mutex, stock)), [""; 0]);
}

#[test]
fn holdings_are_by_task() {
    let mut service = Service::new();
    let (stock, orders) = (service.mutex(), service.mutex());
    service.spawn("one", &[Keep::guard("orders", orders)], Await::Socket);
    let keeps = [Keep::guard("stock", stock), Keep::guard("more", Object(orders.0))];
    service.spawn("other", &keeps, Await::Socket);
    let report = service.report();
    let held = |task: u32| -> Vec<u64> {
        report.held_by(TaskIndex(task)).map(|(resource, _)| resource.address).collect()
    };
    assert_eq!(held(0), [orders.0]);
    let mut both = held(1);
    both.sort_unstable();
    assert_eq!(both, [stock.0, orders.0]);
}

#[test]
fn a_leaf_that_is_not_known_is_waited_for_all_the_same() {
    let mut service = Service::new();
    service.spawn("first", &[], Await::Socket);
    service.spawn("second", &[], Await::Socket);
    let report = service.report();
    let [leaf] = &*report.resources else { panic!("{:?}", report.resources) };
    assert_eq!((leaf.kind, &*leaf.name, leaf.address), (ResourceKind::Other, "Leaf", 0));
    // Nobody who waits there has to do with the others.
    assert_eq!(leaf.queue, []);
    let waiting: Vec<u32> = report.waits.iter().map(|wait| wait.task.0).collect();
    assert_eq!(waiting, [0, 1]);
    assert!(report.waits.iter().all(|wait| wait.is_polled && wait.waker.is_none()));
}

/// A library whose storage is asked for by descriptors: what is not seen is said.
#[test]
fn a_library_without_a_module_number_is_named() {
    let mut service = Service::new();
    service.spawn("waiting", &[], Await::Socket);
    let report = inspect(&service.target().as_library(), REGISTRY);
    assert!(report.tasks.is_empty());
    let said = &report.problems;
    let expected = "cannot tell where the thread-local storage of";
    assert_eq!(said.iter().filter(|text| text.contains(expected)).count(), 1, "{said:?}");
}
