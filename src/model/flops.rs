//! What a forward pass computes.

use super::{Config, Fusion, PairingConfig, Pooling};
use crate::data::PAIR_CHANNELS;

impl Config {
    /// Multiplications and additions of one forward pass over one pair, counted as `speed.py` does: convolutions, linear
    /// layers and attention of the tokens, and the convolutions of the pairing stem. What joins pooled vectors at the end is
    /// a single row, and is left out.
    pub fn forward_flops(&self) -> f64 {
        let (all, d, f) = (self.tokens() as f64, self.width as f64, self.feed_forward as f64);
        let (mirna, site) = (self.mirna_len as f64, self.site_len as f64);
        let stem = 2.0 * all * d * d * (self.conv_width * self.conv_layers) as f64;
        let own = |t: f64| attention([t, d], [t, d]) + 4.0 * t * d * f;
        let (read, layer) = match self.fusion {
            Fusion::Joint => (all, own(all)),
            Fusion::Cross => (site, own(site) + attention([site, d], [mirna, d])),
        };
        let pool = if self.pooling == Pooling::Attention { attention([1.0, d], [read, d]) } else { 0.0 };
        let map = self.pairing.as_ref().map_or(0.0, |pairing| self.pairing_flops(pairing, read));
        stem + self.layers as f64 * layer + pool + map
    }

    /// Of the pairing stem, for `read` tokens.
    fn pairing_flops(&self, pairing: &PairingConfig, read: f64) -> f64 {
        let (mut ins, mut rows, mut columns, mut map) = (PAIR_CHANNELS, self.mirna_len, self.site_len, 0.0);
        for (i, (&outs, &k)) in pairing.channels.iter().zip(&pairing.kernels).enumerate() {
            if i > 0 {
                (rows, columns) = (rows / 2, columns / 2);
            }
            map += 2.0 * (rows * columns * k * k * ins * outs) as f64;
            ins = outs;
        }
        if pairing.joins.tokens() {
            let (columns, hidden) = (columns as f64, pairing.hidden as f64);
            map += 2.0 * columns * ins as f64 * hidden;
            map += attention([read, self.width as f64], [columns, hidden]);
        }
        map
    }
}

/// Of so many tokens of so many channels that look through others: four projections, scores and sums.
fn attention([tokens, width]: [f64; 2], [memory, channels]: [f64; 2]) -> f64 {
    let projections = 2.0 * tokens * 2.0 * width * width + 2.0 * memory * 2.0 * channels * width;
    projections + 4.0 * tokens * memory * width
}
