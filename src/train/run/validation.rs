//! The end of an epoch: the rows held out are scored, and the model is kept if it is the best.

use super::Run;
use crate::{
    data::{Duo, Pair},
    error::{Error, Result},
    eval::{Criterion, Scores},
    model::{Meaning, Predictor, Provenance},
    train::record::EpochMetrics,
};
use std::time::Instant;

impl Run<'_> {
    /// Ends an epoch: scores the validation rows, keeps the model if it is the best, writes the metrics.
    pub(super) fn validate(&mut self, rate: f64, start: Instant) -> Result<EpochMetrics> {
        let rows = &self.data.validation;
        let duos: Vec<Duo> = rows.iter().map(|pair| pair.duo(self.config.model.site_len)).collect();
        let logits = self.network.logits(&self.params, &duos, self.course.workers)?;
        if let Some(row) = logits.iter().position(|z| !z.is_finite()) {
            let found = format!("log-odds {} of validation row {}", logits[row], row + 1);
            return Err(Error::Diverged { step: self.progress.step, found });
        }
        let labels = labels(rows);
        let loss = |(&z, &y): (&f32, &bool)| softplus(f64::from(if y { -z } else { z }));
        let validation_loss = logits.iter().zip(&labels).map(loss).sum::<f64>() / labels.len() as f64;
        let probabilities: Vec<f32> = logits.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
        let scores = Scores::from_f32(labels, &probabilities)?;
        let p = &mut self.progress;
        let metrics = EpochMetrics {
            epoch: p.epoch + 1,
            step: p.step,
            loss: p.loss_sum / p.step_in_epoch.max(1) as f64,
            rate,
            validation_loss,
            validation_average_precision: scores.average_precision().ok_or_else(one_class)?,
            validation_auroc: scores.auroc().ok_or_else(one_class)?,
            threshold: scores.best_threshold(Criterion::F1).ok_or_else(one_class)?,
            seconds: start.elapsed().as_secs_f64(),
        };
        (p.epoch, p.step_in_epoch, p.loss_sum) = (p.epoch + 1, 0, 0.0);
        if p.best.is_none_or(|(best, _)| metrics.validation_average_precision > best) {
            p.best = Some((metrics.validation_average_precision, p.epoch));
            self.keep_best(&logits)?;
        }
        self.folder.append(&metrics)?;
        self.checkpoint()?;
        Ok(metrics)
    }

    /// Calibrates the network on its `log_odds` of the validation rows, and writes it.
    fn keep_best(&self, log_odds: &[f32]) -> Result<()> {
        let rows = &self.data.validation;
        let held = self.data.origins.iter().filter(|o| o.validation > 0 && !o.sha256.is_empty());
        let meaning = Meaning::of(rows, log_odds, held.map(|origin| origin.sha256.clone()).collect());
        let scores = Scores::from_f32(labels(rows), &meaning.probabilities(log_odds)?)?;
        let threshold = scores.best_threshold(Criterion::F1).ok_or_else(one_class)?;
        let provenance = Provenance {
            name: self.config.name.clone(),
            trained_by: env!("CARGO_PKG_VERSION").into(),
            threshold: threshold as f32,
            data: self.config.description.clone(),
            seed: self.config.seed,
            meaning,
        };
        let file = Predictor::file(&self.config.model, &self.params, &provenance)?;
        self.folder.keep_best(&file)
    }
}

/// `ln(1 + exp(x))`, finite for every finite `x`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn one_class() -> Error {
    Error::Setting("the validation rows are all of one class".into())
}

fn labels(rows: &[Pair]) -> Vec<bool> {
    rows.iter().map(Pair::is_positive).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_of_any_log_odds_is_a_number() {
        for x in [-1e300, -800.0, -1.0, 0.0, 1.0, 36.0, 800.0, 1e300] {
            let (loss, least) = (softplus(x), x.max(0.0));
            assert!(loss.is_finite() && (least..=least + 0.7).contains(&loss), "{x}: {loss}");
        }
        assert!((softplus(1.0) - 1.3132616875182228).abs() < 1e-15);
    }
}
