//! What happened to mRNA levels when a miRNA was added to cells or taken away: the functional side of targeting.
//!
//! TAB-separated with a header, columns by name: `experiment mirna_id mirna_seq treatment mrna_id log2_fold_change fdr`,
//! others ignored. Treatments are `overexpression`, `knockout`, `knockdown` and `inhibition`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::str::FromStr;

use super::formats::sequence;
use super::table::{Row, Table};
use crate::rna::{Base, seed_family, text};
use crate::{Error, Result};

/// What was done to the miRNA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// More of it: its targets fall.
    Overexpression,
    /// Less of it, from here on: its targets rise.
    Knockout,
    Knockdown,
    Inhibition,
}

impl Treatment {
    const ALL: [Treatment; 4] =
        [Treatment::Overexpression, Treatment::Knockout, Treatment::Knockdown, Treatment::Inhibition];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Treatment::Overexpression => "overexpression",
            Treatment::Knockout => "knockout",
            Treatment::Knockdown => "knockdown",
            Treatment::Inhibition => "inhibition",
        }
    }
}

/// From its name, in whatever case.
impl FromStr for Treatment {
    type Err = String;
    fn from_str(name: &str) -> Result<Treatment, String> {
        let known = Treatment::ALL.map(Treatment::name).join(", ");
        let found = Treatment::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| format!("expected a treatment ({known}), found '{name}'"))
    }
}

/// One gene of one experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldChange {
    pub experiment: String,
    pub mirna_id: String,
    pub mirna: Vec<Base>,
    pub treatment: Treatment,
    pub gene: String,
    /// Treated over untreated, log2.
    pub log2_fold_change: f64,
    /// False discovery rate of the change; `None` where the file gives none (`NA`).
    pub fdr: Option<f64>,
}

impl FoldChange {
    /// The header of a table of fold changes, with its line end.
    pub const HEADER: &str = "experiment\tmirna_id\tmirna_seq\ttreatment\tmrna_id\tlog2_fold_change\tfdr\n";

    /// A row of that table, with its line end.
    pub fn row(&self) -> String {
        let (mirna, treatment) = (text(&self.mirna), self.treatment.name());
        let fdr = self.fdr.map_or("NA".into(), |rate| rate.to_string());
        let (experiment, mirna_id, gene) = (&self.experiment, &self.mirna_id, &self.gene);
        format!("{experiment}\t{mirna_id}\t{mirna}\t{treatment}\t{gene}\t{}\t{fdr}\n", self.log2_fold_change)
    }

    /// The series that the experiment is of: its name up to the first `_`, as in `GSE124530_OE_miR_107`. Experiments of one
    /// series share their controls, and with them the controls' noise.
    pub fn series(&self) -> &str {
        self.experiment.split('_').next().unwrap_or(&self.experiment)
    }

    /// The miRNA's family: nucleotides 2-8, or all of a shorter one.
    pub fn family(&self) -> &[Base] {
        seed_family(&self.mirna)
    }

    /// Whether it is of another family and of another series than `other`, and so tells nothing of it but biology.
    pub fn is_apart(&self, other: &FoldChange) -> bool {
        self.family() != other.family() && self.series() != other.series()
    }

    /// What the miRNA does to the gene's mRNA, log2: negative is repression, whichever way the experiment went.
    pub fn effect(&self) -> f64 {
        match self.treatment {
            Treatment::Overexpression => self.log2_fold_change,
            _ => -self.log2_fold_change,
        }
    }
}

/// Every row of `path` (gzip by content, `-` is standard input). An experiment has one miRNA, one treatment and one row
/// a gene; anything else is an error.
pub fn read_fold_changes(path: &Path) -> Result<Vec<FoldChange>> {
    let mut table = Table::open(path)?;
    let columns = Columns::find(&table)?;
    let mut rows: Vec<FoldChange> = Vec::new();
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut seen = HashSet::new();
    while let Some(row) = table.next_row()? {
        let complaint = |message| Error::line(table.path(), row.line, message);
        let change = columns.fold_change(&row).map_err(complaint)?;
        let begin = *first.entry(change.experiment.clone()).or_insert(rows.len());
        if let Some(of) = rows.get(begin)
            && (&of.mirna, of.treatment) != (&change.mirna, change.treatment)
        {
            let (name, id) = (&change.experiment, &of.mirna_id);
            return Err(complaint(format!(
                "expected one miRNA and one treatment in experiment '{name}' ({id}), found others"
            )));
        }
        if !seen.insert((begin, change.gene.clone())) {
            let (name, gene) = (&change.experiment, &change.gene);
            return Err(complaint(format!(
                "expected one row a gene in experiment '{name}', found '{gene}' again"
            )));
        }
        rows.push(change);
    }
    Ok(rows)
}

/// 0-based places of the columns a [`FoldChange`] is made of.
struct Columns {
    experiment: usize,
    mirna_id: usize,
    mirna: usize,
    treatment: usize,
    gene: usize,
    change: usize,
    fdr: usize,
}

impl Columns {
    fn find(table: &Table) -> Result<Columns> {
        Ok(Columns {
            experiment: table.column("experiment")?,
            mirna_id: table.column("mirna_id")?,
            mirna: table.column("mirna_seq")?,
            treatment: table.column("treatment")?,
            gene: table.column("mrna_id")?,
            change: table.column("log2_fold_change")?,
            fdr: table.column("fdr")?,
        })
    }

    fn fold_change(&self, row: &Row) -> Result<FoldChange, String> {
        let field = |at: usize| row.fields[at].as_str();
        let mirna_id = field(self.mirna_id).to_owned();
        Ok(FoldChange {
            experiment: field(self.experiment).to_owned(),
            mirna: sequence("miRNA", &mirna_id, field(self.mirna))?,
            mirna_id,
            treatment: field(self.treatment).parse()?,
            gene: field(self.gene).to_owned(),
            log2_fold_change: log2_fold_change(field(self.change))?,
            fdr: false_discovery_rate(field(self.fdr))?,
        })
    }
}

pub(super) fn log2_fold_change(text: &str) -> Result<f64, String> {
    number(text).ok_or_else(|| format!("expected a log2 fold change, found '{text}'"))
}

/// `None` for `NA`.
pub(super) fn false_discovery_rate(text: &str) -> Result<Option<f64>, String> {
    let rate = number(text).filter(|rate| (0.0..=1.0).contains(rate));
    match text {
        "NA" => Ok(None),
        _ if rate.is_some() => Ok(rate),
        _ => Err(format!("expected a false discovery rate from 0 to 1 or NA, found '{text}'")),
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "fdr\tmrna_id\texperiment\tmirna_id\tmirna_seq\ttreatment\tlog2_fold_change\tlog_cpm\n";

    fn read(rows: &str) -> Result<Vec<FoldChange>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{HEADER}{rows}")).unwrap();
        read_fold_changes(file.path())
    }

    #[test]
    fn repression_is_negative_whichever_way_the_experiment_went() {
        let rows = read(
            "0.01\tG1\tE1\tm\tACGU\toverexpression\t-1.5\t3\n8.81e-05\tG1\tE2\tm\tACGU\tknockout\t-1.5\t3\n\
             NA\tG2\tE2\tm\tACGU\tknockout\t2\t3\n",
        )
        .unwrap();
        assert_eq!(rows.iter().map(FoldChange::effect).collect::<Vec<_>>(), [-1.5, 1.5, -2.0]);
        assert_eq!(rows.iter().map(|row| row.fdr).collect::<Vec<_>>(), [Some(0.01), Some(8.81e-5), None]);
    }

    #[test]
    fn an_experiment_is_one_mirna_one_treatment_and_one_row_a_gene() {
        let complaint = |second: &str| {
            let error = read(&format!("0\tG1\tE\tm\tACGU\tknockout\t1\t3\n{second}\n")).unwrap_err();
            error.to_string().split_once(':').unwrap().1.to_owned()
        };
        let other = "3: expected one miRNA and one treatment in experiment 'E' (m), found others";
        assert_eq!(complaint("0\tG2\tE\tn\tACGG\tknockout\t1\t3"), other);
        assert_eq!(complaint("0\tG2\tE\tm\tACGU\toverexpression\t1\t3"), other);
        let again = "3: expected one row a gene in experiment 'E', found 'G1' again";
        assert_eq!(complaint("0\tG1\tE\tm\tACGU\tknockout\t2\t3"), again);
        assert_eq!(
            complaint("0\tG2\tE\tm\tACGU\tknockout\tinf\t3"),
            "3: expected a log2 fold change, found 'inf'"
        );
        assert!(complaint("2\tG2\tE\tm\tACGU\tknockout\t1\t3").contains("from 0 to 1 or NA, found '2'"));
        assert!(complaint("0\tG2\tE\tm\tACGU\tko\t1\t3").contains("expected a treatment"));
    }
}
