//! A request of each operation.

use std::path::Path;

use polymnia::schema::{
    BatchCondition, BatchRequest, Begin, Compatibility, Entry, LockHolder, LogEntry, Origin, ScriptPart,
    SessionOptions, State, Version,
};
use polymnia::{
    ConnectionString, Expect, Filter, IndexDeclaration, IndexName, Json, MemoryId, Mutation, Namespace, NewMemory,
    OpenOptions, Query, Selection, Timestamp, Upkeep,
};

use super::client::NOW;
use crate::operation::{self as op, Operation};
use crate::wire;

/// What a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Dialect,
    Database,
    Session,
}

/// Is a request of one operation, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) on: On,
    pub(super) code: u32,
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) needs: u64,
}

#[expect(clippy::needless_pass_by_value, reason = "made for one call")]
fn request<O: Operation>(on: On, arguments: O::Arguments<'_>) -> Request {
    let (bytes, needs) = wire::to_bytes(&arguments).unwrap();
    Request { on, code: O::CODE, name: O::NAME, bytes, needs }
}

pub(super) fn namespace() -> Namespace {
    Namespace::new("acme").unwrap()
}

pub(super) fn put(number: u8) -> Mutation {
    let metadata = Json::parse(&format!(r#"{{"kind": "note", "number": {number}.50}}"#)).unwrap();
    let memory = NewMemory::new(format!("memory {number}")).unwrap().with_metadata(metadata.try_into().unwrap());
    Mutation::Put { id: id(number), memory, expect: Expect::Any }
}

pub(super) fn id(number: u8) -> MemoryId {
    MemoryId::from_bytes([number; 16])
}

/// Returns how a session waits in the tests: not for long.
pub(super) fn session_options() -> SessionOptions {
    SessionOptions { lock_wait: std::time::Duration::from_millis(300), ..SessionOptions::default() }
}

/// Returns requests that a database with its schema answers, in an order in which it does: those in a session, which is not
/// there yet, last. `More`, `Nothing` and the opening of sessions are left out. Backups go into the folder.
pub(super) fn requests(folder: &Path) -> Vec<Request> {
    let ours = namespace();
    let other = Namespace::new("globex").unwrap();
    let selection = Selection::default().with_filter(Filter::Contains(Json::parse(r#"{"kind": "note"}"#).unwrap()));
    let query = Query::new(selection.clone());
    let options = session_options();
    let backup = folder.join("backup");
    let index = IndexDeclaration::new("number".parse().unwrap(), polymnia::IndexKind::Number).unwrap();
    let index_name: IndexName = index.name.clone();
    let url = OpenOptions::new(":memory:");
    let holder = LockHolder { process: 1, description: "init".to_owned(), since: None };
    let version = Version::new("20990101000000").unwrap();
    let (entry, line) = (entry(version.as_str()), line());
    let parts = [ScriptPart::Comment("a script"), ScriptPart::Begin(Begin::Plain), ScriptPart::Commit];
    let batch = BatchRequest {
        statement: "UPDATE polymnia_memories SET tier = tier",
        table: "polymnia_memories",
        alias: "polymnia_memories",
        condition: BatchCondition::At(40),
        after: None,
        rows: 10,
    };
    let sql = "CREATE TABLE application (a INTEGER PRIMARY KEY) STRICT";
    let on = On::Database;
    let mut all = vec![
        request::<op::Recognizes>(On::Dialect, (&ConnectionString::from(":memory:"),)),
        request::<op::Claims>(On::Dialect, (&url,)),
        request::<op::Migrations>(On::Dialect, ()),
        request::<op::Apply>(on, (&ours, &[put(1), put(2), put(3)])),
        request::<op::Load>(on, (&ours, &[put(4), put(5)])),
        request::<op::Get>(on, (&ours, &[id(1), id(9)])),
        request::<op::Query>(on, (&ours, &query)),
        request::<op::Count>(on, (&ours, &selection)),
        request::<op::Explain>(on, (&ours, &query)),
        request::<op::Stats>(on, (&ours,)),
        request::<op::DeleteMatching>(on, (&ours, &Selection::default())),
        request::<op::Apply>(on, (&ours, &[put(6)])),
        request::<op::Ping>(on, ()),
        request::<op::Info>(on, ()),
        request::<op::Namespaces>(on, (Some(&Namespace::new("a").unwrap()), 10)),
        request::<op::RenameNamespace>(on, (&ours, &other)),
        request::<op::DeleteNamespace>(on, (&other,)),
        request::<op::Sweep>(on, (100,)),
        request::<op::Analyze>(on, ()),
        request::<op::Optimize>(on, (Upkeep::Full,)),
        request::<op::Verify>(on, ()),
        request::<op::Indexes>(on, ()),
        request::<op::CreateIndex>(on, (&index,)),
        request::<op::DropIndex>(on, (&index_name,)),
        request::<op::SetChangeCapture>(on, (true,)),
        request::<op::Changes>(on, (0, 100)),
        request::<op::ReadLedger>(on, ()),
        request::<op::ReadLog>(on, (10,)),
        request::<op::ReadSnapshot>(on, ()),
        request::<op::ForeignLedgers>(on, ()),
        request::<op::FindLockHolder>(on, ()),
        request::<op::EndLockHolder>(on, (&holder,)),
        request::<op::WriteScript>(on, (&parts,)),
        request::<op::Probes>(on, ()),
        request::<op::CheckHealth>(on, ()),
        request::<op::Backup>(on, (&options, &backup)),
        request::<op::VerifyBackup>(on, (&backup,)),
        request::<op::Restore>(on, (&options, &backup)),
        request::<op::Scratch>(on, (true,)),
    ];
    let on = On::Session;
    all.extend([
        request::<op::SessionPrepare>(on, ()),
        request::<op::SessionLedger>(on, ()),
        request::<op::SessionSnapshot>(on, ()),
        request::<op::SessionBegin>(on, (Begin::Plain,)),
        request::<op::SessionExecute>(on, (sql,)),
        request::<op::SessionBatch>(on, (&batch,)),
        request::<op::SessionRecord>(on, (&entry,)),
        request::<op::SessionForget>(on, (&version,)),
        request::<op::SessionLog>(on, (&line,)),
        request::<op::SessionCommit>(on, ()),
        request::<op::SessionInvalidIndexes>(on, ()),
        request::<op::SessionDropInvalidIndex>(on, ("nothing",)),
        request::<op::SessionHasIndex>(on, ("nothing",)),
        request::<op::SessionRowCounts>(on, ()),
        request::<op::SessionOrphans>(on, ()),
        request::<op::SessionBegin>(on, (Begin::Plain,)),
        request::<op::SessionDismantle>(on, ()),
        request::<op::SessionRollback>(on, ()),
    ]);
    all
}

fn now() -> Timestamp {
    Timestamp::from_micros(NOW).unwrap()
}

/// Returns what is recorded of a version that is applied.
pub(super) fn entry(version: &str) -> Entry {
    Entry {
        version: Version::new(version).unwrap(),
        name: "application".to_owned(),
        position: 99,
        state: State::Applied,
        origin: Origin::Run,
        parents: Vec::new(),
        checksum_raw: "0".repeat(64),
        checksum: "0".repeat(64),
        up: None,
        down: None,
        run_in_transaction: true,
        rebuild: false,
        compatibility: Compatibility::Full,
        statements: 1,
        done: 1,
        batch_key: None,
        started_at: now(),
        finished_at: Some(now()),
        millis: Some(1),
        error: None,
        by: "somebody".to_owned(),
        tool: "a test".to_owned(),
        delta: None,
    }
}

fn line() -> LogEntry {
    LogEntry {
        at: now(),
        event: "applied".to_owned(),
        version: None,
        detail: String::new(),
        by: "somebody".to_owned(),
        tool: "a test".to_owned(),
    }
}
