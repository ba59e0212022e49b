//! Runs the fuzz targets on their corpora, which need no libFuzzer for that. `fuzz/README.md` tells how those grow.

#[path = "../../fuzz/bodies/filter.rs"]
mod filter;
#[path = "../../fuzz/bodies/import.rs"]
mod import;
#[path = "../../fuzz/bodies/matcher.rs"]
mod matcher;
#[path = "../../fuzz/bodies/script.rs"]
mod script;

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
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
fn filter_corpus() {
    replay("filter", filter::run);
}

#[test]
fn import_corpus() {
    replay("import", import::run);
}

#[test]
fn matcher_corpus() {
    replay("matcher", matcher::run);
}

#[test]
fn script_corpus() {
    replay("script", script::run);
}
