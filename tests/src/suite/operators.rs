//! The filter language: each operator with its edges, and two-valued logic.

use polymnia::filter::FilterMatcher;
use polymnia::{Filter, Json, Selection};

use super::prelude::*;
use crate::fixture::Subject;

/// Metadata, a filter, and whether it selects a memory with that metadata.
type Table = [(&'static str, &'static str, bool)];

pub(super) fn exists(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": 1}"#, r#"{"a": {"$exists": true}}"#, true),
            (r#"{"a": 1}"#, r#"{"a": {"$exists": false}}"#, false),
            ("{}", r#"{"a": {"$exists": true}}"#, false),
            ("{}", r#"{"a": {"$exists": false}}"#, true),
            // Missing is not null.
            (r#"{"a": null}"#, r#"{"a": {"$exists": true}}"#, true),
            (r#"{"a": null}"#, r#"{"a": {"$exists": false}}"#, false),
            (r#"{"a": {}}"#, r#"{"a": {"$exists": true}}"#, true),
            (r#"{"a": []}"#, r#"{"a": {"$exists": true}}"#, true),
            (r#"{"a": false}"#, r#"{"a": {"$exists": true}}"#, true),
            (r#"{"b": {"a": 1}}"#, r#"{"a": {"$exists": true}}"#, false),
            (r#"{"a": {"b": null}}"#, r#"{"a": {"b": {"$exists": true}}}"#, true),
            (r#"{"a": null}"#, r#"{"a": {"b": {"$exists": true}}}"#, false),
            (r#"{"a": [{"b": 1}]}"#, r#"{"a": {"b": {"$exists": true}}}"#, false),
            (r#"{"a": [{"b": 1}]}"#, r#"{"$path": ["a", 0, "b"], "$exists": true}"#, true),
            (r#"{"a": [{"b": 1}]}"#, r#"{"$path": ["a", 1], "$exists": true}"#, false),
            (r#"{"a": "text"}"#, r#"{"$path": ["a", 0], "$exists": true}"#, false),
            (r#"{"a": 1, "a": {"b": 2}}"#, r#"{"a": {"b": {"$exists": true}}}"#, true),
            (r#"{"a": {"b": 2}, "a": 1}"#, r#"{"a": {"b": {"$exists": true}}}"#, false),
        ],
    );
}

pub(super) fn equality(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": 1}"#, r#"{"a": 1}"#, true),
            (r#"{"a": 1}"#, r#"{"a": {"$eq": 1}}"#, true),
            (r#"{"a": 1}"#, r#"{"a": "1"}"#, false),
            (r#"{"a": "1"}"#, r#"{"a": 1}"#, false),
            (r#"{"a": 1}"#, r#"{"a": true}"#, false),
            (r#"{"a": true}"#, r#"{"a": true}"#, true),
            (r#"{"a": true}"#, r#"{"a": false}"#, false),
            (r#"{"a": true}"#, r#"{"a": "true"}"#, false),
            (r#"{"a": null}"#, r#"{"a": null}"#, true),
            (r#"{"a": false}"#, r#"{"a": null}"#, false),
            ("{}", r#"{"a": null}"#, false),
            (r#"{"a": ""}"#, r#"{"a": ""}"#, true),
            (r#"{"a": ""}"#, r#"{"a": null}"#, false),
            (r#"{"a": "x"}"#, r#"{"a": "x "}"#, false),
            (r#"{"a": "x"}"#, r#"{"a": "X"}"#, false),
            (r#"{"a": "\u0041"}"#, r#"{"a": "A"}"#, true),
            // Arrays are equal in order, element by element; never to one of their elements.
            (r#"{"a": [1, 2]}"#, r#"{"a": [1, 2]}"#, true),
            (r#"{"a": [1, 2]}"#, r#"{"a": [2, 1]}"#, false),
            (r#"{"a": [1, 2]}"#, r#"{"a": [1]}"#, false),
            (r#"{"a": [1, 1]}"#, r#"{"a": [1]}"#, false),
            (r#"{"a": [1]}"#, r#"{"a": 1}"#, false),
            (r#"{"a": 1}"#, r#"{"a": [1]}"#, false),
            (r#"{"a": []}"#, r#"{"a": []}"#, true),
            (r#"{"a": [[]]}"#, r#"{"a": []}"#, false),
            (r#"{"a": []}"#, r#"{"a": {"$eq": {}}}"#, false),
            (r#"{"a": [1.0, "x", [null]]}"#, r#"{"a": [1, "x", [null]]}"#, true),
            // Objects are sets of members: nothing more, nothing less.
            (r#"{"a": {}}"#, r#"{"a": {"$eq": {}}}"#, true),
            (r#"{"a": {"b": 1}}"#, r#"{"a": {"$eq": {}}}"#, false),
            (r#"{"a": {"b": 1, "c": [2]}}"#, r#"{"a": {"$eq": {"c": [2.0], "b": 1e0}}}"#, true),
            (r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"$eq": {"b": 1}}}"#, false),
            (r#"{"a": {"b": 1}}"#, r#"{"a": {"$eq": {"b": 1, "c": 2}}}"#, false),
            (r#"{"a": {"b": {"c": 1, "d": 2}}}"#, r#"{"a": {"$eq": {"b": {"c": 1}}}}"#, false),
            (r#"{"a": {"b": 1}}"#, r#"{"a": {"b": 1}}"#, true),
            (r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"b": 1}}"#, true),
            // Of duplicate keys the last counts, on both sides.
            (r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#, true),
            (r#"{"a": 1, "a": 2}"#, r#"{"a": 1}"#, false),
            (r#"{"a": {"b": 2}}"#, r#"{"a": {"$eq": {"b": 1, "b": 2}}}"#, true),
            // `ne` selects all that `eq` does not: what is missing, and what is of another type.
            (r#"{"a": 1}"#, r#"{"a": {"$ne": 1}}"#, false),
            (r#"{"a": 1.0}"#, r#"{"a": {"$ne": 1}}"#, false),
            (r#"{"a": 2}"#, r#"{"a": {"$ne": 1}}"#, true),
            (r#"{"a": "1"}"#, r#"{"a": {"$ne": 1}}"#, true),
            ("{}", r#"{"a": {"$ne": 1}}"#, true),
            ("{}", r#"{"a": {"$ne": null}}"#, true),
            (r#"{"a": null}"#, r#"{"a": {"$ne": null}}"#, false),
            (r#"{"a": null}"#, r#"{"a": {"$ne": 1}}"#, true),
            (r#"{"a": [1]}"#, r#"{"a": {"$ne": 1}}"#, true),
        ],
    );
}

pub(super) fn any_of_several_values(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": 2}"#, r#"{"a": {"$in": [1, 2]}}"#, true),
            (r#"{"a": 2.0}"#, r#"{"a": {"$in": [1, 2]}}"#, true),
            (r#"{"a": 3}"#, r#"{"a": {"$in": [1, 2]}}"#, false),
            (r#"{"a": "2"}"#, r#"{"a": {"$in": [1, 2]}}"#, false),
            (r#"{"a": [1]}"#, r#"{"a": {"$in": [1, 2]}}"#, false),
            (r#"{"a": [1]}"#, r#"{"a": {"$in": [[1], 2]}}"#, true),
            (r#"{"a": {"b": 1}}"#, r#"{"a": {"$in": [{"b": 1.0}]}}"#, true),
            (r#"{"a": {"b": 1, "c": 1}}"#, r#"{"a": {"$in": [{"b": 1.0}]}}"#, false),
            (r#"{"a": null}"#, r#"{"a": {"$in": [null, 1]}}"#, true),
            ("{}", r#"{"a": {"$in": [null, 1]}}"#, false),
            (r#"{"a": 1}"#, r#"{"a": {"$in": []}}"#, false),
            ("{}", r#"{"a": {"$in": []}}"#, false),
            (r#"{"a": 1}"#, r#"{"a": {"$nin": []}}"#, true),
            ("{}", r#"{"a": {"$nin": []}}"#, true),
            (r#"{"a": 2}"#, r#"{"a": {"$nin": [1, 2]}}"#, false),
            (r#"{"a": 3}"#, r#"{"a": {"$nin": [1, 2]}}"#, true),
            ("{}", r#"{"a": {"$nin": [1, 2]}}"#, true),
            (r#"{"a": null}"#, r#"{"a": {"$nin": [1, null]}}"#, false),
            (r#"{"a": "x"}"#, r#"{"a": {"$in": ["x", "x"]}}"#, true),
        ],
    );
}

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

pub(super) fn prefixes(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "ab"}}"#, true),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "abc"}}"#, true),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "abcd"}}"#, false),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "b"}}"#, false),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "A"}}"#, false),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": ""}}"#, true),
            (r#"{"a": ""}"#, r#"{"a": {"$prefix": ""}}"#, true),
            // Only strings begin with something.
            (r#"{"a": 12}"#, r#"{"a": {"$prefix": "1"}}"#, false),
            (r#"{"a": 12}"#, r#"{"a": {"$prefix": ""}}"#, false),
            (r#"{"a": null}"#, r#"{"a": {"$prefix": ""}}"#, false),
            (r#"{"a": ["abc"]}"#, r#"{"a": {"$prefix": "a"}}"#, false),
            ("{}", r#"{"a": {"$prefix": ""}}"#, false),
            // Nothing is a pattern.
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "%"}}"#, false),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "a_"}}"#, false),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "a*"}}"#, false),
            (r#"{"a": "abc"}"#, r#"{"a": {"$prefix": "[a]"}}"#, false),
            (r#"{"a": "%x"}"#, r#"{"a": {"$prefix": "%"}}"#, true),
            (r#"{"a": "\\x"}"#, r#"{"a": {"$prefix": "\\"}}"#, true),
            (r#"{"a": "\"x"}"#, r#"{"a": {"$prefix": "\""}}"#, true),
            // By bytes of UTF-8, escapes undone.
            (r#"{"a": "\u0061b"}"#, r#"{"a": {"$prefix": "ab"}}"#, true),
            (r#"{"a": "ab"}"#, r#"{"a": {"$prefix": "\u0061"}}"#, true),
            (r#"{"a": "áb"}"#, r#"{"a": {"$prefix": "á"}}"#, true),
            (r#"{"a": "áb"}"#, r#"{"a": {"$prefix": "a\u0301"}}"#, false),
            (r#"{"a": "a\u0301"}"#, r#"{"a": {"$prefix": "a"}}"#, true),
            (r#"{"a": "😀x"}"#, r#"{"a": {"$prefix": "\ud83d\ude00"}}"#, true),
            (r#"{"a": "\u10ffff"}"#, r#"{"a": {"$prefix": "\u10ff"}}"#, true),
            ("{\"a\": \"\u{10ffff}\u{10ffff}\"}", "{\"a\": {\"$prefix\": \"\u{10ffff}\"}}", true),
            ("{\"a\": \"\u{10ffff}\"}", "{\"a\": {\"$prefix\": \"\u{10ffff}\u{10ffff}\"}}", false),
        ],
    );
}

pub(super) fn arrays(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$any": [2, 3]}}"#, true),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$any": [3, 4]}}"#, false),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$any": [2.0]}}"#, true),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$any": ["2"]}}"#, false),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$any": []}}"#, false),
            (r#"{"a": []}"#, r#"{"a": {"$any": []}}"#, false),
            (r#"{"a": []}"#, r#"{"a": {"$any": [null]}}"#, false),
            (r#"{"a": [null]}"#, r#"{"a": {"$any": [null]}}"#, true),
            // Elements are equal as a whole: neither searched nor contained.
            (r#"{"a": [[1, 2]]}"#, r#"{"a": {"$any": [1]}}"#, false),
            (r#"{"a": [[1, 2]]}"#, r#"{"a": {"$any": [[1, 2]]}}"#, true),
            (r#"{"a": [[1, 2]]}"#, r#"{"a": {"$any": [[1]]}}"#, false),
            (r#"{"a": [[1, 2]]}"#, r#"{"a": {"$any": [[2, 1]]}}"#, false),
            (r#"{"a": [{"b": 1, "c": 2}]}"#, r#"{"a": {"$any": [{"c": 2, "b": 1}]}}"#, true),
            (r#"{"a": [{"b": 1, "c": 2}]}"#, r#"{"a": {"$any": [{"b": 1}]}}"#, false),
            (r#"{"a": [[]]}"#, r#"{"a": {"$any": [[]]}}"#, true),
            (r#"{"a": [{}]}"#, r#"{"a": {"$any": [[]]}}"#, false),
            // Only arrays have elements.
            (r#"{"a": 1}"#, r#"{"a": {"$any": [1]}}"#, false),
            (r#"{"a": "x"}"#, r#"{"a": {"$any": ["x"]}}"#, false),
            (r#"{"a": {"b": 1}}"#, r#"{"a": {"$any": [1]}}"#, false),
            (r#"{"a": {"x": 1}}"#, r#"{"a": {"$any": ["x"]}}"#, false),
            (r#"{"a": null}"#, r#"{"a": {"$any": [null]}}"#, false),
            ("{}", r#"{"a": {"$any": [1]}}"#, false),
            // All.
            (r#"{"a": [1, 2, 3]}"#, r#"{"a": {"$all": [3, 1]}}"#, true),
            (r#"{"a": [1, 2, 3]}"#, r#"{"a": {"$all": [1, 1, 1, 1]}}"#, true),
            (r#"{"a": [1, 2, 3]}"#, r#"{"a": {"$all": [1, 4]}}"#, false),
            (r#"{"a": [1, 2, 3]}"#, r#"{"a": {"$all": []}}"#, true),
            (r#"{"a": []}"#, r#"{"a": {"$all": []}}"#, true),
            (r#"{"a": []}"#, r#"{"a": {"$all": [1]}}"#, false),
            (r#"{"a": 1}"#, r#"{"a": {"$all": []}}"#, false),
            (r#"{"a": {}}"#, r#"{"a": {"$all": []}}"#, false),
            (r#"{"a": null}"#, r#"{"a": {"$all": []}}"#, false),
            ("{}", r#"{"a": {"$all": []}}"#, false),
            (r#"{"a": [[1, 2], "x"]}"#, r#"{"a": {"$all": [[1, 2], "x"]}}"#, true),
            (r#"{"a": [[1, 2], "x"]}"#, r#"{"a": {"$all": [[1], "x"]}}"#, false),
            (r#"{"a": [{"b": 1, "c": 2}]}"#, r#"{"a": {"$all": [{"b": 1}, {"c": 2}]}}"#, false),
            // Size.
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": 2}}"#, true),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": 1}}"#, false),
            (r#"{"a": [[1, 2, 3]]}"#, r#"{"a": {"$size": 1}}"#, true),
            (r#"{"a": []}"#, r#"{"a": {"$size": 0}}"#, true),
            (r#"{"a": null}"#, r#"{"a": {"$size": 0}}"#, false),
            (r#"{"a": {}}"#, r#"{"a": {"$size": 0}}"#, false),
            (r#"{"a": {"b": 1}}"#, r#"{"a": {"$size": 1}}"#, false),
            (r#"{"a": "ab"}"#, r#"{"a": {"$size": 2}}"#, false),
            ("{}", r#"{"a": {"$size": 0}}"#, false),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": {"$gte": 2}}}"#, true),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": {"$gt": 2}}}"#, false),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": {"$lt": 3}}}"#, true),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": {"$lte": 1}}}"#, false),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": {"$lt": 4294967295}}}"#, true),
            (r#"{"a": [1, 2]}"#, r#"{"a": {"$size": 4294967295}}"#, false),
            ("{}", r#"{"a": {"$size": {"$gte": 0}}}"#, false),
            (r#"{"a": 7}"#, r#"{"a": {"$size": {"$lt": 9}}}"#, false),
            // The metadata itself has members, not elements.
            (r#"{"a": [1]}"#, r#"{"a": {"$any": [1], "$size": 1}}"#, true),
        ],
    );
}

pub(super) fn containment_below_a_key(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": {"b": [1, 2], "c": 3}}"#, r#"{"a": {"$contains": {"b": [2]}}}"#, true),
            (r#"{"a": {"b": [1, 2], "c": 3}}"#, r#"{"a": {"$contains": {"b": [4]}}}"#, false),
            (r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": {"$contains": [2]}}}"#, true),
            (r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": {"$contains": 2}}}"#, false),
            (r#"{"a": {"b": 2}}"#, r#"{"a": {"b": {"$contains": 2.0}}}"#, true),
            (r#"{"a": {}}"#, r#"{"a": {"$contains": {}}}"#, true),
            (r#"{"a": []}"#, r#"{"a": {"$contains": {}}}"#, false),
            ("{}", r#"{"a": {"$contains": {}}}"#, false),
            (r#"{"a": 1}"#, r#"{"$contains": {}}"#, true),
            (r#"{"a": 1}"#, r#"{"$contains": {"a": 1.0}}"#, true),
            (r#"{"a": 1}"#, r#"{"$contains": []}"#, false),
            (r#"{"a": 1}"#, r#"{"$not": {"$contains": []}}"#, true),
            (r#"{"$eq": 1}"#, r#"{"$contains": {"$eq": 1}}"#, true),
        ],
    );
}

pub(super) fn steps_of_a_path_have_a_type(subject: &Subject) {
    check_table(
        subject,
        &[
            // A key is never an index, nor an index a key.
            (r#"{"a": ["x", "y"]}"#, r#"{"$path": ["a", 0], "$eq": "x"}"#, true),
            (r#"{"a": ["x", "y"]}"#, r#"{"$path": ["a", 1], "$eq": "y"}"#, true),
            (r#"{"a": ["x", "y"]}"#, r#"{"$path": ["a", 2], "$exists": true}"#, false),
            (r#"{"a": ["x", "y"]}"#, r#"{"$path": ["a", "0"], "$exists": true}"#, false),
            (r#"{"a": ["x", "y"]}"#, r#"{"a": {"0": "x"}}"#, false),
            (r#"{"a": {"0": "x"}}"#, r#"{"a": {"0": "x"}}"#, true),
            (r#"{"a": {"0": "x"}}"#, r#"{"$path": ["a", "0"], "$eq": "x"}"#, true),
            (r#"{"a": {"0": "x"}}"#, r#"{"$path": ["a", 0], "$exists": true}"#, false),
            (r#"{"0": "x"}"#, r#"{"0": "x"}"#, true),
            (r#"{"0": "x"}"#, r#"{"$path": [0], "$exists": true}"#, false),
            (r#"{"-1": "x"}"#, r#"{"-1": "x"}"#, true),
            (r#"{"a": ["x", "y"]}"#, r#"{"a": {"-1": {"$exists": true}}}"#, false),
            (r#"{"a": ["x"]}"#, r#"{"$path": ["a", 2147483647], "$exists": true}"#, false),
            (r#"{"a": [[1, [2]]]}"#, r#"{"$path": ["a", 0, 1, 0], "$eq": 2}"#, true),
            (r#"{"a": [{"b": [5, 6]}]}"#, r#"{"$path": ["a", 0, "b", 1], "$gte": 6}"#, true),
            // A scalar has no element 0, although some say so.
            (r#"{"a": "x"}"#, r#"{"$path": ["a", 0], "$exists": true}"#, false),
            (r#"{"a": 5}"#, r#"{"$path": ["a", 0], "$eq": 5}"#, false),
            // Any text is a key.
            (r#"{"a.b": 1}"#, r#"{"a.b": 1}"#, true),
            (r#"{"a": {"b": 1}}"#, r#"{"a.b": 1}"#, false),
            (r#"{"a.b": 1}"#, r#"{"a": {"b": 1}}"#, false),
            (r#"{"a b": 1}"#, r#"{"a b": 1}"#, true),
            (r#"{"a'b": 1}"#, r#"{"a'b": 1}"#, true),
            (r#"{"a\"b": 1}"#, r#"{"a\"b": 1}"#, true),
            (r#"{"a\\b": 1}"#, r#"{"a\\b": 1}"#, true),
            (r#"{"a\nb": 1}"#, r#"{"a\nb": 1}"#, true),
            (r#"{"%": 1}"#, r#"{"%": 1}"#, true),
            (r#"{"%s%n": 1}"#, r#"{"%s%n": 1}"#, true),
            (r#"{"?": 1, "$1": 2}"#, r#"{"?": 1}"#, true),
            (r#"{"?": 1, "$1": 2}"#, r#"{"$$1": 2}"#, true),
            (r#"{"": 1}"#, r#"{"": 1}"#, true),
            (r#"{"": {"": 1}}"#, r#"{"": {"": 1}}"#, true),
            (r#"{"a": 1}"#, r#"{"": 1}"#, false),
            (r#"{"*": 1}"#, r#"{"*": 1}"#, true),
            (r#"{"a": 1}"#, r#"{"*": 1}"#, false),
            (r#"{"a": 1}"#, r#"{"$$.a": 1}"#, false),
            (r#"{"$.a": 1}"#, r#"{"$$.a": 1}"#, true),
            (r#"{"[0]": 1}"#, r#"{"[0]": 1}"#, true),
            (r#"{"a[0]": 1}"#, r#"{"a[0]": 1}"#, true),
            (r#"{"{a}": 1}"#, r#"{"{a}": 1}"#, true),
            (r#"{"{a,b}": 1}"#, r#"{"{a,b}": 1}"#, true),
            (r#"{"é": 1}"#, r#"{"\u00e9": 1}"#, true),
            (r#"{"é": 1}"#, r#"{"e\u0301": 1}"#, false),
            (r#"{"漢": {"😀": 1}}"#, r#"{"漢": {"\ud83d\ude00": 1}}"#, true),
            (r#"{"A": 1}"#, r#"{"a": 1}"#, false),
            (r#"{"\u0001": 1}"#, r#"{"\u0001": 1}"#, true),
            // What operators are called are keys when doubled.
            (r#"{"$eq": 1}"#, r#"{"$$eq": 1}"#, true),
            (r#"{"$and": [1]}"#, r#"{"$$and": [1]}"#, true),
            (r#"{"$": 1}"#, r#"{"$$": 1}"#, true),
            (r#"{"$$": 1}"#, r#"{"$$$": 1}"#, true),
            (r#"{"$user": "u"}"#, r#"{"$$user": "u"}"#, true),
            (r#"{"a": {"$gt": 1}}"#, r#"{"a": {"$$gt": 1}}"#, true),
            (r#"{"a": {"$gt": 1}}"#, r#"{"a": {"$eq": {"$gt": 1}}}"#, true),
            (r#"{"$path": 1}"#, r#"{"$path": ["$path"], "$eq": 1}"#, true),
            (r#"{"$path": 1}"#, r#"{"$$path": 1}"#, true),
        ],
    );
}

pub(super) fn logic_has_two_values(subject: &Subject) {
    check_table(
        subject,
        &[
            (r#"{"a": 1}"#, "{}", true),
            ("{}", "{}", true),
            ("{}", r#"{"$not": {}}"#, false),
            (r#"{"a": 1}"#, r#"{"$not": {"$not": {"a": 1}}}"#, true),
            ("{}", r#"{"$not": {"$not": {"a": 1}}}"#, false),
            // A condition on what is missing is false, so its opposite is true, at any depth.
            ("{}", r#"{"$not": {"a": 1}}"#, true),
            ("{}", r#"{"$not": {"$or": [{"a": {"$gt": 1}}, {"a": {"$lte": 1}}]}}"#, true),
            ("{}", r#"{"$or": [{"a": {"$gt": 1}}, {"$not": {"a": {"$gt": 1}}}]}"#, true),
            (r#"{"a": null}"#, r#"{"$or": [{"a": {"$gt": 1}}, {"$not": {"a": {"$gt": 1}}}]}"#, true),
            (r#"{"a": null}"#, r#"{"$and": [{"a": {"$gt": 1}}, {"$not": {"a": {"$gt": 1}}}]}"#, false),
            (r#"{"a": null}"#, r#"{"$not": {"$and": [{"a": {"$gt": 1}}, {"b": 1}]}}"#, true),
            (r#"{"a": 2}"#, r#"{"$not": {"$and": [{"a": {"$gt": 1}}, {"b": 1}]}}"#, true),
            (r#"{"a": 2, "b": 1}"#, r#"{"$not": {"$and": [{"a": {"$gt": 1}}, {"b": 1}]}}"#, false),
            // Members are joined by and.
            (r#"{"a": 1, "b": 2}"#, r#"{"a": 1, "b": 2}"#, true),
            (r#"{"a": 1, "b": 2}"#, r#"{"a": 1, "b": 3}"#, false),
            (r#"{"a": 1, "b": 2}"#, r#"{"$or": [{"a": 2}, {"b": 2}], "a": 1}"#, true),
            (r#"{"a": 1, "b": 2}"#, r#"{"$or": [{"a": 1}, {"b": 2}], "a": 2}"#, false),
            (r#"{"a": 1}"#, r#"{"$or": [{"a": 1}]}"#, true),
            (r#"{"a": 1}"#, r#"{"$or": [{"a": 2}, {}]}"#, true),
            (r#"{"a": 1}"#, r#"{"$and": [{}, {"a": 1}]}"#, true),
            (r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"b": 1, "c": 2}}"#, true),
            (r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"b": 1, "c": {"$lt": 2}}}"#, false),
            (r#"{"a": {"b": 1}}"#, r#"{"a": {"$not": {"$eq": {"b": 1}}}}"#, false),
            (r#"{"a": "x"}"#, r#"{"a": {"$not": {"$prefix": "y", "$gt": "a"}}}"#, true),
            (r#"{"a": "yx"}"#, r#"{"a": {"$not": {"$prefix": "y", "$gt": "a"}}}"#, false),
        ],
    );
    // What has no JSON form: none of nothing, all of nothing.
    let store = subject.store();
    let everything = store.count(&here(), &Selection::default()).unwrap();
    for (filter, expected) in [
        (Filter::And(vec![]), everything),
        (Filter::Or(vec![]), 0),
        (Filter::Not(Box::new(Filter::Or(vec![]))), everything),
        (Filter::Not(Box::new(Filter::And(vec![]))), 0),
        (Filter::Not(Box::new(Filter::All)), 0),
        (Filter::Or(vec![Filter::Or(vec![]), Filter::And(vec![])]), everything),
        (Filter::And(vec![Filter::Or(vec![]), Filter::All]), 0),
    ] {
        let selection = Selection::default().with_filter(filter.clone());
        assert_eq!(store.count(&here(), &selection).unwrap(), expected, "{filter:?}");
        assert_eq!(all(&store, &here(), selection).len() as u64, expected, "{filter:?}");
    }
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

/// Asks the dialect for each row of the table by its filter, over all different documents of the table at once.
#[track_caller]
fn check_table(subject: &Subject, table: &Table) {
    let store = subject.store();
    let mut documents: Vec<Json> = table.iter().map(|(document, ..)| json(document)).collect();
    documents.sort_by(|left, right| left.as_str().cmp(right.as_str()));
    documents.dedup();
    let puts = (0..).zip(&documents).map(|(n, document)| {
        put_mutation(id(n), new("m").with_metadata(document.clone().try_into().unwrap()))
    });
    store.apply(&here(), &puts.collect::<Vec<_>>()).unwrap();
    let memories = all(&store, &here(), Selection::default());
    for (document, text, expected) in table {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = numbers(&all(&store, &here(), Selection::default().with_filter(filter.clone())));
        let parsed = json(document);
        let place = documents.iter().position(|other| *other == parsed).unwrap() as u64;
        assert_eq!(found.contains(&place), *expected, "{document} and {text}");
        let matcher = FilterMatcher::new(&filter).unwrap();
        for memory in &memories {
            let number = numbers(std::slice::from_ref(memory))[0];
            let by_engine = found.contains(&number);
            let shown = format!("{} and {text}", memory.metadata.as_str());
            assert_eq!(filter.matches(memory), by_engine, "Filter::matches: {shown}");
            assert_eq!(matcher.matches(memory.metadata.as_str().as_bytes()), by_engine, "FilterMatcher: {shown}");
        }
        assert_eq!(store.count(&here(), &Selection::default().with_filter(filter)).unwrap(), found.len() as u64, "{text}");
    }
}
