//! Statements whose text is known at run time only: those of migrations, and those that name what a catalog lists. Each
//! is prepared for one run.

use std::ffi::c_int;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use libsqlite3_sys as ffi;

use super::Handle;
use super::bulk::{BulkFailure, BulkRow, Running, Statement};
use crate::statement::Value;

/// Says why a statement failed.
#[derive(Debug)]
pub(crate) struct RunFailure {
    /// The extended result code.
    pub(crate) code: c_int,
    pub(crate) message: String,
    /// Where in the text, in bytes, if SQLite blames a place.
    pub(crate) offset: Option<usize>,
}

/// Is a statement for one run, finalized after it.
struct Once(Statement);

impl Handle {
    /// Runs one statement, which may give rows, and returns how many it changed.
    ///
    /// A text without a statement does nothing. What follows the first statement is a failure, as is a `?` without a value.
    pub(crate) fn run(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        mut visit: impl FnMut(&BulkRow<'_>) -> ControlFlow<()>,
    ) -> Result<u64, RunFailure> {
        let Some(once) = self.prepare_once(sql)? else { return Ok(0) };
        if once.parameters() != values.len() {
            let message = format!("the statement has {} parameters: expected {}", once.parameters(), values.len());
            return Err(RunFailure { code: ffi::SQLITE_RANGE, message, offset: None });
        }
        let before = self.total_changes();
        let running = Running::new(self, once.0);
        running.bind(values)?;
        while running.step()? {
            if visit(&BulkRow::new(&running)).is_break() {
                break;
            }
        }
        drop(running);
        // `changes` keeps the count of the last statement that had one; DDL has none.
        if self.total_changes() == before {
            return Ok(0);
        }
        // SAFETY: `db` is open.
        Ok(unsafe { ffi::sqlite3_changes64(self.db.as_ptr()) }.unsigned_abs())
    }

    fn prepare_once(&mut self, sql: &str) -> Result<Option<Once>, RunFailure> {
        let failure =
            |message: &str, offset| RunFailure { code: ffi::SQLITE_ERROR, message: message.to_owned(), offset };
        // SQLite reads up to a NUL.
        if let Some(offset) = sql.find('\0') {
            return Err(failure("the statement holds a NUL character", Some(offset)));
        }
        let length = c_int::try_from(sql.len()).map_err(|_| failure("the statement is longer than 2 GiB", None))?;
        let mut statement = std::ptr::null_mut();
        let mut rest = std::ptr::null();
        // SAFETY: `db` is open, the text is as long as said, and both pointers are places for what is returned.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(self.db.as_ptr(), sql.as_ptr().cast(), length, 0, &raw mut statement, &raw mut rest)
        };
        if code != ffi::SQLITE_OK {
            // SAFETY: `db` is open.
            let offset = unsafe { ffi::sqlite3_error_offset(self.db.as_ptr()) };
            return Err(RunFailure { offset: usize::try_from(offset).ok(), ..self.bulk_failure().into() });
        }
        let once = NonNull::new(statement).map(|statement| Once(Statement(statement)));
        let read = (rest as usize).saturating_sub(sql.as_ptr() as usize).min(sql.len());
        if self.has_statement(&sql[read..]) {
            return Err(failure("there is more than one statement", Some(read)));
        }
        Ok(once)
    }

    /// Returns whether a text is more than comments, by SQLite's reading.
    fn has_statement(&self, sql: &str) -> bool {
        if sql.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == ';').is_empty() {
            return false;
        }
        let Ok(length) = c_int::try_from(sql.len()) else { return true };
        let mut statement = std::ptr::null_mut();
        let rest = std::ptr::null_mut();
        // SAFETY: `db` is open, the text is as long as said, `statement` is a place for the statement, and finalizing none
        // does nothing.
        unsafe {
            let code =
                ffi::sqlite3_prepare_v3(self.db.as_ptr(), sql.as_ptr().cast(), length, 0, &raw mut statement, rest);
            ffi::sqlite3_finalize(statement);
            code != ffi::SQLITE_OK || !statement.is_null()
        }
    }

    fn total_changes(&self) -> i64 {
        // SAFETY: `db` is open.
        unsafe { ffi::sqlite3_total_changes64(self.db.as_ptr()) }
    }
}

impl Once {
    fn parameters(&self) -> usize {
        // SAFETY: the statement is prepared and not finalized.
        usize::try_from(unsafe { ffi::sqlite3_bind_parameter_count(self.0.0.as_ptr()) }).unwrap_or_default()
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        // SAFETY: the statement was prepared once and is finalized once, here. It does not run any more: `Running` is
        // dropped before, as it is made later.
        unsafe { ffi::sqlite3_finalize(self.0.0.as_ptr()) };
    }
}

impl From<BulkFailure> for RunFailure {
    fn from(failure: BulkFailure) -> Self {
        Self { code: failure.code, message: failure.message, offset: None }
    }
}
