//! Whether streams are ordered. What two of them do to the same memory, where one writes, must be held apart by an event or by
//! a wait of the host. Work is done here when it is queued, so that an order that is missing would never show in numbers.
//!
//! Each stream counts its operations, and knows of every stream up to which operation its own next one comes later (vector
//! clocks: Fidge 1988; Mattern 1989). A kernel is taken to write what its arguments point to.

use crate::graph::Node;
use std::collections::{BTreeMap, HashMap};

/// Of each stream, up to which of its operations is known to be done.
#[derive(Clone, Default)]
pub struct Known(HashMap<usize, u64>);

impl Known {
    pub fn learn(&mut self, other: &Known) {
        for (stream, at) in &other.0 {
            let known = self.0.entry(*stream).or_default();
            *known = (*known).max(*at);
        }
    }

    fn covers(&self, (stream, at): (usize, u64)) -> bool {
        self.0.get(&stream).is_some_and(|known| *known >= at)
    }
}

#[derive(Default)]
struct Buffer {
    bytes: usize,
    /// The last operation that wrote it: stream and count.
    written: Option<(usize, u64)>,
    /// The last operation of each stream that read it since.
    read: HashMap<usize, u64>,
}

#[derive(Default)]
pub struct Streams {
    known: HashMap<usize, Known>,
    host: Known,
    buffers: BTreeMap<u64, Buffer>,
}

impl Streams {
    pub fn allocated(&mut self, address: u64, bytes: usize) {
        self.buffers.insert(address, Buffer { bytes, ..Buffer::default() });
    }

    pub fn freed(&mut self, address: u64) {
        self.buffers.remove(&address);
    }

    /// What an event recorded now stands for.
    pub fn of(&self, stream: usize) -> Known {
        self.known.get(&stream).cloned().unwrap_or_default()
    }

    /// The stream's next operation comes after what is known.
    pub fn wait(&mut self, stream: usize, known: &Known) {
        self.known.entry(stream).or_default().learn(known);
    }

    /// All that is queued from now on comes after what is known.
    pub fn host_waits(&mut self, known: &Known) {
        self.host.learn(known);
    }

    /// Takes the operation down; what is wrong, if it may run beside another that it should not meet.
    pub fn queue(&mut self, stream: usize, node: &Node) -> Result<(), String> {
        let known = self.known.entry(stream).or_default();
        known.learn(&self.host);
        let at = known.0.entry(stream).or_default();
        *at += 1;
        let me = (stream, *at);
        let known = known.clone();
        for (address, writes) in touched(node) {
            self.touch(me, &known, address, writes)?;
        }
        Ok(())
    }

    fn touch(&mut self, me: (usize, u64), known: &Known, address: u64, writes: bool) -> Result<(), String> {
        let Some((start, buffer)) = self.buffers.range_mut(..=address).next_back() else { return Ok(()) };
        if address >= start + buffer.bytes as u64 {
            return Ok(());
        }
        let others = buffer.read.iter().map(|(stream, at)| (*stream, *at)).filter(|_| writes);
        if buffer.written.into_iter().chain(others).any(|other| !known.covers(other)) {
            return Err(format!("two streams meet at {address:#x}, and neither waits for the other"));
        }
        if writes {
            buffer.written = Some(me);
            buffer.read.clear();
        } else {
            buffer.read.insert(me.0, me.1);
        }
        Ok(())
    }
}

/// Addresses, and whether what is there is written.
fn touched(node: &Node) -> Vec<(u64, bool)> {
    match node {
        Node::Launch(work) => {
            let words = work.launch.args.iter().filter_map(|bytes| bytes.as_slice().try_into().ok());
            words.map(|word| (u64::from_le_bytes(word), true)).collect()
        }
        Node::CopyIn { to, .. } | Node::Fill { to, .. } => vec![(*to, true)],
        Node::CopyOut { from, .. } => vec![(*from, false)],
        Node::Copy { to, from, .. } => vec![(*from, false), (*to, true)],
        Node::Call { .. } => vec![],
    }
}
