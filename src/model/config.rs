use super::places::BASES;
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
    /// How miRNA and site meet in the encoder.
    #[serde(skip_serializing_if = "is_default")]
    pub fusion: Fusion,
    /// What is made of the tokens after the last layer.
    #[serde(skip_serializing_if = "is_default")]
    pub pooling: Pooling,
    /// In every layer complementary bases attract each other, at first by a score of 1.
    #[serde(skip_serializing_if = "is_default")]
    pub bases: bool,
    /// Token convolutions, one after the other.
    #[serde(skip_serializing_if = "is_one")]
    pub conv_layers: usize,
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

/// A setting that older model files do not have is written only where it says something else than they do: what was trained
/// before it came keeps its bytes and its hash.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one(layers: &usize) -> bool {
    *layers == 1
}

/// How a token's place is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionKind {
    /// Sinusoids are added to tokens.
    Sinusoidal,
    /// Learned vectors are added to tokens.
    Learned,
    /// In every layer sinusoids, times a learned factor, are added to queries and keys: their inner product is one of how far
    /// apart tokens stand, and partners in a duplex are all as far apart.
    Relative,
}

/// How miRNA and site meet in the encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fusion {
    /// Tokens of both attend to tokens of both.
    #[default]
    Joint,
    /// In every layer the site's tokens attend to each other and then to the miRNA's; the site's are what is pooled.
    Cross,
}

/// What is made of the tokens after the last layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    #[default]
    Mean,
    Max,
    /// What one learned query finds in them.
    Attention,
}

/// Where the pairing map meets the tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joins {
    /// Its greatest values meet the pooled tokens.
    #[default]
    Pooled,
    /// Before the encoder tokens attend to the greatest values over the miRNA, column by column along the site.
    Tokens,
    Both,
}

impl Joins {
    pub(super) fn pooled(self) -> bool {
        self != Joins::Tokens
    }

    pub(super) fn tokens(self) -> bool {
        self != Joins::Pooled
    }
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
    #[serde(default, skip_serializing_if = "is_default")]
    pub joins: Joins,
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
            fusion: Fusion::Joint,
            pooling: Pooling::Mean,
            bases: false,
            conv_layers: 1,
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
        within("conv_layers", self.conv_layers, 0, 16)?;
        if !self.width.is_multiple_of(self.heads) {
            let (width, heads) = (self.width, self.heads);
            return Err(Error::Setting(format!(
                "model.heads: expected a divisor of width {width}, got {heads}"
            )));
        }
        let head = self.width / self.heads;
        let by_distance = match self.positions {
            PositionKind::Relative => Some("relative positions"),
            _ => self.pairing.as_ref().filter(|p| p.joins.tokens()).map(|_| "a map that joins tokens"),
        };
        if let Some(why) = by_distance.filter(|_| !head.is_multiple_of(2)) {
            let expected = format!("an even number of channels a head for {why}");
            return Err(Error::Setting(format!("model.heads: expected {expected}, got {head}")));
        }
        if self.bases && head < BASES {
            let expected = format!("at least {BASES} channels a head for complementary bases");
            return Err(Error::Setting(format!("model.heads: expected {expected}, got {head}")));
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
        let pairing =
            PairingConfig { channels: vec![8, 8], kernels: vec![3], hidden: 4, joins: Joins::Pooled };
        let config = Config { pairing: Some(pairing), ..Config::small() };
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "model.pairing.kernels (how many): expected 2 to 2, got 1"
        );
        let refused = |config: Config| config.check().unwrap_err().to_string();
        let odd = Config { positions: PositionKind::Relative, width: 10, heads: 2, ..Config::small() };
        let expected = "an even number of channels a head for relative positions";
        assert_eq!(refused(odd), format!("model.heads: expected {expected}, got 5"));
        let narrow = Config { bases: true, width: 6, heads: 2, ..Config::small() };
        let expected = "at least 4 channels a head for complementary bases";
        assert_eq!(refused(narrow), format!("model.heads: expected {expected}, got 3"));
    }
}
