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

mod addresses;
mod by_name;
mod cache;
mod calls;
mod description;
mod discriminants;
mod elf;
mod everything;
pub mod extract;
mod files;
mod functions;
mod index;
mod invocations;
mod lack;
mod lately;
mod lines;
mod mapping;
mod mentions;
mod named;
mod names;
mod parallel;
mod places;
mod polls;
mod program;
mod recipes;
mod remembered;
mod scopes;
mod sections;
mod separate;
mod skim;
mod source;
mod split;
mod thread_locals;
mod types;
mod units;
mod values;
mod variables;
mod vtables;

pub use elf::OpenError;
pub use extract::extract;
pub use named::Named;
pub use program::{FOLDERS, SECTION, open_library, open_program};
pub use remembered::{CACHE, Store};
pub use source::DwarfSource;
