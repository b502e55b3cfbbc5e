//! What surrounds a site: bases near it that keep it accessible.

use super::Base;

/// Bases on either side that count, nt.
const REACH: usize = 30;

/// Local AU content of the site whose base opposite nucleotide 2 is at `locus`, 0 to 1: the share of A and U among the 30 nt
/// before the base opposite nucleotide 8 and the 30 after the one opposite nucleotide 1, the `k`-th base away with weight
/// `1 / k` (Grimson et al. 2007, <https://doi.org/10.1016/j.molcel.2007.06.017>, who begin at ends that depend on the seed's
/// type). A half where the transcript ends at the site on both sides.
pub fn local_au(transcript: &[Base], locus: usize) -> f64 {
    let before = (1..=REACH).filter_map(|k| Some((k, *transcript.get(locus.checked_sub(6 + k)?)?)));
    let after = (1..=REACH).filter_map(|k| Some((k, *transcript.get(locus + 1 + k)?)));
    let (mut rich, mut all) = (0.0, 0.0);
    for (k, base) in before.chain(after) {
        let weight = 1.0 / k as f64;
        all += weight;
        rich += if matches!(base, Base::A | Base::U) { weight } else { 0.0 };
    }
    if all > 0.0 { rich / all } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    #[test]
    fn nearer_bases_weigh_more() {
        // one base before the site's eight, and two after them
        let utr = parse(b"ACUACCUCAGU").unwrap();
        assert!((local_au(&utr, 7) - (1.0 + 0.5) / (1.0 + 1.0 + 0.5)).abs() < 1e-12);
        assert_eq!(local_au(&parse(b"CUACCUCA").unwrap(), 6), 0.5);
    }

    #[test]
    fn thirty_bases_on_either_side_count() {
        let utr = parse(format!("{}CUACCUCA{}", "G".repeat(31), "G".repeat(30)).as_bytes()).unwrap();
        let mut near = utr.clone();
        (near[0], near[1]) = (Base::A, Base::A);
        let whole: f64 = (1..=30).map(|k| 2.0 / f64::from(k)).sum();
        assert!((local_au(&near, 31 + 6) - (1.0 / 30.0) / whole).abs() < 1e-12, "the 31st is too far");
    }
}
