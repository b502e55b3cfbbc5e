//! Allocation, copies and fills.

use crate::driver::driver;
use crate::error::{CAPTURE_UNSUPPORTED, Code, INVALID_VALUE, OUT_OF_MEMORY, driver_calls, fault, give};
use crate::graph::Node;
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{c_int, c_uint, c_void};

const POOL: *mut c_void = 0x9001_0000 as *mut c_void;

fn allocate(bytes: usize) -> Result<u64, Code> {
    let mut d = driver();
    if bytes == 0 {
        return Err(INVALID_VALUE);
    }
    if bytes > d.limit.saturating_sub(d.memory.used()) {
        return Err(OUT_OF_MEMORY);
    }
    d.counts.allocations += 1;
    let address = d.memory.allocate(bytes).ok_or(OUT_OF_MEMORY)?;
    d.ordered.allocated(address, bytes);
    Ok(address)
}

fn free(address: u64) -> Result<(), Code> {
    // The driver, too, takes a null pointer for nothing to do.
    if address == 0 {
        return Ok(());
    }
    let mut d = driver();
    if d.memory.free(address) {
        d.ordered.freed(address);
        return Ok(());
    }
    Err(fault(INVALID_VALUE, format!("free of {address:#x}, which is no live buffer's start")))
}

fn pinned_layout(bytes: usize) -> Result<Layout, Code> {
    Layout::from_size_align(bytes.max(1), 4096).map_err(|_| OUT_OF_MEMORY)
}

fn allocate_pinned(to: *mut *mut c_void, bytes: usize) -> Result<(), Code> {
    let mut d = driver();
    d.uncapturable("an allocation of pinned memory")?;
    // SAFETY: the layout is never of size 0.
    let start = unsafe { alloc(pinned_layout(bytes)?) };
    if start.is_null() {
        return Err(OUT_OF_MEMORY);
    }
    d.pinned.insert(start as usize, bytes);
    // SAFETY: the caller's contract: `to` is valid for a write.
    unsafe { give(to, start.cast()) }
}

/// A copy or fill of nothing is nothing, whatever its addresses.
fn submit(stream: *mut c_void, bytes: usize, node: Node) -> Result<(), Code> {
    if bytes == 0 { Ok(()) } else { driver().submit(stream, node) }
}

fn at_once(bytes: usize, node: Node) -> Result<(), Code> {
    let mut d = driver();
    d.uncapturable("a synchronous copy or fill")?;
    d.counts.waits += 1;
    if bytes == 0 { Ok(()) } else { node.run(&mut d) }
}

driver_calls! {
    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) {
        let d = driver();
        // SAFETY: the caller's contract.
        unsafe {
            give(free, d.limit.saturating_sub(d.memory.used()))?;
            give(total, d.limit)?;
        }
    }
    fn cuMemAlloc_v2(address: *mut u64, bytes: usize) {
        driver().uncapturable("an allocation")?;
        // SAFETY: the caller's contract.
        unsafe { give(address, allocate(bytes)?)? };
    }
    fn cuMemAllocAsync(address: *mut u64, bytes: usize, stream: *mut c_void) {
        if driver().capture(stream).is_some() {
            return Err(fault(CAPTURE_UNSUPPORTED, "an allocation in a graph: make it before the capture"));
        }
        // SAFETY: the caller's contract.
        unsafe { give(address, allocate(bytes)?)? };
    }
    fn cuMemFree_v2(address: u64) {
        driver().uncapturable("a free")?;
        free(address)?;
    }
    fn cuMemFreeAsync(address: u64, stream: *mut c_void) {
        if driver().capture(stream).is_some() {
            return Err(fault(CAPTURE_UNSUPPORTED, "a free in a graph: keep the buffer until after the capture"));
        }
        free(address)?;
    }
    fn cuMemHostAlloc(to: *mut *mut c_void, bytes: usize, _flags: c_uint) {
        allocate_pinned(to, bytes)?;
    }
    fn cuMemAllocHost_v2(to: *mut *mut c_void, bytes: usize) {
        allocate_pinned(to, bytes)?;
    }
    fn cuMemFreeHost(start: *mut c_void) {
        let mut d = driver();
        let bytes = d.pinned.remove(&(start as usize));
        let bytes = bytes.ok_or_else(|| fault(INVALID_VALUE, "free of host memory that was not pinned"))?;
        // SAFETY: it was allocated with this layout, and is freed once: its entry is gone.
        unsafe { dealloc(start.cast(), pinned_layout(bytes)?) };
    }
    fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, bytes: usize) {
        at_once(bytes, Node::CopyIn { to, from: from as usize, bytes })?;
    }
    fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, bytes: usize) {
        at_once(bytes, Node::CopyOut { to: to as usize, from, bytes })?;
    }
    fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) {
        at_once(bytes, Node::Copy { to, from, bytes })?;
    }
    fn cuMemcpyHtoDAsync_v2(to: u64, from: *const c_void, bytes: usize, stream: *mut c_void) {
        submit(stream, bytes, Node::CopyIn { to, from: from as usize, bytes })?;
    }
    fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: u64, bytes: usize, stream: *mut c_void) {
        submit(stream, bytes, Node::CopyOut { to: to as usize, from, bytes })?;
    }
    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: *mut c_void) {
        submit(stream, bytes, Node::Copy { to, from, bytes })?;
    }
    fn cuMemsetD8_v2(to: u64, value: u8, n: usize) {
        at_once(n, Node::Fill { to, pattern: vec![value], bytes: n })?;
    }
    fn cuMemsetD32_v2(to: u64, value: u32, n: usize) {
        at_once(n, Node::Fill { to, pattern: value.to_le_bytes().to_vec(), bytes: 4 * n })?;
    }
    fn cuMemsetD8Async(to: u64, value: u8, n: usize, stream: *mut c_void) {
        submit(stream, n, Node::Fill { to, pattern: vec![value], bytes: n })?;
    }
    fn cuMemsetD16Async(to: u64, value: u16, n: usize, stream: *mut c_void) {
        submit(stream, n, Node::Fill { to, pattern: value.to_le_bytes().to_vec(), bytes: 2 * n })?;
    }
    fn cuMemsetD32Async(to: u64, value: u32, n: usize, stream: *mut c_void) {
        submit(stream, n, Node::Fill { to, pattern: value.to_le_bytes().to_vec(), bytes: 4 * n })?;
    }
    fn cuDeviceGetDefaultMemPool(pool: *mut *mut c_void, _device: c_int) {
        // SAFETY: the caller's contract.
        unsafe { give(pool, POOL)? };
    }
    fn cuDeviceGetMemPool(pool: *mut *mut c_void, _device: c_int) {
        // SAFETY: the caller's contract.
        unsafe { give(pool, POOL)? };
    }
    fn cuMemPoolSetAttribute(_pool: *mut c_void, _which: c_int, _value: *mut c_void) {}
    fn cuMemPoolTrimTo(_pool: *mut c_void, _bytes: usize) {}
}
