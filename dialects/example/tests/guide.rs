//! The guide for authors quotes the sources as they are.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

/// What a guide shows of a file.
struct Quote {
    line: usize,
    file: String,
    text: String,
}

/// Returns the blocks of code in a page, each with the file that is named above it: **`path`**, alone on its line.
fn quotes(page: &str) -> Vec<Quote> {
    let mut quotes = Vec::new();
    let mut file = String::new();
    let mut open: Option<Quote> = None;
    for (at, line) in page.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => quotes.extend(open.take()),
            Some(quote) => {
                quote.text.push_str(line);
                quote.text.push('\n');
            }
            None => {
                if let Some(named) = line.strip_prefix("**`").and_then(|rest| rest.strip_suffix("`**")) {
                    named.clone_into(&mut file);
                }
                if ["```rust", "```toml", "```c"].contains(&line) {
                    open = Some(Quote { line: at + 1, file: file.clone(), text: String::new() });
                } else if line.starts_with("```") && line != "```" {
                    // A block of another language is skipped to its end.
                    open = Some(Quote { line: at + 1, file: String::new(), text: String::new() });
                }
            }
        }
    }
    assert!(open.is_none(), "a block of code does not end");
    quotes.retain(|quote| !quote.file.is_empty());
    quotes
}

#[test]
fn quotes_are_what_the_files_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/plugins/authors.md")).unwrap();
    let quotes = quotes(&page);
    assert!(quotes.len() > 10, "the guide shows {} pieces of code", quotes.len());
    for Quote { line, file, text } in quotes {
        let source =
            fs::read_to_string(root.join(&file)).unwrap_or_else(|error| panic!("line {line}: {file}: {error}"));
        assert!(source.contains(&text), "authors.md, line {line}: {file} does not say\n{text}");
    }
}
