//! Learning how much a gene falls from the sites of its 3'UTR, by fold changes: which site did it is not known, so a bag of
//! sites has one label.

use super::config::{EPOCHS, one_line, parsed};
use crate::{
    autograd::Tape,
    data::FoldChange,
    device::Device,
    error::{Error, Result},
    eval::{group_ids, members, quantile},
    model::{Bag, GeneConfig, GeneNetwork},
    open,
    ops::BceWithLogits,
    optim::{AdamW, Schedule},
    params::{Builder, Params},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, path::Path};

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
}

impl Default for GeneTraining {
    fn default() -> Self {
        Self { epochs: 6, batch: 1024, rate: 3e-3, weight_decay: 0.01, steepness: 2.0 }
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
        let finite = [t.rate, t.weight_decay, t.steepness];
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

/// Fold changes and the bag of each; rows without a 3'UTR have none.
pub struct GeneRows<'a> {
    pub rows: &'a [FoldChange],
    /// Place in `bags` of each row, `[rows]`.
    pub bag_of: &'a [Option<usize>],
    pub bags: &'a [Bag],
}

impl GeneRows<'_> {
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
            let (network, params) = self.fit(config, &rows)?;
            let of_bags = network.scores(&params, self.bags)?;
            for row in (0..self.rows.len()).filter(|&row| tested.contains(&experiments[row])) {
                scores[row] = self.bag_of[row].map(|bag| f64::from(of_bags[bag]));
            }
            observe(done + 1, held_out.len());
        }
        Ok(scores)
    }

    /// A network of these rows.
    pub fn fit(&self, config: &GeneRunConfig, rows: &[usize]) -> Result<(GeneNetwork, Params)> {
        let t = &config.training;
        let mut examples = self.examples(rows, t.steepness);
        if examples.is_empty() {
            return Err(Error::Setting(
                "genes: expected fold changes of genes with a 3'UTR, found none".into(),
            ));
        }
        let mut builder = Builder::new(config.seed);
        let network = GeneNetwork::new(&mut builder, &config.genes);
        let mut params = builder.on(&Device::cpu())?;
        let mut optimizer = AdamW::new(&params, t.weight_decay)?;
        let total = t.epochs * examples.len().div_ceil(t.batch) as u64;
        let schedule = Schedule { peak: t.rate, warmup: 0, total, floor: 0.0 };
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        let mut step = 0;
        for _ in 0..t.epochs {
            examples.shuffle(&mut random);
            for batch in examples.chunks(t.batch) {
                let bags: Vec<&Bag> = batch.iter().map(|example| &self.bags[example.bag]).collect();
                let tape = Tape::new(&params, params.device());
                let scores = network.forward(&tape, &bags)?;
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
            let rows: Vec<usize> = places.into_iter().map(|place| rows[place]).collect();
            let mut sorted: Vec<f64> = rows.iter().map(|&row| self.rows[row].effect()).collect();
            sorted.sort_by(f64::total_cmp);
            let median = quantile(&sorted, 0.5).expect("an experiment has rows");
            let spread =
                (sorted.iter().map(|x| (x - median).powi(2)).sum::<f64>() / sorted.len() as f64).sqrt();
            for row in &rows {
                let repression = (median - self.rows[*row].effect()) / spread.max(f64::MIN_POSITIVE);
                let label = 1.0 / (1.0 + (-steepness * repression.clamp(-3.0, 3.0)).exp());
                let weight = 1.0 / rows.len() as f32;
                examples.extend(self.bag_of[*row].map(|bag| Example { bag, label: label as f32, weight }));
            }
        }
        examples
    }
}

struct Example {
    /// Place among the bags.
    bag: usize,
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
