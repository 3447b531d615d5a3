//! A cache of answers, in the user's cache directory, by build id.
//!
//! Every look at a program asks much the same questions, and in gigabytes of debug information an
//! answer takes time to find. A look that asks nothing new does not open the debug information at
//! all; new questions are answered from it as usual, and added to the cache.
//!
//! The cache is never load-bearing: a file that is damaged, that another version of unhang wrote,
//! or that belongs to a program which has changed is ignored and replaced.

pub(crate) mod answers;
pub(crate) mod cached_source;
pub(crate) mod store;
