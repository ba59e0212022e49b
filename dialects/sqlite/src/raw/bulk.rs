//! Statements that run once for each of many rows, or give many: prepared once, and no more than that.

use std::ffi::{CStr, c_int};
use std::ops::ControlFlow;
use std::ptr::NonNull;

use libsqlite3_sys as ffi;

use super::Handle;
use crate::statement::Value;

/// Is the statements of one connection that stay prepared, by their text.
#[derive(Default)]
pub(super) struct Statements(Vec<(&'static str, Statement)>);

/// Is a prepared statement. It is not running, except within the functions here.
#[derive(Clone, Copy)]
pub(super) struct Statement(pub(super) NonNull<ffi::sqlite3_stmt>);

/// Says why a statement failed.
#[derive(Debug)]
pub(crate) struct BulkFailure {
    /// The extended result code.
    pub(crate) code: c_int,
    pub(crate) message: String,
}

/// Is the row at which a statement stands.
pub(crate) struct BulkRow<'a>(&'a Running<'a>);

/// Is a statement while it runs: afterwards, however that comes about, it holds no lock and no value.
pub(super) struct Running<'a> {
    handle: &'a Handle,
    statement: Statement,
}

/// The encoding of the texts that are bound.
#[expect(clippy::cast_possible_truncation, reason = "the constant is 1")]
const UTF8: u8 = ffi::SQLITE_UTF8 as u8;

impl Handle {
    /// Runs a statement, which gives nothing back, once for each row of values, and tells `changed` each time how many rows it
    /// changed.
    pub(crate) fn run_each<'v, const N: usize>(
        &mut self,
        sql: &'static str,
        rows: impl IntoIterator<Item = [Value<'v>; N]>,
        mut changed: impl FnMut(u64),
    ) -> Result<(), BulkFailure> {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let running = self.running(sql)?;
        for values in rows {
            running.bind(&values)?;
            while running.step()? {}
            // SAFETY: the connection is open.
            changed(unsafe { ffi::sqlite3_changes64(running.handle.db.as_ptr()) }.unsigned_abs());
            running.reset();
        }
        Ok(())
    }

    /// Visits the rows that a query gives, until `visit` breaks off.
    pub(crate) fn visit(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut visit: impl FnMut(&BulkRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), BulkFailure> {
        let running = self.running(sql)?;
        running.bind(values)?;
        while running.step()? {
            if visit(&BulkRow(&running)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the rowid of the row inserted last.
    pub(crate) fn last_rowid(&self) -> i64 {
        // SAFETY: `db` is open.
        unsafe { ffi::sqlite3_last_insert_rowid(self.db.as_ptr()) }
    }

    fn running(&mut self, sql: &'static str) -> Result<Running<'_>, BulkFailure> {
        let found = self.statements.0.iter().find(|(text, _)| *text == sql).map(|(_, statement)| *statement);
        let statement = match found {
            Some(statement) => statement,
            None => self.prepare_bulk(sql)?,
        };
        Ok(Running { handle: self, statement })
    }

    fn prepare_bulk(&mut self, sql: &'static str) -> Result<Statement, BulkFailure> {
        let mut statement = std::ptr::null_mut();
        let length = c_int::try_from(sql.len()).expect("the statements of this crate are short");
        // SAFETY: `db` is open, the text is as long as said, and `statement` is a place for the statement.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                self.db.as_ptr(),
                sql.as_ptr().cast(),
                length,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &raw mut statement,
                std::ptr::null_mut(),
            )
        };
        match NonNull::new(statement) {
            Some(statement) if code == ffi::SQLITE_OK => {
                self.statements.0.push((sql, Statement(statement)));
                Ok(Statement(statement))
            }
            _ => Err(self.bulk_failure()),
        }
    }

    pub(super) fn bulk_failure(&self) -> BulkFailure {
        // SAFETY: `db` is open. SQLite returns a C string that lives until the next call on the connection; it is copied.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.db.as_ptr())) };
        BulkFailure { code: self.last_code(), message: message.to_string_lossy().into_owned() }
    }
}

impl<'a> Running<'a> {
    /// Begins a run of a statement of this connection, which is not running.
    pub(super) fn new(handle: &'a Handle, statement: Statement) -> Self {
        Self { handle, statement }
    }

    /// Binds all values of the statement. They must live until the next call of `bind` or `reset`.
    pub(super) fn bind(&self, values: &[Value<'_>]) -> Result<(), BulkFailure> {
        let statement = self.statement.0.as_ptr();
        // SAFETY: the statement is prepared and not finalized.
        let expected = unsafe { ffi::sqlite3_bind_parameter_count(statement) };
        assert!(usize::try_from(expected) == Ok(values.len()), "a value for each ? of a statement");
        for (at, value) in (1..).zip(values) {
            // SAFETY: as above, and the statement is not running. Texts and blobs are as long as said and outlive the run of
            // the statement: each is bound anew before it runs again, and none stays bound after `Running` is dropped.
            let code = unsafe {
                match *value {
                    Value::Null => ffi::sqlite3_bind_null(statement, at),
                    Value::Integer(number) => ffi::sqlite3_bind_int64(statement, at, number),
                    Value::Real(number) => ffi::sqlite3_bind_double(statement, at, number),
                    Value::Text(text) => ffi::sqlite3_bind_text64(
                        statement,
                        at,
                        text.as_ptr().cast(),
                        text.len() as u64,
                        ffi::SQLITE_STATIC(),
                        UTF8,
                    ),
                    Value::Blob(bytes) => ffi::sqlite3_bind_blob64(
                        statement,
                        at,
                        bytes.as_ptr().cast(),
                        bytes.len() as u64,
                        ffi::SQLITE_STATIC(),
                    ),
                }
            };
            if code != ffi::SQLITE_OK {
                return Err(self.handle.bulk_failure());
            }
        }
        Ok(())
    }

    /// Goes to the next row and returns whether there is one.
    pub(super) fn step(&self) -> Result<bool, BulkFailure> {
        // SAFETY: the statement is prepared and not finalized, and its values live.
        match unsafe { ffi::sqlite3_step(self.statement.0.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            _ => Err(self.handle.bulk_failure()),
        }
    }

    fn reset(&self) {
        // SAFETY: the statement is prepared and not finalized. What it returns is the failure of the last step, known already.
        unsafe { ffi::sqlite3_reset(self.statement.0.as_ptr()) };
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.reset();
        // SAFETY: the statement is prepared and not finalized.
        unsafe { ffi::sqlite3_clear_bindings(self.statement.0.as_ptr()) };
    }
}

impl<'a> BulkRow<'a> {
    pub(super) fn new(running: &'a Running<'a>) -> Self {
        Self(running)
    }

    /// Returns an integer. NULL reads as 0.
    pub(crate) fn integer(&self, at: c_int) -> i64 {
        // SAFETY: the statement stands at a row; SQLite answers NULL for a column that is not there.
        unsafe { ffi::sqlite3_column_int64(self.statement(), at) }
    }

    /// Returns an integer; none for NULL.
    pub(crate) fn optional_integer(&self, at: c_int) -> Option<i64> {
        (self.kind(at) != ffi::SQLITE_NULL).then(|| self.integer(at))
    }

    /// Returns a number. NULL reads as 0.
    pub(crate) fn real(&self, at: c_int) -> f64 {
        // SAFETY: as in `integer`.
        unsafe { ffi::sqlite3_column_double(self.statement(), at) }
    }

    /// Returns whether the value is a text.
    pub(crate) fn is_text(&self, at: c_int) -> bool {
        self.kind(at) == ffi::SQLITE_TEXT
    }

    /// Returns what kind of value it is: `SQLITE_INTEGER`, `SQLITE_FLOAT`, `SQLITE_TEXT`, `SQLITE_BLOB` or `SQLITE_NULL`.
    pub(crate) fn kind(&self, at: c_int) -> c_int {
        // SAFETY: as in `integer`.
        unsafe { ffi::sqlite3_column_type(self.statement(), at) }
    }

    /// Returns the bytes of a text or a blob; none for NULL. Each column is to be read in one way only.
    pub(crate) fn bytes(&self, at: c_int) -> &[u8] {
        // SAFETY: as in `integer`. SQLite returns a pointer to as many bytes as it says, or null; they stay until the next
        // step, before which `self` is gone, or until the column is read as something else.
        unsafe {
            let bytes = ffi::sqlite3_column_blob(self.statement(), at).cast::<u8>();
            let length = usize::try_from(ffi::sqlite3_column_bytes(self.statement(), at)).unwrap_or_default();
            if bytes.is_null() { &[] } else { std::slice::from_raw_parts(bytes, length) }
        }
    }

    /// Returns a text; empty where the bytes are not UTF-8, which no writer of ours stores.
    pub(crate) fn text(&self, at: c_int) -> &str {
        std::str::from_utf8(self.bytes(at)).unwrap_or_default()
    }

    fn statement(&self) -> *mut ffi::sqlite3_stmt {
        self.0.statement.0.as_ptr()
    }
}

impl Drop for Statements {
    fn drop(&mut self) {
        for (_, Statement(statement)) in self.0.drain(..) {
            // SAFETY: each statement was prepared once and is finalized once, here, while its connection is open: `Handle`
            // drops its statements before the connection.
            unsafe { ffi::sqlite3_finalize(statement.as_ptr()) };
        }
    }
}
