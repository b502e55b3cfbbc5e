//! Gene-level predictions of any tool: a score for a miRNA and a gene.
//!
//! | layout | miRNA | gene | score |
//! |---|---|---|---|
//! | FuNmiRBench | `miRNA_Name` | `Ensembl_ID` | `Score` |
//! | FuNmiRBench, earlier | `mirna` | `gene_id` | `score` |
//! | `mirscope scan --genes` | `mirna_id` | `target_id` | `probability` |

use std::collections::HashMap;
use std::path::Path;

use super::fold_changes::FoldChange;
use super::table::Table;
use crate::{Error, Result};

/// The columns of miRNA, gene and score.
const LAYOUTS: [[&str; 3]; 3] = [
    ["miRNA_Name", "Ensembl_ID", "Score"],
    ["mirna", "gene_id", "score"],
    ["mirna_id", "target_id", "probability"],
];

/// FuNmiRBench's header, with its line end.
pub const FUNMIRBENCH_HEADER: &str = "Ensembl_ID\tGene_Name\tmiRNA_ID\tmiRNA_Name\tScore\n";

/// A tool's score; higher is more repression expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub mirna: String,
    pub gene: String,
    /// `None` where the tool gives none (`NA`, `.` or nothing).
    pub score: Option<f64>,
}

impl Prediction {
    /// FuNmiRBench's row, with its line end; gene names and miRNA accessions are not known. `None` without a score.
    pub fn funmirbench_row(&self) -> Option<String> {
        self.score.map(|score| format!("{}\t\t\t{}\t{score}\n", self.gene, self.mirna))
    }
}

/// Every row of `path` (gzip by content, `-` is standard input); columns by name, others ignored.
pub fn read_predictions(path: &Path) -> Result<Vec<Prediction>> {
    let mut table = Table::open(path)?;
    let fits = |layout: &&[&str; 3]| layout.iter().all(|name| table.find(name).is_some());
    let layout = LAYOUTS.iter().find(fits).ok_or_else(|| {
        let known = LAYOUTS.map(|layout| format!("'{}'", layout.join(" "))).join(" or ");
        table.header_error(format!("expected the columns {known}"))
    })?;
    let [mirna, gene, score] = [table.column(layout[0])?, table.column(layout[1])?, table.column(layout[2])?];
    let mut predictions = Vec::new();
    while let Some(row) = table.next_row()? {
        let score = match row.fields[score].as_str() {
            "" | "." | "NA" => None,
            text => match text.parse() {
                Ok(value) if f64::is_finite(value) => Some(value),
                _ => {
                    let message = format!("expected a score or NA, found '{text}'");
                    return Err(Error::line(table.path(), row.line, message));
                }
            },
        };
        predictions.push(Prediction {
            mirna: row.fields[mirna].clone(),
            gene: row.fields[gene].clone(),
            score,
        });
    }
    Ok(predictions)
}

/// The score of each row's miRNA and gene, by name: the greatest where several are predicted (those of a gene's
/// transcripts, say), `None` where there is none.
pub fn predicted(rows: &[FoldChange], predictions: &[Prediction]) -> Vec<Option<f64>> {
    let mut scores: HashMap<(&str, &str), f64> = HashMap::new();
    for one in predictions {
        if let Some(score) = one.score {
            let best = scores.entry((&one.mirna, &one.gene)).or_insert(score);
            *best = best.max(score);
        }
    }
    rows.iter().map(|row| scores.get(&(row.mirna_id.as_str(), row.gene.as_str())).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read_fold_changes;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn read(text: &str) -> Result<Vec<Prediction>> {
        read_predictions(file(text).path())
    }

    #[test]
    fn three_layouts_say_the_same() {
        let standard =
            read("Ensembl_ID\tGene_Name\tmiRNA_ID\tmiRNA_Name\tScore\nG1\tA\t\tm\t0.9\nG2\tB\t\tm\tNA\n");
        let earlier = read("mirna\tgene_id\tscore\nm\tG1\t0.9\nm\tG2\t\n").unwrap();
        let own = read(
            "# mirscope=1\nmirna_id\ttarget_id\tprobability\tstatus\nm\tG1\t0.9\tok\nm\tG2\tNA\tshort\n",
        );
        assert_eq!(standard.unwrap(), earlier);
        assert_eq!(own.unwrap(), earlier);
        assert_eq!(earlier[0].funmirbench_row().as_deref(), Some("G1\t\t\tm\t0.9\n"));
        assert_eq!((earlier[1].score, earlier[1].funmirbench_row()), (None, None));
        let again = format!("{FUNMIRBENCH_HEADER}{}", earlier[0].funmirbench_row().unwrap());
        assert_eq!(read(&again).unwrap(), earlier[..1]);
    }

    #[test]
    fn complaints_say_what_was_expected() {
        let said = |text: &str| read(text).unwrap_err().to_string().split_once(':').unwrap().1.to_owned();
        assert!(
            said("a\tb\nc\td\n").starts_with("1: expected the columns 'miRNA_Name Ensembl_ID Score' or ")
        );
        assert_eq!(said("mirna\tgene_id\tscore\nm\tG\thigh\n"), "2: expected a score or NA, found 'high'");
    }

    #[test]
    fn scores_find_their_rows_by_name() {
        let changes = "experiment\tmirna_id\tmirna_seq\ttreatment\tmrna_id\tlog2_fold_change\tfdr\n\
            E\tm\tACGU\tknockout\tG1\t1\t0\nE\tm\tACGU\tknockout\tG2\t1\t0\nE\tm\tACGU\tknockout\tG3\t1\t0\n";
        let rows = read_fold_changes(file(changes).path()).unwrap();
        let predictions = read("mirna\tgene_id\tscore\nm\tG2\t-3\nm\tG2\t-1\nn\tG1\t5\nm\tG3\tNA\n").unwrap();
        assert_eq!(predicted(&rows, &predictions), [None, Some(-1.0), None]);
    }
}
