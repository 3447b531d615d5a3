//! Colour.
