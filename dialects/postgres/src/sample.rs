//! A sample of the memories, for estimates of how many a filter selects.
//!
//! It is kept as an index from terms to rows, so that an estimate takes microseconds, and is read anew from time to time. An
//! estimate that is wrong makes a query slow, never its answer.

mod draw;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Double, Jsonb, Nullable, Text};
use polymnia::filter::{DocumentTerms, FilterMatcher, NamespaceTerms, Need, TermHasher};
use polymnia::{Match, Namespace, Selection, Timestamp};

use self::draw::Draw;
use crate::error::Fault;
use crate::filter_sql::Tenants;
use crate::session::Session;
use crate::sql::{Statement, StoredJson};

/// How long a sample is good for.
const LIFETIME: Duration = Duration::from_mins(5);
/// How long one of fewer than [`FEW`] rows is: the table may be filling.
const LIFETIME_OF_FEW: Duration = Duration::from_secs(5);
const FEW: usize = 500;
/// How many rows that have the terms are looked at for whether the filter selects them.
const LOOKED_AT: usize = 50;
/// How long is spent on that: a containment in an array of containers may take long for one row, and a caller has a deadline.
const LOOKING: Duration = Duration::from_millis(2);
/// How many queries go without: a process that asks once should not pay for a sample.
const WITHOUT: u32 = 1;
/// How many rows of one term stand on a page of the index on metadata, packed.
const ROWS_OF_LIST_PAGE: f64 = 4_000.0;
/// How many estimates are remembered, and how many queries found to be estimated wrong.
const REMEMBERED: usize = 10_000;

/// Keeps the sample of one engine.
#[derive(Debug, Default)]
pub(crate) struct Samples(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    queries: u32,
    taking: bool,
    failed: Option<Instant>,
    sample: Option<Arc<Sample>>,
}

/// Is rows taken by chance.
#[derive(Debug)]
pub(crate) struct Sample {
    taken: Instant,
    /// How many memories of the table each row stands for.
    scale: f64,
    /// What it costs to look at the metadata of one row, in microseconds.
    row_cost: f64,
    terms: NamespaceTerms,
    rows: Vec<Row>,
    /// The rows that have a term.
    having: HashMap<i32, Vec<usize>>,
    /// What was looked for in order and not found soon.
    misjudged: Mutex<HashSet<u64>>,
    /// What was estimated, by query: it takes longer than a short query does.
    estimates: Mutex<HashMap<u64, Estimate>>,
}

#[derive(Debug)]
struct Row {
    namespace: u64,
    user: Option<u64>,
    agent: Option<u64>,
    thread: Option<u64>,
    tier: u64,
    metadata: String,
}

/// Is what a sample says of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    /// How many memories the other conditions leave.
    pub(crate) memories: f64,
    /// Which share of them the filter selects.
    pub(crate) share: f64,
    /// How many rows of the namespace have what the index on metadata is asked for.
    pub(crate) found: f64,
    /// How many entries of the index are compared to find them.
    pub(crate) compared: f64,
    /// What it costs to look at the metadata of one row, in microseconds.
    pub(crate) row_cost: f64,
    /// Whether the index on metadata should be asked for the namespace as well.
    pub(crate) sets_apart: bool,
}

impl Tenants {
    /// Returns what is better for a selection; without a sample, what is never bad.
    pub(crate) fn of(namespace: &Namespace, selection: &Selection, sample: Option<&Sample>) -> Self {
        let sets_apart = sample.is_none_or(|sample| sample.estimate(namespace, selection).sets_apart);
        if sets_apart { Self::Apart } else { Self::Together }
    }
}

impl Samples {
    /// Returns the sample, if there is one. If it is old, or missing, another is taken meanwhile, by a thread of its own that
    /// runs what `taker` returns: no query waits for it.
    pub(crate) fn current<F>(self: &Arc<Self>, taker: impl FnOnce() -> F) -> Option<Arc<Sample>>
    where
        F: FnOnce() -> Result<Sample, Fault> + Send + 'static,
    {
        let mut state = self.lock();
        let is_fresh = state.sample.as_ref().is_some_and(|sample| sample.taken.elapsed() < sample.lifetime());
        state.queries = state.queries.saturating_add(1);
        let is_paused = state.failed.is_some_and(|failed| failed.elapsed() < LIFETIME_OF_FEW);
        if !is_fresh && !is_paused && !state.taking && state.queries > WITHOUT {
            let (samples, take) = (Arc::clone(self), taker());
            let thread = std::thread::Builder::new().name("polymnia-sample".to_owned());
            state.taking = thread.spawn(move || samples.put(take())).is_ok();
        }
        state.sample.clone()
    }

    fn put(&self, taken: Result<Sample, Fault>) {
        let mut state = self.lock();
        state.taking = false;
        if let Ok(sample) = taken {
            state.sample = Some(Arc::new(sample));
        } else {
            // Whoever queries next meets the cause, if it lasts.
            log::debug!("could not take a sample of the memories");
            state.failed = Some(Instant::now());
        }
    }

    /// Forgets the sample, for a table that changed.
    pub(crate) fn forget(&self) {
        self.lock().sample = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Columns = (Text, Nullable<Text>, Nullable<Text>, Nullable<Text>, Text, Jsonb);
type Values = (String, Option<String>, Option<String>, Option<String>, String, StoredJson);

impl Sample {
    /// Reads one from the database.
    pub(crate) fn take(session: &mut Session, now: Timestamp) -> Result<Self, Fault> {
        let mut sizes = Statement::<(BigInt, BigInt, Double)>::new(
            "SELECT pg_relation_size(oid) / current_setting('block_size')::bigint, pg_table_size(oid), \
             reltuples::double precision FROM pg_catalog.pg_class WHERE oid = 'polymnia.memories'::regclass",
        );
        sizes.plan_each_time();
        let (pages, bytes, tuples): (i64, i64, f64) = session.load_one(sizes)?;
        let Draw { percent, modulus, most, row_bytes } = Draw::of(float(pages), float(bytes), tuples);
        let mut statement = Statement::<Columns>::new(
            "SELECT namespace, user_id, agent_id, thread_id, tier, metadata FROM polymnia.memories TABLESAMPLE SYSTEM (",
        );
        statement.bind(percent).text("::real) WHERE uuid_hash(id) % ").bind(modulus).text("::integer = 0");
        statement.text(" AND (expires_at IS NULL OR expires_at > ").bind(now).text(") LIMIT ").bind(most);
        statement.plan_each_time();
        let rows: Vec<Values> = session.load(statement)?;
        Ok(Self::new(rows, 100.0 / percent * float(modulus), row_bytes))
    }

    fn new(rows: Vec<Values>, scale: f64, row_bytes: f64) -> Self {
        let seed = [0; 16];
        let terms = TermHasher::new(seed).namespace(&Namespace::from_stored(String::from("sample")));
        let mut having: HashMap<i32, Vec<usize>> = HashMap::new();
        let mut found = DocumentTerms::default();
        for (number, (.., metadata)) in rows.iter().enumerate() {
            if terms.read(metadata.0.as_bytes(), &mut found) {
                for term in found.leaves.iter().chain(&found.paths) {
                    having.entry(*term).or_default().push(number);
                }
            }
        }
        let rows: Vec<Row> = rows.into_iter().map(Row::from).collect();
        log::debug!("took a sample of {} memories, each for {scale:.0}", rows.len());
        Self {
            taken: Instant::now(),
            scale,
            // Larger ones are compressed, or stand apart.
            row_cost: if row_bytes < 900.0 { 0.05 } else { 2.5 },
            terms,
            rows,
            having,
            misjudged: Mutex::default(),
            estimates: Mutex::default(),
        }
    }

    fn lifetime(&self) -> Duration {
        if self.rows.len() < FEW { LIFETIME_OF_FEW } else { LIFETIME }
    }

    /// Returns what the sample says of a selection whose filter the index on metadata can serve.
    pub(crate) fn estimate(&self, namespace: &Namespace, selection: &Selection) -> Estimate {
        let Selection { user, agent, thread, tiers, filter, .. } = selection;
        let query = hash((namespace.as_str(), hashed(user), hashed(agent), hashed(thread), tiers, filter));
        if let Some(known) = self.estimates().get(&query) {
            return *known;
        }
        let estimate = self.reckon(namespace, selection);
        let mut estimates = self.estimates();
        if estimates.len() < REMEMBERED {
            estimates.insert(query, estimate);
        }
        estimate
    }

    fn reckon(&self, namespace: &Namespace, selection: &Selection) -> Estimate {
        let Selection { user, agent, thread, tiers, filter, .. } = selection;
        let need = Need::of(filter, &self.terms);
        let fulfilling = self.fulfilling(&need);
        let name = hash(namespace.as_str());
        let tiers: Vec<u64> = tiers.iter().map(|tier| hash(tier.as_str())).collect();
        let (user, agent, thread) = (hashed(user), hashed(agent), hashed(thread));
        let is_left = |row: &Row| {
            row.namespace == name
                && passes(&user, row.user)
                && passes(&agent, row.agent)
                && passes(&thread, row.thread)
                && (tiers.is_empty() || tiers.contains(&row.tier))
        };
        let of_namespace = self.rows.iter().filter(|row| row.namespace == name).count();
        let left = self.rows.iter().filter(|row| is_left(row)).count();
        let found = fulfilling.iter().filter(|number| self.rows[**number].namespace == name).count();
        let found_left = fulfilling.iter().filter(|number| is_left(&self.rows[**number])).count();
        // Of few rows of its own, a namespace is taken to be like the others.
        let overall = ratio(count(fulfilling.len()), count(self.rows.len()));
        let among = |found: usize, of: usize| (count(found) + LIKENESS * overall) / (count(of) + LIKENESS);
        let own = count(of_namespace).max(0.5) * self.scale;
        let Scan { rarest, lists } = self.scan(&need);
        let others = count(fulfilling.len() - found) * self.scale;
        // A page of the namespace's list is unpacked as a whole, and each row of another tenant is fetched in vain.
        let sets_apart = others > 25.0 * rarest.min(own / ROWS_OF_LIST_PAGE + 1.0);
        let selected = if self.is_misjudged(namespace, selection) { 0.0 } else { self.selected(filter, &fulfilling) };
        Estimate {
            memories: count(left).max(0.5) * self.scale,
            share: among(found_left, left) * selected,
            found: among(found, of_namespace) * own + if sets_apart { 0.0 } else { others },
            compared: if sets_apart { rarest.min(own) * (lists + 1.0) } else { rarest * lists },
            row_cost: self.row_cost,
            sets_apart,
        }
    }

    /// Notes that what was looked for in order was not found soon.
    pub(crate) fn misjudge(&self, namespace: &Namespace, selection: &Selection) {
        let mut misjudged = self.misjudged.lock().unwrap_or_else(PoisonError::into_inner);
        if misjudged.len() < REMEMBERED {
            misjudged.insert(hash((namespace.as_str(), &selection.filter)));
        }
        self.estimates().clear();
    }

    fn estimates(&self) -> MutexGuard<'_, HashMap<u64, Estimate>> {
        self.estimates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_misjudged(&self, namespace: &Namespace, selection: &Selection) -> bool {
        let misjudged = self.misjudged.lock().unwrap_or_else(PoisonError::into_inner);
        !misjudged.is_empty() && misjudged.contains(&hash((namespace.as_str(), &selection.filter)))
    }

    /// Returns which share of the rows that fulfil what the filter needs it selects, as far as [`LOOKING`] lasts.
    fn selected(&self, filter: &polymnia::Filter, fulfilling: &[usize]) -> f64 {
        let looked_at = fulfilling.len().min(LOOKED_AT);
        match FilterMatcher::new(filter) {
            Ok(matcher) if looked_at > 0 => {
                let step = fulfilling.len() / looked_at;
                let rows = fulfilling.iter().step_by(step).take(looked_at);
                let began = Instant::now();
                let mut in_time = || began.elapsed() < LOOKING;
                let answers = rows.map_while(|number| {
                    let metadata = self.rows[*number].metadata.as_bytes();
                    if in_time() { matcher.matches_while(metadata, &mut in_time) } else { None }
                });
                let (mut seen, mut selected) = (0, 0);
                for answer in answers {
                    seen += 1;
                    selected += usize::from(answer);
                }
                if seen == 0 { 1.0 } else { count(selected) / count(seen) }
            }
            _ => 1.0,
        }
    }

    /// Returns what the index on metadata goes through for the need: as many steps as the rarest list is long, each in all
    /// lists.
    fn scan(&self, need: &Need) -> Scan {
        match need {
            Need::Leaf(term) => {
                let rows = self.having.get(term).map_or(0, Vec::len);
                Scan { rarest: count(rows) * self.scale, lists: 1.0 }
            }
            Need::All(all) => all
                .iter()
                .map(|need| self.scan(need))
                .fold(Scan::NONE, |all, one| Scan { rarest: all.rarest.min(one.rarest), lists: all.lists + one.lists }),
            Need::Any(any) => {
                let each = any.iter().map(|need| self.scan(need));
                let sum =
                    |all: Scan, one: Scan| Scan { rarest: all.rarest + one.rarest, lists: all.lists.max(one.lists) };
                each.fold(Scan { rarest: 0.0, lists: 0.0 }, sum)
            }
            // It holds no paths.
            Need::Anything | Need::Nothing | Need::Path(_) => Scan::NONE,
        }
    }

    /// Returns the numbers of the rows that fulfil the need, in order.
    fn fulfilling(&self, need: &Need) -> Vec<usize> {
        match need {
            Need::Nothing => Vec::new(),
            Need::Leaf(term) | Need::Path(term) => self.having.get(term).cloned().unwrap_or_default(),
            Need::All(all) => {
                let mut each = all.iter().map(|need| self.fulfilling(need));
                let first = each.next().unwrap_or_default();
                each.fold(first, |mut rows, others| {
                    rows.retain(|row| others.binary_search(row).is_ok());
                    rows
                })
            }
            Need::Any(any) => {
                let mut rows: Vec<usize> = any.iter().flat_map(|need| self.fulfilling(need)).collect();
                rows.sort_unstable();
                rows.dedup();
                rows
            }
            Need::Anything => (0..self.rows.len()).collect(),
        }
    }
}

/// Is what an index on metadata goes through.
#[derive(Clone, Copy, Debug)]
struct Scan {
    /// How long the shortest of its lists is.
    rarest: f64,
    /// How many lists there are.
    lists: f64,
}

impl Scan {
    /// No list, which limits nothing.
    const NONE: Self = Self { rarest: f64::INFINITY, lists: 0.0 };
}

/// How many rows of a namespace's own weigh as much as what holds for all.
const LIKENESS: f64 = 4.0;

impl From<Values> for Row {
    fn from((namespace, user, agent, thread, tier, metadata): Values) -> Self {
        let maybe = |text: Option<String>| text.map(|text| hash(text.as_str()));
        Self {
            namespace: hash(namespace.as_str()),
            user: maybe(user),
            agent: maybe(agent),
            thread: maybe(thread),
            tier: hash(tier.as_str()),
            metadata: metadata.0,
        }
    }
}

fn ratio(of: f64, to: f64) -> f64 {
    if to > 0.0 { of / to } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn float(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn count(rows: usize) -> f64 {
    rows as f64
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn hashed<T: AsRef<str>>(field: &Match<T>) -> Match<u64> {
    match field {
        Match::Any => Match::Any,
        Match::Absent => Match::Absent,
        Match::Is(value) => Match::Is(hash(value.as_ref())),
    }
}

fn passes(field: &Match<u64>, value: Option<u64>) -> bool {
    match field {
        Match::Any => true,
        Match::Absent => value.is_none(),
        Match::Is(wanted) => value == Some(*wanted),
    }
}

#[cfg(test)]
pub(crate) mod tests;
