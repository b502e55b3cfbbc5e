//! Hard negatives: stretches of transcripts that a seed match makes candidates, for miRNAs that nobody has seen there.

use std::collections::{HashMap, HashSet};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::leaks::{KmerSet, kmers};
use super::pairs::Pair;
use super::seed::seed_match_start;
use crate::rna::{Base, Gate, KmerIndex, Probe, Record, WindowShape, seed_family};

/// Draws after which a miRNA has no window left that may be shown.
const TRIES: usize = 32;

/// Canonical sites of some miRNAs on transcripts, and which of them may be called unbound.
///
/// A transcript is told from the sites of an experiment by more than a missing miRNA, so a network that is shown them as
/// negatives alone may learn where sequences come from; their share is to be weighed on sites that were not drawn this way.
pub struct TranscriptWindows {
    transcripts: Vec<Record>,
    /// Of each miRNA: transcript, and 0-based locus of the base opposite nucleotide 2.
    sites: HashMap<Vec<Base>, Vec<(u32, u32)>>,
    /// 20-mers that the seed's owners are known to bind, and those that are tested on, which nobody is shown.
    bound: HashSet<(Vec<Base>, u64)>,
    kept_out: KmerSet,
}

/// How long a window is and where its seed match starts: as in a site that is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    len: usize,
    start: usize,
}

impl Form {
    /// Of each positive with a seed match, so that windows like theirs are told by neither.
    pub fn of_positives(pairs: &[Pair]) -> Vec<Form> {
        let of = |pair: &Pair| {
            Some(Form { len: pair.site.len(), start: seed_match_start(&pair.mirna, &pair.site)? })
        };
        pairs.iter().filter(|pair| pair.is_positive()).filter_map(of).collect()
    }
}

impl TranscriptWindows {
    /// The sites of the miRNAs of `known`. Left out are transcripts that a miRNA's family is known to bind by their id, in
    /// the positives of `known` or in any of the `tested` pairs.
    pub fn new(transcripts: Vec<Record>, known: &[Pair], tested: &[Pair], kept_out: KmerSet) -> Self {
        let (mut genes, mut bound) = (HashSet::new(), HashSet::new());
        for pair in known.iter().filter(|pair| pair.is_positive()) {
            genes.insert((seed_family(&pair.mirna), &pair.site_id[..]));
            bound.extend(kmers(&pair.site).map(|kmer| (seed_family(&pair.mirna).to_vec(), kmer)));
        }
        genes.extend(tested.iter().map(|pair| (seed_family(&pair.mirna), &pair.site_id[..])));
        let probes: HashMap<&[Base], Probe> =
            known.iter().map(|pair| (&pair.mirna[..], Probe::new(&pair.mirna, Gate::Canonical))).collect();
        let mut sites: HashMap<Vec<Base>, Vec<(u32, u32)>> = HashMap::new();
        for (number, transcript) in transcripts.iter().enumerate() {
            let index = KmerIndex::new(&transcript.sequence);
            for (&mirna, probe) in &probes {
                if genes.contains(&(seed_family(mirna), &transcript.id[..])) {
                    continue;
                }
                let found = index.candidates(probe, &transcript.sequence, WindowShape::of(1));
                let found = found.iter().filter_map(|site| site.locus);
                let found = found.map(|locus| (number as u32, locus as u32)).collect::<Vec<_>>();
                if !found.is_empty() {
                    sites.entry(mirna.to_vec()).or_default().extend(found);
                }
            }
        }
        Self { transcripts, sites, bound, kept_out }
    }

    /// Puts windows of the same miRNAs in place of about `share` of the `negatives`; where a miRNA has none, they stay. How
    /// many were exchanged.
    pub fn exchange(
        &self,
        negatives: &mut [Pair],
        forms: &[Form],
        share: f64,
        random: &mut ChaCha8Rng,
    ) -> usize {
        let mut exchanged = 0;
        for pair in negatives {
            if random.random::<f64>() < share
                && let Some((id, site)) = self.draw(&pair.mirna, forms, random)
            {
                (pair.site_id, pair.site, pair.cluster) = (id.to_string(), site.to_vec(), None);
                exchanged += 1;
            }
        }
        exchanged
    }

    fn draw(&self, mirna: &[Base], forms: &[Form], random: &mut ChaCha8Rng) -> Option<(&str, &[Base])> {
        let sites = self.sites.get(mirna)?;
        for _ in 0..TRIES {
            let (transcript, locus) = sites[random.random_range(0..sites.len())];
            let Form { len, start } = forms.get(random.random_range(0..forms.len().max(1)))?;
            let Record { id, sequence, .. } = &self.transcripts[transcript as usize];
            let Some(from) = (locus as usize - 5).checked_sub(*start) else { continue };
            let Some(site) = sequence.get(from..from + len) else { continue };
            let bound = || kmers(site).any(|kmer| self.bound.contains(&(seed_family(mirna).to_vec(), kmer)));
            if !site.contains(&Base::N) && !self.kept_out.shares_kmer(site) && !bound() {
                return Some((id, site));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;
    use rand::SeedableRng;

    fn pair(mirna: &str, id: &str, site: &str, label: f32) -> Pair {
        Pair {
            mirna_id: "m".into(),
            mirna: parse(mirna.as_bytes()).unwrap(),
            site_id: id.into(),
            site: parse(site.as_bytes()).unwrap(),
            label: Some(label),
            split: None,
            cluster: None,
            family: None,
        }
    }

    const LET_7: &str = "UGAGGUAGUAGGUUGUAUAGUU";
    const FLANK: &str = "GCUUAGGCAUCCAGUAUCGGAUCACGUUAGC";

    fn transcript(id: &str, flank: &str) -> Record {
        let text = format!("{flank}CUACCUCA{flank}");
        Record { id: id.into(), sequence: parse(text.as_bytes()).unwrap(), line: 1 }
    }

    #[test]
    fn windows_are_like_bound_sites_and_of_no_gene_that_is() {
        let bound = pair(LET_7, "bound", "AAGGCUACCUCAUUGGACGUAGCAUCGG", 1.0);
        let forms = Form::of_positives(std::slice::from_ref(&bound));
        assert_eq!(forms, [Form { len: 28, start: 5 }]);
        let reversed: String = FLANK.chars().rev().collect();
        let transcripts = vec![
            transcript("bound", &reversed),
            transcript("tested", &format!("AC{reversed}")),
            transcript("free", FLANK),
        ];
        let tested = [pair(LET_7, "tested", "A", 0.0)];
        let known = [bound.clone(), pair("UCCCCCCCGG", "x", "ACGU", 1.0)];
        let windows = TranscriptWindows::new(transcripts.clone(), &known, &tested, KmerSet::default());
        let negatives = vec![pair(LET_7, "re-paired", "ACGUACGUACGU", 0.0); 100];
        let exchanged = |windows: &TranscriptWindows, share| {
            let mut negatives = negatives.clone();
            let count = windows.exchange(&mut negatives, &forms, share, &mut ChaCha8Rng::seed_from_u64(1));
            (count, negatives)
        };
        let (count, all) = exchanged(&windows, 1.0);
        assert_eq!(count, 100);
        let site = crate::rna::text(&all[0].site);
        assert!(all.iter().all(|pair| pair.site_id == "free" && pair.label == Some(0.0)));
        assert_eq!((site.len(), site.find("UACCUC")), (28, Some(5)), "{site}");
        let (count, some) = exchanged(&windows, 0.3);
        assert!((15..45).contains(&count), "{count}");
        assert_eq!(some.iter().filter(|pair| pair.site_id == "free").count(), count);

        // A window that is tested on, or bound elsewhere, is shown to nobody; nor is one of a miRNA without sites.
        let kept_out = KmerSet::of_sites(&all[..1]);
        assert_eq!(
            exchanged(&TranscriptWindows::new(transcripts.clone(), &known, &tested, kept_out), 1.0).0,
            0
        );
        let elsewhere = [bound, pair(LET_7, ".", &site, 1.0)];
        let windows = TranscriptWindows::new(transcripts, &elsewhere, &tested, KmerSet::default());
        assert_eq!(exchanged(&windows, 1.0).0, 0);
        let mut other = [pair("UCCCCCCCGG", "re-paired", "ACGU", 0.0)];
        assert_eq!(windows.exchange(&mut other, &forms, 1.0, &mut ChaCha8Rng::seed_from_u64(1)), 0);
    }
}
