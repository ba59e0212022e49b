//! Filters and what they select, row by row.

use polymnia::filter::FilterMatcher;
use polymnia::{Filter, Json, Selection};

use super::prelude::*;
use crate::fixture::Subject;

/// Metadata, a filter, and whether it selects a memory with that metadata.
pub(super) type Table = [(&'static str, &'static str, bool)];

/// Asks the dialect for each row of the table by its filter, over all different documents of the table at once.
#[track_caller]
pub(super) fn check_table(subject: &Subject, table: &Table) {
    let store = subject.store();
    let mut documents: Vec<Json> = table.iter().map(|(document, ..)| json(document)).collect();
    documents.sort_by(|left, right| left.as_str().cmp(right.as_str()));
    documents.dedup();
    let puts = (0..)
        .zip(&documents)
        .map(|(n, document)| put_mutation(id(n), new("m").with_metadata(document.clone().try_into().unwrap())));
    store.apply(&here(), &puts.collect::<Vec<_>>()).unwrap();
    let memories = all(&store, &here(), Selection::default());
    for (document, text, expected) in table {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found = numbers(&all(&store, &here(), Selection::default().with_filter(filter.clone())));
        let parsed = json(document);
        let place = documents.iter().position(|other| *other == parsed).unwrap() as u64;
        assert_eq!(found.contains(&place), *expected, "{document} and {text}");
        let matcher = FilterMatcher::new(&filter).unwrap();
        for memory in &memories {
            let number = numbers(std::slice::from_ref(memory))[0];
            let by_engine = found.contains(&number);
            let shown = format!("{} and {text}", memory.metadata.as_str());
            assert_eq!(filter.matches(memory), by_engine, "Filter::matches: {shown}");
            assert_eq!(matcher.matches(memory.metadata.as_str().as_bytes()), by_engine, "FilterMatcher: {shown}");
        }
        assert_eq!(
            store.count(&here(), &Selection::default().with_filter(filter)).unwrap(),
            found.len() as u64,
            "{text}"
        );
    }
}
