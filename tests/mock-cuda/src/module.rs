//! Modules and their functions.

use crate::device::SHARED_OPT_IN;
use crate::driver::{Driver, Function, Loaded, driver};
use crate::error::{
    Code, FILE_NOT_FOUND, INVALID_IMAGE, INVALID_PTX, INVALID_VALUE, NOT_FOUND, UNSUPPORTED_PTX,
    driver_calls, fault, give,
};
use ptx_interpreter::Module;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::{Arc, Mutex};

/// Dynamic shared memory that a function has without asking for more.
const SHARED_DEFAULT: usize = 48 << 10;

fn load(d: &mut Driver, image: &[u8]) -> Result<*mut c_void, Code> {
    let text = std::str::from_utf8(image).ok().filter(|t| t.contains(".version"));
    let text = text.ok_or_else(|| fault(INVALID_IMAGE, "only PTX can be loaded, no CUBIN"))?;
    let asked = ptx_version(text).ok_or_else(|| fault(INVALID_PTX, "no .version that is a number"))?;
    let known = (d.release / 1000 - 4, d.release % 1000 / 10);
    if asked > known {
        return Err(fault(UNSUPPORTED_PTX, format!("PTX {asked:?} is newer than {known:?}")));
    }
    let module = Module::load(text, &mut d.memory).map_err(|e| fault(INVALID_PTX, e.to_string()))?;
    let first_line = text.lines().next().unwrap_or_default().to_string();
    Ok(d.modules.add(Loaded { module, first_line }))
}

/// CUDA 12.4 knows PTX 8.4, and 13.0 PTX 9.0.
fn ptx_version(text: &str) -> Option<(i32, i32)> {
    let (_, version) = text.split_once(".version")?;
    let (major, minor) = version.split_whitespace().next()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn function(d: &mut Driver, module: *mut c_void, name: &str) -> Result<*mut c_void, Code> {
    let key = (d.modules.index(module)?, name.to_string());
    if let Some(index) = d.by_name.get(&key) {
        return Ok(d.functions.handle(*index));
    }
    let Loaded { module, first_line } = d.modules.get(module)?;
    let kernel = module.kernel(name).ok_or(NOT_FOUND)?;
    let kernel = kernel.map_err(|e| fault(INVALID_PTX, format!("{name}: {e}")))?;
    let label = format!("{first_line}\t{name}");
    let function = Function { kernel, label, dynamic_shared: SHARED_DEFAULT };
    let handle = d.functions.add(Arc::new(Mutex::new(function)));
    let index = d.functions.index(handle)?;
    d.by_name.insert(key, index);
    Ok(handle)
}

/// # Safety
/// `text` must be null or a C string.
unsafe fn string<'a>(text: *const c_char) -> Result<&'a CStr, Code> {
    if text.is_null() {
        return Err(INVALID_VALUE);
    }
    // SAFETY: not null, and by this function's contract a C string.
    Ok(unsafe { CStr::from_ptr(text) })
}

driver_calls! {
    fn cuModuleLoadData(module: *mut *mut c_void, image: *const c_char) {
        // SAFETY: PTX images are C strings; of another image what is before its first zero is looked at.
        let image = unsafe { string(image)? };
        let handle = load(&mut driver(), image.to_bytes())?;
        // SAFETY: the caller's contract.
        unsafe { give(module, handle)? };
    }
    fn cuModuleLoadDataEx(
        module: *mut *mut c_void,
        image: *const c_char,
        _options: c_uint,
        _names: *mut c_int,
        _values: *mut *mut c_void,
    ) {
        // SAFETY: as above.
        let image = unsafe { string(image)? };
        let handle = load(&mut driver(), image.to_bytes())?;
        // SAFETY: the caller's contract.
        unsafe { give(module, handle)? };
    }
    fn cuModuleLoad(module: *mut *mut c_void, path: *const c_char) {
        // SAFETY: the caller's contract.
        let path = unsafe { string(path)? }.to_str().map_err(|_| FILE_NOT_FOUND)?;
        let image = std::fs::read(path).map_err(|_| FILE_NOT_FOUND)?;
        let handle = load(&mut driver(), &image)?;
        // SAFETY: the caller's contract.
        unsafe { give(module, handle)? };
    }
    fn cuModuleUnload(module: *mut c_void) {
        let mut d = driver();
        let index = d.modules.index(module)?;
        d.modules.remove(module)?.module.unload(&mut d.memory);
        let gone: Vec<usize> = d.by_name.iter().filter(|(k, _)| k.0 == index).map(|(_, f)| *f).collect();
        d.by_name.retain(|k, _| k.0 != index);
        for f in gone {
            let handle = d.functions.handle(f);
            d.functions.remove(handle)?;
        }
    }
    fn cuModuleGetFunction(to: *mut *mut c_void, module: *mut c_void, name: *const c_char) {
        // SAFETY: the caller's contract.
        let name = unsafe { string(name)? }.to_string_lossy();
        let handle = function(&mut driver(), module, &name)?;
        // SAFETY: the caller's contract.
        unsafe { give(to, handle)? };
    }
    fn cuModuleGetGlobal_v2(address: *mut u64, bytes: *mut usize, module: *mut c_void, name: *const c_char) {
        // SAFETY: the caller's contract.
        let name = unsafe { string(name)? }.to_string_lossy();
        let (start, n) = driver().modules.get(module)?.module.variable(&name).ok_or(NOT_FOUND)?;
        // Either pointer may be null.
        // SAFETY: the caller's contract.
        let _ = unsafe { (give(address, start), give(bytes, n)) };
    }
    fn cuFuncSetAttribute(function: *mut c_void, which: c_int, value: c_int) {
        let function = driver().functions.get(function)?.clone();
        let mut f = function.lock().map_err(|_| INVALID_VALUE)?;
        let most = SHARED_OPT_IN.saturating_sub(f.kernel.static_shared());
        match which {
            8 if value < 0 || value as usize > most => {
                let text = format!("{}: {value} bytes of dynamic shared memory, at most {most}", f.kernel.name());
                return Err(fault(INVALID_VALUE, text));
            }
            8 => f.dynamic_shared = value as usize,
            9 => {} // how much of the first-level cache is shared memory
            _ => return Err(INVALID_VALUE),
        }
    }
    fn cuFuncGetAttribute(value: *mut c_int, which: c_int, function: *mut c_void) {
        let function = driver().functions.get(function)?.clone();
        let f = function.lock().map_err(|_| INVALID_VALUE)?;
        let answer = match which {
            0 => f.kernel.max_threads() as usize,
            1 => f.kernel.static_shared(),
            3 => f.kernel.local_bytes(),
            4 => 32, // registers are not allotted here
            5 | 6 => 80,
            8 => f.dynamic_shared,
            _ => 0,
        };
        // SAFETY: the caller's contract.
        unsafe { give(value, answer as c_int)? };
    }
    fn cuFuncSetCacheConfig(_function: *mut c_void, _config: c_int) {}
}
