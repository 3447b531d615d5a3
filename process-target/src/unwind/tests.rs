//! The stack of this very test, and stacks made by hand.
