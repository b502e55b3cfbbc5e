//! Where the heads of q, k, v, and of their gradients, lie: in three tensors or side by side in one.

use super::Dims;
use crate::simd::{Simd, prefetch, read};

/// Positions of a tensor, or of one head of one sample of it.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub data: &'a [f32],
    /// Values from one position to the next.
    pub row: usize,
}

impl<'a> Rows<'a> {
    /// `q, k, v` of `qkv [B, T, 3 C]`.
    pub fn apart(qkv: &'a [f32], channels: usize) -> [Self; 3] {
        [0, 1, 2].map(|part| Self { data: &qkv[part * channels..], row: 3 * channels })
    }

    /// Sample `b` of a tensor of so many samples and positions, for [`Ahead`].
    pub fn span(self, samples: usize, time: usize, b: usize) -> (*const f32, usize) {
        let len = if b < samples { time * self.row } else { 0 };
        (self.data.as_ptr().wrapping_add(b * len), len)
    }

    /// The same of q, k and v; what lies between others comes with them.
    pub fn spans(d: Dims, [q, k, v]: [Self; 3], b: usize) -> [(*const f32, usize); 3] {
        let others = if q.row == d.channels() { d.batch } else { 0 };
        [q.span(d.batch, d.tq, b), k.span(others, d.tk, b), v.span(others, d.tk, b)]
    }

    /// From position `t` of sample `b` on, the channels of head `h`.
    pub fn head(self, d: Dims, time: usize, (b, t, h): (usize, usize, usize)) -> Self {
        Self { data: &self.data[(b * time + t) * self.row + h * d.head..], ..self }
    }

    /// From position `t` on.
    #[inline(always)]
    pub fn from(self, t: usize) -> Self {
        Self { data: &self.data[t * self.row..], ..self }
    }

    /// `width` channels of position `t`.
    #[inline(always)]
    pub fn at(self, t: usize, width: usize) -> &'a [f32] {
        &self.data[t * self.row..][..width]
    }

    /// The first `count` rows times `factor`, dense, in whole vectors with zeros behind; then rows of zeros.
    #[inline(always)]
    pub fn pack<S: Simd>(self, s: S, count: usize, width: usize, factor: f32, to: &mut [f32]) {
        let (factor, padded) = (s.splat(factor), width.next_multiple_of(S::LANES));
        let (to, rest) = to.split_at_mut(count * padded);
        for (t, to) in to.chunks_exact_mut(padded).enumerate() {
            for (to, x) in to.chunks_exact_mut(S::LANES).zip(self.at(t, width).chunks(S::LANES)) {
                s.store(to, s.mul(read(s, x), factor));
            }
        }
        rest.fill(0.0);
    }
}

/// What the next sample reads and writes, brought nearer while this one is computed: with few positions a sample's heads
/// are done sooner than its lines come from memory on demand. Addresses only: nothing is read through them here.
pub(super) struct Ahead<const N: usize> {
    parts: [(*const f32, usize); N],
    part: usize,
}

impl<const N: usize> Ahead<N> {
    /// Lines that one tile brings.
    const LINES: usize = 24;

    /// Share `i` of `shares` of spans that begin at these values and are so many long.
    pub fn new((i, shares): (usize, usize), spans: [(*const f32, usize); N]) -> Self {
        let parts = spans.map(|(from, len)| {
            let share = len.div_ceil(shares);
            (from.wrapping_add(i * share), share)
        });
        Self { parts, part: 0 }
    }

    /// Brings some more.
    #[inline(always)]
    pub fn bring(&mut self) {
        if let Some((from, len)) = self.parts.get_mut(self.part) {
            let now = (*len).min(16 * Self::LINES);
            for at in (0..now).step_by(16) {
                prefetch(from.wrapping_add(at));
            }
            (*from, *len) = (from.wrapping_add(now), *len - now);
            self.part += usize::from(*len == 0);
        }
    }
}

/// Where `dq, dk, dv` go.
pub(super) enum Targets<'a> {
    Apart([&'a mut [f32]; 3]),
    /// The parts of a position side by side.
    Together(&'a mut [f32]),
}

/// Gradients of one or more heads.
pub(super) struct Gradients<'a> {
    pub targets: Targets<'a>,
    /// Values from one position to the next.
    pub row: usize,
    /// Values of one of the three at a position.
    pub channels: usize,
    /// The first channel of the head in question.
    pub channel: usize,
}

impl<'a> Gradients<'a> {
    pub fn apart(targets: [&'a mut [f32]; 3], channels: usize) -> Self {
        Self { targets: Targets::Apart(targets), row: channels, channels, channel: 0 }
    }

    pub fn together(target: &'a mut [f32], channels: usize) -> Self {
        Self { targets: Targets::Together(target), row: 3 * channels, channels, channel: 0 }
    }

    /// dq (0), dk (1) or dv (2), from the head's first channel at the first position on.
    #[inline(always)]
    pub fn part(&mut self, part: usize) -> &mut [f32] {
        match &mut self.targets {
            Targets::Apart(all) => &mut all[part][self.channel..],
            Targets::Together(all) => &mut all[part * self.channels + self.channel..],
        }
    }

    /// The sample after the one at which these begin, for [`Ahead`].
    pub fn spans(&self, d: Dims) -> [(*const f32, usize); 3] {
        let after = |x: &[f32], time| (x.as_ptr().wrapping_add(time * self.row), time * self.row);
        match &self.targets {
            Targets::Apart([dq, dk, dv]) => [after(dq, d.tq), after(dk, d.tk), after(dv, d.tk)],
            Targets::Together(all) => [after(all, d.tq), after(all, 0), after(all, 0)],
        }
    }

    /// Head `h` of sample `b`.
    pub fn head(&mut self, d: Dims, b: usize, h: usize) -> Gradients<'_> {
        let row = self.row;
        let targets = match &mut self.targets {
            Targets::Apart([dq, dk, dv]) => {
                let at = |time| b * time * row;
                Targets::Apart([&mut dq[at(d.tq)..], &mut dk[at(d.tk)..], &mut dv[at(d.tk)..]])
            }
            Targets::Together(all) => Targets::Together(&mut all[b * d.tq * row..]),
        };
        Gradients { targets, row, channels: self.channels, channel: h * d.head }
    }

    /// One for each sample.
    pub fn samples(self, d: Dims) -> Vec<Gradients<'a>> {
        let (row, channels) = (self.row, self.channels);
        let of = |targets| Gradients { targets, row, channels, channel: 0 };
        match self.targets {
            Targets::Apart([dq, dk, dv]) => {
                let (dk, dv) = (dk.chunks_exact_mut(d.tk * row), dv.chunks_exact_mut(d.tk * row));
                let all = dq.chunks_exact_mut(d.tq * row).zip(dk.zip(dv));
                all.map(|(dq, (dk, dv))| of(Targets::Apart([dq, dk, dv]))).collect()
            }
            Targets::Together(all) => {
                all.chunks_exact_mut(d.tq * row).map(|all| of(Targets::Together(all))).collect()
            }
        }
    }
}
