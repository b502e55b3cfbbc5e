//! `cp.async`: copies that are started at one place and done at another.

use super::Machine;
use super::access::misaligned;
use super::warp::{Warp, lanes};
use crate::fault::{FaultKind, Trouble};
use crate::kinds::{Address, R, Space};
use crate::shadow::Access;

/// A copy under way.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    pub lane: usize,
    pub to: u64,
    pub from: u64,
    pub bytes: u32,
    /// How many are read; the rest is zeros.
    pub valid: u32,
    /// Groups that its thread had committed before.
    pub group: u32,
}

impl Machine<'_> {
    /// The bytes arrive at the wait; until then nobody may read the target.
    pub(super) fn start_copies(
        &mut self,
        warp: &mut Warp,
        bytes: u32,
        to: Address,
        from: Address,
        valid: R,
        mask: u32,
    ) -> Result<(), Box<Trouble>> {
        for lane in lanes(mask) {
            let valid = warp.low[valid as usize][lane];
            if valid > bytes {
                let what = format!("cp.async: {valid} bytes to read, {bytes} to write");
                return Err(Trouble::at(FaultKind::Execution, lane, what));
            }
            let (to, from) = (warp.address(to, lane), warp.address(from, lane));
            if !from.is_multiple_of(u64::from(bytes)) {
                return Err(misaligned(lane, bytes as usize, from));
            }
            self.note(warp, lane, Space::Shared, to, bytes as usize, Access::WritePending)?;
            let copy = Pending { lane, to, from, bytes, valid, group: warp.groups[lane] };
            self.read_source(warp, copy)?;
            warp.copies.push(copy);
        }
        Ok(())
    }

    /// Checks and reads what a copy reads, byte for byte what it is asked for.
    fn read_source(&mut self, warp: &Warp, copy: Pending) -> Result<[u8; 16], Box<Trouble>> {
        let mut bytes = [0; 16];
        let valid = copy.valid as usize;
        let step = if valid.is_multiple_of(4) { 4 } else { 1 };
        for at in (0..valid).step_by(step) {
            let address = copy.from + at as u64;
            let (region, offset) = self.note(warp, copy.lane, Space::Global, address, step, Access::Read)?;
            bytes[at..at + step].copy_from_slice(&region.data[offset..offset + step]);
        }
        Ok(bytes)
    }

    /// Does the copies of the lanes' groups that are waited for, in the order they were started.
    pub(super) fn finish_copies(
        &mut self,
        warp: &mut Warp,
        newest: Option<u32>,
        mask: u32,
    ) -> Result<(), Box<Trouble>> {
        let copies = std::mem::take(&mut warp.copies);
        for copy in copies {
            let waited =
                mask >> copy.lane & 1 == 1 && newest.is_none_or(|n| copy.group + n < warp.groups[copy.lane]);
            if !waited {
                warp.copies.push(copy);
                continue;
            }
            let bytes = self.read_source(warp, copy)?;
            let n = copy.bytes as usize;
            let (region, at) = self.note(warp, copy.lane, Space::Shared, copy.to, n, Access::Write)?;
            region.data[at..at + n].copy_from_slice(&bytes[..n]);
        }
        if newest.is_none() {
            lanes(mask).for_each(|lane| warp.groups[lane] += 1);
        }
        Ok(())
    }
}
