#![no_main]
//! Runs [`regrow_fuzz::store`].

libfuzzer_sys::fuzz_target!(init: regrow_fuzz::quiet(), |data: &[u8]| {
    regrow_fuzz::store(data);
});
