//! BED12, <https://samtools.github.io/hts-specs/BEDv1.pdf>: a line's blocks are the target named in column 4.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Annotation, BED12, Lines, Spliced, Strand};
use crate::Result;

/// Reads all lines, from the one `lines` stands on.
pub(super) fn read(lines: &mut Lines, annotation: &mut Annotation) -> Result<()> {
    let mut chroms: HashMap<String, Arc<str>> = HashMap::new();
    loop {
        let [chrom, start, end, name, _, strand, _, _, _, count, sizes, starts] = lines.fields::<BED12>()?;
        let strand = Strand::of(strand)
            .ok_or_else(|| lines.complaint(format!("expected + or - as strand, found '{strand}'")))?;
        let (start, end) = (lines.number("start", start)?, lines.number("end", end)?);
        let list = |what, text: &str| -> Result<Vec<usize>> {
            text.trim_end_matches(',').split(',').map(|one| lines.number(what, one)).collect()
        };
        let (sizes, starts) = (list("block size", sizes)?, list("block start", starts)?);
        let count = lines.number("number of blocks", count)?;
        if (sizes.len(), starts.len()) != (count, count) {
            let found = format!("found {} and {}", sizes.len(), starts.len());
            return Err(lines.complaint(format!("expected {count} block sizes and block starts, {found}")));
        }
        // what lies beyond all numbers lies beyond the end
        let block = |(at, size): (&usize, &usize)| {
            let from = start.saturating_add(*at);
            from..from.saturating_add(*size)
        };
        let blocks: Vec<_> = starts.iter().zip(&sizes).map(block).collect();
        if let Some(out) = blocks.iter().find(|block| block.end > end) {
            return Err(lines.complaint(format!("expected blocks up to {end}, found one up to {}", out.end)));
        }
        let chrom = chroms.entry(chrom.to_string()).or_insert_with(|| chrom.into()).clone();
        if let Some(spliced) = Spliced::new(chrom, strand, blocks) {
            annotation.add(&[name], spliced, true);
        }
        if !lines.advance()? {
            return Ok(());
        }
    }
}
