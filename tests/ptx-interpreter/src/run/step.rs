//! The loop that moves a warp on.

use super::Machine;
use super::collective::is_collective;
use super::warp::{Pause, Warp, lanes};
use crate::fault::{FaultKind, Trouble};
use crate::inst::Op;

/// Instructions after which a warp is taken to loop for ever.
const ENDLESS: u64 = 1 << 24;

/// What an instruction that moves lanes about says to the loop.
pub(super) enum Flow {
    /// All lanes are at this instruction.
    To(u32),
    /// The lanes' places were written down: choose anew.
    Scattered,
}

impl Machine<'_> {
    /// Runs a warp until it has finished or waits at a barrier.
    pub(super) fn run_warp(&mut self, warp: &mut Warp) -> Pause {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { self.run_warp_avx2(warp) };
        }
        self.steps(warp)
    }

    /// The same loop with 8 lanes to an instruction; a fused multiply-add is a call elsewhere.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn run_warp_avx2(&mut self, warp: &mut Warp) -> Pause {
        self.steps(warp)
    }

    #[inline(always)]
    fn steps(&mut self, warp: &mut Warp) -> Pause {
        while let Some((mut pc, mask, next)) = warp.choose() {
            loop {
                match self.step(warp, pc, mask) {
                    Ok(Flow::To(to)) => pc = to,
                    Ok(Flow::Scattered) => break,
                    Err(trouble) => return Pause::Fault(pc, trouble),
                }
                // Lanes that were ahead are reached, or left behind: go on with those that are furthest back.
                if pc >= next {
                    warp.place(mask, pc);
                    break;
                }
            }
        }
        warp.pause()
    }

    /// One instruction for the lanes of `mask`, which are all at `pc`.
    #[inline(always)]
    fn step(&mut self, warp: &mut Warp, pc: u32, mask: u32) -> Result<Flow, Box<Trouble>> {
        let instruction = &self.kernel.code.instructions[pc as usize];
        let active = mask & warp.flag(instruction.guard);
        self.stats.warp_instructions += 1;
        self.stats.thread_instructions += u64::from(active.count_ones());
        warp.executed += 1;
        if active == 0 {
            return Ok(Flow::To(pc + 1));
        }
        match &instruction.op {
            Op::Branch { target } => {
                if warp.executed > ENDLESS {
                    let what = format!("still running after {ENDLESS} instructions");
                    return Err(Trouble::at(FaultKind::Execution, active.trailing_zeros() as usize, what));
                }
                if active == mask {
                    return Ok(Flow::To(*target));
                }
                warp.place(active, *target);
                warp.place(mask & !active, pc + 1);
                Ok(Flow::Scattered)
            }
            Op::Exit => {
                self.returned(warp, active)?;
                warp.place(mask & !active, pc + 1);
                Ok(Flow::Scattered)
            }
            Op::BranchTable { index, targets } => {
                for lane in lanes(active) {
                    let i = warp.low[*index as usize][lane] as usize;
                    let wrong =
                        || Trouble::at(FaultKind::Execution, lane, format!("no target {i} in the table"));
                    warp.pcs[lane] = *targets.get(i).ok_or_else(wrong)?;
                }
                warp.place(mask & !active, pc + 1);
                Ok(Flow::Scattered)
            }
            Op::Trap => Err(Trouble::at(FaultKind::Execution, active.trailing_zeros() as usize, "trap")),
            op if is_collective(op) => self.collective(warp, op, pc, mask, active),
            op => {
                self.execute(warp, op, active)?;
                Ok(Flow::To(pc + 1))
            }
        }
    }

    /// Lanes return; their asynchronous copies must have been waited for.
    fn returned(&mut self, warp: &mut Warp, active: u32) -> Result<(), Box<Trouble>> {
        if let Some(copy) = warp.copies.iter().find(|c| active >> c.lane & 1 == 1) {
            let what = "returns while a cp.async copy is still under way";
            return Err(Trouble::at(FaultKind::PendingCopy, copy.lane, what));
        }
        warp.alive &= !active;
        Ok(())
    }
}
