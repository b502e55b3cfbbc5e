use super::*;
use crate::rna::{parse, text};
use proptest::prelude::*;

const LET7: &[u8] = b"UGAGGUAGUAGGUUGUAUAGUU";

fn lines(mirna: &[u8], transcript: &[u8], locus: usize) -> (Duplex, [String; 3]) {
    let (mirna, transcript) = (parse(mirna).unwrap(), parse(transcript).unwrap());
    let duplex = Duplex::anchored(&mirna, &transcript, locus).unwrap();
    let Drawing { mirna, bars, target } = duplex.draw(&mirna, &transcript);
    (duplex, [mirna, bars, target])
}

#[test]
fn a_perfect_site_pairs_all_but_nucleotide_1() {
    let (duplex, drawn) = lines(LET7, b"GGAACUAUACAACCUACUACCUCAGG", 22);
    assert_eq!(drawn, ["UUGAUAUGUUGGAUGAUGGAGu", "||||||||||||||||||||| ", "AACUAUACAACCUACUACCUCA"]);
    assert_eq!((duplex.n_wc, duplex.n_gu, duplex.n_mismatch, duplex.span), (21, 0, 0, 2..24));
}

#[test]
fn a_site_by_hand() {
    // Nine facing columns upstream of the seed score 6 x 5 + 2 x 2 - 3 = 31, the gap of three costs 8 + 2 + 2.
    let (duplex, drawn) = lines(LET7, b"CCCCAUGCAAUCUACCUCACC", 17);
    assert_eq!(drawn, ["uuGAUAUGUUGGAUGAUGGAGu", "  | ||:|||:   ||||||| ", "..CCAUGCAAU---CUACCUCA"]);
    assert_eq!((duplex.n_wc, duplex.n_gu, duplex.n_mismatch, duplex.span), (13, 2, 1, 2..19));
}

#[test]
fn brackets_mirror_the_pairs() {
    let (mirna, transcript) = (parse(b"UGAGGUAGUU").unwrap(), parse(b"CCCUACCUCAGG").unwrap());
    let duplex = Duplex::anchored(&mirna, &transcript, 8).unwrap();
    assert_eq!(duplex.span, 2..10);
    assert_eq!(duplex.brackets(&mirna, &transcript), "(((((((.&.)))))))..");
}

#[test]
fn nothing_pairs_with_unknown_bases() {
    let (mirna, transcript) = (parse(LET7).unwrap(), parse(&[b'N'; 40]).unwrap());
    assert_eq!(Duplex::anchored(&mirna, &transcript, 30), None);
    assert_eq!(Duplex::best(&mirna, &transcript, 0..40), None);
}

#[test]
fn a_seed_cut_off_by_the_end_is_drawn_to_the_end() {
    let (duplex, drawn) = lines(LET7, b"AACUAUACAACCUACUACCU", 20);
    assert_eq!(duplex.span, 0..20);
    assert_eq!(drawn[0], "UUGAUAUGUUGGAUGAUGGAgu");
    assert_eq!(drawn[2], "AACUAUACAACCUACUACCU--");
}

proptest! {
    #[test]
    fn removing_gaps_gives_back_both_strands(
        mirna in "[ACGU]{15,30}", transcript in "[ACGUN]{20,90}", at in 0usize..90, free in any::<bool>(),
    ) {
        let (mirna, transcript) = (parse(mirna.as_bytes()).unwrap(), parse(transcript.as_bytes()).unwrap());
        let locus = at.min(transcript.len());
        let duplex = match free {
            true => Duplex::best(&mirna, &transcript, 0..transcript.len()),
            false => Duplex::anchored(&mirna, &transcript, locus),
        };
        let Some(duplex) = duplex else { return Ok(()) };
        let drawing = duplex.draw(&mirna, &transcript);
        let reversed: String = text(&mirna).chars().rev().collect();
        prop_assert_eq!(drawing.mirna.replace('-', "").to_uppercase(), reversed);
        prop_assert_eq!(drawing.target.replace(['-', '.'], ""), text(&transcript[duplex.span.clone()]));
        prop_assert_eq!(drawing.bars.len(), drawing.mirna.len());
        prop_assert_eq!(drawing.bars.len(), drawing.target.len());
        let bars = |c| drawing.bars.matches(c).count();
        prop_assert_eq!((bars('|'), bars(':')), (duplex.n_wc, duplex.n_gu));
        let brackets = duplex.brackets(&mirna, &transcript);
        prop_assert_eq!(brackets.matches('(').count(), duplex.n_wc + duplex.n_gu);
        prop_assert_eq!(brackets.matches(')').count(), duplex.n_wc + duplex.n_gu);
    }
}
