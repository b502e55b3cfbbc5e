//! Work that is the same from step to step: rehearsed the first time, captured as a CUDA graph the second, and from then on
//! queued in one call.
//!
//! The pass that asks for the work is run every time. It checks shapes, walks the tape and uploads what differs from step to
//! step, but what it launches is compared with what was captured instead of being queued. The uploads of a pass share one
//! block of memory, so that one upload and one graph are all that the driver is asked for. A pass has its memory to itself,
//! which is what makes its addresses the same every time. One that does not match is queued as it comes, and rehearsed anew.

use super::{
    Gpu, Plain,
    landing::Landing,
    launch::Call,
    pool::{Pool, Pooled},
};
use crate::error::{Error, Result};
use cudarc::driver::{
    CudaStream, DriverError, result,
    sys::{self, CUgraphInstantiate_flags, CUstreamCaptureMode},
};
use std::{
    sync::{Arc, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

/// What a pass is: its name, and how many samples it is of.
pub(crate) type Key = (&'static str, usize);

/// The most passes that are kept; each has memory of its own.
const MOST: usize = 4;
/// Uploads begin at multiples of so many bytes, as allocations do.
const ALIGNMENT: usize = 256;

/// A pass, as far as it is known.
#[derive(Debug)]
pub(super) struct Script {
    /// Whose pass it is.
    thread: ThreadId,
    pool: Arc<Pool>,
    stage: Stage,
    work: Vec<Work>,
    /// How much of `work` the pass under way has asked for again.
    at: usize,
    /// Whether all of that was as it was captured.
    same: bool,
    /// The uploads, as they will lie in `room`.
    inputs: Vec<u8>,
    room: Option<Pooled<u8>>,
    landing: Option<Landing>,
    graph: Option<Graph>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// Queue the work and see how much is uploaded.
    Rehearse,
    Capture,
    Replay,
}

/// What a pass asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Work {
    Launch(Call),
    /// Address and bytes.
    Clear(u64, usize),
}

#[derive(Debug)]
struct Graph {
    raw: sys::CUgraphExec,
    stream: Arc<CudaStream>,
}

// SAFETY: a handle of the driver, which takes calls from any thread.
unsafe impl Send for Graph {}

impl Drop for Graph {
    fn drop(&mut self) {
        // A driver that fails here has lost the graph already.
        let _ = self.stream.context().bind_to_thread().and_then(|()| self.stream.synchronize());
        // SAFETY: its launches are done, and it is destroyed once.
        let _ = unsafe { result::graph::exec_destroy(self.raw) };
    }
}

impl Gpu {
    /// What `pass` gives, where it asks for the same work every time that `key` is the same, apart from its uploads. It
    /// may be run twice, and downloads nothing. Other threads wait for its end; a pass inside of another is a part of that.
    pub(crate) fn repeat<T>(&self, key: Key, mut pass: impl FnMut() -> Result<T>) -> Result<T> {
        if !self.begin(key) {
            return pass();
        }
        let turn = Turn(self);
        let result = pass();
        let script = self.end(result.is_ok()).expect("a pass leaves its script");
        // It is for a pass that panics.
        std::mem::forget(turn);
        match (result, script) {
            (Ok(made), Ok(Some(script))) => {
                self.scripts.lock().unwrap_or_else(PoisonError::into_inner).insert(key, script);
                Ok(made)
            }
            // The tensors it made have no values. They go, and what they were made from is there as before.
            (Ok(unmade), _) => {
                drop(unmade);
                pass()
            }
            (Err(Error::OutOfMemory { .. }), script) if self.forget() => {
                drop(script);
                self.repeat(key, pass)
            }
            (Err(e), _) => Err(e),
        }
    }

    /// Begins a pass, if there is none yet and it can be known.
    fn begin(&self, key: Key) -> bool {
        let mut running = self.running();
        if running.is_some() {
            return false;
        }
        let (known, others) = {
            let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
            (scripts.remove(&key), scripts.len())
        };
        if known.is_none() && others >= MOST {
            return false;
        }
        let mut script = known.unwrap_or_else(|| Script::new(self));
        let begun = script.begin(self).is_ok();
        *running = begun.then_some(script);
        begun
    }

    /// Ends the pass that this thread has begun, if there is one; what it did is as it should be only if it is `done`.
    fn end(&self, done: bool) -> Option<Result<Option<Script>>> {
        let mut running = self.running();
        let mut script = running.take()?;
        script.same &= done;
        let ended = script.end(self);
        self.ended.notify_all();
        Some(ended)
    }

    /// Gives the driver back what passes that are known hold, and what is free; whether there was any of it.
    pub(super) fn forget(&self) -> bool {
        let known = std::mem::take(&mut *self.scripts.lock().unwrap_or_else(PoisonError::into_inner));
        let some = !known.is_empty();
        drop(known);
        self.pool.trim().unwrap_or(false) || some
    }

    /// The pass under way, if it is this thread's; another's is waited for. Held while something is asked of the GPU, or a pass
    /// that another thread begins meanwhile would take it for a part of itself.
    pub(super) fn running(&self) -> MutexGuard<'_, Option<Script>> {
        let me = thread::current().id();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let anothers =
            |running: &mut Option<Script>| running.as_ref().is_some_and(|script| script.thread != me);
        self.ended.wait_while(running, anothers).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends what a pass that panics has begun.
struct Turn<'a>(&'a Gpu);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.end(false);
    }
}

impl Script {
    fn new(gpu: &Gpu) -> Self {
        Self {
            thread: thread::current().id(),
            pool: Arc::new(Pool::new(gpu.context.clone(), gpu.stream.clone())),
            stage: Stage::Rehearse,
            work: vec![],
            at: 0,
            same: true,
            inputs: vec![],
            room: None,
            landing: None,
            graph: None,
        }
    }

    /// Where the pass has its memory.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    fn begin(&mut self, gpu: &Gpu) -> Result<()> {
        (self.at, self.same, self.thread) = (0, true, thread::current().id());
        if self.stage == Stage::Capture {
            gpu.context.bind_to_thread()?;
            self.room = Some(gpu.pool.take(self.inputs.len().max(1))?);
            self.landing = Some(Landing::new(gpu, self.inputs.len().max(1))?);
            // The pass allocates nothing that its rehearsal has not left in its pool, unless it differs from it.
            let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
            // SAFETY: the stream is there, and `end` ends what is begun.
            unsafe { result::stream::begin_capture(gpu.stream.cu_stream(), mode)? };
        }
        self.inputs.clear();
        Ok(())
    }

    /// Memory for an upload of `values`, which will be there when the pass is; nothing in a rehearsal, where the caller
    /// sees to it.
    pub fn upload<T: Plain>(&mut self, values: &[T]) -> Option<Pooled<T>> {
        let (at, bytes) = (self.inputs.len(), size_of_val(values));
        self.inputs.resize((at + bytes).next_multiple_of(ALIGNMENT), 0);
        let room = self.room.as_ref()?;
        if self.inputs.len() > room.len() {
            self.same = false;
            return self.pool.take(values.len()).ok();
        }
        // SAFETY: both sides are of so many bytes, and apart; plain values are bytes throughout.
        unsafe {
            self.inputs.as_mut_ptr().add(at).copy_from_nonoverlapping(values.as_ptr().cast(), bytes);
        }
        Some(room.slot(at, values.len()))
    }

    /// What the pass asks for next.
    pub fn ask(&mut self, gpu: &Gpu, work: Work) -> Result<()> {
        match self.stage {
            Stage::Rehearse => gpu.queue(&work),
            Stage::Capture => {
                gpu.queue(&work)?;
                self.work.push(work);
                Ok(())
            }
            Stage::Replay => {
                self.same &= self.work.get(self.at) == Some(&work);
                self.at += 1;
                Ok(())
            }
        }
    }

    /// After the pass: queues its work, where that has not been done. Nothing is left of a script that did not fit.
    fn end(mut self, gpu: &Gpu) -> Result<Option<Self>> {
        gpu.context.bind_to_thread()?;
        match self.stage {
            Stage::Rehearse => {
                self.stage = Stage::Capture;
                return Ok(Some(self));
            }
            Stage::Capture => {
                self.graph = Some(Graph::captured(&gpu.stream)?);
                self.stage = Stage::Replay;
                self.at = self.work.len();
            }
            Stage::Replay => {}
        }
        let (Some(graph), Some(room), Some(landing)) = (&self.graph, &self.room, &mut self.landing) else {
            return Ok(None);
        };
        if !self.same || self.at != self.work.len() {
            return Ok(None);
        }
        if !self.inputs.is_empty() {
            // SAFETY: nothing else writes the room, and what reads it of an earlier pass is queued before.
            let to = unsafe { room.shared_mut() }.part(0..self.inputs.len());
            landing.bring(gpu, &self.inputs, to)?;
        }
        // SAFETY: the graph is there, and so is all memory that it uses: its pool's and the room are the script's, and
        // operands from elsewhere have the addresses that this very pass has named.
        unsafe { result::graph::launch(graph.raw, gpu.stream.cu_stream())? };
        Ok(Some(self))
    }
}

impl Graph {
    fn captured(stream: &Arc<CudaStream>) -> Result<Self, DriverError> {
        // SAFETY: `begin` began it on this stream; the graph is destroyed when it has been instantiated.
        unsafe {
            let graph = result::stream::end_capture(stream.cu_stream())?;
            let raw = result::graph::instantiate(graph, CUgraphInstantiate_flags(0));
            result::graph::destroy(graph)?;
            Ok(Self { raw: raw?, stream: stream.clone() })
        }
    }
}
