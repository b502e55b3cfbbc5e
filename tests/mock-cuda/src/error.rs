//! Error codes, and the wall between Rust and C.

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `CUresult`.
pub type Code = c_int;

pub const SUCCESS: Code = 0;
pub const INVALID_VALUE: Code = 1;
pub const OUT_OF_MEMORY: Code = 2;
pub const INVALID_DEVICE: Code = 101;
pub const INVALID_IMAGE: Code = 200;
pub const INVALID_PTX: Code = 218;
pub const UNSUPPORTED_PTX: Code = 222;
pub const FILE_NOT_FOUND: Code = 301;
pub const INVALID_HANDLE: Code = 400;
pub const NOT_FOUND: Code = 500;
pub const ILLEGAL_ADDRESS: Code = 700;
pub const OUT_OF_RESOURCES: Code = 701;
pub const MISALIGNED_ADDRESS: Code = 716;
pub const LAUNCH_FAILED: Code = 719;
pub const NOT_SUPPORTED: Code = 801;
pub const CAPTURE_UNSUPPORTED: Code = 900;
pub const CAPTURE_INVALIDATED: Code = 901;
pub const CAPTURE_UNMATCHED: Code = 903;
pub const CAPTURE_ISOLATION: Code = 905;
pub const UNKNOWN: Code = 999;

fn name(code: Code) -> &'static CStr {
    match code {
        SUCCESS => c"CUDA_SUCCESS",
        INVALID_VALUE => c"CUDA_ERROR_INVALID_VALUE",
        OUT_OF_MEMORY => c"CUDA_ERROR_OUT_OF_MEMORY",
        INVALID_DEVICE => c"CUDA_ERROR_INVALID_DEVICE",
        INVALID_IMAGE => c"CUDA_ERROR_INVALID_IMAGE",
        INVALID_PTX => c"CUDA_ERROR_INVALID_PTX",
        UNSUPPORTED_PTX => c"CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
        FILE_NOT_FOUND => c"CUDA_ERROR_FILE_NOT_FOUND",
        INVALID_HANDLE => c"CUDA_ERROR_INVALID_HANDLE",
        NOT_FOUND => c"CUDA_ERROR_NOT_FOUND",
        ILLEGAL_ADDRESS => c"CUDA_ERROR_ILLEGAL_ADDRESS",
        OUT_OF_RESOURCES => c"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
        MISALIGNED_ADDRESS => c"CUDA_ERROR_MISALIGNED_ADDRESS",
        LAUNCH_FAILED => c"CUDA_ERROR_LAUNCH_FAILED",
        NOT_SUPPORTED => c"CUDA_ERROR_NOT_SUPPORTED",
        CAPTURE_UNSUPPORTED => c"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
        CAPTURE_INVALIDATED => c"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
        CAPTURE_UNMATCHED => c"CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
        CAPTURE_ISOLATION => c"CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
        _ => c"CUDA_ERROR_UNKNOWN",
    }
}

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps what went wrong for the thread that asked, and prints it. Gives back the code, to be returned.
pub fn fault(code: Code, text: impl Into<String>) -> Code {
    let text = text.into();
    if std::env::var_os("MOCK_CUDA_QUIET").is_none() {
        eprintln!("mock CUDA driver: {text}");
    }
    LAST.with_borrow_mut(|last| *last = text);
    code
}

/// The last fault's text, which is then forgotten.
pub fn take_fault() -> String {
    LAST.take()
}

/// Runs a call's body. No panic crosses into C.
pub fn guarded(body: impl FnOnce() -> Result<(), Code>) -> Code {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SUCCESS,
        Ok(Err(code)) => code,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
            fault(UNKNOWN, format!("a mistake in the mock itself: {text}"))
        }
    }
}

/// Declares functions of the driver's interface: the body may fail with a code.
macro_rules! driver_calls {
    ($(fn $name:ident($($arg:ident: $type:ty),* $(,)?) $body:block)*) => { $(
        /// # Safety
        /// Pointers must be as the CUDA driver API asks for.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> $crate::error::Code {
            $crate::error::guarded(|| {
                $body
                #[allow(unreachable_code)]
                Ok(())
            })
        }
    )* };
}
pub(crate) use driver_calls;

/// Writes a call's result where the caller wants it.
///
/// # Safety
/// `to` must be null or valid for a write.
pub unsafe fn give<T>(to: *mut T, value: T) -> Result<(), Code> {
    if to.is_null() {
        return Err(INVALID_VALUE);
    }
    // SAFETY: not null, and by this function's contract valid.
    unsafe { to.write(value) };
    Ok(())
}

driver_calls! {
    fn cuGetErrorName(code: Code, text: *mut *const c_char) {
        // SAFETY: the caller's contract.
        unsafe { give(text, name(code).as_ptr())? };
    }
    fn cuGetErrorString(code: Code, text: *mut *const c_char) {
        // SAFETY: the caller's contract.
        unsafe { give(text, name(code).as_ptr())? };
    }
}
