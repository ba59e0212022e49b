//! Runs the fuzz targets of the boundary on their corpora, which need no libFuzzer for that. `fuzz/README.md` tells how those
//! grow.

#[path = "../../../fuzz/bodies/plugin_reply.rs"]
mod plugin_reply;
#[path = "../../../fuzz/bodies/plugin_request.rs"]
mod plugin_request;

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is part of the repository") {
        let path = entry.expect("the folder can be read").path();
        // Named before it runs, so that a crash is known by its input.
        eprintln!("{}", path.display());
        run(&fs::read(&path).expect("the input can be read"));
        inputs += 1;
    }
    assert!(inputs > 100, "the corpus of {target} holds {inputs} inputs");
}

#[test]
fn plugin_reply_corpus() {
    replay("plugin_reply", plugin_reply::run);
}

#[test]
fn plugin_request_corpus() {
    replay("plugin_request", plugin_request::run);
}
