#![no_main]

#[path = "../bodies/plugin_reply.rs"]
mod plugin_reply;

libfuzzer_sys::fuzz_target!(|data: &[u8]| plugin_reply::run(data));
