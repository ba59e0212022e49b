//! What is looked for.

use polymnia::{Filter, Json, Query, Selection};

/// Is a containment that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needle {
    /// What the tables call it.
    pub(crate) name: &'static str,
    pub(crate) json: &'static str,
    /// One memory in so many has it; none, if no memory has.
    pub(crate) one_in: Option<usize>,
}

/// One leaf of one memory in a hundred.
pub(crate) const ONE_PERCENT: Needle = Needle { name: "1 %", json: r#"{"score": 13.25}"#, one_in: Some(100) };
/// One leaf that no memory has.
pub(crate) const ABSENT: Needle = Needle { name: "absent", json: r#"{"customer": "nobody"}"#, one_in: None };

/// All of them.
pub(crate) const NEEDLES: [Needle; 6] = [
    Needle { name: "0.01 %", json: r#"{"customer": "c000013"}"#, one_in: Some(10_000) },
    ONE_PERCENT,
    Needle { name: "17 %", json: r#"{"topic": "topic-1"}"#, one_in: Some(6) },
    // n % 50 = 13, n % 100 = 13: the second says it all.
    Needle { name: "triple, 1 %", json: r#"{"lang": "en", "score": 13.25, "tags": ["t13"]}"#, one_in: Some(100) },
    Needle { name: "nested, 0.1 %", json: r#"{"source": {"build": "13"}}"#, one_in: Some(1_000) },
    ABSENT,
];

impl Needle {
    pub(crate) fn filter(&self) -> Filter {
        Filter::Contains(Json::parse(self.json).expect("valid"))
    }

    pub(crate) fn selection(&self) -> Selection {
        Selection::default().with_filter(self.filter())
    }

    /// Returns the query for the newest ten.
    pub(crate) fn newest(&self) -> Query {
        Query::new(self.selection())
    }

    /// Returns how many of the first `memories` memories have it.
    pub(crate) fn matches(&self, memories: usize) -> usize {
        self.one_in.map_or(0, |one_in| {
            // The first is number 13, or 1 of every 6.
            let first = 13 % one_in;
            (memories + one_in - 1 - first) / one_in
        })
    }
}
