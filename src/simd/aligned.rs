//! Storage that begins on a cache line, so that no full-width load straddles two.

use std::ops::{Deref, DerefMut};

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([f32; 16]);

/// A fixed number of f32 on 64-byte lines.
pub struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; 16]); len.div_ceil(16)], len }
    }

    /// How many values fit without growing.
    pub fn capacity(&self) -> usize {
        self.lines.len() * 16
    }

    /// Shows the first `len` values; what they hold is whatever was there.
    pub fn resize(&mut self, len: usize) {
        assert!(len <= self.capacity(), "an aligned buffer does not grow");
        self.len = len;
    }
}

impl Deref for Aligned {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        // SAFETY: `Line` is repr(C) over [f32; 16] and 64 bytes long, so `lines` is `capacity()` initialised f32 in a
        // row; `len <= capacity()` holds from `zeros` and `resize`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Aligned {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; `&mut self` makes the view unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl std::fmt::Debug for Aligned {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
