//! The answers of earlier looks, kept in the user's cache.
//!
//! Every look at a program asks much the same of its debug information, and finding an answer in
//! gigabytes takes time. The answers are kept in the user's cache, by build id; a look that asks
//! nothing new does not open the debug information at all. What is new is found as ever, and kept
//! too.
//!
//! Nothing depends on what is kept: a file that is damaged, of another unhang or of a program that
//! changed is passed over, and written anew.

pub(crate) mod answers;
pub(crate) mod cached_source;
pub(crate) mod store;
