//! Our functions of SQL, as SQLite calls them.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use libsqlite3_sys as ffi;

use crate::connection::Session;
use crate::matches::Recheck;
use crate::{decoder, explain, matches};

/// Is a function to be registered.
pub(super) struct Function {
    name: &'static CStr,
    arguments: c_int,
    flags: c_int,
    call: unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value),
}

/// Direct calls only: neither a schema that someone else wrote nor another program has a use for them.
pub(super) const ALL: [Function; 4] = [
    // Deterministic as far as a statement can see: the slots stay as they are while it runs.
    Function {
        name: matches::NAME,
        arguments: 2,
        flags: ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY | ffi::SQLITE_DETERMINISTIC,
        call: call_matches,
    },
    Function {
        name: matches::NAME,
        arguments: 3,
        flags: ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY | ffi::SQLITE_DETERMINISTIC,
        call: call_matches,
    },
    // Not deterministic: each call has an effect.
    Function {
        name: decoder::DECODE,
        arguments: decoder::COLUMNS,
        flags: ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY,
        call: call_decode,
    },
    Function { name: explain::TALLY, arguments: 1, flags: ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY, call: call_tally },
];

/// Is the arguments of a call: the columns of a row.
pub(crate) struct Columns<'a> {
    values: &'a [*mut ffi::sqlite3_value],
    call: PhantomData<&'a Cell<()>>,
}

impl Function {
    /// Registers the function and returns the result code.
    ///
    /// # Safety
    ///
    /// `db` is an open connection.
    pub(super) unsafe fn register(&self, db: *mut ffi::sqlite3, session: &Arc<Session>) -> c_int {
        let kept = Arc::into_raw(Arc::clone(session)).cast_mut().cast::<c_void>();
        // SAFETY: the caller vouches for `db`. The name is a C string, `call` is a scalar function, and `kept` is an
        // `Arc<Session>` as a pointer, which `drop_session` takes back exactly once, on failure too.
        unsafe {
            ffi::sqlite3_create_function_v2(
                db,
                self.name.as_ptr(),
                self.arguments,
                self.flags,
                kept,
                Some(self.call),
                None,
                None,
                Some(drop_session),
            )
        }
    }
}

impl<'a> Columns<'a> {
    /// Returns the bytes of a text, without copying them. `None` for NULL.
    pub(crate) fn text(&self, at: usize) -> Option<&'a [u8]> {
        // SAFETY: a `Columns` exists only during the call whose arguments it holds. No column is read in two ways, so no
        // read converts the value another one points to.
        unsafe { text(self.values[at]) }
    }

    /// Returns the bytes of a blob, without copying them. `None` for NULL and for no bytes.
    pub(crate) fn blob(&self, at: usize) -> Option<&'a [u8]> {
        // SAFETY: as in `text`. SQLite returns a pointer to as many bytes as it says, or null.
        unsafe {
            let bytes = ffi::sqlite3_value_blob(self.values[at]).cast::<u8>();
            let length = usize::try_from(ffi::sqlite3_value_bytes(self.values[at])).ok()?;
            (!bytes.is_null()).then(|| std::slice::from_raw_parts(bytes, length))
        }
    }

    /// Returns an integer. `None` for NULL.
    pub(crate) fn integer(&self, at: usize) -> Option<i64> {
        // SAFETY: as in `text`.
        unsafe {
            (ffi::sqlite3_value_type(self.values[at]) != ffi::SQLITE_NULL)
                .then(|| ffi::sqlite3_value_int64(self.values[at]))
        }
    }

    /// Returns a number. NULL reads as 0.
    pub(crate) fn real(&self, at: usize) -> f64 {
        // SAFETY: as in `text`.
        unsafe { ffi::sqlite3_value_double(self.values[at]) }
    }
}

/// Answers `polymnia_matches(metadata, slot)` and `polymnia_matches(metadata, slot, is_canonical)`.
unsafe extern "C" fn call_matches(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    let answer = catch_unwind(|| {
        // SAFETY: SQLite passes two arguments or three, as declared, that live until this function returns; all are
        // protected values. The text is read before anything else is done with its value.
        let (metadata, slot) = unsafe { (text(*arguments), *arguments.add(1)) };
        let Some(metadata) = metadata else { return Ok(Some(false)) };
        // SAFETY: as above.
        let is_canonical = count == 3 && unsafe { ffi::sqlite3_value_int64(*arguments.add(2)) } == 1;
        // SAFETY: the context is that of this call.
        let session = unsafe { session(context) };
        session.rechecks.count(session.tally.load(Ordering::Relaxed));
        let go_on = || session.guard.may_go_on();
        // SAFETY: the context is that of this call. What is kept for the second argument is ours, a `Recheck` from
        // `Arc::into_raw` below, and SQLite drops it only between calls.
        let kept = unsafe { ffi::sqlite3_get_auxdata(context, 1).cast::<Recheck>().as_ref() };
        if let Some(recheck) = kept {
            return Ok(recheck.matches(metadata, is_canonical, go_on));
        }
        // SAFETY: a protected value, as said above.
        let recheck = session.rechecks.find(unsafe { ffi::sqlite3_value_int64(slot) }).ok_or(NoFilter)?;
        let answer = recheck.matches(metadata, is_canonical, go_on);
        // SAFETY: the context is that of this call; the pointer is an `Arc<Recheck>` as `drop_recheck` expects it, which
        // SQLite calls exactly once: at the end of the statement's run, or at once if it can't keep the pointer. So it is
        // not used here any more.
        unsafe {
            let kept = Arc::into_raw(recheck).cast_mut().cast::<c_void>();
            ffi::sqlite3_set_auxdata(context, 1, kept, Some(drop_recheck));
        }
        Ok(answer)
    });
    // SAFETY: the context is that of this call, and SQLite copies the messages.
    unsafe {
        match answer {
            Ok(Ok(Some(answer))) => ffi::sqlite3_result_int(context, c_int::from(answer)),
            Ok(Ok(None)) => ffi::sqlite3_result_error_code(context, ffi::SQLITE_INTERRUPT),
            Ok(Err(NoFilter)) => ffi::sqlite3_result_error(context, c"no filter has this slot".as_ptr(), -1),
            Err(_) => ffi::sqlite3_result_error(context, c"polymnia_matches panicked".as_ptr(), -1),
        }
    }
}

/// Says that a statement names a slot that holds no filter.
struct NoFilter;

/// Answers `polymnia_decode(columns...)`.
unsafe extern "C" fn call_decode(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    let answer = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: SQLite passes as many arguments as it says, protected values that live until this function returns.
        let values = unsafe { std::slice::from_raw_parts(arguments, count.unsigned_abs() as usize) };
        // SAFETY: the context is that of this call.
        unsafe { session(context) }.decoder.decode(&Columns { values, call: PhantomData })
    }));
    // SAFETY: the context is that of this call, and SQLite copies the messages.
    unsafe {
        match answer {
            Ok(Some(place)) => ffi::sqlite3_result_int64(context, place),
            Ok(None) => ffi::sqlite3_result_error(context, c"more rows are decoded than fetched".as_ptr(), -1),
            Err(_) => ffi::sqlite3_result_error(context, c"polymnia_decode panicked".as_ptr(), -1),
        }
    }
}

/// Answers `polymnia_tally(rid)`: counts a row and lets it pass.
unsafe extern "C" fn call_tally(
    context: *mut ffi::sqlite3_context,
    _count: c_int,
    _arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the context is that of this call. Adding to a number does not panic.
    unsafe {
        session(context).tally.fetch_add(1, Ordering::Relaxed);
        ffi::sqlite3_result_int(context, 1);
    }
}

unsafe extern "C" fn drop_session(kept: *mut c_void) {
    // SAFETY: `kept` came from `Arc::into_raw` in `Function::register`, and SQLite calls this once.
    drop(unsafe { Arc::from_raw(kept.cast_const().cast::<Session>()) });
}

unsafe extern "C" fn drop_recheck(kept: *mut c_void) {
    // SAFETY: `kept` came from `Arc::into_raw` in `call_matches`, and SQLite calls this once.
    drop(unsafe { Arc::from_raw(kept.cast_const().cast::<Recheck>()) });
}

/// Returns the session of the connection that calls.
///
/// # Safety
///
/// `context` is that of a call that lasts, of a function that [`Function::register`] registered.
unsafe fn session<'a>(context: *mut ffi::sqlite3_context) -> &'a Session {
    // SAFETY: the application data is an `Arc<Session>` as a pointer, which lives as long as the connection.
    unsafe { &*ffi::sqlite3_user_data(context).cast_const().cast::<Session>() }
}

/// Returns the bytes of a text in UTF-8, without copying them where the database is in UTF-8. `None` for NULL.
///
/// # Safety
///
/// `value` is a protected value, and stays as it is while the bytes are in use.
unsafe fn text<'a>(value: *mut ffi::sqlite3_value) -> Option<&'a [u8]> {
    // SAFETY: the caller vouches for the value. SQLite returns a pointer to as many bytes as it says, or null. The
    // pointer is asked for first, for asking may convert the value and so change its length.
    unsafe {
        // What is asked for as a text gets a NUL behind it, and is copied for that.
        let is_utf8 = ffi::sqlite3_value_encoding(value) == UTF8 && ffi::sqlite3_value_type(value) == ffi::SQLITE_TEXT;
        let bytes = if is_utf8 { ffi::sqlite3_value_blob(value).cast() } else { ffi::sqlite3_value_text(value) };
        let length = usize::try_from(ffi::sqlite3_value_bytes(value)).ok()?;
        if bytes.is_null() {
            // No bytes, as a blob, are null.
            return is_utf8.then_some(&[]);
        }
        Some(std::slice::from_raw_parts(bytes, length))
    }
}

/// The encoding, as SQLite names it.
const UTF8: c_int = ffi::SQLITE_UTF8;
