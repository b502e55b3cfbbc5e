//! One NVIDIA GPU, found at run time: nothing here needs a driver to build.

use crate::error::{Error, Result};
use cudarc::driver::{CudaContext, CudaSlice, CudaStream, CudaViewMut, DriverError, sys};
use std::sync::Arc;

/// A GPU's context and the stream all work is queued on.
#[derive(Debug)]
pub struct Gpu {
    pub(crate) stream: Arc<CudaStream>,
    name: String,
}

impl From<DriverError> for Error {
    fn from(e: DriverError) -> Self {
        Error::Device(format!("CUDA driver: {e}"))
    }
}

impl Gpu {
    /// Opens GPU `ordinal`. A machine without a driver, or without that GPU, is an error, never a panic.
    pub fn new(ordinal: usize) -> Result<Self> {
        // SAFETY: only looks for the shared library. Without this check cudarc panics where there is no driver.
        if !unsafe { sys::is_culib_present() } {
            return Err(Error::Device("no CUDA driver found".into()));
        }
        let found = CudaContext::device_count()? as usize;
        if ordinal >= found {
            return Err(Error::Device(format!("cuda:{ordinal} asked for, {found} CUDA devices found")));
        }
        let context = CudaContext::new(ordinal)?;
        Ok(Self { stream: context.new_stream()?, name: context.name()? })
    }

    /// What the driver calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn zeros(&self, len: usize) -> Result<CudaSlice<f32>> {
        Ok(self.stream.alloc_zeros(len)?)
    }

    pub(crate) fn clear(&self, x: &mut CudaViewMut<f32>) -> Result<()> {
        Ok(self.stream.memset_zeros(x)?)
    }

    pub(crate) fn upload(&self, x: &[f32]) -> Result<CudaSlice<f32>> {
        Ok(self.stream.clone_htod(x)?)
    }

    pub(crate) fn download(&self, x: &CudaSlice<f32>) -> Result<Vec<f32>> {
        Ok(self.stream.clone_dtoh(x)?)
    }
}

/// What an op without a kernel yet answers on a GPU.
pub(crate) fn not_built(op: &'static str) -> Error {
    Error::Device(format!("{op}: its CUDA kernel is not built yet; use the CPU"))
}
