//! Launches: block after block, each warp until it waits.

mod access;
mod atomic;
mod block;
mod collective;
mod compare;
mod convert;
mod copies;
mod explain;
mod float;
mod integer;
mod lanes;
mod matrix;
mod step;
mod values;
mod warp;

use crate::fault::{Fault, FaultKind, Trouble};
use crate::kernel::Kernel;
use crate::memory::{Memory, Region};

/// Generic addresses of what is not global memory.
pub(crate) const PARAM_WINDOW: u64 = 5 << 60;
pub(crate) const LOCAL_WINDOW: u64 = 6 << 60;
pub(crate) const SHARED_WINDOW: u64 = 7 << 60;

/// In which order blocks, and the warps of a block, run. A kernel whose result depends on it is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Forward,
    Reverse,
}

/// Geometry and arguments of a launch.
#[derive(Clone, Debug)]
pub struct Launch {
    pub grid: [u32; 3],
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: usize,
    /// Each argument's bytes.
    pub args: Vec<Vec<u8>>,
    pub order: Order,
}

impl Launch {
    /// A launch without arguments and without dynamic shared memory.
    pub fn new(grid: [u32; 3], block: [u32; 3]) -> Launch {
        Launch { grid, block, shared: 0, args: Vec::new(), order: Order::Forward }
    }

    /// Adds an argument: a number, or a buffer's address.
    pub fn arg(mut self, value: impl crate::Value) -> Launch {
        self.args.push(value.bytes());
        self
    }

    /// Adds a struct by its bytes.
    pub fn bytes(mut self, bytes: &[u8]) -> Launch {
        self.args.push(bytes.to_vec());
        self
    }

    pub fn shared(self, shared: usize) -> Launch {
        Launch { shared, ..self }
    }

    pub fn order(self, order: Order) -> Launch {
        Launch { order, ..self }
    }
}

/// What a launch took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Instructions times the lanes that took part.
    pub thread_instructions: u64,
    pub warp_instructions: u64,
}

/// All that a running block's warps share.
pub(crate) struct Machine<'a> {
    kernel: &'a Kernel,
    memory: &'a mut Memory,
    shared: Region,
    params: Vec<u8>,
    launch: &'a Launch,
    /// The block's coordinates, its serial number, and that of the launch's first block.
    block: [u32; 3],
    serial: u32,
    first: u32,
    stats: Stats,
}

impl Kernel {
    /// Runs the kernel to its end, or to the first fault.
    pub fn launch(&self, memory: &mut Memory, launch: &Launch) -> Result<Stats, Fault> {
        let params = self.arguments(launch)?;
        let blocks = launch.grid.iter().product::<u32>();
        // Serial number 0 is nobody's. Numbers that ran out start anew, in buffers that remember old ones: harmless
        // but for a false race in four thousand million.
        let first = memory.blocks.checked_add(blocks).map_or(1, |last| last - blocks + 1);
        memory.blocks = first + blocks - 1;
        let size = self.shared.dynamic_at + if self.shared.dynamic { launch.shared } else { 0 };
        let mut machine = Machine {
            kernel: self,
            memory,
            shared: Region::new(size),
            params,
            launch,
            block: [0; 3],
            serial: 0,
            first,
            stats: Stats::default(),
        };
        let mut warps = machine.warps();
        for i in 0..blocks {
            let i = if launch.order == Order::Reverse { blocks - 1 - i } else { i };
            let [x, y, _] = launch.grid;
            machine.block = [i % x, i / x % y, i / x / y];
            machine.serial = first + i;
            machine.run_block(&mut warps)?;
        }
        Ok(machine.stats)
    }

    /// The argument block, after the launch's checks.
    fn arguments(&self, launch: &Launch) -> Result<Vec<u8>, Fault> {
        let refuse = |what: String| {
            Err(Fault { kind: FaultKind::Launch, kernel: self.name.clone(), place: String::new(), what })
        };
        let threads: u64 = launch.block.iter().map(|n| u64::from(*n)).product();
        let blocks: u64 = launch.grid.iter().map(|n| u64::from(*n)).product();
        let [gx, gy, gz] = launch.grid;
        if threads == 0 || threads > u64::from(self.max_threads) || launch.block[2] > 64 {
            return refuse(format!("expected 1 to {} threads, got {:?}", self.max_threads, launch.block));
        }
        if blocks == 0 || gx > i32::MAX as u32 || gy.max(gz) > 65535 || blocks > 1 << 31 {
            return refuse(format!("a grid of {:?} blocks cannot be launched", launch.grid));
        }
        if launch.args.len() != self.params.len() {
            return refuse(format!("expected {} arguments, got {}", self.params.len(), launch.args.len()));
        }
        let mut params = vec![0; self.params.last().map_or(0, |(offset, bytes)| offset + bytes)];
        for (i, (arg, (offset, bytes))) in launch.args.iter().zip(&self.params).enumerate() {
            if arg.len() != *bytes {
                return refuse(format!("argument {i}: expected {bytes} bytes, got {}", arg.len()));
            }
            params[*offset..offset + bytes].copy_from_slice(arg);
        }
        Ok(params)
    }
}

impl Machine<'_> {
    /// A fault with its place: thread `lane` of warp `warp`, at instruction `pc`.
    #[cold]
    fn fault(&self, warp: usize, pc: u32, trouble: Trouble) -> Fault {
        let instruction = &self.kernel.code.instructions[pc as usize];
        let (text, line, source) = &self.kernel.statements[instruction.statement as usize];
        let i = (warp * 32 + trouble.lane) as u32;
        let [x, y, _] = self.launch.block;
        let thread = [i % x, i / x % y, i / x / y];
        let source = source.map_or(String::new(), |line| format!(" (CUDA line {line})"));
        let place = format!("block {:?}, thread {thread:?}, PTX line {line}{source}: {text}", self.block);
        Fault { kind: trouble.kind, kernel: self.kernel.name.clone(), place, what: trouble.what }
    }
}
