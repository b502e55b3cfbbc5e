//! The driver's state: one device, one context, whatever was made on it.

use crate::control::Counts;
use crate::error::{CAPTURE_UNSUPPORTED, Code, ILLEGAL_ADDRESS, INVALID_HANDLE, fault};
use crate::graph::Node;
use crate::streams::{Known, Streams};
use ptx_interpreter::{Kernel, Memory, Module, Order};
use std::collections::{BTreeSet, HashMap};
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

/// Bytes of device memory, where nothing else is asked for.
const MEMORY: usize = 8 << 30;

pub struct Loaded {
    pub module: Module,
    /// By which a test knows whose module it is.
    pub first_line: String,
}

pub struct Function {
    pub kernel: Kernel,
    /// The first line of its module, a tab, its name.
    pub label: String,
    /// Dynamic shared memory that a launch may ask for.
    pub dynamic_shared: usize,
}

#[derive(Default)]
pub struct Event {
    pub timed: bool,
    pub recorded: Option<Instant>,
    /// What the stream had done or known of then.
    pub known: Known,
    /// The capture it was recorded in, if any.
    pub capture: Option<u64>,
}

/// What a stream records instead of doing.
pub struct Capture {
    pub stream: usize,
    pub id: u64,
    /// 0: no thread may do what cannot be captured; 1: this one may not; 2: all may.
    pub mode: i32,
    pub thread: ThreadId,
    pub nodes: Vec<Node>,
    pub broken: bool,
}

pub struct Driver {
    pub memory: Memory,
    pub limit: usize,
    /// The CUDA release that it is of, 13000 for 13.0.
    pub release: i32,
    pub order: Order,
    pub counts: Counts,
    /// Labels of functions that have run.
    pub launched: BTreeSet<String>,
    pub modules: Slab<Loaded>,
    pub functions: Slab<Arc<Mutex<Function>>>,
    pub by_name: HashMap<(usize, String), usize>,
    pub streams: Slab<()>,
    pub ordered: Streams,
    pub events: Slab<Event>,
    pub graphs: Slab<Arc<Vec<Node>>>,
    pub executables: Slab<Arc<Vec<Node>>>,
    /// Pinned host memory: address to bytes.
    pub pinned: HashMap<usize, usize>,
    pub captures: Vec<Capture>,
    pub captured: u64,
}

/// Things that C knows by a number which it takes for a pointer.
pub struct Slab<T> {
    kind: usize,
    items: Vec<Option<T>>,
}

impl<T> Slab<T> {
    /// `kind` marks the handles, so that an event is not taken for a stream.
    fn new(kind: usize) -> Self {
        Self { kind, items: Vec::new() }
    }

    pub fn add(&mut self, item: T) -> *mut c_void {
        self.items.push(Some(item));
        self.handle(self.items.len() - 1)
    }

    pub fn handle(&self, index: usize) -> *mut c_void {
        (self.kind << 40 | (index + 1) << 4) as *mut c_void
    }

    pub fn index(&self, handle: *mut c_void) -> Result<usize, Code> {
        let number = handle as usize;
        let index = (number & 0xff_ffff_ffff) >> 4;
        let known =
            number >> 40 == self.kind && index > 0 && self.items.get(index - 1).is_some_and(Option::is_some);
        if known { Ok(index - 1) } else { Err(INVALID_HANDLE) }
    }

    pub fn get(&mut self, handle: *mut c_void) -> Result<&mut T, Code> {
        let index = self.index(handle)?;
        self.items[index].as_mut().ok_or(INVALID_HANDLE)
    }

    pub fn remove(&mut self, handle: *mut c_void) -> Result<T, Code> {
        let index = self.index(handle)?;
        self.items[index].take().ok_or(INVALID_HANDLE)
    }
}

impl Driver {
    fn new() -> Driver {
        let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse().ok());
        let reversed = std::env::var_os("MOCK_CUDA_REVERSE").is_some();
        Driver {
            memory: Memory::default(),
            limit: number("MOCK_CUDA_MEMORY").unwrap_or(MEMORY),
            release: 13000,
            order: if reversed { Order::Reverse } else { Order::Forward },
            counts: Counts::default(),
            launched: BTreeSet::new(),
            modules: Slab::new(1),
            functions: Slab::new(2),
            by_name: HashMap::new(),
            streams: Slab::new(3),
            ordered: Streams::default(),
            events: Slab::new(4),
            graphs: Slab::new(5),
            executables: Slab::new(6),
            pinned: HashMap::new(),
            captures: Vec::new(),
            captured: 0,
        }
    }

    /// The capture that `stream` is in.
    pub fn capture(&mut self, stream: *mut c_void) -> Option<&mut Capture> {
        self.captures.iter_mut().find(|c| c.stream == stream as usize)
    }

    /// Does the node now, or notes it where the stream is being captured.
    pub fn submit(&mut self, stream: *mut c_void, node: Node) -> Result<(), Code> {
        if !stream.is_null() {
            self.streams.index(stream)?;
        }
        let pinned = node.host().is_none_or(|(address, bytes)| self.is_pinned(address, bytes));
        let Some(capture) = self.capture(stream) else {
            let ordered = self.ordered.queue(stream as usize, &node);
            ordered.map_err(|text| fault(ILLEGAL_ADDRESS, text))?;
            return node.run(self);
        };
        if !pinned {
            capture.broken = true;
            return Err(fault(
                CAPTURE_UNSUPPORTED,
                "a graph reads host memory at each launch: it must be pinned",
            ));
        }
        capture.nodes.push(node);
        Ok(())
    }

    fn is_pinned(&self, address: usize, bytes: usize) -> bool {
        self.pinned.iter().any(|(start, n)| *start <= address && address + bytes <= start + n)
    }

    /// A call that no capture admits, and that breaks those under way.
    pub fn uncapturable(&mut self, what: &str) -> Result<(), Code> {
        let here = std::thread::current().id();
        let mut broken = false;
        for c in self.captures.iter_mut().filter(|c| c.mode == 0 || c.mode == 1 && c.thread == here) {
            c.broken = true;
            broken = true;
        }
        if !broken {
            return Ok(());
        }
        Err(fault(CAPTURE_UNSUPPORTED, format!("{what} while a stream is captured")))
    }
}

/// The one driver of the process.
pub fn driver() -> MutexGuard<'static, Driver> {
    static DRIVER: OnceLock<Mutex<Driver>> = OnceLock::new();
    // A panic is caught before it leaves a call; what it leaves behind is no worse than any other failed call.
    DRIVER.get_or_init(|| Mutex::new(Driver::new())).lock().unwrap_or_else(PoisonError::into_inner)
}
