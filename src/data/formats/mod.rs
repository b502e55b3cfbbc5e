//! Pairs from the public data sets' files. In tables columns are found by name, in any order; those not named here are
//! ignored.
//!
//! | format | miRNA | site | label | optional |
//! |---|---|---|---|---|
//! | TargetNet, Mimosa | `mirna_id` `mirna_seq` | `mrna_id` `mrna_seq` | `label` | `split` |
//! | miRBench | `noncodingRNA` | `gene` | `label` | `noncodingRNA_name` `noncodingRNA_fam` `chr` `start` `end` `strand` `gene_cluster_ID` |
//! | CLASH (miRBind) | `miRNA` | `gene` | `label` | |
//! | miRAW sites | `miRNA` `mature_miRNA_Transcript` | `EnsemblId` `mRNA_Site_Transcript` | `validation` | |
//! | miRAW genes | `miRNA` `Mature_mirna_transcript` | `EnsemblId` `3UTR_transcript` | `Positive_Negative` | |
//!
//! Without a header are miRAW's bits (283 values a row, between commas), TEC-miTarget's pairs (both sequences begin with
//! `>`) and miTAR's rows, which nothing tells from other tables: they are read by name only.
//!
//! An id or a sequence that is empty, `.`, `NA` or `NaN` is absent; so is the sequence `Sequence unavailable`.

mod bits;
mod columns;
mod fault;
mod headless;
mod reader;
mod write;

use std::str::FromStr;

use super::table::Table;
use crate::{Error, Result};

pub use fault::LeftOut;
pub(super) use fault::sequence;
pub use reader::{PairReader, read_labelled, read_pairs};
pub use write::Layout;

/// How a file of pairs is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TargetNet (Min et al. 2022) and Mimosa.
    TargetNet,
    /// miRBench (Sammut et al. 2024).
    MirBench,
    /// miRBind's CLASH sets (Klimentova et al. 2022); `miRNA` holds a sequence.
    Clash,
    /// miRAW's validated sites (Pla et al. 2018), `allTrainingSites.txt`.
    MirawSites,
    /// miRAW's whole 3'UTRs, `randomLeveragedTestSplit_*.csv` (TAB-separated): the 3'UTR stands as the site.
    MirawGenes,
    /// miRAW's cross-validation sets, `set_*_{train,test}.csv`: one-hot bits.
    MirawBits,
    /// miTAR (Gu et al. 2021): miRNA id, miRNA 3'->5', gene, site, label.
    MiTar,
    /// TEC-miTarget (Yang et al. 2024): `>miRNA 3'->5'`, `>site`, label.
    TecMiTarget,
}

impl Format {
    const ALL: [Format; 8] = [
        Format::TargetNet,
        Format::MirBench,
        Format::Clash,
        Format::MirawSites,
        Format::MirawGenes,
        Format::MirawBits,
        Format::MiTar,
        Format::TecMiTarget,
    ];

    /// The format's name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::TargetNet => "targetnet",
            Format::MirBench => "mirbench",
            Format::Clash => "clash",
            Format::MirawSites => "miraw-sites",
            Format::MirawGenes => "miraw-genes",
            Format::MirawBits => "miraw-bits",
            Format::MiTar => "mitar",
            Format::TecMiTarget => "tec-mitarget",
        }
    }

    /// Columns without which a table is not of this format; none where there is no header.
    fn required(self) -> &'static [&'static str] {
        match self {
            Format::TargetNet => &["mirna_id", "mirna_seq", "mrna_id", "mrna_seq"],
            Format::MirBench => &["noncodingRNA", "gene"],
            Format::Clash => &["miRNA", "gene"],
            Format::MirawSites => &["miRNA", "EnsemblId", "mature_miRNA_Transcript", "mRNA_Site_Transcript"],
            Format::MirawGenes => &["miRNA", "EnsemblId", "Mature_mirna_transcript", "3UTR_transcript"],
            Format::MirawBits | Format::MiTar | Format::TecMiTarget => &[],
        }
    }

    /// The format without a header that `first`, a file's first line, must be of.
    fn of_line(first: &str) -> Option<Format> {
        match first {
            _ if first.split(',').count() == bits::FIELDS => Some(Format::MirawBits),
            _ if first.starts_with('>') && first.contains('\t') => Some(Format::TecMiTarget),
            _ => None,
        }
    }

    /// The format all of whose required columns stand in `table`'s header.
    pub(in crate::data) fn of(table: &Table) -> Result<Format> {
        let with_header = || Format::ALL.into_iter().filter(|format| !format.required().is_empty());
        let fits = |format: &Format| format.required().iter().all(|name| table.find(name).is_some());
        with_header().find(fits).ok_or_else(|| {
            let known: Vec<_> =
                with_header().map(|f| format!("'{}' ({})", f.required().join(" "), f.name())).collect();
            let without = Format::MiTar.name();
            table.header_error(format!(
                "expected the columns {}, or a format without a header given by name ({without})",
                known.join(" or ")
            ))
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
