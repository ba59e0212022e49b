//! The filter that `--where` and `--filter` mean together.

use polymnia::filter::{FieldTest, Is, Test, TextField, TimeField};
use polymnia::{Filter, Json, Result};

use crate::failure::OfOption as _;

/// Returns the filter: both must hold.
pub(super) fn combined(contains: Option<&str>, filter: Option<&str>) -> Result<Filter> {
    let contains = contains.map(Json::parse).transpose().of_option("--where")?.map(Filter::Contains);
    let filter = filter.map(Filter::parse).transpose().of_option("--filter")?;
    Ok(match (contains, filter) {
        (Some(contains), Some(filter)) => Filter::And(vec![contains, filter]),
        (one, other) => one.or(other).unwrap_or_default(),
    })
}

/// Returns the options that mean this filter, with their values.
pub(super) fn options(filter: &Filter) -> Vec<(&'static str, Json)> {
    match filter {
        Filter::All => Vec::new(),
        Filter::Contains(needle) => vec![("--where", needle.clone())],
        Filter::And(both) => match both.as_slice() {
            [Filter::Contains(needle), filter] => vec![("--where", needle.clone()), ("--filter", filter.to_json())],
            _ => vec![("--filter", filter.to_json())],
        },
        _ => vec![("--filter", filter.to_json())],
    }
}

/// Returns whether the filter leaves nothing out, as far as its form tells.
pub(super) fn selects_all(filter: &Filter) -> bool {
    match filter {
        Filter::All => true,
        Filter::Contains(needle) => needle.as_str() == "{}",
        Filter::Field(test) => matches!(
            test,
            FieldTest::Text(TextField::Tier, Is::Present)
                | FieldTest::Importance(Is::Present)
                | FieldTest::Time(TimeField::Created | TimeField::Updated, Is::Present)
        ),
        Filter::And(filters) => filters.iter().all(selects_all),
        Filter::Or(filters) => filters.iter().any(selects_all),
        Filter::Not(filter) => selects_none(filter),
        _ => false,
    }
}

fn selects_none(filter: &Filter) -> bool {
    match filter {
        // Metadata is an object.
        Filter::Contains(needle) => !needle.as_str().starts_with('{'),
        Filter::Metadata { test: Test::In(values) | Test::Any(values), .. } => values.is_empty(),
        Filter::And(filters) => filters.iter().any(selects_none),
        Filter::Or(filters) => filters.iter().all(selects_none),
        Filter::Not(filter) => selects_all(filter),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_mean_the_filter_they_came_from() {
        let (needle, filter) = (r#"{"a": 1}"#, r#"{"score": {"$gte": 9}, "tags": {"$any": ["it's"]}}"#);
        let both = r#"{"$and": [{"$contains": {"a": 1}}, {"b": 2}]}"#;
        for (contains, filter) in [
            (None, None),
            (Some(needle), None),
            (None, Some(filter)),
            (Some(needle), Some(filter)),
            (Some(needle), Some("{}")),
            (None, Some(both)),
            (None, Some("{}")),
        ] {
            let meant = combined(contains, filter).unwrap();
            let options = options(&meant);
            let value = |name| options.iter().find(|(option, _)| *option == name).map(|(_, value)| value.as_str());
            assert_eq!(combined(value("--where"), value("--filter")).unwrap(), meant, "{options:?}");
        }
    }

    #[test]
    fn what_leaves_nothing_out_is_known() {
        for text in [
            "{}",
            r#"{"$contains": {}}"#,
            r#"{"$and": [{}, {"$contains": {}}]}"#,
            r#"{"$or": [{"a": 1}, {}]}"#,
            r#"{"$not": {"$contains": []}}"#,
            r#"{"$not": {"$not": {}}}"#,
            r#"{"$not": {"a": {"$in": []}}}"#,
            r#"{"a": {"$nin": []}}"#,
            r#"{"$tier": {"$exists": true}}"#,
            r#"{"$created_at": {"$exists": true}, "$importance": {"$exists": true}}"#,
        ] {
            assert!(selects_all(&Filter::parse(text).unwrap()), "{text}");
        }
        for text in [
            r#"{"a": 1}"#,
            r#"{"$not": {}}"#,
            r#"{"$not": {"a": 1}}"#,
            r#"{"$and": [{}, {"a": 1}]}"#,
            r#"{"$or": [{"a": 1}, {"$not": {}}]}"#,
            r#"{"$user": {"$exists": true}}"#,
            r#"{"$expires_at": {"$exists": true}}"#,
        ] {
            assert!(!selects_all(&Filter::parse(text).unwrap()), "{text}");
        }
    }
}
