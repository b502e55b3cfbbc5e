//! What happens to programs: kills, full disks, system calls that fail, inputs that change, too little memory, inputs of extreme
//! size. What takes minutes is left to `cargo test --release --test torture -- --ignored --nocapture --test-threads 1`.
#![cfg(unix)]

mod calls;
#[allow(dead_code)] // its tables are for scanning
#[path = "../common/mod.rs"]
mod common;
mod disks;
mod inputs;
mod job;
mod limits;

use std::time::{Duration, Instant};

use job::{JOBS, Job};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Starts a job in its folder and kills it at a random moment up to `limit`; whether it was still at work.
fn killed(job: &Job, folder: &common::Folder, limit: Duration, random: &mut ChaCha8Rng) -> bool {
    let mut child = job.start(&folder.path(""));
    let (start, moment) = (Instant::now(), limit.mul_f64(random.random::<f64>()));
    while start.elapsed() < moment {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{}: {status}", job.name);
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// Kills a job `kills` times, at random moments of as many runs as that takes, and looks at all that is left.
fn killed_often(job: &Job, kills: usize, seed: u64) {
    let want = job.undisturbed();
    let folder = job.folder();
    let start = Instant::now();
    folder.run(0, job.line);
    let limit = start.elapsed();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut done, mut runs) = (0, 0);
    while done < kills {
        let folder = job.folder();
        let mut of_run = 0;
        while done < kills && killed(job, &folder, limit, &mut random) {
            job.expect_nothing_wrong(&folder, &want);
            (done, of_run) = (done + 1, of_run + 1);
        }
        job.expect_to_finish(&folder, &want, &format!("{of_run} kills"));
        runs += 1;
    }
    println!(
        "{}: killed {done} times in {runs} runs, which all came to the undisturbed run's bits",
        job.name
    );
}

#[test]
fn a_few_kills_change_nothing() {
    JOBS.into_iter().for_each(|job| killed_often(job, 5, 1));
}

#[test]
#[ignore = "minutes"]
fn a_hundred_kills_change_nothing() {
    JOBS.into_iter().for_each(|job| killed_often(job, 100, 2));
}
