//! The real `cudarc` on the mock: what the program does with a GPU, done without one.

use cudarc::driver::{CudaContext, CudaFunction, CudaStream, LaunchConfig, PushKernelArg, sys};
use cudarc::nvrtc::Ptx;
use std::sync::{Arc, Mutex, MutexGuard};

/// `add_into(Dims d, const float *x, float *y)`: `y[i] += d.factor * x[i]` for `i < d.n`.
const ADD: &str = include_str!("../../ptx-interpreter/kernels/ptx/scale.ptx");

#[repr(C)]
#[derive(Clone, Copy)]
struct Dims {
    n: i32,
    factor: f32,
}
// SAFETY: plain numbers, laid out as the kernel's struct.
unsafe impl cudarc::driver::DeviceRepr for Dims {}

/// One test at a time: the order of blocks, the memory and the counts are the whole process's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

fn stream() -> Arc<CudaStream> {
    mock_cuda::load();
    // SAFETY: only looks for the library.
    assert!(unsafe { sys::is_culib_present() });
    let context = CudaContext::new(0).unwrap();
    // SAFETY: everything is on one stream.
    unsafe { context.disable_event_tracking() };
    context.new_stream().unwrap()
}

fn kernel(stream: &CudaStream, name: &str) -> CudaFunction {
    stream.context().load_module(Ptx::from_src(ADD)).unwrap().load_function(name).unwrap()
}

fn geometry(n: u32) -> LaunchConfig {
    LaunchConfig { grid_dim: (n.div_ceil(64), 1, 1), block_dim: (64, 1, 1), shared_mem_bytes: 0 }
}

#[test]
fn a_device_is_found_with_its_limits() {
    let _alone = alone();
    let stream = stream();
    let context = stream.context();
    assert_eq!(CudaContext::device_count().unwrap(), 1);
    assert_eq!(context.name().unwrap(), "PTX interpreter");
    assert_eq!(context.compute_capability().unwrap(), (8, 0));
    assert_eq!(context.uuid().unwrap().bytes[0] as u8, b'P');
}

#[test]
fn a_launch_computes_with_a_struct_by_value() {
    let _alone = alone();
    let stream = stream();
    let f = kernel(&stream, "scale_into");
    let (x, y) = (stream.clone_htod(&[1f32; 100]).unwrap(), stream.clone_htod(&[2f32; 100]).unwrap());
    for reversed in [false, true] {
        mock_cuda::load().reverse(reversed);
        let mut call = stream.launch_builder(&f);
        let dims = Dims { n: 100, factor: 0.5 };
        call.arg(&dims).arg(&x).arg(&y);
        // SAFETY: the arguments are the kernel's.
        unsafe { call.launch(geometry(100)) }.unwrap();
    }
    mock_cuda::load().reverse(false);
    assert_eq!(stream.clone_dtoh(&y).unwrap(), [3f32; 100]);
}

#[test]
fn a_fault_comes_back_as_an_error_with_its_text() {
    let _alone = alone();
    let stream = stream();
    let f = kernel(&stream, "scale_into");
    let (x, y) = (stream.clone_htod(&[1f32; 10]).unwrap(), stream.clone_htod(&[2f32; 10]).unwrap());
    let dims = Dims { n: 11, factor: 0.5 };
    let mut call = stream.launch_builder(&f);
    call.arg(&dims).arg(&x).arg(&y);
    // SAFETY: the arguments are the kernel's; that they are too short is what the mock must find.
    let error = unsafe { call.launch(geometry(11)) }.unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
    let text = mock_cuda::load().last_fault();
    assert!(text.contains("scale_into: out of bounds: 4 bytes at offset 40 of argument"), "{text}");
    assert_eq!(mock_cuda::load().last_fault(), "");
}

#[test]
fn a_graph_is_replayed_with_what_was_uploaded_since() {
    let _alone = alone();
    let stream = stream();
    let f = kernel(&stream, "scale_into");
    let mut x = stream.alloc_zeros::<f32>(32).unwrap();
    let mut y = stream.alloc_zeros::<f32>(32).unwrap();
    // SAFETY: it is written before it is read.
    let mut pinned = unsafe { stream.context().alloc_pinned::<f32>(32) }.unwrap();
    pinned.as_mut_slice().unwrap().fill(1.0);
    stream.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED).unwrap();
    stream.memcpy_htod(&pinned, &mut x).unwrap();
    stream.memset_zeros(&mut y).unwrap();
    for _ in 0..2 {
        let dims = Dims { n: 32, factor: 2.0 };
        let mut call = stream.launch_builder(&f);
        call.arg(&dims).arg(&x).arg(&y);
        // SAFETY: the arguments are the kernel's.
        unsafe { call.launch(geometry(32)) }.unwrap();
    }
    let graph = stream.end_capture(sys::CUgraphInstantiate_flags(0)).unwrap().unwrap();
    let before = mock_cuda::load().counts();
    for value in [1f32, 3.0] {
        pinned.as_mut_slice().unwrap().fill(value);
        graph.launch().unwrap();
        assert_eq!(stream.clone_dtoh(&y).unwrap(), [4.0 * value; 32]);
    }
    let after = mock_cuda::load().counts();
    assert_eq!((after.launches - before.launches, after.graph_launches - before.graph_launches), (4, 2));
    assert_eq!(after.allocations, before.allocations);
}

#[test]
fn a_capture_refuses_what_a_graph_cannot_hold() {
    let _alone = alone();
    let stream = stream();
    let mut x = stream.alloc_zeros::<f32>(32).unwrap();
    let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
    stream.begin_capture(mode).unwrap();
    assert!(stream.memcpy_htod(&[0f32; 32], &mut x).is_err(), "the memory is not pinned");
    assert!(stream.end_capture(sys::CUgraphInstantiate_flags(0)).is_err());
    stream.begin_capture(mode).unwrap();
    assert!(stream.alloc_zeros::<f32>(32).is_err());
    assert!(stream.synchronize().is_err());
    assert!(stream.end_capture(sys::CUgraphInstantiate_flags(0)).is_err());
    stream.synchronize().unwrap();
}

#[test]
fn streams_that_meet_wait_for_each_other() {
    let _alone = alone();
    let (one, f) = (stream(), kernel(&stream(), "scale_into"));
    let other = one.context().new_stream().unwrap();
    let (x, mut y) = (one.alloc_zeros::<f32>(32).unwrap(), one.alloc_zeros::<f32>(32).unwrap());
    let scale = |stream: &Arc<CudaStream>, x: &_, y: &_| {
        let mut call = stream.launch_builder(&f);
        let dims = Dims { n: 32, factor: 2.0 };
        call.arg(&dims).arg(x).arg(y);
        // SAFETY: the arguments are the kernel's.
        unsafe { call.launch(geometry(32)) }.is_ok()
    };
    assert!(!scale(&other, &x, &y), "it is not known to come after the zeros");
    assert!(mock_cuda::load().last_fault().contains("two streams meet"));
    other.wait(&one.record_event(None).unwrap()).unwrap();
    assert!(scale(&other, &x, &y), "by an event");
    assert!(one.memcpy_htod(&[1f32; 32], &mut y).is_err(), "what a kernel writes");
    other.synchronize().unwrap();
    one.memcpy_htod(&[1f32; 32], &mut y).expect("by a wait of the host");
}

#[test]
fn memory_runs_out_and_is_given_back() {
    let _alone = alone();
    let (stream, mock) = (stream(), mock_cuda::load());
    let used = mock.counts().used as usize;
    mock.limit_memory(used + 1000);
    let first = stream.alloc_zeros::<f32>(200).unwrap();
    let error = stream.alloc_zeros::<f32>(200).unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY);
    drop(first);
    stream.alloc_zeros::<f32>(200).unwrap();
    mock.limit_memory(8 << 30);
}

#[test]
fn the_host_may_not_read_what_nothing_wrote() {
    let _alone = alone();
    let stream = stream();
    // SAFETY: reading it is what must fail.
    let x = unsafe { stream.alloc::<f32>(8) }.unwrap();
    assert!(stream.clone_dtoh(&x).is_err());
    assert!(mock_cuda::load().last_fault().contains("32 bytes that nothing wrote"));
}
