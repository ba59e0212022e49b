//! Rules and limits by example.

use serde::{Deserialize, Serialize};

use super::{Json, Matcher};
use crate::error::ErrorKind;

fn json(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Returns the message, the line and the column of a refusal.
fn refusal(text: &str) -> (String, String) {
    let error = Json::parse(text).map(|json| json.as_str().len()).expect_err("the text must be refused");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let position = |key| error.context_value(key).expect("each refusal has a position").to_owned();
    (error.message().to_owned(), format!("{}:{}", position("line"), position("column")))
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn canonical_text_is_what_postgresql_prints() {
    for (text, canonical) in [
        (" null ", "null"),
        ("[ ]", "[]"),
        ("{\n}", "{}"),
        ("[1,[2,{}]]", "[1, [2, {}]]"),
        // Keys by length in bytes, then by bytes; the last duplicate.
        (r#"{"b":1,"aa":2,"":3,"é":4,"a":5}"#, r#"{"": 3, "a": 5, "b": 1, "aa": 2, "é": 4}"#),
        (r#"{"a":1,"\u0061":{"a":2},"a":[3]}"#, r#"{"a": [3]}"#),
        (r#"{"b":{"d":1,"c":2},"a":{"f":1,"e":2,"f":3}}"#, r#"{"a": {"e": 2, "f": 3}, "b": {"c": 2, "d": 1}}"#),
        (r#"{"\n":1,"z":2,"\u0001":3}"#, r#"{"\u0001": 3, "\n": 1, "z": 2}"#),
        // As few escapes as possible.
        (r#""\/\u002f\u0041\u00e9\ud83d\ude00\u007f""#, "\"//Aé😀\u{7f}\""),
        (r#""\ud800\udc00\uDBFF\uDFFF\ud7ff\ue000""#, "\"\u{10000}\u{10ffff}\u{d7ff}\u{e000}\""),
        (r#""\u0008\u000c\u000a\u000d\u0009\u0022\u005c""#, r#""\b\f\n\r\t\"\\""#),
        (r#""\u0001\u000B\u001F""#, r#""\u0001\u000b\u001f""#),
        // Exponents spelt out, the scale kept.
        ("1.50", "1.50"),
        ("1e2", "100"),
        ("1.50e1", "15.0"),
        ("1e-2", "0.01"),
        ("0e-3", "0.000"),
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("-0.0e1", "0"),
        ("0e5", "0"),
        ("-12.345e1", "-123.45"),
        ("-12.345E+4", "-123450"),
        ("12.345e-3", "0.012345"),
        ("0.00012e2", "0.012"),
        ("0.00012e5", "12"),
        ("1e000000000000000000002", "100"),
    ] {
        assert_eq!(json(text).as_str(), canonical, "{text}");
        assert_eq!(json(canonical).as_str(), canonical);
    }
}

#[test]
fn refusals_tell_what_was_expected_and_where() {
    for (text, message, position) in [
        ("", "unexpected end of text in JSON: expected a value", "1:1"),
        ("{\n \"a\": tru}", "unknown word in JSON: expected `null`, `true`, `false` or a value", "2:7"),
        ("NaN", "unknown word in JSON: expected `null`, `true`, `false` or a value", "1:1"),
        ("[1,]", "unexpected `]` in JSON: expected a value", "1:4"),
        ("[1 2]", "unexpected `2` in JSON: expected `,` or `]`", "1:4"),
        ("[1}", "unexpected `}` in JSON: expected `,` or `]`", "1:3"),
        ("{\"a\":1,}", "unexpected `}` in JSON: expected a key in double quotes", "1:8"),
        ("{\"a\" 1}", "unexpected `1` in JSON: expected `:` after the key", "1:6"),
        ("{\"a\":1]", "unexpected `]` in JSON: expected `,` or `}`", "1:7"),
        ("{'a':1}", "unexpected `'` in JSON: expected a key in double quotes", "1:2"),
        ("[\"é\", +1]", "unexpected `+` in JSON: expected a value", "1:7"),
        ("1 \u{a0}", "unexpected character U+00A0 after the JSON value: expected the end of the text", "1:3"),
        ("truex", "unexpected `x` after the JSON value: expected the end of the text", "1:5"),
        ("[01]", "JSON number begins with a superfluous zero: expected `0` or a digit from 1 to 9", "1:2"),
        ("[-.5]", "unexpected `.` in a JSON number: expected a digit", "1:3"),
        ("1.", "unexpected end of text in a JSON number: expected a digit", "1:3"),
        ("1e+", "unexpected end of text in a JSON number: expected a digit", "1:4"),
        ("\u{feff}{}", "JSON begins with a byte order mark: expected UTF-8 text without one", "1:1"),
        ("\"a", "JSON string does not end: expected `\"`", "1:3"),
        ("\"a\\", "JSON string does not end: expected `\"`", "1:4"),
        ("\"a\\u12", "JSON string does not end: expected `\"`", "1:7"),
        ("\"a\\u12g4\"", "unexpected `g` in a JSON escape: expected four hexadecimal digits after `\\u`", "1:7"),
        (
            "\"a\nb\"",
            "unescaped control character U+000A in a JSON string: expected an escape such as `\\n` or `\\u0001`",
            "1:3",
        ),
        ("[\"é\\u0000\"]", "`\\u0000` in a JSON string: expected text without NUL", "1:4"),
        ("[1e131072]", "JSON number is too large: expected at most 131072 digits before the decimal point", "1:2"),
        ("0e-16384", "JSON number is too fine: expected at most 16383 digits after the decimal point", "1:1"),
        ("0e1073741823", "exponent of a JSON number is out of range: expected -1073741822 to 1073741822", "1:1"),
    ] {
        assert_eq!(refusal(text), (message.to_owned(), position.to_owned()), "{text}");
    }
    assert!(refusal("\"\\x\"").0.starts_with("unexpected `x` after a backslash in a JSON string: expected one of"));
    for halves in ["\\ud800", "\\udc00", "\\udc00\\ud800", "\\ud800\\ud800\\udc00", "\\ud800x\\udc00"] {
        assert!(refusal(&format!("\"{halves}\"")).0.starts_with("half of a surrogate pair"), "{halves}");
        assert!(refusal(&format!("{{\"{halves}\": 1}}")).0.starts_with("half of a surrogate pair"), "{halves}");
    }
    let error = Json::from_slice(b"[1,\n \"\xc3\xa9\xff\"]").expect_err("the text is not UTF-8");
    assert_eq!(error.to_string(), "JSON is not valid UTF-8 at this byte: expected UTF-8 text (line: 2, column: 4)");
}

#[test]
fn a_dropped_duplicate_is_judged_all_the_same() {
    assert!(Json::parse(r#"{"a": 1e131072, "a": 1}"#).is_err());
    assert!(Json::parse(r#"{"a": "\u0000", "a": 1}"#).is_err());
}

#[test]
fn size_counts_canonical_bytes() {
    let string = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    assert_eq!(json(&string(Json::MAX_BYTES)).as_str().len(), Json::MAX_BYTES);
    let (message, _) = refusal(&string(Json::MAX_BYTES + 1));
    assert_eq!(message, "JSON takes more than 1048576 bytes as canonical text: expected at most 1048576");

    // Longer as given, but not as stored.
    let spaces = " ".repeat(Json::MAX_BYTES);
    assert_eq!(json(&format!("[1,{spaces}2]")).as_str(), "[1, 2]");
    let duplicates = format!("{{{}\"a\":2}}", format!("\"a\":{},", string(1000)).repeat(2000));
    assert_eq!(json(&duplicates).as_str(), r#"{"a": 2}"#);
    // Shorter as given, but not as stored.
    assert!(refusal(&format!("[{}1]", "1,".repeat(400_000))).0.starts_with("JSON takes more than 1048576 bytes"));

    let (message, position) = refusal(&" ".repeat(Json::MAX_INPUT_BYTES + 1));
    assert_eq!(message, "JSON takes 8388609 bytes as given: expected at most 8388608");
    assert_eq!(position, "1:1");
}

#[test]
fn exponents_are_not_spelt_out_past_the_limit() {
    assert_eq!(json("1e131071").as_str().len(), 131_072);
    assert_eq!(json("1e-16383").as_str().len(), 16_385);
    assert_eq!(json(&format!("[{}1]", "1e100000,".repeat(10))).as_str().len(), 10 * 100_003 + 3);
    // 13 GB, were they spelt out.
    let (message, _) = refusal(&format!("[{}1]", "1e131071,".repeat(100_000)));
    assert!(message.starts_with("JSON takes more than 8388608 bytes with its exponents spelt out"), "{message}");
}

#[test]
fn depth_counts_nested_containers() {
    assert_eq!(json(&nested(Json::MAX_DEPTH)).as_str(), nested(Json::MAX_DEPTH));
    assert_eq!(
        refusal(&nested(Json::MAX_DEPTH + 1)).0,
        "JSON is nested too deep: expected at most 128 containers in one another"
    );
    assert_eq!(refusal(&nested(Json::MAX_DEPTH + 1)).1, "1:129");
    for innermost in ["[]", "{}", "[ ]", "{ }", "[1]", "{\"b\": 1}"] {
        let objects = |outer| format!("{}{innermost}{}", "{\"a\": ".repeat(outer), "}".repeat(outer));
        assert!(Json::parse(&objects(Json::MAX_DEPTH - 1)).is_ok(), "{innermost}");
        assert!(Json::parse(&objects(Json::MAX_DEPTH)).is_err(), "{innermost}");
    }
    assert!(Json::parse(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn containment_follows_postgresql() {
    for (document, needle, expected) in [
        // Roots of different kinds.
        ("{}", "{}", true),
        ("[]", "[]", true),
        ("{}", "[]", false),
        ("[]", "{}", false),
        ("1", "1.0", true),
        ("\"a\"", "\"a\"", true),
        ("1", "\"1\"", false),
        ("1", "[1]", false),
        ("1", "[]", false),
        ("1", "{}", false),
        ("{\"a\": 1}", "1", false),
        ("{\"a\": 1}", "\"a\"", false),
        // A root array contains a root scalar, and only there.
        ("[1, 2]", "2", true),
        ("[null]", "null", true),
        ("[[1]]", "1", false),
        ("[]", "1", false),
        ("{\"a\": [1]}", "{\"a\": 1}", false),
        ("[[1, 2]]", "[1]", false),
        // Objects.
        ("{\"a\": 1, \"b\": {\"c\": [1], \"d\": 2}}", "{\"b\": {\"c\": []}}", true),
        ("{\"a\": {\"b\": 1}}", "{\"b\": 1}", false),
        ("{\"a\": null}", "{\"a\": null}", true),
        ("{}", "{\"a\": null}", false),
        ("{\"a\": 1}", "{\"a\": {}}", false),
        ("{\"a\": []}", "{\"a\": {}}", false),
        ("{\"a\": {\"b\": 1}}", "{\"a\": {}}", true),
        ("{\"a\": 1}", "{\"a\": true}", false),
        // Arrays.
        ("[1, 2, 3]", "[3, 1, 1, 3]", true),
        ("[1, 2]", "[1, 4]", false),
        ("[1, [2, 3]]", "[[3]]", true),
        ("[[1], [2]]", "[[1, 2]]", false),
        ("[[1, 2]]", "[[1], [2]]", true),
        ("[{\"a\": 1, \"b\": 2}]", "[{\"a\": 1}, {\"b\": 2}]", true),
        ("[{\"a\": 1}, {\"b\": 2}]", "[{\"a\": 1, \"b\": 2}]", false),
        ("[1]", "[[]]", false),
        ("[{}]", "[[]]", false),
        ("[[1]]", "[[]]", true),
        ("[]", "[null]", false),
        ("[true, false]", "[false]", true),
        ("[true, null]", "[false]", false),
        // Strings by bytes, numbers by value.
        ("{\"caf\\u00e9\": \"\\u0061\"}", "{\"café\": \"a\"}", true),
        ("[\"e\\u0301\"]", "[\"é\"]", false),
        ("[\"a\"]", "[\"A\"]", false),
        ("[9007199254740993]", "[9007199254740992]", false),
        ("[9007199254740993.00]", "[90071992547409930e-1]", true),
        ("[1e400]", "[1e401]", false),
        ("[10e399]", "[1e400]", true),
        ("[-0.0]", "[0]", true),
        ("[-1]", "[1]", false),
        ("[0.05, 12.5]", "[5e-2, 125e-1]", true),
    ] {
        assert_eq!(json(document).contains(&json(needle)), expected, "{document} @> {needle}");
        assert_eq!(Matcher::new(&json(needle)).matches(document), expected, "{document} @> {needle}");
    }
}

#[test]
fn foreign_documents_are_read_by_the_grammar_alone() {
    for (document, needle, expected) in [
        ("{\"a\": 1, \"a\": 2}", "{\"a\": 2}", true),
        ("{\"a\": 1, \"a\": 2}", "{\"a\": 1}", false),
        ("{\"a\": [1], \"\\u0061\": {}}", "{\"a\": [1]}", false),
        ("{\"x\": \"\\u0000\\ud800\", \"a\": 1}", "{\"a\": 1}", true),
        ("{\"a\\u0000\": 1}", "{\"a\": 1}", false),
        ("[\"\\ud83d\\ud83d\\ude00\"]", "[\"😀\"]", false),
        ("[1e999999999999999999999999, 1]", "[1]", true),
        ("[1e999999999999999999999999]", "[1e131071]", false),
        ("[1e-999999999999999999999999]", "[0]", false),
        ("[0e999999999999999999999999, 1]", "[0.0]", true),
        ("[1e+0000000000000000000000002]", "[100]", true),
        ("\r\n[ 1 ]\t", "1", true),
        // Not JSON, though the part asked for is there.
        ("{\"a\": 1, \"b\": }", "{\"a\": 1}", false),
        ("{\"a\": 1} x", "{\"a\": 1}", false),
        ("[1, 02]", "[1]", false),
        ("[1, \"\\x\"]", "1", false),
        ("", "{}", false),
    ] {
        assert_eq!(Matcher::new(&json(needle)).matches(document), expected, "{document} @> {needle}");
    }
    assert!(!Matcher::new(&json("[]")).matches_bytes(b"[\"\xff\"]"));
}

#[test]
fn documents_deeper_than_the_limit_contain_nothing() {
    let matcher = Matcher::new(&json("[]"));
    assert!(matcher.matches(&nested(Json::MAX_DEPTH)));
    assert!(!matcher.matches(&nested(Json::MAX_DEPTH + 1)));
    assert!(!matcher.matches(&"[".repeat(1_000_000)));
    let deepest = json(&nested(Json::MAX_DEPTH));
    assert!(deepest.contains(&deepest));
    assert!(!Matcher::new(&deepest).matches(&nested(Json::MAX_DEPTH + 1)));
    assert!(!Matcher::new(&Json::from_stored(nested(Json::MAX_DEPTH + 1))).matches(&nested(Json::MAX_DEPTH)));
}

#[test]
fn needles_may_ask_for_many_things() {
    for count in [7, 8, 9, 63, 64, 65, 128, 129, 1000] {
        let numbers: Vec<_> = (0..count).map(|n| n.to_string()).collect();
        let lists = [
            format!("[{}]", numbers.join(",")),
            format!("[{}]", numbers.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",")),
            format!("[{}]", numbers.iter().map(|n| format!("[{n}]")).collect::<Vec<_>>().join(",")),
            format!("[{}]", numbers.iter().map(|n| format!("{{\"{n}\":[]}}")).collect::<Vec<_>>().join(",")),
            format!("{{{}}}", numbers.iter().map(|n| format!("\"{n}\":{n}")).collect::<Vec<_>>().join(",")),
        ];
        for list in lists {
            let needle = json(&list);
            assert!(needle.contains(&needle), "{list}");
            let last = (count - 1).to_string();
            let without_last = json(&list.replace(&last, "-1"));
            assert!(!without_last.contains(&needle), "{list}");
        }
    }
}

#[test]
fn debug_does_not_show_content() {
    let secret = json(r#"{"a": "secret"}"#);
    assert_eq!(format!("{secret:?}"), "Json(… 15 bytes)");
    assert_eq!(format!("{:?}", Matcher::new(&secret)), "Matcher { .. }");
    assert_eq!(secret.to_string(), r#"{"a": "secret"}"#);
    let error = secret.deserialize::<Vec<u8>>().expect_err("an object is no list");
    assert!(!format!("{error:?}").contains("secret"));
}

#[test]
fn kinds_are_told_apart() {
    let kinds = |text| {
        let json = json(text);
        [json.is_null(), json.is_bool(), json.is_number(), json.is_string(), json.is_array(), json.is_object()]
            .iter()
            .map(|&is| if is { 'x' } else { '.' })
            .collect::<String>()
    };
    let texts = ["null", "true", "false", "-1", "0", "\"\"", "[]", "{}"];
    assert_eq!(texts.map(kinds).join(" "), "x..... .x.... .x.... ..x... ..x... ...x.. ....x. .....x");
    assert!(Json::empty_object().is_object());
    assert_eq!(Json::empty_object(), json("{ }"));
}

#[test]
fn serde_embeds_the_text_as_it_is() {
    #[derive(Serialize, Deserialize)]
    struct Row {
        metadata: Json,
    }
    let row: Row = serde_json::from_str(r#"{"metadata": {"n":1e1, "m": 9007199254740993.10}}"#).expect("valid JSON");
    assert_eq!(row.metadata.as_str(), r#"{"m": 9007199254740993.10, "n": 10}"#);
    let text = serde_json::to_string(&row).expect("canonical text is JSON");
    assert_eq!(text, r#"{"metadata":{"m": 9007199254740993.10, "n": 10}}"#);
    assert!(serde_json::from_str::<Row>(r#"{"metadata": "\u0000"}"#).is_err());
    assert!(serde_json::to_string(&Json::from_stored("{".into())).is_err());

    let deepest = nested(Json::MAX_DEPTH);
    let embedded: Json = serde_json::from_str(&deepest).expect("raw text has no depth limit in serde_json");
    assert_eq!(serde_json::to_string(&embedded).expect("nor has writing it"), deepest);
    assert_eq!(json("[1]"), Json::from_serialize(&[1]).expect("a list is JSON"));
}

#[test]
fn work_beyond_the_length_of_a_document_can_be_ended() {
    let arrays = |numbers: &mut dyn Iterator<Item = usize>| {
        let texts: Vec<String> = numbers.map(|number| format!("[{number}]")).collect();
        format!("[{}]", texts.join(","))
    };
    let document = arrays(&mut (0..1_000));
    let matcher = Matcher::new(&Json::parse(&arrays(&mut (500..1_500))).unwrap());
    let mut asked = 0;
    assert_eq!(
        matcher.matches_while(document.as_bytes(), &mut || {
            asked += 1;
            true
        }),
        Some(false)
    );
    assert!(asked > 10, "asked {asked} times");
    asked = 0;
    assert_eq!(
        matcher.matches_while(document.as_bytes(), &mut || {
            asked += 1;
            asked < 3
        }),
        None
    );
    assert_eq!(asked, 3);
    // A walk that is linear never asks.
    let linear = Matcher::new(&Json::parse("[[7]]").unwrap());
    assert_eq!(linear.matches_while(document.as_bytes(), &mut || unreachable!()), Some(true));
}
