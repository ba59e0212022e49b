//! Filters of every kind, about documents that exist, or nearly.

use polymnia::filter::{Bound, FieldTest, Is, Prefix, Real, Relation, SizeTest, Step, Test, TextField, TimeField};
use polymnia::{Filter, Json, Path, Timestamp};

use super::json::{self, Tree};
use super::memory::{Pool, importance, moment, text};
use super::{Rng, any, percent, pick};

/// Returns a filter of any kind, nested up to three levels deep.
///
/// # Panics
///
/// If the pool holds no document.
pub fn filter(rng: &mut Rng, pool: &Pool, now: Timestamp) -> Filter {
    nested(rng, 3, &mut |rng| {
        if percent(rng, 20) { Filter::Field(field_test(rng, now)) } else { condition(rng, &pool.documents) }
    })
}

/// Returns a filter that looks at metadata only, nested up to three levels deep.
///
/// # Panics
///
/// If there is no document.
pub fn metadata_filter(rng: &mut Rng, documents: &[Tree]) -> Filter {
    nested(rng, 3, &mut |rng| condition(rng, documents))
}

/// Returns a condition on one of a memory's own fields.
///
/// # Panics
///
/// Never: no bound is NaN and no prefix holds NUL.
pub fn field_test(rng: &mut Rng, now: Timestamp) -> FieldTest {
    let text_field = pick(rng, &[TextField::User, TextField::Agent, TextField::Thread, TextField::Tier]);
    let time_field = pick(rng, &[TimeField::Created, TimeField::Updated, TimeField::Expires]);
    match rng.u32(0..10) {
        0..4 => FieldTest::Text(text_field, is(rng, &mut |rng| field_text(rng, text_field))),
        4 => {
            let text = field_text(rng, text_field);
            FieldTest::Prefix(text_field, prefix(&text, rng))
        }
        5..7 => FieldTest::Importance(is(rng, &mut |rng| {
            let far = [-1.0, -0.0, f64::MIN_POSITIVE, 2.0, 1e300, f64::INFINITY, f64::NEG_INFINITY];
            let number = if percent(rng, 80) { importance(rng).as_f64() } else { pick(rng, &far) };
            Real::new(number).expect("none of them is NaN")
        })),
        _ => FieldTest::Time(time_field, is(rng, &mut |rng| moment(rng, now))),
    }
}

fn nested(rng: &mut Rng, levels: u32, one: &mut dyn FnMut(&mut Rng) -> Filter) -> Filter {
    let some = |rng: &mut Rng, one: &mut dyn FnMut(&mut Rng) -> Filter| {
        // None at all is a filter, too.
        let count = pick(rng, &[0, 1, 2, 2, 2, 3]);
        (0..count).map(|_| nested(rng, levels - 1, one)).collect()
    };
    match rng.u32(0..if levels == 0 { 52 } else { 100 }) {
        0 => Filter::All,
        1..52 => one(rng),
        52..68 => Filter::And(some(rng, one)),
        68..84 => Filter::Or(some(rng, one)),
        _ => Filter::Not(Box::new(nested(rng, levels - 1, one))),
    }
}

fn condition(rng: &mut Rng, documents: &[Tree]) -> Filter {
    let document = any(rng, documents);
    if percent(rng, 20) {
        return Filter::Contains(parsed(&json::needle(document, rng), rng));
    }
    let (steps, value) = place(document, rng);
    // Half of the tests are about what is there.
    let value = if percent(rng, 50) { value.cloned() } else { None };
    let test = test(rng, value.as_ref());
    let path = Path::new(strayed(steps, rng)).expect("the path is short, and no key holds NUL");
    Filter::Metadata { path, test }
}

/// Walks to somewhere in the document, and returns how, and what is there. A document without members leads nowhere.
fn place<'a>(document: &'a Tree, rng: &mut Rng) -> (Vec<Step>, Option<&'a Tree>) {
    let mut steps = Vec::new();
    let mut here = document;
    loop {
        if !steps.is_empty() && percent(rng, 40) {
            return (steps, Some(here));
        }
        match here {
            Tree::Object(members) if !members.is_empty() => {
                let (key, _) = any(rng, members);
                // Of a repeated key the last counts.
                let (_, last) = members.iter().rfind(|(other, _)| other == key).expect("the key is one of them");
                steps.push(Step::from(key.as_str()));
                here = last;
            }
            Tree::Array(elements) if !elements.is_empty() => {
                let index = rng.usize(0..elements.len());
                steps.push(Step::from(u32::try_from(index).expect("there are few elements")));
                here = &elements[index];
            }
            _ if steps.is_empty() => return (vec![Step::from(json::key(rng))], None),
            _ => return (steps, Some(here)),
        }
    }
}

/// Returns the path, or now and then one that is nearly it.
fn strayed(mut steps: Vec<Step>, rng: &mut Rng) -> Vec<Step> {
    let at = rng.usize(0..steps.len());
    match rng.u32(0..100) {
        // A key where an index is meant, and the other way round.
        0..6 => {
            steps[at] = match &steps[at] {
                Step::Key(key) => Step::from(key.parse().unwrap_or(0_u32)),
                Step::Index(index) => Step::from(index.to_string()),
            };
        }
        6..10 => steps[at] = Step::from(json::key(rng)),
        10..13 => steps[at] = Step::from(pick(rng, &[0, 1, 2, Path::MAX_INDEX])),
        13..16 => steps.push(Step::from(json::key(rng))),
        16..18 => steps.push(Step::from(rng.u32(0..3))),
        18..20 if steps.len() > 1 => drop(steps.remove(at)),
        _ => {}
    }
    steps
}

fn test(rng: &mut Rng, value: Option<&Tree>) -> Test {
    // Mostly a test that such a value may pass.
    let kinds: &[u32] = match value {
        Some(Tree::Number(_)) => &[0, 1, 2, 3, 3, 3],
        Some(Tree::String(_)) => &[0, 1, 2, 3, 3, 4, 4],
        Some(Tree::Array(_)) => &[0, 1, 2, 5, 5, 6, 6, 7],
        Some(_) => &[0, 1, 1, 2],
        None => &[],
    };
    let kind = if kinds.is_empty() || percent(rng, 10) { rng.u32(0..8) } else { pick(rng, kinds) };
    match kind {
        0 => Test::Exists,
        1 => Test::Eq(equal(value, rng)),
        2 => Test::In((0..rng.usize(0..4)).map(|_| equal(value, rng)).collect()),
        3 => Test::Compare(relation(rng), bound(value, rng)),
        4 => {
            let text = match value {
                Some(Tree::String(text)) if percent(rng, 80) => text.clone(),
                _ => json::string(rng),
            };
            Test::Prefix(prefix(&text, rng))
        }
        5 => Test::Any(elements(value, rng)),
        6 => Test::All(elements(value, rng)),
        _ => {
            let size = match value {
                Some(Tree::Array(elements)) => u32::try_from(elements.len()).expect("there are few elements"),
                _ => rng.u32(0..4),
            };
            let size = if percent(rng, 30) { pick(rng, &[0, size + 1, u32::MAX]) } else { size };
            Test::Size(if rng.bool() { SizeTest::Is(size) } else { SizeTest::Compare(relation(rng), size) })
        }
    }
}

fn equal(value: Option<&Tree>, rng: &mut Rng) -> Json {
    let tree = match value {
        Some(value) if percent(rng, 80) => json::alike(value, rng),
        _ if percent(rng, 70) => json::scalar(rng),
        _ => json::value(rng),
    };
    parsed(&tree, rng)
}

fn elements(value: Option<&Tree>, rng: &mut Rng) -> Vec<Json> {
    let count = pick(rng, &[0, 1, 1, 2, 3]);
    let there = match value {
        Some(Tree::Array(elements)) => elements.as_slice(),
        _ => &[],
    };
    (0..count).map(|_| if there.is_empty() { equal(None, rng) } else { equal(Some(any(rng, there)), rng) }).collect()
}

fn bound(value: Option<&Tree>, rng: &mut Rng) -> Bound {
    let tree = match value {
        Some(value @ (Tree::Number(_) | Tree::String(_))) if percent(rng, 50) => json::alike(value, rng),
        Some(Tree::String(_)) if percent(rng, 80) => Tree::String(json::string(rng)),
        _ => json::scalar(rng),
    };
    Bound::new(parsed(&tree, rng)).unwrap_or_else(|_| bound(None, rng))
}

fn relation(rng: &mut Rng) -> Relation {
    pick(rng, &[Relation::Less, Relation::LessOrEqual, Relation::Greater, Relation::GreaterOrEqual])
}

/// Returns the beginning of a text, now and then with something after it.
fn prefix(text: &str, rng: &mut Rng) -> Prefix {
    let characters = text.chars().count();
    let mut beginning: String = text.chars().take(rng.usize(0..=characters)).collect();
    if percent(rng, 15) {
        beginning.push_str(&json::string(rng));
    }
    Prefix::new(beginning).expect("no text of the generators holds NUL")
}

fn is<T>(rng: &mut Rng, value: &mut dyn FnMut(&mut Rng) -> T) -> Is<T> {
    match rng.u32(0..10) {
        0 => Is::Present,
        1..5 => Is::Eq(value(rng)),
        5..7 => Is::In((0..rng.usize(0..4)).map(|_| value(rng)).collect()),
        _ => Is::Compare(relation(rng), value(rng)),
    }
}

fn field_text(rng: &mut Rng, field: TextField) -> String {
    let text = match field {
        TextField::Tier => pick(rng, &["short_term", "mid_term", "long_term", "Long_term", "own"]),
        _ => text(rng),
    };
    // Comparisons are with any text, also with what no field can hold.
    if percent(rng, 5) { String::new() } else { text.to_owned() }
}

fn parsed(tree: &Tree, rng: &mut Rng) -> Json {
    Json::parse(&json::spell(tree, rng)).expect("what the generators make is within all limits")
}
