#![no_main]
//! Runs [`regrow_fuzz::server_lines`].

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    regrow_fuzz::server_lines(data);
});
