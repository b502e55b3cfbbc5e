//! Where numbers live and what runs on them. The device fixes the element type: `Reference` is f64 (slow, plain, the
//! judge), the others are f32.

use crate::{
    arena::{Arena, Lease},
    cuda::Gpu,
    error::{Error, Result},
    simd::Isa,
};
use cudarc::driver::CudaSlice;
use std::sync::Arc;

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

/// Memory on a device.
#[derive(Debug)]
pub(crate) enum Buffer {
    Reference(Vec<f64>),
    Cpu(Lease),
    Cuda(CudaSlice<f32>),
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

    /// GPU `ordinal`; an error where there is none.
    pub fn cuda(ordinal: usize) -> Result<Self> {
        Ok(Device::Cuda(Arc::new(Gpu::new(ordinal)?)))
    }

    /// `cpu` or `cuda:N`.
    pub fn named(name: &str) -> Result<Self> {
        match name.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(ordinal)) => Device::cuda(ordinal),
            None if name == "cpu" => Ok(Device::cpu()),
            _ => Err(Error::Device(format!("expected cpu or cuda:N, got {name:?}"))),
        }
    }

    /// The same device with buffers of its own, for one more worker.
    pub fn worker(&self) -> Self {
        match self {
            Device::Cpu(cpu) => Self::cpu_with(cpu.isa, Par::Seq),
            other => other.clone(),
        }
    }

    pub(crate) fn same_kind(&self, other: &Device) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// A buffer whose contents are not defined; every kernel writes all of its outputs.
    pub(crate) fn unwritten(&self, len: usize) -> Result<Buffer> {
        Ok(match self {
            Device::Reference => Buffer::Reference(vec![f64::NAN; len]),
            Device::Reference32 => Buffer::Cpu(Arc::<Arena>::default().take(len)),
            Device::Cpu(cpu) => Buffer::Cpu(cpu.scratch(len)),
            Device::Cuda(gpu) => Buffer::Cuda(gpu.zeros(len)?),
        })
    }

    pub(crate) fn zeros(&self, len: usize) -> Result<Buffer> {
        let mut buffer = self.unwritten(len)?;
        match &mut buffer {
            Buffer::Reference(x) => x.fill(0.0),
            Buffer::Cpu(x) => x.fill(0.0),
            Buffer::Cuda(_) => {} // fresh from the driver's memset
        }
        Ok(buffer)
    }

    pub(crate) fn upload(&self, x: impl ExactSizeIterator<Item = f64>) -> Result<Buffer> {
        Ok(match self {
            Device::Reference => Buffer::Reference(x.collect()),
            Device::Cuda(gpu) => Buffer::Cuda(gpu.upload(&x.map(|x| x as f32).collect::<Vec<_>>())?),
            Device::Reference32 | Device::Cpu(_) => {
                let mut buffer = self.unwritten(x.len())?;
                if let Buffer::Cpu(lease) = &mut buffer {
                    lease.iter_mut().zip(x).for_each(|(y, x)| *y = x as f32);
                }
                buffer
            }
        })
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
        assert!(matches!(Device::named("cpu"), Ok(Device::Cpu(_))));
        assert!(Device::named("gpu").is_err() && Device::named("cuda:x").is_err());
    }
}
