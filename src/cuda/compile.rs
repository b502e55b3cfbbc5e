//! NVIDIA's run-time compiler, where it is installed.

use super::Source;
use crate::error::{Error, Result};
use cudarc::nvrtc::{
    result::{self, NvrtcError},
    sys,
};
use std::{
    ffi::{CStr, CString},
    sync::atomic::{AtomicBool, Ordering},
};

/// NVRTC, for one GPU.
#[derive(Debug)]
pub(super) struct Compiler {
    /// Of NVRTC.
    version: String,
    /// Of the GPU: 90 for 9.0.
    capability: i32,
    /// The driver may be no GPU's, and then it takes PTX only.
    machine_code: AtomicBool,
}

impl Compiler {
    /// Nothing where there is no NVRTC.
    pub fn find((major, minor): (i32, i32)) -> Option<Self> {
        // SAFETY: only looks for the shared library. Without this check cudarc panics where there is none.
        if !unsafe { sys::is_culib_present() } {
            return None;
        }
        let mut version = (0, 0);
        // SAFETY: writes two numbers.
        unsafe { sys::nvrtcVersion(&mut version.0, &mut version.1).result().ok()? };
        let version = format!("{}.{}", version.0, version.1);
        Some(Self { version, capability: 10 * major + minor, machine_code: AtomicBool::new(true) })
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// What to compile for, best first: the GPU itself, or its kind, for the driver to finish.
    pub fn targets(&self) -> impl Iterator<Item = String> + use<> {
        let kinds =
            if self.machine_code.load(Ordering::Relaxed) { &["sm", "compute"][..] } else { &["compute"] };
        let capability = self.capability;
        kinds.iter().map(move |kind| format!("{kind}_{capability}"))
    }

    /// The driver did not load what was compiled for `target`.
    pub fn refused(&self, target: &str) {
        if target.starts_with("sm") {
            self.machine_code.store(false, Ordering::Relaxed);
        }
    }

    /// A CUBIN, or PTX that ends with a zero; nothing where this NVRTC does not know the target.
    pub fn compile(&self, source: &Source, target: &str) -> Result<Option<Vec<u8>>> {
        let complaint = |message: String| Error::Device(format!("kernels/{}.cu: {message}", source.name));
        let text = CString::new(source.text).expect("CUDA C is text");
        let name = CString::new(format!("{}.cu", source.name)).expect("a file's name has no zero in it");
        let program = result::create_program(&text, Some(&name)).map_err(|e| complaint(e.to_string()))?;
        let options = [format!("--gpu-architecture={target}"), "--std=c++17".into()];
        // SAFETY: `create_program` made the program, and it is destroyed once, last.
        unsafe {
            let made = result::compile_program(program, &options).and_then(|()| image(program, target));
            let made = match made {
                Err(NvrtcError(sys::nvrtcResult::NVRTC_ERROR_INVALID_OPTION)) => Ok(None),
                Err(_) => Err(complaint(log(program))),
                Ok(image) => Ok(Some(image)),
            };
            result::destroy_program(program).map_err(|e| complaint(e.to_string()))?;
            made
        }
    }
}

/// # Safety
///
/// `program` has been compiled for `target`.
unsafe fn image(program: sys::nvrtcProgram, target: &str) -> Result<Vec<u8>, NvrtcError> {
    // SAFETY: the program is compiled, and the arrays are as long as NVRTC says.
    unsafe {
        if !target.starts_with("sm") {
            return Ok(result::get_ptx(program)?.into_iter().map(|c| c as u8).collect());
        }
        let mut size = 0;
        sys::nvrtcGetCUBINSize(program, &mut size).result()?;
        let mut cubin = vec![0u8; size];
        sys::nvrtcGetCUBIN(program, cubin.as_mut_ptr().cast()).result()?;
        Ok(cubin)
    }
}

/// # Safety
///
/// `program` has not been destroyed.
unsafe fn log(program: sys::nvrtcProgram) -> String {
    // SAFETY: the program is there.
    let log = unsafe { result::get_program_log(program) }.unwrap_or_default();
    let bytes: Vec<u8> = log.into_iter().map(|c| c as u8).collect();
    CStr::from_bytes_until_nul(&bytes).map_or("does not compile".into(), |log| log.to_string_lossy().into())
}
