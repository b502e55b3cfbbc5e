//! Disks that are full, or cannot be written.

use std::path::Path;
use std::process::Command;

use crate::common::{Folder, LET7, transcript};
use crate::job::{JOBS, Job};

/// Runs a job where no file may be longer than so many blocks of the shell's: writing fails as on a full disk.
fn short_of_room(job: &Job, folder: &Folder, blocks: usize) -> (Option<i32>, String) {
    let program = assert_cmd::cargo::cargo_bin!("mirscope");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {} {}", program.display(), job.line);
    let output = Command::new("sh").current_dir(folder.path("")).args(["-c", &script]).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_job_that_finds_no_room_goes_on_when_there_is_some() {
    for job in JOBS {
        let want = job.undisturbed();
        let mut failed = 0;
        for blocks in [0, 1, 2, 4, 8, 16, 32, 64] {
            let folder = job.folder();
            let (code, said) = short_of_room(job, &folder, blocks);
            if code != Some(0) {
                failed += 1;
                assert_eq!(code, Some(1), "{} in {blocks}: {said}", job.name);
                assert_eq!(said.lines().count(), 1, "{said}");
                assert!(said.contains("File too large"), "{said}");
            }
            job.expect_nothing_wrong(&folder, &want);
            job.expect_to_finish(&folder, &want, &format!("{blocks} blocks of room"));
        }
        assert!(failed >= 4, "{}: {failed} of 8 had too little room", job.name);
    }
}

#[test]
fn a_scan_without_a_manifest_leaves_nothing_on_a_full_disk() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    let records = (0..200).map(|i| format!(">t{i}\n{}\n", transcript(300, 100))).collect::<String>();
    folder.write("t.fa", records);
    for output in ["s.tsv", "s.tsv.gz"] {
        let line = format!("scan --mirna m.fa --target t.fa --device cpu --quiet --sites {output}");
        let program = assert_cmd::cargo::cargo_bin!("mirscope");
        let script = format!("trap '' XFSZ; ulimit -f 1; exec {} {line}", program.display());
        let done = Command::new("sh").current_dir(folder.path("")).args(["-c", &script]).output().unwrap();
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(
            String::from_utf8(done.stderr).unwrap(),
            format!("mirscope: {output}: File too large (os error 27)\n")
        );
        assert_eq!(folder.names(), ["m.fa", "t.fa"]);
    }
    let (_, said) = folder.run(1, "scan --mirna m.fa --target t.fa --device cpu --quiet --sites /dev/full");
    assert!(said.contains("/dev/full: No space left on device"), "{said}");
}

#[test]
fn words_nobody_reads_are_no_reason_to_stop() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t\n{}\n", transcript(300, 100)));
    let program = assert_cmd::cargo::cargo_bin!("mirscope");
    let scan = format!("{} scan --mirna m.fa --target t.fa --genes g.tsv", program.display());
    for to in ["2>/dev/full", "2>&-", "2>&1 | true"] {
        let script = format!("{scan} {to}");
        let done = Command::new("sh").current_dir(folder.path("")).args(["-c", &script]).output().unwrap();
        assert!(done.status.success(), "{to}: {:?}", done.status);
        assert_eq!(folder.read("g.tsv").lines().filter(|line| line.starts_with("let-7a")).count(), 1, "{to}");
        std::fs::remove_file(folder.path("g.tsv")).unwrap();
    }
}

/// Sizes of disks, in pages of 4 KiB.
const PAGES: [usize; 24] =
    [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24, 28, 32, 40, 48, 56, 64, 72, 80, 88, 96];

/// A file system in memory, of so many bytes; `None`, and a word, where this user may not have one.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn new(at: &'a Path, bytes: usize) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={bytes}");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        if !done.is_ok_and(|done| done.status.success()) {
            println!("skipped: a disk of {bytes} bytes, which this user may not mount");
            return None;
        }
        Some(Disk(at))
    }

    fn remount(&self, options: &str) {
        let option = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &option]).arg(self.0).status().unwrap().success());
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
#[ignore = "mounts file systems"]
fn full_and_read_only_disks_are_told_and_gone_on_from() {
    for job in JOBS {
        let want = job.undisturbed();
        let mut full = 0;
        for bytes in PAGES.map(|pages| 4096 * pages) {
            let folder = job.folder();
            let at = folder.path(""); // over its own inputs, which are written again
            let Some(disk) = Disk::new(&at, 1 << 20) else { return };
            job.inputs(&folder);
            disk.remount(&format!("size={bytes}"));
            let output = job.start(&at).wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            if !output.status.success() {
                full += 1;
                assert_eq!(output.status.code(), Some(1), "{said}");
                assert!(said.contains("No space left on device") && said.lines().count() == 1, "{said}");
            }
            job.expect_nothing_wrong(&folder, &want);
            disk.remount("size=8388608");
            job.expect_to_finish(&folder, &want, &format!("{bytes} bytes of disk"));
            disk.remount("ro");
            if job.name == "train" {
                let (_, said) = folder.run(1, job.line);
                assert!(said.to_lowercase().contains("read-only file"), "{said}");
            }
            disk.remount("rw");
        }
        assert!(full >= 4, "{}: {full} of 24 disks were full", job.name);
        println!("{}: {full} of 24 disks were full; all runs were gone on with, to the same bits", job.name);
    }
}
