use crate::rna::{Base, SeedType, local_au};

/// Numbers that tell of a site.
pub const SITE_FEATURES: usize = 10;

/// A site of a 3'UTR, scored.
#[derive(Clone, Copy, Debug)]
pub struct ScoredSite {
    pub seed: SeedType,
    /// 0-based index of the base opposite nucleotide 2.
    pub locus: usize,
    /// Of being bound.
    pub log_odds: f32,
}

/// The sites of one miRNA on one 3'UTR, those that matter most: what a gene-level network sees of the pair. Its first
/// place stands for no site at all, so that none is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Bag {
    /// `[1 + sites, SITE_FEATURES]`
    pub features: Vec<[f32; SITE_FEATURES]>,
    /// The log-odds of acting whose [`crate::ops::NoisyOr`] is what the seed rule says of the site: `RULE` times its mean
    /// repression, log2. `[1 + sites]`
    pub rule: Vec<f32>,
    /// `RULE` times the rule's sum over all sites, those left out too.
    pub efficacy: f32,
}

/// Makes repressions, log2, numbers of a size around 1.
pub(super) const RULE: f64 = 4.0;
/// Log-odds of what does not act.
const NEVER: f32 = -20.0;

/// Distances between two sites within which they may act together, nt: somewhat wider than the 13 to 35 of Saetrom et al. 2007
/// (<https://doi.org/10.1093/nar/gkm133>) and the 8 to 40 of Grimson et al. 2007 (<https://doi.org/10.1016/j.molcel.2007.06.017>).
const TOGETHER: std::ops::RangeInclusive<usize> = 8..=60;

/// The log-odds of acting whose [`crate::ops::NoisyOr`] is `repression`, above 0.
pub(super) fn acting(repression: f64) -> f32 {
    repression.exp_m1().ln() as f32
}

impl Bag {
    /// Of at most `most` of the sites: those of the strongest seed types, and of one type the most probable.
    pub fn new(transcript: &[Base], sites: &[ScoredSite], most: usize) -> Self {
        let mut order: Vec<&ScoredSite> = sites.iter().collect();
        let rank = |site: &ScoredSite| (site.seed.efficacy(), f64::from(site.log_odds));
        order.sort_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
        });
        let kept = &order[..most.min(order.len())];
        let features = kept.iter().map(|site| features(transcript, site, sites));
        let rule = kept.iter().map(|site| match RULE * site.seed.efficacy() {
            0.0 => NEVER,
            repression => acting(repression),
        });
        let efficacy: f64 = sites.iter().map(|site| RULE * site.seed.efficacy()).sum();
        Self {
            features: std::iter::once([0.0; SITE_FEATURES]).chain(features).collect(),
            rule: std::iter::once(NEVER).chain(rule).collect(),
            efficacy: efficacy as f32,
        }
    }
}

/// Four seed types, log-odds, local AU content, distance to the nearer end (absolute, then relative to the 3'UTR), length
/// of the 3'UTR, and whether another site is near enough to act together: all of a size around 1.
fn features(transcript: &[Base], site: &ScoredSite, all: &[ScoredSite]) -> [f32; SITE_FEATURES] {
    let types = [SeedType::EightMer, SeedType::SevenMerM8, SeedType::SevenMerA1, SeedType::SixMer];
    let to_end = site.locus.min(transcript.len().saturating_sub(site.locus)) as f32;
    let length = transcript.len() as f32;
    let together = all.iter().any(|other| TOGETHER.contains(&other.locus.abs_diff(site.locus)));
    let mut features = [0.0; SITE_FEATURES];
    types.iter().zip(&mut features).for_each(|(&one, x)| *x = f32::from(u8::from(one == site.seed)));
    features[4..].copy_from_slice(&[
        site.log_odds.clamp(-12.0, 12.0) / 4.0,
        local_au(transcript, site.locus) as f32 * 2.0 - 1.0,
        to_end.ln_1p() / 5.0 - 1.0,
        to_end / length.max(1.0),
        length.ln_1p() - 7.2, // near the median of those learned from, 1,358 nt
        f32::from(u8::from(together)),
    ]);
    features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    #[test]
    fn the_strongest_sites_are_kept_and_all_are_counted() {
        let utr = parse("ACGU".repeat(100).as_bytes()).unwrap();
        let site = |seed, locus, log_odds| ScoredSite { seed, locus, log_odds };
        let sites = [
            site(SeedType::SixMer, 30, 9.0),
            site(SeedType::EightMer, 80, -3.0),
            site(SeedType::SevenMerM8, 300, 0.4),
            site(SeedType::SevenMerM8, 330, 0.8),
        ];
        let bag = Bag::new(&utr, &sites, 3);
        assert_eq!(bag.features.len(), 4);
        assert_eq!(bag.features[0], [0.0; SITE_FEATURES], "no site");
        let log_odds: Vec<f32> = bag.features[1..].iter().map(|f| f[4] * 4.0).collect();
        assert_eq!(log_odds, [-3.0, 0.8, 0.4]);
        assert_eq!(&bag.features[1][..4], [1.0, 0.0, 0.0, 0.0]);
        let [ends, share, together] = [6, 7, 9].map(|i| bag.features[2][i]);
        assert!((ends - (71f32.ln() / 5.0 - 1.0)).abs() < 1e-6 && (share - 70.0 / 400.0).abs() < 1e-6);
        assert_eq!((together, bag.features[1][9]), (1.0, 1.0), "80 is near 30, though that is not kept");
        assert!((bag.efficacy - 4.0 * (0.03 + 0.31 + 2.0 * 0.161)).abs() < 1e-6);
        let acts: Vec<f32> = bag.rule.iter().map(|x| x.exp().ln_1p()).collect();
        assert!(acts[0] < 1e-8 && (acts[1] - 1.24).abs() < 1e-5 && (acts[2] - 0.644).abs() < 1e-5);
    }
}
