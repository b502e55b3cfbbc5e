//! Many runs of one configuration with changes: what each change buys, and which settings are worth their time.
//!
//! Trials are trained in rungs, and after each the better share goes on: successive halving (Jamieson and Talwalkar 2016,
//! <https://arxiv.org/abs/1502.07943>). A trial is a run in a folder of its own with the learning rates of the whole run, so
//! that it goes on to the next rung as if it had never stopped, and a stopped search goes on where it was.

mod plan;
mod space;
mod standing;

pub use standing::Standing;

use super::{
    config::RunConfig,
    course::Course,
    data::Data,
    folder::BEST,
    run::{Event, run_on},
};
use crate::{
    data::Duo,
    error::{Error, Result},
    model::Predictor,
    workers::Workers,
};
use serde::Serialize;
use standing::{Judge, Kept};
use std::path::Path;

/// The trial that changes nothing: it is in every rung, and the others are measured by it.
const BASE: &str = "base";

/// What is trained and how long.
#[derive(Debug)]
pub struct Search {
    trials: Vec<Trial>,
    rungs: Vec<u64>,
    keep: f64,
    /// Draws of settings that no network can have together, and of what had been drawn before: they were drawn again.
    pub redrawn: (usize, usize),
}

#[derive(Debug, Serialize)]
struct Trial {
    name: String,
    /// As a reader would type them.
    changes: Vec<String>,
    config: RunConfig,
}

/// What a search tells while it goes on.
pub enum SearchEvent<'a> {
    /// A trial is trained on to the end of an epoch.
    Trial {
        name: &'a str,
        number: usize,
        of: usize,
        until: u64,
    },
    Run(Event<'a>),
    /// It has been, with these results.
    Done(&'a Standing),
}

impl Search {
    /// Trials, the base among them.
    pub fn count(&self) -> usize {
        self.trials.len()
    }

    /// Trains and compares all trials in folders under `out`, and writes a table of them there after each. What is there
    /// already is gone on with.
    pub fn run(
        &self,
        out: &Path,
        course: Course,
        resamples: usize,
        observe: &mut dyn FnMut(SearchEvent),
    ) -> Result<Vec<Standing>> {
        self.claim(out)?;
        let mut data = Data::read(&self.trials[0].config)?;
        let judge = Judge::new(&data, resamples);
        let mut standings: Vec<Option<Standing>> = self.trials.iter().map(|_| None).collect();
        let mut going: Vec<usize> = (0..self.trials.len()).collect();
        for &until in &self.rungs {
            let mut base = None;
            for (number, &at) in going.iter().enumerate() {
                let trial = &self.trials[at];
                observe(SearchEvent::Trial { name: &trial.name, number: number + 1, of: going.len(), until });
                let kept = self.one(trial, until, &mut data, &judge, (out, course), &mut |event| {
                    observe(SearchEvent::Run(event))
                })?;
                let standing = judge.standing(trial, &kept, base.as_ref())?;
                observe(SearchEvent::Done(&standing));
                base.get_or_insert(kept);
                standings[at] = Some(standing);
                standing::write(&out.join("trials.tsv"), standings.iter().flatten())?;
            }
            going = self.better(going, &standings);
        }
        Ok(standings.into_iter().flatten().collect())
    }

    /// Trains a trial to the end of epoch `until`, unless that has been done, and scores the rows held out.
    fn one(
        &self,
        trial: &Trial,
        until: u64,
        data: &mut Data,
        judge: &Judge,
        (out, course): (&Path, Course),
        observe: &mut dyn FnMut(Event),
    ) -> Result<Kept> {
        let folder = out.join(&trial.name);
        let path = folder.join(format!("validation-{until}.tsv"));
        let of = judge.identity(&trial.config);
        if let Some(kept) = Kept::read(&path, &of)? {
            return Ok(kept);
        }
        let mut own = None;
        let same = trial.config.data == self.trials[0].config.data
            // A generated set has sites as long as the network reads.
            && (trial.config.data.synthetic.is_none()
                || trial.config.model.site_len == self.trials[0].config.model.site_len);
        let data = if same { data } else { own.insert(Data::read(&trial.config)?) };
        data.reseed(trial.config.seed);
        judge.same_rows(&trial.name, data)?;
        let kept = match run_on(data, (&trial.config, until), &folder, true, course, observe) {
            Ok(outcome) => {
                let again = Workers::new(course.workers.device(), course.workers.threads())?;
                let predictor = Predictor::load(&folder.join(BEST), again)?;
                let most = trial.config.model.site_len;
                let duos: Vec<Duo> = data.validation.iter().map(|pair| pair.duo(most)).collect();
                Kept::new(&folder, Some(outcome.best.1), predictor.log_odds(&duos)?)?
            }
            // A rate that is too high is a result too, of any trial but what the others are measured by.
            Err(Error::Diverged { .. }) if trial.name != BASE => Kept::new(&folder, None, vec![])?,
            Err(e) => return Err(e),
        };
        kept.write(&path, &of)?;
        Ok(kept)
    }

    /// The base, and the better share of the others; of equals, those that came first. What has left the numbers stays behind.
    fn better(&self, going: Vec<usize>, standings: &[Option<Standing>]) -> Vec<usize> {
        let reached =
            |at: usize| standings[at].as_ref().and_then(|s| s.average_precision.value).unwrap_or(0.0);
        let mut others: Vec<usize> = going.into_iter().filter(|&at| at > 0).collect();
        let stay = (others.len() as f64 * self.keep).ceil() as usize;
        others.sort_by(|&a, &b| reached(b).total_cmp(&reached(a)));
        others.truncate(stay);
        others.sort_unstable();
        [0].into_iter().chain(others).collect()
    }
}
