//! FuNmiRBench's experiments: a registry, and for each experiment a table of differential expression.
//!
//! The registry has the columns `id mirna_name experiment_type de_table_path`; paths are from its folder, or from the
//! folder above it. The tables are those of edgeR (`logFC`, `FDR`) or DESeq2 (`log2FoldChange`, `padj`), TAB-separated;
//! genes stand in the first column, which may have no name, or no place in the header at all.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::fold_changes::{FoldChange, Treatment, false_discovery_rate, log2_fold_change};
use super::lines::Lines;
use super::table::Table;
use crate::rna::Base;
use crate::{Error, Result};

/// Names of the first column, where it has one.
const GENE: [&str; 3] = ["", "gene_id", "gene_name"];
const CHANGE: [&str; 2] = ["logFC", "log2FoldChange"];
const FDR: [&str; 2] = ["FDR", "padj"];

/// An experiment of the registry.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    pub id: String,
    pub mirna_id: String,
    pub mirna: Vec<Base>,
    pub treatment: Treatment,
    /// Its table of differential expression.
    pub table: PathBuf,
}

/// The fold changes of an experiment, and its genes without one (`NA`): how many, and the 1-based line of the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Differential {
    pub rows: Vec<FoldChange>,
    pub without: Option<(u64, u64)>,
}

/// The experiments of a registry; `mirnas` has the sequence of each name.
pub fn read_experiments(registry: &Path, mirnas: &HashMap<String, Vec<Base>>) -> Result<Vec<Experiment>> {
    let mut table = Table::open(registry)?;
    let [id, mirna, treatment, path] = ["id", "mirna_name", "experiment_type", "de_table_path"];
    let columns = [table.column(id)?, table.column(mirna)?, table.column(treatment)?, table.column(path)?];
    let mut experiments = Vec::new();
    while let Some(row) = table.next_row()? {
        let [id, mirna_id, treatment, path] = columns.map(|at| row.fields[at].clone());
        let complaint = |message: String| Error::line(table.path(), row.line, message);
        let mirna = mirnas.get(&mirna_id).cloned().ok_or_else(|| {
            complaint(format!("expected a miRNA among the {} given, found '{mirna_id}'", mirnas.len()))
        })?;
        let folders = [registry.parent(), registry.parent().and_then(Path::parent)];
        let table =
            folders.into_iter().flatten().map(|folder| folder.join(&path)).find(|place| place.is_file());
        let missing =
            || complaint(format!("expected a file from this folder or the one above, found no '{path}'"));
        let table = table.ok_or_else(missing)?;
        let treatment = treatment.parse().map_err(complaint)?;
        experiments.push(Experiment { id, mirna_id, mirna, treatment, table });
    }
    Ok(experiments)
}

impl Experiment {
    /// Reads the experiment's table.
    pub fn fold_changes(&self) -> Result<Differential> {
        let mut lines = Lines::open(&self.table)?;
        let (begin, header) = lines
            .next()?
            .ok_or_else(|| Error::file(lines.path(), "expected a header line, found an empty file"))?;
        let header: Vec<&str> = header.trim_start_matches('\u{feff}').split('\t').collect();
        let find = |names: &[&str]| header.iter().position(|column| names.contains(column));
        let (gene, change, fdr) = (find(&GENE), find(&CHANGE), find(&FDR));
        let (Some(change), Some(fdr)) = (change, fdr) else {
            let names = "columns 'logFC FDR' (edgeR) or 'log2FoldChange padj' (DESeq2)";
            let message = format!("expected the {names}, found columns: {}", header.join(" "));
            return Err(lines.complaint(begin, message));
        };
        // without a name for the genes' column, every row has one field more than the header
        let shift = usize::from(gene.is_none());
        let mut done = Differential { rows: vec![], without: None };
        let mut seen = HashSet::new();
        while let Some((line, text)) = lines.next()? {
            let fields: Vec<&str> = text.split('\t').collect();
            if fields.len() != header.len() + shift {
                let (expected, found) = (header.len() + shift, fields.len());
                return Err(lines.complaint(line, format!("expected {expected} fields, found {found}")));
            }
            let complaint = |message| lines.complaint(line, message);
            if fields[change + shift] == "NA" {
                done.without.get_or_insert((0, line)).0 += 1;
                continue;
            }
            let name = fields[gene.unwrap_or(0)];
            if !seen.insert(name.to_owned()) {
                return Err(complaint(format!("expected one row a gene, found '{name}' again")));
            }
            done.rows.push(FoldChange {
                experiment: self.id.clone(),
                mirna_id: self.mirna_id.clone(),
                mirna: self.mirna.clone(),
                treatment: self.treatment,
                gene: name.to_owned(),
                log2_fold_change: log2_fold_change(fields[change + shift]).map_err(complaint)?,
                fdr: false_discovery_rate(fields[fdr + shift]).map_err(complaint)?,
            });
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    fn read(table: &str) -> Result<Differential> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.tsv");
        std::fs::write(&file, table).unwrap();
        let (id, mirna_id) = ("E".to_owned(), "m".to_owned());
        let mirna = parse(b"ACGU").unwrap();
        Experiment { id, mirna_id, mirna, treatment: Treatment::Knockout, table: file }.fold_changes()
    }

    #[test]
    fn genes_with_a_name_a_nameless_column_or_none() {
        let expected = [("G1", 3.25, Some(8.8e-5)), ("G2", -0.5, None)];
        for table in [
            "logFC\tlogCPM\tF\tPValue\tFDR\nG1\t-3.25\t7.9\t141\t3e-08\t8.8e-05\nG2\t0.5\t1\t1\t1\tNA\n",
            "\tlogFC\tFDR\tPValue\r\nG1\t-3.25\t8.8e-05\t0\r\nG2\t0.5\tNA\t1\r\n",
            "baseMean\tlog2FoldChange\tpadj\tgene_id\n9\t-3.25\t8.8e-05\tG1\n9\t0.5\tNA\tG2",
        ] {
            let done = read(table).unwrap();
            let told: Vec<_> =
                done.rows.iter().map(|row| (row.gene.as_str(), row.effect(), row.fdr)).collect();
            assert_eq!((&told[..], done.without), (&expected[..], None), "{table}");
        }
        let done = read("\tlogFC\tFDR\nG1\tNA\tNA\nG2\t1\t0\nG3\tNA\t0\n").unwrap();
        assert_eq!((done.rows.len(), done.without), (1, Some((2, 2))));
    }

    #[test]
    fn complaints_say_where() {
        let said =
            |table: &str| read(table).unwrap_err().to_string().split_once(".tsv").unwrap().1.to_owned();
        assert!(
            said("gene_id\tlogFC\nG\t1\n").starts_with(":1: expected the columns 'logFC FDR' (edgeR) or ")
        );
        assert_eq!(said("logFC\tFDR\nG\t1\n"), ":2: expected 3 fields, found 2");
        assert_eq!(said("gene_id\tlogFC\tFDR\nG\tx\t0\n"), ":2: expected a log2 fold change, found 'x'");
    }
}
