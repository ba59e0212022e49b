//! What a run of migrations tells while it goes on.

use serde::Serialize;

use crate::schema::{LockHolder, Step, Version};

/// Is told what a run of migrations does, as it does it.
///
/// Every closure that takes an [`Event`] is one.
pub trait Observer {
    /// Takes one event.
    fn event(&mut self, event: &Event<'_>);
}

impl<F: FnMut(&Event<'_>)> Observer for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}

/// Is one thing that happened in a run of migrations. Milliseconds are measured, never estimated.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another process migrates: waiting for it to end. Told at once, then each second.
    Waiting {
        /// Who holds the lock, where the database can tell.
        holder: Option<&'a LockHolder>,
        /// How long it has been waiting.
        millis: u64,
    },
    /// What is going to be done.
    Planned {
        /// The steps, in order.
        steps: &'a [Step],
    },
    /// A backup begins.
    BackupStarted {
        /// Where to.
        path: &'a str,
    },
    /// A backup was made and verified.
    BackupFinished {
        /// Where it is.
        path: &'a str,
        /// How long it took.
        millis: u64,
    },
    /// What another tool applied or took back was taken over into the ledger.
    Adopted {
        /// The version.
        version: &'a Version,
        /// Whether it is applied.
        applied: bool,
    },
    /// A step begins.
    StepStarted {
        /// The step.
        step: &'a Step,
        /// Statements that an earlier run has done.
        done: u32,
    },
    /// A statement ended.
    Statement {
        /// The version it belongs to.
        version: &'a Version,
        /// Which statement, from 1.
        index: u32,
        /// Of how many.
        of: u32,
        /// Rows it changed, where it tells.
        rows: u64,
        /// How long it took.
        millis: u64,
    },
    /// A batch of a statement that goes by key range was committed.
    Batch {
        /// The version it belongs to.
        version: &'a Version,
        /// Which statement, from 1.
        index: u32,
        /// Rows of the table looked at so far, in this run.
        done: u64,
        /// Rows of the table there were about, when the run began.
        total: u64,
        /// How long this batch took.
        millis: u64,
    },
    /// A lock that a statement needs was not to be had: it is tried again.
    Retrying {
        /// The version it belongs to.
        version: &'a Version,
        /// Which attempt is next, from 2.
        attempt: u32,
        /// After how long.
        pause_millis: u64,
    },
    /// A step ended.
    StepFinished {
        /// The step.
        step: &'a Step,
        /// How long it took.
        millis: u64,
    },
    /// A step failed. The run ends with its error.
    StepFailed {
        /// The step.
        step: &'a Step,
        /// What went wrong.
        error: &'a str,
    },
}
