//! The filter language: each operator with its edges, and two-valued logic.

use polymnia::{Filter, Selection};

use super::prelude::*;
use super::table::check_table;
use crate::fixture::Subject;

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
