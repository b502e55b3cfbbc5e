//! The device and its context.

use crate::driver::driver;
use crate::error::{Code, INVALID_DEVICE, INVALID_VALUE, driver_calls, give};
use std::ffi::{c_char, c_int, c_uint, c_void};

/// Shared memory of a block, if it asks: an A100's.
pub const SHARED_OPT_IN: usize = 166_912;
const CONTEXT: *mut c_void = 0xc0de_0000 as *mut c_void;
const NAME: &[u8] = b"PTX interpreter\0";

/// Attributes that programs ask for, those of an A100; what is not listed is 0.
fn attribute(which: c_int) -> c_int {
    match which {
        1..=3 => 1024,    // threads of a block, and along x and y
        4 => 64,          // along z
        5 => i32::MAX,    // blocks along x
        6 | 7 => 65535,   // along y and z
        8 => 49152,       // shared memory of a block
        9 => 65536,       // constant memory
        10 => 32,         // threads of a warp
        12 | 82 => 65536, // registers of a block, of a multiprocessor
        13 => 1_410_000,  // kHz
        16 => 108,        // multiprocessors
        38 => 40 << 20,   // bytes of second-level cache
        39 => 2048,       // threads of a multiprocessor
        41 => 1,          // unified addressing
        75 => 8,          // compute capability
        81 => 167_936,    // shared memory of a multiprocessor
        97 => SHARED_OPT_IN as c_int,
        106 => 32,   // blocks of a multiprocessor
        111 => 1024, // shared memory that the system takes of a block's
        115 => 1,    // asynchronous allocation
        _ => 0,
    }
}

fn only(device: c_int) -> Result<(), Code> {
    if device == 0 { Ok(()) } else { Err(INVALID_DEVICE) }
}

driver_calls! {
    fn cuInit(_flags: c_uint) {}
    fn cuDriverGetVersion(version: *mut c_int) {
        // SAFETY: the caller's contract.
        unsafe { give(version, driver().release)? };
    }
    fn cuDeviceGetCount(count: *mut c_int) {
        // SAFETY: the caller's contract.
        unsafe { give(count, 1)? };
    }
    fn cuDeviceGet(device: *mut c_int, ordinal: c_int) {
        only(ordinal)?;
        // SAFETY: the caller's contract.
        unsafe { give(device, 0)? };
    }
    fn cuDeviceGetName(name: *mut c_char, capacity: c_int, device: c_int) {
        only(device)?;
        if name.is_null() || (capacity as usize) < NAME.len() {
            return Err(INVALID_VALUE);
        }
        // SAFETY: not null, and the name fits the caller's buffer.
        unsafe { name.copy_from_nonoverlapping(NAME.as_ptr().cast(), NAME.len()) };
    }
    fn cuDeviceGetUuid(uuid: *mut [u8; 16], device: c_int) {
        only(device)?;
        // SAFETY: the caller's contract.
        unsafe { give(uuid, *b"PTX interpreter0")? };
    }
    fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: c_int) {
        only(device)?;
        // SAFETY: the caller's contract.
        unsafe { give(uuid, *b"PTX interpreter0")? };
    }
    fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) {
        only(device)?;
        // SAFETY: the caller's contract.
        unsafe { give(bytes, driver().limit)? };
    }
    fn cuDeviceGetAttribute(value: *mut c_int, which: c_int, device: c_int) {
        only(device)?;
        // SAFETY: the caller's contract.
        unsafe { give(value, attribute(which))? };
    }
    fn cuDevicePrimaryCtxRetain(context: *mut *mut c_void, device: c_int) {
        only(device)?;
        // SAFETY: the caller's contract.
        unsafe { give(context, CONTEXT)? };
    }
    fn cuDevicePrimaryCtxRelease_v2(device: c_int) {
        only(device)?;
    }
    fn cuCtxGetCurrent(context: *mut *mut c_void) {
        // SAFETY: the caller's contract.
        unsafe { give(context, CONTEXT)? };
    }
    fn cuCtxSetCurrent(_context: *mut c_void) {}
    fn cuCtxGetDevice(device: *mut c_int) {
        // SAFETY: the caller's contract.
        unsafe { give(device, 0)? };
    }
    fn cuCtxSynchronize() {
        let mut d = driver();
        d.uncapturable("a wait for the device")?;
        d.counts.waits += 1;
    }
    fn cuCtxSetFlags(_flags: c_uint) {}
    fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) {
        // SAFETY: the caller's contract.
        unsafe {
            give(least, 0)?;
            give(greatest, 0)?;
        }
    }
}
