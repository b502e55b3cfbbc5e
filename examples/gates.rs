//! What a scan's gate lets through, measured on sites that are known to be bound.
//!
//! `recall SITES.tsv...`: the share of each file's bound sites in which each gate finds a candidate, and of the same sites with
//! their dinucleotides shuffled, which is what a gate finds anywhere.
//!
//! `hide --sites SITES.tsv --target T.fa --out DIR`: bound sites put into shuffled 3'UTRs, each beside the same 3'UTR without
//! the site, as `hidden.tsv` (a labelled table of pairs), `mirna.fa` and `target.fa`: a search whose answer is known.
//! `cargo run --release --example gates -- recall ...`

use clap::{Parser, Subcommand};
use mirscope::{
    Error, Result,
    data::{Pair, Split, read_pairs},
    rna::{Base, Gate, KmerIndex, Probe, Reader, WindowShape, dinucleotide_shuffle, text},
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Recall {
        files: Vec<String>,
    },
    Hide {
        #[arg(long)]
        sites: String,
        /// 3'UTRs to shuffle, FASTA.
        #[arg(long)]
        target: String,
        /// Bound sites to hide.
        #[arg(long, default_value_t = 1000)]
        rows: usize,
        /// Length of a 3'UTR, nt.
        #[arg(long, default_value_t = 1000)]
        length: usize,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Recall { files } => recall(&files),
        Command::Hide { sites, target, rows, length, seed, out } => {
            hide((&sites, &target), (rows, length), seed, &out)
        }
    }
}

fn recall(files: &[String]) -> Result<()> {
    println!("file\tbound sites\tgate\tfound\tin shuffled sites");
    for file in files {
        let mut sites = read_pairs(Path::new(file), None)?;
        sites.retain(|pair| pair.is_positive() && !pair.site.contains(&Base::N));
        for gate in [Gate::Canonical, Gate::Relaxed, Gate::All { stride: 1 }] {
            let found = |pair: &Pair, site: &[Base]| {
                let shape = WindowShape::of(site.len());
                !KmerIndex::new(site).candidates(&Probe::new(&pair.mirna, gate), site, shape).is_empty()
            };
            let share = |count: usize| count as f64 / sites.len() as f64;
            let bound = sites.iter().filter(|pair| found(pair, &pair.site)).count();
            let shuffled =
                |(i, pair): &(usize, &Pair)| found(pair, &dinucleotide_shuffle(&pair.site, *i as u64));
            let anywhere = sites.iter().enumerate().filter(shuffled).count();
            println!("{file}\t{}\t{gate}\t{:.3}\t{:.3}", sites.len(), share(bound), share(anywhere));
        }
    }
    Ok(())
}

fn hide((sites, target): (&str, &str), (rows, length): (usize, usize), seed: u64, out: &Path) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut sites = read_pairs(Path::new(sites), None)?;
    sites.retain(|pair| pair.is_positive() && pair.split.is_none_or(|split| split == Split::Test));
    sites.shuffle(&mut random);
    let (utrs, _) = Reader::read_all(target)?;
    let utrs: Vec<&[Base]> = utrs
        .iter()
        .filter_map(|utr| utr.sequence.get(..length))
        .filter(|utr| !utr.contains(&Base::N))
        .collect();
    if utrs.is_empty() || sites.is_empty() {
        return Err(Error::Setting(format!("expected bound sites and 3'UTRs of {length} nt, found none")));
    }
    let mut table = String::from("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n");
    let (mut mirnas, mut targets) = (std::collections::BTreeMap::new(), String::new());
    for (i, pair) in sites.iter().take(rows).enumerate() {
        let mut utr = dinucleotide_shuffle(utrs[random.random_range(0..utrs.len())], random.random());
        let name = pair.mirna_id.clone();
        let mirna = text(&pair.mirna);
        for (label, id) in [(0, format!("without{i}")), (1, format!("with{i}"))] {
            if label == 1 {
                let at = random.random_range(0..=length - pair.site.len());
                utr[at..at + pair.site.len()].copy_from_slice(&pair.site);
            }
            let written = text(&utr);
            writeln!(table, "{name}\t{mirna}\t{id}\t{written}\t{label}").expect("memory takes all text");
            write!(targets, ">{id}\n{written}\n").expect("memory takes all text");
        }
        mirnas.insert(name, mirna);
    }
    let mirnas: String = mirnas.iter().map(|(id, mirna)| format!(">{id}\n{mirna}\n")).collect();
    for (name, text) in [("hidden.tsv", &table), ("mirna.fa", &mirnas), ("target.fa", &targets)] {
        let path = out.join(name);
        fs::create_dir_all(out).and_then(|()| fs::write(&path, text)).map_err(|e| Error::io(&path, e))?;
    }
    println!("{} bound sites in {}", sites.len().min(rows), out.display());
    Ok(())
}
