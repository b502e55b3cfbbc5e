//! Device memory: buffers with bounds, and for every cell of them what is known of it.

use crate::shadow::{self, Access, Cell, Conflict, Reader};

/// Where a buffer starts within its 4 GiB of addresses: an access before its start is still its own.
const START: u64 = 0x4000_0000;
const LARGEST: usize = 0x4000_0000;

/// Bytes that are addressed together: a buffer, or a block's shared memory.
#[derive(Clone, Debug, Default)]
pub struct Region {
    pub data: Vec<u8>,
    cells: Vec<Cell>,
    /// Log2 of a cell's bytes: 4, until an access or a copy is narrower.
    shift: u32,
}

impl Region {
    pub fn new(bytes: usize) -> Self {
        Self { data: vec![0; bytes], cells: vec![[0; 3]; bytes.div_ceil(4)], shift: 2 }
    }

    /// Forgets all, for the next block.
    pub fn reset(&mut self, gaps: &[std::ops::Range<usize>]) {
        self.cells.fill([0; 3]);
        for gap in gaps {
            let cells = self.cells_of(gap.start, gap.len());
            self.cells[cells].iter_mut().for_each(shadow::set_outside);
        }
    }

    /// Makes cells no wider than `1 << shift` bytes.
    #[cold]
    fn refine(&mut self, shift: u32) {
        let ratio = 1 << (self.shift - shift);
        let cells = self.data.len().div_ceil(1 << shift);
        self.cells = (0..cells).map(|i| self.cells[i / ratio]).collect();
        self.shift = shift;
    }

    /// The cells that hold exactly these bytes (or end with the region), after narrowing where none do.
    fn cells_of(&mut self, offset: usize, bytes: usize) -> std::ops::Range<usize> {
        let end = offset + bytes;
        let ends = if end == self.data.len() { 0 } else { end };
        let fits = ((offset | ends) as u32).trailing_zeros();
        if fits < self.shift {
            self.refine(fits);
        }
        offset >> self.shift..end.div_ceil(1 << self.shift)
    }

    /// Notes an access of `bytes` (a power of two, aligned) that lies within the region.
    #[inline(always)]
    pub fn note(&mut self, me: Reader, offset: usize, bytes: usize, access: Access) -> Result<(), Conflict> {
        if bytes < 1 << self.shift {
            self.refine(bytes.trailing_zeros());
        }
        let first = offset >> self.shift;
        for cell in &mut self.cells[first..first + (bytes >> self.shift)] {
            shadow::note(cell, me, access)?;
        }
        Ok(())
    }

    #[inline(always)]
    pub fn load(&self, offset: usize, bytes: usize) -> u64 {
        let mut word = [0; 8];
        match bytes {
            4 => word[..4].copy_from_slice(&self.data[offset..offset + 4]),
            8 => word.copy_from_slice(&self.data[offset..offset + 8]),
            n => word[..n].copy_from_slice(&self.data[offset..offset + n]),
        }
        u64::from_le_bytes(word)
    }

    #[inline(always)]
    pub fn store(&mut self, offset: usize, bytes: usize, value: u64) {
        let word = value.to_le_bytes();
        match bytes {
            4 => self.data[offset..offset + 4].copy_from_slice(&word[..4]),
            8 => self.data[offset..offset + 8].copy_from_slice(&word),
            n => self.data[offset..offset + n].copy_from_slice(&word[..n]),
        }
    }

    fn set_written(&mut self, offset: usize, bytes: usize) {
        let cells = self.cells_of(offset, bytes);
        self.cells[cells].iter_mut().for_each(shadow::set_written);
    }

    /// How many of these bytes nothing wrote.
    fn unwritten(&mut self, offset: usize, bytes: usize) -> usize {
        let cells = self.cells_of(offset, bytes);
        let width = 1 << self.shift;
        bytes.min(self.cells[cells].iter().filter(|c| !shadow::is_written(c)).count() * width)
    }
}

/// Why the host may not touch a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// No live buffer holds the whole range.
    OutOfBounds,
    /// The copy is made, but this many of its bytes were never written.
    Unwritten(usize),
}

/// A device's memory. Addresses are made so that no access can slip from one buffer into another.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    buffers: Vec<Option<Region>>,
    /// Bytes in live buffers.
    used: usize,
    /// Blocks run so far: the serial number of the last one.
    pub(crate) blocks: u32,
}

impl Memory {
    /// A new buffer, its bytes unwritten; `None` where it is empty or larger than 1 GiB.
    pub fn allocate(&mut self, bytes: usize) -> Option<u64> {
        if bytes == 0 || bytes > LARGEST {
            return None;
        }
        self.used += bytes;
        self.buffers.push(Some(Region::new(bytes)));
        Some(((self.buffers.len() as u64) << 32) + START)
    }

    /// Ends a buffer's life: whether there was one. Its addresses are not used again.
    pub fn free(&mut self, address: u64) -> bool {
        let Some(slot) = self.slot(address).filter(|_| address & 0xffff_ffff == START) else { return false };
        let slot = &mut self.buffers[slot];
        let bytes = slot.as_ref().map(|r| r.data.len());
        *slot = None;
        self.used -= bytes.unwrap_or(0);
        bytes.is_some()
    }

    /// Bytes in live buffers.
    pub fn used(&self) -> usize {
        self.used
    }

    fn slot(&self, address: u64) -> Option<usize> {
        ((address >> 32) as usize).checked_sub(1).filter(|i| *i < self.buffers.len())
    }

    /// The buffer's region and the offset in it, which may be negative or beyond its end.
    #[inline(always)]
    pub(crate) fn find(&mut self, address: u64) -> Option<(&mut Region, i64)> {
        let slot = ((address >> 32) as usize).wrapping_sub(1);
        let region = self.buffers.get_mut(slot)?.as_mut()?;
        Some((region, (address & 0xffff_ffff) as i64 - START as i64))
    }

    fn range(&mut self, address: u64, bytes: usize) -> Result<(&mut Region, usize), HostError> {
        let (region, offset) = self.find(address).ok_or(HostError::OutOfBounds)?;
        let offset = usize::try_from(offset).map_err(|_| HostError::OutOfBounds)?;
        let fits = offset.checked_add(bytes).is_some_and(|end| end <= region.data.len());
        if fits { Ok((region, offset)) } else { Err(HostError::OutOfBounds) }
    }

    /// Copies from the host.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), HostError> {
        let (region, offset) = self.range(address, bytes.len())?;
        region.data[offset..offset + bytes.len()].copy_from_slice(bytes);
        region.set_written(offset, bytes.len());
        Ok(())
    }

    /// Copies to the host.
    pub fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), HostError> {
        let (region, offset) = self.range(address, bytes.len())?;
        bytes.copy_from_slice(&region.data[offset..offset + bytes.len()]);
        match region.unwritten(offset, bytes.len()) {
            0 => Ok(()),
            n => Err(HostError::Unwritten(n)),
        }
    }

    /// Repeats `pattern` over `bytes`, a multiple of its length.
    pub fn fill(&mut self, address: u64, pattern: &[u8], bytes: usize) -> Result<(), HostError> {
        let (region, offset) = self.range(address, bytes)?;
        region.data[offset..offset + bytes]
            .chunks_mut(pattern.len())
            .for_each(|c| c.copy_from_slice(pattern));
        region.set_written(offset, bytes);
        Ok(())
    }

    /// Copies within the device; bytes that nothing wrote stay so.
    pub fn copy(&mut self, to: u64, from: u64, bytes: usize) -> Result<(), HostError> {
        let (source, offset) = self.range(from, bytes)?;
        let range = source.cells_of(offset, bytes);
        let (shift, data) = (source.shift, source.data[offset..offset + bytes].to_vec());
        let cells: Vec<Cell> = source.cells[range].iter().map(shadow::state_of).collect();
        let (target, offset) = self.range(to, bytes)?;
        target.data[offset..offset + bytes].copy_from_slice(&data);
        if target.shift > shift {
            target.refine(shift);
        }
        let range = target.cells_of(offset, bytes);
        for (i, cell) in target.cells[range].iter_mut().enumerate() {
            *cell = cells[(i << target.shift) >> shift];
        }
        Ok(())
    }

    /// A buffer that holds these values.
    pub fn upload<T: Value>(&mut self, values: &[T]) -> u64 {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.bytes()).collect();
        let address = self.allocate(bytes.len()).expect("tests upload between 1 byte and 1 GiB");
        self.write(address, &bytes).expect("the buffer was made for it");
        address
    }

    /// The first `n` values of a buffer. An error says how many of their bytes nothing wrote.
    pub fn download<T: Value>(&mut self, address: u64, n: usize) -> Result<Vec<T>, HostError> {
        let mut bytes = vec![0; n * size_of::<T>()];
        self.read(address, &mut bytes)?;
        Ok(bytes.chunks_exact(size_of::<T>()).map(T::from_bytes).collect())
    }
}

/// Numbers that kernels take.
pub trait Value: Copy {
    fn bytes(self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Self;
}

macro_rules! values {
    ($($t:ty)*) => { $(impl Value for $t {
        fn bytes(self) -> Vec<u8> {
            self.to_le_bytes().to_vec()
        }
        fn from_bytes(bytes: &[u8]) -> Self {
            <$t>::from_le_bytes(bytes.try_into().expect("chunks have the value's size"))
        }
    })* };
}
values!(u8 u16 u32 i32 u64 i64 f32 f64);
