//! `y[b, t] = activation(bias + sum_k x[b, t + k dilation - before] W[k])`, zeros outside the sequence: as long as `x`.
//! A sequence is a map of one row, so this is [`super::conv2d`]: one product over all taps at once.

use super::{
    Activation, Op,
    conv2d::{self, Dims},
    sizes,
};
use crate::{
    error::{Error, Result},
    tensor::Tensor,
};

/// `x [B, T, I], weight [K, I, O], bias [O]` to `[B, T, O]`.
#[derive(Debug)]
pub struct Conv1d {
    /// Steps between a kernel's taps; 1 is an ordinary convolution.
    pub dilation: usize,
    pub activation: Option<Activation>,
}

impl Conv1d {
    /// The sizes as a map's, and the result's shape.
    fn dims(&self, [x, weight, bias]: [&Tensor; 3]) -> Result<(Dims, [usize; 3])> {
        let (&[batch, time, ins], &[k, wi, outs]) = (x.shape(), weight.shape()) else {
            return Err(Error::shape(Self::NAME, "x [B, T, I], weight [K, I, O]", (x, weight)));
        };
        if wi != ins || bias.shape() != [outs] || k == 0 || self.dilation == 0 {
            let expected = format!("weight [K >= 1, {ins}, {outs}], bias [{outs}], dilation >= 1");
            return Err(Error::shape(Self::NAME, expected, (weight, bias, self.dilation)));
        }
        sizes(Self::NAME, [(k - 1).saturating_mul(self.dilation)])?;
        Ok((Dims::sequence([batch, time, ins], [k, outs], self.dilation), [batch, time, outs]))
    }
}

impl Op<3> for Conv1d {
    const NAME: &'static str = "conv1d";
    type Saved = conv2d::Saved;

    fn forward(&self, inputs: [&Tensor; 3]) -> Result<(Tensor, Self::Saved)> {
        let (dims, shape) = self.dims(inputs)?;
        let (y, saved) = conv2d::run(self.activation, dims, inputs)?;
        Ok((y.reshape(&shape)?, saved))
    }

    fn infer(&self, inputs: [&Tensor; 3]) -> Result<Tensor> {
        let (dims, shape) = self.dims(inputs)?;
        conv2d::infer(self.activation, dims, inputs)?.reshape(&shape)
    }

    fn backward(&self, s: &Self::Saved, dy: &Tensor, needs: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        conv2d::gradients(self.activation, s, dy, needs)
    }
}
