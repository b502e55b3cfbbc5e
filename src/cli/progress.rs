//! How far a command is, on stderr: a bar on a terminal, otherwise one line every 30 s.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

const EVERY: Duration = Duration::from_secs(30);
const BAR: &str = "{bar:40} {percent}% {msg} {elapsed} ETA {eta}";
const SPINNER: &str = "{spinner} {msg} {elapsed}";

/// Counts what is done against how much of the input is read.
pub(super) struct Progress {
    what: &'static str,
    consumed: Arc<AtomicU64>,
    size: Option<u64>,
    start: Instant,
    said: Instant,
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Progress {
    /// Of `what` things; `consumed` bytes of `size`, where that is known.
    pub(super) fn new(what: &'static str, consumed: Arc<AtomicU64>, size: Option<u64>, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let style = ProgressStyle::with_template(if size.is_some() { BAR } else { SPINNER });
            bar.with_style(style.expect("both templates are well-formed"))
        });
        let start = Instant::now();
        Progress { what, consumed, size, start, said: start, bar, quiet }
    }

    /// `done` things so far.
    pub(super) fn tick(&mut self, done: u64) {
        let read = self.consumed.load(Ordering::Relaxed);
        let elapsed = self.start.elapsed().as_secs_f64();
        let rate = done as f64 / elapsed.max(1e-3);
        let message = format!("{done} {}, {rate:.0}/s", self.what);
        if let Some(bar) = &self.bar {
            bar.set_message(message);
            bar.set_position(read);
        } else if !self.quiet && self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            output::say(format_args!("{message}{}", self.left(read, elapsed)));
        }
    }

    fn left(&self, read: u64, elapsed: f64) -> String {
        match self.size {
            Some(size) if read > 0 => {
                let share = (read as f64 / size as f64).min(1.0);
                let left = elapsed * (1.0 / share - 1.0);
                format!(", {:.0}% done, about {left:.0} s left", share * 100.0)
            }
            _ => String::new(),
        }
    }

    /// Says `line` above the bar.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if self.quiet => {}
            None => output::say(line),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
