//! The SQL that drives from an index, and SQLite's plans for it, with and without statistics.

use polymnia::{Filter, Json, Namespace, Order, Query, Selection, TimeRange, Timestamp};

use super::*;
use crate::connection::Connection;
use crate::explain::Detail;
use crate::read::differential::{Corpus, Level};
use crate::statement::{Fixed, text};

fn source(origin: Origin) -> Source {
    Source::new(origin, false)
}

fn terms(count: i32) -> Origin {
    Origin::Terms(Terms::new((0..count).collect()))
}

fn entries(from: IndexValue, until: Option<IndexValue>) -> Origin {
    Origin::Entries(Entries { number: 1, space: 7, from, until })
}

/// Selections that tempt SQLite to find rows by an index on own fields.
fn selections() -> [Selection; 4] {
    let range = TimeRange { from: Some(Timestamp::MIN), until: Some(Timestamp::MAX) };
    let all = Selection::default().with_filter(Filter::Contains(Json::parse("{\"a\": 1}").unwrap()));
    let user = all.clone().with_user("u".parse().unwrap()).with_thread("t".parse().unwrap());
    let ranges = all.clone().with_created(range).with_updated(range);
    [all.clone(), user, ranges, all.with_tier("x".parse().unwrap())]
}

/// Runs `check` with each selection and order, before and after ANALYZE, and a way to ask for plans.
fn each(check: impl Fn(&Conditions<'_>, &Window, &mut dyn FnMut(Sql<'_>) -> Vec<String>)) {
    let mut corpus = Corpus::new(1, 500, Level::Half);
    for statistics in ["", "ANALYZE"] {
        corpus.with(|corpus, connection| {
            connection.batch(statistics).unwrap();
            for selection in selections() {
                let conditions = Conditions::new(&corpus.namespace, Timestamp::MIN, &selection).unwrap();
                for order in Order::ALL {
                    let window = Window::new(&Query::new(selection.clone()).with_order(order)).unwrap();
                    check(&conditions, &window, &mut |sql| plan(connection, sql));
                }
            }
        });
    }
}

fn plan(connection: &mut Connection, statement: Sql<'_>) -> Vec<String> {
    let mut sql = Sql::new("EXPLAIN QUERY PLAN ");
    sql.append(statement);
    connection.all(sql).unwrap().into_iter().map(|Detail(detail)| detail).collect()
}

fn has(steps: &[String], wanted: &str) -> bool {
    steps.iter().any(|step| step.contains(wanted))
}

const BY_TERM: &str = "USING PRIMARY KEY (term=? AND created>? AND created<?)";
const BY_RID: &str = "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)";
const SORTS: &str = "TEMP B-TREE";

#[test]
fn the_common_statements_are_those_put_together() {
    let namespace = Namespace::new("a").unwrap();
    let [selection, ..] = selections();
    let conditions = Conditions::new(&namespace, Timestamp::MIN, &selection).unwrap();
    assert!(conditions.is_metadata_alone());
    let of_term = source(Origin::Term(7));
    let mut corpus = Corpus::new(1, 50, Level::All);
    for (order, fixed, after) in
        [(Order::CREATED_DESC, Newest::SQL, NewestAfter::SQL), (Order::CREATED_ASC, Oldest::SQL, OldestAfter::SQL)]
    {
        let all = Query::new(Selection::default()).with_order(order).with_limit(1).unwrap();
        let next = corpus.with(|corpus, _| corpus.store.query(&corpus.namespace, &all).unwrap().next.unwrap());
        let query = Query::new(selection.clone()).with_order(order);
        for (query, fixed) in [(query.clone(), fixed), (query.with_cursor(next), after)] {
            let window = Window::new(&query).unwrap();
            assert_eq!(text(&in_order(&of_term, &conditions, &window, Tell::Level)), fixed);
        }
    }
}

#[test]
fn pages_of_one_term_stream() {
    each(|conditions, window, plan| {
        for tell in [Tell::Level, Tell::Nothing] {
            let of_term = source(Origin::Term(7));
            let steps = plan(in_order(&of_term, conditions, window, tell));
            assert!(has(&steps, BY_TERM) && has(&steps, BY_RID) && !has(&steps, SORTS), "{steps:?}");
            assert_eq!(has(&steps, "polymnia_memories_unlevel (namespace=?)"), tell == Tell::Level, "{steps:?}");
        }
    });
}

#[test]
fn pages_of_several_terms_are_merged() {
    each(|conditions, window, plan| {
        for count in [2, 3, 64] {
            let of_terms = source(terms(count));
            let steps = plan(in_order(&of_terms, conditions, window, Tell::Nothing));
            assert!(has(&steps, "MERGE (UNION)") && has(&steps, BY_RID) && !has(&steps, SORTS), "{steps:?}");
            let searches = steps.iter().filter(|step| step.contains(BY_TERM)).count();
            assert_eq!(searches, count.unsigned_abs().next_power_of_two() as usize, "{steps:?}");
        }
    });
}

#[test]
fn candidates_are_searched_for_by_key() {
    let number = entries(IndexValue::Number(1.0), Some(IndexValue::Number(2.0)));
    let sources = [
        (source(Origin::Term(7)), BY_TERM),
        (source(terms(3)), "polymnia_postings USING PRIMARY KEY (term=?)"),
        (source(number), "polymnia_index_entries USING PRIMARY KEY (number=? AND space=? AND value>? AND value<?)"),
        (source(entries(IndexValue::Text("a".to_owned()), None)), "(number=? AND space=? AND value>? AND value<?)"),
    ];
    each(|conditions, window, plan| {
        for (source, search) in &sources {
            for sql in [window.sorted(source, conditions), rids(source, conditions)] {
                let steps = plan(sql);
                assert!(has(&steps, search) && has(&steps, BY_RID), "{steps:?}");
            }
        }
        let both = [source(Origin::Term(7)), source(Origin::Unlevel)];
        let steps = plan(count(&both, conditions));
        assert!(has(&steps, BY_TERM) && has(&steps, "polymnia_memories_unlevel (namespace=?"), "{steps:?}");
    });
}

#[test]
fn rows_that_are_not_level_stream_from_their_index() {
    each(|conditions, window, plan| {
        if window.column() != crate::filter_sql::Column::Created {
            return;
        }
        let unlevel = source(Origin::Unlevel);
        let steps = plan(window.streamed(&unlevel, conditions));
        assert!(has(&steps, "polymnia_memories_unlevel (namespace=?") && !has(&steps, SORTS), "{steps:?}");
    });
}

/// However many terms there are, there are few texts.
#[test]
fn numbers_of_terms_share_texts() {
    let namespace = Namespace::new("a").unwrap();
    let [selection, ..] = selections();
    let conditions = Conditions::new(&namespace, Timestamp::MIN, &selection).unwrap();
    let window = Window::new(&Query::new(selection.clone())).unwrap();
    let merged = |count| text(&in_order(&source(terms(count)), &conditions, &window, Tell::Nothing));
    assert_eq!(merged(33), merged(64));
    let sorted = |count| text(&window.sorted(&source(terms(count)), &conditions));
    assert_eq!(sorted(2), sorted(1_000));
}

#[test]
fn times_become_whole_milliseconds() {
    let ends = |from, until| {
        milliseconds(Range { from, until }).map(|end| match end {
            Value::Integer(end) => end,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(ends(None, None), [i64::MIN, i64::MAX]);
    assert_eq!(ends(Some(1_999), Some(2_000)), [1, 1]);
    assert_eq!(ends(Some(-1), Some(2_001)), [-1, 2]);
    assert_eq!(ends(Some(0), Some(0)), [0, -1]);
}
