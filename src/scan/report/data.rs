//! The page's rows as JSON for its script.

use std::collections::HashMap;

use serde::Serialize;

use super::{KINDS, Kept, Report};

/// Ids stand once; rows name them by place.
#[derive(Serialize)]
struct Data<'a> {
    kinds: [&'static str; KINDS.len()],
    types: Vec<(&'a str, usize)>,
    mirnas: Vec<&'a str>,
    /// With lengths, nt.
    targets: Vec<(&'a str, usize)>,
    rows: Vec<Row<'a>>,
}

/// miRNA, target, start, end, type, probability in millionths, counts, drawing, place on the genome, false-discovery rate.
#[derive(Serialize)]
struct Row<'a>(
    usize,
    usize,
    usize,
    usize,
    usize,
    u32,
    [usize; 3],
    &'a [String; 3],
    Option<&'a str>,
    Option<&'a str>,
);

impl Report {
    pub(super) fn data(&self) -> String {
        let (mut mirnas, mut targets, mut types) = (Names::default(), Names::default(), Names::default());
        let mut places = Vec::with_capacity(self.kept.len());
        for Kept { mirna, target, site_type, .. } in &self.kept {
            places.push((mirnas.of(mirna), targets.of(target), types.of(site_type)));
        }
        let mut data = Data {
            kinds: KINDS,
            types: types.list.into_iter().map(|name| (name, 0)).collect(),
            mirnas: mirnas.list,
            targets: targets.list.into_iter().map(|id| (id, 0)).collect(),
            rows: Vec::with_capacity(self.kept.len()),
        };
        for (kept, (mirna, target, site_type)) in self.kept.iter().zip(places) {
            data.types[site_type].1 = kept.kind;
            data.targets[target].1 = kept.target_length;
            let (p, place) = (1_000_000 - kept.improbability, kept.place.as_deref());
            let (start, end, counts) = (kept.start, kept.end, kept.counts);
            let (drawing, fdr) = (&kept.drawing, kept.fdr.as_deref());
            data.rows.push(Row(mirna, target, start, end, site_type, p, counts, drawing, place, fdr));
        }
        serde_json::to_string(&data).expect("plain fields serialise")
    }
}

/// Distinct names in the order they are met.
#[derive(Default)]
struct Names<'a> {
    list: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn of(&mut self, name: &'a str) -> usize {
        *self.places.entry(name).or_insert_with(|| {
            self.list.push(name);
            self.list.len() - 1
        })
    }
}
