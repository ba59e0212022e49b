//! Filters for the property tests, related to a document.

use super::{Bound, Filter, Path, Prefix, Relation, SizeTest, Step, Test};
use crate::Json;
use crate::json::generate::{Dice, Tree};

/// Returns a filter on metadata that now and then selects this document.
pub(super) fn filter(document: &Tree, dice: &mut Dice) -> Filter {
    nested(document, dice, 3)
}

fn nested(document: &Tree, dice: &mut Dice, depth: usize) -> Filter {
    let below = |dice: &mut Dice| {
        let count = dice.below(4);
        (0..count).map(|_| nested(document, dice, depth - 1)).collect()
    };
    match dice.below(if depth == 0 { 70 } else { 100 }) {
        0 => Filter::All,
        1..20 => Filter::Contains(json(&document.needle(dice), dice)),
        20..70 => {
            let (steps, at) = place(document, dice);
            match Path::new(steps) {
                Ok(path) => Filter::Metadata { path, test: test(at, dice) },
                Err(_) => Filter::Or(Vec::new()),
            }
        }
        70..80 => Filter::And(below(dice)),
        80..90 => Filter::Or(below(dice)),
        _ => Filter::Not(Box::new(nested(document, dice, depth - 1))),
    }
}

/// Returns a path that mostly leads somewhere, and where to.
fn place<'t>(document: &'t Tree, dice: &mut Dice) -> (Vec<Step>, Option<&'t Tree>) {
    let mut steps = Vec::new();
    let mut at = Some(document);
    while steps.is_empty() || dice.percent(60) {
        if dice.percent(8) {
            let step = *dice.pick(&["a", "b", "", "0", "a.b", "$eq", "%", "'", "\"", "é"]);
            steps.push(if dice.percent(50) {
                Step::from(step)
            } else {
                Step::Index(u32::try_from(dice.below(3)).unwrap())
            });
            at = None;
            continue;
        }
        match at {
            Some(Tree::Object(members)) if !members.is_empty() => {
                let (key, value) = dice.pick(members);
                // Half of a surrogate pair is no part of a path.
                let Ok(key) = serde_json::from_str::<String>(key) else { break };
                steps.push(Step::Key(key));
                at = Some(value);
            }
            Some(Tree::Array(elements)) if !elements.is_empty() => {
                let index = dice.below(elements.len());
                steps.push(Step::Index(u32::try_from(index).unwrap()));
                at = Some(&elements[index]);
            }
            _ => break,
        }
    }
    (steps, at)
}

fn test(at: Option<&Tree>, dice: &mut Dice) -> Test {
    let other = Tree::Scalar((*dice.pick(&["1", "0.5", "-2", "\"a\"", "\"\"", "null", "true"])).to_owned());
    let at = at.unwrap_or(&other);
    let empty = Vec::new();
    let elements = if let Tree::Array(elements) = at { elements } else { &empty };
    match dice.below(9) {
        0 => Test::Exists,
        1 => Test::Eq(json(&at.value(dice), dice)),
        2 => Test::In(values(std::slice::from_ref(at), dice)),
        3 | 4 => {
            let relations = [Relation::Less, Relation::LessOrEqual, Relation::Greater, Relation::GreaterOrEqual];
            let relation = *dice.pick(&relations);
            let bounds = [json(&at.value(dice), dice), json(&other, dice), Json::parse("1.50").unwrap()];
            bounds
                .into_iter()
                .find_map(|bound| Bound::new(bound).ok())
                .map_or(Test::Exists, |bound| Test::Compare(relation, bound))
        }
        5 => {
            let text = json(at, dice).deserialize::<String>().unwrap_or_default();
            let length = dice.below(text.chars().count() + 2);
            let beginning = text.chars().take(length).chain(dice.percent(20).then_some('é'));
            Test::Prefix(Prefix::new(beginning.collect::<String>()).unwrap())
        }
        6 => Test::Any(values(elements, dice)),
        7 => Test::All(values(elements, dice)),
        _ => {
            let near = u32::try_from((elements.len() + dice.below(3)).saturating_sub(1)).unwrap();
            Test::Size(match dice.below(3) {
                0 => SizeTest::Compare(Relation::Less, near),
                1 => SizeTest::Compare(Relation::GreaterOrEqual, near),
                _ => SizeTest::Is(near),
            })
        }
    }
}

/// Returns values like some of these, and now and then others.
fn values(like: &[Tree], dice: &mut Dice) -> Vec<Json> {
    let mut values = Vec::new();
    for _ in 0..dice.below(4) {
        if !like.is_empty() {
            values.push(json(&dice.pick(like).value(dice), dice));
        }
        if dice.percent(25) {
            let other = *dice.pick(&["1", "\"b\"", "[]", "{}", "null", "[[]]"]);
            values.push(Json::parse(other).unwrap());
        }
    }
    values
}

/// Returns the canonical JSON, or another where PostgreSQL refuses it.
fn json(tree: &Tree, dice: &mut Dice) -> Json {
    Json::parse(&tree.text(dice)).unwrap_or_else(|_| Json::parse("[\"a\", 1]").unwrap())
}
