//! Learning how much a gene falls from its 3'UTR, by fold changes and by pairs of a miRNA and a gene that it is known to
//! bind: which site did it is not known, so all that is seen of a 3'UTR has one label.

use super::config::{EPOCHS, Rows, one_line, parsed};
use super::data::rows_of;
use crate::{
    autograd::Tape,
    data::{FoldChange, Pair, read_labelled, swap_mirnas},
    device::Device,
    error::{Error, Result},
    eval::{group_ids, members, quantile},
    model::{GeneConfig, GeneReader},
    open,
    ops::BceWithLogits,
    optim::{AdamW, Schedule},
    params::{Builder, Params},
    rna::{Base, seed_family},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// A gene-level run, as a TOML file describes it. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneRunConfig {
    /// What the model will call itself.
    pub name: String,
    /// What it was trained on, in a sentence, for the model file.
    pub description: String,
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub genes: GeneConfig,
    #[serde(default)]
    pub training: GeneTraining,
    pub data: GeneData,
}

/// How to learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneTraining {
    pub epochs: u64,
    /// Genes a step learns from.
    pub batch: usize,
    /// Learning rate at its greatest; it falls to nothing along a half cosine.
    pub rate: f64,
    pub weight_decay: f64,
    /// How steep labels are: a gene's is the logistic function of so many times its repression, in standard deviations of its
    /// experiment, clipped to three, above the experiment's median.
    pub steepness: f64,
    /// What all labelled pairs together weigh, an experiment of fold changes being 1.
    pub labelled_weight: f64,
    /// Examples of an epoch, drawn anew each; 0: all there are.
    pub examples: usize,
}

impl Default for GeneTraining {
    fn default() -> Self {
        Self {
            epochs: 6,
            batch: 1024,
            rate: 3e-3,
            weight_decay: 0.01,
            steepness: 2.0,
            labelled_weight: 4.0,
            examples: 0,
        }
    }
}

/// What to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneData {
    /// Fold changes, as [`crate::data::read_fold_changes`] reads them.
    pub fold_changes: String,
    /// FASTA of the genes' 3'UTRs.
    pub target: String,
    /// Labelled pairs whose positives say that a miRNA binds a gene; those without a 3'UTR are passed over. Each gene is
    /// negative as often, with another miRNA.
    #[serde(default)]
    pub pairs: Vec<Rows>,
    /// Gene-level test files: nothing is learned of a miRNA and gene in them.
    #[serde(default)]
    pub keep_out_pairs: Vec<String>,
}

impl GeneData {
    /// The miRNAs and genes of the test files.
    pub fn tested(&self) -> Result<HashSet<(Vec<Base>, String)>> {
        let mut tested = HashSet::new();
        for path in &self.keep_out_pairs {
            let pairs = read_labelled(path.as_ref(), None)?;
            tested.extend(pairs.into_iter().map(|pair| (pair.mirna, pair.site_id)));
        }
        Ok(tested)
    }

    /// Known pairs of a miRNA and a gene for which `has_utr`, each once, and as many of the same genes with miRNAs of other
    /// families. Nothing of `tested` is among them.
    pub fn labelled(
        &self,
        tested: &HashSet<(Vec<Base>, String)>,
        has_utr: impl Fn(&str) -> bool,
        seed: u64,
    ) -> Result<Vec<Pair>> {
        let mut known: Vec<Pair> = rows_of(&self.pairs)?;
        let mut seen = HashSet::new();
        known.retain(|pair| pair.is_positive() && has_utr(&pair.site_id));
        known.retain(|pair| !tested.contains(&(pair.mirna.clone(), pair.site_id.clone())));
        known.retain(|pair| seen.insert((pair.mirna.clone(), pair.site_id.clone())));
        let bound: HashSet<(&[Base], &str)> =
            known.iter().map(|pair| (seed_family(&pair.mirna), &pair.site_id[..])).collect();
        let with = |(gene, giver): (&Pair, Option<usize>)| {
            let giver = &known[giver?];
            let is_new = !bound.contains(&(seed_family(&giver.mirna), &gene.site_id[..]))
                && !tested.contains(&(giver.mirna.clone(), gene.site_id.clone()));
            let (mirna_id, mirna) = (giver.mirna_id.clone(), giver.mirna.clone());
            is_new.then(|| Pair { mirna_id, mirna, label: Some(0.0), ..gene.clone() })
        };
        let unbound: Vec<Pair> = known.iter().zip(swap_mirnas(&known, seed)).filter_map(with).collect();
        Ok(known.into_iter().chain(unbound).collect())
    }
}

impl GeneRunConfig {
    /// Reads a TOML file, with `overrides` of the form `training.epochs=3` applied to it.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self> {
        let text = open::read_text(path)?;
        let path = path.display().to_string();
        let config: Self = parsed(&text, &path, overrides)?;
        config.check().map_err(|e| Error::file(path, e.to_string()))?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        self.genes.check()?;
        one_line("name", &self.name)?;
        one_line("description", &self.description)?;
        let t = &self.training;
        if !(1..=EPOCHS).contains(&t.epochs) || t.batch == 0 {
            return Err(Error::Setting(format!(
                "training: expected 1 to {EPOCHS} epochs and a batch of at least one"
            )));
        }
        let finite = [t.rate, t.weight_decay, t.steepness, t.labelled_weight];
        if finite.iter().any(|x| !x.is_finite() || *x < 0.0) {
            return Err(Error::Setting("training: expected numbers of at least 0".into()));
        }
        Ok(())
    }

    /// The resolved configuration as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is a table of plain values")
    }
}

/// What is learned from, and what a network sees of each.
pub struct GeneRows<'a, N: GeneReader> {
    pub rows: &'a [FoldChange],
    /// Rows that may be learned from, `[rows]`.
    pub learns: &'a [bool],
    /// Place in `seen` of each row, `[rows]`; of one without a 3'UTR, none.
    pub seen_of: &'a [Option<usize>],
    pub labelled: &'a [LabelledGene],
    pub seen: &'a [N::Seen],
}

/// A miRNA and a gene that it binds, or does not.
#[derive(Clone, Debug)]
pub struct LabelledGene {
    pub mirna: Vec<Base>,
    /// Its place in [`GeneRows::seen`].
    pub seen: usize,
    pub label: f32,
}

impl<N: GeneReader> GeneRows<'_, N> {
    /// Scores of each row by a network that has seen neither its miRNA's family nor its experiment's series, since series share
    /// controls and families targets. `observe` is told networks done, and of how many.
    pub fn cross_validated(
        &self,
        config: &GeneRunConfig,
        observe: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Option<f64>>> {
        let experiments = group_ids(self.rows.iter().map(|row| &row.experiment));
        let count = experiments.iter().max().map_or(0, |last| last + 1);
        let first = |e| &self.rows[experiments.iter().position(|&of| of == e).expect("each has a row")];
        let firsts: Vec<&FoldChange> = (0..count).map(first).collect();
        // experiments that leave the same ones to learn from share a network
        let mut held_out: HashMap<Vec<bool>, Vec<usize>> = HashMap::new();
        for (e, of) in firsts.iter().enumerate() {
            let learned = firsts.iter().map(|other| of.is_apart(other)).collect();
            held_out.entry(learned).or_default().push(e);
        }
        let mut held_out: Vec<_> = held_out.into_iter().collect();
        held_out.sort_by(|a, b| a.1.cmp(&b.1));
        let mut scores = vec![None; self.rows.len()];
        for (done, (learned, tested)) in held_out.iter().enumerate() {
            let rows: Vec<usize> = (0..self.rows.len()).filter(|&row| learned[experiments[row]]).collect();
            let families: HashSet<&[Base]> = tested.iter().map(|&e| firsts[e].family()).collect();
            let (network, params) = self.fit(config, &rows, &families)?;
            let rows = (0..self.rows.len()).filter(|&row| tested.contains(&experiments[row]));
            let (rows, seen): (Vec<usize>, Vec<usize>) =
                rows.filter_map(|row| Some((row, self.seen_of[row]?))).unzip();
            let of_rows = network.scores(&params, seen.iter().map(|&at| &self.seen[at]))?;
            for (row, score) in rows.into_iter().zip(of_rows) {
                scores[row] = Some(f64::from(score));
            }
            observe(done + 1, held_out.len());
        }
        Ok(scores)
    }

    /// A network of these rows, and of the labelled pairs whose miRNA is not of these `families`.
    pub fn fit(
        &self,
        config: &GeneRunConfig,
        rows: &[usize],
        families: &HashSet<&[Base]>,
    ) -> Result<(N, Params)> {
        let t = &config.training;
        let mut examples = self.examples(rows, t.steepness);
        let counts =
            |pair: &&LabelledGene| t.labelled_weight > 0.0 && !families.contains(seed_family(&pair.mirna));
        let labelled = self.labelled.iter().filter(counts);
        let weight = (t.labelled_weight / labelled.clone().count() as f64) as f32;
        examples.extend(labelled.map(|&LabelledGene { seen, label, .. }| Example { seen, label, weight }));
        if examples.is_empty() {
            return Err(Error::Setting(
                "genes: expected fold changes of genes with a 3'UTR, found none".into(),
            ));
        }
        let mut builder = Builder::new(config.seed);
        let network = N::new(&mut builder, &config.genes);
        let mut params = builder.on(&Device::cpu())?;
        let mut optimizer = AdamW::new(&params, t.weight_decay)?;
        let drawn = if t.examples == 0 { examples.len() } else { t.examples.min(examples.len()) };
        let total = t.epochs * drawn.div_ceil(t.batch) as u64;
        let schedule = Schedule { peak: t.rate, warmup: 0, total, floor: 0.0 };
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        let mut step = 0;
        for _ in 0..t.epochs {
            examples.shuffle(&mut random);
            for batch in examples[..drawn].chunks(t.batch) {
                let seen: Vec<&N::Seen> = batch.iter().map(|example| &self.seen[example.seen]).collect();
                let tape = Tape::new(&params, params.device());
                let scores = network.forward(&tape, &seen)?;
                let loss = tape.apply(loss(batch), [&scores])?;
                let value = loss.value.reading()?.value()?;
                if !value.is_finite() {
                    let (op, tensor) = ("bce_with_logits", format!("loss of step {step}"));
                    return Err(Error::NotFinite { op, tensor, place: vec![], value });
                }
                let grads = tape.backward(&loss)?;
                optimizer.step(&mut params, &grads, schedule.rate(step))?;
                step += 1;
            }
        }
        Ok((network, params))
    }

    /// Labels within each experiment; every experiment weighs the same.
    fn examples(&self, rows: &[usize], steepness: f64) -> Vec<Example> {
        let experiments = group_ids(rows.iter().map(|&row| &self.rows[row].experiment));
        let mut examples = vec![];
        for places in members(&experiments) {
            let rows: Vec<usize> =
                places.into_iter().map(|place| rows[place]).filter(|&row| self.learns[row]).collect();
            if rows.is_empty() {
                continue;
            }
            let mut sorted: Vec<f64> = rows.iter().map(|&row| self.rows[row].effect()).collect();
            sorted.sort_by(f64::total_cmp);
            let median = quantile(&sorted, 0.5).expect("an experiment has rows");
            let spread =
                (sorted.iter().map(|x| (x - median).powi(2)).sum::<f64>() / sorted.len() as f64).sqrt();
            for row in &rows {
                let repression = (median - self.rows[*row].effect()) / spread.max(f64::MIN_POSITIVE);
                let label = 1.0 / (1.0 + (-steepness * repression.clamp(-3.0, 3.0)).exp());
                let weight = 1.0 / rows.len() as f32;
                examples.extend(self.seen_of[*row].map(|seen| Example { seen, label: label as f32, weight }));
            }
        }
        examples
    }
}

struct Example {
    /// Its place in [`GeneRows::seen`].
    seen: usize,
    label: f32,
    weight: f32,
}

fn loss(batch: &[Example]) -> BceWithLogits {
    BceWithLogits {
        targets: batch.iter().map(|example| example.label).collect(),
        weights: batch.iter().map(|example| example.weight).collect(),
        normalizer: batch.iter().map(|example| example.weight).sum(),
    }
}
