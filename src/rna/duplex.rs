//! The duplex of a miRNA and a site: which bases face each other, how many pair, and the drawing.
//!
//! Nucleotide 1 is held in a pocket of Argonaute and never pairs (Ma et al. 2005,
//! <https://doi.org/10.1038/nature03514>): it is drawn opposite its base, without a bar.

use std::ops::Range;

use super::align::{Column, align};
use super::{Base, Pairing};

/// Bases of the transcript that a miRNA may skip in all, nt.
const SLACK: usize = 10;

/// A miRNA laid on a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplex {
    /// Watson-Crick pairs.
    pub n_wc: usize,
    /// G-U wobbles.
    pub n_gu: usize,
    /// Facing bases that do not pair, between the first and the last pair; bulged bases are not counted.
    pub n_mismatch: usize,
    /// The site on the transcript, 0-based: from the outermost pair to the base opposite nucleotide 1,
    /// if the transcript has one.
    pub span: Range<usize>,
    /// From the site's 5' end to its 3' end: index in the miRNA, index in the transcript.
    columns: Vec<Column>,
}

/// How a duplex looks: three lines of equal length, without labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// 3'->5'; lower case where the miRNA's ends do not pair, `-` for a gap.
    pub mirna: String,
    /// `|` Watson-Crick, `:` wobble.
    pub bars: String,
    /// 5'->3'; `-` for a gap, `.` opposite the miRNA's unpaired 3' end.
    pub target: String,
}

impl Duplex {
    /// The best duplex with nucleotide 2 opposite `locus`. `None` where nothing pairs.
    pub fn anchored(mirna: &[Base], transcript: &[Base], locus: usize) -> Option<Duplex> {
        Self::upstream_of(mirna, transcript, locus.checked_add(1)?, mirna.len() + SLACK, true)
    }

    /// The best duplex inside `window`. `None` where nothing pairs.
    pub fn best(mirna: &[Base], transcript: &[Base], window: Range<usize>) -> Option<Duplex> {
        Self::upstream_of(mirna, transcript, window.end, window.len(), false)
    }

    /// Aligns nucleotides 2 and on with the `reach` bases of the transcript before `end`, which may lie past its end.
    fn upstream_of(
        mirna: &[Base],
        transcript: &[Base],
        end: usize,
        reach: usize,
        anchored: bool,
    ) -> Option<Duplex> {
        let known = |i: usize| transcript.get(i).copied().unwrap_or(Base::N);
        let backwards: Vec<Base> = (end.saturating_sub(reach)..end).rev().map(known).collect();
        let mut columns = align(mirna.get(1..)?, &backwards, anchored);
        for (nucleotide, at) in &mut columns {
            *nucleotide = nucleotide.map(|k| k + 1);
            *at = at.map(|j| end - 1 - j).filter(|&i| i < transcript.len());
        }
        let paired = |&(k, i): &Column| matches!((k, i), (Some(k), Some(i)) if mirna[k].pairing(transcript[i]) != Pairing::None);
        let (first, last) = (columns.iter().position(paired)?, columns.iter().rposition(paired)?);
        columns.truncate(last + 1);
        let mut before = five_prime(&columns[first..], transcript.len());
        before.extend_from_slice(&columns[first..]);
        before.reverse();
        Some(Self::count(mirna, transcript, before))
    }

    fn count(mirna: &[Base], transcript: &[Base], columns: Vec<Column>) -> Duplex {
        let sites = || columns.iter().filter_map(|&(_, i)| i);
        let span = sites().min().unwrap_or(0)..sites().max().map_or(0, |last| last + 1);
        let facing = |&(k, i): &Column| Some(pairing(mirna, transcript, k?, i?));
        let inner = columns.iter().rposition(|c| facing(c).is_some_and(|p| p != Pairing::None)).unwrap_or(0);
        let of = |kind| columns[..=inner].iter().filter(|c| facing(c) == Some(kind)).count();
        let (n_wc, n_gu, n_mismatch) = (of(Pairing::WatsonCrick), of(Pairing::Wobble), of(Pairing::None));
        Duplex { n_wc, n_gu, n_mismatch, span, columns }
    }

    /// The three lines, of the strands the duplex was made from.
    pub fn draw(&self, mirna: &[Base], transcript: &[Base]) -> Drawing {
        let overhang = self.columns.iter().filter_map(|&(k, _)| k).max().map_or(0, |k| mirna.len() - 1 - k);
        let tail =
            mirna[mirna.len() - overhang..].iter().rev().map(|base| base.letter().to_ascii_lowercase());
        let mut drawing =
            Drawing { mirna: tail.collect(), bars: " ".repeat(overhang), target: ".".repeat(overhang) };
        let paired = |&(k, i): &Column| matches!((k, i), (Some(k), Some(i)) if pairing(mirna, transcript, k, i) != Pairing::None);
        let inner = self.columns.iter().rposition(paired).unwrap_or(0);
        for (n, &(k, i)) in self.columns.iter().enumerate() {
            let letter = k.map_or('-', |k| mirna[k].letter());
            drawing.mirna.push(if n > inner { letter.to_ascii_lowercase() } else { letter });
            drawing.target.push(i.map_or('-', |i| transcript[i].letter()));
            drawing.bars.push(match k.zip(i).map(|(k, i)| pairing(mirna, transcript, k, i)) {
                Some(Pairing::WatsonCrick) => '|',
                Some(Pairing::Wobble) => ':',
                _ => ' ',
            });
        }
        drawing
    }

    /// Every pair, from the site's 5' end: index in the miRNA, index in the transcript.
    pub fn pairs(&self, mirna: &[Base], transcript: &[Base]) -> impl Iterator<Item = (usize, usize)> {
        let facing = self.columns.iter().filter_map(|&(k, i)| k.zip(i));
        facing.filter(|&(k, i)| pairing(mirna, transcript, k, i) != Pairing::None)
    }

    /// Dot-bracket of the site and the whole miRNA, both 5'->3', joined by `&`, as RNAduplex writes it.
    pub fn brackets(&self, mirna: &[Base], transcript: &[Base]) -> String {
        let mut site = vec!['.'; self.span.len()];
        let mut guide = vec!['.'; mirna.len()];
        for (k, i) in self.pairs(mirna, transcript) {
            site[i - self.span.start] = '(';
            guide[k] = ')';
        }
        site.into_iter().chain(['&']).chain(guide).collect()
    }
}

/// How nucleotide index `k` pairs with transcript index `i`: the first never does.
fn pairing(mirna: &[Base], transcript: &[Base], k: usize, i: usize) -> Pairing {
    match k {
        0 => Pairing::None,
        _ => mirna[k].pairing(transcript[i]),
    }
}

/// The unpaired 5' end of the miRNA, each base opposite the one it would face, from nucleotide 1 on.
fn five_prime(paired: &[Column], transcript_len: usize) -> Vec<Column> {
    let Some(&(Some(k), Some(i))) = paired.first() else { return Vec::new() };
    (0..k).map(|n| (Some(n), Some(i + k - n).filter(|&i| i < transcript_len))).collect()
}

#[cfg(test)]
mod tests;
