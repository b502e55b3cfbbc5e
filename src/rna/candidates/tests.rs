use super::*;
use crate::rna::{Pairing, parse};
use proptest::prelude::*;

const LET7: &[u8] = b"UGAGGUAGUAGGUUGUAUAGUU";

fn found(transcript: &str, gate: Gate) -> Vec<(usize, &'static str)> {
    let (mirna, transcript) = (parse(LET7).unwrap(), parse(transcript.as_bytes()).unwrap());
    let index = KmerIndex::new(&transcript);
    let candidates = index.candidates(&Probe::new(&mirna, gate), &transcript, WindowShape::of(50));
    candidates.iter().map(|c| (c.locus.unwrap(), c.seed.name())).collect()
}

#[test]
fn canonical_seeds_at_both_ends_and_none_across_unknown_bases() {
    let transcript = "UACCUCGGGGGGUNCCUCAGGGGCUACCUCA";
    assert_eq!(found(transcript, Gate::Canonical), [(5, "6mer"), (29, "8mer")]);
    assert_eq!(found("UACCU", Gate::Canonical), []);
}

#[test]
fn one_flaw_is_relaxed_and_two_are_none() {
    let one = |site: &str| found(&format!("GGGGGG{site}GGGGGG"), Gate::Relaxed).len();
    let flaws = ["CUAUCUCG", "CUGCCUCG", "CGACCUCG", "CUACCGCG"].into_iter();
    let site_bulges = ["CUGACCUCG", "CUACACUCG", "CUACCAUCG"];
    let mirna_bulges = ["GCACCUCA", "CUCCUCG", "CUACCCG"];
    let sites = flaws.chain(site_bulges).chain(mirna_bulges).chain(["CUACCUCA", "CUACCUGG"]);
    for site in sites {
        assert_eq!(one(site), 1, "{site}");
    }
    for site in ["CUUUCUCG", "CUAACACUCG", "CACUCG"] {
        assert_eq!(one(site), 0, "{site}");
    }
}

#[test]
fn overlapping_loci_leave_the_strongest() {
    // An offset 6-mer, and an 8mer four bases on.
    assert_eq!(found("GGCUACCUACCUCAGG", Gate::Relaxed), [(12, "8mer")]);
}

#[test]
fn seed_sites_are_the_canonical_candidates() {
    let transcript = parse(b"UACCUCGGCUACCUCAUACCUCACUACCUCAGGGCUACCUCG").unwrap();
    let (let7, index) = (parse(LET7).unwrap(), KmerIndex::new(&transcript));
    let names: Vec<_> =
        index.seed_sites(&let7, &transcript).iter().map(|(seed, at)| (seed.name(), *at)).collect();
    // the 7mer-A1 between the two 8mers touches neither
    let expected = [("6mer", 5), ("8mer", 14), ("7mer-A1", 21), ("8mer", 29), ("7mer-m8", 40)];
    assert_eq!(names, expected);
    assert_eq!(index.seed_sites(&let7[..7], &transcript), [], "too short for a seed");
}

#[test]
fn tiles_cover_the_transcript_to_its_end() {
    let tiles = |transcript: &str| {
        let (mirna, transcript) = (parse(LET7).unwrap(), parse(transcript.as_bytes()).unwrap());
        KmerIndex::new(&transcript).candidates(
            &Probe::new(&mirna, Gate::All { stride: 5 }),
            &transcript,
            WindowShape::of(50),
        )
    };
    let windows: Vec<_> = tiles(&"G".repeat(63)).into_iter().map(|c| (c.window, c.locus)).collect();
    assert_eq!(windows, [(0..50, None), (5..55, None), (10..60, None), (13..63, None)]);
    let seeded = tiles(&format!("{}CUACCUCA{}", "G".repeat(50), "G".repeat(5)));
    let last = Candidate { seed: SeedType::EightMer, locus: Some(56), window: 13..63 };
    assert_eq!(seeded.last(), Some(&last));
    assert_eq!(tiles(&"G".repeat(30)).len(), 1);
}

/// Ungapped relaxed matches by walking every locus.
fn by_walking(mirna: &[Base], transcript: &[Base]) -> BTreeSet<usize> {
    let pairs = |locus: usize, k: usize| {
        let facing = (locus + 2).checked_sub(k).and_then(|i| transcript.get(i));
        facing.is_some_and(|b| mirna[k - 1].pairing(*b) == Pairing::WatsonCrick)
    };
    let known = |locus: usize| {
        locus >= 6 && transcript.get(locus - 6..locus + 1).is_some_and(|t| !t.contains(&Base::N))
    };
    let accepted = |locus: &usize| {
        let typed = SeedType::at(mirna, transcript, *locus);
        typed != SeedType::NonCanonical
            || (known(*locus) && (2..9).filter(|&k| pairs(*locus, k)).count() >= 6)
    };
    (0..transcript.len() + 1).filter(accepted).collect()
}

proptest! {
    #[test]
    fn the_index_finds_what_walking_finds(transcript in "[ACGU]{0,30}[CUA]{8,12}[ACGUN]{0,40}", mirna in "UGAGGUAG[ACGU]{10}") {
        let (mirna, transcript) = (parse(mirna.as_bytes()).unwrap(), parse(transcript.as_bytes()).unwrap());
        let index = KmerIndex::new(&transcript);
        let loci = |gate| index.loci(&Probe::new(&mirna, gate), &transcript).into_iter().collect::<BTreeSet<_>>();
        let exact = |locus: &usize| SeedType::at(&mirna, &transcript, *locus) <= SeedType::SixMer;
        prop_assert_eq!(loci(Gate::Canonical), (0..transcript.len()).filter(exact).collect::<BTreeSet<_>>());
        prop_assert!(loci(Gate::Relaxed).is_superset(&by_walking(&mirna, &transcript)));
    }
}
