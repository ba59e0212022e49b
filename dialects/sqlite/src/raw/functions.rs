//! Our functions of SQL, as SQLite calls them.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libsqlite3_sys as ffi;
use polymnia::Matcher;

use crate::connection::Session;
use crate::{contains, decoder};

/// Is a function to be registered.
pub(super) struct Function {
    name: &'static CStr,
    arguments: c_int,
    flags: c_int,
    call: unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value),
}

/// Direct calls only: neither a schema that someone else wrote nor another program has a use for them.
pub(super) const ALL: [Function; 2] = [
    Function {
        name: contains::NAME,
        arguments: 2,
        flags: ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY | ffi::SQLITE_DETERMINISTIC,
        call: call_contains,
    },
    // Not deterministic: each call has an effect.
    Function {
        name: decoder::DECODE,
        arguments: decoder::COLUMNS,
        flags: ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY,
        call: call_decode,
    },
];

/// Is the arguments of a call: the columns of a row.
pub(crate) struct Columns<'a> {
    values: &'a [*mut ffi::sqlite3_value],
    call: PhantomData<&'a Cell<()>>,
}

/// How much metadata is looked through between two looks at the clock: some 20 µs.
const BYTES_BETWEEN_CHECKS: usize = 64 << 10;

/// Is a needle as it is kept while a statement runs.
struct Needle {
    matcher: Matcher,
    /// Bytes looked through since the last check.
    unchecked: Cell<usize>,
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

/// Answers `polymnia_contains(metadata, needle)`.
unsafe extern "C" fn call_contains(
    context: *mut ffi::sqlite3_context,
    _count: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    let answer = catch_unwind(|| {
        // SAFETY: SQLite passes two arguments, as declared, that live until this function returns; both are protected
        // values. The texts are read before anything else is done with their values.
        let (metadata, needle) = unsafe { (text(*arguments), *arguments.add(1)) };
        let Some(metadata) = metadata else { return Some(false) };
        // SAFETY: the context is that of this call.
        let mut go_on = || unsafe { session(context) }.guard.may_go_on();
        // SAFETY: the context is that of this call. What is kept for the second argument is ours, a `Needle` from
        // `Box::into_raw` below, and SQLite drops it only between calls.
        let kept = unsafe { ffi::sqlite3_get_auxdata(context, 1).cast::<Needle>().as_ref() };
        if let Some(needle) = kept {
            let unchecked = needle.unchecked.get() + metadata.len();
            needle.unchecked.set(unchecked % BYTES_BETWEEN_CHECKS);
            // SQLite counts its own steps, of which this is one however large the metadata is.
            if unchecked >= BYTES_BETWEEN_CHECKS && !go_on() {
                return None;
            }
            return needle.matcher.matches_while(metadata, &mut go_on);
        }
        // SAFETY: as above.
        let Some(matcher) = unsafe { text(needle) }.and_then(contains::compile) else { return Some(false) };
        let answer = matcher.matches_while(metadata, &mut go_on);
        // SAFETY: the context is that of this call; the pointer is a `Needle` as `drop_needle` expects it, which SQLite
        // calls exactly once: at the end of the statement's run, or at once if it can't keep the pointer. So it is not
        // used here any more.
        unsafe {
            let kept = Box::into_raw(Box::new(Needle { matcher, unchecked: Cell::new(metadata.len()) }));
            ffi::sqlite3_set_auxdata(context, 1, kept.cast::<c_void>(), Some(drop_needle));
        }
        answer
    });
    // SAFETY: the context is that of this call, and SQLite copies the message.
    unsafe {
        match answer {
            Ok(Some(answer)) => ffi::sqlite3_result_int(context, c_int::from(answer)),
            Ok(None) => ffi::sqlite3_result_error_code(context, ffi::SQLITE_INTERRUPT),
            Err(_) => ffi::sqlite3_result_error(context, c"polymnia_contains panicked".as_ptr(), -1),
        }
    }
}

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

unsafe extern "C" fn drop_session(kept: *mut c_void) {
    // SAFETY: `kept` came from `Arc::into_raw` in `Function::register`, and SQLite calls this once.
    drop(unsafe { Arc::from_raw(kept.cast_const().cast::<Session>()) });
}

unsafe extern "C" fn drop_needle(kept: *mut c_void) {
    // SAFETY: `kept` came from `Box::into_raw` in `call_contains`, and SQLite calls this once.
    drop(unsafe { Box::from_raw(kept.cast::<Needle>()) });
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

/// Returns the bytes of a text, without copying them. `None` for NULL.
///
/// # Safety
///
/// `value` is a protected value, and stays as it is while the bytes are in use.
unsafe fn text<'a>(value: *mut ffi::sqlite3_value) -> Option<&'a [u8]> {
    // SAFETY: the caller vouches for the value. SQLite returns a pointer to as many bytes as it says, or null. The
    // pointer is asked for first, for asking may convert the value and so change its length.
    unsafe {
        let bytes = ffi::sqlite3_value_text(value);
        let length = usize::try_from(ffi::sqlite3_value_bytes(value)).ok()?;
        (!bytes.is_null()).then(|| std::slice::from_raw_parts(bytes, length))
    }
}
