//! Probabilities of windows, each computed once: transcripts of one gene share most of their 3'UTR, and some miRNAs are the
//! same sequence under two names.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Question;
use crate::data::Duo;
use crate::model::Predictor;
use crate::rna::Base;
use crate::{Error, Result};

/// Windows scored in one call of the network.
const CALL: usize = 8192;
/// Windows that wait for a call, some of them known already.
const WAITING: usize = 4 * CALL;
/// So many of the latest answers are kept at least, and twice as many at most: 50 MiB.
const KEPT: usize = 1 << 19;

/// A miRNA and a window, as two hashes of them: of a billion such pairs two share both by a chance of 1 in 10^20.
type Key = (u64, u64);

/// Answers given, the latest and those before.
#[derive(Default)]
pub struct Answers {
    latest: HashMap<Key, f32>,
    earlier: HashMap<Key, f32>,
}

impl Answers {
    /// Fills in the probabilities of all windows of `questions`; how many had to be computed.
    pub fn fill(&mut self, predictor: &Predictor, questions: &mut [Question]) -> Result<usize> {
        self.fill_unless(&AtomicBool::new(false), predictor, questions)
    }

    /// As [`Answers::fill`], but ends with [`Error::Interrupted`] soon after `stop` is set, however many windows a pair has.
    pub fn fill_unless(
        &mut self,
        stop: &AtomicBool,
        predictor: &Predictor,
        questions: &mut [Question],
    ) -> Result<usize> {
        let (mut waiting, mut unknown, mut computed) = (vec![], vec![], 0);
        let windows = questions.iter_mut().flat_map(|Question { mirna, target, sites, .. }| {
            let (mirna, target) = (&mirna.sequence[..], &target.sequence[..]);
            sites.iter_mut().map(move |site| ((mirna, &target[site.candidate.window.clone()]), site))
        });
        for (duo, site) in windows {
            let key = key(duo);
            waiting.push((key, &mut site.probability));
            if self.is_new(key) {
                unknown.push((key, duo));
            }
            if unknown.len() == CALL || waiting.len() == WAITING {
                computed += self.answer(predictor, &mut unknown, &mut waiting)?;
                if stop.load(Ordering::Relaxed) {
                    return Err(Error::Interrupted);
                }
            }
        }
        Ok(computed + self.answer(predictor, &mut unknown, &mut waiting)?)
    }

    /// Whether a window has yet to be computed. From now on it is known to be.
    fn is_new(&mut self, key: Key) -> bool {
        if let Some(&known) = self.earlier.get(&key) {
            self.latest.insert(key, known);
            return false;
        }
        match self.latest.entry(key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(unknown) => {
                unknown.insert(f32::NAN); // until it is answered
                true
            }
        }
    }

    /// Computes what is unknown and tells those who wait; how many were computed.
    fn answer(
        &mut self,
        predictor: &Predictor,
        unknown: &mut Vec<(Key, Duo)>,
        waiting: &mut Vec<(Key, &mut f32)>,
    ) -> Result<usize> {
        let duos: Vec<Duo> = unknown.iter().map(|&(_, duo)| duo).collect();
        let computed = predictor.probabilities(&duos)?;
        self.latest.extend(unknown.drain(..).map(|(key, _)| key).zip(computed));
        waiting.drain(..).for_each(|(key, probability)| *probability = self.latest[&key]);
        if self.latest.len() >= KEPT {
            self.earlier = std::mem::take(&mut self.latest);
        }
        Ok(duos.len())
    }
}

fn key((mirna, window): Duo) -> Key {
    let letters = |bases: &[Base]| bases.iter().map(|&base| base as u8).collect::<Vec<u8>>();
    let both = [letters(mirna), letters(window)].join(&u8::MAX);
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write(&both);
        hasher.finish()
    };
    (hash(0), hash(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        device::Device,
        rna::{Gate, Record, WindowShape, parse},
        scan::{Mirna, questions},
        workers::Workers,
    };
    use std::sync::Arc;

    #[test]
    fn equal_windows_are_scored_once_and_answered_everywhere() {
        let predictor = Predictor::embedded(Workers::new(&Device::cpu(), 1).unwrap()).unwrap();
        let record = |id: &str, letters: &str| Record {
            id: id.into(),
            sequence: parse(letters.as_bytes()).unwrap(),
            line: 0,
        };
        let names = ["let-7a", "the same under another name"];
        let mirna = |id| Mirna::new(record(id, "UGAGGUAGUAGGUUGUAUAGUU"), 30, Gate::Canonical);
        let mirnas = names.map(mirna);
        let utr = format!("{}CUACCUCA{}CUACCUCG{}", "GACU".repeat(20), "ACGG".repeat(20), "GGAC".repeat(20));
        let shape = WindowShape::of(predictor.site_len());
        let ask = |id| questions(&mirnas, Arc::new(record(id, &utr)), shape).collect::<Vec<_>>();
        let mut answers = Answers::default();
        let mut first = ask("isoform 1");
        assert_eq!(answers.fill(&predictor, &mut first).unwrap(), 2, "two sites, of two names");
        let mut second = ask("isoform 2");
        assert_eq!(answers.fill(&predictor, &mut second).unwrap(), 0);
        let probabilities = |questions: &[Question]| -> Vec<f32> {
            questions.iter().flat_map(|q| q.sites.iter().map(|site| site.probability)).collect()
        };
        let windows: Vec<Duo> = first[0]
            .sites
            .iter()
            .map(|site| {
                (&first[0].mirna.sequence[..], &first[0].target.sequence[site.candidate.window.clone()])
            })
            .collect();
        let expected = predictor.probabilities(&windows).unwrap();
        assert_eq!(probabilities(&first), [&expected[..], &expected[..]].concat());
        assert_eq!(probabilities(&second), probabilities(&first));
    }
}
