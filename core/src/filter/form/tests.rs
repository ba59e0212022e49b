use proptest::prelude::*;

use crate::filter::{Bound, FieldTest, Is, Prefix, Real, Relation, SizeTest, Step, Test, TextField, TimeField};
use crate::{Filter, Json, Path, Timestamp};

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn path<const N: usize>(keys: [&str; N]) -> crate::filter::PathBuilder {
    Filter::path(keys).unwrap()
}

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
fn refusals_point_at_the_place_and_say_what_was_expected() {
    for (text, message, place) in [
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
        (r#"{"$path": "a", "$eq": 1}"#, "`$path` needs a list of keys and indexes: found a string", "1:11"),
        (r#"{"$path": [], "$eq": 1}"#, "`$path` of an empty list: expected at least one key", "1:11"),
        (
            r#"{"$path": ["a", -1], "$eq": 1}"#,
            "a step of `$path` needs to be a string or a whole number from 0 to 2147483647",
            "1:17",
        ),
        (r#"{"$path": ["a"]}"#, "`$path` without an operator: expected one beside it", "1:1"),
        (r#"{"$path": ["a"], "b": 1}"#, "only operators can stand beside `$path`", "1:18"),
        (r#"{"$user": "m", "$path": ["a"]}"#, "only operators can stand beside `$path`", "1:2"),
        (r#"{"$path": ["a", 0], "$contains": 1}"#, "`$contains` behind an index: expected a path of keys", "1:34"),
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
        // Words that are none of ours.
        (r#"{"a": {"$gtee": 1}}"#, "unknown operator `$gtee`: did you mean `$gte`?", "1:8"),
        (r#"{"a": {"$GTE": 1}}"#, "unknown operator `$GTE`: did you mean `$gte`?", "1:8"),
        (r#"{"a": {"$startsWith": 1}}"#, "unknown operator `$startsWith`: did you mean `$prefix`?", "1:8"),
        (r#"{"$user_id": "m"}"#, "unknown operator `$user_id`: did you mean `$user`?", "1:2"),
        (r#"{"$adn": []}"#, "unknown operator `$adn`: did you mean `$and`?", "1:2"),
    ] {
        let (found, at, _) = refusal(text);
        assert_eq!((found.as_str(), at.as_str()), (message, place), "{text}");
    }
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

/// Returns the filter that reading what is printed gives: lists of no filter have another form.
fn normal(filter: Filter) -> Filter {
    match filter {
        Filter::And(filters) if filters.is_empty() => Filter::All,
        Filter::Or(filters) if filters.is_empty() => Filter::Not(Box::new(Filter::All)),
        Filter::And(filters) => Filter::And(filters.into_iter().map(normal).collect()),
        Filter::Or(filters) => Filter::Or(filters.into_iter().map(normal).collect()),
        Filter::Not(inner) => Filter::Not(Box::new(normal(*inner))),
        one => one,
    }
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(vec!["a", "b", "", "$eq", "$", "$$", "$path", "a.b", "a b", "\"", "\\", "é", "0", "\n"])
            .prop_map(str::to_owned),
        1 => "[^\0]{0,6}",
    ]
}

fn values() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        proptest::sample::select(vec!["null", "true", "false", "0", "-1.50", "9007199254740993", "1e30", "{}", "[]"])
            .prop_map(|text| json(text)),
        keys().prop_map(|text| Json::from_serialize(&text).unwrap()),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|list| Json::from_serialize(&list).unwrap()),
            proptest::collection::btree_map(keys(), inner, 0..3).prop_map(|map| Json::from_serialize(&map).unwrap()),
        ]
    })
}

fn relations() -> impl Strategy<Value = Relation> {
    proptest::sample::select(vec![Relation::Less, Relation::LessOrEqual, Relation::Greater, Relation::GreaterOrEqual])
}

fn tests() -> impl Strategy<Value = Test> {
    let list = || proptest::collection::vec(values(), 0..3);
    let bounds = values().prop_map(|value| Bound::new(value).unwrap_or_else(|_| Bound::new(json("7")).unwrap()));
    prop_oneof![
        Just(Test::Exists),
        values().prop_map(Test::Eq),
        list().prop_map(Test::In),
        (relations(), bounds).prop_map(|(relation, bound)| Test::Compare(relation, bound)),
        keys().prop_map(|text| Test::Prefix(Prefix::new(text).unwrap())),
        list().prop_map(Test::Any),
        list().prop_map(Test::All),
        any::<u32>().prop_map(|size| Test::Size(SizeTest::Is(size))),
        (relations(), any::<u32>()).prop_map(|(relation, size)| Test::Size(SizeTest::Compare(relation, size))),
    ]
}

fn is<T: Clone + std::fmt::Debug + 'static>(value: impl Strategy<Value = T> + Clone + 'static) -> BoxedStrategy<Is<T>> {
    prop_oneof![
        Just(Is::Present),
        value.clone().prop_map(Is::Eq),
        proptest::collection::vec(value.clone(), 0..3).prop_map(Is::In),
        (relations(), value).prop_map(|(relation, value)| Is::Compare(relation, value)),
    ]
    .boxed()
}

fn field_tests() -> impl Strategy<Value = FieldTest> {
    let text = || proptest::sample::select(vec![TextField::User, TextField::Agent, TextField::Thread, TextField::Tier]);
    let time = proptest::sample::select(vec![TimeField::Created, TimeField::Updated, TimeField::Expires]);
    let number = any::<f64>().prop_map(|number| Real::new(if number.is_nan() { 0.1 } else { number }).unwrap());
    let moment = (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros())
        .prop_map(|micros| Timestamp::from_micros(micros).unwrap());
    prop_oneof![
        (text(), is(keys().boxed())).prop_map(|(field, is)| FieldTest::Text(field, is)),
        (text(), keys()).prop_map(|(field, prefix)| FieldTest::Prefix(field, Prefix::new(prefix).unwrap())),
        is(number.boxed()).prop_map(FieldTest::Importance),
        (time, is(moment.boxed())).prop_map(|(field, is)| FieldTest::Time(field, is)),
    ]
}

fn filters() -> impl Strategy<Value = Filter> {
    let step = prop_oneof![4 => keys().prop_map(Step::Key), 1 => (0..=Path::MAX_INDEX).prop_map(Step::Index)];
    let path = proptest::collection::vec(step, 1..4).prop_map(|steps| Path::new(steps).unwrap());
    let one = prop_oneof![
        1 => Just(Filter::All),
        2 => values().prop_map(Filter::Contains),
        6 => (path, tests()).prop_map(|(path, test)| Filter::Metadata { path, test }),
        3 => field_tests().prop_map(Filter::Field),
    ];
    one.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2_000), ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back(filter in filters()) {
        let printed = filter.to_json();
        prop_assert_eq!(&Json::parse(printed.as_str()).unwrap(), &printed, "canonical");
        let read = Filter::parse(printed.as_str()).map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
        prop_assert_eq!(&read, &normal(filter), "{}", printed);
        prop_assert_eq!(read.to_json(), printed);
    }
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
fn what_is_nested_as_deep_as_may_be_reads_back() {
    let deepest = json(&format!("{}{}", "[".repeat(Json::MAX_DEPTH), "]".repeat(Json::MAX_DEPTH)));
    let path = Path::new(vec!["a"; Path::MAX_STEPS]).unwrap();
    let mut filter = Filter::Metadata { path, test: Test::Eq(deepest) };
    for depth in 0..Filter::MAX_DEPTH {
        filter = if depth % 2 == 0 { Filter::Or(vec![filter]) } else { Filter::And(vec![Filter::All, filter]) };
    }
    filter.check().unwrap();
    assert_eq!(parse(filter.to_json().as_str()), filter);
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
