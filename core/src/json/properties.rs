//! Property tests: the fast ways against the naive oracle, and no bytes that make anything panic.

use proptest::prelude::*;

use super::generate::{Dice, Tree, document, foreign_document};
use super::oracle::{self, Value};
use super::{Json, Matcher, canonical};

/// What [`Json::parse`] must answer, size limits aside.
fn expected_canonical(text: &str) -> Option<String> {
    oracle::parse(text)?.canonical()
}

/// What a [`Matcher`] must answer.
fn expected_match(document: &str, needle: &Value) -> bool {
    oracle::parse(document).is_some_and(|document| document.contains(needle))
}

fn parsed(tree: &Tree, dice: &mut Dice) -> Json {
    Json::parse(&tree.text(dice)).expect("the generator makes what PostgreSQL accepts")
}

/// Changes a few bytes of a text, mostly to others that JSON has a use for.
pub(crate) fn damage(text: &str, dice: &mut Dice) -> Vec<u8> {
    const BYTES: &[u8] = b"\"\\{}[]:,0123456789eE+-.truefalsn ub/\x00\x01\x1f\x7f\x80\xc3\xed\xf0\xff\n\t";
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len() + 1);
        let byte = BYTES[dice.below(BYTES.len())];
        match dice.below(4) {
            0 => bytes.insert(at, byte),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ if at < bytes.len() => bytes[at] = byte,
            _ => {}
        }
    }
    bytes
}

/// At least 2,000 cases; `PROPTEST_CASES` asks for more.
pub(crate) fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(2_000), ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn canonical_text_is_what_the_oracle_prints(tree in foreign_document(), seed: u64) {
        let text = tree.text(&mut Dice::new(seed));
        prop_assert_eq!(Json::parse(&text).ok().map(Json::into_string), expected_canonical(&text));
    }

    #[test]
    fn damaged_text_is_judged_as_the_oracle_does(tree in foreign_document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let bytes = damage(&tree.text(&mut dice), &mut dice);
        let json = Json::from_slice(&bytes).ok().map(Json::into_string);
        prop_assert_eq!(json, std::str::from_utf8(&bytes).ok().and_then(expected_canonical));
    }

    #[test]
    fn canonical_text_is_its_own_canonical_text(tree in document(), seed: u64) {
        let once = parsed(&tree, &mut Dice::new(seed));
        prop_assert_eq!(&Json::parse(once.as_str()).expect("canonical text is JSON"), &once);
        prop_assert!(canonical::is_canonical(once.as_str()));
    }

    #[test]
    fn fast_path_takes_exactly_what_the_slow_path_leaves_alone(tree in document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let spelt = tree.text(&mut dice);
        let canonical = parsed(&tree, &mut dice).into_string();
        let nearly = String::from_utf8_lossy(&damage(&canonical, &mut dice)).into_owned();
        for text in [spelt, canonical, nearly] {
            let slow = canonical::canonicalize(&text);
            prop_assert_eq!(canonical::is_canonical(&text), slow.as_deref() == Ok(text.as_str()), "{}", text);
        }
    }

    #[test]
    fn matcher_answers_as_the_oracle_does(tree in foreign_document(), needle in document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let text = tree.text(&mut dice);
        let derived = tree.needle(&mut dice).text(&mut dice);
        for needle in [derived, needle.text(&mut dice)] {
            // A needle derived from what PostgreSQL refuses may be refused too.
            let Ok(needle) = Json::parse(&needle) else { continue };
            let value = oracle::parse(needle.as_str()).expect("canonical text is JSON");
            let matcher = Matcher::new(&needle);
            prop_assert_eq!(matcher.matches(&text), expected_match(&text, &value), "{} @> {}", text, needle);

            let damaged = damage(&text, &mut dice);
            let expected = std::str::from_utf8(&damaged).is_ok_and(|text| expected_match(text, &value));
            prop_assert_eq!(matcher.matches_bytes(&damaged), expected, "{:?} @> {}", damaged, needle);
        }
    }

    #[test]
    fn matcher_answers_alike_for_every_spelling(tree in document(), seed: u64) {
        let mut dice = Dice::new(seed);
        let needle = tree.needle(&mut dice);
        let (text, needle_text) = (tree.text(&mut dice), needle.text(&mut dice));
        let (canonical, needle) = (parsed(&tree, &mut dice), parsed(&needle, &mut dice));
        let matcher = Matcher::new(&needle);
        let answer = matcher.matches(canonical.as_str());
        prop_assert_eq!(matcher.matches(&text), answer);
        prop_assert_eq!(canonical.contains(&needle), answer);
        // An engine hands over canonical text only, but a needle that is not compiles to the same.
        prop_assert_eq!(Matcher::new(&Json::from_stored(needle_text)).matches(&text), answer);
        prop_assert!(canonical.contains(&canonical));
    }

    #[test]
    fn no_bytes_make_anything_panic(bytes: Vec<u8>, soup in "[\\[\\]{}\",:0-9eE.+\\\\u -]{0,60}", tree in document()) {
        let mut dice = Dice::new(1);
        let tree = parsed(&tree, &mut dice);
        for bytes in [bytes.as_slice(), soup.as_bytes()] {
            let _ = Json::from_slice(bytes).map_err(|error| error.to_string());
            let _ = Matcher::new(&tree).matches_bytes(bytes);
            let stored = Json::from_stored(String::from_utf8_lossy(bytes).into_owned());
            let _ = (stored.contains(&tree), tree.contains(&stored), stored.contains(&stored), stored.is_object());
            let _ = (format!("{stored:?}{stored}"), serde_json::to_string(&stored), stored.deserialize::<Vec<u8>>());
        }
    }
}
