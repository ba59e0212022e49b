//! Checks and embeds the migrations.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    // Cargo is told every fault.
    if polymnia::schema::embed(Path::new("."), &["sqlite", "postgres"], &Path::new(&out).join("sources.rs")).is_err() {
        std::process::exit(1);
    }
}
