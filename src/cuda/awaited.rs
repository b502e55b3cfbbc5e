//! Single numbers that come back without the GPU's being waited for: each is copied to pinned memory of its own when the
//! stream comes to it, and looked at later.

use super::{Gpu, View};
use crate::error::{Error, Result};
use cudarc::driver::{CudaEvent, CudaStream, result};
use std::sync::{Arc, Mutex, PoisonError};

/// A number on its way.
#[derive(Debug)]
pub(crate) struct Awaited {
    slot: Option<Slot>,
    home: Arc<Slots>,
}

/// Places that no number is on its way to. One that was given up may still be written, before the next one's turn.
#[derive(Debug)]
pub(super) struct Slots {
    free: Mutex<Vec<Slot>>,
    stream: Arc<CudaStream>,
}

#[derive(Debug)]
struct Slot {
    host: *mut f32,
    /// Recorded after the copy.
    copied: CudaEvent,
}

// SAFETY: the memory is the slot's alone, and the driver takes calls from any thread.
unsafe impl Send for Slot {}

impl Slots {
    pub fn new(stream: &Arc<CudaStream>) -> Self {
        Self { free: Mutex::default(), stream: stream.clone() }
    }

    fn take(&self) -> Result<Slot> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(slot) = free {
            return Ok(slot);
        }
        let copied = self.stream.context().new_event(None)?;
        // SAFETY: nothing reads the memory before it is written; `Slots` frees it.
        let host = unsafe { result::malloc_host(size_of::<f32>(), 0)? }.cast::<f32>();
        // SAFETY: the memory is for one number, and no copy is on its way to it.
        unsafe { host.write(f32::NAN) };
        Ok(Slot { host, copied })
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // A driver that fails here has lost the memory already.
        let _ = self.stream.context().bind_to_thread().and_then(|()| self.stream.synchronize());
        for slot in self.free.get_mut().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: `take` allocated it, all copies are done, and it is freed once.
            let _ = unsafe { result::free_host(slot.host.cast()) };
        }
    }
}

impl Gpu {
    /// The one number of `from`, as it will be when the work that is queued is done.
    pub(crate) fn await_number(&self, from: View) -> Result<Awaited> {
        assert_eq!(from.len(), 1, "one number is awaited");
        let running = self.running();
        if running.is_some() {
            return Err(Error::Device("a pass that is repeated cannot download".into()));
        }
        self.context.bind_to_thread()?;
        let slot = self.slots.take()?;
        // SAFETY: the slot has room for the number, and nobody looks there before the event.
        let host = unsafe { std::slice::from_raw_parts_mut(slot.host, 1) };
        // SAFETY: both sides hold one value, and both are there until the copy is done: what is on the GPU goes to another
        // only in the stream's order, and the slot is freed after all its work.
        unsafe { result::memcpy_dtoh_async(host, from.address(), self.stream.cu_stream())? };
        slot.copied.record(&self.stream)?;
        Ok(Awaited { slot: Some(slot), home: self.slots.clone() })
    }
}

impl Awaited {
    /// The number, once it is there.
    pub fn number(self) -> Result<f32> {
        let slot = self.slot.as_ref().expect("it goes home when this is dropped");
        slot.copied.synchronize()?;
        // SAFETY: the copy into the slot is done.
        Ok(unsafe { slot.host.read() })
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let slot = self.slot.take();
        self.home.free.lock().unwrap_or_else(PoisonError::into_inner).extend(slot);
    }
}
