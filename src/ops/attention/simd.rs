//! Queries in lanes: a block of [`QUERIES`] is turned once to `[D, queries]`, so that scores come as `[keys, queries]`,
//! the softmax over keys is arithmetic between vectors, and the sums over keys or queries that follow broadcast
//! probabilities from where they lie, with the head's channels in lanes. Nothing else is ever transposed or packed.

use super::{
    Attention, Dims, QUERIES,
    forward::{Block, PackKeys},
    operands::{Ahead, Rows},
};
use crate::{
    device::{Cpu, Par},
    ops::dropout::Mask,
    simd::{Isa, Simd, tile::MOST_ROWS},
};
use rayon::prelude::*;
use std::ops::Range;

/// Keys of a block when there are more than fit one.
const SOME_KEYS: usize = 64;
/// The most keys in a block.
pub(super) const KEYS: usize = 96;
/// Values of a block of scores, with rows that a tile may read past its keys.
pub(super) const SCORES: usize = (KEYS + MOST_ROWS) * QUERIES;

/// The keys of each block.
#[inline(always)]
pub(super) fn key_blocks(keys: usize) -> impl Iterator<Item = Range<usize>> {
    let size = if keys <= KEYS { KEYS } else { SOME_KEYS };
    (0..keys).step_by(size).map(move |from| from..keys.min(from + size))
}

/// Channels of a head in whole vectors of any instruction set.
pub(super) fn padded(d: Dims) -> usize {
    d.head.next_multiple_of(16)
}

/// Values of a head's packed keys, or values.
pub(super) fn keys_len(d: Dims) -> usize {
    (d.tk + MOST_ROWS) * padded(d)
}

/// The next `len` of `rest`.
#[inline(always)]
pub(super) fn cut<'a>(rest: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    let (first, later) = std::mem::take(rest).split_at_mut(len);
    *rest = later;
    first
}

/// Which probabilities of a head's block of queries stay.
#[derive(Clone, Copy)]
pub(super) struct DropOut {
    pub mask: Mask,
    pub sample: usize,
    /// The dropout element of the block's first query and the first key.
    pub first: usize,
    /// Elements of a key.
    pub width: usize,
}

impl DropOut {
    pub fn new(op: &Attention, d: Dims, b: usize, h: usize, from: usize) -> Option<Self> {
        let (first, width) = d.elements(h, from);
        op.dropout.map(|mask| Self { mask, sample: b, first, width })
    }
}

/// Where there is dropout, a bit for each query of each of `keys`, a query a lane, in words of sixteen; and how many words
/// a key has.
#[inline(always)]
pub(super) fn kept<S: Simd>(
    s: S,
    drop_out: Option<DropOut>,
    keys: Range<usize>,
    bits: &mut Bits,
) -> Option<(&[u16], usize)> {
    let DropOut { mask, sample, first, width } = drop_out?;
    let bits = &mut bits[..keys.len() * width / 16];
    mask.keep_bits(s, sample, first + keys.start * width, bits);
    Some((bits, width / 16))
}

/// Of a block of queries and keys.
pub(super) type Bits = [u16; KEYS * QUERIES / 16];

/// The bits of the lanes from `query` on, where `words` are a key's.
#[inline(always)]
pub(super) fn lanes(words: &[u16], query: usize) -> u32 {
    u32::from(words[query / 16]) >> (query % 16)
}

pub fn forward(cpu: &Cpu, op: &Attention, d: Dims, qkv: [Rows; 3], [out, stats]: [&mut [f32]; 2]) {
    if out.is_empty() {
        return;
    }
    let of = Forward { isa: cpu.isa, op, d, qkv };
    let samples = (out.chunks_exact_mut(d.tq * d.channels()), stats.chunks_exact_mut(d.stats_of_sample()));
    let scratch = || (cpu.scratch(2 * keys_len(d)), cpu.scratch(Block::scratch(d)));
    match cpu.par {
        Par::Seq => {
            let (mut keys, mut block) = scratch();
            samples
                .0
                .zip(samples.1)
                .enumerate()
                .for_each(|(b, sample)| of.sample(b, sample, &mut keys, &mut block));
        }
        Par::Threads if d.batch >= rayon::current_num_threads() => {
            let samples: Vec<_> = samples.0.zip(samples.1).enumerate().collect();
            samples.into_par_iter().for_each_init(scratch, |(keys, block), (b, sample)| {
                of.sample(b, sample, keys, block);
            });
        }
        Par::Threads => {
            let mut keys = cpu.scratch(d.heads * 2 * keys_len(d));
            for (b, (out, stats)) in samples.0.zip(samples.1).enumerate() {
                keys.par_chunks_exact_mut(2 * keys_len(d))
                    .enumerate()
                    .for_each(|(h, keys)| of.pack(b, h, keys));
                // Several blocks at a time, so that a head's keys come from far once for all of them.
                let some = d.blocks().div_ceil(4 * rayon::current_num_threads());
                let parts = out.par_chunks_mut(some * QUERIES * d.channels());
                let parts = parts.zip(stats.par_chunks_mut(some * d.stats_of_block())).enumerate();
                parts.for_each_init(
                    || cpu.scratch(Block::scratch(d)),
                    |scratch, (i, (out, stats))| {
                        for (h, keys) in keys.chunks_exact(2 * keys_len(d)).enumerate() {
                            of.blocks((b, i * some, h), keys, (out, stats), scratch);
                        }
                    },
                );
            }
        }
    }
}

struct Forward<'a> {
    isa: Isa,
    op: &'a Attention,
    d: Dims,
    qkv: [Rows<'a>; 3],
}

impl Forward<'_> {
    fn sample(
        &self,
        b: usize,
        (out, stats): (&mut [f32], &mut [f32]),
        keys: &mut [f32],
        scratch: &mut [f32],
    ) {
        let d = self.d;
        for h in 0..d.heads {
            self.pack(b, h, keys);
            self.blocks((b, 0, h), keys, (out, stats), scratch);
        }
    }

    /// Block `first` and those that follow, of the queries of head `h`.
    fn blocks(
        &self,
        (b, first, h): (usize, usize, usize),
        keys: &[f32],
        (out, stats): (&mut [f32], &mut [f32]),
        scratch: &mut [f32],
    ) {
        let d = self.d;
        let blocks = out.chunks_mut(QUERIES * d.channels()).zip(stats.chunks_exact_mut(d.stats_of_block()));
        for (i, (out, stats)) in blocks.enumerate() {
            self.block((b, first + i, h), keys, out, stats, scratch);
        }
    }

    fn pack(&self, b: usize, h: usize, to: &mut [f32]) {
        let (d, count) = (self.d, self.op.keys(self.d, b));
        let [k, v] = [self.qkv[1], self.qkv[2]].map(|x| x.head(d, d.tk, (b, 0, h)));
        self.isa.run(PackKeys { head: d.head, count, k, v, to });
    }

    /// Block `i` of the queries of head `h`, into the rows `out [queries, C]` and what `stats` has for all heads.
    fn block(
        &self,
        (b, i, h): (usize, usize, usize),
        keys: &[f32],
        out: &mut [f32],
        stats: &mut [f32],
        scratch: &mut [f32],
    ) {
        let d = self.d;
        let (from, count) = (i * QUERIES, out.len() / d.channels());
        let (k, v) = keys.split_at(keys_len(d));
        self.isa.run(Block {
            d,
            keys: self.op.keys(d, b),
            q: self.qkv[0].head(d, d.tq, (b, from, h)),
            count,
            k,
            v,
            drop_out: DropOut::new(self.op, d, b, h, from),
            ahead: Ahead::new((h * d.blocks() + i, d.heads * d.blocks()), Rows::spans(d, self.qkv, b + 1)),
            out: &mut out[h * d.head..],
            stats: &mut stats[h * 2 * QUERIES..][..2 * QUERIES],
            scratch,
        });
    }
}
