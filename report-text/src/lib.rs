//! The text and the JSON of a report, which the debuggers and the command line print.
//!
//! Both are made from the [`Report`](runtime_layouts::report::Report) alone; lines of source files
//! and variables of the process are read [beside](text::Beside) it.
//!
//! ```
//! use report_text::text::tasks::{self, TaskFilter};
//! use report_text::text::{Beside, Look, backtrace};
//! use report_text::json;
//! use runtime_layouts::fake::service::{Await, Keep, Service};
//!
//! let mut service = Service::new();
//! let stock = service.mutex();
//! service.spawn("restock", &[Keep::guard("guard", stock)], Await::Socket);
//! service.spawn("checkout", &[], Await::Lock(stock));
//! let report = service.report();
//!
//! let look =
//!     Look { width: Some(80), styled: false, full_names: false, user_only: false, current: None };
//! let mut list = Vec::new();
//! tasks::write(&report, &TaskFilter::default(), &look, &mut list)?;
//! let list = String::from_utf8(list)?;
//! assert!(list.contains("shop::restock") && list.contains("shop::checkout"), "{list}");
//! assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
//!
//! let mut frames = Vec::new();
//! backtrace::write(&report, &report.tasks[1], &look, &Beside::default(), &mut frames)?;
//! let frames = String::from_utf8(frames)?;
//! assert!(frames.contains("shop::checkout") && !frames.contains("shop::restock"), "{frames}");
//!
//! let mut text = Vec::new();
//! json::write(&report, &Beside::default(), &mut text)?;
//! let json: serde_json::Value = serde_json::from_slice(&text)?;
//! assert_eq!(json["schema"], json::SCHEMA);
//! assert_eq!(json["tasks"].as_array().map(Vec::len), Some(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod json;
pub mod text;
