//! Borrowed device memory: an address and a length with the borrow checker's view of them. The host cannot read through
//! one; launches and copies take them.

use std::{marker::PhantomData, ops::Range};

/// What can be uploaded: a value whose bytes are all its own.
///
/// # Safety
///
/// The type has no padding: its fields' sizes add up to its own.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: a number has no padding.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}

/// Values to be read.
#[derive(Debug)]
pub(crate) struct View<'a, T = f32> {
    address: u64,
    len: usize,
    of: PhantomData<&'a [T]>,
}

/// Values to be written.
#[derive(Debug)]
pub(crate) struct ViewMut<'a, T = f32> {
    address: u64,
    len: usize,
    of: PhantomData<&'a mut [T]>,
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<'_, T> {}

impl<T> View<'_, T> {
    /// Of memory that is there for `'a`.
    pub(super) fn new(address: u64, len: usize) -> Self {
        Self { address, len, of: PhantomData }
    }

    /// No values: a kernel sees a null pointer, and knows that the operand is absent.
    pub fn none() -> Self {
        Self::new(0, 0)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The values of `range`.
    pub fn part(self, range: Range<usize>) -> Self {
        Self::new(part::<T>(self.address, self.len, &range), range.len())
    }

    /// For kernels that read where their operands lie; else a view itself is a kernel's argument.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }
}

impl<T> ViewMut<'_, T> {
    /// Of memory that is the caller's alone for `'a`.
    pub(super) fn new(address: u64, len: usize) -> Self {
        Self { address, len, of: PhantomData }
    }

    /// No values: a kernel sees a null pointer, and leaves the result out.
    pub fn none() -> Self {
        Self::new(0, 0)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The values of `range`.
    pub fn part(self, range: Range<usize>) -> Self {
        Self::new(part::<T>(self.address, self.len, &range), range.len())
    }

    /// The same for a while: for one of several launches that write it.
    pub fn reborrow(&mut self) -> ViewMut<'_, T> {
        ViewMut::new(self.address, self.len)
    }

    /// To be read by a later launch.
    pub fn view(&self) -> View<'_, T> {
        View::new(self.address, self.len)
    }

    pub(super) fn address(&self) -> u64 {
        self.address
    }
}

fn part<T>(address: u64, len: usize, range: &Range<usize>) -> u64 {
    assert!(range.start <= range.end && range.end <= len, "a part {range:?} of a view of {len}");
    address + (range.start * size_of::<T>()) as u64
}
