//! The system under a program fails, or kills it, at each of its calls that write. By strace, which can do that.

use std::collections::HashMap;
use std::process::{Command, Output};

use crate::common::Folder;
use crate::job::{JOBS, Job};

/// Calls that change what lies on a disk.
const WRITING: [&str; 10] =
    ["openat", "write", "rename", "linkat", "unlink", "ftruncate", "fsync", "fdatasync", "mkdir", "flock"];
/// Calls and what may come of them.
const FAILURES: [(&str, &str); 7] = [
    ("write", "ENOSPC"),
    ("fsync", "EIO"),
    ("fdatasync", "EIO"),
    ("rename", "EACCES"),
    ("linkat", "EPERM"),
    ("ftruncate", "EIO"),
    ("flock", "ENOLCK"),
];

fn strace(job: &Job, folder: &Folder, arguments: &[String]) -> Output {
    let mut command = Command::new("strace");
    command.current_dir(folder.path("")).args(["-f", "-qq"]).args(arguments);
    command.arg(assert_cmd::cargo::cargo_bin!("mirscope")).args(job.line.split(' '));
    command.output().unwrap()
}

/// How often the thread that does it most makes a call.
fn most(job: &Job, call: &str) -> usize {
    let folder = job.folder();
    let arguments = ["-o", "log", "-e", &format!("trace={call}")].map(String::from);
    assert!(strace(job, &folder, &arguments).status.success());
    let mut of_threads = HashMap::new();
    for line in folder.read("log").lines().filter(|line| line.contains('(') && !line.contains(" resumed>")) {
        *of_threads.entry(line.split(' ').next().unwrap().to_string()).or_insert(0) += 1;
    }
    of_threads.into_values().max().unwrap_or(0)
}

fn without_strace() -> bool {
    let works = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let works = works.is_ok_and(|status| status.success());
    if !works {
        println!("skipped: strace, which is not here or may not trace");
    }
    !works
}

/// Runs a job once for each time it makes a call, with `injected` happening at that; returns how often, and how many runs came to
/// their end.
fn at_each(
    job: &Job,
    call: &str,
    injected: &str,
    want: &[Vec<u8>],
    judge: impl Fn(&Output, usize),
) -> (usize, usize) {
    let (most, mut ended) = (most(job, call), 0);
    for nth in 1..=most {
        let folder = job.folder();
        let inject = format!("inject={call}:{injected}:when={nth}");
        let arguments = ["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject].map(String::from);
        let output = strace(job, &folder, &arguments);
        ended += usize::from(output.status.success());
        judge(&output, nth);
        job.expect_nothing_wrong(&folder, want);
        job.expect_to_finish(&folder, want, &inject);
    }
    (most, ended)
}

#[test]
#[ignore = "minutes"]
fn a_kill_at_any_call_that_writes_changes_nothing() {
    if without_strace() {
        return;
    }
    for job in JOBS {
        let want = job.undisturbed();
        for call in WRITING {
            let (times, ended) = at_each(job, call, "signal=SIGKILL", &want, |_, _| {});
            assert!(ended <= times / 4, "{}: {ended} of {times} runs were not killed at {call}", job.name);
            println!("{}: killed at each of {times} calls of {call}; {ended} were over before", job.name);
        }
    }
}

#[test]
#[ignore = "minutes"]
fn a_failure_of_any_call_is_told_and_changes_nothing() {
    if without_strace() {
        return;
    }
    for job in JOBS {
        let want = job.undisturbed();
        for (call, error) in FAILURES {
            let told = |output: &Output, nth: usize| {
                let said = String::from_utf8_lossy(&output.stderr);
                let place = format!("{} {call} {error} {nth}: {:?} {said}", job.name, output.status);
                assert!(matches!(output.status.code(), Some(0 | 1)), "{place}");
                let lines = said.lines().filter(|line| line.starts_with("mirscope: ")).count();
                // a failure may be that of the line that tells it
                assert!(output.status.success() || lines == 1 || (lines == 0 && call == "write"), "{place}");
                assert!(!said.contains("panicked"), "{place}");
            };
            let (times, ended) = at_each(job, call, &format!("error={error}"), &want, told);
            println!(
                "{}: {error} from each of {times} calls of {call}; {ended} runs could do without",
                job.name
            );
        }
    }
}
