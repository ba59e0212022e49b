//! SQLite's backup interface: one database, page by page, into another that is in use.

use std::ffi::c_int;
use std::ptr::NonNull;

use libsqlite3_sys as ffi;

use super::Handle;
use super::dynamic::RunFailure;

/// How many pages are copied between two looks at whether to go on.
const PAGES_BETWEEN_CHECKS: c_int = 1_000;

/// Is a copy under way. Dropped, it rolls back what is not finished.
struct Copy(Option<NonNull<ffi::sqlite3_backup>>);

impl Handle {
    /// Returns the main database as the bytes of a file, what the transaction that is open wrote included.
    pub(crate) fn serialize(&mut self) -> Result<Vec<u8>, RunFailure> {
        let mut size: ffi::sqlite3_int64 = 0;
        // SAFETY: `db` is open, the name is a C string, and `size` a place for the number of bytes.
        let bytes = unsafe { ffi::sqlite3_serialize(self.db.as_ptr(), c"main".as_ptr(), &raw mut size, 0) };
        let Some(bytes) = NonNull::new(bytes) else {
            // Of an empty database there are no bytes.
            return if size == 0 { Ok(Vec::new()) } else { Err(failure(ffi::SQLITE_NOMEM)) };
        };
        let length = usize::try_from(size).unwrap_or_default();
        // SAFETY: SQLite returns so many bytes, in memory that is ours until it is freed, once, here.
        unsafe {
            let copied = std::slice::from_raw_parts(bytes.as_ptr(), length).to_vec();
            ffi::sqlite3_free(bytes.as_ptr().cast());
            Ok(copied)
        }
    }

    /// Copies the main database over that of another connection, in one transaction there.
    ///
    /// Others go on reading what was there before, until all of it is there. `goes_on` is asked now and then; where it
    /// answers false, nothing is changed and the failure is `SQLITE_INTERRUPT`.
    pub(crate) fn copy_over(&mut self, to: &mut Self, mut goes_on: impl FnMut() -> bool) -> Result<(), RunFailure> {
        // SAFETY: both connections are open, and different ones, as each is borrowed for itself; the names are C strings.
        let begun =
            unsafe { ffi::sqlite3_backup_init(to.db.as_ptr(), c"main".as_ptr(), self.db.as_ptr(), c"main".as_ptr()) };
        let Some(begun) = NonNull::new(begun) else { return Err(to.bulk_failure().into()) };
        let mut copy = Copy(Some(begun));
        loop {
            // SAFETY: the copy is not finished, and both its connections are open and used by nobody else.
            match unsafe { ffi::sqlite3_backup_step(begun.as_ptr(), PAGES_BETWEEN_CHECKS) } {
                ffi::SQLITE_OK => {}
                ffi::SQLITE_DONE => return copy.finish().map_or(Ok(()), |code| Err(failure(code))),
                code => return Err(failure(code)),
            }
            if !goes_on() {
                return Err(failure(ffi::SQLITE_INTERRUPT));
            }
        }
    }
}

impl Copy {
    /// Finishes the copy and returns the result code, if it is that of a failure.
    fn finish(&mut self) -> Option<c_int> {
        let copy = self.0.take()?;
        // SAFETY: the copy was begun once and is finished once, here, while both its connections are open.
        let code = unsafe { ffi::sqlite3_backup_finish(copy.as_ptr()) };
        (code != ffi::SQLITE_OK).then_some(code)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.finish();
    }
}

fn failure(code: c_int) -> RunFailure {
    RunFailure { code, message: ffi::code_to_str(code).to_owned(), offset: None }
}

#[cfg(test)]
mod tests {
    use super::super::{Handle, open};
    use super::*;
    use std::ops::ControlFlow;

    fn run(handle: &mut Handle, sql: &str) -> i64 {
        let mut found = 0;
        handle
            .run(sql, &[], |row| {
                found = row.integer(0);
                ControlFlow::Continue(())
            })
            .unwrap();
        found
    }

    fn database(name: &str, rows: u32) -> Handle {
        let mut handle = open(&format!("file:/copy-{name}-{}?vfs=memdb", std::process::id())).unwrap();
        run(&mut handle, "CREATE TABLE t (a)");
        run(
            &mut handle,
            &format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
                 INSERT INTO t SELECT randomblob(1000) FROM n"
            ),
        );
        handle
    }

    #[test]
    fn a_copy_takes_the_place_of_what_was_there() {
        let (mut from, mut to) = (database("from", 5_000), database("to", 3));
        from.copy_over(&mut to, || true).unwrap();
        assert_eq!(run(&mut to, "SELECT count(*) FROM t"), 5_000);
        assert_eq!(run(&mut to, "INSERT INTO t VALUES (1)"), 0);
        assert_eq!(run(&mut from, "SELECT count(*) FROM t"), 5_000);
    }

    #[test]
    fn a_copy_that_is_given_up_changes_nothing() {
        let (mut from, mut to) = (database("given-up", 5_000), database("kept", 3));
        let failure = from.copy_over(&mut to, || false).unwrap_err();
        assert_eq!(failure.code, ffi::SQLITE_INTERRUPT);
        assert_eq!(run(&mut to, "SELECT count(*) FROM t"), 3);
        run(&mut to, "INSERT INTO t VALUES (1)");
    }

    #[test]
    fn a_transaction_on_the_other_side_is_in_the_way() {
        let (mut from, mut to) = (database("source", 3), database("busy", 3));
        run(&mut to, "BEGIN");
        run(&mut to, "INSERT INTO t VALUES (1)");
        assert!(from.copy_over(&mut to, || true).is_err());
        run(&mut to, "COMMIT");
        assert_eq!(run(&mut to, "SELECT count(*) FROM t"), 4);
    }

    #[test]
    fn a_transaction_of_the_source_is_in_the_way_too() {
        let (mut from, mut to) = (database("writing", 3), database("target", 1));
        run(&mut from, "BEGIN IMMEDIATE");
        assert_eq!(from.copy_over(&mut to, || true).unwrap_err().code & 0xff, ffi::SQLITE_BUSY);
        assert_eq!(run(&mut to, "SELECT count(*) FROM t"), 1);
    }

    #[test]
    fn bytes_are_those_of_a_file_with_what_the_transaction_wrote() {
        let mut from = database("serialized", 3);
        run(&mut from, "BEGIN IMMEDIATE");
        run(&mut from, "DELETE FROM t");
        let bytes = from.serialize().unwrap();
        run(&mut from, "ROLLBACK");
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&file, bytes).unwrap();
        let mut written = open(&format!("file://{}?mode=ro&immutable=1", file.display())).unwrap();
        assert_eq!(run(&mut written, "SELECT count(*) FROM t"), 0);
        assert_eq!(run(&mut from, "SELECT count(*) FROM t"), 3);
    }
}
