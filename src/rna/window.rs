//! The stretch of transcript around a site that the network reads.

use std::ops::Range;

/// How long a window is and where in it the seed match lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowShape {
    /// Window length, nt.
    pub len: usize,
    /// Index in the window of the base opposite miRNA nucleotide 2, where the transcript's ends allow it.
    pub anchor: usize,
}

impl WindowShape {
    /// The shape for a model that reads `len` nt.
    ///
    /// The anchor is where published sites have it: of 40-nt miRAW sites with a seed 6-mer, 85% start it
    /// at index 29 or 30 (nucleotide 2 at 34 or 35); 50-nt chimeric reads centre on 27-30 (32-35).
    pub fn of(len: usize) -> Self {
        let anchor = match len {
            40 => 34,
            _ => len * 2 / 3,
        };
        WindowShape { len, anchor }
    }

    /// The window around `locus` in a transcript of `total` nt: moved inwards at the ends, never shortened
    /// unless the transcript is shorter than a window, and then the whole of it.
    pub(super) fn around(self, locus: usize, total: usize) -> Range<usize> {
        let last_start = total.saturating_sub(self.len);
        let start = locus.saturating_sub(self.anchor).min(last_start);
        start..(start + self.len).min(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anchor_holds_away_from_the_ends() {
        let shape = WindowShape::of(50);
        assert_eq!(shape.anchor, 33);
        assert_eq!(shape.around(100, 1000), 67..117);
        assert_eq!(WindowShape::of(40).around(100, 1000), 66..106);
    }

    #[test]
    fn windows_are_moved_at_the_ends_and_whole_on_short_transcripts() {
        let shape = WindowShape::of(50);
        assert_eq!(shape.around(7, 1000), 0..50);
        assert_eq!(shape.around(999, 1000), 950..1000);
        assert_eq!(shape.around(20, 50), 0..50);
        assert_eq!(shape.around(20, 31), 0..31);
    }
}
