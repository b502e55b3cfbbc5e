//! Where numbers live and what runs on them. The device fixes the element type: `Reference` is f64 (slow, plain, the
//! judge), the others are f32.

use crate::{
    arena::{Arena, Kept, Lease},
    cuda::{Gpu, Pooled, Precision},
    error::{Error, Result},
    simd::Isa,
};
use std::{fmt, sync::Arc};

/// What computes.
#[derive(Clone, Debug)]
pub enum Device {
    /// Textbook formulas in f64: the judge.
    Reference,
    /// The same formulas in f32: what the error of a fast path is measured against.
    Reference32,
    /// Vector kernels in f32.
    Cpu(Cpu),
    /// CUDA kernels in f32.
    Cuda(Arc<Gpu>),
}

/// What computes, for a reader: results agree between devices, but not in every bit.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Reference => f.write_str("reference"),
            Device::Reference32 => f.write_str("reference in f32"),
            Device::Cpu(cpu) => write!(f, "CPU with {}", cpu.isa.name()),
            Device::Cuda(gpu) => write!(f, "{}, {:?}", gpu.name(), gpu.precision()),
        }
    }
}

/// Whether one op may use more than the calling thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Par {
    /// The caller is a worker among workers.
    Seq,
    /// The caller owns the whole machine: big ops use rayon's pool.
    Threads,
}

/// An instruction set and the buffers of the worker that uses it.
#[derive(Clone, Debug)]
pub struct Cpu {
    pub isa: Isa,
    pub par: Par,
    arena: Arc<Arena>,
}

impl Cpu {
    /// `len` values of scratch; what they hold is not defined.
    pub(crate) fn scratch(&self, len: usize) -> Lease {
        self.arena.take(len)
    }

    /// Fills the free buffers with NaN, to catch a kernel that reads what it has not written.
    pub fn poison(&self) {
        self.arena.poison();
    }
}

/// Memory on a device; a clone shares it.
#[derive(Clone, Debug)]
pub(crate) enum Buffer {
    Reference(Arc<Vec<f64>>),
    Cpu(Lease),
    Cuda(Pooled),
}

impl Buffer {
    pub fn is_shared(&self) -> bool {
        match self {
            Buffer::Reference(x) => Arc::strong_count(x) > 1,
            Buffer::Cpu(x) => x.is_shared(),
            Buffer::Cuda(x) => x.is_shared(),
        }
    }
}

impl Device {
    /// The CPU with the best instruction set it has, one thread per op.
    pub fn cpu() -> Self {
        Self::cpu_with(Isa::detect(), Par::Seq)
    }

    /// The CPU with a chosen instruction set.
    pub fn cpu_with(isa: Isa, par: Par) -> Self {
        Device::Cpu(Cpu { isa, par, arena: Default::default() })
    }

    /// GPU `ordinal`, with matrix products in f32; an error where there is none.
    pub fn cuda(ordinal: usize) -> Result<Self> {
        Self::cuda_with(ordinal, Precision::F32)
    }

    /// GPU `ordinal`, with matrix products in `precision`.
    pub fn cuda_with(ordinal: usize, precision: Precision) -> Result<Self> {
        Ok(Device::Cuda(Arc::new(Gpu::new(ordinal, precision)?)))
    }

    /// `cpu`, `cuda:N`, or `auto`: the first GPU where there is one, else the CPU. `precision` is a GPU's.
    pub fn named(name: &str, precision: Precision) -> Result<Self> {
        match name.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(ordinal)) => Device::cuda_with(ordinal, precision),
            None if name == "cpu" => Ok(Device::cpu()),
            None if name == "auto" => match Gpu::count() {
                Ok(1..) => Device::cuda_with(0, precision),
                _ => Ok(Device::cpu()),
            },
            _ => Err(Error::Device(format!("expected auto, cpu or cuda:N, got {name:?}"))),
        }
    }

    /// Returns when all that has been asked for is done.
    pub fn wait(&self) -> Result<()> {
        match self {
            Device::Cuda(gpu) => gpu.wait(),
            _ => Ok(()),
        }
    }

    /// The same device with buffers of its own, for one more worker.
    pub fn worker(&self) -> Self {
        match self {
            Device::Cpu(cpu) => Self::cpu_with(cpu.isa, Par::Seq),
            other => other.clone(),
        }
    }

    /// Whether an op can take operands of both. Each GPU has a memory and an order of work of its own.
    pub(crate) fn same_kind(&self, other: &Device) -> bool {
        match (self, other) {
            (Device::Cuda(a), Device::Cuda(b)) => Arc::ptr_eq(a, b),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Something this worker has kept that `fits`, or else what `make` makes; kept again after use.
    pub(crate) fn keep<T: Send + 'static>(
        &self,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Kept<T> {
        match self {
            Device::Cpu(cpu) => cpu.arena.keep(fits, make),
            _ => Kept::once(make()),
        }
    }

    /// What `pass` gives. A GPU takes work that is the same whenever `name` and `samples` are, uploads apart, as a whole; it
    /// may run `pass` twice. Nothing in it waits for the GPU.
    pub(crate) fn repeat<T>(
        &self,
        name: &'static str,
        samples: usize,
        mut pass: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        match self {
            Device::Cuda(gpu) => gpu.repeat((name, samples), pass),
            _ => pass(),
        }
    }

    /// A buffer whose contents are not defined; every kernel writes all of its outputs.
    pub(crate) fn unwritten(&self, len: usize) -> Result<Buffer> {
        Ok(match self {
            Device::Reference => Buffer::Reference(vec![f64::NAN; len].into()),
            Device::Cuda(gpu) => Buffer::Cuda(gpu.scratch(len)?),
            Device::Reference32 | Device::Cpu(_) => Buffer::Cpu(self.lease(len)),
        })
    }

    /// A buffer of what `fill` writes.
    pub(crate) fn filled(&self, len: usize, fill: impl FnOnce(&mut [f32])) -> Result<Buffer> {
        if let Device::Reference32 | Device::Cpu(_) = self {
            let mut lease = self.lease(len);
            fill(&mut lease);
            return Ok(Buffer::Cpu(lease));
        }
        let mut values = vec![0.0; len];
        fill(&mut values);
        self.upload(values.into_iter().map(f64::from))
    }

    pub(crate) fn upload(&self, x: impl ExactSizeIterator<Item = f64>) -> Result<Buffer> {
        Ok(match self {
            Device::Reference => Buffer::Reference(x.collect::<Vec<_>>().into()),
            Device::Cuda(gpu) => Buffer::Cuda(gpu.upload(&x.map(|x| x as f32).collect::<Vec<_>>())?),
            Device::Reference32 | Device::Cpu(_) => {
                let mut lease = self.lease(x.len());
                lease.iter_mut().zip(x).for_each(|(y, x)| *y = x as f32);
                Buffer::Cpu(lease)
            }
        })
    }

    /// An array of this worker, or, where there is no worker, one used once.
    fn lease(&self, len: usize) -> Lease {
        match self {
            Device::Cpu(cpu) => cpu.scratch(len),
            _ => Arc::<Arena>::default().take(len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_gpu_is_an_error_and_names_are_checked() {
        if let Err(e) = Device::cuda(4096) {
            assert!(e.to_string().starts_with("device: "), "{e}");
        } else {
            panic!("no machine has 4097 GPUs");
        }
        let named = |name| Device::named(name, Precision::F32);
        assert!(matches!(named("cpu"), Ok(Device::Cpu(_))) && named("auto").is_ok());
        assert!(named("gpu").is_err() && named("cuda:x").is_err());
    }
}
