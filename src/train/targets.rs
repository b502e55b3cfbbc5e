//! What the loss compares each pair with: its label, softened by teachers, weighted, and beside what the miRNA alone tells.

use super::{config::RunConfig, data::Data, step::Example};
use crate::{
    data::{Duo, Pair},
    error::Result,
    model::Predictor,
    rna::Base,
    workers::Workers,
};
use std::{collections::HashMap, path::Path};

/// Turns pairs into examples.
pub(super) struct Targets {
    teachers: Vec<Predictor>,
    distillation: f32,
    positive_weight: f32,
    /// Nucleotides of a site that are read.
    site_len: usize,
    /// Log-odds of each miRNA's labels, where the loss is given them; see [`Targets::offset`].
    mirna_log_odds: HashMap<Vec<Base>, f32>,
}

impl Targets {
    /// Loads the teachers and, if asked, learns what the miRNAs alone tell.
    pub fn new(config: &RunConfig, data: &Data, workers: &Workers) -> Result<Self> {
        let t = &config.training;
        let load = |path: &String| {
            Predictor::load(Path::new(path), Workers::new(workers.device(), workers.threads())?)
        };
        let mirna_log_odds = match t.debias {
            true => log_odds(&data.epoch(config.seed, 0, 0)),
            false => HashMap::new(),
        };
        Ok(Self {
            teachers: t.teachers.iter().map(load).collect::<Result<_>>()?,
            distillation: t.distillation,
            positive_weight: t.positive_weight,
            site_len: config.model.site_len,
            mirna_log_odds,
        })
    }

    /// SHA-256 of the teachers' files.
    pub fn hashes(&self) -> impl Iterator<Item = String> {
        self.teachers.iter().map(|teacher| teacher.hash().into())
    }

    /// One example a pair, in order.
    pub fn examples<'a>(&self, pairs: &'a [Pair]) -> Result<Vec<Example<'a>>> {
        let duos: Vec<Duo> = pairs.iter().map(|pair| pair.duo(self.site_len)).collect();
        let taught = self.taught(&duos)?;
        let example = |(i, pair): (usize, &Pair)| {
            let label = f32::from(u8::from(pair.is_positive()));
            let label = taught.get(i).map_or(label, |p| label + self.distillation * (p - label));
            let weight = if pair.is_positive() { self.positive_weight } else { 1.0 };
            Example { pair: duos[i], label, weight, offset: self.offset(&pair.mirna) }
        };
        Ok(pairs.iter().enumerate().map(example).collect())
    }

    /// The teachers' mean probability of each pair; empty without teachers.
    fn taught(&self, pairs: &[Duo]) -> Result<Vec<f32>> {
        let mut sums = vec![0.0; if self.teachers.is_empty() { 0 } else { pairs.len() }];
        for teacher in &self.teachers {
            let said = teacher.probabilities(pairs)?;
            sums.iter_mut().zip(said).for_each(|(sum, p)| *sum += p / self.teachers.len() as f32);
        }
        Ok(sums)
    }

    /// A product of experts: what the miRNA alone says is added to the network's log-odds in the loss, so that the network
    /// has no reason to learn it, and left out when predicting (Clark et al. 2019, <https://arxiv.org/abs/1909.03683>).
    fn offset(&self, mirna: &[Base]) -> f32 {
        self.mirna_log_odds.get(mirna).copied().unwrap_or(0.0)
    }
}

/// Of each miRNA, with half a pair of either label added.
fn log_odds(pairs: &[Pair]) -> HashMap<Vec<Base>, f32> {
    let mut counts: HashMap<&[Base], [f32; 2]> = HashMap::new();
    for pair in pairs {
        counts.entry(&pair.mirna).or_insert([0.5; 2])[usize::from(pair.is_positive())] += 1.0;
    }
    counts.into_iter().map(|(mirna, [no, yes])| (mirna.to_vec(), (yes / no).ln())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device::Device, model::EMBEDDED, rna::parse};

    const RUN: &str =
        "name = \"t\"\ndescription = \"d\"\n[data.synthetic]\npairs = 40\nmirnas = 4\nvalidation = 0.2\n";

    fn targets(overrides: &[String]) -> (Targets, Vec<Pair>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        std::fs::write(&path, RUN).unwrap();
        std::fs::write(folder.path().join("teacher"), EMBEDDED).unwrap();
        let teacher = folder.path().join("teacher").display().to_string();
        let overrides: Vec<String> = overrides.iter().map(|one| one.replace("TEACHER", &teacher)).collect();
        let config = RunConfig::read(&path, &overrides).unwrap();
        let data = Data::read(&config).unwrap();
        let workers = Workers::new(&Device::cpu(), 1).unwrap();
        (Targets::new(&config, &data, &workers).unwrap(), data.epoch(0, 0, 0))
    }

    #[test]
    fn a_mirna_alone_says_its_smoothed_log_odds() {
        let pair = |mirna: &str, label| Pair {
            mirna_id: mirna.into(),
            mirna: parse(mirna.as_bytes()).unwrap(),
            site_id: ".".into(),
            site: vec![],
            label: Some(label),
            split: None,
            cluster: None,
            family: None,
        };
        let pairs = [pair("ACGU", 1.0), pair("ACGU", 1.0), pair("ACGU", 0.0), pair("GGGG", 0.0)];
        let said = log_odds(&pairs);
        assert!((said[&pairs[0].mirna] - (2.5f32 / 1.5).ln()).abs() < 1e-6);
        assert!((said[&pairs[3].mirna] - (0.5f32 / 1.5).ln()).abs() < 1e-6);
    }

    #[test]
    fn labels_are_softened_towards_the_teachers_and_positives_weighed() {
        let (targets, pairs) = targets(&[
            "training.teachers=[\"TEACHER\"]".into(),
            "training.distillation=0.25".into(),
            "training.positive_weight=3".into(),
            "training.debias=true".into(),
        ]);
        let duos: Vec<Duo> = pairs.iter().map(|pair| (&pair.mirna[..], &pair.site[..])).collect();
        let said = targets.teachers[0].probabilities(&duos).unwrap();
        let examples = targets.examples(&pairs).unwrap();
        for ((example, pair), p) in examples.iter().zip(&pairs).zip(said) {
            let (label, weight) = if pair.is_positive() { (1.0, 3.0) } else { (0.0, 1.0) };
            assert!((example.label - (0.75 * label + 0.25 * p)).abs() < 1e-6);
            assert_eq!((example.weight, example.offset), (weight, targets.offset(&pair.mirna)));
        }
        assert!(examples.iter().any(|example| example.offset != 0.0));
    }

    #[test]
    fn without_a_teacher_labels_are_the_files() {
        let (targets, pairs) = targets(&[]);
        let examples = targets.examples(&pairs).unwrap();
        assert!(examples.iter().zip(&pairs).all(|(e, p)| Some(e.label) == p.label && e.offset == 0.0));
    }
}
