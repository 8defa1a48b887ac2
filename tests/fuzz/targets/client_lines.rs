#![no_main]
//! Runs [`regrow_fuzz::client_lines`].

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    regrow_fuzz::client_lines(data);
});
