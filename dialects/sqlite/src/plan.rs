//! Chooses what proposes the rows of a query: the postings, a declared index, or the table's own indexes.
//!
//! The rarest of what the selection demands drives, and the rows it proposes are looked at again. Numbers of rows are counted
//! up to small bounds that rise in turn, and remembered; nothing is counted where there is nothing to choose.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::ops::ControlFlow;

use polymnia::filter::{IndexValue, Need};
use polymnia::{IndexKind, Result};

use crate::connection::Connection;
use crate::derived::declared;
use crate::drive::{Entries, MAX_MERGED, Origin, Terms};
use crate::estimate::{self, BOUNDS};
use crate::filter_sql::{Column, Conditions, Window};
use crate::needs::{Needs, ValueRange};
use crate::row::Integers;
use crate::statement::{Value, fixed, statements};

/// Is what was chosen.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) choice: Choice,
    /// How many rows it is expected to propose, if that was asked.
    pub(crate) estimated: Option<u64>,
}

/// Says what proposes rows.
#[derive(Debug)]
pub(crate) enum Choice {
    /// No row can be selected.
    Nothing,
    /// The table's own indexes, as SQLite sees fit.
    Table,
    /// An index for the rows that are level, and the others one by one.
    Index(Origin),
    /// No level row can be selected.
    Unlevel,
}

/// More terms than a statement is given. A filter has at most a thousand values.
const MAX_TERMS: u16 = 4_096;
/// How far rows found by own fields or a declared index are counted: further, for they can't be estimated.
const LAST_BOUND: u64 = 8_192;

statements! {
    Shapes = "SELECT DISTINCT (shape << 32) >> 32 FROM polymnia_shapes WHERE path = ? LIMIT ?";
    LastRid = "SELECT max(rid) FROM polymnia_memories";
    /// How many entries of an index lie in a range, up to a limit.
    CountEntries =
        "SELECT count(*) FROM (SELECT 1 FROM polymnia_index_entries ",
        "WHERE number = ? AND space = ? AND value >= ? AND value <= ? LIMIT ?)";
}

/// Chooses a plan; of a page, for its window.
pub(crate) fn plan(
    connection: &mut Connection,
    conditions: &Conditions<'_>,
    needs: &Needs<'_>,
    window: Option<&Window>,
) -> Result<Plan> {
    let options = match &needs.need {
        Need::Nothing => return Ok(Plan { choice: Choice::Nothing, estimated: Some(0) }),
        Need::Anything => Vec::new(),
        Need::All(needs) => needs.iter().map(Candidate::Need).collect(),
        one => vec![Candidate::Need(one)],
    };
    let mut planner = Planner { connection, conditions, shapes: HashMap::new() };
    planner.choose(options, needs, window)
}

/// Returns where the rows of a page come from that no index on own fields streams: if few fulfil the conditions on fields,
/// from there.
pub(crate) fn unstreamed(connection: &mut Connection, conditions: &Conditions<'_>, window: &Window) -> Result<Origin> {
    let few = BOUNDS[BOUNDS.len() - 1];
    if window.column() == Column::Importance && conditions.is_order_alone() {
        return Ok(Origin::Namespace);
    }
    if window.column() == Column::Importance || conditions.count_by_fields(0).is_none() {
        return Ok(Origin::Table);
    }
    let is_few = count_by_fields(connection, conditions, few)? < few;
    Ok(if is_few { Origin::Fields } else { Origin::Table })
}

/// Is what could drive.
enum Candidate<'n> {
    Need(&'n Need),
    Entries(Entries),
    Fields,
}

struct Planner<'c, 'a> {
    connection: &'c mut Connection,
    conditions: &'c Conditions<'a>,
    /// The terms of the shapes that have a path; none if there are too many.
    shapes: HashMap<i32, Option<Vec<i32>>>,
}

impl Planner<'_, '_> {
    fn choose(
        &mut self,
        mut candidates: Vec<Candidate<'_>>,
        needs: &Needs<'_>,
        window: Option<&Window>,
    ) -> Result<Plan> {
        if !needs.ranges.is_empty() {
            candidates.extend(self.entries(needs)?.into_iter().map(Candidate::Entries));
        }
        let table = |estimated| Ok(Plan { choice: Choice::Table, estimated });
        if candidates.is_empty() {
            return table(None);
        }
        if self.conditions.count_by_fields(0).is_some() {
            candidates.push(Candidate::Fields);
        }
        let is_created = window.is_none_or(|window| window.column() == Column::Created);
        if let ([Candidate::Need(Need::Leaf(term))], true) = (candidates.as_slice(), is_created) {
            return Ok(Plan { choice: Choice::Index(Origin::Term(*term)), estimated: None });
        }
        let (at, rows) = self.rarest(&candidates)?;
        let origin = match candidates.swap_remove(at) {
            Candidate::Fields => return table(Some(rows)),
            Candidate::Entries(entries) => Origin::Entries(entries),
            Candidate::Need(need) => match self.terms(need)?.as_deref() {
                None => return table(None),
                Some([]) => return Ok(Plan { choice: Choice::Unlevel, estimated: Some(0) }),
                Some([term]) => Origin::Term(*term),
                Some(terms) => Origin::Terms(Terms::new(terms.to_vec())),
            },
        };
        if let Some(window) = window
            && !(is_created && origin.streams())
            && self.is_walk_shorter(window, rows)?
        {
            return table(None);
        }
        Ok(Plan { choice: Choice::Index(origin), estimated: Some(rows) })
    }

    /// Returns which candidate proposes the fewest rows, and how many.
    fn rarest(&mut self, candidates: &[Candidate<'_>]) -> Result<(usize, u64)> {
        let mut rarest = (0, u64::MAX);
        for bound in BOUNDS.into_iter().chain([LAST_BOUND]) {
            rarest = (0, u64::MAX);
            for (at, candidate) in candidates.iter().enumerate() {
                let rows = self.rows(candidate, bound)?;
                if rows < rarest.1 {
                    rarest = (at, rows);
                }
                if rows == 0 {
                    break;
                }
            }
            if rarest.1 < bound {
                break;
            }
        }
        Ok(rarest)
    }

    /// Returns how many rows a candidate proposes: exactly if there are less than `bound`, else at least that or about.
    fn rows(&mut self, candidate: &Candidate<'_>, bound: u64) -> Result<u64> {
        match candidate {
            Candidate::Need(need) => self.postings(need, bound.min(BOUNDS[BOUNDS.len() - 1])),
            Candidate::Entries(entries) => self.count_entries(entries, bound),
            Candidate::Fields => count_by_fields(self.connection, self.conditions, bound),
        }
    }

    fn postings(&mut self, need: &Need, bound: u64) -> Result<u64> {
        match need {
            Need::Anything => Ok(u64::MAX),
            Need::Nothing => Ok(0),
            Need::Leaf(term) => estimate::of_term(self.connection, *term, bound),
            Need::Path(path) => {
                let Some(terms) = self.shapes_of(*path)? else { return Ok(u64::MAX) };
                let mut sum = 0_u64;
                for term in terms {
                    sum = sum.saturating_add(estimate::of_term(self.connection, term, bound)?);
                }
                Ok(sum)
            }
            Need::All(needs) => {
                let mut least = u64::MAX;
                for need in needs {
                    least = least.min(self.postings(need, bound)?);
                }
                Ok(least)
            }
            Need::Any(needs) => {
                let mut sum = 0_u64;
                for need in needs {
                    sum = sum.saturating_add(self.postings(need, bound)?);
                }
                Ok(sum)
            }
        }
    }

    /// Returns terms of which each row that fulfils a need has one; none if there are none such, or too many.
    fn terms(&mut self, need: &Need) -> Result<Option<Vec<i32>>> {
        let terms = match need {
            Need::Anything => None,
            Need::Nothing => Some(Vec::new()),
            Need::Leaf(term) => Some(vec![*term]),
            Need::Path(path) => self.shapes_of(*path)?,
            Need::All(needs) => {
                let candidates: Vec<Candidate<'_>> = needs.iter().map(Candidate::Need).collect();
                let (at, _) = self.rarest(&candidates)?;
                self.terms(&needs[at])?
            }
            Need::Any(needs) => {
                let mut all = Vec::new();
                for need in needs {
                    let Some(terms) = self.terms(need)? else { return Ok(None) };
                    all.extend(terms);
                }
                all.sort_unstable();
                all.dedup();
                Some(all)
            }
        };
        Ok(terms.filter(|terms| terms.len() <= usize::from(MAX_TERMS)))
    }

    fn shapes_of(&mut self, path: i32) -> Result<Option<Vec<i32>>> {
        if let Some(known) = self.shapes.get(&path) {
            return Ok(known.clone());
        }
        let limit = Value::Integer(i64::from(MAX_TERMS) + 1);
        let mut terms = Vec::new();
        self.connection.each(fixed::<Shapes, 2>([Value::Integer(i64::from(path)), limit]), |row: Integers<1>| {
            terms.extend(i32::try_from(row.0[0]));
            ControlFlow::Continue(())
        })?;
        let terms = Some(terms).filter(|terms| terms.len() <= usize::from(MAX_TERMS));
        self.shapes.insert(path, terms.clone());
        Ok(terms)
    }

    /// Returns the parts of declared indexes that the ranges lie in.
    fn entries(&mut self, needs: &Needs<'_>) -> Result<Vec<Entries>> {
        let Some(terms) = &needs.terms else { return Ok(Vec::new()) };
        let declared = declared::list(self.connection)?;
        let entries = needs.ranges.iter().filter_map(|range| {
            let ValueRange { path, kind, from, until } = range;
            let index = declared.iter().find(|index| index.ready && index.path == **path && index.kind == *kind)?;
            let (least, greatest) = match kind {
                IndexKind::Number => (IndexValue::Number(f64::MIN), Some(IndexValue::Number(f64::MAX))),
                _ => (IndexValue::Text(String::new()), None),
            };
            let from = from.clone().unwrap_or(least);
            let until = until.clone().or(greatest);
            Some(Entries { number: index.number, space: terms.space(), from, until })
        });
        Ok(entries.collect())
    }

    fn count_entries(&mut self, entries: &Entries, bound: u64) -> Result<u64> {
        let [number, space, from, until] = entries.values();
        let limit = Value::Integer(bound.cast_signed());
        let count = fixed::<CountEntries, 5>([number, space, from, until, limit]);
        let found: Option<Integers<1>> = self.connection.one(count)?;
        Ok(found.map_or(0, |found| found.0[0].unsigned_abs()))
    }

    /// Returns whether a walk in the order asked for meets enough rows sooner than the candidates are sorted.
    fn is_walk_shorter(&mut self, window: &Window, candidates: u64) -> Result<bool> {
        if candidates < BOUNDS[BOUNDS.len() - 1] || !window.streams(self.conditions) {
            return Ok(false);
        }
        let last: Option<Integers<1>> = self.connection.one(fixed::<LastRid, 0>([]))?;
        let rows = u128::from(last.map_or(0, |last| last.0[0].unsigned_abs()));
        // The candidates are spread evenly, for all we know.
        let walked = u128::from(window.limit().unsigned_abs()) * rows / u128::from(candidates);
        Ok(walked < u128::from(candidates))
    }
}

/// Returns how many rows the conditions on own fields find: exactly if there are less than `bound`.
fn count_by_fields(connection: &mut Connection, conditions: &Conditions<'_>, bound: u64) -> Result<u64> {
    let mut hash = DefaultHasher::new();
    conditions.hash_fields(&mut hash);
    estimate::of_fields(connection, hash.finish(), bound, |connection, limit| {
        let found = conditions.count_by_fields(limit).map(|sql| connection.one::<Integers<1>, _>(sql));
        Ok(found.transpose()?.flatten().map_or(0, |found| found.0[0].unsigned_abs()))
    })
}

impl Origin {
    /// Returns whether rows come from it in the order of their creation.
    pub(crate) fn streams(&self) -> bool {
        match self {
            Self::Table | Self::Fields | Self::User | Self::Namespace | Self::Unlevel | Self::Entries(_) => false,
            Self::Term(_) => true,
            Self::Terms(terms) => terms.len() <= MAX_MERGED,
        }
    }
}
