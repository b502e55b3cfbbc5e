//! Scanning: miRNAs x transcripts to binding sites and one score for each pair.
//!
//! Transcripts are streamed: memory holds those whose windows are in the batch at hand, whatever the size of the
//! transcriptome. Rows come in the order of the transcripts' file, then of the miRNAs', then along the
//! transcript, so they do not depend on the number of threads.

mod asked;
mod gene_level;
mod genome;
mod lines;
mod mirnas;
mod predict;
mod question;
mod report;
mod status;
mod tables;

use std::sync::Arc;

use crate::Result;
use crate::model::Predictor;
use crate::rna::{Gate, Reader, Record, WindowShape};

pub use asked::{Asked, Listed};
pub use gene_level::{GeneRule, GeneScores, gene_scores};
pub use genome::Genome;
pub use lines::duplex;
pub use mirnas::Mirnas;
use mirnas::{mirna_status, target_status};
pub use predict::{Columns, Predicted, predict};
pub use question::{Question, Site, answer, questions};
pub use status::{Status, Tally};
pub use tables::{Format, GENOME_MEANING, MEANINGS, Tables};

/// Windows that are scored in one call of the network.
pub const BATCH: usize = 8192;
/// Pairs held back at most, so that pairs without a window do not pile up.
const HELD: usize = 1 << 16;

/// How to scan.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Which sites are asked about.
    pub gate: Gate,
    /// Least probability of a site that is written.
    pub min_probability: f32,
}

/// A scan under way.
pub struct Scan<'a> {
    predictor: &'a Predictor,
    mirnas: &'a Mirnas,
    settings: Settings,
    tables: Tables,
    held: Vec<Question>,
    windows: usize,
    tally: Tally,
}

impl<'a> Scan<'a> {
    /// A scan of `mirnas` into `tables`.
    pub fn new(predictor: &'a Predictor, mirnas: &'a Mirnas, settings: Settings, tables: Tables) -> Self {
        let (held, windows, tally) = (Vec::new(), 0, Tally::default());
        Scan { predictor, mirnas, settings, tables, held, windows, tally }
    }

    /// Scans every transcript of `targets`, completes the tables and says what became of the pairs.
    /// `observe` is told how many pairs are answered, now and then. Stops early when nobody reads any more.
    pub fn run(
        mut self,
        targets: &mut Reader,
        mut asked: Asked,
        observe: &mut dyn FnMut(u64),
    ) -> Result<Tally> {
        let mut none = true;
        for target in targets.by_ref() {
            none = false;
            self.transcript(Arc::new(target?), &mut asked, observe)?;
            if self.tables.are_closed() {
                return Ok(self.tally);
            }
        }
        if none {
            return Err(targets.nothing());
        }
        for (mirna, target) in asked.unmet(self.mirnas) {
            self.hold(Question::settled(mirna, target, Status::UnknownId), observe)?;
        }
        self.flush(observe)?;
        self.tables.finish()?;
        Ok(self.tally)
    }

    fn transcript(
        &mut self,
        target: Arc<Record>,
        asked: &mut Asked,
        observe: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let mirnas = asked.on(&target.id, self.mirnas);
        if mirnas.is_empty() {
            return Ok(());
        }
        let shape = WindowShape::of(self.predictor.site_len());
        let mut pairs = questions(mirnas, target, self.settings.gate, shape);
        pairs.try_for_each(|question| self.hold(question, observe))
    }

    fn hold(&mut self, question: Question, observe: &mut dyn FnMut(u64)) -> Result<()> {
        self.windows += question.sites.len();
        self.held.push(question);
        match self.windows >= BATCH || self.held.len() >= HELD {
            true => self.flush(observe),
            false => Ok(()),
        }
    }

    fn flush(&mut self, observe: &mut dyn FnMut(u64)) -> Result<()> {
        answer(self.predictor, &mut self.held, BATCH)?;
        self.tables.write(&self.held, self.settings.min_probability)?;
        self.held.drain(..).for_each(|question| self.tally.add(question.status));
        self.windows = 0;
        observe(self.tally.asked());
        Ok(())
    }
}
