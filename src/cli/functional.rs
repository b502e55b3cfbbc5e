//! `mirscope functional`: do gene scores order what happens to mRNAs when a miRNA is added or taken away?

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use super::common::{Common, Windows};
use super::genes;
use crate::data::{Duo, FoldChange, predicted, read_fold_changes, read_predictions};
use crate::eval::{Functional, FunctionalScore, Utrs, group_ids, seed_efficacies, utr_lengths};
use crate::model::Predictor;
use crate::output::Output;
use crate::rna::Reader;
use crate::scan::GeneRule;
use crate::{Result, open};

/// Test gene scores on fold changes, beside seed sites counted by type and the 3'UTR's length
///
/// Higher scores should mean more repression. Each experiment is judged by itself and all count alike; intervals are 95%
/// percentile bootstraps over miRNA families.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Fold changes, TAB-separated: experiment mirna_id mirna_seq treatment mrna_id log2_fold_change fdr
    #[arg(long, value_name = "TSV")]
    data: PathBuf,
    /// FASTA of the genes' 3'UTRs, ids as in mrna_id
    #[arg(long, value_name = "FASTA")]
    target: String,
    #[command(flatten)]
    windows: Windows,
    /// Predictions to test beside: FuNmiRBench's tables or scan's genes tables, of any tool
    #[arg(long, value_name = "TSV", num_args = 1..)]
    predictions: Vec<PathBuf>,
    /// Bootstrap resamples
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also write the results as JSON, which `audit --functional` draws
    #[arg(long, value_name = "JSON")]
    json: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let rows = read_fold_changes(&args.data)?;
    let (records, warning) = Reader::read_all(&args.target)?;
    warning.into_iter().for_each(|line| args.common.say(line));
    let utrs: Utrs = records.into_iter().map(|record| (record.id, record.sequence)).collect();
    let model = args.common.predictor()?;
    let rule = GeneRule { gate: args.windows.gate()?, sites: NonZeroUsize::MIN };
    let [best, expected] = of_model(args, &model, rule, &rows, &utrs)?;
    let name = model.name();
    let mut scores = vec![
        (format!("{name}, best site"), best),
        (format!("{name}, sites expected to be bound"), expected),
        ("seed sites by type".into(), seed_efficacies(&rows, &utrs)),
        ("length of the 3'UTR".into(), utr_lengths(&rows, &utrs)),
    ];
    for path in &args.predictions {
        scores.push((path.display().to_string(), predicted(&rows, &read_predictions(path)?)));
    }
    let mut results = vec![];
    for (score, scores) in scores {
        let result = Functional::new(&rows, &scores, args.resamples, args.seed)?;
        results.push(FunctionalScore { score, result });
    }
    let mut output = Output::create(open::STANDARD)?;
    output.put(format!("# model={name} {}\n# candidates={}\n", model.hash(), rule.gate))?;
    for FunctionalScore { score, result } in &results {
        output.put(format!("\n{score}\n{result}"))?;
    }
    output.finish()?;
    if let Some(path) = &args.json {
        Output::write(path, (serde_json::to_string(&results)? + "\n").as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The best site's probability and the sum of all, of each row; a pair of several experiments is scored once.
fn of_model(
    args: &Args,
    model: &Predictor,
    rule: GeneRule,
    rows: &[FoldChange],
    utrs: &Utrs,
) -> Result<[Vec<Option<f64>>; 2]> {
    let known: Vec<Option<Duo>> =
        rows.iter().map(|row| utrs.get(&row.gene).map(|utr| (&row.mirna[..], &utr[..]))).collect();
    let places = group_ids(known.iter().flatten());
    let mut pairs: Vec<Duo> = vec![];
    for (pair, &place) in known.iter().flatten().zip(&places) {
        if place == pairs.len() {
            pairs.push(*pair);
        }
    }
    let scored = genes::scores(&args.common, model, &pairs, rule, model.name())?;
    let of_rows = |scores: &[f64]| -> Vec<Option<f64>> {
        let mut places = places.iter();
        known.iter().map(|pair| pair.and_then(|_| places.next()).map(|&place| scores[place])).collect()
    };
    Ok([of_rows(&scored.scores), of_rows(&scored.expected)])
}
