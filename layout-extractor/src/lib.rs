//! ELF and DWARF → layouts, on demand or as a file.
//!
//! [`DwarfSource`] implements [`LayoutSource`](runtime_layouts::layout::source::LayoutSource) for
//! one object file. It reads what a question needs and no more.
//!
//! | question | where it is answered |
//! |---|---|
//! | what is the object | `elf`, `sections`; `separate` and `split` when it is in other files |
//! | which unit | `units`, `addresses` (by address), `mentions` (by name), `everything` |
//! | what is in the unit | `index`, `skim`, `recipes`, `values`, `by_name` |
//! | the layout of a type | `types`, `description`, `discriminants`, `files` |
//! | functions, bodies of closures and async fns | `functions` |
//! | what is behind a `dyn Future` | `vtables` |
//! | where the runtime's roots are | `thread_locals` |
//! | is it a future | `polls` |
//! | what is on the stack | `calls`, `variables`, `scopes`, `places` |
//! | where a macro that awaits was invoked | `invocations`, `scopes` |
//! | lines of native stacks | `lines` |
//! | what is missing | `lack` |
//! | where else the layouts may be | `program` |
//! | what was answered before | `remembered` |
//! | what it has of a list of names | `named` |
//!
//! [`extract::extract`] asks everything that a debugger may ask, and writes the answers to a layout
//! file.

mod answer_cache;
mod dwarf;
pub mod extract;
mod indexes;
mod object;
mod open_program;
mod questions;
mod support;

pub use answer_cache::store::{AnswerStore, CACHE_VARIABLE};
pub use extract::extract;
pub use object::object_file::OpenError;
pub use open_program::{LAYOUT_SECTION, LAYOUTS_VARIABLE, open_library, open_program};
pub use questions::find_all::Matches;
pub use questions::source::DwarfSource;
