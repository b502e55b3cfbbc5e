//! What a test may ask of the driver beyond CUDA: C functions of the library, and Rust ones that call them.

use crate::driver::driver;
use crate::error::take_fault;
use ptx_interpreter::Order;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

/// What the driver has done so far.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub launches: u64,
    pub graph_launches: u64,
    pub allocations: u64,
    /// Copies between host and device.
    pub copies: u64,
    /// Waits of the host for the device, by a call for that or by a copy or fill that is done when it returns.
    pub waits: u64,
    pub thread_instructions: u64,
    /// Bytes in live buffers.
    pub used: u64,
}

/// Copies this thread's last fault, without a zero at its end, and forgets it. The length of the whole text.
///
/// # Safety
/// `text` must be valid for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_cuda_last_fault(text: *mut c_char, capacity: usize) -> usize {
    let fault = take_fault();
    // SAFETY: not more bytes than the caller has room for.
    unsafe { text.copy_from_nonoverlapping(fault.as_ptr().cast(), fault.len().min(capacity)) };
    fault.len()
}

/// Sets how many bytes of device memory there are.
#[unsafe(no_mangle)]
pub extern "C" fn mock_cuda_limit_memory(bytes: usize) {
    driver().limit = bytes;
}

/// Sets the CUDA release that the driver is of, 12040 for 12.4.
#[unsafe(no_mangle)]
pub extern "C" fn mock_cuda_release(release: c_int) {
    driver().release = release;
}

/// Runs blocks, and the warps of a block, from the last to the first.
#[unsafe(no_mangle)]
pub extern "C" fn mock_cuda_reverse(yes: c_int) {
    driver().order = if yes == 0 { Order::Forward } else { Order::Reverse };
}

/// # Safety
/// `to` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_cuda_counts(to: *mut Counts) {
    let d = driver();
    // SAFETY: the caller's contract.
    unsafe { to.write(Counts { used: d.memory.used() as u64, ..d.counts }) };
}

/// Copies the labels of all functions that have run, a line each. The length of the whole text.
///
/// # Safety
/// `text` must be valid for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mock_cuda_launched(text: *mut c_char, capacity: usize) -> usize {
    let labels: Vec<String> = driver().launched.iter().cloned().collect();
    let labels = labels.join("\n");
    // SAFETY: not more bytes than the caller has room for.
    unsafe { text.copy_from_nonoverlapping(labels.as_ptr().cast(), labels.len().min(capacity)) };
    labels.len()
}

/// The loaded library. The crate's own copy of the driver, which tests link by its Rust half, is never used.
pub struct Mock {
    last_fault: GetText,
    launched: GetText,
    limit_memory: LimitMemory,
    reverse: SetNumber,
    release: SetNumber,
    counts: GetCounts,
}

type GetText = unsafe extern "C" fn(*mut c_char, usize) -> usize;
type LimitMemory = extern "C" fn(usize);
type SetNumber = extern "C" fn(c_int);
type GetCounts = unsafe extern "C" fn(*mut Counts);

unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}
const RTLD_NOW: c_int = 2;

/// The library's file, once a test has loaded it.
static LOADED: OnceLock<CString> = OnceLock::new();

/// Opens a library, in a test's program instead of the loader's own function: who asks for `libcuda.so` then gets the mock. Its
/// file has another name, so that no program finds it by chance (Cargo puts its output folders on the loader's path).
///
/// # Safety
/// As for the loader's `dlopen`: `path` is null or a C string, and what the library does when it is loaded must be sound.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void {
    type Open = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
    // Finds the next function of a name behind the caller's own program.
    let next = std::ptr::without_provenance_mut(usize::MAX);
    // SAFETY: the loader has the function, of this type.
    let open = unsafe { std::mem::transmute::<*mut c_void, Open>(dlsym(next, c"dlopen".as_ptr())) };
    // SAFETY: the caller's contract.
    let driver = !path.is_null() && unsafe { CStr::from_ptr(path) } == c"libcuda.so";
    let path = LOADED.get().filter(|_| driver).map_or(path, |mock| mock.as_ptr());
    // SAFETY: the caller's contract; or the path of this crate's own library, which does nothing when it is loaded.
    unsafe { open(path, flags) }
}

/// Makes the mock this process's CUDA driver. To be called before anything asks for a device.
///
/// # Panics
/// Where the library was not built, or not beside the test's program.
pub fn load() -> &'static Mock {
    static MOCK: OnceLock<Mock> = OnceLock::new();
    MOCK.get_or_init(|| {
        let path = library();
        let text = LOADED.get_or_init(|| {
            CString::new(path.to_str().expect("a path in UTF-8")).expect("a path without zeros")
        });
        // SAFETY: the library is this crate's own; it does nothing when it is loaded.
        let library = unsafe { dlopen(text.as_ptr(), RTLD_NOW) };
        assert!(!library.is_null(), "{} cannot be loaded", path.display());
        let find = |name: &std::ffi::CStr| {
            // SAFETY: the library is loaded, the name is a C string.
            let found = unsafe { dlsym(library, name.as_ptr()) };
            assert!(!found.is_null(), "{} has no {name:?}", path.display());
            found
        };
        // SAFETY: each is the function above of that name, and has its type.
        unsafe {
            Mock {
                last_fault: std::mem::transmute::<*mut c_void, GetText>(find(c"mock_cuda_last_fault")),
                launched: std::mem::transmute::<*mut c_void, GetText>(find(c"mock_cuda_launched")),
                limit_memory: std::mem::transmute::<*mut c_void, LimitMemory>(find(
                    c"mock_cuda_limit_memory",
                )),
                reverse: std::mem::transmute::<*mut c_void, SetNumber>(find(c"mock_cuda_reverse")),
                release: std::mem::transmute::<*mut c_void, SetNumber>(find(c"mock_cuda_release")),
                counts: std::mem::transmute::<*mut c_void, GetCounts>(find(c"mock_cuda_counts")),
            }
        }
    })
}

/// The file of the library: Cargo builds it into the folder of the tests' programs, or for examples into the one beside.
pub fn library() -> PathBuf {
    let program = std::env::current_exe().expect("a program knows where it is");
    let folder = program.parent().expect("a program is in a folder");
    let places = [folder.to_path_buf(), folder.join("deps"), folder.join("../deps")];
    let found = places.iter().map(|p| p.join("libmock_cuda.so")).find(|p| p.exists());
    found.unwrap_or_else(|| panic!("expected libmock_cuda.so beside {}", program.display()))
}

/// What `get` copies, at most `room` bytes.
fn text_of(get: GetText, room: usize) -> String {
    let mut text = vec![0u8; room];
    // SAFETY: the buffer has the length that is given.
    let n = unsafe { get(text.as_mut_ptr().cast(), text.len()) };
    text.truncate(n);
    String::from_utf8_lossy(&text).into_owned()
}

impl Mock {
    /// What went wrong last in a call of this thread; it is then forgotten. Empty where nothing did.
    pub fn last_fault(&self) -> String {
        text_of(self.last_fault, 4096)
    }

    /// Every kernel that has run so far: the first line of its module, and its name.
    pub fn launched(&self) -> BTreeSet<(String, String)> {
        let labels = text_of(self.launched, 1 << 20);
        let parts = labels.lines().filter_map(|label| label.split_once('\t'));
        parts.map(|(module, kernel)| (module.into(), kernel.into())).collect()
    }

    /// Sets how many bytes of device memory there are, so that they can run out.
    pub fn limit_memory(&self, bytes: usize) {
        (self.limit_memory)(bytes);
    }

    /// Runs blocks, and the warps of a block, from the last to the first.
    pub fn reverse(&self, yes: bool) {
        (self.reverse)(c_int::from(yes));
    }

    /// Makes it the driver of a CUDA release, 12040 for 12.4, which knows no newer PTX.
    pub fn is_of_release(&self, release: i32) {
        (self.release)(release);
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        // SAFETY: a place for the counts.
        unsafe { (self.counts)(&mut counts) };
        counts
    }
}
