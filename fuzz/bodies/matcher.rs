//! Any filter, or needle, on any document.

use std::cmp::Ordering;

use polymnia::filter::{Bound, DocumentTerms, FilterMatcher, IndexValue, Need, PathReader, TermHasher, Test};
use polymnia::{Filter, Json, Matcher, Memory, MemoryId, Metadata, Namespace, Record, Timestamp};

/// Matches the first line, a filter or a needle, with the rest, a document: each answer must be the oracle's, and what is
/// selected must have what an index looks for.
pub(crate) fn run(data: &[u8]) {
    let Some(end) = data.iter().position(|&byte| byte == b'\n') else { return };
    let (asked, document) = (&data[..end], &data[end + 1..]);
    let memory = memory(document);
    if let Ok(needle) = Json::from_slice(asked) {
        let found = Matcher::new(&needle).matches_bytes(document);
        if let Ok(document) = Json::from_slice(document) {
            assert_eq!(document.contains(&needle), found, "the canonical text contains what the text does");
        }
        // Filters look at metadata, which is an object.
        let is_object = document.trim_ascii_start().first() == Some(&b'{');
        check(&Filter::Contains(needle), document, memory.as_ref(), Some(found && is_object));
    }
    if let Ok(filter) = std::str::from_utf8(asked).map_err(|_| ()).and_then(|text| Filter::parse(text).map_err(|_| ()))
    {
        check(&filter, document, memory.as_ref(), None);
        check(&Filter::Not(Box::new(filter)), document, memory.as_ref(), None);
    }
}

fn check(filter: &Filter, document: &[u8], memory: Option<&Memory>, expected: Option<bool>) {
    if let (Some(memory), Some(expected)) = (memory, expected) {
        assert_eq!(filter.matches(memory), expected);
    }
    let Ok(matcher) = FilterMatcher::new(filter) else { return };
    let found = matcher.matches(document);
    assert_eq!(expected.unwrap_or(found), found);
    assert_eq!(matcher.matches_while(document, &mut || true), Some(found));
    assert!(matcher.matches_while(document, &mut || false).is_none_or(|answer| answer == found));
    if let Some(memory) = memory {
        assert_eq!(filter.matches(memory), found);
    }
    let namespace = Namespace::new("fuzz").expect("a namespace");
    let terms = TermHasher::new([7; 16]).namespace(&namespace);
    let mut held = DocumentTerms::default();
    let is_json = terms.read(document, &mut held);
    if found {
        assert!(is_json, "nothing but JSON is selected");
        assert!(has(&held, &Need::of(filter, &terms)), "what is selected has what it needs");
        check_declared(filter, document);
    }
}

/// Checks that a declared index at the path of a condition has what the condition selects.
fn check_declared(selects: &Filter, document: &[u8]) {
    let Filter::Metadata { path, test } = selects else { return };
    let held = || PathReader::new(path).read(document).expect("the index has the value");
    match test {
        Test::Compare(relation, bound) => {
            let order = order(&held(), &IndexValue::of(bound).expect("a bound is a number or a string"));
            assert!(relation.holds(order) || order.is_eq(), "the index has the value on the right side of the bound");
        }
        Test::Eq(value) => {
            if let Ok(bound) = Bound::new(value.clone()) {
                assert_eq!(Some(held()), IndexValue::of(&bound));
            }
        }
        Test::Prefix(prefix) => {
            let IndexValue::Text(text) = held() else { panic!("the index has a string") };
            assert!(text.starts_with(IndexValue::cut(prefix.as_str())), "the index has the string in its place");
        }
        _ => {}
    }
}

fn order(value: &IndexValue, bound: &IndexValue) -> Ordering {
    match (value, bound) {
        (IndexValue::Number(value), IndexValue::Number(bound)) => value.total_cmp(bound),
        (IndexValue::Text(value), IndexValue::Text(bound)) => value.cmp(bound),
        _ => panic!("a number compares with a number, a string with a string"),
    }
}

/// Returns a memory with this metadata, if it can be some.
fn memory(metadata: &[u8]) -> Option<Memory> {
    let mut record = Record::parse(r#"{"content": ""}"#).expect("a record");
    record.metadata = Metadata::parse(std::str::from_utf8(metadata).ok()?).ok()?;
    Some(record.into_memory(Timestamp::MIN, || MemoryId::from_bytes([0; 16])))
}

fn has(held: &DocumentTerms, need: &Need) -> bool {
    match need {
        Need::Anything => true,
        Need::Nothing => false,
        Need::Leaf(term) => held.leaves.binary_search(term).is_ok(),
        Need::Path(term) => held.paths.binary_search(term).is_ok(),
        Need::All(needs) => needs.iter().all(|need| has(held, need)),
        Need::Any(needs) => needs.iter().any(|need| has(held, need)),
    }
}
