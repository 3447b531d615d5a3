//! The memory layouts of a program's async types and runtimes, and the reading of a stopped process
//! with them.
//!
//! This crate knows no DWARF, no Python and no terminal. Layouts come through
//! [`layout::source::LayoutSource`] and the process through [`target::Target`]; [`walk::inspect`]
//! makes a [`report::Report`] of both, [`diagnosis::findings`] finds its faults, and the crate
//! `report-text` writes it as text and JSON.
//!
//! [`fake`] has a process made by hand, here a miniature tokio whose two tasks wait for each other's
//! lock:
//!
//! ```
//! use runtime_layouts::diagnosis::findings;
//! use runtime_layouts::fake::service::{Await, Keep, Service};
//! use runtime_layouts::libraries::REGISTRY;
//! use runtime_layouts::report::{FindingKind, ResourceKind};
//! use runtime_layouts::walk::inspect;
//!
//! let mut service = Service::new();
//! let (stock, orders) = (service.mutex(), service.mutex());
//! service.spawn("checkout", &[Keep::guard("stock", stock)], Await::Lock(orders));
//! service.spawn("restock", &[Keep::guard("orders", orders)], Await::Lock(stock));
//!
//! let report = inspect(&service.target(), REGISTRY);
//! assert!(report.problems.is_empty());
//! assert_eq!(report.tasks.len(), 2);
//!
//! // The first task waits for a mutex, which a variable of the second one's frame holds.
//! let [wait] = report.waits_of(report.tasks[0].index) else { panic!("one wait") };
//! let lock = report.resource(wait.resource);
//! assert_eq!((lock.kind, lock.address), (ResourceKind::Mutex, orders.0));
//! assert_eq!(lock.holders[0].task, Some(report.tasks[1].index));
//! assert_eq!(lock.holders[0].variable.as_deref(), Some("orders"));
//!
//! let [deadlock] = &*findings(&report) else { panic!("one fault") };
//! assert_eq!(deadlock.kind, FindingKind::Deadlock);
//! ```

pub mod diagnosis;
pub mod fake;
pub mod knowledge;
pub mod layout;
pub mod libraries;
pub mod memory;
pub mod parallel;
pub mod report;
pub mod target;
pub mod value;
pub mod variables;
pub mod walk;
pub mod whatis;
