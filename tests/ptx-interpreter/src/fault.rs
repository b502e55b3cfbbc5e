//! What can be wrong with a kernel, or with its text.

use std::fmt;

/// The sort of mistake, for tests to assert on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An access that no buffer, shared array or local array holds.
    OutOfBounds,
    /// An address that is not a multiple of the access's size.
    Misaligned,
    /// A read of bytes that nothing has written.
    Unwritten,
    /// A read, a write or an exit while a `cp.async` copy is still under way.
    PendingCopy,
    /// Two accesses, one of them a write, that nothing orders.
    Race,
    /// A barrier or a warp collective that not all threads reach.
    Deadlock,
    /// A launch whose geometry, shared memory or arguments the kernel does not admit.
    Launch,
    /// A loop that does not end, a `trap`, an operation on a lane that takes no part.
    Execution,
}

/// One mistake found while a kernel ran.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    pub kernel: String,
    /// Block, thread and the instruction's text; empty for a refused launch.
    pub place: String,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.kernel, self.what)?;
        if self.place.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.place) }
    }
}

impl std::error::Error for Fault {}

/// PTX that cannot be read, or an instruction that is not interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtxError {
    /// Line of the module's text, from 1.
    pub line: u32,
    pub what: String,
}

impl PtxError {
    pub(crate) fn new(line: u32, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl fmt::Display for PtxError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "PTX line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for PtxError {}

/// A fault before its place is known: which lane, and what. Lives only between an instruction and the warp's loop.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub kind: FaultKind,
    pub lane: usize,
    pub what: String,
}

impl Trouble {
    /// Boxed, so that the hot path's `Result` is one pointer wide.
    #[cold]
    pub fn at(kind: FaultKind, lane: usize, what: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, lane, what: what.into() })
    }
}
