//! Scores in the tables of two benchmarks. Neither reads lines that begin with `#`.

use std::fmt::Write;

use super::{Answered, IN_MEMORY, Place, rounded};
use crate::data::Prediction;
use crate::rna::text as letters;

/// miRBench's columns (Sammut et al. 2024) but for the label, which a scan does not know, and the score as a predictor's
/// column is added to them.
pub(in crate::scan) const MIRBENCH_HEADER: &str = "gene\tnoncodingRNA\tnoncodingRNA_name\tnoncodingRNA_fam\tfeature\tchr\tstart\tend\tstrand\tgene_cluster_ID\tmirscope\n";

/// Every window that was scored, in the alphabet of DNA. Places are 1-based and inclusive: without a genome on the transcript,
/// with one on the chromosome, where an intron may lie in between.
pub(in crate::scan) fn mirbench(text: &mut String, answered: &Answered) {
    let (mirna, target) = (&answered.question.mirna, &answered.question.target);
    let dna = |rna: String| rna.replace('U', "T");
    let guide = dna(letters(&mirna.sequence));
    for site in &answered.question.sites {
        let window = &site.candidate.window;
        let place = match answered.place {
            Place::NoGenome => format!("{}\t{}\t{}\t+", target.id, window.start + 1, window.end),
            Place::Lost => ".\t.\t.\t.".into(),
            Place::Found(transcript) => {
                let blocks = transcript.locate(window.clone());
                let (start, end) = (blocks[0].start + 1, blocks[blocks.len() - 1].end);
                format!("{}\t{start}\t{end}\t{}", transcript.chrom, transcript.strand)
            }
        };
        let gene = dna(letters(&target.sequence[window.clone()]));
        write!(text, "{gene}\t{guide}\t{}\tunknown\t.\t", mirna.id).expect(IN_MEMORY);
        writeln!(text, "{place}\t.\t{:.6}", site.probability).expect(IN_MEMORY);
    }
}

/// The pair's score, if it has one.
pub(in crate::scan) fn funmirbench(text: &mut String, answered: &Answered) {
    let question = answered.question;
    let score = question.best().map(|site| rounded(site.probability, 6));
    let prediction = Prediction { mirna: question.mirna.id.clone(), gene: question.target.id.clone(), score };
    *text += &prediction.funmirbench_row().unwrap_or_default();
}
