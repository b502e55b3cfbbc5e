//! What is used again: the array that a worker frees in one step is the one it takes in the next, and a list that one
//! pass has filled is filled again by the next. A step like the one before it allocates nothing.

use crate::simd::Aligned;
use std::{
    any::Any,
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Free arrays by capacity, and whatever else passes keep. One per worker; shared only by what that worker made.
#[derive(Default)]
pub struct Arena {
    free: Mutex<BTreeMap<usize, Vec<Arc<Array>>>>,
    kept: Mutex<Vec<Box<dyn Any + Send>>>,
}

/// While it is free it has no home: an arena does not own itself.
struct Array {
    values: Aligned,
    home: Option<Arc<Arena>>,
}

/// An array on loan. Clones share it, and it is written before it is shared; the last of them takes it home.
#[derive(Clone)]
pub struct Lease(Option<Arc<Array>>);

impl Arena {
    /// `len` values that hold whatever their last user left.
    pub fn take(self: &Arc<Self>, len: usize) -> Lease {
        let capacity = roomy(len);
        let used = lock(&self.free).get_mut(&capacity).and_then(Vec::pop);
        let mut array =
            used.unwrap_or_else(|| Arc::new(Array { values: Aligned::zeros(capacity), home: None }));
        let Array { values, home } = Arc::get_mut(&mut array).expect("a free array has no user");
        values.resize(len);
        *home = Some(self.clone());
        Lease(Some(array))
    }

    /// Something kept that `fits`, as its last user left it; where nothing does, what `make` makes.
    pub fn keep<T: Send + 'static>(
        self: &Arc<Self>,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Kept<T> {
        let mut kept = lock(&self.kept);
        let found = kept.iter().position(|thing| thing.downcast_ref().is_some_and(&fits));
        let thing = found.and_then(|i| kept.swap_remove(i).downcast().ok());
        drop(kept);
        Kept { thing: Some(thing.unwrap_or_else(|| Box::new(make()))), home: Some(self.clone()) }
    }

    /// Fills every free array with NaN, so that a kernel that reads before it writes is seen.
    pub fn poison(&self) {
        for array in lock(&self.free).values_mut().flatten() {
            Arc::get_mut(array).expect("a free array has no user").values.fill(f32::NAN);
        }
    }
}

/// The capacity of arrays of `len` values: at most an eighth more, so that batches whose sizes vary use each other's arrays.
fn roomy(len: usize) -> usize {
    let lines = len.div_ceil(16);
    let step = (lines.checked_ilog2().map_or(1, |log| 1 << log) / 8).max(1);
    lines.next_multiple_of(step) * 16
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Arena({} free)", lock(&self.free).values().map(Vec::len).sum::<usize>())
    }
}

impl Lease {
    /// Whether there are clones.
    pub fn is_shared(&self) -> bool {
        self.0.as_ref().is_some_and(|array| Arc::strong_count(array) > 1)
    }
}

const LEASED: &str = "a lease holds its array until it is dropped";

impl Deref for Lease {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        &self.0.as_ref().expect(LEASED).values
    }
}

impl DerefMut for Lease {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        let array = Arc::get_mut(self.0.as_mut().expect(LEASED));
        &mut array.expect("an array has one user until it is written").values
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Where the last two users drop at once, on two threads, neither may be alone: that array is freed.
        if self.is_shared() {
            return;
        }
        let Some(mut array) = self.0.take() else { return };
        let Some(Array { values, home }) = Arc::get_mut(&mut array) else { return };
        let capacity = values.capacity();
        values.resize(capacity);
        let home = home.take().expect("an array on loan knows its home");
        lock(&home.free).entry(capacity).or_default().push(array);
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Something on loan that is kept, with all the memory it has, for the next to use it.
#[derive(Debug)]
pub struct Kept<T: Send + 'static> {
    thing: Option<Box<T>>,
    home: Option<Arc<Arena>>,
}

impl<T: Send> Kept<T> {
    /// Something with no home: dropped after use.
    pub fn once(thing: T) -> Self {
        Self { thing: Some(Box::new(thing)), home: None }
    }
}

impl<T: Send> Deref for Kept<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.thing.as_ref().expect(LEASED)
    }
}

impl<T: Send> DerefMut for Kept<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_mut().expect(LEASED)
    }
}

impl<T: Send> Drop for Kept<T> {
    fn drop(&mut self) {
        if let (Some(thing), Some(home)) = (self.thing.take(), &self.home) {
            lock(&home.kept).push(thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_array_is_taken_again() {
        let arena = Arc::new(Arena::default());
        let mut a = arena.take(100);
        a.fill(7.0);
        let (place, shared) = (a.as_ptr(), a.clone());
        drop(a);
        assert_ne!(arena.take(100).as_ptr(), place, "a clone still reads it");
        drop(shared);
        let b = arena.take(97);
        assert_eq!((b.len(), b.as_ptr(), b[96]), (97, place, 7.0));
        drop(b);
        arena.poison();
        assert!(arena.take(112).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn sizes_that_vary_share_arrays_and_waste_little() {
        let mut capacities: Vec<usize> = (1..100_000).map(roomy).collect();
        for (len, capacity) in (1..).zip(&capacities) {
            assert!(
                *capacity >= len && capacity - len < 16 + len / 8 && capacity % 16 == 0,
                "{len}: {capacity}"
            );
        }
        capacities.dedup();
        assert!(capacities.len() < 16 + 8 * 13, "{}", capacities.len());
        assert_eq!(roomy(0), 0);
    }

    #[test]
    fn what_is_kept_is_found_by_its_type_and_what_it_is() {
        let arena = Arc::new(Arena::default());
        let list = |n: usize| arena.keep(move |l: &Vec<u8>| l.len() == n, || vec![0; n]);
        let mut two = list(2);
        two[1] = 9;
        drop((two, list(3), arena.keep(|_: &u8| true, || 7)));
        assert_eq!((list(2)[..].to_vec(), list(3)[..].to_vec()), (vec![0, 9], vec![0; 3]));
    }

    /// An array knows its home only while it is away.
    #[test]
    fn an_arena_is_freed_with_its_last_user() {
        let arena = Arc::new(Arena::default());
        let gone = Arc::downgrade(&arena);
        let (a, b) = (arena.take(1), arena.take(1));
        drop((a, arena.keep(|_: &u8| true, || 7), arena));
        assert!(gone.upgrade().is_some());
        drop(b);
        assert!(gone.upgrade().is_none());
    }
}
