//! SQLite's handle beside diesel's connection: what diesel has no call for. The only `unsafe` of this crate.
//!
//! diesel keeps its `sqlite3*` to itself. SQLite hands it to every registered "automatic extension" while a connection
//! opens, so ours takes it, on the one thread that is opening a connection for us.

#![allow(unsafe_code)]

mod bulk;
mod copy;
mod dynamic;
mod functions;

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use diesel::{Connection as _, SqliteConnection};
use libsqlite3_sys as ffi;

use self::bulk::Statements;
pub(crate) use self::bulk::{BulkFailure, BulkRow};
pub(crate) use self::dynamic::RunFailure;
pub(crate) use self::functions::Columns;

use crate::connection::Session;

/// How many steps of SQLite's machine pass between two looks at the clock: some 20 µs.
const STEPS_BETWEEN_CHECKS: c_int = 2_000;

/// Is an open connection and its `sqlite3*`.
pub(crate) struct Handle {
    /// Dropped before the connection they belong to.
    statements: Statements,
    /// Owns what `db` points to and closes it when dropped. Never swapped for another connection.
    pub(crate) diesel: SqliteConnection,
    db: NonNull<ffi::sqlite3>,
}

// SAFETY: `db` is used through `&self` or `&mut self` of a struct that is not `Sync`, and so by one thread at a time, as
// diesel uses the same pointer in its `SqliteConnection`, which is `Send`. SQLite allows that in its serialised and its
// multi-thread mode; `open` refuses a library that was compiled without either.
unsafe impl Send for Handle {}

/// Says why SQLite could not open a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenFailure {
    /// The extended result code.
    pub(crate) code: c_int,
    /// The operating system's error number; 0 if it had none.
    pub(crate) errno: c_int,
    pub(crate) message: String,
}

#[derive(Clone, Copy)]
enum Capture {
    /// Nobody here is opening a connection.
    Idle,
    /// The next connection that this thread opens is ours.
    Armed,
    Captured(NonNull<ffi::sqlite3>),
}

thread_local! {
    static CAPTURE: Cell<Capture> = const { Cell::new(Capture::Idle) };
}

/// Opens a connection by a `file:` URI.
pub(crate) fn open(uri: &str) -> Result<Handle, OpenFailure> {
    let failure = |code, message: &str| OpenFailure { code, errno: 0, message: message.to_owned() };
    // SAFETY: it only returns a number fixed when the library was compiled.
    if unsafe { ffi::sqlite3_threadsafe() } == 0 {
        return Err(failure(ffi::SQLITE_MISUSE, "the SQLite library was compiled without support for threads"));
    }
    // Each time, and not once: another part of the process may have called sqlite3_reset_auto_extension. Registering
    // again what is registered does nothing.
    // SAFETY: `capture` has the signature of an entry point and is never unloaded.
    let code = unsafe { ffi::sqlite3_auto_extension(Some(capture)) };
    if code != ffi::SQLITE_OK {
        return Err(failure(code, "the connection can't be watched"));
    }
    CAPTURE.set(Capture::Armed);
    let opened = SqliteConnection::establish(uri);
    let captured = CAPTURE.replace(Capture::Idle);
    match (opened, captured) {
        (Ok(diesel), Capture::Captured(db)) => Ok(Handle { statements: Statements::default(), diesel, db }),
        (Ok(_), _) => Err(failure(ffi::SQLITE_MISUSE, "the connection's handle was not given")),
        // diesel keeps neither the code nor the system's error number, so SQLite is asked again.
        (Err(error), _) => Err(diagnose(uri).unwrap_or_else(|| failure(ffi::SQLITE_CANTOPEN, &error.to_string()))),
    }
}

impl Handle {
    /// Gives the connection our functions of SQL, and makes it ask the session's guard whether to go on.
    ///
    /// Returns the result code.
    pub(crate) fn prepare(&self, session: &Arc<Session>) -> c_int {
        let db = self.db.as_ptr();
        // SQLite itself keeps the session alive, as application data of our functions: it drops it when `db` is closed,
        // after which it calls neither handler any more.
        for function in functions::ALL {
            // SAFETY: `db` is open.
            let code = unsafe { function.register(db, session) };
            if code != ffi::SQLITE_OK {
                return code;
            }
        }
        let state = Arc::as_ptr(session).cast_mut().cast::<c_void>();
        // SAFETY: `db` is open, both functions have the signatures asked for, and `state` points to a `Session` that lives
        // as long as `db`, as said above; a `Session` may be shared.
        unsafe {
            ffi::sqlite3_progress_handler(db, STEPS_BETWEEN_CHECKS, Some(on_progress), state);
            ffi::sqlite3_busy_handler(db, Some(on_busy), state)
        }
    }

    /// Makes plans independent of the values bound, so that statements stay prepared once there are statistics.
    ///
    /// Returns the result code.
    pub(crate) fn keep_plans_stable(&self) -> c_int {
        let mut now: c_int = 0;
        // SAFETY: `db` is open, and this option takes an int and a pointer to an int.
        unsafe {
            ffi::sqlite3_db_config(
                self.db.as_ptr(),
                ffi::SQLITE_DBCONFIG_ENABLE_QPSG,
                1 as c_int,
                std::ptr::from_mut(&mut now),
            )
        }
    }

    /// Returns the extended result code of the last call.
    ///
    /// It is 0 where diesel has already cleared the bound values of the statement that failed.
    pub(crate) fn last_code(&self) -> c_int {
        // SAFETY: `db` is open.
        unsafe { ffi::sqlite3_extended_errcode(self.db.as_ptr()) }
    }

    /// Returns the operating system's number of the last failure to open or access a file; 0 if there was none.
    pub(crate) fn last_errno(&self) -> c_int {
        // SAFETY: `db` is open.
        unsafe { ffi::sqlite3_system_errno(self.db.as_ptr()) }
    }

    /// Returns a number that changes when the database does, as far as this connection has read since.
    pub(crate) fn data_version(&self) -> u32 {
        let mut version: u32 = 0;
        // SAFETY: `db` is open, the name is a C string, and this operation takes a pointer to 32 bits.
        unsafe {
            ffi::sqlite3_file_control(
                self.db.as_ptr(),
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_DATA_VERSION,
                (&raw mut version).cast(),
            );
        }
        version
    }

    /// Returns whether a transaction is open.
    pub(crate) fn in_transaction(&self) -> bool {
        // SAFETY: `db` is open.
        unsafe { ffi::sqlite3_get_autocommit(self.db.as_ptr()) == 0 }
    }

    /// Returns whether the main database can't be written.
    pub(crate) fn is_read_only(&self) -> bool {
        // SAFETY: `db` is open, and the name is a C string.
        unsafe { ffi::sqlite3_db_readonly(self.db.as_ptr(), c"main".as_ptr()) == 1 }
    }
}

/// Returns whether SQLite was compiled with an option, such as `ENABLE_FTS5`.
pub(crate) fn has_compile_option(option: &CStr) -> bool {
    // SAFETY: the name is a C string.
    unsafe { ffi::sqlite3_compileoption_used(option.as_ptr()) == 1 }
}

/// Returns the version of the SQLite library.
pub(crate) fn version() -> String {
    // SAFETY: SQLite returns a C string that lives as long as the process.
    unsafe { CStr::from_ptr(ffi::sqlite3_libversion()) }.to_string_lossy().into_owned()
}

/// Opens the file again to learn why it can't be opened. `None` if it can.
fn diagnose(uri: &str) -> Option<OpenFailure> {
    let uri = CString::new(uri).ok()?;
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_URI;
    let mut db = std::ptr::null_mut();
    // SAFETY: the URI is a C string and `db` a place for the handle, which SQLite sets on failure too (to null when it is
    // out of memory). Its other functions take a null handle, and the handle is closed exactly once.
    unsafe {
        let code = ffi::sqlite3_open_v2(uri.as_ptr(), &raw mut db, flags, std::ptr::null());
        let failure = (code != ffi::SQLITE_OK).then(|| OpenFailure {
            code: if db.is_null() { code } else { ffi::sqlite3_extended_errcode(db) },
            errno: if db.is_null() { 0 } else { ffi::sqlite3_system_errno(db) },
            message: ffi::code_to_str(code).to_owned(),
        });
        ffi::sqlite3_close(db);
        failure
    }
}

/// Takes the handle of a connection that this thread opens for us. Never panics.
unsafe extern "C" fn capture(
    db: *mut ffi::sqlite3,
    _message: *mut *mut c_char,
    _routines: *const ffi::sqlite3_api_routines,
) -> c_int {
    // A thread that is ending has no thread-locals any more; it opens no connection for us either.
    let _ = CAPTURE.try_with(|capture| {
        if let (Capture::Armed, Some(db)) = (capture.get(), NonNull::new(db)) {
            capture.set(Capture::Captured(db));
        }
    });
    ffi::SQLITE_OK
}

/// Returns 0 to go on.
unsafe extern "C" fn on_progress(state: *mut c_void) -> c_int {
    // SAFETY: `Handle::prepare` registered this function with a `Session` that lives as long as the connection.
    let guard = unsafe { &(*state.cast_const().cast::<Session>()).guard };
    // Unwinding into C is not allowed; a guard that panics ends the statement.
    let goes_on = catch_unwind(AssertUnwindSafe(|| guard.may_go_on())).unwrap_or(false);
    c_int::from(!goes_on)
}

/// Returns 0 to give up.
unsafe extern "C" fn on_busy(state: *mut c_void, tries: c_int) -> c_int {
    // SAFETY: `Handle::prepare` registered this function with a `Session` that lives as long as the connection.
    let guard = unsafe { &(*state.cast_const().cast::<Session>()).guard };
    let again = catch_unwind(AssertUnwindSafe(|| guard.wait(tries.unsigned_abs()))).unwrap_or(false);
    c_int::from(again)
}
