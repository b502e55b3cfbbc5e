//! A transcript, or a part of one, as blocks of a chromosome.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Which strand of the chromosome a transcript reads as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strand {
    Plus,
    Minus,
}

/// Where a spliced sequence lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spliced {
    pub chrom: Arc<str>,
    pub strand: Strand,
    /// 0-based and half open on the chromosome, ascending, apart from each other; none is empty.
    blocks: Vec<Range<usize>>,
}

impl Strand {
    /// `+` or `-`.
    pub fn sign(self) -> char {
        match self {
            Strand::Plus => '+',
            Strand::Minus => '-',
        }
    }

    pub(super) fn of(sign: &str) -> Option<Strand> {
        match sign {
            "+" => Some(Strand::Plus),
            "-" => Some(Strand::Minus),
            _ => None,
        }
    }
}

impl fmt::Display for Strand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sign())
    }
}

impl Spliced {
    /// Of blocks in any order; those that touch or overlap become one. `None` without a base.
    pub(super) fn new(chrom: Arc<str>, strand: Strand, mut blocks: Vec<Range<usize>>) -> Option<Self> {
        blocks.retain(|block| !block.is_empty());
        blocks.sort_by_key(|block| (block.start, block.end));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(blocks.len());
        for block in blocks {
            match apart.last_mut() {
                Some(last) if block.start <= last.end => last.end = last.end.max(block.end),
                _ => apart.push(block),
            }
        }
        (!apart.is_empty()).then_some(Spliced { chrom, strand, blocks: apart })
    }

    /// nt
    pub fn length(&self) -> usize {
        self.blocks.iter().map(ExactSizeIterator::len).sum()
    }

    /// The bases `range` (0-based and half open, 5'->3' on the spliced sequence, inside it and not empty) on the
    /// chromosome: ascending blocks, more than one where an intron lies in between.
    pub fn locate(&self, range: Range<usize>) -> Vec<Range<usize>> {
        debug_assert!(!range.is_empty() && range.end <= self.length(), "{range:?} of {}", self.length());
        let ascending = match self.strand {
            Strand::Plus => range,
            Strand::Minus => self.length() - range.end..self.length() - range.start,
        };
        let mut before = 0;
        let mut found = Vec::new();
        for block in &self.blocks {
            let inside = ascending.start.max(before)..ascending.end.min(before + block.len());
            if !inside.is_empty() {
                found.push(block.start + inside.start - before..block.start + inside.end - before);
            }
            before += block.len();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The chromosome's positions of the spliced sequence, 5'->3', one by one.
    fn walked(spliced: &Spliced) -> Vec<usize> {
        let mut positions: Vec<usize> = spliced.blocks.iter().cloned().flatten().collect();
        if spliced.strand == Strand::Minus {
            positions.reverse();
        }
        positions
    }

    fn spliced() -> impl Strategy<Value = Spliced> {
        let block = (1usize..40, 1usize..60);
        (proptest::collection::vec(block, 1..6), any::<bool>()).prop_map(|(parts, plus)| {
            let mut end = 0;
            let blocks = parts.into_iter().map(|(gap, length)| {
                let start = end + gap;
                end = start + length;
                start..end
            });
            let strand = if plus { Strand::Plus } else { Strand::Minus };
            Spliced::new("c".into(), strand, blocks.collect()).expect("has bases")
        })
    }

    proptest! {
        #[test]
        fn a_range_is_on_the_bases_a_walk_meets(spliced in spliced(), ends in any::<[u16; 2]>()) {
            let walk = walked(&spliced);
            prop_assert_eq!(walk.len(), spliced.length());
            let [a, b] = ends.map(|end| end as usize % walk.len());
            let range = a.min(b)..a.max(b) + 1;
            let mut expected = walk[range.clone()].to_vec();
            expected.sort();
            let blocks = spliced.locate(range);
            prop_assert_eq!(blocks.iter().cloned().flatten().collect::<Vec<_>>(), expected);
            prop_assert!(blocks.windows(2).all(|pair| pair[0].end < pair[1].start), "{:?}", blocks);
        }
    }

    #[test]
    fn blocks_that_touch_are_one() {
        let spliced = Spliced::new("c".into(), Strand::Plus, vec![30..40, 10..20, 20..25, 24..26, 7..7]);
        assert_eq!(spliced.unwrap().blocks, [10..26, 30..40]);
        assert_eq!(Spliced::new("c".into(), Strand::Plus, vec![7..7, 9..9]), None);
    }

    #[test]
    fn the_first_base_of_a_minus_strand_is_its_last_on_the_chromosome() {
        let spliced = Spliced::new("c".into(), Strand::Minus, vec![100..110, 200..205]).unwrap();
        assert_eq!(spliced.locate(0..1)[0], 204..205);
        assert_eq!(spliced.locate(3..7), [108..110, 200..202]);
        assert_eq!(spliced.locate(0..15), [100..110, 200..205]);
    }
}
