//! Tests of loading, on libraries that the C compiler makes of a few lines.

mod pinned;
mod refused;
mod tables;
mod together;
mod trusted;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use polymnia::{Error, ErrorKind};
use tempfile::TempDir;

use super::*;
use crate::message::Description;
use crate::wire;

/// Is the source of a small library. What isn't said is as it should be.
struct Source {
    symbol: &'static str,
    magic: &'static str,
    major: u16,
    minor: u16,
    /// What the table says its length is, in C.
    size: &'static str,
    /// Its functions, in C.
    functions: &'static str,
    /// What stands after them.
    after: &'static str,
    status: u32,
    description: Vec<u8>,
}

impl Default for Source {
    fn default() -> Self {
        let description = Description {
            name: "small".to_owned(),
            version: "1.2.3".to_owned(),
            url_schemes: vec!["small".to_owned()],
            operations: vec![0],
            features: 0,
        };
        Self {
            symbol: "polymnia_plugin_v1",
            magic: "POLYMNIA",
            major: ABI_MAJOR,
            minor: 0,
            size: "sizeof(struct table)",
            functions: "describe, open, call, close, take_back",
            after: "",
            status: 0,
            description: wire::to_bytes(&description).unwrap().0,
        }
    }
}

impl Source {
    /// Makes the library `small.so` in a folder. When it is loaded, it makes a file `ran` beside itself.
    fn build(&self, folder: &Path) -> PathBuf {
        let Self { symbol, magic, major, minor, size, functions, after, status, description } = self;
        let bytes = description.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte}, ").unwrap();
            text
        });
        let marker = folder.join("ran");
        let marker = marker.display();
        let source = format!(
            r#"
            #include <stddef.h>
            #include <stdint.h>
            #include <stdio.h>
            struct bytes {{ const uint8_t *data; size_t len; }};
            struct buffer {{ uint8_t *data; size_t len, extra; }};
            struct table {{
                char magic[8]; uint16_t major, minor; uint32_t size;
                void *functions[5];
                void *after[4];
            }};
            static uint8_t said[] = {{ {bytes} }};
            static uint32_t describe(const void *host, struct buffer *reply) {{
                reply->data = said; reply->len = sizeof said; return {status};
            }}
            static uint32_t open(struct bytes a, const void *b, uint64_t *c, struct buffer *d) {{ return 2; }}
            static uint32_t call(uint64_t a, uint32_t b, struct bytes c, const void *d, struct buffer *e) {{ return 2; }}
            static uint32_t close(uint64_t a, struct buffer *b) {{ return 0; }}
            static void take_back(struct buffer a) {{}}
            __attribute__((used)) static void *all[] = {{ describe, open, call, close, take_back }};
            __attribute__((constructor)) static void ran(void) {{ FILE *f = fopen("{marker}", "w"); if (f) fclose(f); }}
            struct table {symbol} = {{ "{magic}", {major}, {minor}, {size}, {{ {functions} }}, {{ {after} }} }};
            "#
        );
        compile(folder, "small.so", &source)
    }
}

/// Compiles C into a shared library.
fn compile(folder: &Path, name: &str, source: &str) -> PathBuf {
    let from = folder.join("source.c");
    std::fs::write(&from, source).unwrap();
    let library = folder.join(name);
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-w", "-o"]).arg(&library).arg(&from);
    let done = compiler.output().expect("these tests need a C compiler named cc");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    library
}

/// Makes a folder that is trusted.
fn folder() -> TempDir {
    tempfile::Builder::new().prefix("polymnia-load-").tempdir().unwrap()
}

fn open(path: &Path) -> Result<&'static Loaded> {
    load(path, &LoadOptions::default())
}

/// Refuses to load, and says what the error says.
#[track_caller]
fn refusal(path: &Path, kind: ErrorKind, part: &str) -> Error {
    let error = open(path).map(|loaded| loaded.who().to_string()).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.operation(), Some("load"));
    assert!(error.to_string().contains(part), "{error}: expected {part:?}");
    assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error} names the file");
    error
}

/// Whether the library of [`Source`] in that folder was ever loaded.
fn ran(folder: &TempDir) -> bool {
    folder.path().join("ran").exists()
}
