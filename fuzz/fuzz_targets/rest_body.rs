#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::rest_body::check(data));
