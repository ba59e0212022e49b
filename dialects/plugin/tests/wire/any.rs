//! Random values of everything that crosses the boundary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use polymnia::schema::{
    BackupInfo, BatchCondition, BatchDone, Begin, Compatibility, Delta, Entry, ForeignLedger, Health, IndexHealth,
    Ledger, LockHealth, LockHolder, LogEntry, Metadata as ScriptMetadata, Object, ObjectKind, ObjectName, Origin,
    Orphans, Probe, Script, SessionOptions, Snapshot, Source, State, StatementError, TableHealth, Version,
};
use polymnia::{
    Access, AgentId, ApplyReport, Capability, Change, ChangeOperation, ChangeRecord, ConnectionString, Content, Cursor,
    DatabaseInfo, Effect, Error, ErrorKind, Expect, Explanation, Extension, Fault, Filter, Group, Importance,
    IndexDeclaration, IndexKind, IndexName, IndexStatus, Match, Memory, MemoryId, Metadata, Mutation, Namespace,
    NamespaceStats, NamespaceSummary, NewMemory, OnConflict, OpenOptions, OptimizeReport, Order, Outcome, Patch, Path,
    PoolOptions, PoolStatus, Query, RelatedThreads, Retry, Revision, Selection, Support, ThreadId, Tier, TimeRange,
    Timestamp, Upkeep, UserId, VerifyReport, filter::Step,
};
pub(crate) use polymnia_conformance::generate::Rng;
use polymnia_conformance::generate::{self, Pool, percent, pick};
use polymnia_plugin::message::{
    Batch, Description, Opened, OwnedBatchRequest, OwnedScriptPart, ScratchOpened, SessionOpened, Waiting,
};

/// Is made at random.
pub(crate) trait Any: Sized {
    /// Returns one.
    fn any(rng: &mut Rng) -> Self;
}

/// Returns one of the type that is wanted.
pub(crate) fn any<T: Any>(rng: &mut Rng) -> T {
    T::any(rng)
}

macro_rules! structs {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Any for $name {
            fn any(rng: &mut Rng) -> Self {
                Self { $($field: any(rng)),* }
            }
        }
    )*};
}

macro_rules! enums {
    ($rng:ident; $($name:ident { $($make:expr),* $(,)? })*) => {$(
        impl Any for $name {
            fn any(rng: &mut Rng) -> Self {
                let make: &[fn(&mut Rng) -> Self] = &[$(|$rng| { let _ = &$rng; $make }),*];
                make[rng.usize(0..make.len())](rng)
            }
        }
    )*};
}

macro_rules! texts {
    ($($name:ident),*) => {$(
        impl Any for $name {
            fn any(rng: &mut Rng) -> Self {
                Self::new(generate::text(rng)).expect("the text is short")
            }
        }
    )*};
}

texts!(Namespace, UserId, AgentId, ThreadId, Tier, Content);

structs! {
    Memory {
        id, user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, revision, created_at,
        updated_at, expires_at,
    }
    NewMemory {
        user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, created_at, expires_at,
    }
    Patch { user_id, agent_id, thread_id, tier, content, metadata, importance, related_threads, expires_at }
    ApplyReport { outcomes }
    Outcome { id, effect, revision }
    TimeRange { from, until }
    Selection { user, agent, thread, related_threads, tiers, created, updated, filter }
    PoolOptions { max_size, min_idle, acquire_timeout, idle_timeout, max_lifetime }
    DatabaseInfo {
        dialect, server_version, schema_version, schema_pending, read_only, bytes, extensions, unused_indexes, pool,
        details,
    }
    Extension { name, version }
    PoolStatus { connections, idle, max_size }
    NamespaceStats {
        memories, content_bytes, metadata_bytes, oldest, newest, users, threads, by_tier, by_user, by_thread,
    }
    NamespaceSummary { namespace, memories, oldest, newest }
    ChangeRecord { sequence, transaction, namespace, id, operation }
    Explanation {
        dialect, access, index, streamed, estimated_candidates, candidates, rechecks, rows, elapsed, emulated,
        statements, details,
    }
    IndexDeclaration { name, path, kind }
    IndexStatus { declaration, ready, entries }
    OptimizeReport { indexed, removed }
    VerifyReport { memories, entries, pending, fault_count, faults }
    Fault { namespace, id, problem }
    Source { prefix, dialect, scripts }
    Script { version, name, up, down, metadata, delta, folder }
    ScriptMetadata { run_in_transaction, parents, compatibility, rebuild, apart }
    Ledger { diesel, entries }
    Entry {
        version, name, position, state, origin, parents, checksum_raw, checksum, up, down, run_in_transaction, rebuild,
        compatibility, statements, done, batch_key, started_at, finished_at, millis, error, by, tool, delta,
    }
    LogEntry { at, event, version, detail, by, tool }
    ForeignLedger { tool, table, version }
    ObjectName { table, kind, name }
    Object { ours, attributes }
    SessionOptions { lock_wait, lock_timeout }
    LockHolder { process, description, since }
    StatementError { error, offset, lock_timeout }
    BatchDone { key, looked_at, changed, total }
    Orphans { table, parent, rows }
    Probe { name, holds, detail }
    Health { tables, indexes, locks, advice }
    TableHealth { name, rows, bytes }
    IndexHealth { name, table, bytes, scans, valid }
    LockHealth { object, mode, holder, millis, waiting }
    BackupInfo { dialect, version, fingerprint, memories, bytes, sha256 }
    Description { name, version, url_schemes, operations, features }
    Opened { capability, source }
    ScratchOpened { handle, opened }
    SessionOpened { handle, is_one_transaction }
    Batch { memories, more, cursor }
    Waiting { holder, millis }
}

enums! { rng;
    Mutation {
        Self::Put { id: any(rng), memory: any(rng), expect: any(rng) },
        Self::Update { id: any(rng), patch: any(rng), expect: any(rng) },
        Self::Delete { id: any(rng), expect: any(rng) },
        Self::Restore { memory: any(rng), on_conflict: any(rng) },
    }
    Expect { Self::Any, Self::Absent, Self::Revision(any(rng)) }
    OnConflict { Self::Fail, Self::Skip, Self::Replace }
    Effect { Self::Created, Self::Updated, Self::Deleted, Self::Missing, Self::Skipped }
    ChangeOperation { Self::Write, Self::Delete }
    Access {
        Self::MetadataIndex, Self::DeclaredIndex, Self::FieldIndex, Self::OrderWalk, Self::Scan, Self::Nothing,
    }
    IndexKind { Self::Number, Self::Text }
    Upkeep { Self::Index, Self::Full }
    Support { Self::None, Self::Emulated, Self::Native }
    Compatibility { Self::None, Self::ReadOnly, Self::Full }
    Begin { Self::Plain, Self::Rebuild }
    OwnedScriptPart {
        Self::Comment(any(rng)),
        Self::Guard(any(rng)),
        Self::Prepare,
        Self::Begin(any(rng)),
        Self::Statement(any(rng)),
        Self::Record(any(rng)),
        Self::Forget(any(rng)),
        Self::Log(any(rng)),
        Self::Commit,
    }
    Step { Self::Key(any(rng)), Self::Index(rng.u32(0..=Path::MAX_INDEX)) }
}

impl<T: Any> Any for Match<T> {
    fn any(rng: &mut Rng) -> Self {
        match rng.u8(0..3) {
            0 => Self::Any,
            1 => Self::Absent,
            _ => Self::Is(any(rng)),
        }
    }
}

impl<T: Any> Any for Change<T> {
    fn any(rng: &mut Rng) -> Self {
        match rng.u8(0..3) {
            0 => Self::Keep,
            1 => Self::Clear,
            _ => Self::Set(any(rng)),
        }
    }
}

impl<T: Any> Any for Group<T> {
    fn any(rng: &mut Rng) -> Self {
        Self { value: any(rng), memories: any(rng) }
    }
}

impl Any for Order {
    fn any(rng: &mut Rng) -> Self {
        generate::order(rng)
    }
}

impl Any for State {
    fn any(rng: &mut Rng) -> Self {
        pick(rng, &Self::ALL)
    }
}

impl Any for Origin {
    fn any(rng: &mut Rng) -> Self {
        pick(rng, &Self::ALL)
    }
}

impl Any for ObjectKind {
    fn any(rng: &mut Rng) -> Self {
        pick(rng, &Self::ALL)
    }
}

impl Any for Filter {
    fn any(rng: &mut Rng) -> Self {
        let pool = Pool::new(rng, 3);
        let now = Timestamp::from_micros(1_770_000_000_000_000).expect("a time of these years");
        normal(if percent(rng, 20) { Self::All } else { generate::filter(rng, &pool, now) })
    }
}

/// Returns the filter that its JSON form reads as: a list of no filter has another form.
fn normal(filter: Filter) -> Filter {
    match filter {
        Filter::And(filters) if filters.is_empty() => Filter::All,
        Filter::Or(filters) if filters.is_empty() => Filter::Not(Box::new(Filter::All)),
        Filter::And(filters) => Filter::And(filters.into_iter().map(normal).collect()),
        Filter::Or(filters) => Filter::Or(filters.into_iter().map(normal).collect()),
        Filter::Not(inner) => Filter::Not(Box::new(normal(*inner))),
        one => one,
    }
}

impl Any for Query {
    fn any(rng: &mut Rng) -> Self {
        let mut query = Self::new(any(rng)).with_order(any(rng));
        query = query.with_limit(rng.u32(1..=Self::MAX_LIMIT)).expect("the limit is in its range");
        query.cursor = any(rng);
        query
    }
}

impl Any for Cursor {
    fn any(rng: &mut Rng) -> Self {
        let mut bytes = [1; Self::BYTES];
        rng.fill(&mut bytes[1..]);
        Self::from_bytes(bytes).expect("the version is the first")
    }
}

impl Any for OpenOptions {
    fn any(rng: &mut Rng) -> Self {
        let url: ConnectionString = any(rng);
        let mut options = Self::new(url).with_pool(any(rng));
        options.statement_timeout = any(rng);
        options.connect_timeout = any(rng);
        options
    }
}

impl Any for ConnectionString {
    fn any(rng: &mut Rng) -> Self {
        Self::new(String::any(rng))
    }
}

impl Any for Capability {
    fn any(rng: &mut Rng) -> Self {
        let mut capability = Self::none();
        capability.containment = any(rng);
        capability.containment_index = any(rng);
        capability.filters = any(rng);
        capability.declared_indexes = any(rng);
        capability.bulk_load = any(rng);
        capability.related_threads = any(rng);
        capability.related_threads_index = any(rng);
        capability.change_capture = any(rng);
        capability.interruption = any(rng);
        capability.concurrent_writers = any(rng);
        capability
    }
}

impl Any for OwnedBatchRequest {
    fn any(rng: &mut Rng) -> Self {
        let statement: String = any(rng);
        let mut ends = [place(&statement, rng), place(&statement, rng)];
        ends.sort_unstable();
        let condition = if rng.bool() { BatchCondition::Within(ends[0]..ends[1]) } else { BatchCondition::At(ends[0]) };
        Self { statement, table: any(rng), alias: any(rng), condition, after: any(rng), rows: any(rng) }
    }
}

fn place(text: &str, rng: &mut Rng) -> usize {
    text.floor_char_boundary(rng.usize(0..=text.len()))
}

impl Any for Error {
    fn any(rng: &mut Rng) -> Self {
        let retry = pick(rng, &[Retry::Never, Retry::Safe, Retry::Ambiguous, Retry::Exhausted]);
        let mut error = Self::new(pick(rng, &ErrorKind::ALL), String::any(rng)).with_retry(retry);
        if rng.bool() {
            error = error.with_operation(String::any(rng));
        }
        if rng.bool() {
            error = error.with_hint(String::any(rng));
        }
        for _ in 0..rng.u8(0..3) {
            error = error.with_context(String::any(rng), String::any(rng));
        }
        if percent(rng, 40) { error.with_source(Self::any(rng)) } else { error }
    }
}

impl<T: Any> Any for Result<T, StatementError> {
    fn any(rng: &mut Rng) -> Self {
        if rng.bool() { Ok(any(rng)) } else { Err(any(rng)) }
    }
}

impl Any for Snapshot {
    fn any(rng: &mut Rng) -> Self {
        Self((0..rng.u8(0..3)).map(|_| (any(rng), any(rng))).collect())
    }
}

impl Any for Delta {
    fn any(rng: &mut Rng) -> Self {
        Self((0..rng.u8(0..3)).map(|_| (any(rng), any(rng))).collect())
    }
}

impl Any for Version {
    fn any(rng: &mut Rng) -> Self {
        Self::new(format!("{}20261121{:06}", pick(rng, &["", "shop"]), rng.u32(0..1_000_000))).expect("a version")
    }
}

impl Any for IndexName {
    fn any(rng: &mut Rng) -> Self {
        Self::new(format!("i_{}", rng.u16(..))).expect("a name")
    }
}

impl Any for Path {
    fn any(rng: &mut Rng) -> Self {
        Self::new((0..rng.u8(1..4)).map(|_| Step::any(rng))).expect("a short path, without NUL")
    }
}

impl Any for MemoryId {
    fn any(rng: &mut Rng) -> Self {
        Self::from_bytes(rng.u128(..).to_be_bytes())
    }
}

impl Any for Metadata {
    fn any(rng: &mut Rng) -> Self {
        Pool::new(rng, 1).metadata(rng)
    }
}

impl Any for Importance {
    fn any(rng: &mut Rng) -> Self {
        let number = rng.f64();
        Self::new(pick(rng, &[0.0, 0.5, 1.0, number])).expect("in its range")
    }
}

impl Any for RelatedThreads {
    fn any(rng: &mut Rng) -> Self {
        Self::new(Vec::any(rng)).expect("there are few")
    }
}

impl Any for Revision {
    fn any(rng: &mut Rng) -> Self {
        Self::new(i64::any(rng).max(1)).expect("from 1")
    }
}

impl Any for Timestamp {
    fn any(rng: &mut Rng) -> Self {
        let micros = rng.i64(Self::MIN.as_micros()..=Self::MAX.as_micros());
        Self::from_micros(pick(rng, &[0, -1, Self::MIN.as_micros(), Self::MAX.as_micros(), micros, micros]))
            .expect("in the years 1 to 9999")
    }
}

impl Any for Duration {
    fn any(rng: &mut Rng) -> Self {
        let nanos = Self::from_nanos(rng.u64(..));
        pick(rng, &[Self::ZERO, Self::MAX, Self::from_secs(u64::MAX / 7), nanos, nanos])
    }
}

impl Any for PathBuf {
    #[cfg(unix)]
    fn any(rng: &mut Rng) -> Self {
        use std::os::unix::ffi::OsStrExt;
        Self::from(std::ffi::OsStr::from_bytes(pick(rng, &[b"".as_slice(), b"/a/b.db", b"/\xff/\xfe"])))
    }

    #[cfg(not(unix))]
    fn any(rng: &mut Rng) -> Self {
        Self::from(pick(rng, &["", "/a/b.db"]))
    }
}

impl Any for String {
    fn any(rng: &mut Rng) -> Self {
        let text = generate::text(rng).to_owned();
        if percent(rng, 10) { text.repeat(rng.usize(0..100)) } else { text }
    }
}

/// The numbers about which the length of an item changes.
const NUMBERS: [u64; 12] =
    [0, 1, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, i64::MAX.cast_unsigned(), u64::MAX];

impl Any for u64 {
    fn any(rng: &mut Rng) -> Self {
        if rng.bool() { pick(rng, &NUMBERS) } else { rng.u64(..) }
    }
}

impl Any for u32 {
    fn any(rng: &mut Rng) -> Self {
        Self::try_from(pick(rng, &NUMBERS)).unwrap_or_else(|_| rng.u32(..))
    }
}

impl Any for usize {
    fn any(rng: &mut Rng) -> Self {
        rng.usize(..)
    }
}

impl Any for i64 {
    fn any(rng: &mut Rng) -> Self {
        let number = u64::any(rng).cast_signed();
        pick(rng, &[number, number.wrapping_neg(), Self::MIN])
    }
}

impl Any for bool {
    fn any(rng: &mut Rng) -> Self {
        rng.bool()
    }
}

impl Any for () {
    fn any(_: &mut Rng) -> Self {}
}

impl<T: Any> Any for (T,) {
    fn any(rng: &mut Rng) -> Self {
        (any(rng),)
    }
}

impl<T: Any, U: Any> Any for (T, U) {
    fn any(rng: &mut Rng) -> Self {
        (any(rng), any(rng))
    }
}

impl<T: Any, U: Any, V: Any> Any for (T, U, V) {
    fn any(rng: &mut Rng) -> Self {
        (any(rng), any(rng), any(rng))
    }
}

impl<T: Any> Any for Box<T> {
    fn any(rng: &mut Rng) -> Self {
        Self::new(any(rng))
    }
}

impl<T: Any> Any for Option<T> {
    fn any(rng: &mut Rng) -> Self {
        if rng.bool() { Some(any(rng)) } else { None }
    }
}

impl<T: Any> Any for Vec<T> {
    fn any(rng: &mut Rng) -> Self {
        (0..rng.u8(0..4)).map(|_| any(rng)).collect()
    }
}

impl<T: Any> Any for BTreeMap<String, T> {
    fn any(rng: &mut Rng) -> Self {
        (0..rng.u8(0..4)).map(|_| (any(rng), any(rng))).collect()
    }
}

impl Any for BTreeSet<String> {
    fn any(rng: &mut Rng) -> Self {
        (0..rng.u8(0..4)).map(|_| any(rng)).collect()
    }
}
