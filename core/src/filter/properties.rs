//! Property tests: the fast matcher, needs and the values of indexes against the naive meaning.

use proptest::prelude::*;

use super::generate::filter;
use super::{
    Bound, DocumentTerms, Filter, FilterMatcher, IndexValue, NamespaceTerms, Need, Path, PathReader, Prefix, Relation,
    TermHasher, Test,
};
use crate::json::generate::{Dice, Tree, document, foreign_document};
use crate::json::properties::{config, damage};
use crate::json::tree;
use crate::{
    Content, Importance, Json, Memory, MemoryId, Metadata, Namespace, RelatedThreads, Revision, Tier, Timestamp,
};

/// Returns a memory with this metadata, whatever it is.
fn memory(metadata: &str) -> Memory {
    let now = Timestamp::from_micros(0).unwrap();
    Memory {
        id: MemoryId::from_bytes([0; 16]),
        user_id: None,
        agent_id: None,
        thread_id: None,
        tier: Tier::default(),
        content: Content::new("").unwrap(),
        metadata: Metadata::from_stored(metadata.to_owned()),
        importance: Importance::default(),
        related_threads: RelatedThreads::default(),
        revision: Revision::FIRST,
        created_at: now,
        updated_at: now,
        expires_at: None,
    }
}

fn expected(filter: &Filter, metadata: &[u8]) -> bool {
    std::str::from_utf8(metadata).is_ok_and(|metadata| filter.matches(&memory(metadata)))
}

fn terms() -> NamespaceTerms {
    TermHasher::new([7; 16]).namespace(&Namespace::new("acme").unwrap())
}

fn fulfils(terms: &DocumentTerms, need: &Need) -> bool {
    match need {
        Need::Anything => true,
        Need::Nothing => false,
        Need::Leaf(leaf) => terms.leaves.binary_search(leaf).is_ok(),
        Need::Path(path) => terms.paths.binary_search(path).is_ok(),
        Need::All(all) => all.iter().all(|need| fulfils(terms, need)),
        Need::Any(any) => any.iter().any(|need| fulfils(terms, need)),
    }
}

fn is_simple(need: &Need) -> bool {
    match need {
        Need::Anything | Need::Nothing | Need::Leaf(_) | Need::Path(_) => true,
        Need::All(all) => {
            all.len() > 1
                && all
                    .iter()
                    .all(|need| is_simple(need) && matches!(need, Need::Leaf(_) | Need::Path(_) | Need::Any(_)))
        }
        Need::Any(any) => {
            any.len() > 1
                && any
                    .iter()
                    .all(|need| is_simple(need) && matches!(need, Need::Leaf(_) | Need::Path(_) | Need::All(_)))
        }
    }
}

/// Mostly an object, as metadata is.
fn metadata(tree: Tree, dice: &mut Dice) -> Tree {
    match tree {
        object @ Tree::Object(_) => object,
        other if dice.percent(10) => other,
        other => Tree::Object(vec![("\"b\"".to_owned(), other.clone()), ("\"a\"".to_owned(), other)]),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn matcher_answers_as_the_oracle_does(tree in foreign_document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let tree = metadata(tree, &mut dice);
        let text = tree.text(&mut dice);
        for _ in 0..8 {
            let filter = filter(&tree, &mut dice);
            let matcher = FilterMatcher::new(&filter).unwrap();
            let document = text.as_bytes();
            prop_assert_eq!(matcher.matches(document), expected(&filter, document), "{:?} of {}", filter, text);
            let damaged = damage(&text, &mut dice);
            prop_assert_eq!(matcher.matches(&damaged), expected(&filter, &damaged), "{:?} of {:?}", filter, damaged);
        }
    }

    #[test]
    fn a_look_at_canonical_text_answers_as_the_oracle_does(tree in document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let tree = metadata(tree, &mut dice);
        let Ok(json) = Json::parse(&tree.text(&mut dice)) else { return Ok(()) };
        prop_assume!(json.is_object());
        for _ in 0..16 {
            let filter = filter(&tree, &mut dice);
            let matcher = FilterMatcher::new(&filter).unwrap();
            let answer = matcher.matches_canonical_while(json.as_str().as_bytes(), &mut || true);
            prop_assert_eq!(answer, Some(expected(&filter, json.as_str().as_bytes())), "{:?} of {}", filter, json.as_str());
        }
    }

    #[test]
    fn what_is_selected_has_what_the_filter_needs(tree in foreign_document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let tree = metadata(tree, &mut dice);
        let text = tree.text(&mut dice);
        let mut terms_of_document = DocumentTerms::default();
        let terms = terms();
        let is_object = terms.read(text.as_bytes(), &mut terms_of_document);
        prop_assert_eq!(is_object, matches!(tree, Tree::Object(_)));
        for _ in 0..8 {
            let filter = filter(&tree, &mut dice);
            let need = Need::of(&filter, &terms);
            prop_assert!(is_simple(&need), "{:?}", need);
            if expected(&filter, text.as_bytes()) {
                prop_assert!(fulfils(&terms_of_document, &need), "{:?} of {} needs {:?}", filter, text, need);
            }
        }
    }

    #[test]
    fn equal_documents_have_equal_terms(tree in document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let tree = Tree::Object(vec![("\"a\"".to_owned(), tree)]);
        let [one, other] = [&tree, &tree.value(&mut dice)].map(|tree| Json::parse(&tree.text(&mut dice)).unwrap());
        let [mut terms_of_one, mut terms_of_other] = [(); 2].map(|()| DocumentTerms::default());
        let terms = terms();
        prop_assert!(terms.read(one.as_str().as_bytes(), &mut terms_of_one));
        let is_object = terms.read(other.as_str().as_bytes(), &mut terms_of_other);
        prop_assert_eq!(terms_of_one.shape == terms_of_other.shape, terms_of_one.paths == terms_of_other.paths);
        let [a, b] = [&one, &other].map(|json| tree::parse(json.as_str()).unwrap());
        if a.equals(&b) {
            prop_assert!(is_object);
            prop_assert_eq!(terms_of_one.leaves, terms_of_other.leaves);
            prop_assert_eq!(terms_of_one.shape, terms_of_other.shape);
        }
    }

    #[test]
    fn index_values_keep_the_order(tree in foreign_document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let texts = ["", "\u{d7ff}", "\u{e000}", "\u{1f600}", "y", "é", "\\ud800", "\\ud800a", "\\uffff"];
        let beginning = "x".repeat(IndexValue::MAX_CHARS - 2);
        let mut value = |tree: &Tree| match dice.below(3) {
            0 => tree.value(&mut dice).text(&mut dice),
            1 => format!("\"{beginning}{}{}\"", dice.pick(&texts), dice.pick(&texts)),
            _ => format!("{}e{}", dice.below(99), dice.below(700).cast_signed() - 350),
        };
        let [a, b] = [value(&tree), value(&tree)];
        let path = Path::new(["a"]).unwrap();
        let reader = PathReader::new(&path);
        let read = |value: &str| reader.read(format!("{{\"a\": 0, \"b\": 1, \"a\": {value}}}").as_bytes());
        let [tree_of_a, tree_of_b] = [&a, &b].map(|value| tree::parse(value).unwrap());
        match (read(&a), read(&b), tree_of_a.compare(&tree_of_b)) {
            (Some(IndexValue::Number(a)), Some(IndexValue::Number(b)), Some(ordering)) => {
                prop_assert!(a.is_finite() && b.is_finite());
                let indexed = a.total_cmp(&b);
                prop_assert!(indexed.is_eq() || indexed == ordering, "{a} {b}");
            }
            (Some(IndexValue::Text(a)), Some(IndexValue::Text(b)), Some(ordering)) => {
                let indexed = a.as_bytes().cmp(b.as_bytes());
                prop_assert!(indexed.is_eq() || indexed == ordering, "{a} {b}");
            }
            (a, b, ordering) => prop_assert!(ordering.is_none(), "{a:?} {b:?}"),
        }
        if let Ok(bound) = Json::parse(&a).and_then(Bound::new) {
            prop_assert_eq!(IndexValue::of(&bound), read(&a));
        }
    }

    #[test]
    fn path_reader_finds_what_the_matcher_finds(tree in foreign_document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let tree = metadata(tree, &mut dice);
        let text = tree.text(&mut dice);
        for _ in 0..8 {
            let Filter::Metadata { path, .. } = filter(&tree, &mut dice) else { continue };
            let of_kind = |bounds: [&str; 2]| {
                let bounds = bounds.map(|bound| Bound::new(Json::parse(bound).unwrap()).unwrap());
                [Relation::LessOrEqual, Relation::GreaterOrEqual].into_iter().zip(bounds).any(|(relation, bound)| {
                    let test = Test::Compare(relation, bound);
                    expected(&Filter::Metadata { path: path.clone(), test }, text.as_bytes())
                })
            };
            match PathReader::new(&path).read(text.as_bytes()) {
                Some(IndexValue::Number(_)) => prop_assert!(of_kind(["0", "0"])),
                Some(IndexValue::Text(value)) => {
                    prop_assert!(of_kind(["\"\"", "\"\""]));
                    if !value.contains(['\0', '\u{e000}']) {
                        let filter = Filter::Metadata { path, test: Test::Prefix(Prefix::new(value).unwrap()) };
                        prop_assert!(expected(&filter, text.as_bytes()));
                    }
                }
                None => prop_assert!(!of_kind(["0", "0"]) && !of_kind(["\"\"", "\"\""])),
            }
        }
    }

    #[test]
    fn no_bytes_make_anything_panic(bytes: Vec<u8>, soup in "[\\[\\]{}\",:0-9eE.+\\\\u -]{0,60}", tree in document()) {
        let mut dice = Dice::new(1);
        let filter = filter(&tree, &mut dice);
        let matcher = FilterMatcher::new(&filter).unwrap();
        let mut of_document = DocumentTerms::default();
        let soup = format!("{{\"a\": {soup}}}");
        for bytes in [bytes.as_slice(), soup.as_bytes()] {
            let _ = (matcher.matches(bytes), terms().read(bytes, &mut of_document));
            let _ = PathReader::new(&Path::new(["a"]).unwrap()).read(bytes);
            // What an engine reads may be damaged, and so may be what it was given.
            let damaged = Json::from_stored(String::from_utf8_lossy(bytes).into_owned());
            let path = Path::new(["a"]).unwrap();
            let filter = Filter::Metadata { path, test: Test::Eq(damaged.clone()) }.or(Filter::Contains(damaged));
            let _ = (FilterMatcher::new(&filter).unwrap().matches(bytes), Need::of(&filter, &terms()));
            prop_assert_eq!(FilterMatcher::new(&filter).unwrap().matches(bytes), expected(&filter, bytes));
            let _ = FilterMatcher::new(&filter).unwrap().matches_canonical_while(bytes, &mut || true);
        }
    }
}
