//! What is quoted, read back by SQLite itself.

use proptest::prelude::*;

use super::*;
use crate::raw::{self, Handle};
use std::ops::ControlFlow;

fn database() -> Handle {
    raw::open(&format!("file:/quote-{}-{:?}?vfs=memdb", std::process::id(), std::thread::current().id())).unwrap()
}

/// Returns the value of an expression, with its type, and whether the statement holds nothing else.
fn value(handle: &mut Handle, expression: &str) -> (String, String) {
    let mut found = (String::new(), String::new());
    handle
        .run(&format!("SELECT {expression}, typeof({expression})"), &[], |row| {
            found = (row.text(0).to_owned(), row.text(1).to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

/// Texts of what ends or changes a literal, a name, a line or a statement.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<char>().prop_filter("SQLite's texts end with a NUL", |c| *c != '\0').prop_map(String::from),
        prop::sample::select(vec![
            "'",
            "''",
            "\"",
            "\"\"",
            "`",
            "[",
            "]",
            ";",
            "--",
            "/*",
            "*/",
            "\\",
            "\\'",
            "\n",
            "\r\n",
            "\n.shell rm\n",
            "\ngo\n",
            "\n/\n",
            "); DROP TABLE t; --",
            "?",
            "?1",
            ":a",
            "@a",
            "$a",
            "X'",
            "CAST(",
            "é",
            "\u{202e}",
            "%",
            "NULL",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_text_comes_back_as_it_was(text in hostile()) {
        let quoted = super::text(&text);
        let found = value(&mut database(), &quoted);
        prop_assert_eq!(found, (text, "text".to_owned()));
        prop_assert!(quoted.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "one line of plain characters");
    }

    #[test]
    fn a_name_names_what_it_says(text in hostile()) {
        prop_assume!(!text.is_empty());
        let mut handle = database();
        let table = name(&text);
        handle.run(&format!("CREATE TABLE {table} ({table} TEXT)"), &[], |_| ControlFlow::Continue(())).unwrap();
        let mut names = Vec::new();
        let query = "SELECT name, (SELECT name FROM pragma_table_info(s.name)) FROM sqlite_schema AS s";
        handle
            .run(query, &[], |row| {
                names.push((row.text(0).to_owned(), row.text(1).to_owned()));
                ControlFlow::Continue(())
            })
            .unwrap();
        prop_assert_eq!(names, [(text.clone(), text)]);
    }

    #[test]
    fn an_integer_comes_back_as_it_was(number in any::<i64>()) {
        prop_assert_eq!(value(&mut database(), &integer(number)), (number.to_string(), "integer".to_owned()));
    }
}

#[test]
fn the_ends_and_nothing_are_written() {
    for number in [i64::MIN, i64::MAX, 0, -1] {
        assert_eq!(value(&mut database(), &integer(number)), (number.to_string(), "integer".to_owned()));
    }
    assert_eq!((optional_text(None).as_str(), optional_text(Some("it's")).as_str()), ("NULL", "'it''s'"));
    assert_eq!(text("a\nb"), "CAST(x'610a62' AS TEXT)");
}
