#![no_main]
//! Runs [`regrow_fuzz::node`].

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    regrow_fuzz::node(data);
});
