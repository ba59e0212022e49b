//! What was put is what is got: every field, at its limits.

use std::collections::BTreeMap;

use polymnia::{Effect, Expect, Json, Memory, MemoryId, Namespace, NewMemory, Outcome, Revision, Timestamp};

use super::prelude::*;
use crate::fixture::Subject;

pub(super) fn put_then_get(subject: &Subject) {
    let store = subject.store();
    let outcome = store.put(&here(), new("hello")).unwrap();
    assert_eq!((outcome.effect, outcome.revision), (Effect::Created, Some(Revision::FIRST)));
    let memory = get(&store, &here(), outcome.id);
    assert_eq!((memory.id, memory.content.as_str()), (outcome.id, "hello"));
}

pub(super) fn defaults(subject: &Subject) {
    let store = subject.store();
    let now = subject.clock().now();
    put(&store, &here(), id(1), new(""));
    same(&get(&store, &here(), id(1)), &row(id(1), "", now));
    let memory = get(&store, &here(), id(1));
    assert_eq!(memory.tier.as_str(), "short_term");
    assert_eq!(memory.metadata.as_str(), "{}");
    assert_eq!(memory.importance.as_f64().to_bits(), 0.5_f64.to_bits());
}

pub(super) fn every_field(subject: &Subject) {
    round_trip(subject, &full());
}

pub(super) fn texts_at_their_longest(subject: &Subject) {
    let longest = "é".repeat(127) + "x";
    assert_eq!(longest.len(), 255);
    let namespace = ns(&longest);
    let memory = new("long names")
        .with_user(user(&longest))
        .with_agent(agent(&longest))
        .with_thread(thread(&longest))
        .with_tier(tier(&"é".repeat(32)))
        .with_related_threads(threads([&longest]));
    round_trip_in(subject, &namespace, &memory);
    let store = subject.store();
    assert_eq!(store.count(&namespace, &polymnia::Selection::default().with_user(user(&longest))).unwrap(), 2);
}

pub(super) fn texts_at_their_shortest(subject: &Subject) {
    let memory = new("")
        .with_user(user(" "))
        .with_agent(agent("\u{1}"))
        .with_thread(thread("0"))
        .with_tier(tier("\n"))
        .with_related_threads(threads([" "]));
    round_trip_in(subject, &ns("-"), &memory);
}

pub(super) fn content_of_one_mebibyte(subject: &Subject) {
    // Not one character over and over, which a database would compress away.
    let words = (0..80_000_u32).map(|n| format!("{:x} é😀 ", n.wrapping_mul(2_654_435_761)));
    let mut text: String = words.collect();
    text.truncate(text.floor_char_boundary(1 << 20));
    text.push_str(&"x".repeat((1 << 20) - text.len()));
    assert_eq!(text.len(), 1 << 20);
    round_trip(subject, &new(text));
}

pub(super) fn metadata_of_one_mebibyte(subject: &Subject) {
    let members: Vec<String> = (0..30_000).map(|n| format!(r#""k{n:05}": "é {n} \"""#)).collect();
    let mut text = format!("{{{}, \"pad\": \"\"}}", members.join(", "));
    let spare = Json::MAX_BYTES - Json::parse(&text).unwrap().as_str().len();
    text.insert_str(text.len() - 2, &"p".repeat(spare));
    let metadata = metadata(&text);
    assert_eq!(metadata.as_str().len(), 1 << 20);
    round_trip(subject, &new("much metadata").with_metadata(metadata));
}

pub(super) fn metadata_at_its_deepest(subject: &Subject) {
    let arrays = format!("{{\"a\": {}{}}}", "[".repeat(127), "]".repeat(127));
    let objects = format!("{}1{}", "{\"a\": ".repeat(128), "}".repeat(128));
    for text in [arrays, objects] {
        round_trip(subject, &new("deep").with_metadata(metadata(&text)));
        let store = subject.store();
        let deep = contains(&text);
        assert!(!claimed(&store, &deep) || store.count(&here(), &deep).unwrap() >= 1, "the deepest metadata contains itself");
    }
}

pub(super) fn a_thousand_related_threads(subject: &Subject) {
    let many = (0..1_000).map(|n| format!("{n:03}{}", "é".repeat(126)));
    round_trip(subject, &new("related").with_related_threads(threads(many)));
    let awkward = ["", "a,b", "{a}", "\"a\"", "a\\b", "NULL", "null", "a b", "'", "[]", "\n", "É", "é", "e\u{301}"];
    let awkward = awkward.into_iter().filter(|text| !text.is_empty());
    round_trip(subject, &new("related").with_related_threads(threads(awkward)));
}

pub(super) fn the_first_and_the_last_year(subject: &Subject) {
    let store = subject.store();
    let moments = [
        Timestamp::MIN,
        later(Timestamp::MIN, 1),
        time("0999-12-31T23:59:59.999999Z"),
        time("1582-10-10T00:00:00Z"),
        time("1900-02-28T23:59:59.000001Z"),
        later(time("1970-01-01T00:00:00Z"), -1),
        time("1970-01-01T00:00:00Z"),
        time("2000-02-29T12:30:00.5Z"),
        time("2038-01-19T03:14:08Z"),
        time("2262-04-12T00:00:00Z"),
        later(Timestamp::MAX, -1),
        Timestamp::MAX,
    ];
    for (number, at) in (1..).zip(moments) {
        subject.clock().set(at);
        put(&store, &here(), id(number), new("then"));
        let memory = get(&store, &here(), id(number));
        assert_eq!((memory.created_at, memory.updated_at), (at, at));
    }
    subject.clock().set(Timestamp::MIN);
    for (number, at) in (101..).zip(moments).skip(1) {
        put(&store, &here(), id(number), new("given").with_created_at(at).with_expires_at(at));
        let memory = get(&store, &here(), id(number));
        assert_eq!((memory.created_at, memory.expires_at), (at, Some(at)));
    }
}

pub(super) fn importance_at_its_ends(subject: &Subject) {
    let store = subject.store();
    let values = [0.0, -0.0, f64::MIN_POSITIVE, 5e-324, 0.1, 1.0 / 3.0, 0.1 + 0.2, 1.0 - f64::EPSILON / 2.0, 1.0];
    for (number, value) in (1..).zip(values) {
        put(&store, &here(), id(number), new("weighed").with_importance(importance(value)));
        let stored = get(&store, &here(), id(number)).importance.as_f64();
        // -0 is 0 from the start.
        assert_eq!(stored.to_bits(), value.abs().to_bits(), "{value:e} came back as {stored:e}");
    }
}

pub(super) fn texts_of_every_kind(subject: &Subject) {
    for text in TEXTS {
        let memory = new(*text)
            .with_user(user(text))
            .with_agent(agent(text))
            .with_thread(thread(text))
            .with_tier(tier(text))
            .with_metadata(Json::from_serialize(&BTreeMap::from([(*text, *text)])).unwrap().try_into().unwrap())
            .with_related_threads(threads([text]));
        let namespace = if text.trim().is_empty() { here() } else { ns(text) };
        round_trip_in(subject, &namespace, &memory);
    }
}

pub(super) fn ids_of_every_kind(subject: &Subject) {
    let store = subject.store();
    let ids = [
        MemoryId::from_bytes([0; 16]),
        MemoryId::from_bytes([0xff; 16]),
        MemoryId::from_bytes(*b"0123456789abcdef"),
        MemoryId::from_bytes([b'\'', b'"', b'\\', 0, b'%', b'\n', 0x80, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]),
        "01956F2E-8C3A-7D11-9B52-0242AC120002".parse().unwrap(),
    ];
    for id in ids {
        put(&store, &here(), id, new(id.to_string()));
    }
    for id in ids {
        assert_eq!(get(&store, &here(), id).content.as_str(), id.to_string());
    }
}

pub(super) fn canonical_metadata_byte_for_byte(subject: &Subject) {
    let cases = [
        (r#"{"b":1,"a":2,"aa":3}"#, r#"{"a": 2, "b": 1, "aa": 3}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a": 2}"#),
        (r#"{"n":[1.50,1e2,-0,-0.0,0.10,1E-3]}"#, r#"{"n": [1.50, 100, 0, 0.0, 0.10, 0.001]}"#),
        (r#"{"n":9007199254740993}"#, r#"{"n": 9007199254740993}"#),
        (
            r#"{"n":123456789012345678901234567890.123456789012345678901234567890}"#,
            r#"{"n": 123456789012345678901234567890.123456789012345678901234567890}"#,
        ),
        (r#"{"s":"\u0041\/\u00e9\ud83d\ude00"}"#, r#"{"s": "A/é😀"}"#),
        (r#"{"s":"\u0001\u001f\u007f\b\f\n\r\t\"\\"}"#, "{\"s\": \"\\u0001\\u001f\u{7f}\\b\\f\\n\\r\\t\\\"\\\\\"}"),
        (r#"{"":{"":[]}, " ":{}}"#, r#"{"": {"": []}, " ": {}}"#),
        ("{\"a\":\t[ ]\n}", r#"{"a": []}"#),
        (r#"{"é":1,"e\u0301":2,"zz":3}"#, "{\"zz\": 3, \"é\": 1, \"e\u{301}\": 2}"),
        (r#"{"a":null,"b":[true,false,null]}"#, r#"{"a": null, "b": [true, false, null]}"#),
        ("{\"u\":\"\u{2028}\u{feff}\u{ffff}\"}", "{\"u\": \"\u{2028}\u{feff}\u{ffff}\"}"),
    ];
    let store = subject.store();
    for (number, (given, canonical)) in (1..).zip(cases) {
        put(&store, &here(), id(number), new("m").with_metadata(metadata(given)));
        assert_eq!(get(&store, &here(), id(number)).metadata.as_str(), canonical);
    }
    let expanded = format!(r#"{{"n": 1{}}}"#, "0".repeat(131_071));
    round_trip(subject, &new("m").with_metadata(metadata(r#"{"n": 1e131071}"#)));
    let finest = format!(r#"{{"n": 0.{}1}}"#, "0".repeat(16_382));
    round_trip(subject, &new("m").with_metadata(metadata(r#"{"n": 1e-16383}"#)));
    for text in [expanded, finest] {
        if !claimed(&store, &contains(&text)) {
            continue;
        }
        assert_eq!(store.count(&here(), &contains(&text)).unwrap(), 2);
    }
}

pub(super) fn many_at_once_in_the_order_asked_for(subject: &Subject) {
    let store = subject.store();
    let numbers: Vec<u64> = (0..2_500).collect();
    for part in numbers.chunks(1_000) {
        let batch: Vec<_> = part.iter().map(|n| put_mutation(id(*n), new(n.to_string()))).collect();
        store.apply(&here(), &batch).unwrap();
    }
    let asked: Vec<MemoryId> = numbers.iter().rev().map(|n| id(n * 7_919 % 2_500)).collect();
    let memories = store.get_many(&here(), &asked).unwrap();
    let got: Vec<MemoryId> = memories.into_iter().map(|memory| memory.expect("it was put").id).collect();
    assert_eq!(got, asked);
}

pub(super) fn missing_and_repeated_ids(subject: &Subject) {
    let store = subject.store();
    put(&store, &here(), id(1), new("one"));
    put(&store, &ns("elsewhere"), id(2), new("two"));
    let asked = [id(3), id(1), id(2), id(1), id(3)];
    let memories = store.get_many(&here(), &asked).unwrap();
    let got: Vec<Option<&str>> = memories.iter().map(|memory| memory.as_ref().map(|m| m.content.as_str())).collect();
    assert_eq!(got, [None, Some("one"), None, Some("one"), None]);
    assert_eq!(store.get(&here(), id(3)).unwrap(), None);
    let most: Vec<MemoryId> = (0..10_000).map(id).collect();
    assert_eq!(store.get_many(&here(), &most).unwrap().iter().flatten().count(), 1);
    let more: Vec<MemoryId> = (0..10_001).map(id).collect();
    refused(store.get_many(&here(), &more), polymnia::ErrorKind::InvalidInput);
}

pub(super) fn nothing_asked_for(subject: &Subject) {
    let store = subject.store();
    assert_eq!(store.get_many(&here(), &[]).unwrap(), []);
    // The store answers that by itself; the engine must be able to.
    let call = polymnia::Call::at(subject.clock().now());
    assert_eq!(subject.engine().get(&call, &here(), &[]).unwrap(), []);
}

/// What breaks those who format, fold, trim, normalise or count characters.
const TEXTS: &[&str] = &[
    "'; DROP TABLE memories; --",
    "\"quoted\" 'quoted' `quoted` $1 $$ ?1 :a @a {} []",
    "100% _under_ *star* [a-z] a?b",
    "back\\slash \\n \\u0041 \\",
    "two\nlines\r\nand\ttabs",
    " leading and trailing ",
    "   ",
    "caf\u{e9} and cafe\u{301} are not equal",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{202e}right to left\u{202c}",
    "\u{feff}with a byte order mark",
    "zero\u{200b}width\u{200d}\u{2060}",
    "😀👩\u{200d}👩\u{200d}👧\u{1f3f3}\u{fe0f}\u{200d}🌈",
    "\u{1}\u{1f}\u{7f}\u{80}\u{9f}",
    "\u{ffff}\u{10ffff}\u{fffd}\u{e000}",
    "漢字かなカナ한글",
    "İIıi ẞß ǅ ﬁ",
    "NULL",
    "null",
    "true",
    "0",
    "-1e400",
];

fn round_trip(subject: &Subject, memory: &NewMemory) {
    round_trip_in(subject, &here(), memory);
}

/// Puts a memory, gets it, finds it by a query, and puts it over another one.
fn round_trip_in(subject: &Subject, namespace: &Namespace, memory: &NewMemory) {
    let store = subject.store();
    let now = subject.clock().now();
    let Outcome { id, effect, revision } = store.put(namespace, memory.clone()).unwrap();
    assert_eq!((effect, revision), (Effect::Created, Some(Revision::FIRST)));
    let expected = |id, revision| Memory {
        id,
        user_id: memory.user_id.clone(),
        agent_id: memory.agent_id.clone(),
        thread_id: memory.thread_id.clone(),
        tier: memory.tier.clone(),
        content: memory.content.clone(),
        metadata: memory.metadata.clone(),
        importance: memory.importance,
        related_threads: memory.related_threads.clone(),
        revision,
        created_at: memory.created_at.unwrap_or(now),
        updated_at: now,
        expires_at: memory.expires_at,
    };
    same(&get(&store, namespace, id), &expected(id, Revision::FIRST));
    let found = all(&store, namespace, polymnia::Selection::default());
    let found = found.iter().find(|memory| memory.id == id).expect("a query finds it");
    same(found, &expected(id, Revision::FIRST));

    let other = store.next_id();
    put(&store, namespace, other, NewMemory { created_at: memory.created_at, ..new("before") });
    store.put_at(namespace, other, memory.clone(), Expect::Revision(Revision::FIRST)).unwrap();
    same(&get(&store, namespace, other), &expected(other, super::prelude::revision(2)));
}

fn full() -> NewMemory {
    new("prefers calls after 14:00")
        .with_user(user("mara"))
        .with_agent(agent("desk"))
        .with_thread(thread("t-1"))
        .with_tier(tier("mid_term"))
        .with_metadata(metadata(r#"{"kind": "preference", "channels": ["call", "mail"], "n": 1.50}"#))
        .with_importance(importance(0.75))
        .with_related_threads(threads(["t-0", "t-2"]))
        .with_created_at(time("2025-12-24T18:30:00.123456Z"))
        .with_expires_at(time("2027-01-01T00:00:00.000001Z"))
}
