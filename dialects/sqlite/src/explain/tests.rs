//! Which way is taken to which answer, as it is told.

use polymnia::spi::Engine as _;
use polymnia::{Filter, IndexDeclaration, IndexKind, Json, Order, Query, Selection, Tier};

use super::*;
use crate::read::differential::{Corpus, Level, call, make_level};

/// 20,000 memories of one namespace: user `u` and `{"rare": 1}` are of one in a thousand.
const ROWS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO polymnia_memories (namespace, id, user_id, tier, content, metadata, importance, revision, created_at,
        updated_at)
    SELECT 'a', randomblob(16), iif(i % 1000 = 1, 'u', 'v'), 'x', 'c',
        iif(i % 1000 = 0, '{\"rare\": 1, \"common\": true}', '{\"some\": [1, {\"n\": ' || (i % 50) || '}], \"common\": true}'),
        0.5, 1, i * 1000, i FROM n";

fn corpus(level: bool) -> Corpus {
    let mut corpus = Corpus::new(1, 0, Level::None);
    corpus.with(|_, connection| {
        connection.batch(ROWS).unwrap();
        if level {
            make_level(connection, "1");
        }
    });
    corpus
}

fn filter(text: &str) -> Selection {
    Selection::default().with_filter(Filter::parse(text).unwrap())
}

fn told(corpus: &Corpus, selection: &Selection, order: Order) -> Explanation {
    corpus.store.explain(&corpus.namespace, &Query::new(selection.clone()).with_order(order)).unwrap()
}

#[test]
fn the_cheapest_way_is_taken_and_told() {
    use Access::{DeclaredIndex, FieldIndex, MetadataIndex, Nothing, OrderWalk};
    let corpus = corpus(true);
    let declaration = IndexDeclaration::new("some".parse().unwrap(), IndexKind::Number).unwrap();
    corpus.engine.admin().create_index(&call(), &declaration).unwrap();
    let newest = Order::CREATED_DESC;
    let updated = Order::UPDATED_DESC;
    let user = |selection: Selection| selection.with_user("u".parse().unwrap());
    let absent = r#"{"$contains": {"common": false}}"#;
    let nothing = Selection::default().with_filter(Filter::Or(Vec::new()));
    let postings = "polymnia_postings";
    for (selection, order, access, index, streamed, candidates) in [
        (Selection::default(), newest, OrderWalk, "polymnia_memories_created", true, 11),
        (Selection::default(), updated, OrderWalk, "polymnia_memories_updated", true, 11),
        (user(Selection::default()), newest, FieldIndex, "polymnia_memories_user_created", true, 11),
        // Where few are of a user or tier, they are sorted rather than waited for.
        (user(Selection::default()), updated, FieldIndex, "polymnia_memories_user_created", false, 20),
        (
            Selection::default().with_tier(Tier::long_term()),
            newest,
            FieldIndex,
            "polymnia_memories_tier_updated",
            false,
            0,
        ),
        (
            Selection::default().with_tier(Tier::new("x").unwrap()),
            newest,
            OrderWalk,
            "polymnia_memories_created",
            true,
            11,
        ),
        (filter(r#"{"rare": 1}"#), newest, MetadataIndex, postings, true, 11),
        (filter(r#"{"common": true}"#), newest, MetadataIndex, postings, true, 11),
        // The rarest of what is needed drives.
        (filter(r#"{"common": true, "rare": 1}"#), newest, MetadataIndex, postings, true, 11),
        (filter(r#"{"common": true, "rare": {"$exists": true}}"#), newest, MetadataIndex, postings, true, 11),
        (filter(r#"{"rare": {"$in": [1, 2, 3]}}"#), newest, MetadataIndex, postings, true, 11),
        (filter(absent), newest, MetadataIndex, postings, true, 0),
        (nothing, newest, Nothing, "", false, 0),
        // Nothing is known of what a value is not, nor of ranges without a declared index.
        (filter(r#"{"rare": {"$ne": 1}}"#), newest, OrderWalk, "polymnia_memories_created", true, 12),
        (filter(r#"{"some": {"$gte": 5}}"#), newest, DeclaredIndex, "some_number", false, 0),
        // In another order all of a few are sorted, and of many those that come first are waited for.
        (filter(r#"{"rare": 1}"#), updated, MetadataIndex, postings, false, 20),
        (filter(r#"{"common": true}"#), updated, OrderWalk, "polymnia_memories_updated", true, 11),
        // A user with few memories.
        (user(filter(r#"{"common": true}"#)), newest, FieldIndex, "polymnia_memories_user_created", true, 11),
        (user(filter(r#"{"rare": 1, "common": true}"#)), updated, MetadataIndex, postings, false, 20),
    ] {
        let told = told(&corpus, &selection, order);
        let index = Some(index.to_owned()).filter(|index| !index.is_empty());
        let found = (told.access, told.index.clone(), told.streamed, told.candidates);
        assert_eq!(found, (access, index, streamed, candidates), "{order:?} {selection:?}\n{told:?}");
        assert!(told.rechecks <= told.candidates, "{told:?}");
    }
}

#[test]
fn what_is_emulated_and_what_ran_is_told() {
    let corpus = corpus(true);
    let told = told(&corpus, &filter(r#"{"rare": 1, "common": true}"#), Order::CREATED_DESC);
    assert_eq!((told.dialect.as_str(), told.rows, told.rechecks), ("sqlite", 10, 11));
    assert_eq!(told.estimated_candidates, Some(20));
    assert_eq!(told.emulated.len(), 2);
    let [main, probe] = told.statements.as_slice() else { panic!("{told:?}") };
    assert!(
        main.contains("FROM polymnia_postings AS p CROSS JOIN polymnia_memories") && !main.contains("tally"),
        "{main}"
    );
    assert!(probe.starts_with("SELECT count(*), min(created)"), "{probe}");
}

/// Rows that are not level are candidates as well.
#[test]
fn rows_that_are_not_level_are_counted_in() {
    let corpus = corpus(false);
    let told = told(&corpus, &filter(r#"{"rare": 1}"#), Order::CREATED_DESC);
    assert_eq!((told.access, told.rows, told.streamed), (Access::MetadataIndex, 10, true));
    // The page goes on until an eleventh shows that there are more.
    assert_eq!((told.candidates, told.rechecks), (10_001, 10_001));
}

#[test]
fn own_fields_beside_metadata_are_rechecked_together() {
    let corpus = corpus(true);
    let mixed = Filter::parse(r#"{"rare": 1, "$or": [{"$user": "u"}, {"common": true}]}"#).unwrap();
    let contains = Filter::Contains(Json::parse(r#"{"rare": 1}"#).unwrap());
    for filter in [mixed, contains] {
        let selection = Selection::default().with_filter(filter).with_tier(Tier::new("x").unwrap());
        let told = told(&corpus, &selection, Order::CREATED_DESC);
        assert_eq!((told.candidates, told.rechecks, told.rows), (11, 11, 10), "{told:?}");
    }
}
