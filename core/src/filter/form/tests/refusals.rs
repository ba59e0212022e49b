//! What is no filter.

use crate::Filter;

/// Returns the message, the place, and the hint if there is one.
fn refusal(text: &str) -> (String, String, Option<String>) {
    let error = match Filter::parse(text) {
        Err(error) => error,
        Ok(filter) => panic!("{text} is read as {}", filter.to_json()),
    };
    assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    let [line, column] = ["line", "column"].map(|key| error.context_value(key).expect("a place").to_owned());
    (error.message().to_owned(), format!("{line}:{column}"), error.hint().map(str::to_owned))
}

fn check(cases: &[(&str, &str, &str)]) {
    for (text, message, place) in cases {
        let (found, at, _) = refusal(text);
        assert_eq!((found.as_str(), at.as_str()), (*message, *place), "{text}");
    }
}

#[test]
fn json_that_is_broken_is_named_with_its_place() {
    check(&[
        ("", "unexpected end of text in JSON: expected a value", "1:1"),
        ("\u{feff}{}", "JSON begins with a byte order mark: expected UTF-8 text without one", "1:1"),
        ("{\"é\": 1,\n \"b\": tru}", "unknown word in JSON: expected `null`, `true`, `false` or a value", "2:7"),
        ("{} {}", "unexpected `{` after the JSON value: expected the end of the text", "1:4"),
        (r#"{"a": "\u0000"}"#, "`\\u0000` in a JSON string: expected text without NUL", "1:8"),
        (r#"{"\u0000": 1}"#, "`\\u0000` in a JSON string: expected text without NUL", "1:3"),
        (
            r#"{"a": [1e131072]}"#,
            "JSON number is too large: expected at most 131072 digits before the decimal point",
            "1:8",
        ),
    ]);
}

#[test]
fn values_of_the_wrong_type_are_named_with_their_place() {
    check(&[
        ("[]", "a filter needs to be an object: found a list", "1:1"),
        (r#"{"$and": [{}, 1]}"#, "a filter needs to be an object: found a number", "1:15"),
        (r#"{"$and": {}}"#, "`$and` needs a list of filters: found an object", "1:10"),
        (r#"{"$or": []}"#, "`$or` of an empty list: expected at least one filter", "1:9"),
        (r#"{"$not": true}"#, "a filter needs to be an object: found a boolean", "1:10"),
        (r#"{"a": {}}"#, "an empty object below a key: expected operators or keys", "1:7"),
        (
            r#"{"a": {"b": 1, "$eq": 2}}"#,
            "operators and keys in one object: expected only the one or the other",
            "1:16",
        ),
        (
            r#"{"a": {"$eq": 1, "$$b": 2}}"#,
            "operators and keys in one object: expected only the one or the other",
            "1:18",
        ),
        (r#"{"$gte": 5}"#, "`$gte` at the root of a filter: expected it below a key", "1:2"),
        (r#"{"$not": {"$gte": 5}}"#, "`$gte` at the root of a filter: expected it below a key", "1:11"),
        (r#"{"a": {"$and": []}}"#, "`$and` in place of an operator: expected it at the root of a filter", "1:8"),
        (r#"{"a": {"$user": "x"}}"#, "`$user` in place of an operator: expected it at the root of a filter", "1:8"),
        (r#"{"a": {"$not": {"b": 1}}}"#, "a key in the object of `$not`: expected operators only", "1:17"),
        (r#"{"a": {"$not": {}}}"#, "`$not` of an empty object: expected at least one operator", "1:16"),
        (r#"{"a": {"$not": 5}}"#, "`$not` needs an object of operators: found a number", "1:16"),
        (r#"{"a": {"$in": 5}}"#, "`$in` needs a list: found a number", "1:15"),
        (r#"{"a": {"$all": "x"}}"#, "`$all` needs a list: found a string", "1:16"),
        (r#"{"a": {"$exists": 1}}"#, "`$exists` needs `true` or `false`: found a number", "1:19"),
        (r#"{"a": {"$gte": [1]}}"#, "`$gte` needs a number or a string: found a list", "1:16"),
        (r#"{"a": {"$lt": null}}"#, "`$lt` needs a number or a string: found null", "1:15"),
        (r#"{"a": {"$size": "3"}}"#, "`$size` needs a whole number: found a string", "1:17"),
        (r#"{"a": {"$size": -1}}"#, "`$size` needs a whole number from 0 to 4294967295", "1:17"),
        (r#"{"a": {"$size": 1.5}}"#, "`$size` needs a whole number from 0 to 4294967295", "1:17"),
        (
            r#"{"a": {"$size": {"$ne": 1}}}"#,
            "`$ne` in the object of `$size`: expected one of `$eq`, `$gt`, `$gte`, `$lt`, `$lte`",
            "1:18",
        ),
        (r#"{"a": {"$size": {"$gt": "1"}}}"#, "`$gt` needs a whole number: found a string", "1:25"),
        (r#"{"a": {"$prefix": 1}}"#, "`$prefix` needs a string: found a number", "1:19"),
        (r#"{"$user": null}"#, "`$user` needs a string: found null", "1:11"),
        (r#"{"$user": ["a"]}"#, "`$user` needs a string: found a list", "1:11"),
        (r#"{"$user": {"$in": ["a", 1]}}"#, "`$in` needs a string: found a number", "1:25"),
        (r#"{"$user": {"b": 1}}"#, "a key in the object of `$user`: expected operators only", "1:12"),
        (r#"{"$user": {}}"#, "`$user` of an empty object: expected at least one operator", "1:11"),
        (r#"{"$importance": "x"}"#, "`$importance` needs a number: found a string", "1:17"),
        (
            r#"{"$importance": {"$prefix": "x"}}"#,
            "`$prefix` of `$importance`, which is a number: expected one of `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, \
             `$in`, `$nin`, `$exists`, `$not`",
            "1:18",
        ),
        (
            r#"{"$created_at": "soon"}"#,
            "`$created_at` of a text that is no time: expected a time in RFC 3339, such as \"2026-03-02T09:14:00Z\"",
            "1:17",
        ),
    ]);
}

#[test]
fn paths_that_lead_nowhere_are_named_with_their_place() {
    check(&[
        (r#"{"$path": "a", "$eq": 1}"#, "`$path` needs a list of keys and indexes: found a string", "1:11"),
        (r#"{"$path": [], "$eq": 1}"#, "`$path` of an empty list: expected at least one key", "1:11"),
        (
            r#"{"$path": ["a", -1], "$eq": 1}"#,
            "a step of `$path` needs to be a string or a whole number from 0 to 2147483647",
            "1:17",
        ),
        (r#"{"$path": ["a"]}"#, "`$path` without an operator: expected one beside it", "1:1"),
        (r#"{"$path": ["a"], "b": 1}"#, "only operators can stand beside `$path`", "1:18"),
        (r#"{"$user": "m", "$path": ["a"]}"#, "only operators can stand beside `$path`", "1:16"),
        (r#"{"$not": {}, "$and": [{}], "$path": ["a"]}"#, "only operators can stand beside `$path`", "1:28"),
        (r#"{"$path": ["a", 0], "$contains": 1}"#, "containment behind an index: expected a path of keys", "1:34"),
    ]);
}

#[test]
fn what_stands_twice_is_refused() {
    check(&[
        // A condition that is silently gone would widen the filter.
        (r#"{"a": 1, "b": 2, "\u0061": 3}"#, "a key stands twice in one object: expected each once", "1:18"),
        (r#"{"a": {"$gt": 1, "$gt": 2}}"#, "`$gt` stands twice in one object: expected it once", "1:18"),
        (r#"{"$or": [{}], "$or": [{}]}"#, "`$or` stands twice in one object: expected it once", "1:15"),
        (
            r#"{"$path": ["a"], "$eq": 1, "$path": ["b"]}"#,
            "`$path` stands twice in one object: expected it once",
            "1:28",
        ),
        (r#"{"a": {"b": 1, "b": 2}}"#, "a key stands twice in one object: expected each once", "1:16"),
        (r#"{"$user": {"$ne": "a", "$ne": "b"}}"#, "`$ne` stands twice in one object: expected it once", "1:24"),
    ]);
}

#[test]
fn words_that_are_none_of_ours_are_named_with_the_closest() {
    check(&[
        (r#"{"a": {"$gtee": 1}}"#, "unknown operator `$gtee`: did you mean `$gte`?", "1:8"),
        (r#"{"a": {"$GTE": 1}}"#, "unknown operator `$GTE`: did you mean `$gte`?", "1:8"),
        (r#"{"a": {"$startsWith": 1}}"#, "unknown operator `$startsWith`: did you mean `$prefix`?", "1:8"),
        (r#"{"$user_id": "m"}"#, "unknown operator `$user_id`: did you mean `$user`?", "1:2"),
        (r#"{"$adn": []}"#, "unknown operator `$adn`: did you mean `$and`?", "1:2"),
    ]);
    let (message, place, hint) = refusal(r#"{"a": {"$regex": "x"}}"#);
    assert!(message.starts_with("unknown operator `$regex`: expected one of `$eq`, `$ne`, "), "{message}");
    assert_eq!(place, "1:8");
    assert_eq!(hint.unwrap(), "a key that begins with `$` is written with `$$`");
    // What could be content, or trouble for a terminal, is not repeated.
    for odd in ["$a b", "$\u{1b}[2J", "$é", &format!("${}", "x".repeat(40))] {
        let text = format!("{{{}: 1}}", serde_json::Value::from(odd));
        assert!(refusal(&text).0.starts_with("unknown operator: expected one of `$and`, "), "{text}");
    }
    let (_, _, hint) = refusal(r#"{"$user": null}"#);
    assert_eq!(hint.unwrap(), r#"{"$user": {"$exists": false}} asks for none"#);
}

#[test]
fn depth_is_limited_while_reading() {
    let nested = |count: usize| format!("{}{{}}{}", "{\"$not\":".repeat(count), "}".repeat(count));
    assert!(Filter::parse(&nested(Filter::MAX_DEPTH)).is_ok());
    let (message, place, _) = refusal(&nested(Filter::MAX_DEPTH + 1));
    assert_eq!(message, "filters are nested more than 32 deep: expected at most 32");
    assert_eq!(place, format!("1:{}", Filter::MAX_DEPTH * 8 + 2));
    for open in [
        "{\"$not\":",
        "{\"$and\":[",
        "{\"$or\":[{},",
        "{\"a\":{\"$not\":",
        "{\"a\":",
        "{\"$contains\":",
        "[",
        "{\"a\":[",
    ] {
        refusal(&open.repeat(1 << 17));
    }
    refusal(&format!("{{\"a\":{}", "{\"$not\":".repeat(1 << 17)));
    // An AND that is implied counts as well.
    let implied = nested(Filter::MAX_DEPTH).replace("{}", r#"{"a":1,"b":1}"#);
    assert_eq!(refusal(&implied).1, "1:1");
}

#[test]
fn the_number_of_conditions_and_values_is_limited_while_reading() {
    let list = |count: usize| vec!["1"; count].join(",");
    assert!(Filter::parse(&format!("{{\"a\":{{\"$in\":[{}]}}}}", list(1_000))).is_ok());
    let (message, place, _) = refusal(&format!("{{\"a\":{{\"$in\":[{}]}}}}", list(1_001)));
    assert_eq!(message, "a filter of 1001 conditions and values or more: expected at most 1000");
    assert_eq!(place, "1:2014");
    let ors = |count: usize| format!("{{\"$or\":[{}]}}", vec!["{\"a\":1}"; count].join(","));
    assert!(Filter::parse(&ors(1_000)).is_ok());
    assert!(refusal(&ors(1_001)).0.starts_with("a filter of 1001 conditions and values"));
    assert!(refusal(&format!("{{\"$or\":[{}]}}", vec!["{}"; 1_001].join(","))).0.starts_with("a filter of 1001"));
    // A long path in many conditions takes its bytes each time.
    let members: Vec<String> = (0..100).map(|number| format!("\"{number}\":1")).collect();
    let long = format!("{{\"{}\":{{{}}}}}", "x".repeat(20_000), members.join(","));
    assert!(refusal(&long).0.starts_with("the values and keys of a filter take "));
}
