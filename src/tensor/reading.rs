use super::Tensor;
use crate::{
    cuda::Awaited,
    device::{Buffer, Device},
    error::{Error, Result},
};

/// A number that a device is asked for, or a sum of such: a GPU may still be at it, and is not waited for before
/// [`Reading::value`].
#[derive(Debug, Default)]
pub struct Reading {
    known: f64,
    awaited: Vec<Awaited>,
}

impl Reading {
    /// Waits for what is not there yet.
    pub fn value(self) -> Result<f64> {
        self.awaited.into_iter().try_fold(self.known, |sum, part| Ok(sum + f64::from(part.number()?)))
    }

    /// Whether there is nothing to wait for.
    pub(crate) fn is_known(&self) -> bool {
        self.awaited.is_empty()
    }

    pub(crate) fn add(&mut self, other: Reading) {
        self.known += other.known;
        self.awaited.extend(other.awaited);
    }
}

impl From<f64> for Reading {
    fn from(known: f64) -> Self {
        Self { known, awaited: vec![] }
    }
}

impl From<Awaited> for Reading {
    fn from(awaited: Awaited) -> Self {
        Self { known: 0.0, awaited: vec![awaited] }
    }
}

impl Tensor {
    /// The value of a tensor that has one, such as a loss.
    pub fn reading(&self) -> Result<Reading> {
        if self.len() != 1 {
            return Err(Error::shape("reading", "one value", self));
        }
        Ok(match (&self.buffer, &self.device) {
            (Buffer::Reference(x), _) => x[self.offset].into(),
            (Buffer::Cpu(x), _) => f64::from(x[self.offset]).into(),
            (Buffer::Cuda(_), Device::Cuda(gpu)) => gpu.await_number(self.cuda())?.into(),
            (Buffer::Cuda(_), _) => unreachable!("a CUDA buffer's device is CUDA"),
        })
    }
}
