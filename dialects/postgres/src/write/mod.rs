//! What changes one tenant's memories.
//!
//! A batch means one mutation after the other. Mutations of different ids don't see each other, so the batch is cut into
//! rounds in which no id comes twice, and a round into groups of one kind, each of which is one statement.

mod capture;
mod conflict;
mod copy;
mod delete;
mod put;
mod restore;
mod source;
mod update;

use std::collections::{BTreeMap, HashMap};

use diesel::sql_types::Uuid;
use polymnia::{
    ApplyReport, Call, ChangeOperation, Effect, Error, ErrorKind, Expect, MemoryId, Mutation, Namespace, OnConflict,
    Outcome, Result, Revision, Selection, Timestamp,
};

pub(crate) use self::capture::{Capture, ChangeCapture, Claim, capture_transaction};
pub(crate) use self::copy::{Novelty, load};

use crate::error::Fault;
use crate::filter_sql::{self, Hints, Tenants};
use crate::session::{Scope, Session};
use crate::sql::Statement;

/// Is what every statement of a batch is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) now: Timestamp,
}

/// Applies a batch: all of it or nothing.
pub(crate) fn apply(
    session: &mut Session,
    call: &Call,
    namespace: &Namespace,
    batch: &[Mutation],
) -> Result<ApplyReport, Fault> {
    let target = Target { namespace, now: call.now };
    if let [mutation] = batch
        && let Some(outcome) = session.within(Scope::Write, |session| apply_at_once(session, target, mutation))?
    {
        return Ok(ApplyReport { outcomes: vec![outcome] });
    }
    session.within(Scope::Transaction, |session| {
        let rounds = rounds(batch).iter().map(|round| groups(batch, round)).collect::<Result<Rounds>>()?;
        let capture = claim(session, target, batch, &rounds)?;
        let done = apply_rounds(session, call, target, batch, rounds)?;
        capture.record(session, namespace, done.iter().filter_map(Done::change))?;
        Ok(ApplyReport { outcomes: done.into_iter().map(|done| done.outcome).collect() })
    })
}

/// Removes the selected memories.
pub(crate) fn delete_matching(
    session: &mut Session,
    now: Timestamp,
    namespace: &Namespace,
    selection: &Selection,
    hints: Hints<'_>,
) -> Result<u64, Fault> {
    let capture = Capture::claim(session, namespace, Claim::Whole)?;
    let mut statement = Statement::<Uuid>::new("DELETE FROM polymnia.memories");
    filter_sql::push_selection(&mut statement, namespace, now, selection, hints, Tenants::Apart)?;
    statement.plan_each_time().check()?;
    if capture.is_off() {
        return Ok(session.execute(&statement)? as u64);
    }
    statement.text(" RETURNING id");
    let ids: Vec<uuid::Uuid> = session.load(statement)?;
    let count = ids.len() as u64;
    capture.record(session, namespace, ids.into_iter().map(|id| (id, ChangeOperation::Delete)))?;
    Ok(count)
}

/// Tries a single mutation as one statement that commits by itself and does nothing while changes are recorded.
///
/// Anything but plain success is left to the longer way, which finds out what it was: the statement changed nothing then.
fn apply_at_once(session: &mut Session, target: Target<'_>, mutation: &Mutation) -> Result<Option<Outcome>, Fault> {
    let Some(kind) = Kind::of(mutation).filter(|kind| kind.is_one_statement()) else { return Ok(None) };
    let done = kind.run(session, target, &[mutation], ChangeCapture::MustBeOff)?;
    Ok(done.into_iter().next().flatten().map(|done| done.outcome))
}

fn apply_rounds(
    session: &mut Session,
    call: &Call,
    target: Target<'_>,
    batch: &[Mutation],
    rounds: Rounds,
) -> Result<Vec<Done>, Fault> {
    let mut all: Vec<Option<Done>> = vec![None; batch.len()];
    // The first mutation known to fail. What comes after it doesn't matter: the batch is rolled back.
    let mut failed: Option<usize> = None;
    for round in rounds {
        for (kind, mut places) in round {
            call.check()?;
            places.retain(|place| failed.is_none_or(|failed| *place < failed));
            if places.is_empty() {
                continue;
            }
            // In the order of ids, as every batch does it.
            places.sort_unstable_by_key(|place| batch[*place].id());
            let mutations: Vec<&Mutation> = places.iter().map(|place| &batch[*place]).collect();
            let done = kind.run(session, target, &mutations, ChangeCapture::Handled)?;
            for (place, done) in places.into_iter().zip(done) {
                if done.is_none() {
                    failed = Some(failed.map_or(place, |failed| failed.min(place)));
                }
                all[place] = done;
            }
        }
    }
    if let Some(place) = failed {
        let error = conflict::explain(session, target, &batch[place])?;
        return Err(if batch.len() > 1 { error.with_context("mutation", place) } else { error }.into());
    }
    Ok(all.into_iter().map(|done| done.expect("without a failure each mutation is done")).collect())
}

/// Is a batch in the order in which it is done: places of mutations, by kind, in rounds.
type Rounds = Vec<BTreeMap<Kind, Vec<usize>>>;

/// Sees to it that batches don't lock each other out.
fn claim(session: &mut Session, target: Target<'_>, batch: &[Mutation], rounds: &Rounds) -> Result<Capture, Fault> {
    if batch.len() <= 1 {
        return Capture::read(session);
    }
    let mut kinds = rounds.iter().flat_map(BTreeMap::keys);
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => {
            let capture = Capture::claim(session, target.namespace, Claim::Shared)?;
            if !kind.locks_in_order() {
                lock(session, target, batch)?;
            }
            Ok(capture)
        }
        // Of several statements each may come upon any memory.
        _ => Capture::claim(session, target.namespace, Claim::Whole),
    }
}

/// Locks the memories that are there, in the order of their ids: a statement that joins comes upon them in any.
fn lock(session: &mut Session, target: Target<'_>, batch: &[Mutation]) -> Result<(), Fault> {
    let ids: Vec<uuid::Uuid> = batch.iter().map(|mutation| mutation.id().into()).collect();
    let mut statement: Statement<'_> = Statement::new("SELECT FROM polymnia.memories WHERE namespace = ");
    statement.bind(target.namespace.as_str()).text(" AND id = ANY (").bind(ids).text(") ORDER BY id FOR UPDATE");
    session.execute(&statement)?;
    Ok(())
}

/// Returns the places of the batch's mutations such that no id comes twice in a round, and each comes in order.
fn rounds(batch: &[Mutation]) -> Vec<Vec<usize>> {
    let mut seen: HashMap<MemoryId, usize> = HashMap::with_capacity(batch.len());
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (place, mutation) in batch.iter().enumerate() {
        let times = seen.entry(mutation.id()).or_default();
        if rounds.len() == *times {
            rounds.push(Vec::new());
        }
        rounds[*times].push(place);
        *times += 1;
    }
    rounds
}

fn groups(batch: &[Mutation], round: &[usize]) -> Result<BTreeMap<Kind, Vec<usize>>> {
    let mut groups: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for place in round {
        let kind = Kind::of(&batch[*place]).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the dialect postgres doesn't know this kind of mutation")
        })?;
        groups.entry(kind).or_default().push(*place);
    }
    Ok(groups)
}

/// Is what became of a mutation.
#[derive(Clone, Copy, Debug)]
struct Done {
    outcome: Outcome,
    /// What to record. An expired row that a delete removed is a change, though nothing was there.
    change: Option<ChangeOperation>,
}

impl Done {
    fn new(id: MemoryId, effect: Effect, revision: Option<Revision>) -> Self {
        let change = match effect {
            Effect::Created | Effect::Updated => Some(ChangeOperation::Write),
            Effect::Deleted => Some(ChangeOperation::Delete),
            _ => None,
        };
        Self { outcome: Outcome { id, effect, revision }, change }
    }

    fn change(&self) -> Option<(uuid::Uuid, ChangeOperation)> {
        self.change.map(|operation| (self.outcome.id.into(), operation))
    }
}

/// Is a kind of mutation that one statement does for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Put(put::Over),
    PutRevision,
    Update,
    Delete,
    DeleteRevision,
    DeleteAbsent,
    Restore(OverTaken),
}

/// Is what a restore does when its id is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum OverTaken {
    Fail,
    Skip,
    Replace,
}

impl Kind {
    /// Returns the mutation's kind, unless it is newer than this engine.
    fn of(mutation: &Mutation) -> Option<Self> {
        Some(match mutation {
            Mutation::Put { expect: Expect::Any, memory, .. } => {
                Self::Put(if memory.created_at.is_some() { put::Over::SameTime } else { put::Over::Anything })
            }
            Mutation::Put { expect: Expect::Absent, .. } => Self::Put(put::Over::Nothing),
            Mutation::Put { expect: Expect::Revision(_), .. } => Self::PutRevision,
            Mutation::Update { expect: Expect::Any | Expect::Absent | Expect::Revision(_), .. } => Self::Update,
            Mutation::Delete { expect: Expect::Any, .. } => Self::Delete,
            Mutation::Delete { expect: Expect::Revision(_), .. } => Self::DeleteRevision,
            Mutation::Delete { expect: Expect::Absent, .. } => Self::DeleteAbsent,
            Mutation::Restore { on_conflict: OnConflict::Fail, .. } => Self::Restore(OverTaken::Fail),
            Mutation::Restore { on_conflict: OnConflict::Skip, .. } => Self::Restore(OverTaken::Skip),
            Mutation::Restore { on_conflict: OnConflict::Replace, .. } => Self::Restore(OverTaken::Replace),
            _ => return None,
        })
    }

    /// Returns whether its statement comes upon memories in the order of the rows it is given.
    fn locks_in_order(self) -> bool {
        match self {
            Self::Put(_) | Self::Restore(OverTaken::Fail | OverTaken::Skip) => true,
            Self::PutRevision
            | Self::Update
            | Self::Delete
            | Self::DeleteRevision
            | Self::DeleteAbsent
            | Self::Restore(OverTaken::Replace) => false,
        }
    }

    /// Returns whether its statement tells everything: what it returns is what became of the mutation.
    fn is_one_statement(self) -> bool {
        match self {
            Self::Put(_)
            | Self::PutRevision
            | Self::Update
            | Self::Delete
            | Self::DeleteRevision
            | Self::Restore(OverTaken::Fail) => true,
            Self::DeleteAbsent | Self::Restore(OverTaken::Skip | OverTaken::Replace) => false,
        }
    }

    /// Does mutations of this kind, whose ids differ, and returns what became of each; none for one that fails.
    ///
    /// With [`ChangeCapture::MustBeOff`], none also stands for a mutation that wants a closer look.
    fn run(
        self,
        session: &mut Session,
        target: Target<'_>,
        mutations: &[&Mutation],
        capture: ChangeCapture,
    ) -> Result<Vec<Option<Done>>, Fault> {
        match self {
            Self::Put(over) => put::put(session, target, over, mutations, capture),
            Self::PutRevision => put::put_revision(session, target, mutations, capture),
            Self::Update => update::update(session, target, mutations, capture),
            Self::Delete => delete::delete(session, target, mutations, capture),
            Self::DeleteRevision => delete::delete_revision(session, target, mutations, capture),
            Self::DeleteAbsent => delete::delete_absent(session, target, mutations),
            Self::Restore(OverTaken::Fail) => restore::restore_new(session, target, mutations, capture),
            Self::Restore(OverTaken::Skip) => {
                let done = restore::restore_new(session, target, mutations, capture)?;
                let skipped = |mutation: &&Mutation| Done::new(mutation.id(), Effect::Skipped, None);
                Ok(done.into_iter().zip(mutations).map(|(one, mutation)| one.or(Some(skipped(mutation)))).collect())
            }
            Self::Restore(OverTaken::Replace) => restore::restore_over(session, target, mutations),
        }
    }
}

/// Returns what became of each mutation, given what the statement returned; `effect` tells it from the revision.
fn done(
    mutations: &[&Mutation],
    returned: Vec<(uuid::Uuid, i64)>,
    effect: impl Fn(Revision) -> Effect,
) -> Result<Vec<Option<Done>>> {
    let mut revisions: HashMap<MemoryId, i64> = HashMap::with_capacity(returned.len());
    revisions.extend(returned.into_iter().map(|(id, revision)| (MemoryId::from(id), revision)));
    let one = |mutation: &&Mutation| {
        let id = mutation.id();
        let Some(revision) = revisions.get(&id) else { return Ok(None) };
        let revision = Revision::new(*revision)?;
        Ok(Some(Done::new(id, effect(revision), Some(revision))))
    };
    mutations.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use polymnia::NewMemory;

    use super::*;

    fn put(id: u8) -> Mutation {
        Mutation::Put {
            id: MemoryId::from_bytes([id; 16]),
            memory: NewMemory::new("x").unwrap(),
            expect: Expect::default(),
        }
    }

    #[test]
    fn no_id_comes_twice_in_a_round() {
        let batch: Vec<Mutation> = [1, 2, 1, 3, 1, 2].into_iter().map(put).collect();
        assert_eq!(rounds(&batch), [vec![0, 1, 3], vec![2, 5], vec![4]]);
        assert!(rounds(&[]).is_empty());
    }
}
