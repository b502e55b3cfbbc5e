//! One block: its warps in turn, and the barriers they meet at.

use super::warp::{Pause, Warp};
use super::{Machine, Order};
use crate::fault::{Fault, FaultKind, Trouble};
use crate::inst::Op;
use crate::kinds::{BarrierReduction, Logic};
use crate::shadow::LAST_TIME;

/// Where a warp waits for others: which barrier, for how many threads, at which instruction.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub id: u32,
    pub threads: u32,
    pub named: bool,
    pub pc: u32,
}

impl Machine<'_> {
    /// The block's warps, to be reused block after block.
    pub(super) fn warps(&self) -> Vec<Warp> {
        let threads = self.launch.block.iter().product::<u32>() as usize;
        (0..threads.div_ceil(32)).map(|w| Warp::new(self.kernel, w, threads)).collect()
    }

    pub(super) fn run_block(&mut self, warps: &mut [Warp]) -> Result<(), Fault> {
        self.shared.reset(&self.kernel.shared.gaps);
        for warp in warps.iter_mut() {
            warp.start(self.kernel, self.launch, self.block, warps_of(self.launch.block));
        }
        loop {
            let mut ran = false;
            for i in 0..warps.len() {
                let i = if self.launch.order == Order::Reverse { warps.len() - 1 - i } else { i };
                if warps[i].waits() || warps[i].finished() {
                    continue;
                }
                ran = true;
                match self.run_warp(&mut warps[i]) {
                    Pause::Finished => {}
                    Pause::Barrier => self.release(warps, i)?,
                    Pause::Fault(pc, trouble) => return Err(self.fault(i, pc, *trouble)),
                }
            }
            if !ran {
                return match warps.iter().position(|w| !w.finished()) {
                    None => Ok(()),
                    Some(i) => Err(self.never(warps, i)),
                };
            }
        }
    }

    /// Warp `i` has come to a barrier: lets all go that wait there, if they are all that it is for.
    fn release(&mut self, warps: &mut [Warp], i: usize) -> Result<(), Fault> {
        let arrival = warps[i].arrival.expect("the warp waits at a barrier");
        // Barriers without a name are all one: every warp must be at the same instruction.
        let together = |w: &Warp| {
            w.arrival.is_some_and(|a| {
                a.id == arrival.id && a.threads == arrival.threads && (a.named || a.pc == arrival.pc)
            })
        };
        let group: Vec<usize> = (0..warps.len()).filter(|j| together(&warps[*j])).collect();
        // A warp that is not full counts as one that is.
        let threads: u32 = group.iter().map(|j| warps[*j].lanes.count_ones()).sum();
        if threads == arrival.threads || group.len() as u32 * 32 == arrival.threads {
            self.meet(warps, &group, arrival)?;
        }
        Ok(())
    }

    /// All that the group did is now before all that it will do.
    fn meet(&mut self, warps: &mut [Warp], group: &[usize], arrival: Arrival) -> Result<(), Fault> {
        let time = group.iter().map(|j| warps[*j].latest()).max().unwrap_or(0) + 1;
        if time >= LAST_TIME {
            let what = "more barriers than races can be told over".to_string();
            return Err(self.fault(group[0], arrival.pc, *Trouble::at(FaultKind::Execution, 0, what)));
        }
        let mut past = [0; 32];
        for j in group {
            past.iter_mut().zip(&warps[*j].past).for_each(|(p, q)| *p = (*p).max(*q));
        }
        group.iter().for_each(|j| past[*j] = time);
        let others = warps.len();
        self.reduce(warps, group, arrival.pc);
        for j in group {
            warps[*j].passed_barrier(time, past, others);
        }
        Ok(())
    }

    /// The result of a `bar.red`.
    fn reduce(&self, warps: &mut [Warp], group: &[usize], pc: u32) {
        let Op::Barrier { reduce: Some((how, flag)), .. } = &self.kernel.code.instructions[pc as usize].op
        else {
            return;
        };
        let votes: Vec<u32> = group.iter().map(|j| warps[*j].flag(*flag) & warps[*j].lanes).collect();
        let count: u32 = votes.iter().map(|v| v.count_ones()).sum();
        let all = group.iter().map(|j| warps[*j].lanes.count_ones()).sum::<u32>() == count;
        for j in group {
            match how {
                BarrierReduction::Count(d) => warps[*j].low[*d as usize] = [count; 32],
                BarrierReduction::Logic(logic, d) => {
                    let yes = if *logic == Logic::And { all } else { count > 0 };
                    warps[*j].preds[*d as usize] = if yes { !0 } else { 0 };
                }
            }
        }
    }

    /// A block that cannot go on: says who waits where.
    #[cold]
    fn never(&self, warps: &[Warp], i: usize) -> Fault {
        let arrival = warps[i].arrival.expect("a warp that neither ran nor finished waits at a barrier");
        let returned = warps.iter().filter(|w| w.finished()).count();
        let elsewhere = warps.iter().filter(|w| w.arrival.is_some_and(|a| a.pc != arrival.pc)).count();
        let here = warps.len() - returned - elsewhere;
        let what = format!(
            "deadlock: of {} warps, {here} wait at this barrier, {elsewhere} at another, {returned} have returned",
            warps.len()
        );
        self.fault(i, arrival.pc, *Trouble::at(FaultKind::Deadlock, 0, what))
    }
}

fn warps_of(block: [u32; 3]) -> u32 {
    block.iter().product::<u32>().div_ceil(32)
}
