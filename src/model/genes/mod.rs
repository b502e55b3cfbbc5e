//! From the sites of a 3'UTR to one score of the gene: multiple-instance learning over a bag of scored sites, since what is
//! known is which genes fall, not which site did it (Dietterich et al. 1997, <https://doi.org/10.1016/S0004-3702(96)00034-3>).

mod bag;
mod predictor;
mod track;
mod whole;

pub use bag::{Bag, SITE_FEATURES, ScoredSite};
pub use predictor::{GenePredictor, GeneProvenance, Learned, Trained};
pub use track::Track;
pub use whole::{WholeConfig, WholeNetwork};

use crate::{
    autograd::{Tape, Var},
    error::{Error, Result},
    nn::Linear,
    ops::{Activation, Add, Attention, MaskedMax, NoisyOr, Reshape},
    params::{Builder, ParamId, Params},
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A network that gives one score to what it sees of a miRNA and a 3'UTR.
pub trait GeneReader: Sized {
    /// What it sees of a pair.
    type Seen;

    /// Registers the parameters of a network of this shape. `config` has been checked.
    fn new(p: &mut Builder, config: &GeneConfig) -> Self;

    /// Log-odds `[B, 1]`: higher is more repression.
    fn forward(&self, t: &Tape, seen: &[&Self::Seen]) -> Result<Var>;

    /// One score for each, in order.
    fn scores<'a>(&self, params: &Params, seen: impl IntoIterator<Item = &'a Self::Seen>) -> Result<Vec<f32>>
    where
        Self::Seen: 'a,
    {
        let seen: Vec<&Self::Seen> = seen.into_iter().collect();
        let mut scores = Vec::with_capacity(seen.len());
        for some in seen.chunks(TOGETHER) {
            let tape = Tape::inference(params, params.device());
            scores.extend(self.forward(&tape, some)?.value.to_f32()?);
        }
        Ok(scores)
    }
}

/// Pairs that go through a network together.
const TOGETHER: usize = 64;

/// The shape of a gene-level network. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneConfig {
    pub pooling: BagPooling,
    /// Sites of a 3'UTR that are looked at, the strongest; of a network that reads it whole, all are.
    pub sites: usize,
    /// Hidden channels of a site.
    pub hidden: usize,
    /// The whole 3'UTR is read, not its best sites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholeConfig>,
}

/// How the sites of a gene become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BagPooling {
    /// The strongest site's score.
    Max,
    /// Sites that act independently of each other ([`NoisyOr`]).
    #[default]
    NoisyOr,
    /// A weighted mean of the sites' channels, the weights by attention (Ilse et al. 2018, <https://arxiv.org/abs/1802.04712>).
    Attention,
    /// As attention, after the sites have attended to each other (Lee et al. 2019, <https://arxiv.org/abs/1810.00825>).
    Set,
}

impl Default for GeneConfig {
    fn default() -> Self {
        Self { pooling: BagPooling::default(), sites: 8, hidden: 8, whole: None }
    }
}

impl GeneConfig {
    /// Refuses shapes that no network can have, before memory is taken for them.
    pub fn check(&self) -> Result<()> {
        for (what, got, most) in [("sites", self.sites, 1024), ("hidden", self.hidden, 1024)] {
            if !(1..=most).contains(&got) {
                return Err(Error::Setting(format!("genes.{what}: expected 1 to {most}, got {got}")));
            }
        }
        let Some(whole) = &self.whole else { return Ok(()) };
        if !matches!(self.pooling, BagPooling::Max | BagPooling::NoisyOr) {
            let message = "genes.pooling: expected max or noisy-or for a 3'UTR that is read whole";
            return Err(Error::Setting(message.into()));
        }
        whole.check()
    }
}

/// A small network over bags. What it adds to the seed rule is nothing at first: learning starts from the rule.
#[derive(Clone, Debug)]
pub struct GeneNetwork {
    sites: Linear,
    pooling: Pooling,
}

#[derive(Clone, Debug)]
enum Pooling {
    /// Of log-odds of acting, one number a site: `act` changes those of the rule, `head` scales what comes together.
    Numbers { strongest: bool, act: Linear, head: Linear },
    /// Of its channels: first what sites find in each other (query, key, value), then what is asked of all, by their keys;
    /// beside the rule's sum.
    Channels { among: Option<[Linear; 3]>, asked: ParamId, key: Linear, head: Linear, floor: Linear },
}

impl GeneReader for GeneNetwork {
    type Seen = Bag;

    fn new(p: &mut Builder, config: &GeneConfig) -> Self {
        let hidden = config.hidden;
        let sites = Linear::new(p, "sites", SITE_FEATURES, hidden, Some(Activation::Gelu));
        let pooling = match config.pooling {
            BagPooling::Max | BagPooling::NoisyOr => Pooling::Numbers {
                strongest: config.pooling == BagPooling::Max,
                act: Linear::starting_at(p, "act", hidden, 1, 0.0),
                head: Linear::starting_at(p, "head", 1, 1, 1.0),
            },
            BagPooling::Attention | BagPooling::Set => {
                let mut linear = |name| Linear::new(p, name, hidden, hidden, None);
                let among = (config.pooling == BagPooling::Set)
                    .then(|| [linear("query"), linear("key"), linear("value")]);
                let key = linear("asked.key");
                let asked = p.normal("asked.query", &[1, hidden], 0.02);
                let head = Linear::starting_at(p, "head", hidden, 1, 0.0);
                let floor = Linear::starting_at(p, "floor", 1, 1, 1.0);
                Pooling::Channels { among, asked, key, head, floor }
            }
        };
        Self { sites, pooling }
    }

    fn forward(&self, t: &Tape, bags: &[&Bag]) -> Result<Var> {
        let (size, most) = (bags.len(), bags.iter().map(|bag| bag.features.len()).max().unwrap_or(0));
        let mut features = vec![0.0; size * most * SITE_FEATURES];
        for (bag, into) in bags.iter().zip(features.chunks_exact_mut((most * SITE_FEATURES).max(1))) {
            into[..bag.features.len() * SITE_FEATURES].copy_from_slice(bag.features.as_flattened());
        }
        let lengths: Arc<[u32]> = bags.iter().map(|bag| bag.features.len() as u32).collect();
        let lengths = Some(lengths);
        let x = t.constant(Tensor::from_f32(t.device(), &[size, most, SITE_FEATURES], &features)?);
        let x = self.sites.forward(t, &x)?; // [B, T, hidden]
        match &self.pooling {
            Pooling::Numbers { strongest, act, head } => {
                let mut rule = vec![0.0; size * most];
                for (bag, into) in bags.iter().zip(rule.chunks_exact_mut(most.max(1))) {
                    into[..bag.rule.len()].copy_from_slice(&bag.rule);
                }
                let rule = t.constant(Tensor::from_f32(t.device(), &[size, most, 1], &rule)?);
                let mut acts = act.onto(t, &x, &rule, 0.0)?; // [B, T, 1]
                if *strongest {
                    acts = t.apply(MaskedMax { lengths: lengths.clone() }, [&acts])?;
                    acts = t.apply(Reshape { shape: [size, 1, 1].into() }, [&acts])?;
                }
                let lengths = lengths.filter(|_| !strongest);
                head.forward(t, &t.apply(NoisyOr { lengths }, [&acts])?)
            }
            Pooling::Channels { among, asked, key, head, floor } => {
                let efficacies: Vec<f32> = bags.iter().map(|bag| bag.efficacy).collect();
                let efficacies = t.constant(Tensor::from_f32(t.device(), &[size, 1], &efficacies)?);
                let floor = floor.forward(t, &efficacies)?; // [B, 1]
                let attention = Attention { heads: 1, lengths, dropout: None };
                let x = match among {
                    Some(among) => {
                        let [q, k, v] = among.each_ref().map(|linear| linear.forward(t, &x));
                        t.apply(Add, [&x, &t.apply(attention.clone(), [&q?, &k?, &v?])?])?
                    }
                    None => x,
                };
                let asked = t.param(*asked);
                let hidden = asked.value.len();
                let zeros = t.constant(Tensor::zeros(t.device(), &[size, 1, hidden])?);
                let asked = t.apply(Add, [&zeros, &asked])?; // [B, 1, hidden]
                let found = t.apply(attention, [&asked, &key.forward(t, &x)?, &x])?;
                let found = t.apply(Reshape { shape: [size, hidden].into() }, [&found])?;
                head.onto(t, &found, &floor, 0.0)
            }
        }
    }
}
