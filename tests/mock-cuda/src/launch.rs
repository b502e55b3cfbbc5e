//! Launches.

use crate::driver::{Driver, driver};
use crate::error::{
    Code, ILLEGAL_ADDRESS, INVALID_VALUE, LAUNCH_FAILED, MISALIGNED_ADDRESS, NOT_SUPPORTED, OUT_OF_RESOURCES,
    driver_calls, fault, give,
};
use crate::graph::Node;
use ptx_interpreter::{Fault, FaultKind, Launch};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::{Arc, Mutex};

/// A launch as it is submitted: the arguments are copied at once.
#[derive(Clone)]
pub struct Work {
    pub function: Arc<Mutex<crate::driver::Function>>,
    pub launch: Launch,
}

fn code(fault: &Fault) -> Code {
    match fault.kind {
        FaultKind::Misaligned => MISALIGNED_ADDRESS,
        FaultKind::Launch => INVALID_VALUE,
        FaultKind::Deadlock | FaultKind::Execution => LAUNCH_FAILED,
        _ => ILLEGAL_ADDRESS,
    }
}

impl Work {
    pub fn run(&self, d: &mut Driver) -> Result<(), Code> {
        let function = self.function.lock().map_err(|_| INVALID_VALUE)?;
        let launch = self.launch.clone().order(d.order);
        d.counts.launches += 1;
        if !d.launched.contains(&function.label) {
            d.launched.insert(function.label.clone());
        }
        match function.kernel.launch(&mut d.memory, &launch) {
            Ok(stats) => {
                d.counts.thread_instructions += stats.thread_instructions;
                Ok(())
            }
            Err(found) => Err(fault(code(&found), found.to_string())),
        }
    }
}

/// The bytes of each argument.
///
/// # Safety
/// `args` must hold a pointer to each parameter, of the parameter's size.
unsafe fn arguments(
    sizes: impl Iterator<Item = usize>,
    args: *mut *mut c_void,
) -> Result<Vec<Vec<u8>>, Code> {
    let mut all = Vec::new();
    for (i, bytes) in sizes.enumerate() {
        if args.is_null() {
            return Err(fault(INVALID_VALUE, "a kernel with parameters was given none"));
        }
        // SAFETY: this function's contract.
        all.push(unsafe { std::slice::from_raw_parts((*args.add(i)).cast::<u8>(), bytes) }.to_vec());
    }
    Ok(all)
}

driver_calls! {
    fn cuLaunchKernel(
        function: *mut c_void,
        grid_x: c_uint,
        grid_y: c_uint,
        grid_z: c_uint,
        block_x: c_uint,
        block_y: c_uint,
        block_z: c_uint,
        shared: c_uint,
        stream: *mut c_void,
        args: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) {
        let mut d = driver();
        let function = d.functions.get(function)?.clone();
        let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
        if !extra.is_null() {
            return Err(NOT_SUPPORTED);
        }
        let launch = {
            let f = function.lock().map_err(|_| INVALID_VALUE)?;
            if shared as usize > f.dynamic_shared {
                let text = format!(
                    "{}: {shared} bytes of dynamic shared memory, at most {} were asked for before",
                    f.kernel.name(),
                    f.dynamic_shared
                );
                return Err(fault(INVALID_VALUE, text));
            }
            let threads = block.iter().map(|n| u64::from(*n)).product::<u64>();
            if threads > u64::from(f.kernel.max_threads()) {
                let text = format!(
                    "{}: {threads} threads, at most {} by its launch bounds",
                    f.kernel.name(),
                    f.kernel.max_threads()
                );
                return Err(fault(OUT_OF_RESOURCES, text));
            }
            // SAFETY: the caller's contract: a pointer to each parameter.
            let args = unsafe { arguments(f.kernel.param_bytes(), args)? };
            Launch { args, ..Launch::new(grid, block).shared(shared as usize) }
        };
        if grid.contains(&0) || block.contains(&0) {
            return Err(fault(INVALID_VALUE, format!("an empty launch: grid {grid:?}, block {block:?}")));
        }
        d.submit(stream, Node::Launch(Work { function, launch }))?;
    }
    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks: *mut c_int,
        function: *mut c_void,
        threads: c_int,
        shared: usize,
    ) {
        // SAFETY: the caller's contract.
        unsafe { give(blocks, occupancy(function, threads, shared)?)? };
    }
    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks: *mut c_int,
        function: *mut c_void,
        threads: c_int,
        shared: usize,
        _flags: c_uint,
    ) {
        // SAFETY: the caller's contract.
        unsafe { give(blocks, occupancy(function, threads, shared)?)? };
    }
}

/// Blocks that fit a multiprocessor by their threads and shared memory. Registers are not counted.
fn occupancy(function: *mut c_void, threads: c_int, shared: usize) -> Result<c_int, Code> {
    let function = driver().functions.get(function)?.clone();
    let f = function.lock().map_err(|_| INVALID_VALUE)?;
    if threads <= 0 {
        return Err(INVALID_VALUE);
    }
    let by_shared = crate::device::SHARED_OPT_IN / (f.kernel.static_shared() + shared + 1024);
    Ok((2048 / threads).min(by_shared as c_int).min(32))
}
