use super::{Dims, Pairs, Places};
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, write},
};

pub fn forward(
    cpu: &Cpu,
    (pairs, places): (Pairs, &mut Places),
    d: Dims,
    [weight, bias]: [&[f32]; 2],
    [y]: [&mut [f32]; 1],
) {
    cpu.isa.run(Forward { cpu, pairs, places, d, weight, bias, y });
}

struct Forward<'a> {
    cpu: &'a Cpu,
    pairs: Pairs<'a>,
    places: &'a mut Places,
    d: Dims,
    weight: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

/// Rows of vectors of `outs` values: channels of the result padded to whole vectors.
#[derive(Clone, Copy)]
struct Sizes {
    outs: usize,
    /// Values of a map's row, convolved.
    row: usize,
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Forward { cpu, pairs, places, d, weight, bias, y } = self;
        let Places { symbols, facing, pairs: pairs_with_some } = places;
        let Pairs { tokens, rows, columns, vocabulary, .. } = pairs;
        let (kh, kw) = d.kernel;
        let outs = d.outs.next_multiple_of(S::LANES);
        let sizes = Sizes { outs, row: columns * outs };
        // The weight's rows by tap and symbol: 0 is no pair, then the channels.
        let mut taps = cpu.scratch(kh * kw * (d.channels + 1) * outs);
        taps.fill(0.0);
        for (tap, weight) in weight.chunks_exact(d.channels * d.outs).enumerate() {
            for (channel, weight) in weight.chunks_exact(d.outs).enumerate() {
                taps[(tap * (d.channels + 1) + channel + 1) * outs..][..d.outs].copy_from_slice(weight);
            }
        }
        let mut start = cpu.scratch(outs);
        start.fill(0.0);
        start[..d.outs].copy_from_slice(bias);
        // By the kernel's row and the token: that row's share. The last is that of a row where nothing pairs.
        let mut shares = cpu.scratch((kh * vocabulary + 1) * sizes.row);
        let none = kh * vocabulary;
        shares[none * sizes.row..].fill(0.0);
        symbols.fill(0);
        let size = rows / d.pool * (columns / d.pool) * d.outs;
        for (tokens, y) in tokens.chunks_exact(rows + columns).zip(y.chunks_exact_mut(size.max(1))) {
            let (left, right) = tokens.split_at(rows);
            pairs_with_some.fill(false);
            for token in 0..vocabulary {
                let to = &mut symbols[(kw - 1) / 2..][..columns];
                for (symbol, &other) in to.iter_mut().zip(right.iter().rev()) {
                    *symbol = (pairs.channel)(token as u32, other).map_or(0, |channel| channel + 1);
                }
                if to.iter().all(|&symbol| symbol == 0) || !left.contains(&(token as u32)) {
                    continue;
                }
                pairs_with_some[token] = true;
                for u in 0..kh {
                    let taps = &taps[u * kw * (d.channels + 1) * outs..][..kw * (d.channels + 1) * outs];
                    let share = &mut shares[(u * vocabulary + token) * sizes.row..][..sizes.row];
                    convolve(s, (taps, d.channels + 1), (symbols, kw), share, outs);
                }
            }
            for (i, facing) in facing.chunks_exact_mut(kh).enumerate() {
                for (u, facing) in facing.iter_mut().enumerate() {
                    let token = (i + u).checked_sub((kh - 1) / 2).and_then(|row| left.get(row));
                    *facing = match token {
                        Some(&token) if pairs_with_some[token as usize] => u * vocabulary + token as usize,
                        _ => none,
                    };
                }
            }
            pool(s, d, (&shares, sizes), (facing, &start), columns, y);
        }
    }
}

/// `share[j] = sum_v taps[v, symbols[j + v]]`, all of them rows of `outs` values.
#[inline(always)]
fn convolve<S: Simd>(
    s: S,
    (taps, kinds): (&[f32], usize),
    (symbols, kw): (&[u8], usize),
    share: &mut [f32],
    outs: usize,
) {
    for (symbols, share) in symbols.windows(kw).zip(share.chunks_exact_mut(outs)) {
        for (o, share) in share.chunks_exact_mut(S::LANES).enumerate() {
            let mut sum = s.splat(0.0);
            for (v, &symbol) in symbols.iter().enumerate() {
                sum = s.add(sum, s.load(&taps[(v * kinds + symbol as usize) * outs + o * S::LANES..]));
            }
            s.store(share, sum);
        }
    }
}

/// `y[i, j] = max over the window of relu(start + sum_u shares[facing[row, u], column])`
#[inline(always)]
fn pool<S: Simd>(
    s: S,
    d: Dims,
    (shares, Sizes { outs, row }): (&[f32], Sizes),
    (facing, start): (&[usize], &[f32]),
    columns: usize,
    y: &mut [f32],
) {
    let kh = d.kernel.0;
    let wide = columns / d.pool * d.outs;
    if wide == 0 {
        return;
    }
    for (i, y) in y.chunks_exact_mut(wide).enumerate() {
        for (j, y) in y.chunks_exact_mut(d.outs).enumerate() {
            for (o, y) in y.chunks_mut(S::LANES).enumerate() {
                let mut greatest = s.splat(0.0);
                for facing in facing[i * d.pool * kh..][..d.pool * kh].chunks_exact(kh) {
                    for q in 0..d.pool {
                        let at = (j * d.pool + q) * outs + o * S::LANES;
                        let mut sum = s.load(&start[o * S::LANES..]);
                        for &share in facing {
                            sum = s.add(sum, s.load(&shares[share * row + at..]));
                        }
                        greatest = s.max(sum, greatest);
                    }
                }
                write(s, y, greatest);
            }
        }
    }
}
