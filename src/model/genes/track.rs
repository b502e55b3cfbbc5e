//! A whole 3'UTR as a gene-level network sees it: the site model's pairing map convolved once along all of it, pooled to a
//! token every few nucleotides, with what surrounds each.

use super::{
    WholeConfig,
    bag::{RULE, acting},
};
use crate::{
    autograd::Tape,
    data::{Batch, Duo, Lengths},
    device::Device,
    error::{Error, Result},
    model::{Config, Predictor},
    rna::{Base, Gate, KmerIndex, Probe, SeedType, WindowShape, local_au},
};

/// Nucleotides of a token: about what a bound miRNA keeps others from.
const TOKEN: usize = 16;
/// Tokens of a block; tokens see those of their block and of its neighbours.
pub(super) const BLOCK: usize = 3;
/// Longest miRNA read, nt.
pub(super) const MIRNA: usize = 30;
/// Nucleotides that are convolved together: few enough for a core's cache.
const PIECE: usize = 10 * BLOCK * TOKEN;
/// Numbers that tell of a token beside the map: four seed types, AU content, distance to the nearer end (absolute, then
/// relative), the 3'UTR's length and how many canonical sites it has.
pub(super) const CONTEXT: usize = 9;

/// A miRNA and a whole 3'UTR.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its bases' numbers.
    pub(super) mirna: Vec<u32>,
    /// `[T, channels + CONTEXT]`, from the 5' end; T is a whole number of blocks.
    pub(super) tokens: Vec<f32>,
    /// The log-odds of acting whose [`crate::ops::NoisyOr`] is what the seed rule says of the token's canonical sites, `[T]`.
    pub(super) rule: Vec<f32>,
}

/// Log-odds of acting of what holds no canonical site, at first.
const SELDOM: f32 = -8.0;

impl Track {
    /// `greatest [T, channels]`: what the map has of each token.
    fn new((mirna, transcript): Duo, greatest: &[f32], channels: usize) -> Self {
        let shape = WindowShape::of(1);
        let index = KmerIndex::new(transcript);
        let sites = index.candidates(&Probe::new(mirna, Gate::Canonical), transcript, shape);
        let found: Vec<(usize, SeedType)> =
            sites.iter().filter_map(|site| Some((site.locus? / TOKEN, site.seed))).collect();
        let count = (found.len() as f32).ln_1p() - 1.0;
        let length = transcript.len() as f32;
        let (mut tokens, mut rule) = (vec![], vec![]);
        for (token, greatest) in greatest.chunks_exact(channels).enumerate() {
            let own = || found.iter().filter(|(at, _)| *at == token).map(|(_, seed)| *seed);
            let middle = (token * TOKEN + TOKEN / 2).min(transcript.len().saturating_sub(1));
            let to_end = middle.min(transcript.len() - middle) as f32;
            tokens.extend(greatest);
            let types = [SeedType::EightMer, SeedType::SevenMerM8, SeedType::SevenMerA1, SeedType::SixMer];
            tokens.extend(types.map(|one| f32::from(u8::from(own().any(|seed| seed == one)))));
            tokens.extend([
                local_au(transcript, middle) as f32 * 2.0 - 1.0,
                to_end.ln_1p() / 5.0 - 1.0,
                to_end / length.max(1.0),
                length.ln_1p() - 7.2, // near the median of those learned from, 1,358 nt
                count,
            ]);
            let repression: f64 = own().map(|seed| RULE * seed.efficacy()).sum();
            rule.push(if repression > 0.0 { acting(repression) } else { SELDOM });
        }
        Self { mirna: mirna.iter().map(|&base| base as u32).collect(), tokens, rule }
    }
}

impl Predictor {
    /// The track of each pair, in order, for networks of this shape. An error where this model's pairing map has other
    /// channels, or where there is none.
    pub fn tracks(&self, pairs: &[Duo], config: &WholeConfig) -> Result<Vec<Track>> {
        let channels = self.config().pairing.as_ref().and_then(|pairing| pairing.channels.last());
        if channels != Some(&config.channels) {
            let (expected, found) = (config.channels, channels.copied().unwrap_or(0));
            let message =
                format!("expected a pairing map of {expected} channels (genes.whole.channels), got {found}");
            return Err(Error::file(self.name(), message));
        }
        if let Some((mirna, _)) = pairs.iter().find(|(mirna, _)| mirna.len() > MIRNA) {
            let found = mirna.len();
            return Err(Error::Setting(format!("expected a miRNA of at most {MIRNA} nt, got {found} nt")));
        }
        let mut tracks = vec![None; pairs.len()];
        self.workers().for_chunks(&mut tracks, 1, |device, first, tracks| {
            for (track, &pair) in tracks.iter_mut().zip(&pairs[first..]) {
                *track = Some(Track::new(pair, &self.greatest(device, pair, config)?, config.channels));
            }
            Ok(())
        })?;
        Ok(tracks.into_iter().map(|track| track.expect("every item is seen once")).collect())
    }

    /// The greatest value of each of the map's channels over each token, `[T, channels]` from the 5' end. The map is convolved
    /// piece by piece, all of one size: pieces reach so far into each other that it makes no difference.
    fn greatest(&self, device: &Device, (mirna, transcript): Duo, config: &WholeConfig) -> Result<Vec<f32>> {
        let (reach, window) = if config.cut { (0, BLOCK * TOKEN) } else { (reach(self.config()), PIECE) };
        let mut padded = vec![Base::N; reach];
        padded.extend(transcript);
        let pieces = transcript.len().div_ceil(PIECE).max(1);
        padded.resize(2 * reach + pieces * PIECE, Base::N);
        let lengths = Lengths { mirna: self.mirna_len(), site: window + 2 * reach };
        let mut greatest = vec![];
        for piece in 0..pieces {
            let starts = (piece * PIECE..(piece + 1) * PIECE).step_by(window);
            let windows = starts.map(|start| (mirna, &padded[start..start + lengths.site]));
            let windows: Vec<Duo> = windows.collect();
            let batch = Batch::on(device, windows.iter().copied(), lengths)?;
            let tape = Tape::inference(self.params(), device);
            let map = self.network.map(&tape, &batch)?.expect("there is one, of so many channels").value;
            let &[_, rows, columns, channels] = map.shape() else {
                unreachable!("a convolution's result has four axes")
            };
            let of_token = columns * TOKEN / lengths.site;
            let tokens = (columns / of_token, reach / TOKEN);
            for map in map.to_f32()?.chunks_exact(rows * columns * channels) {
                over_tokens(map, columns, channels, tokens, &mut greatest);
            }
        }
        greatest.truncate(transcript.len().max(1).div_ceil(BLOCK * TOKEN) * BLOCK * config.channels);
        Ok(greatest)
    }
}

/// Nucleotides on either side of a token that its values depend on, in whole tokens. A column of the `i`-th convolution is
/// `2^i` nt wide.
fn reach(config: &Config) -> usize {
    let kernels = config.pairing.iter().flat_map(|pairing| &pairing.kernels);
    let seen: usize = kernels.enumerate().map(|(i, kernel)| (kernel / 2) << i).sum();
    seen.next_multiple_of(TOKEN)
}

/// Adds the greatest values over each token of a `map [rows, columns, channels]`, but for the first and the last `besides`.
fn over_tokens(
    map: &[f32],
    columns: usize,
    channels: usize,
    (tokens, besides): (usize, usize),
    into: &mut Vec<f32>,
) {
    let mut greatest = vec![f32::NEG_INFINITY; tokens * channels];
    for row in map.chunks_exact(columns * channels) {
        // The map's columns count from the site's 3' end.
        for (column, values) in row.chunks_exact(channels).rev().enumerate() {
            let into = &mut greatest[column * tokens / columns * channels..][..channels];
            into.iter_mut().zip(values).for_each(|(most, &value)| *most = most.max(value));
        }
    }
    into.extend_from_slice(&greatest[besides * channels..(tokens - besides) * channels]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rna::parse, workers::Workers};

    fn config(cut: bool) -> WholeConfig {
        WholeConfig { channels: 32, width: 16, heads: 2, cut }
    }

    fn random(length: usize) -> Vec<Base> {
        use rand::{RngExt, SeedableRng};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let letters: Vec<u8> = (0..length).map(|_| b"ACGU"[random.random_range(0..4)]).collect();
        parse(&letters).expect("letters are bases")
    }

    /// What lies further away than the convolutions reach changes nothing, wherever pieces end; with cuts, nothing outside
    /// the block does.
    #[test]
    fn pieces_make_no_difference() {
        let model = Predictor::embedded(Workers::new(&Device::cpu(), 1).expect("threads")).expect("a model");
        let mirna = parse(b"UGAGGUAGUAGGUUGUAUAGUU").expect("a miRNA");
        let long = random(1500);
        let tokens = |transcript: &[Base], cut| {
            let greatest = model.greatest(&Device::cpu(), (&mirna, transcript), &config(cut));
            greatest.expect("numbers").chunks_exact(32).map(<[f32]>::to_vec).collect::<Vec<_>>()
        };
        for cut in [false, true] {
            let all = tokens(&long, cut);
            assert_eq!(all.len(), 1500usize.div_ceil(48) * 3);
            assert_eq!(reach(model.config()), 16, "2 + 2 + 4, and up");
            // 13 blocks later every piece ends somewhere else
            let later = tokens(&long[13 * 48..], cut);
            let inner = if cut { 0 } else { 1 };
            assert_eq!(all[39 + inner..], later[inner..], "cut {cut}");
            assert_eq!(all[36..39] == tokens(&long[36 * 16..39 * 16], cut)[..], cut, "cut {cut}");
        }
        assert_ne!(tokens(&long, false), tokens(&long, true));
    }

    #[test]
    fn tokens_know_their_sites_and_other_maps_are_refused() {
        let mut utr = random(300);
        utr[100..108].copy_from_slice(&parse(b"CUACCUCA").expect("a site"));
        let mirna = parse(b"UGAGGUAGUAGGUUGUAUAGUU").expect("a miRNA");
        let track = Track::new((&mirna, &utr), &[0.0; 21 * 2], 2);
        assert_eq!((track.rule.len(), track.tokens.len()), (21, 21 * (2 + CONTEXT)));
        let at = 106 / TOKEN; // opposite nucleotide 2
        assert!((track.rule[at].exp().ln_1p() - 4.0 * 0.31).abs() < 1e-5);
        assert_eq!(track.tokens[at * (2 + CONTEXT) + 2..][..4], [1.0, 0.0, 0.0, 0.0]);
        let model = Predictor::embedded(Workers::new(&Device::cpu(), 1).expect("threads")).expect("a model");
        let said =
            model.tracks(&[], &WholeConfig { channels: 64, ..config(false) }).expect_err("32 channels");
        assert!(said.to_string().contains("of 64 channels (genes.whole.channels), got 32"), "{said}");
        let said = model.tracks(&[(&random(31), &utr)], &config(false)).expect_err("30 nt");
        assert_eq!(said.to_string(), "expected a miRNA of at most 30 nt, got 31 nt");
    }
}
