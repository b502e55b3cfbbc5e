//! What a gene did in other experiments, whatever their miRNA: a shortcut through tests on fold changes. Genes that answer to
//! any transfection, and noise of controls that experiments share, are predicted by it without a look at a sequence.

use std::collections::HashMap;

use super::{group_ids, members};
use crate::data::FoldChange;

/// Experiments at which a gene's mean counts as half known: with few it is drawn towards none.
const DOUBT: f64 = 3.0;

/// The mean repression of each row's gene, in standard deviations of an experiment, over the experiments that are `apart` from
/// the row's own; 0 where there is none.
pub fn gene_means(rows: &[FoldChange], apart: impl Fn(&FoldChange, &FoldChange) -> bool) -> Vec<Option<f64>> {
    let experiments = group_ids(rows.iter().map(|row| &row.experiment));
    let of_rows = |places: Vec<usize>| places.into_iter().map(|place| &rows[place]).collect();
    let by_experiment: Vec<Vec<&FoldChange>> = members(&experiments).into_iter().map(of_rows).collect();
    let means: Vec<HashMap<&str, f64>> = by_experiment
        .iter()
        .map(|own| {
            let others = by_experiment.iter().filter(|others| apart(own[0], others[0]));
            let mut sums: HashMap<&str, [f64; 2]> = HashMap::new();
            for others in others {
                let spread =
                    (others.iter().map(|row| row.effect().powi(2)).sum::<f64>() / others.len() as f64).sqrt();
                for row in others.iter().filter(|_| spread > 0.0) {
                    let [sum, count] = sums.entry(&row.gene).or_default();
                    (*sum, *count) = (*sum - row.effect() / spread, *count + 1.0);
                }
            }
            sums.into_iter().map(|(gene, [sum, count])| (gene, sum / (count + DOUBT))).collect()
        })
        .collect();
    let mean = |(row, &experiment): (&FoldChange, &usize)| {
        Some(means[experiment].get(row.gene.as_str()).copied().unwrap_or(0.0))
    };
    rows.iter().zip(&experiments).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Treatment;

    #[test]
    fn a_gene_is_expected_to_do_what_it_did_elsewhere() {
        let row = |experiment: &str, gene: &str, log2_fold_change, treatment| FoldChange {
            experiment: experiment.into(),
            mirna_id: experiment.into(),
            mirna: vec![],
            treatment,
            gene: gene.into(),
            log2_fold_change,
            fdr: None,
        };
        let over = Treatment::Overexpression;
        let rows = [
            row("S1_a", "x", 9.0, over),
            row("S1_b", "x", -3.0, over),
            row("S1_b", "y", 4.0, over),
            row("S2_c", "x", 2.0, Treatment::Knockout),
            row("S2_c", "z", 2.0, Treatment::Knockout),
        ];
        let others = gene_means(&rows, |own, other| own.experiment != other.experiment);
        // the spreads of b and c are sqrt((9 + 16) / 2) and 2; x fell in both, a knockout turning the sign
        let expected = (3.0 / 12.5f64.sqrt() + 1.0) / (2.0 + 3.0);
        assert!((others[0].unwrap() - expected).abs() < 1e-12);
        assert_eq!(others[4], Some(0.0), "no other has z");
        let other_series = gene_means(&rows, |own, other| own.series() != other.series());
        assert!((other_series[0].unwrap() - 1.0 / 4.0).abs() < 1e-12);
    }
}
