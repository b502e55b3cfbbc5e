//! What is known of each cell of memory: whether it was written, by whom last, and who has read it since.
//!
//! Two accesses of which one writes must be ordered: made by one thread, or with a barrier between them that both
//! threads' warps reached, or in different launches. Every warp has a clock that each barrier moves on, and for every
//! other warp the last time of that warp which it knows to be past ([`Reader`]); an access is stamped with its thread's
//! time. It is ordered before mine where I know its warp to be beyond it (vector clocks; Flanagan and Freund 2009,
//! <https://doi.org/10.1145/1542476.1542490>).

/// A cell's words: the last writer's stamp, the last reader's stamp, and warps that read with the state.
/// Plain numbers, so that a new buffer's cells are the zero pages that the system gives.
pub type Cell = [u64; 3];

/// A stamp: block's serial number (32 bits), thread in the block (10), a flag, time (21). 0 is nobody.
/// The flag says of a writer that it was atomic, of a reader that it is not the only one of its warps.
const FLAG: u64 = 1 << 21;
const TIME: u64 = FLAG - 1;
/// Barriers a block may pass.
pub const LAST_TIME: u32 = TIME as u32;

const WRITTEN: u64 = 1 << 32;
/// The target of a `cp.async` that was not waited for.
const PENDING: u64 = 1 << 33;
/// Not memory at all: the gap between two shared arrays.
const OUTSIDE: u64 = 1 << 34;
const STATE: u64 = WRITTEN | PENDING | OUTSIDE;
/// More than one block of this launch has read it.
const BLOCKS: u64 = 1 << 35;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    /// A `cp.async` that starts.
    WritePending,
    /// Read and write in one.
    Atomic,
    /// Relaxed and volatile accesses.
    AtomicRead,
    AtomicWrite,
}

/// Why an access is a fault.
#[derive(Clone, Copy)]
pub enum Conflict {
    Unwritten,
    Pending,
    Outside,
    Race { with_write: bool, same_block: bool, thread: u32 },
}

/// The thread that makes an access.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The block's serial number, and that of the launch's first block.
    pub serial: u32,
    pub first: u32,
    /// Thread in the block.
    pub thread: u32,
    pub time: u32,
    /// The warps' times that are past for this warp, and the least of the others'.
    pub past: &'a [u32; 32],
    pub least_past: u32,
}

fn thread(stamp: u64) -> u32 {
    (stamp >> 22) as u32 & 1023
}

fn time(stamp: u64) -> u32 {
    (stamp & TIME) as u32
}

impl Reader<'_> {
    #[inline(always)]
    fn stamp(&self) -> u64 {
        u64::from(self.serial) << 32 | u64::from(self.thread) << 22 | u64::from(self.time)
    }

    fn warp(&self) -> u32 {
        self.thread >> 5
    }

    /// Whether the warp's accesses at `time` are before mine.
    #[inline(always)]
    fn passed(&self, warp: u32, at: u32) -> bool {
        if warp == self.warp() { at < self.time } else { at < self.past[warp as usize] }
    }

    /// Whether a stamp of this launch by another thread is unordered with me.
    #[inline(always)]
    fn unordered_write(&self, stamp: u64) -> bool {
        (stamp >> 32) as u32 != self.serial || !self.passed(thread(stamp) >> 5, time(stamp))
    }

    /// Whether the cell's readers, who are of this launch, are all before me.
    fn reads_passed(&self, cell: &Cell) -> bool {
        let (stamp, at) = (cell[1], time(cell[1]));
        if (stamp >> 32) as u32 != self.serial || cell[2] & BLOCKS != 0 {
            return false;
        }
        if (stamp ^ self.stamp()) >> 22 == 0 && stamp & FLAG == 0 {
            return true;
        }
        let mut warps = cell[2] as u32;
        if at < self.least_past && (at < self.time || warps >> self.warp() & 1 == 0) {
            return true;
        }
        while warps != 0 {
            if !self.passed(warps.trailing_zeros(), at) {
                return false;
            }
            warps &= warps - 1;
        }
        true
    }

    #[cold]
    fn race(&self, cell: &Cell, with_write: bool) -> Conflict {
        let stamp = if with_write { cell[0] } else { cell[1] };
        let several = !with_write && cell[2] & BLOCKS != 0;
        let same_block = (stamp >> 32) as u32 == self.serial && !several;
        Conflict::Race { with_write, same_block, thread: thread(stamp) }
    }
}

/// One access to one cell: checked against those before it, then noted.
#[inline(always)]
pub fn note(cell: &mut Cell, me: Reader, access: Access) -> Result<(), Conflict> {
    let stamp = me.stamp();
    let atomic = matches!(access, Access::Atomic | Access::AtomicRead | Access::AtomicWrite);
    let last = cell[0];
    let of_this_launch = (last >> 32) as u32 >= me.first;
    if of_this_launch
        && (last ^ stamp) >> 22 != 0
        && !(atomic && last & FLAG != 0)
        && me.unordered_write(last)
    {
        return Err(me.race(cell, true));
    }
    let reads = matches!(access, Access::Read | Access::AtomicRead | Access::Atomic);
    if reads && cell[2] & STATE != WRITTEN {
        return Err(refused(cell[2]));
    }
    match access {
        Access::Read | Access::AtomicRead => note_read(cell, me, stamp),
        _ => {
            if cell[2] & OUTSIDE != 0 {
                return Err(Conflict::Outside);
            }
            if cell[1] != 0 {
                // Atomic reads count as reads: against a plain write they are a race like any other.
                if (cell[1] >> 32) as u32 >= me.first && !me.reads_passed(cell) {
                    return Err(me.race(cell, false));
                }
                cell[1] = 0;
            }
            cell[0] = stamp | if atomic { FLAG } else { 0 };
            cell[2] = if access == Access::WritePending { PENDING } else { WRITTEN };
        }
    }
    Ok(())
}

#[cold]
fn refused(state: u64) -> Conflict {
    match state & STATE {
        PENDING => Conflict::Pending,
        OUTSIDE => Conflict::Outside,
        _ => Conflict::Unwritten,
    }
}

#[inline(always)]
fn note_read(cell: &mut Cell, me: Reader, stamp: u64) {
    let (last, mine) = (cell[1], 1u64 << me.warp());
    // The same thread, or another of this warp where the flag says already that there are several.
    if last == stamp || (last ^ stamp) & !(1023 << 22) == FLAG && cell[2] & 0xffff_ffff == mine {
        return;
    }
    note_new_read(cell, me, stamp);
}

fn note_new_read(cell: &mut Cell, me: Reader, stamp: u64) {
    let (last, mine) = (cell[1], 1u64 << me.warp());
    let keep = cell[2] & STATE;
    let last_block = (last >> 32) as u32;
    if last_block != me.serial {
        let several = last != 0 && last_block >= me.first;
        cell[1] = stamp;
        cell[2] = keep | mine | if several { BLOCKS } else { 0 };
    } else if me.reads_passed(cell) {
        cell[1] = stamp;
        cell[2] = keep | mine | cell[2] & BLOCKS;
    } else {
        let latest = u64::from(time(last).max(me.time));
        let single = (last ^ stamp) >> 22 == 0 && last & FLAG == 0;
        cell[1] = stamp & !TIME | latest | if single { 0 } else { FLAG };
        cell[2] |= mine;
    }
}

/// What the host does to a cell between launches.
pub fn set_written(cell: &mut Cell) {
    *cell = [0, 0, WRITTEN];
}

pub fn set_outside(cell: &mut Cell) {
    *cell = [0, 0, OUTSIDE];
}

pub fn is_written(cell: &Cell) -> bool {
    cell[2] & STATE == WRITTEN
}

/// The state alone, without the history of the cell it was copied from.
pub fn state_of(cell: &Cell) -> Cell {
    [0, 0, cell[2] & STATE]
}
