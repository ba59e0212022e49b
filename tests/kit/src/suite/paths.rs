//! Paths: what their steps lead to.

use super::table::check_table;
use crate::fixture::Subject;

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
