mod refusals;
mod round_trip;

use crate::filter::{Relation, SizeTest, Step};
use crate::{Filter, Json, Timestamp};

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn path<const N: usize>(keys: [&str; N]) -> crate::filter::PathBuilder {
    Filter::path(keys).unwrap()
}

#[test]
fn forms_mean_what_the_builders_build() {
    let all = Filter::And;
    let eq = |keys: &[&str], value: &str| Filter::path(keys.iter().copied()).unwrap().eq(json(value)).unwrap();
    for (text, filter) in [
        ("{}", Filter::All),
        (" {\n} ", Filter::All),
        (r#"{"a": 1}"#, eq(&["a"], "1")),
        (r#"{"a": null}"#, eq(&["a"], "null")),
        (r#"{"a": [1, {"$b": 2}]}"#, eq(&["a"], r#"[1, {"$b": 2}]"#)),
        (r#"{"": ""}"#, eq(&[""], r#""""#)),
        (r#"{"a.b": true}"#, eq(&["a.b"], "true")),
        (r#"{"$$eq": 1}"#, eq(&["$eq"], "1")),
        (r#"{"$$$": {"$$": 1}}"#, eq(&["$$", "$"], "1")),
        (r#"{"\u0061": 1}"#, eq(&["a"], "1")),
        (r#"{"n": 9007199254740993.10}"#, eq(&["n"], "9007199254740993.10")),
        (r#"{"n": 1e2}"#, eq(&["n"], "100")),
        (r#"{"a": {"$eq": {"$c": 1, "b": 2}}}"#, eq(&["a"], r#"{"b": 2, "$c": 1}"#)),
        (r#"{"a": 1, "b": 2}"#, all(vec![eq(&["a"], "1"), eq(&["b"], "2")])),
        (r#"{"b": 1, "a": {"c": 2, "d": 3}}"#, all(vec![eq(&["b"], "1"), eq(&["a", "c"], "2"), eq(&["a", "d"], "3")])),
        (r#"{"a": {"$ne": 1}}"#, path(["a"]).ne(1).unwrap()),
        (r#"{"a": {"$in": [1, "x"]}}"#, path(["a"]).is_in([json("1"), json("\"x\"")]).unwrap()),
        (r#"{"a": {"$in": []}}"#, path(["a"]).is_in(Vec::<i32>::new()).unwrap()),
        (r#"{"a": {"$nin": [1]}}"#, path(["a"]).not_in([1]).unwrap()),
        (r#"{"a": {"$exists": true}}"#, path(["a"]).exists()),
        (r#"{"a": {"$exists": false}}"#, path(["a"]).exists().not()),
        (r#"{"a": {"$any": ["x"]}}"#, path(["a"]).any(["x"]).unwrap()),
        (r#"{"a": {"$all": ["x", 1]}}"#, path(["a"]).all([json("\"x\""), json("1")]).unwrap()),
        (r#"{"a": {"$prefix": "x%"}}"#, path(["a"]).prefix("x%").unwrap()),
        (r#"{"a": {"$size": 3.0}}"#, path(["a"]).size(SizeTest::Is(3))),
        (r#"{"a": {"$size": {"$gte": 3}}}"#, path(["a"]).size(SizeTest::Compare(Relation::GreaterOrEqual, 3))),
        (r#"{"a": {"$gt": "x"}}"#, path(["a"]).gt("x").unwrap()),
        (r#"{"a": {"$gte": 1.5, "$lt": 2}}"#, all(vec![path(["a"]).gte(1.5).unwrap(), path(["a"]).lt(2).unwrap()])),
        (r#"{"a": {"$lte": -1}}"#, path(["a"]).lte(-1).unwrap()),
        (r#"{"a": {"$not": {"$gte": 1}}}"#, path(["a"]).gte(1).unwrap().not()),
        (
            r#"{"a": {"$not": {"$gte": 1, "$lt": 2}}}"#,
            all(vec![path(["a"]).gte(1).unwrap(), path(["a"]).lt(2).unwrap()]).not(),
        ),
        (r#"{"a": {"b": {"$contains": [1]}}}"#, Filter::Contains(json(r#"{"a": {"b": [1]}}"#))),
        (
            r#"{"a": {"$$b\"": {"$contains": {"$c": 1e1}}}}"#,
            path(["a", "$b\""]).contains(json(r#"{"$c": 10}"#)).unwrap(),
        ),
        (r#"{"$contains": {"$a": [1]}}"#, Filter::Contains(json(r#"{"$a": [1]}"#))),
        (r#"{"$contains": 1}"#, Filter::Contains(json("1"))),
        (r#"{"$path": ["a", "b"], "$eq": 1}"#, eq(&["a", "b"], "1")),
        (r#"{"$path": ["$a"], "$eq": 1}"#, eq(&["$a"], "1")),
        (
            r#"{"$not": {"$gt": 1}, "$path": ["a", 0]}"#,
            Filter::path([Step::from("a"), Step::from(0)]).unwrap().gt(1).unwrap().not(),
        ),
        (r#"{"$and": [{}]}"#, all(vec![Filter::All])),
        (r#"{"$and": [{"a": 1}, {"b": 2}]}"#, all(vec![eq(&["a"], "1"), eq(&["b"], "2")])),
        (r#"{"$or": [{"a": 1}, {"b": 2}]}"#, Filter::Or(vec![eq(&["a"], "1"), eq(&["b"], "2")])),
        (r#"{"$not": {"a": 1}}"#, eq(&["a"], "1").not()),
        (r#"{"$not": {"$not": {}}}"#, Filter::Not(Box::new(Filter::Not(Box::new(Filter::All))))),
        (
            r#"{"$user": "mara", "$or": [{"a": 1}]}"#,
            all(vec![Filter::user().eq("mara"), Filter::Or(vec![eq(&["a"], "1")])]),
        ),
    ] {
        assert_eq!(parse(text), filter, "{text}");
    }
}

#[test]
fn fields_mean_what_the_builders_build() {
    let time: Timestamp = "2026-03-02T09:14:00.000001Z".parse().unwrap();
    for (text, filter) in [
        (r#"{"$user": "mara"}"#, Filter::user().eq("mara")),
        (r#"{"$agent": {"$ne": ""}}"#, Filter::agent().ne("")),
        (r#"{"$thread": {"$in": ["a", "b"]}}"#, Filter::thread().is_in(["a", "b"])),
        (r#"{"$tier": {"$nin": ["a"]}}"#, Filter::tier().not_in(["a"])),
        (r#"{"$user": {"$exists": false}}"#, Filter::user().exists().not()),
        (r#"{"$user": {"$prefix": "m"}}"#, Filter::user().prefix("m").unwrap()),
        (r#"{"$user": {"$not": {"$gt": "m"}}}"#, Filter::user().gt("m").not()),
        (r#"{"$user": {"$gte": "a", "$lt": "b"}}"#, Filter::And(vec![Filter::user().gte("a"), Filter::user().lt("b")])),
        (r#"{"$importance": 0.50}"#, Filter::importance().eq(0.5).unwrap()),
        (r#"{"$importance": -0.0}"#, Filter::importance().eq(0.0).unwrap()),
        (r#"{"$importance": {"$gt": 0.1}}"#, Filter::importance().gt(0.1).unwrap()),
        (r#"{"$importance": {"$lt": 1e400}}"#, Filter::importance().lt(f64::INFINITY).unwrap()),
        (r#"{"$importance": {"$in": [0, 1]}}"#, Filter::importance().is_in([0.0, 1.0]).unwrap()),
        (r#"{"$created_at": "2026-03-02T10:14:00.0000019+01:00"}"#, Filter::created().eq(time)),
        (r#"{"$updated_at": {"$lte": "2026-03-02T09:14:00.000001Z"}}"#, Filter::updated().lte(time)),
        (r#"{"$expires_at": {"$exists": true}}"#, Filter::expires().exists()),
        (r#"{"$created_at": {"$gte": "1970-01-01"}}"#, Filter::created().gte(Timestamp::from_micros(0).unwrap())),
        // Only at the root, and only with one `$`, is it a field.
        (r#"{"$$user": "mara"}"#, path(["$user"]).eq("mara").unwrap()),
        (r#"{"user": "mara"}"#, path(["user"]).eq("mara").unwrap()),
        (r#"{"$path": ["$user"], "$eq": "mara"}"#, path(["$user"]).eq("mara").unwrap()),
    ] {
        assert_eq!(parse(text), filter, "{text}");
    }
}

#[test]
fn what_is_printed_is_short_and_canonical() {
    let index = Filter::path([Step::from("items"), Step::from(0)]).unwrap();
    for (filter, text) in [
        (Filter::All, "{}"),
        (Filter::And(Vec::new()), "{}"),
        (Filter::Or(Vec::new()), r#"{"$not": {}}"#),
        (path(["a", "b"]).eq(1).unwrap(), r#"{"a": {"b": 1}}"#),
        (path(["a"]).eq(json("{}")).unwrap(), r#"{"a": {"$eq": {}}}"#),
        (path(["a"]).ne(json("{}")).unwrap(), r#"{"a": {"$ne": {}}}"#),
        (path(["$a", "\"\n\u{7f}é"]).exists(), "{\"$$a\": {\"\\\"\\n\u{7f}é\": {\"$exists\": true}}}"),
        (path(["a"]).exists().not(), r#"{"a": {"$exists": false}}"#),
        (path(["a"]).gt(1).unwrap().not(), r#"{"$not": {"a": {"$gt": 1}}}"#),
        (index.clone().eq(5).unwrap(), r#"{"$eq": 5, "$path": ["items", 0]}"#),
        (index.prefix("x").unwrap(), r#"{"$path": ["items", 0], "$prefix": "x"}"#),
        (path(["a"]).size(SizeTest::Compare(Relation::Less, 2)), r#"{"a": {"$size": {"$lt": 2}}}"#),
        (Filter::importance().gte(1.0).unwrap(), r#"{"$importance": {"$gte": 1}}"#),
        (Filter::user().not_in(["a", "b"]), r#"{"$user": {"$nin": ["a", "b"]}}"#),
        (Filter::Contains(json("[]")), r#"{"$contains": []}"#),
    ] {
        assert_eq!(filter.to_json().as_str(), text);
        assert_eq!(json(text).as_str(), text, "canonical");
    }
    assert_eq!(Filter::importance().lt(f64::NEG_INFINITY).unwrap().to_json().as_str().len(), 311 + 26);
}

#[test]
fn a_path_is_found_behind_any_operators() {
    let index = || Filter::path([Step::from("a"), Step::from(0)]).unwrap();
    let brackets = "}]\\\",{[";
    let text = format!(r#"{{ "$not" : {{ "$eq" :"{brackets}" }} , "\u0024path" : ["a", 0] }}"#);
    assert_eq!(parse(&text), index().ne(json(&format!("\"{brackets}\""))).unwrap());
    let deepest = format!("{}7{}", "[".repeat(Json::MAX_DEPTH), "]".repeat(Json::MAX_DEPTH));
    let filter = Filter::And(vec![index().eq(json(&deepest)).unwrap(), index().gt(-1.5).unwrap()]);
    assert_eq!(parse(&format!(r#"{{"$eq": {deepest}, "$gt": -1.5, "$path": ["a", 0]}}"#)), filter);
    assert_eq!(
        parse(&format!(r#"{{"$and": [{{"$eq": {deepest}, "$gt": -1.5, "$path": ["a", 0]}}]}}"#)),
        Filter::And(vec![filter])
    );
}
