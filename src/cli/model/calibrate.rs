//! `mirscope model calibrate`: what a model's log-odds mean, held against labelled rows.

use std::path::PathBuf;

use crate::cli::common::Common;
use crate::cli::rows::{SplitName, read};
use crate::data::Duo;
use crate::model::Meaning;
use crate::output::Output;
use crate::{Error, Result, open};

/// Fit a model's probabilities to labelled rows, and write it with that calibration
///
/// Of a temperature, a line and an isotonic curve the one with the lowest cross-validated log loss is taken. The network and
/// the sites it calls stay the same. Take rows that the model was not trained on, and none that it is to be tested on.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Labelled pairs, TAB-separated with a header
    #[arg(long, value_name = "TSV")]
    data: PathBuf,
    /// Only rows of this split
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// Where to write the model; - for stdout
    #[arg(short, long, value_name = "SAFETENSORS")]
    output: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let model = args.common.predictor()?;
    let rows = read(&args.data, args.split)?;
    let duos: Vec<Duo> = rows.iter().map(|row| (&row.mirna[..], &row.site[..])).collect();
    let name = args.data.display().to_string();
    let sha256 = open::Content::of(&name)?.map(|content| content.sha256);
    let before = &model.provenance().meaning;
    let meaning = Meaning::of(&rows, &model.log_odds(&duos)?, sha256.into_iter().collect());
    let Some(calibration) = &meaning.calibration else {
        let count = rows.len();
        let message =
            format!("expected rows of both classes in five folds or more, found {count} that are not");
        return Err(Error::file(name, message));
    };
    let ([raw, temperature, line, isotonic], kind) = (calibration.log_loss.shown(), &calibration.curve);
    args.common.say(format_args!(
        "{kind}; log loss a row: uncalibrated {raw}, cross-validated: temperature {temperature}, line {line}, isotonic {isotonic}"
    ));
    let null = before.null.clone();
    let mut output = Output::create(&args.output)?;
    output.put(model.file_with(Meaning { null, ..meaning })?)?;
    output.finish()
}
