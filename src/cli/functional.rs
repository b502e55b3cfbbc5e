//! `mirscope functional`: do gene scores order what happens to mRNAs when a miRNA is added or taken away?

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use super::common::{Common, Windows};
use super::genes;
use crate::data::{Duo, FoldChange, predicted, read_fold_changes, read_predictions};
use crate::eval::{Functional, FunctionalScore, Utrs, gene_means, group_ids, seed_efficacies, utr_lengths};
use crate::model::GenePredictor;
use crate::open;
use crate::output::Output;
use crate::rna::Reader;
use crate::scan::GeneRule;

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
    /// A gene-level model of `train-genes` to test beside, for this site model
    #[arg(long, value_name = "PATH")]
    genes: Option<PathBuf>,
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
    let (pairs, places) = known_pairs(&rows, &utrs);
    let scored = genes::scores(&args.common, &model, &pairs, rule, model.name())?;
    let [best, expected] = [&scored.scores, &scored.expected].map(|scores| of_rows(&places, scores));
    let name = model.name();
    let mut scores =
        vec![(format!("{name}, best site"), best), (format!("{name}, sites expected to be bound"), expected)];
    if let Some(path) = &args.genes {
        let learned = GenePredictor::load(path, model.hash())?;
        let of_pairs = genes::learned(&args.common, &model, &learned, &pairs)?;
        scores.push((format!("{}, gene level", learned.name()), of_rows(&places, &of_pairs)));
    }
    scores.extend(shortcuts(&rows, &utrs));
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

/// What needs no model: seed sites, length, and what genes did in other experiments, of other miRNA families, then of other
/// series too, which do not share controls.
pub(super) fn shortcuts(rows: &[FoldChange], utrs: &Utrs) -> Vec<(String, Vec<Option<f64>>)> {
    let other_family = |own: &FoldChange, other: &FoldChange| own.family() != other.family();
    vec![
        ("seed sites by type".into(), seed_efficacies(rows, utrs)),
        ("length of the 3'UTR".into(), utr_lengths(rows, utrs)),
        ("the gene with miRNAs of other families".into(), gene_means(rows, other_family)),
        (
            "the gene in other series, with miRNAs of other families".into(),
            gene_means(rows, FoldChange::is_apart),
        ),
    ]
}

/// The miRNA and 3'UTR of each row that has one, each pair once, and which of them is each row's.
pub(super) fn known_pairs<'a>(rows: &'a [FoldChange], utrs: &'a Utrs) -> (Vec<Duo<'a>>, Vec<Option<usize>>) {
    let known: Vec<Option<Duo>> =
        rows.iter().map(|row| utrs.get(&row.gene).map(|utr| (&row.mirna[..], &utr[..]))).collect();
    let numbers = group_ids(known.iter().flatten());
    let mut pairs: Vec<Duo> = vec![];
    for (pair, &number) in known.iter().flatten().zip(&numbers) {
        if number == pairs.len() {
            pairs.push(*pair);
        }
    }
    let mut numbers = numbers.into_iter();
    let places = known.iter().map(|pair| pair.and_then(|_| numbers.next())).collect();
    (pairs, places)
}

/// Each row's score, of its pair's.
fn of_rows(places: &[Option<usize>], scores: &[f64]) -> Vec<Option<f64>> {
    places.iter().map(|place| place.map(|place| scores[place])).collect()
}
