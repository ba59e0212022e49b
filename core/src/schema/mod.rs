//! The history of a schema: migrations, what is recorded of them, and running them.
//!
//! A dialect brings its migrations, an application may add its own ([`Source`]). What is applied stands in diesel's ledger, and
//! ours beside it says how that came about ([`Ledger`]). [`Schema`] compares the two, plans ([`Plan`]) and runs.
//!
//! Files of this module: `version`, `script`, `folder` (migrations as they are written), `text` (what is known of their SQL),
//! `lint`; `ledger`, `snapshot`, `history`, `plan` (what is, what should be, and what leads there); `session`, `run` (doing it);
//! `handle` (what applications call) with `status`, `validate`, `expected`, `baseline`, `stamp`, `resolve`, `backups`, `info`,
//! each what one or two of its methods do; `access` (next to a newer build); `parity` (two dialects side by side).

mod access;
mod backups;
mod baseline;
mod event;
mod expected;
#[cfg(test)]
pub(crate) mod fake;
mod fault;
mod folder;
mod handle;
mod history;
mod info;
mod ledger;
pub mod lint;
mod parity;
mod plan;
mod report;
mod resolve;
mod run;
mod script;
mod session;
mod snapshot;
mod stamp;
mod status;
pub mod text;
mod validate;
mod version;

pub(crate) use access::{newer, schema_access};
pub use event::{Event, Observer};
pub use fault::SchemaFault;
pub use folder::{
    Embedded, Revision, embed, folder_dialects, folder_faults, next_version, write_merge, write_revision, write_script,
};
pub use handle::Schema;
pub(crate) use handle::check_source;
pub use info::SchemaInfo;
pub use ledger::{Entry, ForeignLedger, Ledger, LogEntry, Origin, State};
pub use parity::parity;
pub use plan::{BackupMode, Plan, Step, Target, TxMode, Way};
pub use report::{
    Backup, ChangedScript, Divergence, HistoryEntry, Problem, RepairReport, Resolution, RunOptions, RunReport, Status,
    StepReport, Validation,
};
pub use script::{Compatibility, Metadata, Script, Source};
pub use session::{
    BackupInfo, BatchCondition, BatchDone, BatchRequest, Begin, Health, IndexHealth, LockHealth, LockHolder, Orphans,
    Probe, ScriptPart, SessionOptions, StatementError, TableHealth,
};
pub use snapshot::{Delta, Drift, Object, ObjectKind, ObjectName, Snapshot};
pub use version::Version;
