//! What a failure says: what, where, what the database is left as, and what to do next.

use std::path::Path;
use std::time::Duration;

use crate::schema::{SchemaFault, StatementError, Way};
use crate::{Error, ErrorKind};

use super::job::Job;

/// Is what the session answered to one call that failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) error: Error,
    /// Which statement, from 0; none for what stands between them.
    pub(super) statement: Option<usize>,
    /// Where in the statement.
    pub(super) offset: Option<usize>,
    /// For a lock that was not to be had: how long that took. Trying again may help.
    pub(super) waited: Option<Duration>,
}

impl Trouble {
    /// Takes what a statement failed with.
    pub(super) fn of_statement(error: StatementError, index: usize, took: Duration) -> Self {
        let locked = error.lock_timeout || SchemaFault::of(&error.error) == Some(SchemaFault::Locked);
        Self { error: error.error, statement: Some(index), offset: error.offset, waited: locked.then_some(took) }
    }

    /// Takes what a transaction that could not begin failed with: its wait was as long as the session waits, so that trying
    /// again makes no sense.
    pub(super) fn of_begin(error: Error) -> Self {
        let waited = (SchemaFault::of(&error) == Some(SchemaFault::Locked)).then_some(Duration::MAX);
        Self { waited, ..Self::from(error) }
    }

    /// Says how long the wait was, if it was one for a lock.
    pub(super) fn after(mut self, took: Duration) -> Self {
        self.waited = self.waited.map(|_| took);
        self
    }

    pub(super) fn at(mut self, index: usize) -> Self {
        self.statement = self.statement.or(Some(index));
        self
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let waited = (SchemaFault::of(&error) == Some(SchemaFault::Locked)).then_some(Duration::ZERO);
        Self { error, statement: None, offset: None, waited }
    }
}

/// Says what a failed step leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing of it; what came before it in the run stays.
    Nothing,
    /// Nothing of the run.
    NothingOfTheRun,
    /// Nothing, for it was rehearsed on a copy.
    NothingButACopy,
    /// Part of it: so many statements, and this of the next one.
    Part { done: u32, beyond: Option<String> },
    /// Nobody knows: the answer was lost while it committed.
    Unknown,
}

/// Is what a failure is told with.
pub(super) struct Circumstances<'a> {
    pub(super) left: Left,
    /// How many steps before it the run has done.
    pub(super) steps_done: usize,
    pub(super) backup: Option<&'a Path>,
    /// The command that goes on.
    pub(super) command: &'a str,
}

/// Returns the error of a step that failed.
pub(super) fn error_of(job: &Job<'_>, trouble: Trouble, circumstances: &Circumstances<'_>) -> Error {
    let Trouble { error: cause, statement, offset, waited } = trouble;
    let locked = waited.is_some();
    let (code, kind) = match &circumstances.left {
        _ if locked => (Some(SchemaFault::Locked), ErrorKind::Unavailable),
        Left::Part { .. } => (Some(SchemaFault::PartlyApplied), kind_of(&cause)),
        Left::Unknown => (None, kind_of(&cause)),
        Left::Nothing | Left::NothingOfTheRun | Left::NothingButACopy => {
            let kind = kind_of(&cause);
            let ours = matches!(kind, ErrorKind::Migration | ErrorKind::StorageFull);
            (ours.then_some(SchemaFault::RolledBack), kind)
        }
    };
    let message = message(job, &cause, locked);
    let mut error = Error::new(kind, message).with_retry(cause.retry());
    if let Some(code) = code {
        error = error.with_context("code", code.code());
    }
    error = error.with_context("version", &job.step.version);
    match statement.and_then(|index| job.parts.get(index).map(|part| (index, part))) {
        None => error = error.with_context("place", job.place(None)),
        Some((index, part)) => {
            let at = part.statement.offset + offset.unwrap_or(0).min(part.statement.text.len());
            error = error.with_context("place", job.place(Some(at)));
            error = error.with_context("statement", format_args!("{} of {}", index + 1, job.len()));
        }
    }
    for (key, value) in cause.context().filter(|(key, _)| *key != "code") {
        error = error.with_context(key.to_owned(), value);
    }
    error = error.with_context("state", state(job, circumstances));
    if let Some(backup) = circumstances.backup {
        error = error.with_context("backup", backup.display());
    }
    let hint = hint(&cause, locked, circumstances);
    error.with_hint(hint).with_source(cause)
}

/// Returns the kind of the error: what the caller or the surroundings did stays what it is, the rest is the migration's.
fn kind_of(cause: &Error) -> ErrorKind {
    match cause.kind() {
        kind @ (ErrorKind::Cancelled
        | ErrorKind::Timeout
        | ErrorKind::Unavailable
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnly
        | ErrorKind::StorageFull) => kind,
        _ => ErrorKind::Migration,
    }
}

fn message(job: &Job<'_>, cause: &Error, locked: bool) -> String {
    let what = match job.step.direction {
        Way::Up => job.title(),
        Way::Down => format!("taking back {}", job.title()),
    };
    match cause.kind() {
        _ if locked => format!("{what} could not get a lock that it needs: {}", cause.message()),
        ErrorKind::Cancelled | ErrorKind::Timeout => format!("{what} was stopped: {}", cause.message()),
        _ => format!("{what} failed: {}", cause.message()),
    }
}

fn state(job: &Job<'_>, circumstances: &Circumstances<'_>) -> String {
    let version = &job.step.version;
    let done_word = match job.step.direction {
        Way::Up => "applied",
        Way::Down => "taken back",
    };
    let before = match circumstances.steps_done {
        0 => String::new(),
        1 => "; the migration before it in this run stays done".to_owned(),
        n => format!("; the {n} migrations before it in this run stay done"),
    };
    match &circumstances.left {
        Left::Nothing => format!("nothing of {version} is {done_word}{before}"),
        Left::NothingOfTheRun => "as it was before the run".to_owned(),
        Left::NothingButACopy => "as it was: this was rehearsed on a copy".to_owned(),
        Left::Unknown => {
            format!("the answer was lost while {version} was committed: it is {done_word} or not{before}")
        }
        Left::Part { done, beyond } => {
            let of = job.len();
            let mut text = match done {
                0 => format!("none of the {of} statements of {version} is done"),
                1 => format!("statement 1 of {of} of {version} is done"),
                done => format!("statements 1 to {done} of {of} of {version} are done"),
            };
            if let Some(beyond) = beyond {
                text = format!("{text}; {beyond}");
            }
            format!("{text}{before}")
        }
    }
}

fn hint(cause: &Error, locked: bool, circumstances: &Circumstances<'_>) -> String {
    let Circumstances { left, backup, command, .. } = circumstances;
    let mut hint = match (left, cause.hint()) {
        (Left::Unknown, _) => format!("run `polymnia migrate status`, then `{command}`"),
        (_, Some(hint)) => format!("{hint}; then run `{command}`"),
        (_, None) if locked => {
            format!("run `polymnia doctor` to see who holds it, then `{command}`, with a longer `--lock-wait`")
        }
        (Left::Part { .. }, None) => {
            format!("mend what it says and run `{command}`, which goes on where this stopped")
        }
        (_, None) if matches!(cause.kind(), ErrorKind::Cancelled | ErrorKind::Timeout) => format!("run `{command}`"),
        (_, None) => format!("mend what it says and run `{command}`"),
    };
    if let Some(backup) = backup {
        hint = format!("{hint}; to go back to what was before, run `polymnia backup restore {}`", shown(backup));
    }
    hint
}

/// Writes a path the way a shell takes it.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
