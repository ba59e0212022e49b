//! Statements that are put together at run time, with typed errors: what a migration says, and reads of the catalog.

use std::ops::ControlFlow;

use libsqlite3_sys as ffi;
use polymnia::schema::StatementError;
use polymnia::{Error, ErrorKind, Result};

use crate::LOG;
use crate::connection::Connection;
use crate::error::{Failure, Step, classify};
use crate::guard::End;
use crate::raw::{BulkRow, RunFailure};
use crate::statement::Value;

/// Runs one statement and returns how many rows it changed. Rows that it gives are passed over.
pub(super) fn run(connection: &mut Connection, sql: &str, values: &[Value<'_>]) -> Result<u64, StatementError> {
    log::trace!(target: LOG, "{sql}");
    let result = connection.handle().run(sql, values, |_| ControlFlow::Continue(()));
    result.map_err(|failure| judge(connection, &failure, Step::Statement))
}

/// Commits the transaction.
pub(super) fn commit(connection: &mut Connection) -> Result<(), StatementError> {
    let result = connection.handle().run("COMMIT", &[], |_| ControlFlow::Continue(()));
    result.map(|_| ()).map_err(|failure| judge(connection, &failure, Step::Commit))
}

/// Returns what `read` makes of each row that a query gives.
pub(super) fn rows<T>(
    connection: &mut Connection,
    sql: &str,
    values: &[Value<'_>],
    mut read: impl FnMut(&BulkRow<'_>) -> T,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let result = connection.handle().run(sql, values, |row| {
        found.push(read(row));
        ControlFlow::Continue(())
    });
    match result {
        Ok(_) => Ok(found),
        Err(failure) => Err(judge(connection, &failure, Step::Statement).error),
    }
}

/// Returns the first column of the first row that a query gives; 0 if there is none.
pub(super) fn integer(connection: &mut Connection, sql: &str, values: &[Value<'_>]) -> Result<i64> {
    Ok(rows(connection, sql, values, |row| row.integer(0))?.first().copied().unwrap_or_default())
}

/// Returns the texts in the first column of the rows that a query gives.
pub(super) fn texts(connection: &mut Connection, sql: &str, values: &[Value<'_>]) -> Result<Vec<String>> {
    rows(connection, sql, values, |row| row.text(0).to_owned())
}

/// Returns a text, none for NULL.
pub(super) fn optional_text(row: &BulkRow<'_>, at: i32) -> Option<String> {
    (row.kind(at) != ffi::SQLITE_NULL).then(|| row.text(at).to_owned())
}

/// Returns an integer, none for NULL.
pub(super) fn optional_integer(row: &BulkRow<'_>, at: i32) -> Option<i64> {
    (row.kind(at) != ffi::SQLITE_NULL).then(|| row.integer(at))
}

/// Turns a failure into an error. What SQLite says of a statement names tables and columns, never values.
pub(super) fn judge(connection: &mut Connection, failure: &RunFailure, step: Step) -> StatementError {
    let RunFailure { code, message, offset } = failure;
    let end = connection.guard().end();
    let primary = code & 0xff;
    let lock_timeout =
        matches!(primary, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) && !matches!(end, Some(End::Interrupted(_)));
    let errno = match primary {
        ffi::SQLITE_CANTOPEN | ffi::SQLITE_IOERR => connection.handle().last_errno(),
        _ => 0,
    };
    let error = match primary {
        ffi::SQLITE_ERROR | ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH | ffi::SQLITE_RANGE => {
            Error::new(ErrorKind::Migration, message.clone()).with_context("sqlite_code", code)
        }
        _ => classify(Failure { code: *code, errno, message, end, step }),
    };
    StatementError { error, offset: *offset, lock_timeout }
}
