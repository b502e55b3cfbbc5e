//! Scanning: miRNAs x transcripts to binding sites and one score for each pair.
//!
//! Transcripts are streamed: memory holds those whose windows are in the batch at hand, whatever the size of the
//! transcriptome. Rows come in the order of the transcripts' file, then of the miRNAs', then along the
//! transcript, so they do not depend on the number of threads.

mod answers;
mod asked;
mod chance;
mod gene_level;
mod genome;
mod journal;
mod lines;
mod manifest;
mod merge;
mod mirnas;
#[cfg(feature = "parquet")]
mod parquet;
mod picture;
mod plan;
mod predict;
mod question;
mod report;
mod shard;
mod status;
mod tables;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::model::Predictor;
use crate::rna::{Reader, Record, WindowShape};
use crate::{Error, Result, open::Content};

pub use answers::Answers;
pub use asked::{Asked, Listed};
pub use chance::{Draw, chance, drawn};
pub use gene_level::{GeneRule, GeneScores, bags, gene_scores, learned_scores, tracks};
pub use genome::Genome;
pub use journal::Journal;
pub use lines::duplex;
pub use manifest::{Identity, InputFile, Manifest};
pub use merge::Shards;
pub use mirnas::{Mirna, Mirnas};
use mirnas::{mirna_status, target_status};
pub use picture::Picture;
pub use plan::{Cut, Plan, plan};
pub use predict::{Columns, Predicted, predict};
pub use question::{Question, Site, questions};
pub use shard::{Shard, ShardOf};
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

/// What of a scan runs, and what is kept of it on the way.
pub struct Course<'a> {
    pub shard: Shard,
    pub journal: Option<&'a mut Journal>,
    /// Windows and pairs between the journal's checkpoints, about.
    pub stretch: u64,
    /// Whether to stop at the next batch.
    pub stop: &'a AtomicBool,
    /// What the transcripts' file was at the beginning, and has to be at the end; `None` of a stream.
    pub targets: Option<&'a Content>,
}

impl Course<'_> {
    /// Places of the transcripts that are still to be scanned.
    fn left(&self) -> Range<u64> {
        let Range { start, end } = self.shard.transcripts;
        self.journal.as_ref().map_or(start, |journal| journal.manifest().next_transcript)..end
    }
}

/// What goes from stage to stage.
enum Message {
    Pairs(Vec<Question>),
    /// All pairs of transcripts before this place have been sent.
    Mark(u64),
    /// There are no more; without it outputs are not complete.
    End,
}

impl<'a> Scan<'a> {
    /// A scan of `mirnas` into `tables`; sites of less than `min_probability` are not written.
    pub fn new(predictor: &'a Predictor, mirnas: &'a Mirnas, min_probability: f32, tables: Tables) -> Self {
        Scan { predictor, mirnas, min_probability, tables }
    }

    /// Scans the transcripts of `targets` that are its course, completes the tables and says what became of the pairs.
    /// `observe` is told how many pairs are answered, now and then. Stops early when nobody reads any more.
    pub fn run(
        self,
        targets: &mut Reader,
        mut asked: Asked,
        course: Course,
        observe: &mut dyn FnMut(u64),
    ) -> Result<Tally> {
        let Scan { predictor, mirnas, min_probability, tables } = self;
        let (left, is_last) = (course.left(), course.shard.is_last());
        let stretch = course.journal.as_ref().map(|_| course.stretch);
        let (to_score, asking) = sync_channel(WAITING);
        let (to_write, answered) = sync_channel(WAITING);
        thread::scope(|scope| {
            let shape = WindowShape::of(predictor.site_len());
            scope.spawn(move || {
                let (held, windows, since_mark) = (vec![], 0, 0);
                let (content, to_score) = (course.targets, &to_score);
                let gate = Asking { mirnas, shape, content, held, windows, stretch, since_mark, to_score };
                if let Err(error) = gate.run(targets, &mut asked, (left, is_last)) {
                    // Nobody listens any more where another stage has failed, and that is what is told.
                    let _ = to_score.send(Err(error));
                }
            });
            let journal = course.journal;
            let writer = scope.spawn(move || write(tables, min_probability, answered, journal));
            let scored = score(predictor, asking, to_write, course.stop, observe);
            let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            scored.and(written)
        })
    }
}

/// The first stage.
struct Asking<'a> {
    mirnas: &'a Mirnas,
    shape: WindowShape,
    content: Option<&'a Content>,
    held: Vec<Question>,
    windows: usize,
    /// Windows and pairs between marks, where there are marks, and since the last one.
    stretch: Option<u64>,
    since_mark: u64,
    to_score: &'a SyncSender<Result<Message>>,
}

impl Asking<'_> {
    /// Ends early, without an error, where nobody listens any more.
    fn run(
        mut self,
        targets: &mut Reader,
        asked: &mut Asked,
        (own, is_last): (Range<u64>, bool),
    ) -> Result<()> {
        let mut place = 0;
        for target in targets.by_ref() {
            let target = Arc::new(target?);
            if place >= own.end && !is_last {
                break;
            }
            let listens = match own.contains(&place) {
                true => self.transcript(target, asked) && self.mark(place + 1),
                false => {
                    asked.meet(&target.id);
                    true
                }
            };
            if !listens {
                return Ok(());
            }
            place += 1;
        }
        self.content.map_or(Ok(()), Content::expect_unchanged)?;
        if place == 0 && own.end > 0 {
            return Err(targets.nothing());
        }
        for (mirna, target) in if is_last { asked.unmet(self.mirnas) } else { vec![] } {
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

    /// A mark after the transcript before `place`, where it is time for one. Places do not depend on how fast anything is, so
    /// that a scan that was resumed has its marks where an undisturbed one has them.
    fn mark(&mut self, place: u64) -> bool {
        if self.stretch.is_none_or(|stretch| self.since_mark < stretch) {
            return true;
        }
        self.since_mark = 0;
        self.flush() && self.to_score.send(Ok(Message::Mark(place))).is_ok()
    }

    fn hold(&mut self, question: Question) -> bool {
        self.windows += question.sites.len();
        self.since_mark += 1 + question.sites.len() as u64;
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
    stop: &AtomicBool,
    observe: &mut dyn FnMut(u64),
) -> Result<()> {
    let (mut answers, mut pairs) = (Answers::default(), 0);
    for message in asking {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let message = match message? {
            Message::Pairs(mut questions) => {
                answers.fill_unless(stop, predictor, &mut questions)?;
                pairs += questions.len() as u64;
                Message::Pairs(questions)
            }
            message => message,
        };
        if to_write.send(message).is_err() {
            break;
        }
        observe(pairs);
    }
    Ok(())
}

/// The third stage.
fn write(
    mut tables: Tables,
    min_probability: f32,
    answered: Receiver<Message>,
    mut journal: Option<&mut Journal>,
) -> Result<Tally> {
    let mut tally =
        journal.as_ref().map_or_else(Tally::default, |journal| journal.manifest().statuses.clone());
    for message in answered {
        match message {
            Message::Pairs(questions) => {
                tables.write(&questions, min_probability)?;
                questions.iter().for_each(|question| tally.add(question.status));
            }
            Message::Mark(place) => {
                let journal = journal.as_mut().expect("marks are made for a journal");
                journal.mark(place, &mut tables, &tally)?;
            }
            Message::End => {
                match journal {
                    Some(journal) => journal.finish(tables, &tally)?,
                    None => tables.finish()?,
                }
                return Ok(tally);
            }
        }
        if tables.are_closed() {
            break;
        }
    }
    Ok(tally)
}
