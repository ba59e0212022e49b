//! Types that have no form yet. To be emptied.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use polymnia::schema::{
    BackupInfo, BatchDone, BatchRequest, Begin, Entry, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Orphans,
    Probe, ScriptPart, SessionOptions, Snapshot, StatementError, Version,
};
use polymnia::{
    ApplyReport, ChangeRecord, ConnectionString, DatabaseInfo, Error, Explanation, IndexDeclaration, IndexName,
    IndexStatus, Mutation, NamespaceStats, NamespaceSummary, OpenOptions, OptimizeReport, Query, Selection, Upkeep,
    VerifyReport,
};

use super::{Fault, Read, Reader, Write, Writer};
use crate::message::{
    Batch, Description, Opened, OwnedBatchRequest, OwnedScriptPart, ScratchOpened, SessionOpened, Waiting,
};

macro_rules! pending {
    (write: $($w:ty),* ; read: $($r:ty),*;) => {
        $(impl Write for $w { fn write(&self, _: &mut Writer) -> Result<(), Fault> { unimplemented!() } })*
        $(impl Read for $r { fn read(_: &mut Reader<'_>) -> Result<Self, Fault> { unimplemented!() } })*
    };
}

pending! {
    write: Path, BatchRequest<'_>, ScriptPart<'_>; read: OwnedBatchRequest, OwnedScriptPart;
}
macro_rules! both {
    ($($w:ty),* $(,)?) => { pending! { write: $($w),*; read: $($w),*; } };
}
both! {
    ConnectionString, OpenOptions, PathBuf, Query, Selection, Mutation, ApplyReport, Explanation, NamespaceStats,
    DatabaseInfo, NamespaceSummary, Upkeep, OptimizeReport, VerifyReport, IndexStatus, IndexDeclaration, IndexName,
    ChangeRecord, Ledger, LogEntry, Snapshot, ForeignLedger, SessionOptions, LockHolder, Probe, Health, BackupInfo,
    Begin, Entry, Version, Orphans, BatchDone, Error, StatementError, BTreeMap<String, u64>,
    Result<u64, StatementError>, Result<BatchDone, StatementError>, Result<(), StatementError>,
    Batch, Description, Opened, ScratchOpened, SessionOpened, Waiting,
}
