//! `mirscope model card`: what a model is, what it was made from and how far it can be trusted, from the files that say so.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::cli::common::Common;
use crate::eval::{Estimate, Report, ReportRow, Shortcuts};
use crate::model::{Chance, Config, Predictor, Reads};
use crate::output::Output;
use crate::train::Record;
use crate::{Error, Result, open};

const IN_MEMORY: &str = "a String takes all text";
/// From which expected calibration error on a test set is a limit worth telling.
const OFF: f64 = 0.1;

/// Write what a model is, as Markdown: what it answers and does not, network, data, calibration, test figures, limits
#[derive(clap::Args)]
pub(super) struct Args {
    /// A test set's name and its report, as evaluate --json wrote it; may be given again
    #[arg(long = "report", value_name = "NAME=JSON", value_parser = named)]
    reports: Vec<(String, PathBuf)>,
    /// The training run's folder, or one with its data.json and metrics.jsonl
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Where to write
    #[arg(short, long, value_name = "MD", default_value = open::STANDARD)]
    output: String,
    #[command(flatten)]
    common: Common,
}

fn named(text: &str) -> std::result::Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.into(), path.into())),
        _ => Err(format!("expected NAME=JSON, found '{text}'")),
    }
}

pub(super) fn run(args: &Args) -> Result<()> {
    let model = args.common.predictor()?;
    let record = args.run.as_deref().map(Record::read).transpose()?;
    let read = |(name, path): &(String, PathBuf)| Ok((name.clone(), report(path)?));
    let reports: Vec<(String, Report)> = args.reports.iter().map(read).collect::<Result<_>>()?;
    let sections = [
        head(&model),
        network(&model)?,
        training(&model, record.as_ref()),
        calibration(&model),
        chance(&model),
        tests(&reports),
        limits(&model, &reports),
    ];
    let mut output = Output::create(&args.output)?;
    output.put(sections.concat())?;
    output.finish()
}

fn report(path: &Path) -> Result<Report> {
    let text = open::read_text(path)?;
    let wrong =
        |e| Error::file(path.display().to_string(), format!("expected a report of evaluate --json: {e}"));
    serde_json::from_str(&text).map_err(wrong)
}

fn head(model: &Predictor) -> String {
    let Config { mirna_len, site_len, reads, .. } = model.config();
    let shown = match reads {
        Reads::Both => "",
        Reads::Mirna => " It is shown the miRNA alone: a probe of data, not a predictor.",
        Reads::Site => " It is shown the site alone: a probe of data, not a predictor.",
    };
    let (name, prior, threshold) = (model.name(), model.prior(), model.threshold());
    format!(
        "# Model {name}\n\n<!-- written by mirscope model card -->\n\n\
         **What it answers.** Given a miRNA (15 to {mirna_len} nt) and a site (up to {site_len} nt): the probability that the miRNA \
         binds the site, where of all candidates a share of {prior:.3} is bound. From {threshold:.3} on a site is called.{shown}\n\n\
         **What it does not answer.** Whether binding represses the gene, and by how much; whether miRNA and transcript meet in a \
         cell at all; anything about species, tissues or protocols that its data does not hold.\n"
    )
}

fn network(model: &Predictor) -> Result<String> {
    let c = model.config();
    let parameters: usize = model.params().ids().map(|id| model.params().range(id).len()).sum();
    let bytes = model.file_with(model.provenance().meaning.clone())?.len();
    let mut text = format!(
        "\n## Network\n\nTokens: {} of miRNA and site, width {}, a convolution over {}, {} encoder layers of {} heads and {} \
         hidden channels, dropout {}.",
        c.mirna_len + c.site_len,
        c.width,
        c.conv_width,
        c.layers,
        c.heads,
        c.feed_forward,
        c.dropout
    );
    if let Some(pairing) = &c.pairing {
        let of = |(kernel, channels): (&usize, &usize)| format!("{kernel}x{kernel}x{channels}");
        let maps: Vec<String> = pairing.kernels.iter().zip(&pairing.channels).map(of).collect();
        write!(text, " Pairing map: convolutions {}, {} hidden channels.", maps.join(", "), pairing.hidden)
            .expect(IN_MEMORY);
    }
    let shape = serde_json::to_string(c).expect("plain fields serialise");
    write!(
        text,
        " In full: `{shape}`.\n\n| | |\n|---|---|\n| parameters | {parameters} |\n| size | {bytes} bytes |\n| SHA-256 | `{}` |\n",
        model.hash()
    )
    .expect(IN_MEMORY);
    Ok(text)
}

fn training(model: &Predictor, record: Option<&Record>) -> String {
    let said = model.provenance();
    let mut text =
        format!("\n## Training\n\nData: {}. Seed {}, mirscope {}.\n", said.data, said.seed, said.trained_by);
    let Some(record) = record else { return text + "\nThe run's record was not given.\n" };
    text += "\n| file | SHA-256 | rows | trained on | validated on | left out: near test sites | tested pairs | near validation | without negative |\n\
             |---|---|---|---|---|---|---|---|---|\n";
    for o in &record.origins {
        let path =
            Path::new(&o.path).file_name().map_or(o.path.as_str().into(), |name| name.to_string_lossy());
        let hash = o.sha256.get(..12).unwrap_or("none");
        let (trained, held) = (o.training, o.validation);
        let left_out = [o.dropped_sites, o.dropped_pairs, o.dropped_near_validation, o.without_negative];
        let left_out = left_out.map(|count| count.to_string()).join(" | ");
        writeln!(text, "| {path} | `{hash}` | {} | {trained} | {held} | {left_out} |", o.rows)
            .expect(IN_MEMORY);
    }
    if let Some(best) = record.best() {
        let (epochs, seconds) = (record.epochs.len(), record.seconds());
        let (precision, auroc) = (best.validation_average_precision, best.validation_auroc);
        write!(
            text,
            "\n{epochs} epochs in {seconds:.0} s; the one with the highest average precision on the validation rows was kept: epoch {}, \
             average precision {precision:.3}, AUROC {auroc:.3}.\n",
            best.epoch
        )
        .expect(IN_MEMORY);
    }
    text
}

fn calibration(model: &Predictor) -> String {
    let head = "\n## Calibration\n\n";
    let Some(calibration) = &model.provenance().meaning.calibration else {
        return format!("{head}None: probabilities are the network's own.\n");
    };
    let (kind, rows, losses) =
        (&calibration.curve, calibration.rows, calibration.log_loss.shown().join(" | "));
    format!(
        "{head}By a curve: {kind}, fitted to {rows} rows. Mean log loss a row, of rows that a curve was not fitted to:\n\n\
         | uncalibrated | temperature | line | isotonic |\n|---|---|---|---|\n| {losses} |\n"
    )
}

fn chance(model: &Predictor) -> String {
    let head = "\n## Against chance\n\n";
    let Some(null) = &model.provenance().meaning.null else {
        return format!("{head}Not held against shuffled 3'UTRs.\n");
    };
    let mut text = format!(
        "{head}{} miRNAs on {} 3'UTRs as they are, and with their bases shuffled, dinucleotides kept (seed {}). Sites in a million \
         nucleotides, and the lowest false-discovery rate that a threshold gives:\n\n| candidates | as they are | shuffled | lowest \
         rate |\n|---|---|---|---|\n",
        null.mirnas, null.transcripts, null.seed
    );
    for (gate, Chance { nucleotides, real, shuffled, points }) in &null.gates {
        let [real, shuffled] = [real, shuffled].map(|&sites| sites as f64 / *nucleotides as f64 * 1e6);
        let least = points.last().map_or(1.0, |[_, rate, _]| *rate);
        writeln!(text, "| {gate} | {real:.1} | {shuffled:.1} | {least:.4} |").expect(IN_MEMORY);
    }
    text
}

fn tests(reports: &[(String, Report)]) -> String {
    let mut text = String::from("\n## Tests\n\n");
    if reports.is_empty() {
        return text + "No report was given.\n";
    }
    text += "Beside what needs no network, with 95% bootstrap intervals.\n";
    for (name, report) in reports {
        let Report { rows, positives, groups, unit, resamples, results } = report;
        write!(
            text,
            "\n**{name}**: {rows} rows, {positives} positive; {resamples} draws of {groups} {unit}.\n\n\
             | | average precision | AUROC | within a miRNA | F1 | PPV | recall | Brier | ECE |\n|---|---|---|---|---|---|---|---|---|\n"
        )
        .expect(IN_MEMORY);
        for row in results {
            let estimates = [row.average_precision, row.auroc, row.within_mirna_auroc].map(|e| e.to_string());
            let values = [row.f1, row.ppv, row.recall, row.brier, row.calibration_error];
            let values = values.map(|value| value.map_or("-".into(), |value| format!("{value:.3}")));
            writeln!(text, "| {} | {} | {} |", row.name, estimates.join(" | "), values.join(" | "))
                .expect(IN_MEMORY);
        }
    }
    text
}

fn limits(model: &Predictor, reports: &[(String, Report)]) -> String {
    let meaning = &model.provenance().meaning;
    let mut limits = vec![
        "Binding is not repression: a probable site need not change a gene's expression.".to_string(),
        format!(
            "Probabilities are of a world where a share of {:.3} of candidates is bound; in a transcriptome it is far less (`--prior`).",
            meaning.prevalence
        ),
        format!("A site is read as {} nt; what lies farther away is not seen.", model.site_len()),
    ];
    if meaning.calibration.is_none() {
        limits.push("Not calibrated.".into());
    }
    limits.push(match &meaning.null {
        None => "No false-discovery rates: `scan` writes NA.".into(),
        Some(_) => "False-discovery rates take every site in a shuffled 3'UTR for false, and say nothing of repression.".into(),
    });
    for (name, report) in reports {
        limits.extend(weaknesses(name, report));
    }
    let lines: String = limits.iter().map(|limit| format!("- {limit}\n")).collect();
    format!("\n## Known limits\n\n{lines}")
}

/// Where a report's first line, the model's, does no better than a shortcut, or its probabilities are off.
fn weaknesses(name: &str, report: &Report) -> Vec<String> {
    let Some((model, others)) = report.results.split_first() else { return vec![] };
    let is_shortcut = |row: &&ReportRow| Shortcuts::NAMES.contains(&row.name.as_str());
    let Estimate { value, interval } = model.average_precision;
    let sure = interval.map(|interval| interval.low).or(value);
    let as_good = others.iter().filter(is_shortcut).filter(|row| row.average_precision.value >= sure);
    let mut found: Vec<String> = as_good
        .map(|row| {
            let (shortcut, precision) = (&row.name, row.average_precision);
            format!("On {name} the shortcut \"{shortcut}\" does about as well or better: average precision {precision}.")
        })
        .collect();
    if let Some(error) = model.calibration_error.filter(|error| *error > OFF) {
        found.push(format!("On {name} probabilities are off by {error:.3} on average."));
    }
    found
}
