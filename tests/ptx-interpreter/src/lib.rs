//! Runs the PTX that a CUDA compiler made of a kernel, on the CPU, with every access checked. For tests: it stands in for
//! a GPU where there is none, and finds what a GPU would hide.
//!
//! A warp's 32 lanes go through an instruction together, those that are at the smallest address first, so that paths meet
//! again after a branch; instructions are decoded once, immediates and `%tid.x` being registers like any other.
//! What is found: accesses out of bounds or misaligned, reads of memory that nothing wrote (the target of a `cp.async`
//! before its wait among them), races, barriers and warp collectives that not all threads reach, loops without end.
//!
//! What is not: the tensor core's own rounding (products are summed in f64 here), the weaker memory order of a GPU
//! (a fence orders nothing here, so a flag that one block sets for another is reported as a race), what the driver's own
//! compiler may do wrong. `wgmma`, bulk copies, mbarriers and calls are not interpreted, and said so by an error.

mod decode;
mod fault;
mod inst;
mod kernel;
mod kinds;
mod memory;
mod parse;
mod run;
mod shadow;
mod types;

pub use fault::{Fault, FaultKind, PtxError};
pub use kernel::{Kernel, Module};
pub use memory::{HostError, Memory, Value};
pub use run::{Launch, Order, Stats};
