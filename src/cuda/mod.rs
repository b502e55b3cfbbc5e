//! One NVIDIA GPU, found at run time: nothing here needs a driver to build.
//!
//! All work is queued on one stream, in the order in which it is asked for, but for uploads of passes that are known, which
//! have one of their own; only a download waits, and a look at a number that is awaited. Memory comes from a
//! pool, kernels from `kernels/`, compiled for the GPU at hand or else as they were committed.

mod awaited;
mod cache;
mod compile;
mod landing;
mod launch;
mod pool;
pub(crate) mod product;
mod script;
mod source;
mod staging;
mod view;

use crate::error::{Error, Result};
pub(crate) use awaited::Awaited;
use awaited::Slots;
use cudarc::driver::{CudaContext, CudaStream, DriverError, result, sys};
use landing::Uploads;
pub(crate) use launch::Launch;
use pool::Pool;
pub(crate) use pool::Pooled;
use script::{Script, Work};
use source::Kernels;
pub(crate) use source::{Source, kernels};
use staging::Staging;
use std::{
    collections::HashMap,
    str::FromStr,
    sync::{Arc, Condvar, Mutex, PoisonError},
};
pub(crate) use view::{Plain, View, ViewMut};

/// The arithmetic of matrix products; everything else is f32. Sums are kept in f32 throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Fused multiply-add of f32.
    #[default]
    F32,
    /// Factors rounded to 10 bits of mantissa, on tensor cores.
    Tf32,
    /// Factors rounded to 7 bits of mantissa, on tensor cores.
    Bf16,
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "f32" => Ok(Precision::F32),
            "tf32" => Ok(Precision::Tf32),
            "bf16" => Ok(Precision::Bf16),
            _ => Err(Error::Setting(format!("expected f32, tf32 or bf16, got {name:?}"))),
        }
    }
}

/// A GPU: its context, the stream all work is queued on, its memory and its compiled kernels.
#[derive(Debug)]
pub struct Gpu {
    name: String,
    precision: Precision,
    kernels: Kernels,
    staging: Mutex<Option<Staging>>,
    uploads: Mutex<Option<Uploads>>,
    slots: Arc<Slots>,
    /// Passes that are known.
    scripts: Mutex<HashMap<script::Key, Script>>,
    /// The pass under way, which other threads wait for.
    running: Mutex<Option<Script>>,
    ended: Condvar,
    pool: Arc<Pool>,
    stream: Arc<CudaStream>,
    context: Arc<CudaContext>,
}

impl From<DriverError> for Error {
    fn from(e: DriverError) -> Self {
        Error::Device(format!("CUDA driver: {e}"))
    }
}

impl Gpu {
    /// Opens GPU `ordinal`. A machine without a driver, or without that GPU, is an error, never a panic.
    pub fn new(ordinal: usize, precision: Precision) -> Result<Self> {
        let found = Self::count()?;
        if ordinal >= found {
            return Err(Error::Device(format!("cuda:{ordinal} asked for, {found} CUDA devices found")));
        }
        let context = CudaContext::new(ordinal)?;
        let (major, minor) = context.compute_capability()?;
        if major < 8 {
            let expected = "expected compute capability 8.0 (A100, RTX 30) or newer";
            return Err(Error::Device(format!("cuda:{ordinal}: {expected}, got {major}.{minor}")));
        }
        let stream = context.new_stream()?;
        let pool = Arc::new(Pool::new(context.clone(), stream.clone()));
        let name = context.name()?;
        let kernels = Kernels::new(&context)?;
        let (scripts, running) = (Mutex::default(), Mutex::default());
        let (staging, uploads) = (Mutex::default(), Mutex::default());
        let slots = Arc::new(Slots::new(&stream));
        Ok(Self {
            name,
            precision,
            kernels,
            staging,
            uploads,
            slots,
            scripts,
            running,
            ended: Condvar::new(),
            pool,
            stream,
            context,
        })
    }

    /// How many GPUs there are; an error where there is no driver.
    pub fn count() -> Result<usize> {
        // SAFETY: only looks for the shared library. Without this check cudarc panics where there is no driver.
        if !unsafe { sys::is_culib_present() } {
            return Err(Error::Device("no CUDA driver found".into()));
        }
        Ok(CudaContext::device_count()? as usize)
    }

    /// What the driver calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arithmetic of its matrix products.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Fills the free memory of its pool with NaN, to catch a kernel that reads what it has not written.
    pub fn poison(&self) -> Result<()> {
        let _turn = self.running();
        self.pool.poison()
    }

    /// `len` values that hold whatever their last user left.
    pub(crate) fn scratch(&self, len: usize) -> Result<Pooled> {
        self.scratch_of(len)
    }

    /// As [`Gpu::scratch`], of values of another type.
    pub(crate) fn scratch_of<T: Copy>(&self, len: usize) -> Result<Pooled<T>> {
        let running = self.running();
        if let Some(script) = &*running {
            return script.pool().take(len);
        }
        self.pool.take(len).or_else(|e| match e {
            Error::OutOfMemory { .. } if self.forget() => self.pool.take(len),
            other => Err(other),
        })
    }

    /// A copy of `values` on the GPU. What an op knows beside its operands and its sizes goes this way, and not among a
    /// kernel's arguments, so that steps of the same shapes are the same launches.
    pub(crate) fn upload<T: Plain>(&self, values: &[T]) -> Result<Pooled<T>> {
        if let Some(copy) = self.running().as_mut().and_then(|script| script.upload(values)) {
            return Ok(copy);
        }
        let mut copy = self.scratch_of(values.len())?;
        self.write(values, copy.view_mut())?;
        Ok(copy)
    }

    /// Copies `values`, of as many, to the GPU, without waiting for work that is queued.
    fn write<T: Plain>(&self, values: &[T], to: ViewMut<T>) -> Result<()> {
        let _turn = self.running();
        self.context.bind_to_thread()?;
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        if staging.is_none() {
            *staging = Some(Staging::new(&self.stream)?);
        }
        let staging = staging.as_mut().expect("just made");
        staging.upload(values, to)
    }

    /// Waits for the work that `from` is made by, and copies it.
    pub(crate) fn download(&self, from: View, into: &mut [f32]) -> Result<()> {
        assert_eq!(from.len(), into.len(), "a download has room for what it is of");
        let running = self.running();
        if running.is_some() {
            return Err(Error::Device("a pass that is repeated cannot download".into()));
        }
        self.context.bind_to_thread()?;
        // SAFETY: both sides hold `len` values, and the stream has done its work before either can go.
        unsafe { result::memcpy_dtoh_async(into, from.address(), self.stream.cu_stream())? };
        Ok(self.stream.synchronize()?)
    }

    /// Waits for all work that is queued.
    pub(crate) fn wait(&self) -> Result<()> {
        let _turn = self.running();
        Ok(self.stream.synchronize()?)
    }

    /// Makes all values zero.
    pub(crate) fn clear(&self, x: ViewMut) -> Result<()> {
        self.ask(Work::Clear(x.address(), 4 * x.len()))
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // Kernels that are queued are loaded until they have run. A driver that fails here has lost them already.
        let _ = self.context.bind_to_thread().and_then(|()| self.stream.synchronize());
    }
}
