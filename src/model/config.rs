use crate::{
    data::{Duo, Lengths},
    error::{Error, Result},
};
use serde::{Deserialize, Serialize};

/// The shape of a [`super::Network`]. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Longest miRNA read, nt; shorter ones are padded.
    pub mirna_len: usize,
    /// Site length, nt; shorter ones are padded.
    pub site_len: usize,
    /// Channels of a token.
    pub width: usize,
    pub heads: usize,
    /// Hidden channels of an encoder layer's feed-forward part.
    pub feed_forward: usize,
    /// Encoder layers.
    pub layers: usize,
    /// Taps of the token convolution.
    pub conv_width: usize,
    /// Probability with which a value is dropped in training.
    pub dropout: f32,
    /// Tokens carry a vector that tells miRNA from site.
    pub segments: bool,
    pub positions: PositionKind,
    /// What the network is shown of a pair.
    pub reads: Reads,
    /// The second stem, over the pairing map; without it the network reads tokens only.
    pub pairing: Option<PairingConfig>,
}

/// What a network is shown of a pair. One half alone is a probe of the data: whatever it reaches, no pairing was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    #[default]
    Both,
    /// The miRNA alone (P1); the site is padding.
    Mirna,
    /// The site alone (P2); the miRNA is padding.
    Site,
}

impl Reads {
    /// What is left of `pair`; the other half is empty.
    pub fn of(self, (mirna, site): Duo) -> Duo {
        match self {
            Reads::Both => (mirna, site),
            Reads::Mirna => (mirna, &[]),
            Reads::Site => (&[], site),
        }
    }
}

/// How a token's place is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionKind {
    Sinusoidal,
    Learned,
}

/// The pairing map's convolutions: after each but the last, 2 x 2 max pooling; after the last, the greatest value of each
/// channel over the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairingConfig {
    /// Channels out of each convolution.
    pub channels: Vec<usize>,
    /// Width of each square kernel.
    pub kernels: Vec<usize>,
    /// Hidden channels where map and tokens meet.
    pub hidden: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self::small()
    }
}

impl Config {
    /// The reference network for timing: width 64, 4 heads, 2 layers.
    pub fn small() -> Self {
        Self {
            mirna_len: 30,
            site_len: 40,
            width: 64,
            heads: 4,
            feed_forward: 256,
            layers: 2,
            conv_width: 7,
            dropout: 0.1,
            segments: true,
            positions: PositionKind::Sinusoidal,
            reads: Reads::Both,
            pairing: None,
        }
    }

    /// The larger reference network: width 128, 8 heads, 4 layers.
    pub fn base() -> Self {
        Self { width: 128, heads: 8, feed_forward: 512, layers: 4, ..Self::small() }
    }

    /// `small` or `base`.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "small" => Ok(Self::small()),
            "base" => Ok(Self::base()),
            _ => Err(Error::Setting(format!("expected preset small or base, got {name:?}"))),
        }
    }

    /// The longest sequences read.
    pub fn lengths(&self) -> Lengths {
        Lengths { mirna: self.mirna_len, site: self.site_len }
    }

    /// Tokens a pair has.
    pub fn tokens(&self) -> usize {
        self.mirna_len + self.site_len
    }

    /// Refuses shapes that no network can have, before memory is taken for them.
    pub fn check(&self) -> Result<()> {
        let within = |what: &str, got: usize, low: usize, high: usize| match (low..=high).contains(&got) {
            true => Ok(()),
            false => Err(Error::Setting(format!("model.{what}: expected {low} to {high}, got {got}"))),
        };
        within("mirna_len", self.mirna_len, 1, 64)?;
        within("site_len", self.site_len, 1, 1024)?;
        within("width", self.width, 1, 4096)?;
        within("heads", self.heads, 1, self.width)?;
        within("feed_forward", self.feed_forward, 1, 16384)?;
        within("layers", self.layers, 0, 64)?;
        within("conv_width", self.conv_width, 1, self.tokens())?;
        if !self.width.is_multiple_of(self.heads) {
            let (width, heads) = (self.width, self.heads);
            return Err(Error::Setting(format!(
                "model.heads: expected a divisor of width {width}, got {heads}"
            )));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::Setting(format!(
                "model.dropout: expected 0 to below 1, got {}",
                self.dropout
            )));
        }
        let Some(pairing) = &self.pairing else { return Ok(()) };
        within("pairing.hidden", pairing.hidden, 1, 4096)?;
        within("pairing.channels (how many)", pairing.channels.len(), 1, 4)?;
        within(
            "pairing.kernels (how many)",
            pairing.kernels.len(),
            pairing.channels.len(),
            pairing.channels.len(),
        )?;
        let shrunk = self.mirna_len.min(self.site_len) >> (pairing.channels.len() - 1);
        within("pairing: what pooling leaves of the map", shrunk, 1, 1024)?;
        for (&channels, &kernel) in pairing.channels.iter().zip(&pairing.kernels) {
            within("pairing.channels", channels, 1, 1024)?;
            within("pairing.kernels", kernel, 1, 15)?;
        }
        Ok(())
    }

    /// Multiplications and additions of one forward pass over one pair, counted as `speed.py` does: convolution, linear
    /// layers and attention of the token stem, and the convolutions of the pairing stem.
    pub fn forward_flops(&self) -> f64 {
        let (t, d, f) = (self.tokens() as f64, self.width as f64, self.feed_forward as f64);
        let layer = 2.0 * t * (4.0 * d * d + 2.0 * d * f) + 4.0 * t * t * d;
        let stem = 2.0 * t * d * d * self.conv_width as f64;
        let Some(pairing) = &self.pairing else { return stem + self.layers as f64 * layer };
        let (mut ins, mut rows, mut columns, mut map) = (3, self.mirna_len, self.site_len, 0.0);
        for (&outs, &k) in pairing.channels.iter().zip(&pairing.kernels) {
            map += 2.0 * (rows * columns * k * k * ins * outs) as f64;
            (ins, rows, columns) = (outs, rows / 2, columns / 2);
        }
        stem + self.layers as f64 * layer + map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_refused_by_name() {
        let mut config = Config::small();
        assert!(config.check().is_ok() && Config::base().check().is_ok());
        config.heads = 5;
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "model.heads: expected a divisor of width 64, got 5"
        );
        let pairing = PairingConfig { channels: vec![8, 8], kernels: vec![3], hidden: 4 };
        let config = Config { pairing: Some(pairing), ..Config::small() };
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "model.pairing.kernels (how many): expected 2 to 2, got 1"
        );
    }
}
