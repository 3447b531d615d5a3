//! What the end-to-end tests share: real programs are started, real debuggers
//! look at them, and what these say is compared with one golden text a case.
//!
//! A golden text is written anew with `UPDATE_GOLDEN=overwrite`, and then read
//! by a person before it is committed.

pub mod agreement;
pub mod builds;
pub mod case;
pub mod connections;
pub mod coverage;
pub mod databases;
pub mod emulated;
pub mod file_servers;
pub mod front;
pub mod listing;
pub mod neutral;
pub mod oracle;
pub mod remote;
pub mod subjects;
pub mod task_dump;
pub mod terminal;
pub mod third_party;
pub mod versions;
