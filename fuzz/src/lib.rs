//! The readers' promises, for fuzzers; see `tests/properties`.

#[path = "../../tests/properties/mod.rs"]
pub mod properties;
