//! An allocator that counts, for test programs whose promises are about memory.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

struct Counting;

/// Of all threads.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Bytes that this thread holds, and the most it has held.
    static HELD: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
}

// SAFETY: the system's allocator does all the work, for the same layouts; counting touches no memory but the counts. What
// grows or is zeroed goes through `alloc` and `dealloc` too, by the trait's own methods.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        let [held, most] = HELD.get();
        let held = held.wrapping_add(layout.size());
        // below zero, and so to be compared as signed, where others' memory was given back here
        HELD.set([held, if held as isize > most as isize { held } else { most }]);
        // SAFETY: the caller keeps `alloc`'s promises, which are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        let [held, most] = HELD.get();
        HELD.set([held.wrapping_sub(layout.size()), most]);
        // SAFETY: `place` is from `System.alloc` with this layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `f` allocates, on all threads.
pub fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    f();
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

/// What `f` gives, and the most bytes that this thread held for it at once.
pub fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let [before, _] = HELD.get();
    HELD.set([before; 2]);
    let made = f();
    (made, HELD.get()[1].wrapping_sub(before))
}
