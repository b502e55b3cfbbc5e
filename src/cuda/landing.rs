//! Where the uploads of a pass arrive while the GPU is at the pass before: a stream of their own brings them to one of two
//! places, in turn, and the stream of all other work copies them from there, in a thousandth of the time, to where its kernels
//! read them.

use super::{Gpu, ViewMut, pool::Pooled, staging::Staging};
use crate::error::Result;
use cudarc::driver::{CudaEvent, CudaStream, result};
use std::sync::{Arc, PoisonError};

#[derive(Debug)]
pub(super) struct Landing {
    places: [Place; 2],
    /// Which place is the next one's.
    next: usize,
}

#[derive(Debug)]
struct Place {
    bytes: Pooled<u8>,
    /// All of an upload is there.
    arrived: CudaEvent,
    /// The place may be written again.
    taken: CudaEvent,
}

/// The stream that uploads come by, and the pinned memory on their way.
#[derive(Debug)]
pub(super) struct Uploads {
    stream: Arc<CudaStream>,
    staging: Staging,
}

impl Uploads {
    fn new(gpu: &Gpu) -> Result<Self> {
        let stream = gpu.context.new_stream()?;
        Ok(Self { staging: Staging::new(&stream)?, stream })
    }
}

impl Landing {
    /// For uploads of at most so many bytes.
    pub fn new(gpu: &Gpu, bytes: usize) -> Result<Self> {
        let place = || -> Result<Place> {
            let bytes = gpu.pool.take(bytes)?;
            let (arrived, taken) = (gpu.context.new_event(None)?, gpu.context.new_event(None)?);
            // Its last user's work may be queued still.
            taken.record(&gpu.stream)?;
            Ok(Place { bytes, arrived, taken })
        };
        Ok(Self { places: [place()?, place()?], next: 0 })
    }

    /// Copies `bytes`, of as many, to the GPU, for what is queued from now on.
    pub fn bring(&mut self, gpu: &Gpu, bytes: &[u8], to: ViewMut<u8>) -> Result<()> {
        let Place { bytes: place, arrived, taken } = &self.places[self.next];
        self.next = 1 - self.next;
        let mut uploads = gpu.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.is_none() {
            *uploads = Some(Uploads::new(gpu)?);
        }
        let Uploads { stream, staging } = uploads.as_mut().expect("just made");
        stream.wait(taken)?;
        // SAFETY: the stream has waited for what reads the place.
        let here = unsafe { place.shared_mut() }.part(0..bytes.len());
        let from = here.address();
        staging.upload(bytes, here)?;
        arrived.record(stream)?;
        gpu.stream.wait(arrived)?;
        // SAFETY: both sides have so many bytes; what is there has arrived, and what reads `to` is queued before or after.
        unsafe { result::memcpy_dtod_async(to.address(), from, bytes.len(), gpu.stream.cu_stream())? };
        Ok(taken.record(&gpu.stream)?)
    }
}
