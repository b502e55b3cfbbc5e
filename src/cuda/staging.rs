//! Pinned host memory that uploads pass through: the caller's values are copied there and the caller goes on, while the
//! copy to the GPU waits for its turn on the stream.

use super::{Plain, ViewMut};
use crate::error::Result;
use cudarc::driver::{CudaEvent, CudaStream, result, sys};
use std::sync::Arc;

/// Bytes of a part. Most uploads are small; one that is not takes several parts.
const PART: usize = 1 << 20;
const PARTS: usize = 4;

/// Parts that are filled in turn. One is filled again when the copies out of it are done.
#[derive(Debug)]
pub(super) struct Staging {
    parts: Vec<Part>,
    /// Which part is being filled, and up to where.
    part: usize,
    at: usize,
    stream: Arc<CudaStream>,
}

#[derive(Debug)]
struct Part {
    host: *mut u8,
    /// Recorded after the last copy out of it.
    copied: CudaEvent,
}

// SAFETY: the memory is the part's alone, and the driver takes calls from any thread.
unsafe impl Send for Part {}

impl Staging {
    pub fn new(stream: &Arc<CudaStream>) -> Result<Self> {
        let part = |_| -> Result<Part> {
            let copied = stream.context().new_event(None)?;
            // SAFETY: nothing reads the memory before it is written; the part frees it.
            let host = unsafe { result::malloc_host(PART, 0)? }.cast();
            Ok(Part { host, copied })
        };
        let parts = (0..PARTS).map(part).collect::<Result<_>>()?;
        Ok(Self { parts, part: 0, at: 0, stream: stream.clone() })
    }

    pub fn upload<T: Plain>(&mut self, values: &[T], to: ViewMut<T>) -> Result<()> {
        assert_eq!(values.len(), to.len(), "an upload fills what it goes to");
        let (source, bytes) = (values.as_ptr().cast::<u8>(), size_of_val(values));
        let mut done = 0;
        while done < bytes {
            if self.at == PART {
                self.next()?;
            }
            let count = (bytes - done).min(PART - self.at);
            // SAFETY: both sides are inside of their memory, by `count`; the part is not reused before its copies are
            // done, and the destination is not before what is queued on the stream.
            unsafe {
                let host = self.parts[self.part].host.add(self.at);
                host.copy_from_nonoverlapping(source.add(done), count);
                let to = to.address() + done as u64;
                sys::cuMemcpyHtoDAsync_v2(to, host.cast(), count, self.stream.cu_stream()).result()?;
            }
            done += count;
            self.at += count;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.parts[self.part].copied.record(&self.stream)?;
        self.part = (self.part + 1) % PARTS;
        self.at = 0;
        Ok(self.parts[self.part].copied.synchronize()?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A driver that fails here has lost the memory already.
        let _ = self.stream.synchronize();
        for part in &self.parts {
            // SAFETY: `new` allocated it, all copies out of it are done, and it is freed once.
            let _ = unsafe { result::free_host(part.host.cast()) };
        }
    }
}
