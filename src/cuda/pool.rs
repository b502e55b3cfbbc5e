//! Device memory that is used again. A block that goes back is at once another's: work is queued on one stream, so what
//! the next user queues comes after all that the last one has.
//!
//! Of several free blocks the one at the lowest address is taken: a step that asks for the same sizes in the same order
//! as the one before it is given the same memory.

use super::{View, ViewMut};
use crate::error::{Error, Result};
use cudarc::driver::{CudaContext, CudaStream, result, sys::CUresult};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Bytes of the smallest block.
const SMALLEST: usize = 512;
/// Sizes of blocks between a power of two and the next: of a block at most an eighth is wasted.
const STEPS: usize = 8;

/// Free blocks by size.
#[derive(Debug)]
pub(super) struct Pool {
    free: Mutex<BTreeMap<usize, BinaryHeap<Reverse<u64>>>>,
    stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
}

#[derive(Debug)]
struct Block {
    address: u64,
    bytes: usize,
    home: Arc<Pool>,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.home.free().entry(self.bytes).or_default().push(Reverse(self.address));
    }
}

/// Values on loan. Clones share them, and they are written before they are shared; the last of them takes them home.
#[derive(Clone, Debug)]
pub(crate) struct Pooled<T = f32> {
    block: Arc<Block>,
    /// Where in the block they begin, in bytes.
    at: u64,
    len: usize,
    of: PhantomData<T>,
}

impl Pool {
    pub fn new(context: Arc<CudaContext>, stream: Arc<CudaStream>) -> Self {
        Self { free: Mutex::default(), stream, context }
    }

    /// `len` values that hold whatever their last user left.
    pub fn take<T>(self: &Arc<Self>, len: usize) -> Result<Pooled<T>> {
        let bytes = len.checked_mul(size_of::<T>()).and_then(class);
        let bytes =
            bytes.ok_or_else(|| Error::Device(format!("{len} values are more than can be addressed")))?;
        let used = self.free().get_mut(&bytes).and_then(BinaryHeap::pop);
        let address = match used {
            Some(Reverse(address)) => address,
            None => self.allocate(bytes)?,
        };
        let block = Block { address, bytes, home: self.clone() };
        Ok(Pooled { block: Arc::new(block), at: 0, len, of: PhantomData })
    }

    /// New memory; where there is none left, after giving the driver back all that is free here.
    fn allocate(&self, bytes: usize) -> Result<u64> {
        self.context.bind_to_thread()?;
        // SAFETY: nothing reads the memory before it is written.
        let allocate = || unsafe { result::malloc_sync(bytes) };
        let full = |e: &result::DriverError| e.0 == CUresult::CUDA_ERROR_OUT_OF_MEMORY;
        let retried = allocate().or_else(|e| {
            if !full(&e) {
                return Err(e);
            }
            // During a capture nothing can be waited for, and so nothing given back.
            self.trim().map_err(|_| e)?;
            allocate()
        });
        retried.map_err(|e| match full(&e) {
            false => e.into(),
            true => {
                let (free, total) = result::mem_get_info().unwrap_or_default();
                Error::OutOfMemory { asked: bytes, free, total }
            }
        })
    }

    /// Fills the free blocks with NaN.
    pub fn poison(&self) -> Result<()> {
        self.context.bind_to_thread()?;
        for (&bytes, blocks) in self.free().iter() {
            for &Reverse(address) in blocks {
                // SAFETY: a free block has no user, and is of so many bytes.
                unsafe { result::memset_d8_async(address, u8::MAX, bytes, self.stream.cu_stream())? };
            }
        }
        Ok(())
    }

    /// Gives free blocks back to the driver; whether there were any.
    pub(super) fn trim(&self) -> Result<bool, result::DriverError> {
        self.stream.synchronize()?;
        let free = std::mem::take(&mut *self.free());
        let some = free.values().any(|blocks| !blocks.is_empty());
        for Reverse(address) in free.into_values().flatten() {
            // SAFETY: a free block has no user, all its work is done, and it is freed once.
            unsafe { result::free_sync(address)? };
        }
        Ok(some)
    }

    fn free(&self) -> MutexGuard<'_, BTreeMap<usize, BinaryHeap<Reverse<u64>>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // A driver that fails here has lost the memory already.
        let _ = self.context.bind_to_thread().and_then(|()| self.trim());
    }
}

/// The size of the block for `bytes`; none where that is more than can be counted.
fn class(bytes: usize) -> Option<usize> {
    let bytes = bytes.max(SMALLEST);
    let below = 1 << bytes.ilog2();
    bytes.checked_next_multiple_of(below / STEPS)
}

impl<T> Pooled<T> {
    pub fn view(&self) -> View<'_, T> {
        View::new(self.block.address + self.at, self.len)
    }

    pub fn view_mut(&mut self) -> ViewMut<'_, T> {
        assert!(!self.is_shared(), "memory has one user until it is written");
        ViewMut::new(self.block.address + self.at, self.len)
    }

    /// # Safety
    ///
    /// Whatever reads or writes the values through a clone is queued before.
    pub(super) unsafe fn shared_mut(&self) -> ViewMut<'_, T> {
        ViewMut::new(self.block.address + self.at, self.len)
    }

    /// A share of memory that is divided by hand: `len` values from byte `at` on.
    pub(super) fn slot<U>(&self, at: usize, len: usize) -> Pooled<U> {
        let end = len.checked_mul(size_of::<U>()).and_then(|bytes| bytes.checked_add(at));
        let inside = end.is_some_and(|end| end <= self.len * size_of::<T>());
        assert!(inside, "a slot lies inside of its block");
        Pooled { block: self.block.clone(), at: self.at + at as u64, len, of: PhantomData }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether there are clones.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.block) > 1
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn blocks_waste_an_eighth_at_most() {
        let classes = [0, 1, 512, 513, 576, 577, 1024].map(class);
        assert_eq!(classes, [512, 512, 512, 576, 576, 640, 1024].map(Some));
        for bytes in (512..100_000).step_by(37) {
            let block = class(bytes).expect("there is such a block");
            assert!(block >= bytes && block - bytes < bytes / 8 + 1, "{bytes}");
        }
        assert_eq!(class(usize::MAX - 1), None);
    }
}
