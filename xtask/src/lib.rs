//! The project's own commands, and what they share with the end-to-end tests:
//! building things once, finding debuggers, and starting programs to look at.

pub mod aarch64;
pub mod architecture;
pub mod bench;
pub mod build;
pub mod build_variants;
pub mod built_std;
pub mod cortex_m;
pub mod debian;
pub mod debugger;
pub mod demo;
pub mod elf_needs;
pub mod emulator;
pub mod executable;
pub mod fixture;
pub mod fuzz;
pub mod hung_service;
pub mod mach_o;
pub mod machine;
pub mod manylinux;
pub mod npm;
pub mod package;
pub mod page;
pub mod progress;
pub mod publish;
pub mod python;
pub mod runtimes;
pub mod session;
pub mod standalone;
pub mod story;
pub mod test;
pub mod vscode;
mod wheel;
pub mod workspace;
