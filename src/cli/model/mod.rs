//! `mirscope model`: which models there are, what they are, whether they are whole, and what their answers mean.

mod calibrate;
mod card;
mod null;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::common::Common;
use crate::device::Device;
use crate::model::{Chance, EMBEDDED, Meaning, Predictor};
use crate::output::{self, Output};
use crate::rna::{Base, WindowShape, parse};
use crate::workers::Workers;
use crate::{Error, Result, open};

/// Models: what they read and which weights they hold
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(List),
    /// Name, hash, lengths, threshold and calibration of a model
    Info(Common),
    Verify(Verify),
    Export(Export),
    Calibrate(calibrate::Args),
    Null(null::Args),
    Card(card::Args),
}

/// The model inside this program, and those in a folder
#[derive(clap::Args)]
struct List {
    /// Folder with *.safetensors files
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Whether a model is the one it should be, and this machine computes with it as it should
///
/// Two pairs are scored here and by the plain textbook formulas in double precision; both answers are printed.
#[derive(clap::Args)]
struct Verify {
    /// The hash that the model's file must have
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Write the model inside this program as a file
#[derive(clap::Args)]
struct Export {
    /// Where to write; - for stdout
    #[arg(short, long, value_name = "SAFETENSORS")]
    output: String,
}

/// What two devices may differ by in a probability: twice what bf16 products were seen to cost, the least exact arithmetic
/// there is (docs/gpu.md).
const TOLERANCE: f32 = 0.01;

/// let-7a on a site made for it, and on one without a seed match.
const MIRNA: &str = "UGAGGUAGUAGGUUGUAUAGUU";
const SITES: [&str; 2] =
    ["AACUAUACAACCUACUACCUCAUUAACAAGGGAUUUCUAC", "GGACCGGAGGAUUUCCAAUUCAGGACCAUUAGGACCAUUA"];

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list(args.folder.as_deref())?,
        Command::Info(common) => info(&common.predictor()?)?,
        Command::Verify(args) => verify(args)?,
        Command::Export(args) => {
            let mut output = Output::create(&args.output)?;
            output.put(EMBEDDED)?;
            output.finish()?;
        }
        Command::Calibrate(args) => calibrate::run(args)?,
        Command::Null(args) => null::run(args)?,
        Command::Card(args) => card::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(folder: Option<&Path>) -> Result<()> {
    let mut output = Output::create(open::STANDARD)?;
    output.put("name\tsha256\tlongest_mirna_nt\twindow_nt\tthreshold\tmodel\n")?;
    let plain = || Workers::new(&Device::cpu(), 1);
    output.put(row(&Predictor::embedded(plain()?)?, "default"))?;
    for path in folder.map_or_else(|| Ok(Vec::new()), models)? {
        match Predictor::load(&path, plain()?) {
            Ok(model) => output.put(row(&model, &path.display().to_string()))?,
            Err(error) => output::say(format_args!("left out: {error}")),
        }
    }
    output.finish()
}

/// The folder's files that are named as models are, by name.
fn models(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e| Error::io(folder, e);
    let entries = std::fs::read_dir(folder).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension().is_some_and(|extension| extension == "safetensors") && path.is_file()
    });
    paths.sort();
    Ok(paths)
}

fn row(model: &Predictor, path: &str) -> String {
    let (mirna, site, threshold) = (model.mirna_len(), model.site_len(), model.threshold());
    format!("{}\t{}\t{mirna}\t{site}\t{threshold}\t{path}\n", model.name(), model.hash())
}

fn info(model: &Predictor) -> Result<()> {
    let mut output = Output::create(open::STANDARD)?;
    let (mirna, site) = (model.mirna_len(), model.site_len());
    output.put(format!("name\t{}\nsha256\t{}\n", model.name(), model.hash()))?;
    output.put(checksum(model))?;
    output.put(format!("longest_mirna_nt\t{mirna}\nwindow_nt\t{site}\n"))?;
    let anchor = WindowShape::of(site).anchor + 1;
    output.put(format!("nucleotide_2_opposite\t{anchor}\nthreshold\t{}\n", model.threshold()))?;
    output.put(meaning(&model.provenance().meaning))?;
    output.finish()
}

/// Whether the file can tell that it is whole: with a checksum of its own it was found to be.
fn checksum(model: &Predictor) -> String {
    format!("contents_sha256\t{}\n", model.checksum().unwrap_or("none"))
}

/// What a model says of its probabilities.
fn meaning(meaning: &Meaning) -> String {
    let mut text = format!("prevalence\t{}\n", meaning.prevalence);
    match &meaning.calibration {
        None => text += "calibration\tnone\n",
        Some(calibration) => {
            let (rows, loss) = (calibration.rows, &calibration.log_loss);
            let hashes =
                if calibration.sha256.is_empty() { "none".into() } else { calibration.sha256.join(" ") };
            let kind = &calibration.curve;
            text += &format!("calibration\t{kind}\ncalibration_rows\t{rows}\ncalibration_sha256\t{hashes}\n");
            for (kind, loss) in ["uncalibrated", "temperature", "line", "isotonic"].iter().zip(loss.shown()) {
                text += &format!("log_loss_{kind}\t{loss}\n");
            }
        }
    }
    let Some(null) = &meaning.null else { return text + "null\tnone\n" };
    for (gate, Chance { nucleotides, real, shuffled, .. }) in &null.gates {
        text += &format!("null {gate}\t{real} sites in {nucleotides} nt, {shuffled} in them shuffled\n");
    }
    text
}

fn verify(args: &Verify) -> Result<()> {
    let model = args.common.predictor()?;
    let (name, hash) = (model.name(), model.hash());
    if let Some(expected) = args.sha256.as_deref().filter(|expected| !expected.eq_ignore_ascii_case(hash)) {
        return Err(Error::file(name, format!("expected a model file of SHA-256 {expected}, found {hash}")));
    }
    let judge = args.common.predictor_on(Workers::new(&Device::Reference, 1)?)?;
    let (here, reference) = (answers(&model)?, answers(&judge)?);
    let mut output = Output::create(open::STANDARD)?;
    output.put(format!("name\t{name}\nsha256\t{hash}\n{}", checksum(&model)))?;
    for ((site, here), reference) in SITES.iter().zip(&here).zip(&reference) {
        output.put(format!("{MIRNA} {site}\t{here:.6}\t{reference:.6}\n"))?;
    }
    output.finish()?;
    match here.iter().zip(&reference).find(|&(&a, &b)| (a - b).is_nan() || (a - b).abs() > TOLERANCE) {
        None => Ok(()),
        Some((here, reference)) => {
            let message = format!("expected the probability {reference} of a known pair, found {here}");
            Err(Error::Device(format!("{message}; another device may do (--device)")))
        }
    }
}

/// The probabilities of the known pairs, as far as the model reads them.
fn answers(model: &Predictor) -> Result<Vec<f32>> {
    let bases = |text: &str, most: usize| -> Vec<Base> {
        let mut bases = parse(text.as_bytes()).expect("the pairs are written in bases");
        bases.truncate(most);
        bases
    };
    let mirna = bases(MIRNA, model.mirna_len());
    let sites = SITES.map(|site| bases(site, model.site_len()));
    model.probabilities(&sites.each_ref().map(|site| (&mirna[..], &site[..])))
}
