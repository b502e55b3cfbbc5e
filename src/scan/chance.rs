//! What a scan finds by chance: 3'UTRs as they are and with their bases shuffled, through the same gates, network and rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::lines::{Answered, Place, logit};
use super::{Answers, BATCH, Mirna, Question, Status, mirna_status, questions, target_status};
use crate::Result;
use crate::model::{Chance, Predictor, Sample};
use crate::rna::{Gate, Record, WindowShape, dinucleotide_shuffle};

/// Gates that a model is held against chance with, and which of a transcript's miRNAs are asked with each: windows at a stride
/// are so many that one in sixteen will do.
const GATES: [(Gate, usize); 3] = [(Gate::Canonical, 1), (Gate::Relaxed, 1), (Gate::TILED, 16)];

/// How much is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    pub mirnas: usize,
    pub transcripts: usize,
    pub seed: u64,
}

/// The miRNAs and transcripts of `draw`, of those that can be scored, each in their file's order.
pub fn drawn(
    predictor: &Predictor,
    mirnas: Vec<Record>,
    transcripts: Vec<Record>,
    draw: Draw,
) -> [Vec<Record>; 2] {
    let longest = predictor.mirna_len();
    let is_mirna = |record: &Record| mirna_status(&record.sequence, longest) == Status::Ok;
    let is_target = |record: &Record| target_status(&record.sequence) == Status::Ok;
    let mirnas = some(mirnas.into_iter().filter(is_mirna).collect(), draw.mirnas, draw.seed);
    [mirnas, some(transcripts.into_iter().filter(is_target).collect(), draw.transcripts, draw.seed)]
}

fn some(records: Vec<Record>, count: usize, seed: u64) -> Vec<Record> {
    let mut numbered: Vec<(usize, Record)> = records.into_iter().enumerate().collect();
    numbered.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    numbered.truncate(count);
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, record)| record).collect()
}

/// What chance gives with each gate that finds anything. `predictor` is uncalibrated. `observe` is told how many pairs are done,
/// now and then.
pub fn chance(
    predictor: &Predictor,
    [mirnas, transcripts]: &[Vec<Record>; 2],
    seed: u64,
    observe: &mut dyn FnMut(u64),
) -> Result<BTreeMap<String, Chance>> {
    let (mut found, mut pairs) = (BTreeMap::new(), 0);
    for (gate, of) in GATES {
        let mirna = |record: &Record| Mirna::new(record.clone(), predictor.mirna_len(), gate);
        let mirnas: Vec<Mirna> = mirnas.iter().map(mirna).collect();
        let mut bench = Bench::new(predictor);
        for (number, transcript) in transcripts.iter().enumerate() {
            let asked: Vec<Mirna> = mirnas.iter().skip(number % of).step_by(of).cloned().collect();
            bench.ask(&asked, transcript, seed ^ number as u64)?;
            pairs += asked.len() as u64;
            observe(pairs);
        }
        bench.settle()?;
        if let Some(chance) = Chance::of(bench.sample) {
            found.insert(gate.to_string(), chance);
        }
    }
    Ok(found)
}

/// One gate's scores.
struct Bench<'a> {
    predictor: &'a Predictor,
    answers: Answers,
    sample: Sample,
    /// Pairs that are not scored yet, with transcripts as they are and shuffled, and how many windows that is.
    held: [Vec<Question>; 2],
    windows: usize,
}

impl<'a> Bench<'a> {
    fn new(predictor: &'a Predictor) -> Self {
        let (answers, sample) = (Answers::default(), Sample::default());
        Bench { predictor, answers, sample, held: Default::default(), windows: 0 }
    }

    fn ask(&mut self, mirnas: &[Mirna], transcript: &Record, seed: u64) -> Result<()> {
        let shape = WindowShape::of(self.predictor.site_len());
        let sequence = dinucleotide_shuffle(&transcript.sequence, seed);
        self.sample.nucleotides += (mirnas.len() * sequence.len()) as u64;
        let shuffled = Record { sequence, ..transcript.clone() };
        for (held, transcript) in self.held.iter_mut().zip([transcript.clone(), shuffled]) {
            for question in questions(mirnas, Arc::new(transcript), shape) {
                self.windows += question.sites.len();
                held.push(question);
            }
        }
        if self.windows >= BATCH { self.settle() } else { Ok(()) }
    }

    fn settle(&mut self) -> Result<()> {
        let [real, shuffled] = std::mem::take(&mut self.held);
        self.windows = 0;
        let real = self.scored(real)?;
        self.sample.real.extend(real.iter().flat_map(sites));
        let shuffled = self.scored(shuffled)?;
        self.sample.shuffled.extend(shuffled.iter().flat_map(sites));
        let windows = shuffled.iter().flat_map(|question| &question.sites);
        self.sample.windows.extend(windows.map(|site| logit(site.probability)));
        Ok(())
    }

    fn scored(&mut self, mut questions: Vec<Question>) -> Result<Vec<Question>> {
        self.answers.fill(self.predictor, &mut questions)?;
        Ok(questions)
    }
}

/// Log-odds of the sites that a scan would write, likely or not.
fn sites(question: &Question) -> Vec<f32> {
    let rows = Answered::new(question, 0.0, Place::NoGenome).rows;
    rows.iter().map(|row| logit(row.site.probability)).collect()
}
