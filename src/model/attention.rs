//! Where the tokens of one pair look. Attention is not an explanation: other weights may give the same answer (Jain & Wallace
//! 2019, <https://arxiv.org/abs/1902.10186>), and a pairing map reaches the answer beside it. Attentions outside the encoder's
//! layers, of a pooling and of tokens over the map's columns, are not among these.

use super::{Fusion, Network, Predictor};
use crate::{
    autograd::Tape,
    data::{Batch, Duo},
    error::Result,
    params::Params,
};
use std::ops::Range;

/// One head of one attention, whole.
#[derive(Clone, Debug)]
pub struct Looks {
    /// From 0.
    pub layer: usize,
    /// From 0.
    pub head: usize,
    /// Tokens that ask: the miRNA's and its padding come first, then the site's with padding at both ends.
    pub asking: Range<usize>,
    /// Tokens that are asked.
    pub asked: Range<usize>,
    /// `[asking, asked]`, rows of sum 1.
    pub weights: Vec<f32>,
}

/// What one head of one layer looks at, by base. Padding is left out.
#[derive(Clone, Debug)]
pub struct Gaze {
    /// From 0.
    pub layer: usize,
    /// From 0.
    pub head: usize,
    /// What each base of the miRNA gets: the mean over the bases that ask.
    pub mirna: Vec<f32>,
    /// What each base of the site gets.
    pub site: Vec<f32>,
    /// What padding gets, 0 to 1.
    pub padding: f32,
    /// `[miRNA, site]`: the greater of what the one gets from the other.
    pub between: Vec<f32>,
}

impl Network {
    /// The weights of every layer and head for one pair.
    pub fn attention(&self, params: &Params, pair: Duo) -> Result<Vec<Looks>> {
        let c = self.config();
        let batch = Batch::new(&[c.reads.of(pair)], c.lengths())?;
        let (all, mirna, site) = (0..c.tokens(), 0..c.mirna_len, c.mirna_len..c.tokens());
        let spans = match c.fusion {
            Fusion::Joint => vec![(all.clone(), all)],
            Fusion::Cross => vec![(site.clone(), site.clone()), (site, mirna)],
        };
        let (mut looks, mut seen) = (vec![], 0);
        let tape = Tape::inference(params, params.device());
        self.watched(&tape, &batch, &mut |attention, asking, asked| {
            let (layer, span) = (seen / spans.len(), &spans[seen % spans.len()]);
            seen += 1;
            let weights = attention.weights(&tape, asking, asked)?;
            for (head, weights) in weights.chunks_exact(weights.len() / c.heads).enumerate() {
                let (asking, asked) = span.clone();
                looks.push(Looks { layer, head, asking, asked, weights: weights.to_vec() });
            }
            Ok(())
        })?;
        Ok(looks)
    }
}

impl Predictor {
    /// What each layer's heads look at in one pair, layer by layer.
    pub fn attention(&self, pair: Duo) -> Result<Vec<Gaze>> {
        let c = self.config();
        let looks = self.network.attention(self.params(), pair)?;
        let (mirna, site) = c.reads.of(pair);
        let first = c.mirna_len + (c.site_len - site.len()) / 2;
        let bases = [0..mirna.len(), first..first + site.len()];
        let heads = (0..c.layers).flat_map(|layer| (0..c.heads).map(move |head| (layer, head)));
        let of = |(layer, head)| {
            let looks: Vec<&Looks> = looks.iter().filter(|l| (l.layer, l.head) == (layer, head)).collect();
            Gaze::new((layer, head), &looks, &bases)
        };
        Ok(heads.map(of).collect())
    }
}

impl Gaze {
    /// Of a head's attentions, over the tokens that are bases.
    fn new((layer, head): (usize, usize), looks: &[&Looks], [mirna, site]: &[Range<usize>; 2]) -> Self {
        let is_base = |token: &usize| mirna.contains(token) || site.contains(token);
        let got = |look: &Looks, token: usize| -> f32 {
            let asking: Vec<usize> = look.asking.clone().filter(is_base).collect();
            asking.iter().map(|&from| look.weight(from, token)).sum::<f32>() / asking.len().max(1) as f32
        };
        let gets = |token: usize| looks.iter().map(|look| got(look, token)).sum::<f32>();
        let [mirna_gets, site_gets] = [mirna, site].map(|span| span.clone().map(gets).collect::<Vec<f32>>());
        let bases: f32 = mirna_gets.iter().chain(&site_gets).sum();
        let both = |m: usize, s: usize| {
            let ways = looks.iter().flat_map(|look| [look.weight(m, s), look.weight(s, m)]);
            ways.fold(0.0, f32::max)
        };
        let between = mirna.clone().flat_map(|m| site.clone().map(move |s| (m, s)));
        Gaze {
            layer,
            head,
            padding: 1.0 - bases / looks.len().max(1) as f32,
            between: between.map(|(m, s)| both(m, s)).collect(),
            mirna: mirna_gets,
            site: site_gets,
        }
    }
}

impl Looks {
    /// What `from` gives to `to`; nothing where this attention does not hold both.
    fn weight(&self, from: usize, to: usize) -> f32 {
        if !(self.asking.contains(&from) && self.asked.contains(&to)) {
            return 0.0;
        }
        self.weights[(from - self.asking.start) * self.asked.len() + to - self.asked.start]
    }
}
