//! `max_pool2d(relu(conv2d(map)))` of a map of which bases could pair, without making the map: what a scan asks of the first
//! layer of a pairing stem, millions of times. For inference on a CPU; training records [`super::Conv2d`] and
//! [`super::MaxPool2d`], which are the judge of this.
//!
//! A map's row is decided by one base of the miRNA and the whole site, so a map has at most four different rows. Each is
//! convolved once with each row of the kernel, by adding up rows of the weight; a position of the result is then one sum
//! of as many vectors as the kernel has rows, whatever its width and the map's channels.

mod simd;

use crate::{
    device::Device,
    error::{Error, Result},
    tensor::{On, Tensor, on},
};

/// Pairs of sequences of which a map is made: cell `(i, j)` has a 1 in `channel(row i, column j)`.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    /// `[B, rows + columns]`: the rows' tokens, then the columns', from the last column to the first.
    pub tokens: &'a [u32],
    pub rows: usize,
    pub columns: usize,
    /// Tokens there are.
    pub vocabulary: usize,
    /// Where a row's and a column's token meet, the channel that is 1.
    pub channel: fn(u32, u32) -> Option<u8>,
}

/// Sizes.
#[derive(Clone, Copy, Debug)]
struct Dims {
    kernel: (usize, usize),
    channels: usize,
    outs: usize,
    /// Height and width of the pooling's windows; 1 for none.
    pool: usize,
}

/// Room for what one pair's sums are made of; kept by the worker from batch to batch.
struct Places {
    /// The symbols along a row of the padded map: 0 is no pair, then the channels.
    symbols: Vec<u8>,
    /// By row of the map and of the kernel: which share is added.
    facing: Vec<usize>,
    /// By token: whether it pairs with anything in the site.
    pairs: Vec<bool>,
}

impl Places {
    fn new([symbols, facing, pairs]: [usize; 3]) -> Self {
        Places { symbols: vec![0; symbols], facing: vec![0; facing], pairs: vec![false; pairs] }
    }

    fn sizes(&self) -> [usize; 3] {
        [self.symbols.len(), self.facing.len(), self.pairs.len()]
    }
}

impl Pairs<'_> {
    /// `weight [KH, KW, channels, O], bias [O]` to `[B, rows / pool, columns / pool, O]`.
    pub fn convolved(&self, device: &Device, [weight, bias]: [&Tensor; 2], pool: usize) -> Result<Tensor> {
        const NAME: &str = "pair_conv";
        let &[kh, kw, channels, outs] = weight.shape() else {
            return Err(Error::shape(NAME, "weight [KH, KW, channels, O]", weight));
        };
        if bias.shape() != [outs] || pool == 0 || pool > self.rows.min(self.columns) {
            return Err(Error::shape(NAME, format!("bias [{outs}], a pool within the map"), (bias, pool)));
        }
        let batch = self.tokens.len() / (self.rows + self.columns);
        let mut y = Tensor::unwritten(device, &[batch, self.rows / pool, self.columns / pool, outs])?;
        let dims = Dims { kernel: (kh, kw), channels, outs, pool };
        let sizes = [self.columns + kw - 1, self.rows * kh, self.vocabulary];
        let mut places = device.keep(|places: &Places| places.sizes() == sizes, || Places::new(sizes));
        match on([weight, bias], [&mut y])? {
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, (*self, &mut places), dims, inputs, outputs),
            _ => return Err(Error::Device(format!("{NAME} computes on a CPU, not on {device:?}"))),
        }
        Ok(y)
    }
}

#[cfg(test)]
mod tests;
