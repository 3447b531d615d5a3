//! Layouts of async Rust programs, read from ELF or Mach-O, and DWARF.
//!
//! A debugger wants to know where the members of a type are, which function an address belongs to,
//! and which future is behind a vtable. [`DwarfSource`] answers such questions from the debug
//! information of one object, and reads no more of it than each question needs. [`extract()`] asks
//! all of them at once and writes the answers to a layout file, with which a stripped copy of the
//! program can be debugged. [`open_program()`] takes whichever of the two a program has.
//!
//! The questions, and the layouts that answer them, are those of
//! [`LayoutSource`](runtime_layouts::layout::source::LayoutSource).
//!
//! # Example
//!
//! ```
//! use layout_extractor::{DwarfSource, extract};
//! use runtime_layouts::layout::source::LayoutSource;
//!
#![doc = include_str!("../doc/compile.txt")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `compile` runs `rustc -g`.
//! let (_folder, program) = compile(
//!     "use std::{future::Future, pin::Pin, task::{Context, Poll}};
//!      struct Countdown { left: u64, step: u8 }
//!      impl Future for Countdown {
//!          type Output = u8;
//!          fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
//!              Poll::Ready(self.step)
//!          }
//!      }
//!      fn main() {
//!          let countdown: Box<dyn Future<Output = u8>> = Box::new(Countdown { left: 3, step: 1 });
//!          std::hint::black_box(countdown);
//!      }",
//! )?;
//!
//! let source = DwarfSource::open(&program)?;
//! let found = source.types_named("app::Countdown", None)?;
//! let countdown = source.type_at(found[0])?;
//! assert_eq!(countdown.size, 16);
//! assert_eq!(countdown.member("left").map(|member| member.offset), Some(0));
//! assert!(source.poll_of(found[0])?.is_some(), "it is a future");
//!
//! // The layout file knows the type too, since a `dyn Future` may lead to it.
//! let file = extract(&source, &())?;
//! assert_eq!(file.types_named("app::Countdown", None)?.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # The folders
//!
//! Each uses those above it, and none below.
//!
//! | folder | what is in it |
//! |---|---|
//! | `support` | paths of Rust items, caches, the thread pool: nothing about object files |
//! | `object` | ELF and Mach-O: headers, sections, symbols, relocations, separate and split debug files, dSYM bundles, debug maps |
//! | `dwarf` | units, entries, attributes and locations, as a question needs them |
//! | `indexes` | what is computed once for a unit or the program, to look up names and addresses |
//! | `questions` | [`DwarfSource`], with a module for each question |
//! | [`extract`](mod@extract) | all questions at once, into a layout file |
//! | `answer_cache` | answers of earlier looks at the same program |
//! | `find_knowledge` | texts in a program and beside it that declare what its types are |
//! | `twin` | layouts of a program from another build of the same code |

mod answer_cache;
mod dwarf;
pub mod extract;
mod find_knowledge;
mod find_layouts;
mod indexes;
mod object;
mod questions;
mod support;
mod twin;

pub use answer_cache::store::{AnswerStore, CACHE_VARIABLE};
pub use extract::extract;
pub use find_knowledge::{KNOWLEDGE_SECTION, KNOWLEDGE_VARIABLE, find_knowledge, read_knowledge};
pub use find_layouts::{LAYOUT_SECTION, LAYOUTS_VARIABLE, may_have, open_library, open_program};
pub use object::object_file::OpenError;
pub use questions::names_by_pattern::Matches;
pub use questions::source::DwarfSource;
pub use twin::{TwinError, open_twin};
