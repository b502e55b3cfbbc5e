//! What a scan will take, before it runs: its windows counted by the gate alone, and the network's speed measured here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::shard::cut;
use super::{Asked, Mirnas, Question, Shard, questions};
use crate::Result;
use crate::data::Duo;
use crate::model::Predictor;
use crate::rna::{Reader, WindowShape};

/// How long the network is timed.
const TIMED: Duration = Duration::from_secs(2);
/// Windows that it is timed with.
const SAMPLE: usize = 8192;
/// Of them at a time: one call of a GPU.
const CALL: usize = 2048;
/// What a scan holds that a plan does not: answers given already, and batches on their way, bytes.
const HELD: u64 = 64 << 20;
/// A row beside its ids, bytes.
const GENES_ROW: u64 = 40;
const SITES_ROW: u64 = 100;

/// What a scan will take.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub transcripts: u64,
    pub nucleotides: u64,
    pub pairs: u64,
    /// Exactly; equal ones are computed once, so a scan may be faster than its plan.
    pub windows: u64,
    /// Windows the network answers in a second, on this machine.
    pub windows_per_second: f64,
    /// For everything, gate included.
    pub seconds: f64,
    /// At most at a time. `None` where the system does not tell what this program holds.
    pub memory_bytes: Option<u64>,
    /// Of the tables, about, before compression.
    pub genes_bytes: u64,
    pub sites_bytes: u64,
    pub shards: Vec<Planned>,
}

/// A shard of it.
#[derive(Clone, Debug, Serialize)]
pub struct Planned {
    #[serde(flatten)]
    pub shard: Shard,
    pub windows: u64,
    pub seconds: f64,
}

/// Into how many shards a scan is to be cut.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Into(u32),
    /// Into so many that none takes longer, s.
    Within(f64),
}

/// The plan of a scan that reports sites from `min_probability` on.
pub fn plan(
    predictor: &Predictor,
    mirnas: &Mirnas,
    (targets, asked): (&mut Reader, Asked),
    min_probability: f32,
    wanted: Cut,
) -> Result<Plan> {
    let start = Instant::now();
    let gated = Gated::read(mirnas, targets, asked, WindowShape::of(predictor.site_len()))?;
    let gate_seconds = start.elapsed().as_secs_f64();
    let (windows_per_second, reported) = timed(predictor, &gated.sample, min_probability)?;
    let total: u64 = gated.windows.iter().sum();
    // Windows are what takes time; the gate's share is in proportion.
    let seconds = if total == 0 { gate_seconds } else { total as f64 / windows_per_second + gate_seconds };
    let per_window = seconds / total.max(1) as f64;
    let row_ids = gated.id_bytes / gated.pairs.max(1);
    Ok(Plan {
        transcripts: gated.lengths.len() as u64,
        nucleotides: gated.lengths.iter().map(|(_, length)| length).sum(),
        pairs: gated.pairs,
        windows: total,
        windows_per_second,
        seconds,
        memory_bytes: peak_memory().map(|bytes| bytes + HELD),
        genes_bytes: gated.id_bytes + gated.pairs * GENES_ROW,
        sites_bytes: (total as f64 * reported * (row_ids + SITES_ROW) as f64) as u64,
        shards: gated.shards(wanted, per_window),
    })
}

/// What the gate finds.
#[derive(Default)]
struct Gated {
    /// Ids and lengths of transcripts, and how many windows each has. `[transcripts]`
    lengths: Vec<(String, u64)>,
    windows: Vec<u64>,
    pairs: u64,
    /// Of both ids of every pair.
    id_bytes: u64,
    /// The first pairs.
    sample: Vec<Question>,
}

impl Gated {
    fn read(mirnas: &Mirnas, targets: &mut Reader, mut asked: Asked, shape: WindowShape) -> Result<Self> {
        let (mut gated, mut sampled) = (Gated::default(), 0);
        for target in targets.by_ref() {
            let target = Arc::new(target?);
            let mut windows = 0;
            for question in questions(&asked.on(&target.id, mirnas), target.clone(), shape) {
                windows += question.sites.len();
                gated.add(&question.mirna.id, &target.id);
                if sampled < SAMPLE {
                    sampled += question.sites.len();
                    gated.sample.push(question);
                }
            }
            gated.windows.push(windows as u64);
            gated.lengths.push((target.id.clone(), target.sequence.len() as u64));
        }
        if gated.lengths.is_empty() {
            return Err(targets.nothing());
        }
        asked.unmet(mirnas).iter().for_each(|(mirna, target)| gated.add(&mirna.id, &target.id));
        Ok(gated)
    }

    fn add(&mut self, mirna: &str, target: &str) {
        self.pairs += 1;
        self.id_bytes += (mirna.len() + target.len()) as u64;
    }

    fn shards(&self, wanted: Cut, per_window: f64) -> Vec<Planned> {
        let (mut of, limit) = match wanted {
            Cut::Into(of) => (of, f64::INFINITY),
            Cut::Within(limit) => {
                let total: u64 = self.windows.iter().sum();
                (
                    (total as f64 * per_window / limit).ceil().clamp(1.0, self.windows.len() as f64) as u32,
                    limit,
                )
            }
        };
        loop {
            let shards = self.cut(of, per_window);
            let is_short = shards.iter().all(|shard| shard.seconds <= limit);
            // More shards than transcripts are no shorter.
            if is_short || of as usize >= self.windows.len() {
                return shards;
            }
            of += 1 + of / 20;
        }
    }

    fn cut(&self, of: u32, per_window: f64) -> Vec<Planned> {
        let planned = |shard: Shard| {
            let own = shard.transcripts.start as usize..shard.transcripts.end as usize;
            let windows = self.windows[own].iter().sum();
            Planned { shard, windows, seconds: windows as f64 * per_window }
        };
        cut(&self.lengths, of).into_iter().map(planned).collect()
    }
}

/// Windows the network answers in a second, and the share of them that is likely enough for a row.
fn timed(predictor: &Predictor, sample: &[Question], min_probability: f32) -> Result<(f64, f64)> {
    let windows = |question: &'_ Question| -> Vec<_> {
        question.sites.iter().map(|site| site.candidate.window.clone()).collect()
    };
    let duos: Vec<Duo> = sample
        .iter()
        .flat_map(|q| {
            windows(q).into_iter().map(|window| (&q.mirna.sequence[..], &q.target.sequence[window]))
        })
        .take(SAMPLE)
        .collect();
    if duos.is_empty() {
        return Ok((0.0, 0.0));
    }
    let first = predictor.probabilities(&duos[..CALL.min(duos.len())])?; // warms up, and is not timed
    let likely = first.iter().filter(|&&p| p >= min_probability).count();
    let (start, mut done) = (Instant::now(), 0);
    for call in duos.chunks(CALL).cycle().take_while(|_| start.elapsed() < TIMED) {
        done += predictor.probabilities(call)?.len();
    }
    Ok((done as f64 / start.elapsed().as_secs_f64(), likely as f64 / first.len() as f64))
}

/// The most memory that this program has held, as Linux tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shard_takes_longer_than_it_may() {
        let lengths = (0..40).map(|i| (format!("t{i}"), 100)).collect();
        let gated = Gated { lengths, windows: (0..40).collect(), ..Gated::default() };
        // 780 windows of a tenth of a second. Of seven shards the last has transcripts 34 to 39 and takes 21.9 s, of
        // eight 35 to 39 and 18.5 s.
        let shards = gated.shards(Cut::Within(20.0), 0.1);
        assert!(shards.iter().all(|shard| shard.seconds <= 20.0));
        assert_eq!(shards.len(), 8);
        assert_eq!(shards.iter().map(|shard| shard.windows).sum::<u64>(), 780);
        assert_eq!(gated.shards(Cut::Within(1e-9), 0.1).len(), 40);
        assert_eq!(gated.shards(Cut::Into(3), 0.1).len(), 3);
    }
}
