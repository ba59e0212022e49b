//! What can go wrong with a schema, as codes that programs can tell apart.

use crate::{Error, ErrorKind};

/// Says what went wrong with a schema. Each has a code, which errors carry as the context `code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SchemaFault {
    /// There are migrations to apply, and the caller wanted none.
    Pending,
    /// The script of an applied migration is not the one that was applied.
    ScriptChanged,
    /// The schema is not what the applied migrations make.
    Drift,
    /// A migration's files or its metadata can't be accepted.
    Malformed,
    /// A statement is dangerous, and nothing says why it may be.
    Lint,
    /// A version exists twice.
    Duplicate,
    /// A migration would be applied below one that is.
    OutOfOrder,
    /// Several versions are the newest.
    SeveralHeads,
    /// No version, or more than one, is meant.
    UnknownTarget,
    /// A version is built upon one that nobody knows.
    UnknownParent,
    /// The database has a migration that this build doesn't know.
    Newer,
    /// A migration in the middle of the history can't be taken back alone.
    NotNewest,
    /// There is no script that takes it back.
    NoDown,
    /// A migration stopped half-way earlier, and must be completed or resolved first.
    Unfinished,
    /// Another process is migrating, or holds what a migration needs.
    Locked,
    /// A statement failed; the database is as it was before its migration.
    RolledBack,
    /// A statement failed; the statements before it stay.
    PartlyApplied,
    /// It would destroy data, and the flag that allows it was not given.
    Destructive,
    /// There is no way to make the backup that is wanted.
    NoBackup,
    /// The database has tables of ours but no ledger, or another tool's.
    NotAdopted,
}

impl SchemaFault {
    /// Every fault.
    pub const ALL: [Self; 20] = [
        Self::Pending,
        Self::ScriptChanged,
        Self::Drift,
        Self::Malformed,
        Self::Lint,
        Self::Duplicate,
        Self::OutOfOrder,
        Self::SeveralHeads,
        Self::UnknownTarget,
        Self::UnknownParent,
        Self::Newer,
        Self::NotNewest,
        Self::NoDown,
        Self::Unfinished,
        Self::Locked,
        Self::RolledBack,
        Self::PartlyApplied,
        Self::Destructive,
        Self::NoBackup,
        Self::NotAdopted,
    ];

    /// Returns its code, which never changes.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::ScriptChanged => "script_changed",
            Self::Drift => "drift",
            Self::Malformed => "malformed",
            Self::Lint => "lint",
            Self::Duplicate => "duplicate_version",
            Self::OutOfOrder => "out_of_order",
            Self::SeveralHeads => "several_heads",
            Self::UnknownTarget => "unknown_target",
            Self::UnknownParent => "unknown_parent",
            Self::Newer => "newer_database",
            Self::NotNewest => "not_newest",
            Self::NoDown => "no_down_script",
            Self::Unfinished => "unfinished",
            Self::Locked => "locked",
            Self::RolledBack => "rolled_back",
            Self::PartlyApplied => "partly_applied",
            Self::Destructive => "destructive",
            Self::NoBackup => "no_backup",
            Self::NotAdopted => "not_adopted",
        }
    }

    /// Returns the exit code of the command line for it.
    ///
    /// 3 pending, 4 validation, 5 history, 6 locked or busy, 7 failed and rolled back, 8 failed and partly applied, 10
    /// refused.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pending => 3,
            Self::ScriptChanged | Self::Drift | Self::Malformed | Self::Lint => 4,
            Self::Duplicate
            | Self::OutOfOrder
            | Self::SeveralHeads
            | Self::UnknownTarget
            | Self::UnknownParent
            | Self::Newer
            | Self::NotNewest
            | Self::NoDown
            | Self::Unfinished
            | Self::NotAdopted => 5,
            Self::Locked => 6,
            Self::RolledBack => 7,
            Self::PartlyApplied => 8,
            Self::Destructive | Self::NoBackup => 10,
        }
    }

    /// Returns an error of this fault: kind [`ErrorKind::Migration`], or [`ErrorKind::Unavailable`] for
    /// [`Locked`](Self::Locked).
    pub fn error(self, message: impl Into<String>) -> Error {
        let kind = if self == Self::Locked { ErrorKind::Unavailable } else { ErrorKind::Migration };
        Error::new(kind, message).with_context("code", self.code())
    }

    /// Returns the fault that an error carries.
    pub fn of(error: &Error) -> Option<Self> {
        let code = error.context_value("code")?;
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_fault() {
        for fault in SchemaFault::ALL {
            assert_eq!(SchemaFault::of(&fault.error("m")), Some(fault));
        }
        assert_eq!(SchemaFault::of(&Error::invalid_input("m")), None);
    }
}
