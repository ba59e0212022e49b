//! Comparisons: which values have an order, and which.

use super::prelude::*;
use super::table::check_table;
use crate::fixture::Subject;

pub(super) fn comparisons(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": 5}"#, r#"{"a": {"$gt": 4}}"#, true),
            (r#"{"a": 5}"#, r#"{"a": {"$gt": 5}}"#, false),
            (r#"{"a": 5.00}"#, r#"{"a": {"$gt": 5}}"#, false),
            (r#"{"a": 5}"#, r#"{"a": {"$gte": 5.0}}"#, true),
            (r#"{"a": 5}"#, r#"{"a": {"$lt": 5}}"#, false),
            (r#"{"a": 5}"#, r#"{"a": {"$lt": 5.0000001}}"#, true),
            (r#"{"a": 5}"#, r#"{"a": {"$lte": 5}}"#, true),
            (r#"{"a": -5}"#, r#"{"a": {"$lt": -4}}"#, true),
            (r#"{"a": 10}"#, r#"{"a": {"$gt": 9}}"#, true),
            (r#"{"a": "10"}"#, r#"{"a": {"$gt": "9"}}"#, false),
            (r#"{"a": "b"}"#, r#"{"a": {"$gt": "a"}}"#, true),
            (r#"{"a": "a"}"#, r#"{"a": {"$gte": "a"}}"#, true),
            (r#"{"a": "a"}"#, r#"{"a": {"$gt": ""}}"#, true),
            (r#"{"a": ""}"#, r#"{"a": {"$gte": ""}}"#, true),
            (r#"{"a": ""}"#, r#"{"a": {"$gt": ""}}"#, false),
            // Several operators on one path must all hold.
            (r#"{"a": 5}"#, r#"{"a": {"$gt": 4, "$lt": 6}}"#, true),
            (r#"{"a": 5}"#, r#"{"a": {"$gt": 4, "$lt": 5}}"#, false),
            // A value of another type, or none, never passes, whichever way it is compared, and never ends the query.
            (r#"{"a": "5"}"#, r#"{"a": {"$gt": 4}}"#, false),
            (r#"{"a": "5"}"#, r#"{"a": {"$lte": 4}}"#, false),
            (r#"{"a": "abc"}"#, r#"{"a": {"$gt": 4}}"#, false),
            (r#"{"a": 5}"#, r#"{"a": {"$gt": "4"}}"#, false),
            (r#"{"a": 5}"#, r#"{"a": {"$lte": "4"}}"#, false),
            (r#"{"a": null}"#, r#"{"a": {"$lt": 4}}"#, false),
            (r#"{"a": null}"#, r#"{"a": {"$gte": 4}}"#, false),
            (r#"{"a": true}"#, r#"{"a": {"$gte": 0}}"#, false),
            (r#"{"a": true}"#, r#"{"a": {"$lt": "x"}}"#, false),
            (r#"{"a": [5]}"#, r#"{"a": {"$gt": 4}}"#, false),
            (r#"{"a": [5]}"#, r#"{"a": {"$lte": 4}}"#, false),
            (r#"{"a": {"b": 5}}"#, r#"{"a": {"$gt": 4}}"#, false),
            ("{}", r#"{"a": {"$gt": 4}}"#, false),
            ("{}", r#"{"a": {"$lte": 4}}"#, false),
            // So the opposite of a comparison is not the comparison the other way.
            (r#"{"a": "5"}"#, r#"{"a": {"$not": {"$gt": 4}}}"#, true),
            ("{}", r#"{"a": {"$not": {"$gt": 4}}}"#, true),
            (r#"{"a": 5}"#, r#"{"a": {"$not": {"$gt": 4}}}"#, false),
            (r#"{"a": 4}"#, r#"{"a": {"$not": {"$gt": 4}}}"#, true),
        ],
    );
}

pub(super) fn numbers_compare_as_exact_decimals(subject: &Subject) {
    // In order, each line equal among itself.
    let lines: &[&[&str]] = &[
        &["-1e401"],
        &["-1e400", "-10e399"],
        &["-1.7976931348623157e309"],
        &["-18446744073709551617"],
        &["-9007199254740993"],
        &["-9007199254740992", "-9.007199254740992e15"],
        &["-10", "-1e1"],
        &["-9.99"],
        &["-1.5", "-1.50"],
        &["-1e-300"],
        &["-1e-400"],
        &["0", "-0", "0.0", "0e10"],
        &["1e-401"],
        &["1e-400", "0.1e-399"],
        &["1e-300"],
        &["0.1", "1e-1", "0.10"],
        &["0.1000000000000000055511151231257827"],
        &["0.30"],
        &["0.30000000000000004"],
        &["1", "1.000", "10e-1"],
        &["1.5", "15e-1"],
        &["9"],
        &["10", "1e1"],
        &["9007199254740992", "9007199254740992.0"],
        &["9007199254740993", "9.007199254740993e15"],
        &["9223372036854775807"],
        &["9223372036854775808"],
        &["18446744073709551616"],
        &["123456789012345678901234567890.1"],
        &["123456789012345678901234567890.10000000000000000000000001"],
        &["1.7976931348623157e308"],
        &["1.7976931348623157e309"],
        &["1e400", "10e399"],
        &["1e401"],
    ];
    in_order(subject, lines);
}

pub(super) fn strings_compare_by_their_bytes(subject: &Subject) {
    // A collation would put `ä` beside `a`, and small letters beside great ones.
    let lines: &[&[&str]] = &[
        &[r#""""#],
        &[r#""\u0001""#],
        &[r#""\n""#, r#""\u000a""#],
        &[r#"" ""#],
        &[r#""\"""#, r#""\u0022""#],
        &[r#""%""#],
        &[r#""'""#],
        &[r#""10""#],
        &[r#""9""#],
        &[r#""B""#, r#""\u0042""#],
        &[r#""Z""#],
        &[r#""\\""#],
        &[r#""_""#],
        &[r#""a""#, r#""\u0061""#],
        &[r#""ab""#],
        &[r#""aä""#],
        &[r#""a\u0301""#],
        &[r#""b""#],
        &["\"\u{7f}\"", r#""\u007f""#],
        &[r#""Ä""#, r#""\u00c4""#],
        &[r#""ä""#, r#""\u00e4""#],
        &[r#""漢""#],
        // By UTF-16, which some compare by, the next two would stand the other way round.
        &["\"\u{ffff}\""],
        &[r#""😀""#, r#""\ud83d\ude00""#],
    ];
    in_order(subject, lines);
}

/// Stores one document for each line, and compares all with each other, under a key of their own and within an array.
fn in_order(subject: &Subject, lines: &[&[&str]]) {
    let store = subject.store();
    let puts = (0..).zip(lines).flat_map(|(line, spellings)| {
        (0..).zip(*spellings).map(move |(spelling, text)| {
            let memory = new("m").with_metadata(metadata(&format!(r#"{{"v": {text}, "a": [0, {text}]}}"#)));
            put_mutation(id(line * 10 + spelling), memory)
        })
    });
    store.apply(&here(), &puts.collect::<Vec<_>>()).unwrap();
    // Some that have no place in the order.
    for (number, text) in (10_000..).zip(["{}", r#"{"v": null}"#, r#"{"v": [1]}"#, r#"{"v": {"a": 1}}"#, r#"{"v": true}"#]) {
        put(&store, &here(), id(number), new("m").with_metadata(metadata(text)));
    }
    let stored: Vec<(usize, u64)> = lines
        .iter()
        .enumerate()
        .flat_map(|(line, spellings)| (0..spellings.len()).map(move |n| (line, (line * 10 + n) as u64)))
        .collect();
    for (line, spellings) in lines.iter().enumerate() {
        for bound in *spellings {
            type Holds = fn(&usize, &usize) -> bool;
            let operators: [(&str, Holds); 6] = [
                ("$eq", usize::eq),
                ("$lt", usize::lt),
                ("$lte", usize::le),
                ("$gt", usize::gt),
                ("$gte", usize::ge),
                ("$in", usize::eq),
            ];
            for (operator, holds) in operators {
                let value = if operator == "$in" { format!("[{bound}]") } else { (*bound).to_owned() };
                let expected: Vec<u64> = stored.iter().filter(|(other, _)| holds(other, &line)).map(|(_, n)| *n).collect();
                for text in [
                    format!(r#"{{"v": {{"{operator}": {value}}}}}"#),
                    format!(r#"{{"$path": ["a", 1], "{operator}": {value}}}"#),
                ] {
                    let mut found = numbers(&all(&store, &here(), filtered(&text)));
                    found.sort_unstable();
                    assert_eq!(found, expected, "{text}");
                }
            }
        }
    }
}
