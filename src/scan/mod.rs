//! Scanning: miRNAs x transcripts to binding sites and one score for each pair.
//!
//! Transcripts are streamed: memory holds those whose windows are in the batch at hand, whatever the size of the
//! transcriptome. Rows come in the order of the transcripts' file, then of the miRNAs', then along the
//! transcript, so they do not depend on the number of threads.

mod answers;
mod asked;
mod gene_level;
mod genome;
mod lines;
mod mirnas;
#[cfg(feature = "parquet")]
mod parquet;
mod picture;
mod predict;
mod question;
mod report;
mod status;
mod tables;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::Result;
use crate::model::Predictor;
use crate::rna::{Reader, Record, WindowShape};

pub use answers::Answers;
pub use asked::{Asked, Listed};
pub use gene_level::{GeneRule, GeneScores, gene_scores};
pub use genome::Genome;
pub use lines::duplex;
pub use mirnas::{Mirna, Mirnas};
use mirnas::{mirna_status, target_status};
pub use picture::Picture;
pub use predict::{Columns, Predicted, predict};
pub use question::{Question, Site, questions};
pub use status::{Status, Tally};
pub use tables::{Format, GENOME_MEANING, MEANINGS, Tables};

/// Windows that are scored together.
pub const BATCH: usize = 8192;
/// Pairs held back at most, so that pairs without a window do not pile up.
const HELD: usize = 1 << 16;
/// Batches that may wait between two stages.
const WAITING: usize = 2;

/// A scan under way: one thread reads transcripts and finds their windows, the network's threads score them, and one thread
/// writes what comes out, all at the same time and in the transcripts' order.
pub struct Scan<'a> {
    predictor: &'a Predictor,
    mirnas: &'a Mirnas,
    /// Least probability of a site that is written.
    min_probability: f32,
    tables: Tables,
}

/// What goes from stage to stage.
enum Message {
    Pairs(Vec<Question>),
    /// There are no more; without it outputs are not complete.
    End,
}

impl<'a> Scan<'a> {
    /// A scan of `mirnas` into `tables`; sites of less than `min_probability` are not written.
    pub fn new(predictor: &'a Predictor, mirnas: &'a Mirnas, min_probability: f32, tables: Tables) -> Self {
        Scan { predictor, mirnas, min_probability, tables }
    }

    /// Scans every transcript of `targets`, completes the tables and says what became of the pairs.
    /// `observe` is told how many pairs are answered, now and then. Stops early when nobody reads any more.
    pub fn run(self, targets: &mut Reader, mut asked: Asked, observe: &mut dyn FnMut(u64)) -> Result<Tally> {
        let Scan { predictor, mirnas, min_probability, tables } = self;
        let (to_score, asking) = sync_channel(WAITING);
        let (to_write, answered) = sync_channel(WAITING);
        thread::scope(|scope| {
            let shape = WindowShape::of(predictor.site_len());
            scope.spawn(move || {
                let gate = Asking { mirnas, shape, held: vec![], windows: 0, to_score: &to_score };
                if let Err(error) = gate.run(targets, &mut asked) {
                    // Nobody listens any more where another stage has failed, and that is what is told.
                    let _ = to_score.send(Err(error));
                }
            });
            let writer = scope.spawn(move || write(tables, min_probability, answered));
            let scored = score(predictor, asking, to_write, observe);
            let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            scored.and(written)
        })
    }
}

/// The first stage.
struct Asking<'a> {
    mirnas: &'a Mirnas,
    shape: WindowShape,
    held: Vec<Question>,
    windows: usize,
    to_score: &'a SyncSender<Result<Message>>,
}

impl Asking<'_> {
    /// Ends early, without an error, where nobody listens any more.
    fn run(mut self, targets: &mut Reader, asked: &mut Asked) -> Result<()> {
        let mut none = true;
        for target in targets.by_ref() {
            none = false;
            if !self.transcript(Arc::new(target?), asked) {
                return Ok(());
            }
        }
        if none {
            return Err(targets.nothing());
        }
        for (mirna, target) in asked.unmet(self.mirnas) {
            if !self.hold(Question::settled(mirna, target, Status::UnknownId)) {
                return Ok(());
            }
        }
        if self.flush() {
            let _ = self.to_score.send(Ok(Message::End));
        }
        Ok(())
    }

    /// Whether anybody listens.
    fn transcript(&mut self, target: Arc<Record>, asked: &mut Asked) -> bool {
        let mirnas = asked.on(&target.id, self.mirnas);
        mirnas.is_empty() || questions(&mirnas, target, self.shape).all(|question| self.hold(question))
    }

    fn hold(&mut self, question: Question) -> bool {
        self.windows += question.sites.len();
        self.held.push(question);
        (self.windows < BATCH && self.held.len() < HELD) || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.windows = 0;
        self.to_score.send(Ok(Message::Pairs(std::mem::take(&mut self.held)))).is_ok()
    }
}

/// The second stage. Ends early where the third has; an error reaches it as the end of messages without an end.
fn score(
    predictor: &Predictor,
    asking: Receiver<Result<Message>>,
    to_write: SyncSender<Message>,
    observe: &mut dyn FnMut(u64),
) -> Result<()> {
    let (mut answers, mut pairs) = (Answers::default(), 0);
    for message in asking {
        let message = match message? {
            Message::Pairs(mut questions) => {
                answers.fill(predictor, &mut questions)?;
                pairs += questions.len() as u64;
                Message::Pairs(questions)
            }
            Message::End => Message::End,
        };
        if to_write.send(message).is_err() {
            break;
        }
        observe(pairs);
    }
    Ok(())
}

/// The third stage.
fn write(mut tables: Tables, min_probability: f32, answered: Receiver<Message>) -> Result<Tally> {
    let mut tally = Tally::default();
    for message in answered {
        match message {
            Message::Pairs(questions) => {
                tables.write(&questions, min_probability)?;
                questions.iter().for_each(|question| tally.add(question.status));
            }
            Message::End => {
                tables.finish()?;
                return Ok(tally);
            }
        }
        if tables.are_closed() {
            break;
        }
    }
    Ok(tally)
}
