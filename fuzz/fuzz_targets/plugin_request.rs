#![no_main]

#[path = "../bodies/plugin_request.rs"]
mod plugin_request;

libfuzzer_sys::fuzz_target!(|data: &[u8]| plugin_request::run(data));
