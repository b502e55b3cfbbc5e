//! Arrays on a device, and `on`, which opens an op's operands there.

mod reading;
mod shape;

pub use reading::Reading;
pub use shape::Shape;

use crate::{
    cuda::{Gpu, View, ViewMut},
    device::{Buffer, Cpu, Device},
    error::{Error, Result},
};
use ndarray::ArrayD;
use std::{ops::Range, sync::Arc};

/// A dense row-major array of at most four dimensions. Immutable once an op has made it; a clone shares the buffer.
#[derive(Clone)]
pub struct Tensor {
    shape: Shape,
    offset: usize,
    buffer: Buffer,
    /// For a matrix among [`crate::params::Params`]: a buffer in which its transpose stands at the same offset.
    turned: Option<Buffer>,
    device: Device,
}

impl Tensor {
    fn over(device: &Device, shape: &[usize], buffer: Buffer) -> Self {
        Self { shape: Shape::new(shape), offset: 0, buffer, turned: None, device: device.clone() }
    }

    /// An output to be written in full; until then it holds anything.
    pub(crate) fn unwritten(device: &Device, shape: &[usize]) -> Result<Self> {
        Ok(Self::over(device, shape, device.unwritten(counted(shape)?)?))
    }

    /// All zeros.
    pub fn zeros(device: &Device, shape: &[usize]) -> Result<Self> {
        let mut zeros = Self::unwritten(device, shape)?;
        zeros.clear()?;
        Ok(zeros)
    }

    /// All `value`.
    pub fn full(device: &Device, shape: &[usize], value: f64) -> Result<Self> {
        Self::upload(device, shape, std::iter::repeat_n(value, counted(shape)?))
    }

    /// What `fill` writes, in row-major order, over values that are not defined.
    pub(crate) fn filled(device: &Device, shape: &[usize], fill: impl FnOnce(&mut [f32])) -> Result<Self> {
        Ok(Self::over(device, shape, device.filled(counted(shape)?, fill)?))
    }

    /// `values` in row-major order, rounded to the device's element type.
    pub fn new(device: &Device, shape: &[usize], values: &[f64]) -> Result<Self> {
        Self::upload(device, shape, values.iter().copied())
    }

    /// As [`Tensor::new`], from f32.
    pub fn from_f32(device: &Device, shape: &[usize], values: &[f32]) -> Result<Self> {
        Self::upload(device, shape, values.iter().map(|&x| x as f64))
    }

    /// As [`Tensor::new`], from an array of any layout.
    pub fn from_array(device: &Device, array: &ArrayD<f32>) -> Result<Self> {
        let values: Vec<f32> = array.iter().copied().collect();
        Self::from_f32(device, array.shape(), &values)
    }

    fn upload(device: &Device, shape: &[usize], values: impl ExactSizeIterator<Item = f64>) -> Result<Self> {
        let expected = counted(shape)?;
        if values.len() != expected {
            return Err(Error::shape("tensor", format!("{expected} values"), (shape, values.len())));
        }
        Ok(Self::over(device, shape, device.upload(values)?))
    }

    /// Extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many values.
    pub fn len(&self) -> usize {
        self.shape.size()
    }

    /// Whether an extent is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same values under another shape of the same size.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        if counted(shape)? != self.len() {
            return Err(Error::shape("reshape", format!("{} values", self.len()), shape));
        }
        Ok(Self { shape: Shape::new(shape), turned: None, ..self.clone() })
    }

    /// A view of consecutive values beginning at `at`.
    pub(crate) fn part(&self, at: usize, shape: &[usize]) -> Self {
        let shape = Shape::new(shape);
        assert!(at + shape.size() <= self.len(), "a part lies inside its tensor");
        Self { shape, offset: self.offset + at, turned: None, ..self.clone() }
    }

    /// The same matrix, knowing that `turned`, laid out as what this is a part of, holds its transpose.
    pub(crate) fn with_turned(mut self, turned: &Tensor) -> Self {
        self.turned = Some(turned.buffer.clone());
        self
    }

    /// The transpose of this matrix `[rows, cols]`, `[cols, rows]`, where it has been kept.
    pub(crate) fn turned(&self) -> Option<&[f32]> {
        match &self.turned {
            Some(Buffer::Cpu(x)) => Some(&x[self.range()]),
            _ => None,
        }
    }

    /// The same values, with outputs computed from them going to `device`'s buffers. Same kind of device only.
    pub(crate) fn used_by(mut self, device: &Device) -> Self {
        assert!(self.device.same_kind(device), "a tensor does not move");
        self.device = device.clone();
        self
    }

    /// Row-major copy.
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        Ok(match &self.buffer {
            Buffer::Reference(x) => x[self.range()].to_vec(),
            Buffer::Cpu(x) => x[self.range()].iter().map(|&x| x as f64).collect(),
            Buffer::Cuda(_) => self.to_f32()?.into_iter().map(f64::from).collect(),
        })
    }

    /// Row-major copy.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        Ok(match &self.buffer {
            Buffer::Reference(x) => x[self.range()].iter().map(|&x| x as f32).collect(),
            Buffer::Cpu(x) => x[self.range()].to_vec(),
            Buffer::Cuda(_) => {
                let mut values = vec![0.0; self.len()];
                self.read(&mut values)?;
                values
            }
        })
    }

    /// Copies the values, in row-major order.
    pub fn read(&self, into: &mut [f32]) -> Result<()> {
        if into.len() != self.len() {
            return Err(Error::shape("read", format!("room for {} values", self.len()), into.len()));
        }
        match (&self.buffer, &self.device) {
            (Buffer::Reference(x), _) => x[self.range()].iter().zip(into).for_each(|(&x, y)| *y = x as f32),
            (Buffer::Cpu(x), _) => into.copy_from_slice(&x[self.range()]),
            (Buffer::Cuda(_), Device::Cuda(gpu)) => gpu.download(self.cuda(), into)?,
            (Buffer::Cuda(_), _) => unreachable!("a CUDA buffer's device is CUDA"),
        }
        Ok(())
    }

    /// Makes all values zero: in place, unless a clone still reads them.
    pub(crate) fn clear(&mut self) -> Result<()> {
        if self.buffer.is_shared() {
            *self = Self::unwritten(&self.device, &self.shape)?;
        }
        let range = self.range();
        match (&mut self.buffer, &self.device) {
            (Buffer::Reference(x), _) => own(x)[range].fill(0.0),
            (Buffer::Cpu(x), _) => x[range].fill(0.0),
            (Buffer::Cuda(x), Device::Cuda(gpu)) => gpu.clear(x.view_mut().part(range))?,
            (Buffer::Cuda(_), _) => unreachable!("a CUDA buffer's device is CUDA"),
        }
        Ok(())
    }

    /// Copy as an array.
    pub fn to_array(&self) -> Result<ArrayD<f32>> {
        Ok(ArrayD::from_shape_vec(self.shape(), self.to_f32()?)
            .expect("a tensor has as many values as its shape"))
    }

    fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }

    fn f64s(&self) -> &[f64] {
        match &self.buffer {
            Buffer::Reference(x) => &x[self.range()],
            _ => unreachable!("{WRONG}"),
        }
    }

    fn f32s(&self) -> &[f32] {
        match &self.buffer {
            Buffer::Cpu(x) => &x[self.range()],
            _ => unreachable!("{WRONG}"),
        }
    }

    fn cuda(&self) -> View<'_> {
        match &self.buffer {
            Buffer::Cuda(x) => x.view().part(self.range()),
            _ => unreachable!("{WRONG}"),
        }
    }

    fn f64s_mut(&mut self) -> &mut [f64] {
        let range = self.range();
        match &mut self.buffer {
            Buffer::Reference(x) => &mut own(x)[range],
            _ => unreachable!("{WRONG}"),
        }
    }

    fn f32s_mut(&mut self) -> &mut [f32] {
        let range = self.range();
        match &mut self.buffer {
            Buffer::Cpu(x) => &mut x[range],
            _ => unreachable!("{WRONG}"),
        }
    }

    fn cuda_mut(&mut self) -> ViewMut<'_> {
        let range = self.range();
        match &mut self.buffer {
            Buffer::Cuda(x) => x.view_mut().part(range),
            _ => unreachable!("{WRONG}"),
        }
    }
}

/// How many values a tensor of `shape` has.
pub(crate) fn counted(shape: &[usize]) -> Result<usize> {
    let count = shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n));
    count
        .filter(|_| shape.len() <= 4)
        .ok_or_else(|| Error::shape("tensor", "at most 4 dimensions, of values that can be counted", shape))
}

/// A [`crate::arena::Lease`] sees to this itself.
fn own<T>(buffer: &mut Arc<T>) -> &mut T {
    Arc::get_mut(buffer).expect("an output has one owner until it is written")
}

const WRONG: &str = "`on` opened a tensor on another device than its buffer's";

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Tensor{:?}", self.shape())
    }
}

/// An op's operands, all on one device: what every op's `match` takes apart.
pub(crate) enum On<'a, const I: usize, const O: usize> {
    Reference([&'a [f64]; I], [&'a mut [f64]; O]),
    Reference32([&'a [f32]; I], [&'a mut [f32]; O]),
    Cpu(&'a Cpu, [&'a [f32]; I], [&'a mut [f32]; O]),
    Cuda(&'a Gpu, [View<'a>; I], [ViewMut<'a>; O]),
}

/// Opens `inputs` and the freshly made `outputs` on the device they share. On a GPU, of sizes that its kernels can count.
pub(crate) fn on<'a, const I: usize, const O: usize>(
    inputs: [&'a Tensor; I],
    outputs: [&'a mut Tensor; O],
) -> Result<On<'a, I, O>> {
    let device = inputs[0].device();
    let operands = || inputs.iter().copied().chain(outputs.iter().map(|t| &**t));
    if let Some(stranger) = operands().find(|t| !t.device().same_kind(device)) {
        let both = format!("operands on different devices: {device:?} and {:?}", stranger.device());
        return Err(Error::Device(both));
    }
    let countable = |t: &Tensor| t.shape().iter().chain([&t.len()]).all(|&n| n <= i32::MAX as usize);
    if let (Device::Cuda(_), Some(large)) = (device, operands().find(|t| !countable(t))) {
        return Err(Error::shape("cuda", "fewer than 2^31 values", large));
    }
    Ok(match device {
        Device::Reference => On::Reference(inputs.map(Tensor::f64s), outputs.map(Tensor::f64s_mut)),
        Device::Reference32 => On::Reference32(inputs.map(Tensor::f32s), outputs.map(Tensor::f32s_mut)),
        Device::Cpu(cpu) => On::Cpu(cpu, inputs.map(Tensor::f32s), outputs.map(Tensor::f32s_mut)),
        Device::Cuda(gpu) => On::Cuda(gpu, inputs.map(Tensor::cuda), outputs.map(Tensor::cuda_mut)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_go_in_and_out() {
        let device = Device::cpu();
        let array = ArrayD::from_shape_fn(vec![2, 3], |i| (i[0] * 3 + i[1]) as f32);
        let t = Tensor::from_array(&device, &array.clone().reversed_axes()).unwrap();
        assert_eq!(t.shape(), [3, 2]);
        assert_eq!(t.to_f32().unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(t.reshape(&[6]).unwrap().part(2, &[2]).to_f64().unwrap(), [1.0, 4.0]);
        assert_eq!(Tensor::from_array(&device, &array).unwrap().to_array().unwrap(), array);
        assert!(Tensor::new(&device, &[2], &[1.0]).is_err() && t.reshape(&[5]).is_err());
    }

    #[test]
    fn operands_on_two_devices_are_an_error() {
        let (a, b) = (Tensor::zeros(&Device::Reference, &[1]), Tensor::zeros(&Device::cpu(), &[1]));
        assert!(on([&a.unwrap(), &b.unwrap()], []).is_err());
    }
}
