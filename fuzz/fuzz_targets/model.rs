#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mirscope_fuzz::properties::models::model(bytes);
});
