//! What a selection needs of a memory, in terms and ranges that indexes hold.

use polymnia::filter::{Bound, IndexValue, NamespaceTerms, Need, Relation, Test};
use polymnia::{Filter, IndexKind, Path, Result};

use crate::connection::Connection;
use crate::derived::hasher;
use crate::filter_sql::Conditions;

/// Is what an index could propose rows by.
#[derive(Debug)]
pub(crate) struct Needs<'a> {
    pub(crate) need: Need,
    pub(crate) terms: Option<NamespaceTerms>,
    pub(crate) ranges: Vec<ValueRange<'a>>,
}

/// Is a range that the value at a path lies in.
#[derive(Debug)]
pub(crate) struct ValueRange<'a> {
    pub(crate) path: &'a Path,
    pub(crate) kind: IndexKind,
    pub(crate) from: Option<IndexValue>,
    pub(crate) until: Option<IndexValue>,
}

impl<'a> Needs<'a> {
    /// Returns what the conditions need.
    pub(crate) fn of(connection: &mut Connection, conditions: &Conditions<'a>) -> Result<Self> {
        let filter = conditions.filter();
        let mut needs = Self { need: Need::Anything, terms: None, ranges: Vec::new() };
        if filter.is_all() {
            return Ok(needs);
        }
        needs.terms = hasher::terms(connection, conditions.namespace())?;
        if let Some(terms) = &needs.terms {
            needs.need = Need::of(filter, terms);
            needs.add_ranges(filter);
        }
        Ok(needs)
    }

    /// Returns whether the plan rests on what is read from the database, and so holds for that moment only.
    pub(crate) fn is_momentary(&self) -> bool {
        fn has_path(need: &Need) -> bool {
            match need {
                Need::Anything | Need::Nothing | Need::Leaf(_) => false,
                Need::Path(_) => true,
                Need::All(needs) | Need::Any(needs) => needs.iter().any(has_path),
            }
        }
        !self.ranges.is_empty() || has_path(&self.need)
    }

    /// Adds the ranges that every selected memory's values lie in.
    fn add_ranges(&mut self, filter: &'a Filter) {
        match filter {
            Filter::And(all) => all.iter().for_each(|filter| self.add_ranges(filter)),
            Filter::Metadata { path, test: Test::Compare(relation, bound) } => {
                self.add_comparison(path, *relation, bound);
            }
            Filter::Metadata { path, test: Test::Prefix(prefix) } => {
                let from = IndexValue::cut(prefix.as_str());
                let range = ValueRange {
                    path,
                    kind: IndexKind::Text,
                    from: Some(IndexValue::Text(from.to_owned())),
                    until: after_prefix(from).map(IndexValue::Text),
                };
                self.add_range(range);
            }
            _ => {}
        }
    }

    fn add_comparison(&mut self, path: &'a Path, relation: Relation, bound: &Bound) {
        let kind = if bound.is_number() { IndexKind::Number } else { IndexKind::Text };
        let value = IndexValue::of(bound);
        let (from, until) = match relation {
            Relation::Less | Relation::LessOrEqual => (None, value),
            Relation::Greater | Relation::GreaterOrEqual => (value, None),
        };
        self.add_range(ValueRange { path, kind, from, until });
    }

    /// Adds a range, or narrows the one of the same path. Of a number and a string, both at once, the first one is kept:
    /// no value is both, and the recheck says so.
    fn add_range(&mut self, range: ValueRange<'a>) {
        match self.ranges.iter_mut().find(|other| other.path == range.path) {
            None => self.ranges.push(range),
            Some(other) if other.kind != range.kind => {}
            Some(other) => {
                if other.from.is_none() || is_less(other.from.as_ref(), range.from.as_ref()) {
                    other.from = range.from.or(other.from.take());
                }
                if other.until.is_none() || is_less(range.until.as_ref(), other.until.as_ref()) {
                    other.until = range.until.or(other.until.take());
                }
            }
        }
    }
}

/// Returns a text that no text with the prefix comes after; none if there is none such.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The surrogates are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

fn is_less(left: Option<&IndexValue>, right: Option<&IndexValue>) -> bool {
    match (left, right) {
        (Some(IndexValue::Number(left)), Some(IndexValue::Number(right))) => left < right,
        (Some(IndexValue::Text(left)), Some(IndexValue::Text(right))) => left < right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(filter: &str) -> Vec<(String, Option<IndexValue>, Option<IndexValue>)> {
        let filter = Filter::parse(filter).unwrap();
        let mut needs = Needs { need: Need::Anything, terms: None, ranges: Vec::new() };
        needs.add_ranges(&filter);
        needs.ranges.into_iter().map(|range| (range.path.to_string(), range.from, range.until)).collect()
    }

    #[test]
    fn ranges_of_one_path_are_one() {
        let number = |number| Some(IndexValue::Number(number));
        let text = |text: &str| Some(IndexValue::Text(text.to_owned()));
        let a = || "[\"a\"]".to_owned();
        for (filter, expected) in [
            (r#"{"a": {"$gte": 1, "$lt": 9}}"#, vec![(a(), number(1.0), number(9.0))]),
            (r#"{"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": 3}}, {"a": {"$gt": 2}}]}"#, vec![(a(), number(3.0), None)]),
            (r#"{"$and": [{"a": {"$lt": 1}}, {"a": {"$lte": 3}}]}"#, vec![(a(), None, number(1.0))]),
            // No value is both.
            (r#"{"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": "x"}}]}"#, vec![(a(), number(1.0), None)]),
            (r#"{"a": {"$prefix": "xy"}}"#, vec![(a(), text("xy"), text("xz"))]),
            (r#"{"a": {"$prefix": ""}}"#, vec![(a(), text(""), None)]),
            (r#"{"$or": [{"a": {"$gt": 1}}, {"b": 1}]}"#, vec![]),
            (r#"{"a": {"$not": {"$gt": 1}}}"#, vec![]),
        ] {
            assert_eq!(ranges(filter), expected, "{filter}");
        }
    }

    #[test]
    fn no_text_with_a_prefix_comes_after_its_end() {
        for (prefix, end) in
            [("a", Some("b")), ("a\u{10ffff}", Some("b")), ("\u{10ffff}", None), ("\u{d7ff}", Some("\u{e000}"))]
        {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
            let with = format!("{prefix}\u{10ffff}z");
            assert!(end.is_none_or(|end| with.as_str() < end));
        }
    }
}
