//! Streams, events and captures.

use crate::driver::{Capture, Event, driver};
use crate::error::{
    CAPTURE_INVALIDATED, CAPTURE_ISOLATION, CAPTURE_UNMATCHED, CAPTURE_UNSUPPORTED, Code, INVALID_HANDLE,
    driver_calls, fault, give,
};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;
use std::time::Instant;

/// `CU_EVENT_DISABLE_TIMING`.
const UNTIMED: c_uint = 2;

fn elapsed(to: *mut f32, start: *mut c_void, end: *mut c_void) -> Result<(), Code> {
    let mut d = driver();
    let mut time = |event: *mut c_void| d.events.get(event).map(|e| e.recorded.filter(|_| e.timed));
    let (Some(start), Some(end)) = (time(start)?, time(end)?) else { return Err(INVALID_HANDLE) };
    let seconds = end.saturating_duration_since(start).as_secs_f32();
    // SAFETY: the caller's contract: `to` is valid for a write.
    unsafe { give(to, seconds * 1e3) }
}

/// A wait of the host for work on a stream that is not done but noted.
fn wait_for(stream: *mut c_void) -> Result<(), Code> {
    match driver().capture(stream) {
        None => Ok(()),
        Some(capture) => {
            capture.broken = true;
            Err(fault(CAPTURE_UNSUPPORTED, "a wait for a stream that is captured"))
        }
    }
}

fn begin(stream: *mut c_void, mode: c_int) -> Result<(), Code> {
    let mut d = driver();
    if stream.is_null() {
        return Err(fault(CAPTURE_UNSUPPORTED, "the default stream cannot be captured"));
    }
    d.streams.index(stream)?;
    if d.capture(stream).is_some() {
        return Err(fault(CAPTURE_UNMATCHED, "the stream is captured already"));
    }
    d.captured += 1;
    let (id, thread) = (d.captured, std::thread::current().id());
    d.captures.push(Capture { stream: stream as usize, id, mode, thread, nodes: Vec::new(), broken: false });
    Ok(())
}

fn end(stream: *mut c_void, graph: *mut *mut c_void) -> Result<(), Code> {
    let mut d = driver();
    let found = d.captures.iter().position(|c| c.stream == stream as usize);
    let capture = d.captures.swap_remove(found.ok_or(CAPTURE_UNMATCHED)?);
    if capture.broken {
        // SAFETY: the caller's contract: `graph` is valid for a write.
        unsafe { give(graph, std::ptr::null_mut())? };
        return Err(CAPTURE_INVALIDATED);
    }
    let handle = d.graphs.add(Arc::new(capture.nodes));
    // SAFETY: as above.
    unsafe { give(graph, handle) }
}

driver_calls! {
    fn cuStreamCreate(stream: *mut *mut c_void, _flags: c_uint) {
        let handle = driver().streams.add(());
        // SAFETY: the caller's contract.
        unsafe { give(stream, handle)? };
    }
    fn cuStreamCreateWithPriority(stream: *mut *mut c_void, _flags: c_uint, _priority: c_int) {
        let handle = driver().streams.add(());
        // SAFETY: the caller's contract.
        unsafe { give(stream, handle)? };
    }
    fn cuStreamDestroy_v2(stream: *mut c_void) {
        driver().streams.remove(stream)?;
    }
    fn cuStreamSynchronize(stream: *mut c_void) {
        wait_for(stream)?;
        let mut d = driver();
        d.counts.waits += 1;
        let known = d.ordered.of(stream as usize);
        d.ordered.host_waits(&known);
    }
    fn cuStreamQuery(stream: *mut c_void) {
        wait_for(stream)?;
    }
    fn cuStreamWaitEvent(stream: *mut c_void, event: *mut c_void, _flags: c_uint) {
        let mut d = driver();
        let recorded = d.events.get(event)?.recorded.is_some();
        let of = d.events.get(event)?.capture;
        let known = d.events.get(event)?.known.clone();
        d.ordered.wait(stream as usize, &known);
        match d.capture(stream) {
            Some(capture) if recorded && of != Some(capture.id) => {
                capture.broken = true;
                return Err(fault(CAPTURE_ISOLATION, "a captured stream waits for an event from outside"));
            }
            _ => {}
        }
    }
    fn cuStreamBeginCapture_v2(stream: *mut c_void, mode: c_int) {
        begin(stream, mode)?;
    }
    fn cuStreamEndCapture(stream: *mut c_void, graph: *mut *mut c_void) {
        end(stream, graph)?;
    }
    fn cuStreamIsCapturing(stream: *mut c_void, status: *mut c_int) {
        let value = match driver().capture(stream) {
            None => 0,
            Some(capture) => 1 + c_int::from(capture.broken),
        };
        // SAFETY: the caller's contract.
        unsafe { give(status, value)? };
    }
    fn cuThreadExchangeStreamCaptureMode(_mode: *mut c_int) {}
    fn cuEventCreate(event: *mut *mut c_void, flags: c_uint) {
        let new = Event { timed: flags & UNTIMED == 0, ..Event::default() };
        let handle = driver().events.add(new);
        // SAFETY: the caller's contract.
        unsafe { give(event, handle)? };
    }
    fn cuEventRecord(event: *mut c_void, stream: *mut c_void) {
        let mut d = driver();
        let capture = d.capture(stream).map(|c| c.id);
        let known = d.ordered.of(stream as usize);
        let event = d.events.get(event)?;
        (event.recorded, event.known, event.capture) = (Some(Instant::now()), known, capture);
    }
    fn cuEventSynchronize(event: *mut c_void) {
        let mut d = driver();
        if d.events.get(event)?.capture.is_some() {
            return Err(fault(CAPTURE_UNSUPPORTED, "a wait for an event that was captured"));
        }
        d.counts.waits += 1;
        let known = d.events.get(event)?.known.clone();
        d.ordered.host_waits(&known);
    }
    fn cuEventQuery(event: *mut c_void) {
        driver().events.index(event)?;
    }
    fn cuEventElapsedTime(to: *mut f32, start: *mut c_void, end: *mut c_void) {
        elapsed(to, start, end)?;
    }
    fn cuEventElapsedTime_v2(to: *mut f32, start: *mut c_void, end: *mut c_void) {
        elapsed(to, start, end)?;
    }
    fn cuEventDestroy_v2(event: *mut c_void) {
        driver().events.remove(event)?;
    }
}
