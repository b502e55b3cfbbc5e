//! The library says of itself that it is libcuda.so. Its file has another name, so that no program finds it by chance
//! (Cargo puts its output folders on the loader's path); once a test has loaded it, the loader takes it for libcuda.so.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcuda.so");
}
