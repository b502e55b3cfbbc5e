//! How a kernel is queued: its function, geometry and the bytes of its arguments.

use super::{Gpu, Source, View, ViewMut, script::Work, source::Function};
use crate::error::{Error, Result};
use cudarc::driver::{result, sys::CUfunction_attribute};
use std::{
    ffi::c_void,
    sync::{Arc, PoisonError},
};

/// Elements of a thread in pointwise kernels: enough loads at once to hide some of their latency.
const EACH: usize = 4;
/// Threads of a pointwise kernel's block.
const THREADS: usize = 256;

/// A kernel that is given its arguments one by one, in the order of its signature, and then queued.
#[must_use = "nothing runs before `go`"]
pub(crate) struct Launch<'a> {
    gpu: &'a Gpu,
    call: Call,
}

/// All that a launch says.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    function: Arc<Function>,
    /// Blocks.
    grid: [u32; 3],
    /// Threads of a block, in one dimension.
    threads: u32,
    /// Bytes of dynamic shared memory.
    shared: u32,
    /// The arguments' bytes, each argument from a whole word on.
    words: Vec<u64>,
    /// The first word of each argument.
    starts: Vec<usize>,
}

impl Gpu {
    /// Kernel `function` of `source`, on a grid of blocks of `threads`.
    pub(crate) fn launch(
        &self,
        source: &'static Source,
        function: &'static str,
        grid: [u32; 3],
        threads: u32,
    ) -> Result<Launch<'_>> {
        let function = self.kernels.function(&self.context, source, function)?;
        let call = Call { function, grid, threads, shared: 0, words: vec![], starts: vec![] };
        Ok(Launch { gpu: self, call })
    }

    /// A pointwise kernel over `count` elements.
    pub(crate) fn launch_each(
        &self,
        source: &'static Source,
        function: &'static str,
        count: usize,
    ) -> Result<Launch<'_>> {
        if count > i32::MAX as usize {
            return Err(Error::shape(function, "fewer than 2^31 values", count));
        }
        let blocks = count.div_ceil(EACH * THREADS) as u32;
        self.launch(source, function, [blocks, 1, 1], THREADS as u32)
    }

    /// Queues `work`, unless a pass under way asks for it in another way.
    pub(super) fn ask(&self, work: Work) -> Result<()> {
        match &mut *self.running() {
            Some(script) => script.ask(self, work),
            None => self.queue(&work),
        }
    }

    pub(super) fn queue(&self, work: &Work) -> Result<()> {
        self.context.bind_to_thread()?;
        match work {
            Work::Launch(call) => self.start(call),
            &Work::Clear(address, bytes) => {
                // SAFETY: the memory is of so many bytes that are this stream's to write.
                unsafe { result::memset_d8_async(address, 0, bytes, self.stream.cu_stream())? };
                Ok(())
            }
        }
    }

    fn start(&self, call: &Call) -> Result<()> {
        call.allow_shared()?;
        let Call { function, grid: [x, y, z], threads, shared, words, starts } = call;
        let mut arguments: Vec<*mut c_void> =
            starts.iter().map(|&at| (&raw const words[at]).cast_mut().cast()).collect();
        let (stream, block) = (self.stream.cu_stream(), (*threads, 1, 1));
        // SAFETY: the module outlives the call, and every pointer is to an argument's bytes; that these are what the
        // kernel expects is what the caller of `Launch::go` answers for.
        unsafe {
            result::launch_kernel(function.raw(), (*x, *y, *z), block, *shared, stream, &mut arguments)?
        };
        Ok(())
    }
}

impl Launch<'_> {
    /// An argument by value: a `struct Dims` or a number, of an alignment of at most 8.
    pub fn value<T: Copy + 'static>(mut self, value: T) -> Self {
        const { assert!(align_of::<T>() <= align_of::<u64>()) };
        let words = &mut self.call.words;
        let start = words.len();
        words.resize(start + size_of::<T>().div_ceil(size_of::<u64>()), 0);
        // SAFETY: so many words hold a `T`, and a word is aligned at least as a `T` is.
        unsafe { words.as_mut_ptr().add(start).cast::<T>().write(value) };
        self.call.starts.push(start);
        self
    }

    /// An operand, as a pointer to its first value.
    pub fn input<T>(self, x: View<T>) -> Self {
        self.value(x.address())
    }

    /// A result, as a pointer to its first value.
    pub fn output<T>(self, y: ViewMut<T>) -> Self {
        self.value(y.address())
    }

    /// Dynamic shared memory of a block. What is more than a number can say, no GPU has: its driver refuses the launch.
    pub fn shared(mut self, bytes: usize) -> Self {
        self.call.shared = bytes.min(i32::MAX as usize) as u32;
        self
    }

    /// Queues the kernel; where the grid has no block, nothing.
    ///
    /// # Safety
    ///
    /// The arguments match the kernel's signature in order and type, values by value are without padding, and the kernel
    /// reads and writes only inside of its operands.
    pub unsafe fn go(self) -> Result<()> {
        let Self { gpu, call } = self;
        if call.grid.contains(&0) {
            return Ok(());
        }
        gpu.ask(Work::Launch(call))
    }
}

impl Call {
    /// Beside its static shared memory, a kernel may have little that is dynamic unless it is asked for, once.
    fn allow_shared(&self) -> Result<()> {
        let mut shared = self.function.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared > *shared {
            let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function's module outlives the call.
            unsafe {
                result::function::set_function_attribute(self.function.raw(), attribute, self.shared as i32)?;
            }
            *shared = self.shared;
        }
        Ok(())
    }
}
