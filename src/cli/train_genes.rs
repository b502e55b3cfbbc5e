//! `mirscope train-genes`: fold changes to a gene-level model, tested on miRNA families and series it has not seen.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use super::common::Common;
use super::functional::{known_pairs, shortcuts};
use super::genes;
use crate::Result;
use crate::data::{FoldChange, Pair, read_fold_changes};
use crate::eval::{Functional, Utrs};
use crate::model::{GeneNetwork, GenePredictor, GeneProvenance, GeneReader, Predictor, WholeNetwork};
use crate::open;
use crate::output::Output;
use crate::rna::{Gate, Reader};
use crate::train::{GeneRows, GeneRunConfig, LabelledGene};

/// Train a gene-level model: from the canonical sites of a 3'UTR, or from all of it, to how much its mRNA falls
///
/// Which site did it is not known: all that is seen of a gene has one label. Every experiment is first scored by a network that
/// has seen neither its miRNA's family nor its series, beside seed sites and what genes did in other experiments; the model
/// itself is then trained on all. The folder gets config.toml, cross_validated.tsv and genes.safetensors (the model).
#[derive(clap::Args)]
pub(super) struct Args {
    /// The run's configuration
    #[arg(long, value_name = "TOML")]
    config: PathBuf,
    /// Change one setting, as in genes.pooling=max; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Bootstrap resamples
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = GeneRunConfig::read(&args.config, &args.overrides)?;
    let rows = read_fold_changes(config.data.fold_changes.as_ref())?;
    let (records, warning) = Reader::read_all(&config.data.target)?;
    warning.into_iter().for_each(|line| args.common.say(line));
    let utrs: Utrs = records.into_iter().map(|record| (record.id, record.sequence)).collect();
    let model = args.common.predictor()?;
    let tested = config.data.tested()?;
    let labelled = config.data.labelled(&tested, |gene| utrs.contains_key(gene), config.seed)?;
    let (mut pairs, seen_of) = known_pairs(&rows, &utrs);
    let learns: Vec<bool> =
        rows.iter().map(|row| !tested.contains(&(row.mirna.clone(), row.gene.clone()))).collect();
    let kept_out = learns.iter().filter(|learns| !**learns).count();
    let (bound, all) = (labelled.iter().filter(|pair| pair.is_positive()).count(), labelled.len());
    args.common
        .say(format_args!("{} fold changes, {kept_out} of them of pairs that are tested on", rows.len()));
    args.common.say(format_args!("{bound} genes known to be bound, {} with other miRNAs", all - bound));
    let labelled: Vec<LabelledGene> = labelled
        .into_iter()
        .map(|Pair { mirna, label, site_id, .. }| {
            pairs.push((&[], &utrs[&site_id]));
            LabelledGene { mirna, seen: pairs.len() - 1, label: label.expect("it has one") }
        })
        .collect();
    labelled.iter().for_each(|pair| pairs[pair.seen].0 = &pair.mirna);
    let task = Task { args, config: &config, model: &model, rows: &rows, utrs: &utrs };
    match &config.genes.whole {
        None => {
            let seen = genes::bags(&args.common, &model, &pairs, (Gate::Canonical, config.genes.sites))?;
            task.learn::<GeneNetwork>(&learns, &seen_of, &labelled, &seen)?;
        }
        Some(whole) => {
            let seen = genes::tracks(&args.common, &model, &pairs, whole)?;
            task.learn::<WholeNetwork>(&learns, &seen_of, &labelled, &seen)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is learned, whatever reads it.
struct Task<'a> {
    args: &'a Args,
    config: &'a GeneRunConfig,
    model: &'a Predictor,
    rows: &'a [FoldChange],
    utrs: &'a Utrs,
}

impl Task<'_> {
    fn learn<N: GeneReader>(
        &self,
        learns: &[bool],
        seen_of: &[Option<usize>],
        labelled: &[LabelledGene],
        seen: &[N::Seen],
    ) -> anyhow::Result<()> {
        let Self { args, config, model, rows, utrs } = *self;
        let learned = GeneRows::<N> { rows, learns, seen_of, labelled, seen };
        let scores = learned.cross_validated(config, &mut |done, of| {
            args.common.say(format_args!("network {done} of {of}"));
        })?;
        let mut results = vec![(format!("{}, cross-validated", config.name), scores.clone())];
        results.extend(shortcuts(rows, utrs));
        let mut output = Output::create(open::STANDARD)?;
        output.put(format!(
            "# site_model={} {}\n# candidates={}\n",
            model.name(),
            model.hash(),
            if config.genes.whole.is_some() { "the whole 3'UTR".into() } else { Gate::Canonical.to_string() }
        ))?;
        for (score, scores) in results {
            let result = Functional::new(rows, &scores, args.resamples, config.seed)?;
            output.put(format!("\n{score}\n{result}"))?;
        }
        output.finish()?;
        let (_, params) = learned.fit(config, &(0..rows.len()).collect::<Vec<_>>(), &HashSet::new())?;
        let provenance = GeneProvenance {
            name: config.name.clone(),
            trained_by: env!("CARGO_PKG_VERSION").into(),
            data: config.description.clone(),
            seed: config.seed,
            site_model: model.hash().into(),
        };
        let file = GenePredictor::file(&config.genes, &params, &provenance)?;
        write(args, config, &file, &table(rows, &scores))?;
        args.common.say(format_args!("the model is {}/genes.safetensors", args.out.display()));
        Ok(())
    }
}

fn write(args: &Args, config: &GeneRunConfig, model: &[u8], table: &str) -> Result<()> {
    std::fs::create_dir_all(&args.out).map_err(|e| crate::Error::io(&args.out, e))?;
    Output::write(&args.out.join("config.toml"), config.to_toml().as_bytes())?;
    Output::write(&args.out.join("cross_validated.tsv"), table.as_bytes())?;
    Output::write(&args.out.join("genes.safetensors"), model)
}

/// The cross-validated scores, a row of the fold changes each.
fn table(rows: &[FoldChange], scores: &[Option<f64>]) -> String {
    let row = |(row, score): (&FoldChange, &Option<f64>)| {
        let score = score.map_or("NA".into(), |score| format!("{score:.6}"));
        format!("{}\t{}\t{}\t{score}\n", row.experiment, row.mirna_id, row.gene)
    };
    let rows: String = rows.iter().zip(scores).map(row).collect();
    format!("experiment\tmirna_id\tmrna_id\tscore\n{rows}")
}
