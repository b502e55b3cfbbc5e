//! What lanes do together: they wait for all that the instruction names, then it is done for all at once.

use super::block::Arrival;
use super::step::Flow;
use super::warp::{FULL, Warp, lanes};
use super::{Machine, integer};
use crate::fault::{FaultKind, Trouble};
use crate::inst::Op;
use crate::kinds::{R, ShuffleOp, VoteOp};

pub(super) fn is_collective(op: &Op) -> bool {
    matches!(
        op,
        Op::Shuffle { .. }
            | Op::MatrixMultiply { .. }
            | Op::LoadMatrix { .. }
            | Op::Barrier { .. }
            | Op::WarpBarrier { .. }
            | Op::Vote { .. }
            | Op::Match { .. }
            | Op::Reduce { .. }
    )
}

/// The lanes that take part. Those of a warp that is not full do not exist, and are not missed.
fn members(warp: &Warp, op: &Op, active: u32) -> Result<u32, Box<Trouble>> {
    let mask = match op {
        Op::Shuffle { mask, .. }
        | Op::WarpBarrier { mask }
        | Op::Vote { mask, .. }
        | Op::Match { mask, .. }
        | Op::Reduce { mask, .. } => *mask,
        Op::Barrier { .. } => return Ok(warp.lanes),
        _ if warp.lanes == FULL => return Ok(FULL),
        _ => {
            let lane = active.trailing_zeros() as usize;
            return Err(Trouble::at(FaultKind::Deadlock, lane, "needs a full warp of 32 threads"));
        }
    };
    let masks = &warp.low[mask as usize];
    let first = active.trailing_zeros() as usize;
    let members = masks[first] & warp.lanes;
    for lane in lanes(active) {
        if masks[lane] >> lane & 1 == 0 {
            let what = format!("the mask {:#010x} does not name the lane itself", masks[lane]);
            return Err(Trouble::at(FaultKind::Deadlock, lane, what));
        }
    }
    Ok(members)
}

impl Machine<'_> {
    /// Lanes `active` of those at `pc` reach a collective; the others of `mask` are not asked to.
    #[inline(always)]
    pub(super) fn collective(
        &mut self,
        warp: &mut Warp,
        op: &Op,
        pc: u32,
        mask: u32,
        active: u32,
    ) -> Result<Flow, Box<Trouble>> {
        let members = members(warp, op, active)?;
        if members == active && !matches!(op, Op::Barrier { .. }) {
            self.together(warp, op, members)?;
            return Ok(Flow::To(pc + 1));
        }
        self.wait(warp, op, pc, mask, active)
    }

    /// Some are missing, or name other lanes than the first one does: each waits for its own.
    #[inline(never)]
    fn wait(
        &mut self,
        warp: &mut Warp,
        op: &Op,
        pc: u32,
        mask: u32,
        active: u32,
    ) -> Result<Flow, Box<Trouble>> {
        warp.place(mask & !active, pc + 1);
        warp.place(active, pc);
        warp.waiting |= active;
        let mut left = active;
        while left != 0 {
            let members = members(warp, op, 1 << left.trailing_zeros())?;
            left &= !members;
            if members & !warp.alive != 0 {
                let lane = active.trailing_zeros() as usize;
                let gone = members & !warp.alive;
                let what = format!("waits for lanes {gone:#010x}, which have returned");
                return Err(Trouble::at(FaultKind::Deadlock, lane, what));
            }
            let here = |lane: usize| warp.waiting >> lane & 1 == 1 && warp.pcs[lane] == pc;
            if !lanes(members).all(here) {
                continue;
            }
            if let Op::Barrier { id, threads, named, .. } = op {
                self.arrive(warp, *id, *threads, *named, pc)?;
                continue;
            }
            self.together(warp, op, members)?;
            warp.waiting &= !members;
            warp.place(members, pc + 1);
        }
        Ok(Flow::Scattered)
    }

    /// The whole warp is at a barrier.
    fn arrive(
        &mut self,
        warp: &mut Warp,
        id: R,
        threads: Option<R>,
        named: bool,
        pc: u32,
    ) -> Result<(), Box<Trouble>> {
        let all = self.launch.block.iter().product();
        let (ids, id) = (&warp.low[id as usize], warp.low[id as usize][0]);
        let threads = threads.map_or(all, |r| warp.low[r as usize][0]);
        if id > 15 || !lanes(warp.lanes).all(|lane| ids[lane] == id) {
            return Err(Trouble::at(
                FaultKind::Execution,
                0,
                format!("no barrier {id}, or lanes ask for several"),
            ));
        }
        if threads > all.next_multiple_of(32) || threads != all && !threads.is_multiple_of(32) {
            let what = format!("a barrier for {threads} threads in a block of {all}");
            return Err(Trouble::at(FaultKind::Deadlock, 0, what));
        }
        warp.arrival = Some(Arrival { id, threads, named, pc });
        Ok(())
    }

    /// All of `members` are here.
    #[inline(always)]
    fn together(&mut self, warp: &mut Warp, op: &Op, members: u32) -> Result<(), Box<Trouble>> {
        match *op {
            Op::Shuffle { op, d, valid, a, b, c, .. } => shuffle(warp, op, members, [d, a, b, c], valid),
            Op::MatrixMultiply { product, d, a, b, c } => {
                super::matrix::multiply(warp, product, d, a, b, c);
                Ok(())
            }
            Op::LoadMatrix { transposed, n, to, from } => {
                self.load_matrix(warp, transposed, usize::from(n), to, from)
            }
            Op::WarpBarrier { .. } => {
                let time = lanes(members).map(|lane| warp.times[lane]).max().unwrap_or(0) + 1;
                lanes(members).for_each(|lane| warp.times[lane] = time);
                Ok(())
            }
            Op::Vote { op, d, a, .. } => {
                vote(warp, op, d, warp.flag(a) & members, members);
                Ok(())
            }
            Op::Match { all, wide, d, valid, a, .. } => {
                matching(warp, all, wide, [d, a], valid, members);
                Ok(())
            }
            Op::Reduce { op, d, a, .. } => {
                let values = &warp.low[a as usize];
                let all = lanes(members).map(|lane| values[lane]).reduce(|x, y| integer::apply(op, x, y));
                let all = all.unwrap_or(0);
                lanes(members).for_each(|lane| warp.low[d as usize][lane] = all);
                Ok(())
            }
            _ => unreachable!("{op:?} is no collective"),
        }
    }
}

/// `c` holds the segments: bits 8 to 12 the mask of lanes that stay, bits 0 to 4 the clamp.
#[inline(always)]
fn shuffle(
    warp: &mut Warp,
    op: ShuffleOp,
    members: u32,
    [d, a, b, c]: [R; 4],
    valid: Option<R>,
) -> Result<(), Box<Trouble>> {
    let (values, by, clamps) = (warp.low[a as usize], warp.low[b as usize], warp.low[c as usize]);
    let mut inside = 0;
    for lane in lanes(members) {
        let (own, by, segment, clamp) =
            (lane as u32, by[lane] & 31, clamps[lane] >> 8 & 31, clamps[lane] & 31);
        let last = own & segment | clamp & !segment;
        let (source, within) = match op {
            ShuffleOp::Up => (own.wrapping_sub(by), own >= by && own - by >= last),
            ShuffleOp::Down => (own + by, own + by <= last),
            ShuffleOp::Butterfly => (own ^ by, own ^ by <= last),
            ShuffleOp::Index => {
                let source = own & segment | by & !segment;
                (source, source <= last)
            }
        };
        let source = if within { source } else { own };
        if members >> source & 1 == 0 {
            let what = format!("reads from lane {source}, which takes no part");
            return Err(Trouble::at(FaultKind::Execution, lane, what));
        }
        inside |= u32::from(within) << lane;
        warp.low[d as usize][lane] = values[source as usize];
    }
    if let Some(valid) = valid {
        warp.set_flags(valid, members, inside);
    }
    Ok(())
}

fn vote(warp: &mut Warp, op: VoteOp, d: R, yes: u32, members: u32) {
    let holds = match op {
        VoteOp::Ballot => {
            lanes(members).for_each(|lane| warp.low[d as usize][lane] = yes);
            return;
        }
        VoteOp::Any => yes != 0,
        VoteOp::All => yes == members,
        VoteOp::Uniform => yes == 0 || yes == members,
    };
    warp.set_flags(d, members, if holds { FULL } else { 0 });
}

/// Which lanes hold the same value; with `all`, whether every lane does.
fn matching(warp: &mut Warp, all: bool, wide: bool, [d, a]: [R; 2], valid: Option<R>, members: u32) {
    let value = |lane: usize| {
        if wide { warp.wide[a as usize][lane] } else { u64::from(warp.low[a as usize][lane]) }
    };
    let same: [u32; 32] = std::array::from_fn(|lane| {
        lanes(members).filter(|other| value(*other) == value(lane)).map(|other| 1 << other).sum()
    });
    let agreed = lanes(members).all(|lane| same[lane] == members);
    for lane in lanes(members) {
        warp.low[d as usize][lane] = if !all || agreed { same[lane] } else { 0 };
    }
    if let Some(valid) = valid {
        warp.set_flags(valid, members, if agreed { FULL } else { 0 });
    }
}
