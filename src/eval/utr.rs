//! What a whole 3'UTR tells without a model: its seed sites, and its length. The floor under every gene score.

use std::collections::HashMap;

use crate::data::FoldChange;
use crate::rna::{Base, KmerIndex, SeedType};

/// The 3'UTR of each gene, 5'->3'.
pub type Utrs = HashMap<String, Vec<Base>>;

/// The seed rule over a whole 3'UTR: the mean effects ([`SeedType::efficacy`]) of all its canonical sites, added up,
/// log2. `index` is that of `utr`. Equal sites in another order give the same bits, so that they tie.
pub fn seed_efficacy(index: &KmerIndex, mirna: &[Base], utr: &[Base]) -> f64 {
    let mut sites = index.seed_sites(mirna, utr);
    sites.sort_unstable();
    let of_type = |sites: &[(SeedType, usize)]| sites.len() as f64 * sites[0].0.efficacy();
    sites.chunk_by(|a, b| a.0 == b.0).map(of_type).sum()
}

/// [`seed_efficacy`] of each row's miRNA on its gene's 3'UTR; `None` where `utrs` has none, or one without bases.
pub fn seed_efficacies(rows: &[FoldChange], utrs: &Utrs) -> Vec<Option<f64>> {
    let mut by_gene: Vec<usize> = (0..rows.len()).collect();
    by_gene.sort_by_key(|&row| &rows[row].gene);
    let mut scores = vec![None; rows.len()];
    for of_gene in by_gene.chunk_by(|&a, &b| rows[a].gene == rows[b].gene) {
        if let Some(utr) = known(&rows[of_gene[0]], utrs) {
            let index = KmerIndex::new(utr);
            of_gene.iter().for_each(|&row| scores[row] = Some(seed_efficacy(&index, &rows[row].mirna, utr)));
        }
    }
    scores
}

/// The length of each row's 3'UTR, nt; `None` where `utrs` has none, or one without bases.
pub fn utr_lengths(rows: &[FoldChange], utrs: &Utrs) -> Vec<Option<f64>> {
    rows.iter().map(|row| known(row, utrs).map(|utr| utr.len() as f64)).collect()
}

fn known<'a>(row: &FoldChange, utrs: &'a Utrs) -> Option<&'a [Base]> {
    utrs.get(&row.gene).map(Vec::as_slice).filter(|utr| !utr.is_empty())
}
