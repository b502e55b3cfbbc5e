//! Rows without a header whose miRNAs run 3'->5': those of miTAR (Gu et al. 2021,
//! <https://doi.org/10.1186/s12859-021-04026-6>) and TEC-miTarget (Yang et al. 2024,
//! <https://doi.org/10.1186/s12859-024-05780-z>). Sites run 5'->3' in both.

use super::fault::{Fault, id, label, sequence};
use crate::data::pairs::Pair;
use crate::rna::text;

/// miTAR: miRNA id, miRNA 3'->5', gene, site, label, between TABs.
pub(super) fn mitar(line: &str) -> Result<Pair, Fault> {
    let [mirna_id, mirna, gene, site, given] = line.split('\t').collect::<Vec<_>>()[..] else {
        let message = format!(
            "expected 5 fields (miRNA id, miRNA 3'->5', gene, site, label), found {}",
            line.split('\t').count()
        );
        return Err(Fault::new("a wrong number of fields", message));
    };
    let mut pair = pair(id(mirna_id), mirna, site)?;
    pair.site_id = id(gene).unwrap_or(".").to_owned();
    pair.label = label(given)?;
    Ok(pair)
}

/// TEC-miTarget: `>` and the miRNA 3'->5', `>` and the site, and a label unless the file is for prediction; between TABs.
pub(super) fn tec_mitarget(line: &str) -> Result<Pair, Fault> {
    let fields: Vec<&str> = line.split('\t').collect();
    let marked = |text: &'_ str| text.starts_with('>');
    if !matches!(fields.len(), 2 | 3) || !marked(fields[0]) || !marked(fields[1]) {
        let message = "expected '>miRNA 3'->5'', '>site' and a label between TABs".to_owned();
        return Err(Fault::new("a line that is no pair", format!("{message}, found '{line}'")));
    }
    let mut pair = pair(None, &fields[0][1..], &fields[1][1..])?;
    pair.label = fields.get(2).map_or(Ok(None), |given| label(given))?;
    Ok(pair)
}

fn pair(mirna_id: Option<&str>, backwards: &str, site: &str) -> Result<Pair, Fault> {
    let mut mirna = sequence("miRNA", mirna_id.unwrap_or(backwards), backwards)?;
    mirna.reverse();
    Ok(Pair {
        mirna_id: mirna_id.map_or_else(|| text(&mirna), str::to_owned),
        mirna,
        site_id: site.to_owned(),
        site: sequence("site", site, site)?,
        label: None,
        split: None,
        cluster: None,
        family: None,
    })
}
