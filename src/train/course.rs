//! How training is done, whatever it is of.

use crate::workers::Workers;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a run computes on, and what else goes for all of its steps.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    pub workers: &'a Workers,
    /// Whether to stop after the step under way, with a checkpoint.
    pub stop: &'a AtomicBool,
    /// Whether each op's results are looked at for infinities and what is no number: slow, and the run ends where the first
    /// appears.
    pub checks_numbers: bool,
}

impl Course<'_> {
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
