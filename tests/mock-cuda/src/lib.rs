//! A CUDA driver without a GPU: the calls that `cudarc` makes, over the PTX interpreter, so that the program's own code
//! (allocation, launches, events, graphs) runs unchanged in a test.
//!
//! A test calls [`load`] before anything asks for a device, and from then on finds one: an A100's limits, compute
//! capability 8.0. Modules are PTX text. All work is done when the call returns. A fault in a kernel comes back as the
//! error that a GPU would give; its text is printed and kept for the thread that made the call ([`Mock::last_fault`]).
//!
//! Stricter than a driver where a mistake would pass there by luck: a graph may only copy from pinned host memory, a
//! capture admits no allocation, the host may not read what nothing wrote, and streams that meet must be ordered.

mod control;
mod device;
mod driver;
mod error;
mod graph;
mod launch;
mod memory;
mod module;
mod stream;
mod streams;

pub use control::{Counts, Mock, library, load};
