#![no_main]
//! Runs [`regrow_fuzz::config`].

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    regrow_fuzz::config(data);
});
