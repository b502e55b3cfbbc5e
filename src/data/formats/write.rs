//! Pairs as TAB-separated tables.

use std::str::FromStr;

use super::Format;
use crate::data::pairs::Pair;
use crate::rna::text;
use crate::{Error, Result};

/// A table that pairs can be written to. What it has no column for is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// [`Format::TargetNet`], the program's own; loses the file's clusters and families.
    TargetNet,
    /// [`Format::MirBench`]; loses splits, and ids of sites that are no places.
    MirBench,
}

impl Layout {
    /// The header, with its line end.
    pub fn header(self) -> &'static str {
        match self {
            Layout::TargetNet => "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\tsplit\n",
            Layout::MirBench => {
                "gene\tnoncodingRNA\tnoncodingRNA_name\tnoncodingRNA_fam\tfeature\tlabel\tchr\tstart\tend\tstrand\t\
                 gene_cluster_ID\n"
            }
        }
    }

    /// A row, with its line end. What is not known is `.`.
    pub fn row(self, pair: &Pair) -> String {
        let label = match pair.label {
            Some(value) => value.to_string(),
            None => ".".into(),
        };
        let (mirna, site) = (text(&pair.mirna), text(&pair.site));
        match self {
            Layout::TargetNet => {
                let split = pair.split.map_or(".", |split| split.name());
                let (mirna_id, site_id) = (&pair.mirna_id, &pair.site_id);
                format!("{mirna_id}\t{mirna}\t{site_id}\t{site}\t{label}\t{split}\n")
            }
            Layout::MirBench => {
                let dna = |rna: String| rna.replace('U', "T");
                let known = |name: &Option<String>| name.clone().unwrap_or_else(|| ".".into());
                let [chr, start, end, strand] = place(&pair.site_id).unwrap_or(["."; 4]);
                format!(
                    "{}\t{}\t{}\t{}\t.\t{label}\t{chr}\t{start}\t{end}\t{strand}\t{}\n",
                    dna(site),
                    dna(mirna),
                    pair.mirna_id,
                    known(&pair.family),
                    known(&pair.cluster)
                )
            }
        }
    }

    /// Whether `pair` has something that this table has no column for.
    pub fn loses(self, pair: &Pair) -> bool {
        match self {
            Layout::TargetNet => pair.cluster.is_some() || pair.family.is_some(),
            Layout::MirBench => {
                pair.split.is_some() || (pair.site_id != "." && place(&pair.site_id).is_none())
            }
        }
    }
}

impl FromStr for Layout {
    type Err = Error;
    fn from_str(name: &str) -> Result<Layout> {
        let known = [(Layout::TargetNet, Format::TargetNet), (Layout::MirBench, Format::MirBench)];
        known.into_iter().find(|(_, format)| format.name() == name).map(|(layout, _)| layout).ok_or_else(
            || {
                Error::Setting(format!(
                    "expected to write targetnet, mirbench, funmirbench or fold-changes, found '{name}'"
                ))
            },
        )
    }
}

/// Chromosome, start, end and strand of `chr:start-end:strand`.
fn place(id: &str) -> Option<[&str; 4]> {
    let (rest, strand) = id.rsplit_once(':')?;
    let (chr, range) = rest.split_once(':')?;
    let (start, end) = range.split_once('-')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (number(start) && number(end) && matches!(strand, "+" | "-")).then_some([chr, start, end, strand])
}
