//! A warp: its registers, where its lanes are, and the loop that moves them on.

use super::Launch;
use super::block::Arrival;
use super::copies::Pending;
use crate::decode::Special;
use crate::fault::{FaultKind, Trouble};
use crate::kernel::Kernel;
use crate::kinds::{Flag, R};
use crate::types::{File, Register};

pub(super) const FULL: u32 = !0;
pub struct Warp {
    pub index: usize,
    /// Lanes that exist, that have not returned, that wait at a collective or a barrier.
    pub lanes: u32,
    pub alive: u32,
    pub waiting: u32,
    pub pcs: [u32; 32],
    pub low: Vec<[u32; 32]>,
    pub wide: Vec<[u64; 32]>,
    pub preds: Vec<u32>,
    pub arrival: Option<Arrival>,
    /// Clocks of the lanes, and what is past of every warp (see [`crate::shadow`]).
    pub times: [u32; 32],
    pub past: [u32; 32],
    pub least_past: u32,
    pub local: Vec<u8>,
    pub local_written: Vec<bool>,
    pub copies: Vec<Pending>,
    pub groups: [u32; 32],
    pub executed: u64,
}

/// Why a warp stopped running.
pub enum Pause {
    Finished,
    Barrier,
    Fault(u32, Box<Trouble>),
}

/// The lanes of a mask, lowest first.
#[inline(always)]
pub(super) fn lanes(mask: u32) -> impl Iterator<Item = usize> {
    let mut left = mask;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let lane = left.trailing_zeros() as usize;
        left &= left - 1;
        Some(lane)
    })
}

impl Warp {
    pub fn new(kernel: &Kernel, index: usize, threads: usize) -> Warp {
        let [preds, low, wide] = kernel.code.registers;
        let lanes = FULL >> (32 - (threads - index * 32).min(32));
        let mut warp = Warp {
            index,
            lanes,
            alive: 0,
            waiting: 0,
            pcs: [0; 32],
            low: vec![[0; 32]; low],
            wide: vec![[0; 32]; wide],
            preds: vec![0; preds],
            arrival: None,
            times: [0; 32],
            past: [0; 32],
            least_past: 0,
            local: vec![0; 32 * kernel.local_bytes],
            local_written: vec![false; 32 * kernel.local_bytes],
            copies: Vec::new(),
            groups: [0; 32],
            executed: 0,
        };
        for (r, value) in &kernel.code.low {
            warp.low[*r as usize] = [*value; 32];
        }
        for (r, value) in &kernel.code.wide {
            warp.wide[*r as usize] = [*value; 32];
        }
        warp.preds[kernel.code.always as usize] = FULL;
        warp
    }

    /// Makes the warp ready for a block's start. Registers keep what the last block left: compiled code writes before
    /// it reads.
    pub fn start(&mut self, kernel: &Kernel, launch: &Launch, block: [u32; 3], warps: u32) {
        (self.alive, self.waiting, self.arrival) = (self.lanes, 0, None);
        (self.pcs, self.times, self.groups, self.executed) = ([0; 32], [1; 32], [0; 32], 0);
        // Nothing of the others is past; a warp that is alone has no others.
        (self.past, self.least_past) = ([0; 32], if warps == 1 { u32::MAX } else { 0 });
        self.local_written.fill(false);
        self.copies.clear();
        for (r, special) in &kernel.code.specials {
            let first = self.index as u32 * 32;
            self.low[*r as usize] = std::array::from_fn(|lane| {
                special_value(*special, launch, block, first + lane as u32, warps)
            });
        }
    }

    pub fn finished(&self) -> bool {
        self.alive == 0
    }

    pub fn waits(&self) -> bool {
        self.arrival.is_some()
    }

    pub fn latest(&self) -> u32 {
        self.times.into_iter().max().unwrap_or(0)
    }

    pub fn flag(&self, flag: Flag) -> u32 {
        self.preds[flag.index as usize] ^ if flag.negated { FULL } else { 0 }
    }

    #[inline(always)]
    pub(super) fn lows(&self, r: R) -> [u32; 32] {
        self.low[r as usize]
    }

    #[inline(always)]
    pub(super) fn wides(&self, r: R) -> [u64; 32] {
        self.wide[r as usize]
    }

    /// Writes a predicate's active lanes.
    #[inline(always)]
    pub(super) fn set_flags(&mut self, r: R, mask: u32, value: u32) {
        let p = &mut self.preds[r as usize];
        *p = *p & !mask | value & mask;
    }

    /// A register's value in one lane, whatever its size.
    #[inline(always)]
    pub(super) fn value(&self, r: Register, lane: usize) -> u64 {
        match r.file {
            File::Wide => self.wide[r.index as usize][lane],
            File::Low => u64::from(self.low[r.index as usize][lane]),
            File::Pred => u64::from(self.preds[r.index as usize] >> lane & 1),
        }
    }

    #[inline(always)]
    pub(super) fn set(&mut self, r: Register, lane: usize, value: u64) {
        match r.file {
            File::Wide => self.wide[r.index as usize][lane] = value,
            File::Low => self.low[r.index as usize][lane] = value as u32,
            File::Pred => {
                let p = &mut self.preds[r.index as usize];
                *p = *p & !(1 << lane) | (value as u32 & 1) << lane;
            }
        }
    }

    /// The barrier is passed: the group's clocks go on together.
    pub fn passed_barrier(&mut self, time: u32, past: [u32; 32], warps: usize) {
        let arrival = self.arrival.take().expect("only waiting warps pass a barrier");
        (self.times, self.past, self.waiting) = ([time; 32], past, 0);
        self.pcs = [arrival.pc + 1; 32];
        let others = (0..warps).filter(|w| *w != self.index).map(|w| past[w]);
        self.least_past = others.min().unwrap_or(u32::MAX);
    }

    /// The lanes that are furthest behind, and the place of the next ones.
    pub(super) fn choose(&self) -> Option<(u32, u32, u32)> {
        let runnable = self.alive & !self.waiting;
        let (mut first, mut next, mut chosen) = (u32::MAX, u32::MAX, 0);
        for lane in lanes(runnable) {
            let pc = self.pcs[lane];
            if pc < first {
                (next, first, chosen) = (first, pc, 1 << lane);
            } else if pc == first {
                chosen |= 1 << lane;
            } else {
                next = next.min(pc);
            }
        }
        (chosen != 0).then_some((first, chosen, next))
    }

    pub(super) fn place(&mut self, mask: u32, pc: u32) {
        lanes(mask).for_each(|lane| self.pcs[lane] = pc);
    }

    /// No lane can run: done, at a barrier, or waiting for lanes that wait elsewhere.
    pub(super) fn pause(&self) -> Pause {
        if self.alive == 0 {
            return Pause::Finished;
        }
        if self.arrival.is_some() {
            return Pause::Barrier;
        }
        let lane = self.waiting.trailing_zeros() as usize;
        let pc = self.pcs[lane];
        let here: u32 = lanes(self.waiting).filter(|l| self.pcs[*l] == pc).map(|l| 1 << l).sum();
        let what = format!(
            "deadlock: lanes {here:#010x} wait here for others; {:#010x} wait elsewhere, {:#010x} have returned",
            self.waiting & !here,
            self.lanes & !self.alive
        );
        Pause::Fault(pc, Trouble::at(FaultKind::Deadlock, lane, what))
    }
}

fn special_value(special: Special, launch: &Launch, block: [u32; 3], thread: u32, warps: u32) -> u32 {
    let [x, y, _] = launch.block;
    let lane = thread % 32;
    match special {
        Special::Thread(axis) => [thread % x, thread / x % y, thread / x / y][axis],
        Special::Threads(axis) => launch.block[axis],
        Special::Block(axis) => block[axis],
        Special::Blocks(axis) => launch.grid[axis],
        Special::Lane => lane,
        Special::Warp => thread / 32,
        Special::Warps => warps,
        Special::WarpSize => 32,
        Special::DynamicShared => launch.shared as u32,
        Special::LaneMask(order) => match order {
            "eq" => 1 << lane,
            "lt" => (1 << lane) - 1,
            "le" => (1 << lane) | ((1 << lane) - 1),
            "ge" => FULL << lane,
            _ => FULL << lane & !(1 << lane),
        },
    }
}
