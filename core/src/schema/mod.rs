//! The history of a schema: migrations, what is recorded of them, and running them.
//!
//! A dialect brings its migrations, an application may add its own ([`Source`]). What is applied stands in diesel's ledger, and
//! ours beside it says how that came about ([`Ledger`]). [`Schema`] compares the two, plans ([`Plan`]) and runs.
//!
//! Files of this module: `version`, `script`, `folder` (migrations as they are written), `text` (what is known of their SQL),
//! `lint`; `ledger`, `snapshot`, `history`, `plan` (what is, what should be, and what leads there); `session`, `run`,
//! `handle` (doing it); `parity` (two dialects side by side).

mod event;
mod fault;
mod handle;
mod ledger;
mod plan;
mod report;
mod script;
mod session;
mod snapshot;
mod version;

pub use event::{Event, Observer};
pub use fault::SchemaFault;
pub use handle::Schema;
pub use ledger::{Entry, ForeignLedger, Ledger, LogEntry, Origin, State};
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
