//! `include/polymnia_plugin.h`: made from `src/abi.rs` and `src/operation.rs`, kept in the repository, and compiled.
//!
//! After a change there: `POLYMNIA_WRITE_HEADER=1 cargo test -p polymnia-plugin --test header`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compile;
mod layout;
mod print;
mod source;

use std::fs;
use std::path::PathBuf;

use crate::source::Interface;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn interface() -> Interface {
    let read = |name: &str| fs::read_to_string(folder().join("src").join(name)).unwrap();
    Interface::read(&read("abi.rs"), &read("operation.rs"))
}

#[test]
fn the_header_is_that_of_the_source() {
    let path = folder().join("include/polymnia_plugin.h");
    let header = print::header(&interface());
    if std::env::var_os("POLYMNIA_WRITE_HEADER").is_some() {
        fs::write(&path, &header).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == header,
        "{} is not what the source says: run `POLYMNIA_WRITE_HEADER=1 cargo test -p polymnia-plugin --test header`",
        path.display()
    );
}

#[test]
fn c_and_rust_agree_on_every_size_place_and_number() {
    let interface = interface();
    let facts = layout::facts();
    layout::assert_complete(&interface, &facts);
    compile::run("c", &["-std=c11"], &layout::program(&facts));
}

#[test]
fn the_header_is_c_of_1999_and_c_plus_plus() {
    let program = "#include \"polymnia_plugin.h\"\nint main(void) { return POLYMNIA_ABI_MAJOR == 1 ? 0 : 1; }\n";
    compile::run("c", &["-std=c99"], program);
    if compile::can_compile("c++") {
        compile::run("c++", &["-std=c++11"], program);
    }
}
