//! A ceiling on memory: the program ends with a line that says so, rather than by a system that has none left.
//!
//! What is counted are the bytes that the program asks for. Its code, its threads' stacks and what the allocator loses between
//! blocks come on top: 10 to 20 MB.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Error, Result, output};

/// The system's allocator, with the ceiling of [`limit`]. A program installs it as its `#[global_allocator]`.
pub struct Capped;

/// Bytes taken now, and at most.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Ends the program, with exit code 1, as soon as it would hold more than so many bytes. Outputs are under their names only when
/// they are complete, so that they may be given up at any time.
pub fn limit(bytes: usize) -> Result<()> {
    let taken = TAKEN.load(Ordering::Relaxed);
    if bytes < taken {
        return Err(Error::Setting(format!("--max-memory: {taken} bytes are taken already, found {bytes}")));
    }
    MOST.store(bytes, Ordering::Relaxed);
    Ok(())
}

/// Bytes of a text like `800M` or `2.5G`; units are of 1024.
pub fn bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, unit)) if !unit.is_ascii_digit() => text.split_at(at),
        _ => (text, ""),
    };
    let unit = match unit {
        "" => 1.0,
        "k" | "K" => 1024.0,
        "m" | "M" => 1024.0 * 1024.0,
        "g" | "G" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("expected a number of bytes, or of K, M or G, found '{text}'")),
    };
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok((number * unit) as usize),
        _ => Err(format!("expected a number above 0, found '{number}'")),
    }
}

/// Counts `size` bytes; ends the program where they are too many.
fn take(size: usize) {
    let taken = TAKEN.fetch_add(size, Ordering::Relaxed).saturating_add(size);
    let most = MOST.load(Ordering::Relaxed);
    if taken > most {
        // No memory is taken here: stderr has no buffer, and numbers are written digit by digit.
        output::say(format_args!("out of memory: {taken} bytes asked for, --max-memory allows {most}"));
        signal_hook::low_level::exit(1);
    }
}

/// A new block of `size` bytes, which do not count where the system had none.
fn taken(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        give_back(size);
    }
    block
}

fn give_back(size: usize) {
    TAKEN.fetch_sub(size, Ordering::Relaxed);
}

// SAFETY: every block is the system allocator's, asked for and given back with the layout that the caller gave, whose obligations
// are the same as the system's. Counting touches two atomics and nothing of the block.
unsafe impl GlobalAlloc for Capped {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's layout is not of size zero, which is all that the system asks for.
        taken(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as above.
        taken(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's block came from here, so from the system, with this layout.
        unsafe { System.dealloc(block, layout) };
        give_back(layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        // SAFETY: as for dealloc; the caller's new size is not zero and fits with the alignment.
        let moved = unsafe { System.realloc(block, layout, size) };
        give_back(if moved.is_null() { size } else { layout.size() });
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(bytes("1000"), Ok(1000));
        assert_eq!(bytes("2K"), Ok(2048));
        assert_eq!(bytes("1.5m"), Ok(1_572_864));
        assert_eq!(bytes("2G"), Ok(2_147_483_648));
        for wrong in ["", "G", "-1G", "0", "1T", "nanM", "1e999", "4 µ"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
