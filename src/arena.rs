//! Buffers that are used again: what a worker frees in one step is what it takes in the next.

use crate::simd::Aligned;
use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

/// Free buffers by capacity. One per worker; shared only by the tensors that worker made.
#[derive(Default)]
pub struct Arena {
    free: Mutex<HashMap<usize, Vec<Aligned>>>,
}

/// A buffer on loan; it goes home when dropped.
#[derive(Debug)]
pub struct Lease {
    data: Option<Aligned>,
    home: Arc<Arena>,
}

impl Arena {
    /// `len` values that hold whatever their last user left.
    pub fn take(self: &Arc<Self>, len: usize) -> Lease {
        let key = len.div_ceil(16) * 16;
        let used = self.lock().get_mut(&key).and_then(Vec::pop);
        let data = used.unwrap_or_else(|| Aligned::zeros(key)).resized(len);
        Lease { data: Some(data), home: self.clone() }
    }

    /// Fills every free buffer with NaN, so that a kernel that reads before it writes is seen.
    pub fn poison(&self) {
        for buffer in self.lock().values_mut().flatten() {
            buffer.fill(f32::NAN);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Vec<Aligned>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Arena({} free)", self.lock().values().map(Vec::len).sum::<usize>())
    }
}

const LEASED: &str = "a lease holds its buffer until it is dropped";

impl Deref for Lease {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        self.data.as_ref().expect(LEASED)
    }
}

impl DerefMut for Lease {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        self.data.as_mut().expect(LEASED)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(data) = self.data.take() {
            let full = data.capacity();
            self.home.lock().entry(full).or_default().push(data.resized(full));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_buffer_is_taken_again() {
        let arena = Arc::new(Arena::default());
        let mut a = arena.take(100);
        a.fill(7.0);
        let place = a.as_ptr();
        drop(a);
        let b = arena.take(97);
        assert_eq!((b.len(), b.as_ptr(), b[96]), (97, place, 7.0));
        drop(b);
        arena.poison();
        assert!(arena.take(112).iter().all(|v| v.is_nan()));
    }
}
