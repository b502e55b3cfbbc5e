//! Pairs from the public data sets' tables. Columns are found by name, in any order; columns not named here are ignored.
//!
//! | format | miRNA | site | optional |
//! |---|---|---|---|
//! | TargetNet, Mimosa | `mirna_id` `mirna_seq` | `mrna_id` `mrna_seq` | `label` `split` |
//! | miRBench | `noncodingRNA` | `gene` | `noncodingRNA_name` `noncodingRNA_fam` `label` `chr` `start` `end` `strand` `gene_cluster_ID` |
//! | CLASH (miRBind) | `miRNA` | `gene` | `label` |

use std::path::Path;
use std::str::FromStr;

use super::pairs::{Pair, Split};
use super::table::{Row, Table};
use crate::rna::{self, Base};
use crate::{Error, Result};

/// How a table of pairs names its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TargetNet (Min et al. 2022) and Mimosa.
    TargetNet,
    /// miRBench (Sammut et al. 2024).
    MirBench,
    /// miRBind's CLASH sets (Klimentova et al. 2022); `miRNA` holds a sequence.
    Clash,
}

impl Format {
    const ALL: [Format; 3] = [Format::TargetNet, Format::MirBench, Format::Clash];

    /// The format's name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::TargetNet => "targetnet",
            Format::MirBench => "mirbench",
            Format::Clash => "clash",
        }
    }

    /// Columns without which a table is not of this format.
    fn required(self) -> &'static [&'static str] {
        match self {
            Format::TargetNet => &["mirna_id", "mirna_seq", "mrna_id", "mrna_seq"],
            Format::MirBench => &["noncodingRNA", "gene"],
            Format::Clash => &["miRNA", "gene"],
        }
    }

    /// The format all of whose required columns stand in `table`'s header.
    pub fn of(table: &Table) -> Result<Format> {
        let fits = |format: &Format| format.required().iter().all(|name| table.find(name).is_some());
        Format::ALL.into_iter().find(fits).ok_or_else(|| {
            let known = Format::ALL.map(|f| format!("'{}' ({})", f.required().join(" "), f.name()));
            table.header_error(format!("expected the columns {}", known.join(" or ")))
        })
    }
}

impl FromStr for Format {
    type Err = Error;
    fn from_str(name: &str) -> Result<Format> {
        let known = Format::ALL.map(Format::name).join(", ");
        let unknown = || Error::Setting(format!("format: expected one of {known}, found '{name}'"));
        Format::ALL.into_iter().find(|f| f.name() == name).ok_or_else(unknown)
    }
}

/// Every row of `path` (gzip by content, `-` is standard input). `None` recognises the format by the header.
/// The first row that cannot be read is an error: no row is dropped.
pub fn read_pairs(path: &Path, format: Option<Format>) -> Result<Vec<Pair>> {
    pairs_of(Table::open(path)?, format)
}

/// As [`read_pairs`], for training and testing: the table must have a `label` column.
pub fn read_labelled(path: &Path, format: Option<Format>) -> Result<Vec<Pair>> {
    let table = Table::open(path)?;
    table.column("label")?;
    pairs_of(table, format)
}

fn pairs_of(mut table: Table, format: Option<Format>) -> Result<Vec<Pair>> {
    let format = format.map_or_else(|| Format::of(&table), Ok)?;
    let columns = Columns::find(&table, format)?;
    let mut pairs = Vec::new();
    while let Some(row) = table.next_row()? {
        let pair = columns.pair(&row).map_err(|message| Error::line(table.path(), row.line, message))?;
        pairs.push(pair);
    }
    Ok(pairs)
}

/// 0-based places of the columns a [`Pair`] is made of.
struct Columns {
    mirna_id: Option<usize>,
    mirna: usize,
    site_id: Option<usize>,
    site: usize,
    /// `chr start end strand`, if all four are there.
    place: Option<[usize; 4]>,
    label: Option<usize>,
    split: Option<usize>,
    cluster: Option<usize>,
    family: Option<usize>,
}

impl Columns {
    fn find(table: &Table, format: Format) -> Result<Columns> {
        for name in format.required() {
            table.column(name)?;
        }
        let (mirna_id, mirna, site_id, site) = match format {
            Format::TargetNet => ("mirna_id", "mirna_seq", "mrna_id", "mrna_seq"),
            Format::MirBench => ("noncodingRNA_name", "noncodingRNA", "", "gene"),
            Format::Clash => ("", "miRNA", "", "gene"),
        };
        let only = |of: Format, name| if format == of { table.find(name) } else { None };
        let place = ["chr", "start", "end", "strand"].map(|name| only(Format::MirBench, name));
        let place = match place {
            [Some(chr), Some(start), Some(end), Some(strand)] => Some([chr, start, end, strand]),
            _ => None,
        };
        Ok(Columns {
            mirna_id: table.find(mirna_id),
            mirna: table.column(mirna)?,
            site_id: table.find(site_id),
            site: table.column(site)?,
            place,
            label: table.find("label"),
            split: only(Format::TargetNet, "split"),
            cluster: only(Format::MirBench, "gene_cluster_ID"),
            family: only(Format::MirBench, "noncodingRNA_fam"),
        })
    }

    fn pair(&self, row: &Row) -> Result<Pair, String> {
        let field = |at: usize| row.fields[at].as_str();
        let named =
            |at: Option<usize>| at.map(field).filter(|name| !matches!(*name, "" | "." | "0" | "unknown"));
        let mirna_id = self.mirna_id.map_or(field(self.mirna), field);
        let place = self.place.map(|at| at.map(field));
        let site_id = match (self.site_id, place) {
            (Some(at), _) => field(at).to_owned(),
            (None, Some([chr, start, end, strand])) => format!("{chr}:{start}-{end}:{strand}"),
            (None, None) => field(self.site).to_owned(),
        };
        Ok(Pair {
            mirna_id: mirna_id.to_owned(),
            mirna: sequence("miRNA", mirna_id, field(self.mirna))?,
            site: sequence("site", &site_id, field(self.site))?,
            site_id,
            label: self.label.map(field).map(label).transpose()?,
            split: self.split.map(field).map(split).transpose()?,
            cluster: named(self.cluster).map(str::to_owned),
            family: named(self.family).map(str::to_owned),
        })
    }
}

pub(super) fn sequence(what: &str, id: &str, text: &str) -> Result<Vec<Base>, String> {
    if text.is_empty() {
        return Err(format!("expected the sequence of {what} '{id}', found nothing"));
    }
    rna::parse(text.as_bytes()).map_err(|e| {
        let (at, found) = (e.at + 1, char::from(e.byte).escape_default());
        format!("expected a base at position {at} of {what} '{id}', found '{found}'")
    })
}

fn label(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value == 0.0 || value == 1.0 => Ok(value.abs()),
        _ => Err(format!("expected label 0 or 1, found '{text}'")),
    }
}

fn split(text: &str) -> Result<Split, String> {
    Split::from_name(text).ok_or_else(|| format!("expected split train, val or test, found '{text}'"))
}
