//! Kernels: what travels in the binary, and what has been loaded of it.

use super::{cache, compile::Compiler};
use crate::error::{Error, Result};
use cudarc::driver::{CudaContext, result, sys};
use std::{
    collections::HashMap,
    ffi::{CString, c_void},
    sync::{Arc, Mutex, PoisonError},
};

/// A file of `kernels/`, carried in the binary, and compiled for the GPU it meets.
pub(crate) struct Source {
    pub name: &'static str,
    /// CUDA C, with what all files share before it.
    pub text: &'static str,
    /// The same compiled for any GPU since the A100: for where NVIDIA's compiler is not installed.
    pub ptx: &'static str,
}

/// `kernels!("layer_norm")`: the [`Source`] in `kernels/layer_norm.cu`. `kernels!("linear" for "Tf32" as "_tf32"; "mma",
/// "product")`: that in `kernels/linear.cu` where its `VARIANT` is `Tf32`, with `kernels/mma.cuh` and `kernels/product.cuh`
/// before it. A `.cu` says in its first lines which headers and variants it has.
macro_rules! kernels {
    ($name:literal $(; $($header:literal),*)?) => {
        $crate::cuda::kernels!(@ $name, "", []; $($($header),*)?)
    };
    ($name:literal for $variant:literal as $suffix:literal; $($header:literal),*) => {
        $crate::cuda::kernels!(@ $name, $suffix, ["#define VARIANT ", $variant, "\n"]; $($header),*)
    };
    (@ $name:literal, $suffix:literal, [$($define:literal),*]; $($header:literal),*) => {
        $crate::cuda::Source {
            name: concat!($name, $suffix),
            text: concat!(
                $($define,)*
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels/common.cuh")),
                $(
                    "\n#line 1 \"", $header, ".cuh\"\n",
                    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels/", $header, ".cuh")),
                )*
                "\n#line 1 \"", $name, ".cu\"\n",
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels/", $name, ".cu"))
            ),
            ptx: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels/ptx/", $name, $suffix, ".ptx")),
        }
    };
}
pub(crate) use kernels;

/// What has been loaded on one GPU.
#[derive(Debug)]
pub(super) struct Kernels {
    compiler: Option<Compiler>,
    /// The driver's version, as 1000 major + 10 minor.
    driver: i32,
    loaded: Mutex<HashMap<(&'static str, &'static str), Arc<Function>>>,
    modules: Mutex<HashMap<&'static str, Arc<Module>>>,
}

/// A kernel, ready to launch.
#[derive(Debug)]
pub(super) struct Function {
    raw: sys::CUfunction,
    /// Bytes of dynamic shared memory that have been asked for.
    pub shared: Mutex<u32>,
    /// It is part of this.
    _module: Arc<Module>,
}

#[derive(Debug)]
struct Module {
    raw: sys::CUmodule,
    context: Arc<CudaContext>,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

// SAFETY: handles of the driver, which takes calls from any thread.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}
// SAFETY: as above.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl Drop for Module {
    fn drop(&mut self) {
        // A driver that fails here has lost the module already.
        let _ = self.context.bind_to_thread();
        // SAFETY: the last function of it is gone, and it is unloaded once.
        let _ = unsafe { result::module::unload(self.raw) };
    }
}

impl Function {
    pub fn raw(&self) -> sys::CUfunction {
        self.raw
    }
}

impl Module {
    /// `image` is a CUBIN, or PTX that ends with a zero.
    fn load(context: &Arc<CudaContext>, image: &[u8]) -> Result<Self, result::DriverError> {
        if !image.starts_with(b"\x7fELF") && image.last() != Some(&0) {
            return Err(result::DriverError(sys::CUresult::CUDA_ERROR_INVALID_IMAGE));
        }
        context.bind_to_thread()?;
        // SAFETY: the driver reads as far as the image says, an ELF file, or up to a zero, which is there. A compiler made it, in
        // this run or, as its hash says, in an earlier one of this user's, whose cache folder is trusted as the program is.
        let raw = unsafe { result::module::load_data(image.as_ptr().cast::<c_void>())? };
        Ok(Self { raw, context: context.clone() })
    }
}

impl Kernels {
    pub fn new(context: &CudaContext) -> Result<Self> {
        let mut driver = 0;
        // SAFETY: writes one number.
        unsafe { sys::cuDriverGetVersion(&mut driver).result()? };
        let compiler = Compiler::find(context.compute_capability()?);
        Ok(Self { compiler, driver, loaded: Mutex::default(), modules: Mutex::default() })
    }

    /// Kernel `function` of `source`, loaded at its first use.
    pub fn function(
        &self,
        context: &Arc<CudaContext>,
        source: &'static Source,
        function: &'static str,
    ) -> Result<Arc<Function>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = loaded.get(&(source.name, function)) {
            return Ok(function.clone());
        }
        let module = self.module(context, source)?;
        context.bind_to_thread()?;
        let name = CString::new(function).expect("a kernel's name has no zero in it");
        // SAFETY: the module is loaded, and stays so for as long as the function is there.
        let raw = unsafe { result::module::get_function(module.raw, name) }
            .map_err(|e| Error::Device(format!("kernels/{}.cu: {function}: {e}", source.name)))?;
        let made = Arc::new(Function { raw, shared: Mutex::default(), _module: module });
        loaded.insert((source.name, function), made.clone());
        Ok(made)
    }

    fn module(&self, context: &Arc<CudaContext>, source: &Source) -> Result<Arc<Module>> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.get(source.name) {
            return Ok(module.clone());
        }
        let module = match self.compiled(context, source)? {
            Some(module) => module,
            None => self.committed(context, source)?,
        };
        let module = Arc::new(module);
        modules.insert(source.name, module.clone());
        Ok(module)
    }

    /// Compiled here, now or in an earlier run; nothing where that cannot be done.
    fn compiled(&self, context: &Arc<CudaContext>, source: &Source) -> Result<Option<Module>> {
        let Some(compiler) = &self.compiler else { return Ok(None) };
        for target in compiler.targets() {
            let place =
                cache::Place::of(&[source.text, &target, compiler.version(), &self.driver.to_string()]);
            if let Some(image) = place.read()
                && let Ok(module) = Module::load(context, &image)
            {
                return Ok(Some(module));
            }
            let Some(image) = compiler.compile(source, &target)? else { continue };
            if let Ok(module) = Module::load(context, &image) {
                place.write(&image);
                return Ok(Some(module));
            }
            compiler.refused(&target);
        }
        Ok(None)
    }

    /// As it was committed; the driver compiles it.
    fn committed(&self, context: &Arc<CudaContext>, source: &Source) -> Result<Module> {
        let image = CString::new(source.ptx).expect("PTX is text");
        Module::load(context, image.as_bytes_with_nul()).map_err(|e| {
            let (major, minor) = (self.driver / 1000, self.driver % 1000 / 10);
            Error::Device(match e.0 {
                sys::CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION => format!(
                    "kernels: expected a driver for CUDA 13.0 (release 580) or newer, or NVRTC of the driver's own \
                     version, got a driver for CUDA {major}.{minor}"
                ),
                _ => format!("kernels/{}.cu: {e}", source.name),
            })
        })
    }
}
