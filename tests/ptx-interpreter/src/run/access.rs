//! Memory as threads see it: spaces, bounds, alignment.

use super::warp::{Warp, lanes};
use super::{LOCAL_WINDOW, Machine, PARAM_WINDOW, SHARED_WINDOW};
use crate::fault::{FaultKind, Trouble};
use crate::inst::Op;
use crate::kinds::{Address, Space};
use crate::memory::Region;
use crate::shadow::{Access, Reader};
use crate::types::{File, Type};

/// Where an address leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Global(u64),
    Shared(u64),
    Local(u64),
    Param(u64),
}

pub(super) fn place(space: Space, address: u64) -> Place {
    match space {
        Space::Global => Place::Global(address),
        Space::Shared => Place::Shared(address),
        Space::Local => Place::Local(address),
        Space::Param => Place::Param(address),
        Space::Generic => match address >> 60 {
            7 => Place::Shared(address - SHARED_WINDOW),
            6 => Place::Local(address - LOCAL_WINDOW),
            5 => Place::Param(address - PARAM_WINDOW),
            _ => Place::Global(address),
        },
    }
}

impl Warp {
    /// The address in one lane. Shared addresses may be 32 bits wide, and wrap there.
    #[inline(always)]
    pub(super) fn address(&self, address: Address, lane: usize) -> u64 {
        match address.base.file {
            File::Wide => self.wide[address.base.index as usize][lane].wrapping_add(address.offset as u64),
            _ => u64::from(self.low[address.base.index as usize][lane].wrapping_add(address.offset as u32)),
        }
    }

    #[inline(always)]
    fn reader(&self, lane: usize, serial: u32, first: u32) -> Reader<'_> {
        let thread = (self.index * 32 + lane) as u32;
        Reader {
            serial,
            first,
            thread,
            time: self.times[lane],
            past: &self.past,
            least_past: self.least_past,
        }
    }
}

#[cold]
pub(super) fn misaligned(lane: usize, bytes: usize, address: u64) -> Box<Trouble> {
    let what = format!("misaligned: {bytes} bytes at address {address:#x}");
    Trouble::at(FaultKind::Misaligned, lane, what)
}

impl Machine<'_> {
    /// The region that holds `bytes` at an address of global or shared memory, and where in it, the access noted.
    #[inline(always)]
    pub(super) fn note(
        &mut self,
        warp: &Warp,
        lane: usize,
        space: Space,
        address: u64,
        bytes: usize,
        access: Access,
    ) -> Result<(&mut Region, usize), Box<Trouble>> {
        if !address.is_multiple_of(bytes as u64) {
            return Err(misaligned(lane, bytes, address));
        }
        let reader = warp.reader(lane, self.serial, self.first);
        // The borrow of a region that is handed out must not live on in the error's arm: look again there.
        let (found, offset) = match place(space, address) {
            Place::Shared(offset) => (Some(&mut self.shared), i64::try_from(offset).unwrap_or(i64::MAX)),
            Place::Global(address) => match self.memory.find(address) {
                Some((region, offset)) => (Some(region), offset),
                None => (None, 0),
            },
            _ => (None, 0),
        };
        let fits = |r: &Region| offset >= 0 && offset as u64 + bytes as u64 <= r.data.len() as u64;
        let conflict = match found {
            Some(region) if fits(region) => region.note(reader, offset as usize, bytes, access).err(),
            _ => return Err(self.out_of_bounds(lane, space, address, bytes)),
        };
        if let Some(conflict) = conflict {
            return Err(self.conflict(lane, space, address, bytes, access, conflict));
        }
        match place(space, address) {
            Place::Shared(_) => Ok((&mut self.shared, offset as usize)),
            _ => Ok((self.memory.find(address).expect("found a moment ago").0, offset as usize)),
        }
    }

    #[inline(always)]
    pub(super) fn load(&mut self, warp: &mut Warp, op: &Op, mask: u32) -> Result<(), Box<Trouble>> {
        let Op::Load { ty, relaxed, from, n, to } = op else { unreachable!("the caller matched a load") };
        let (ty, from, size, n) = (*ty, *from, ty.bytes(), usize::from(*n));
        let access = if *relaxed { Access::AtomicRead } else { Access::Read };
        for lane in lanes(mask) {
            let address = warp.address(from, lane);
            if matches!(place(from.space, address), Place::Local(_) | Place::Param(_)) {
                self.load_private(warp, op, lane, address)?;
                continue;
            }
            let (region, at) = self.note(warp, lane, from.space, address, size * n, access)?;
            if size == 4 && !ty.signed() {
                for (j, r) in to[..n].iter().enumerate() {
                    warp.set(*r, lane, region.load(at + 4 * j, 4));
                }
            } else {
                for (j, r) in to[..n].iter().enumerate() {
                    warp.set(*r, lane, extended(region.load(at + size * j, size), ty));
                }
            }
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn store(&mut self, warp: &mut Warp, op: &Op, mask: u32) -> Result<(), Box<Trouble>> {
        let Op::Store { ty, relaxed, to, n, from } = op else { unreachable!("the caller matched a store") };
        let (to, size, n) = (*to, ty.bytes(), usize::from(*n));
        let access = if *relaxed { Access::AtomicWrite } else { Access::Write };
        for lane in lanes(mask) {
            let address = warp.address(to, lane);
            if let Place::Local(offset) = place(to.space, address) {
                let at = local(warp, lane, offset, size * n)?;
                for (j, r) in from[..n].iter().enumerate() {
                    let word = warp.value(*r, lane).to_le_bytes();
                    warp.local[at + size * j..at + size * (j + 1)].copy_from_slice(&word[..size]);
                }
                warp.local_written[at..at + size * n].fill(true);
                continue;
            }
            let (region, at) = self.note(warp, lane, to.space, address, size * n, access)?;
            for (j, r) in from[..n].iter().enumerate() {
                region.store(at + size * j, size, warp.value(*r, lane));
            }
        }
        Ok(())
    }

    /// A load from the thread's own memory, or from the kernel's arguments.
    #[inline(never)]
    fn load_private(
        &mut self,
        warp: &mut Warp,
        op: &Op,
        lane: usize,
        address: u64,
    ) -> Result<(), Box<Trouble>> {
        let Op::Load { ty, from, n, to, .. } = op else { unreachable!("the caller matched a load") };
        let (size, n) = (ty.bytes(), usize::from(*n));
        let mut values = [0; 4];
        if let Place::Local(offset) = place(from.space, address) {
            let at = local(warp, lane, offset, size * n)?;
            if !warp.local_written[at..at + size * n].iter().all(|w| *w) {
                let what = format!("read of local memory that nothing wrote, at offset {offset}");
                return Err(Trouble::at(FaultKind::Unwritten, lane, what));
            }
            for (j, value) in values[..n].iter_mut().enumerate() {
                *value = word(&warp.local[at + size * j..at + size * (j + 1)]);
            }
        } else if let Place::Param(offset) = place(from.space, address) {
            let end = offset as usize + size * n;
            let bytes = self.params.get(offset as usize..end).ok_or_else(|| {
                let what = format!("out of bounds: parameter bytes {offset}..{end} of {}", self.params.len());
                Trouble::at(FaultKind::OutOfBounds, lane, what)
            })?;
            for (j, value) in values[..n].iter_mut().enumerate() {
                *value = word(&bytes[size * j..size * (j + 1)]);
            }
        }
        for (r, value) in to[..n].iter().zip(values) {
            warp.set(*r, lane, extended(value, *ty));
        }
        Ok(())
    }
}

/// Where in the warp's local memory a lane's bytes lie.
fn local(warp: &Warp, lane: usize, offset: u64, bytes: usize) -> Result<usize, Box<Trouble>> {
    let each = warp.local.len() / 32;
    if offset.checked_add(bytes as u64).is_none_or(|end| end > each as u64) {
        let what =
            format!("out of bounds: {bytes} bytes at offset {} of {each} of local memory", offset as i64);
        return Err(Trouble::at(FaultKind::OutOfBounds, lane, what));
    }
    if !offset.is_multiple_of(bytes as u64) {
        return Err(misaligned(lane, bytes, offset));
    }
    Ok(lane * each + offset as usize)
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// A loaded value in a wider register: by its sign, or by zeros.
fn extended(x: u64, ty: Type) -> u64 {
    if !ty.signed() {
        return x;
    }
    let above = 64 - ty.bits;
    ((x << above) as i64 >> above) as u64
}
