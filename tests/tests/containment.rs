//! Canonical text and containment, as `core` has them, against a live PostgreSQL.
//!
//! `POLYMNIA_CONTAINMENT_PAIRS` says how many pairs, `POLYMNIA_TEST_SEED` which.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures of a run")]

use diesel::sql_types::{Array, Bool, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use polymnia::Json;
use polymnia_conformance::generate::{Seed, any, json as generate, percent, times};
use polymnia_tests::server::{self, TestDatabase};

/// Takes a few seconds in a debug build.
const PAIRS: u64 = 20_000;
/// How many pairs one statement asks about.
const BATCH: u64 = 2_000;

#[test]
fn generated_pairs_are_judged_as_postgresql_does() {
    let seed = Seed::new("generated_pairs_are_judged_as_postgresql_does");
    let mut rng = seed.rng();
    let mut judge = Judge::new();
    let (mut refused, mut contained) = (0, 0);
    let pairs = times("POLYMNIA_CONTAINMENT_PAIRS", PAIRS);
    let mut left = pairs;
    while left > 0 {
        let trees: Vec<_> = (0..left.min(BATCH)).map(|_| generate::value(&mut rng)).collect();
        let texts = trees.iter().map(|tree| {
            let document = if percent(&mut rng, 15) {
                generate::spell_wrongly(tree, &mut rng)
            } else {
                generate::spell(tree, &mut rng)
            };
            let of = if percent(&mut rng, 85) { tree } else { any(&mut rng, &trees) };
            let needle = generate::needle(of, &mut rng);
            (document, generate::spell(&needle, &mut rng))
        });
        for verdict in judge.check(&texts.collect::<Vec<_>>()) {
            refused += u64::from(verdict.canonical.is_none());
            contained += u64::from(verdict.contained == Some(true));
        }
        left -= left.min(BATCH);
    }
    println!("{pairs} pairs: {contained} contained, {refused} documents refused");
    // A run in which everything is refused, or nothing is contained, proves nothing.
    assert!(refused * 50 > pairs && refused * 4 < pairs, "{refused} of {pairs} documents refused");
    assert!(contained * 4 > pairs && contained * 10 < pairs * 9, "{contained} of {pairs} contained");
}

#[test]
fn the_edges_are_where_postgresql_has_them() {
    let zeros = |count: usize| "0".repeat(count);
    let mut texts: Vec<String> = [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{'a':1}",
        "{a:1}",
        "[01]",
        "[-]",
        "[+1]",
        "[.5]",
        "[1.]",
        "[1e]",
        "[1e+]",
        "[--1]",
        "[0x1]",
        "[NaN]",
        "[Infinity]",
        "[-Infinity]",
        "nul",
        "True",
        "[1] 2",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0000\"",
        "\"a\\u0000b\"",
        "{\"\\u0000\":1}",
        "\"\\ud800\"",
        "\"\\udfff\"",
        "\"\\ud800\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\\udc00\"",
        "\u{feff}1",
        "1\u{a0}",
        "\u{b}1",
        "/**/1",
        "\"\u{7f}\u{80}\u{2028}\u{ffff}\"",
        "\"\\u007f\\u0080\\u2028\\uffff\"",
        "-0",
        "-0.0",
        "-0e5",
        "0.00e-2",
        "1E5",
        "1e-5",
        "1.10e1",
        "123e-2",
        "1e131071",
        "1e131072",
        "9e131071",
        "-1e131071",
        "0e131072",
        "0e200000",
        "1e-16383",
        "1e-16384",
        "0e-16384",
        "1.5e-16383",
        "10e-16384",
        "1e1073741822",
        "1e1073741823",
        "0e1073741822",
        "0e1073741823",
        "0e-1073741822",
        "0e-1073741823",
        "1e9223372036854775808",
        "0e9223372036854775808",
        "{\"a\":1,\"a\":2,\"b\":3,\"a\":4}",
        "{\"b\":1,\"aa\":2,\"a\":3,\"\":4,\"é\":5,\"z\":6}",
        "[[],{},[[]],[{}]]",
        "\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"",
        "\"/\u{8}\"",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push(format!("1{}", zeros(131_071)));
    texts.push(format!("1{}", zeros(131_072)));
    texts.push(format!("0.{}1", zeros(16_382)));
    texts.push(format!("0.{}1", zeros(16_383)));
    texts.push(format!("0.{}", zeros(16_384)));
    texts.push(format!("{}{}", "[".repeat(128), "]".repeat(128)));
    texts.push(format!("{}1{}", "{\"a\":".repeat(128), "}".repeat(128)));
    let pairs: Vec<_> = texts.into_iter().map(|text| (text, "{}".to_owned())).collect();
    Judge::new().check(&pairs);
    // Where Polymnia is stricter by its own limits, it is the only one.
    let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
    assert!(Json::parse(&deep).is_err() && Judge::new().ask(&[(deep, "1".to_owned())])[0].canonical.is_some());
    let long = format!("\"{}\"", "x".repeat(Json::MAX_BYTES - 1));
    assert!(Json::parse(&long).is_err() && Judge::new().ask(&[(long, "1".to_owned())])[0].canonical.is_some());
}

#[test]
fn roots_of_every_kind_contain_each_other_as_in_postgresql() {
    let roots = [
        "null",
        "true",
        "false",
        "0",
        "1",
        "1.0",
        "\"\"",
        "\"a\"",
        "[]",
        "[[]]",
        "[{}]",
        "{}",
        "[null]",
        "[1]",
        "[1, 2]",
        "[[1]]",
        "[[1, 2], 3]",
        "[\"a\"]",
        "[{\"a\": 1}]",
        "{\"a\": 1}",
        "{\"a\": [1]}",
        "{\"a\": {}}",
        "{\"a\": []}",
        "{\"a\": null}",
        "{\"a\": {\"a\": 1}}",
        "{\"a\": 1, \"b\": 2}",
        "[true]",
        "[[], {}]",
        "[1, [1]]",
    ];
    let pairs =
        roots.iter().flat_map(|document| roots.iter().map(|needle| ((*document).to_owned(), (*needle).to_owned())));
    let verdicts = Judge::new().check(&pairs.collect::<Vec<_>>());
    assert!(verdicts.iter().filter(|verdict| verdict.contained == Some(true)).count() > roots.len());
}

/// Is a database that judges texts.
struct Judge {
    connection: PgConnection,
    // After the connection, which must close first.
    _database: TestDatabase,
}

/// Is what PostgreSQL makes of a pair: null where it refuses a text.
#[derive(Debug, PartialEq, QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Nullable<Text>)]
    canonical: Option<String>,
    #[diesel(sql_type = Nullable<Bool>)]
    contained: Option<bool>,
}

impl Judge {
    fn new() -> Self {
        let database = server::shared().create_database();
        database
            .sql(
                "CREATE FUNCTION parsed(given text) RETURNS jsonb IMMUTABLE LANGUAGE plpgsql AS $$
                 BEGIN
                     RETURN given::jsonb;
                 EXCEPTION WHEN OTHERS THEN
                     RETURN NULL;
                 END $$",
            )
            .unwrap();
        Self { connection: database.connect().unwrap(), _database: database }
    }

    /// Fails unless [`Json`] judges every pair as PostgreSQL does.
    fn check(&mut self, pairs: &[(String, String)]) -> Vec<Verdict> {
        let verdicts = self.ask(pairs);
        assert_eq!(verdicts.len(), pairs.len());
        for ((document, needle), theirs) in pairs.iter().zip(&verdicts) {
            // With this exponent PostgreSQL 16 and later take a zero, and 15 does not. We do as 15, for one meaning.
            if [document, needle].iter().any(|text| text.contains("1073741823")) {
                let refused = |text: &String| !text.contains("1073741823") || Json::parse(text).is_err();
                assert!(refused(document) && refused(needle), "{document:.2000}\n@> {needle:.2000}");
                continue;
            }
            let parsed = Json::parse(document).ok();
            let wanted = Json::parse(needle).ok();
            let ours = Verdict {
                canonical: parsed.as_ref().map(|json| json.as_str().to_owned()),
                contained: parsed.zip(wanted).map(|(document, needle)| document.contains(&needle)),
            };
            assert!(ours == *theirs, "{document:.2000}\n@> {needle:.2000}\nours {ours:.2000?}\ntheirs {theirs:.2000?}");
        }
        verdicts
    }

    fn ask(&mut self, pairs: &[(String, String)]) -> Vec<Verdict> {
        let (documents, needles): (Vec<&str>, Vec<&str>) = pairs.iter().map(|(d, n)| (d.as_str(), n.as_str())).unzip();
        diesel::sql_query(
            "SELECT document::text AS canonical, document @> needle AS contained
             FROM (
                 SELECT place, parsed(document) AS document, parsed(needle) AS needle
                 FROM unnest($1, $2) WITH ORDINALITY AS given (document, needle, place)
                 OFFSET 0
             ) AS pair
             ORDER BY place",
        )
        .bind::<Array<Text>, _>(documents)
        .bind::<Array<Text>, _>(needles)
        .load(&mut self.connection)
        .unwrap()
    }
}
