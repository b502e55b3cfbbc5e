//! Work as data: what a stream does, or notes for later.

use crate::driver::{Driver, driver};
use crate::error::{Code, ILLEGAL_ADDRESS, INVALID_VALUE, driver_calls, fault, give};
use crate::launch::Work;
use ptx_interpreter::HostError;
use std::ffi::{c_uint, c_ulonglong, c_void};
use std::sync::Arc;

#[derive(Clone)]
pub enum Node {
    Launch(Work),
    CopyIn { to: u64, from: usize, bytes: usize },
    CopyOut { to: usize, from: u64, bytes: usize },
    Copy { to: u64, from: u64, bytes: usize },
    Fill { to: u64, pattern: Vec<u8>, bytes: usize },
    Call { function: usize, data: usize },
}

fn host_error(what: String, error: HostError) -> Code {
    match error {
        HostError::OutOfBounds => fault(INVALID_VALUE, format!("{what}: out of bounds")),
        HostError::Unwritten(n) => fault(ILLEGAL_ADDRESS, format!("{what}: {n} bytes that nothing wrote")),
    }
}

impl Node {
    /// The host memory it touches: address and bytes.
    pub fn host(&self) -> Option<(usize, usize)> {
        match self {
            Node::CopyIn { from: host, bytes, .. } | Node::CopyOut { to: host, bytes, .. } => {
                Some((*host, *bytes))
            }
            _ => None,
        }
    }

    pub fn run(&self, d: &mut Driver) -> Result<(), Code> {
        match self {
            Node::Launch(work) => work.run(d),
            Node::CopyIn { to, from, bytes } => {
                d.counts.copies += 1;
                // SAFETY: the caller of the driver promised that the host memory is there: for a graph it is pinned.
                let source = unsafe { std::slice::from_raw_parts(*from as *const u8, *bytes) };
                let what = || format!("copy of {bytes} bytes from the host to {to:#x}");
                d.memory.write(*to, source).map_err(|e| host_error(what(), e))
            }
            Node::CopyOut { to, from, bytes } => {
                d.counts.copies += 1;
                // SAFETY: as above; nobody else holds a reference to it during the call.
                let target = unsafe { std::slice::from_raw_parts_mut(*to as *mut u8, *bytes) };
                let what = || format!("copy of {bytes} bytes from {from:#x} to the host");
                d.memory.read(*from, target).map_err(|e| host_error(what(), e))
            }
            Node::Copy { to, from, bytes } => {
                let what = || format!("copy of {bytes} bytes from {from:#x} to {to:#x}");
                d.memory.copy(*to, *from, *bytes).map_err(|e| host_error(what(), e))
            }
            Node::Fill { to, pattern, bytes } => {
                let what = || format!("fill of {bytes} bytes at {to:#x}");
                d.memory.fill(*to, pattern, *bytes).map_err(|e| host_error(what(), e))
            }
            Node::Call { function, data } => {
                // SAFETY: the caller of the driver gave a function of this type, to be called with this pointer.
                let function: extern "C" fn(*mut c_void) = unsafe { std::mem::transmute(*function) };
                function(*data as *mut c_void);
                Ok(())
            }
        }
    }
}

fn instantiate(to: *mut *mut c_void, graph: *mut c_void) -> Result<(), Code> {
    let mut d = driver();
    let nodes = Arc::clone(d.graphs.get(graph)?);
    let handle = d.executables.add(nodes);
    // SAFETY: the caller's contract: `to` is valid for a write.
    unsafe { give(to, handle) }
}

driver_calls! {
    fn cuGraphInstantiateWithFlags(to: *mut *mut c_void, graph: *mut c_void, _flags: c_ulonglong) {
        instantiate(to, graph)?;
    }
    fn cuGraphGetNodes(graph: *mut c_void, _nodes: *mut *mut c_void, count: *mut usize) {
        let n = driver().graphs.get(graph)?.len();
        // SAFETY: the caller's contract.
        unsafe { give(count, n)? };
    }
    fn cuGraphUpload(executable: *mut c_void, _stream: *mut c_void) {
        driver().executables.index(executable)?;
    }
    fn cuGraphLaunch(executable: *mut c_void, stream: *mut c_void) {
        let mut d = driver();
        let nodes = Arc::clone(d.executables.get(executable)?);
        d.counts.graph_launches += 1;
        for node in nodes.iter() {
            d.submit(stream, node.clone())?;
        }
    }
    fn cuGraphDestroy(graph: *mut c_void) {
        driver().graphs.remove(graph)?;
    }
    fn cuGraphExecDestroy(executable: *mut c_void) {
        driver().executables.remove(executable)?;
    }
    fn cuLaunchHostFunc(stream: *mut c_void, function: *mut c_void, data: *mut c_void) {
        driver().submit(stream, Node::Call { function: function as usize, data: data as usize })?;
    }
    fn cuLaunchHostFunc_v2(stream: *mut c_void, function: *mut c_void, data: *mut c_void, _mode: c_uint) {
        driver().submit(stream, Node::Call { function: function as usize, data: data as usize })?;
    }
}
