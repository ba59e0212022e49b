//! As little as can stand between a caller and libpq: prepared statements with binary results.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::NonNull;
use std::slice;

use pq_sys::{
    ConnStatusType, ExecStatusType, PGconn, PGresult, PQclear, PQconnectdb, PQerrorMessage, PQexec, PQexecPrepared,
    PQfinish, PQgetResult, PQgetisnull, PQgetlength, PQgetvalue, PQntuples, PQprepare, PQputCopyData, PQputCopyEnd,
    PQresultStatus, PQstatus,
};

/// Is one connection.
pub(crate) struct Connection(NonNull<PGconn>);

/// Is the rows of one answer.
pub(crate) struct Rows(NonNull<PGresult>);

impl Connection {
    pub(crate) fn open(url: &str) -> Self {
        let url = CString::new(url).expect("no NUL");
        // SAFETY: the string lives through the call.
        let connection = NonNull::new(unsafe { PQconnectdb(url.as_ptr()) }).expect("libpq has memory");
        let connection = Self(connection);
        // SAFETY: the connection is open as long as `self`.
        let status = unsafe { PQstatus(connection.0.as_ptr()) };
        assert_eq!(status, ConnStatusType::CONNECTION_OK, "{}", connection.message());
        connection
    }

    pub(crate) fn execute(&mut self, sql: &str) {
        let sql = CString::new(sql).expect("no NUL");
        // SAFETY: connection and string live through the call.
        self.rows(unsafe { PQexec(self.0.as_ptr(), sql.as_ptr()) });
    }

    pub(crate) fn prepare(&mut self, name: &CStr, sql: &str) {
        let sql = CString::new(sql).expect("no NUL");
        // SAFETY: connection and strings live through the call; no types are given.
        let result = unsafe { PQprepare(self.0.as_ptr(), name.as_ptr(), sql.as_ptr(), 0, std::ptr::null()) };
        self.rows(result);
    }

    /// Runs a prepared statement with binary arguments and a binary answer.
    pub(crate) fn run(&mut self, name: &CStr, arguments: &[&[u8]]) -> Rows {
        let values: Vec<*const c_char> = arguments.iter().map(|argument| argument.as_ptr().cast()).collect();
        let lengths: Vec<c_int> = arguments.iter().map(|a| c_int::try_from(a.len()).expect("small")).collect();
        let formats = vec![1; arguments.len()];
        let count = c_int::try_from(arguments.len()).expect("few");
        // SAFETY: the arrays have `count` entries each and live through the call.
        let result = unsafe {
            PQexecPrepared(
                self.0.as_ptr(),
                name.as_ptr(),
                count,
                values.as_ptr(),
                lengths.as_ptr(),
                formats.as_ptr(),
                1,
            )
        };
        self.rows(result)
    }

    /// Sends the data of a `COPY … FROM STDIN`.
    #[allow(dead_code, reason = "one of the benches that share this file has no use for it")]
    pub(crate) fn copy_in(&mut self, sql: &str, data: &[u8]) {
        let sql = CString::new(sql).expect("no NUL");
        // SAFETY: connection, string and data live through the calls, and each result is freed once.
        unsafe {
            let connection = self.0.as_ptr();
            let begun = PQexec(connection, sql.as_ptr());
            assert_eq!(PQresultStatus(begun), ExecStatusType::PGRES_COPY_IN, "{}", self.message());
            PQclear(begun);
            let length = c_int::try_from(data.len()).expect("small");
            assert_eq!(PQputCopyData(connection, data.as_ptr().cast(), length), 1, "{}", self.message());
            assert_eq!(PQputCopyEnd(connection, std::ptr::null()), 1, "{}", self.message());
            self.rows(PQgetResult(connection));
            assert!(PQgetResult(connection).is_null(), "{}", self.message());
        }
    }

    fn rows(&self, result: *mut PGresult) -> Rows {
        let rows = Rows(NonNull::new(result).expect("libpq has memory"));
        // SAFETY: the result is freed by `Rows` only.
        let status = unsafe { PQresultStatus(rows.0.as_ptr()) };
        let fine = [ExecStatusType::PGRES_COMMAND_OK, ExecStatusType::PGRES_TUPLES_OK].contains(&status);
        assert!(fine, "{}", self.message());
        rows
    }

    fn message(&self) -> String {
        // SAFETY: libpq returns a string that lives until the connection is used again.
        unsafe { CStr::from_ptr(PQerrorMessage(self.0.as_ptr())) }.to_string_lossy().into_owned()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: it is not used afterwards.
        unsafe { PQfinish(self.0.as_ptr()) }
    }
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the result lives as long as `self`.
        usize::try_from(unsafe { PQntuples(self.0.as_ptr()) }).expect("a count")
    }

    pub(crate) fn get(&self, row: usize, column: usize) -> Option<&[u8]> {
        let row = c_int::try_from(row).expect("few");
        let column = c_int::try_from(column).expect("few");
        // SAFETY: libpq checks row and column; the bytes live as long as the result.
        unsafe {
            if PQgetisnull(self.0.as_ptr(), row, column) != 0 {
                return None;
            }
            let length = usize::try_from(PQgetlength(self.0.as_ptr(), row, column)).expect("a length");
            Some(slice::from_raw_parts(PQgetvalue(self.0.as_ptr(), row, column).cast(), length))
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: it is not used afterwards.
        unsafe { PQclear(self.0.as_ptr()) }
    }
}
