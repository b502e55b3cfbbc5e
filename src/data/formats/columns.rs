//! The formats that are tables with a header.

use super::Format;
use super::fault::{Fault, id, label, sequence, split};
use crate::Result;
use crate::data::pairs::Pair;
use crate::data::table::{Row, Table};
use crate::rna::Base;

/// 0-based places of the columns a [`Pair`] is made of.
pub(super) struct Columns {
    format: Format,
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

/// The columns of miRNA id, miRNA, site id and site.
fn names(format: Format) -> [&'static str; 4] {
    match format {
        Format::MirBench => ["noncodingRNA_name", "noncodingRNA", "", "gene"],
        Format::Clash => ["", "miRNA", "", "gene"],
        Format::MirawSites => ["miRNA", "mature_miRNA_Transcript", "EnsemblId", "mRNA_Site_Transcript"],
        Format::MirawGenes => ["miRNA", "Mature_mirna_transcript", "EnsemblId", "3UTR_transcript"],
        _ => ["mirna_id", "mirna_seq", "mrna_id", "mrna_seq"],
    }
}

impl Columns {
    pub fn find(table: &Table, format: Format) -> Result<Columns> {
        for name in format.required() {
            table.column(name)?;
        }
        let [mirna_id, mirna, site_id, site] = names(format);
        let only = |of: Format, name| if format == of { table.find(name) } else { None };
        let place = ["chr", "start", "end", "strand"].map(|name| only(Format::MirBench, name));
        let place = match place {
            [Some(chr), Some(start), Some(end), Some(strand)] => Some([chr, start, end, strand]),
            _ => None,
        };
        Ok(Columns {
            format,
            mirna_id: table.find(mirna_id),
            mirna: table.column(mirna)?,
            site_id: table.find(site_id),
            site: table.column(site)?,
            place,
            label: table.find(label_name(format)),
            split: only(Format::TargetNet, "split"),
            cluster: only(Format::MirBench, "gene_cluster_ID"),
            family: only(Format::MirBench, "noncodingRNA_fam"),
        })
    }

    pub fn pair(&self, row: &Row) -> Result<Pair, Fault> {
        let field = |at: usize| row.fields[at].as_str();
        let named =
            |at: Option<usize>| at.and_then(|at| id(field(at))).filter(|n| !matches!(*n, "0" | "unknown"));
        let mirna_id = self.mirna_id.and_then(|at| id(field(at))).unwrap_or(field(self.mirna));
        let place = self.place.map(|at| at.map(field));
        let site_id = match (self.site_id, place) {
            (Some(at), _) => id(field(at)).unwrap_or(".").to_owned(),
            (None, Some([chr, ..])) if id(chr).is_none() => ".".to_owned(),
            (None, Some([chr, start, end, strand])) => format!("{chr}:{start}-{end}:{strand}"),
            (None, None) => field(self.site).to_owned(),
        };
        Ok(Pair {
            mirna_id: mirna_id.to_owned(),
            mirna: self.sequence("miRNA", mirna_id, field(self.mirna))?,
            site: self.sequence("site", &site_id, field(self.site))?,
            site_id,
            label: self.label.map(field).map_or(Ok(None), label)?,
            split: self.split.map(field).map_or(Ok(None), split)?,
            cluster: named(self.cluster).map(str::to_owned),
            family: named(self.family).map(str::to_owned),
        })
    }

    /// miRAW fills sequences up with `L`.
    fn sequence(&self, what: &'static str, id: &str, text: &str) -> Result<Vec<Base>, Fault> {
        let text = match self.format {
            Format::MirawSites => text.trim_matches(['L', 'l']),
            _ => text,
        };
        sequence(what, id, text)
    }
}

/// The column that holds labels.
pub(super) fn label_name(format: Format) -> &'static str {
    match format {
        Format::MirawSites => "validation",
        Format::MirawGenes => "Positive_Negative",
        _ => "label",
    }
}
