//! The one error type of every dialect.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Reports what failed, in which operation, on which value, and whether trying again can help.
///
/// No error of a driver, of diesel or of the operating system is part of the public API: such an error is kept only as
/// [`source`](StdError::source), for logs. Messages name the thing and what was expected; they never hold a password, a
/// connection string or the content of a memory.
///
/// # Examples
///
/// ```
/// use polymnia::{ErrorKind, Namespace};
///
/// let error = Namespace::new("  ").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert_eq!(error.to_string(), "namespace is blank: expected 1 to 255 bytes with a character that is not white space");
/// ```
pub struct Error {
    // Boxed so that a `Result<T>` costs one word beside `T` on the paths that succeed.
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    operation: Option<Cow<'static, str>>,
    message: String,
    hint: Option<String>,
    context: Vec<(Cow<'static, str>, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Says what kind of failure an [`Error`] is.
///
/// The numbers are frozen: they cross the plugin boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum ErrorKind {
    /// A value the caller gave can't be accepted.
    InvalidInput = 1,
    /// The dialect can't do what was asked.
    Unsupported = 2,
    /// A URL, an option or the server's configuration is wrong.
    Config = 3,
    /// The thing named does not exist.
    NotFound = 4,
    /// The stored state contradicts what the caller expected.
    Conflict = 5,
    /// The database can't be reached, or stayed busy.
    Unavailable = 6,
    /// The operating system or the server denies access.
    PermissionDenied = 7,
    /// What is stored is damaged, or isn't ours.
    Corrupt = 8,
    /// The schema is missing, behind, ahead, or a migration failed.
    Migration = 9,
    /// A plugin misbehaved.
    Plugin = 10,
    /// The deadline passed.
    Timeout = 11,
    /// The caller cancelled the operation.
    Cancelled = 12,
    /// The database can't be written.
    ReadOnly = 13,
    /// The disk or a quota is full.
    StorageFull = 14,
    /// A failure that nobody recognised.
    Unexpected = 15,
}

/// Says whether doing the same again can help.
///
/// The numbers are frozen: they cross the plugin boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum Retry {
    /// The same call fails again.
    Never = 0,
    /// Nothing was applied; the same call may succeed later.
    Safe = 1,
    /// The connection was lost during COMMIT: the call may or may not have been applied. Never retried by itself.
    Ambiguous = 2,
    /// It was retried until the attempts or the time ran out.
    Exhausted = 3,
}

impl Error {
    /// Returns an error of `kind` that retrying does not help.
    ///
    /// The message is lower case, without a full stop, and holds no payload.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                retry: Retry::Never,
                operation: None,
                message: message.into(),
                hint: None,
                context: Vec::new(),
                source: None,
            }),
        }
    }

    /// Returns an [`ErrorKind::InvalidInput`] error.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Sets whether retrying can help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Names the operation that failed, unless one is named already: the innermost knows best.
    #[must_use]
    pub fn with_operation(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        if self.inner.operation.is_none() {
            self.inner.operation = Some(operation.into());
        }
        self
    }

    /// Says what the user can do next: a command, or a setting to change.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Adds a fact for whoever looks into the failure: `("line", "7")`.
    #[must_use]
    pub fn with_context(mut self, key: impl Into<Cow<'static, str>>, value: impl fmt::Display) -> Self {
        self.inner.context.push((key.into(), value.to_string()));
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Returns what kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns whether doing the same again can help.
    pub fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// Returns the operation that failed, such as `connect` or `apply`.
    pub fn operation(&self) -> Option<&str> {
        self.inner.operation.as_deref()
    }

    /// Returns the message without context or hint.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns what the user can do next.
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// Returns the facts added by [`with_context`](Self::with_context), in that order.
    pub fn context(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.context.iter().map(|(key, value)| (key.as_ref(), value.as_str()))
    }

    /// Returns the value of the first fact named `key`.
    pub fn context_value(&self, key: &str) -> Option<&str> {
        self.context().find_map(|(k, value)| (k == key).then_some(value))
    }
}

impl fmt::Display for Error {
    /// Writes the message and the context: `message (key: value, key: value)`. The hint stands apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        for (index, (key, value)) in self.context().enumerate() {
            write!(f, "{}{key}: {value}", if index == 0 { " (" } else { ", " })?;
        }
        if self.inner.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, retry, operation, message, hint, context, source } = &*self.inner;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("retry", retry)
            .field("operation", operation)
            .field("message", message)
            .field("hint", hint)
            .field("context", context)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl ErrorKind {
    /// Every kind, in the order of the codes.
    pub const ALL: [Self; 15] = [
        Self::InvalidInput,
        Self::Unsupported,
        Self::Config,
        Self::NotFound,
        Self::Conflict,
        Self::Unavailable,
        Self::PermissionDenied,
        Self::Corrupt,
        Self::Migration,
        Self::Plugin,
        Self::Timeout,
        Self::Cancelled,
        Self::ReadOnly,
        Self::StorageFull,
        Self::Unexpected,
    ];

    /// Returns the frozen number of this kind.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// Returns the kind with that number; a number nobody knows is [`ErrorKind::Unexpected`].
    pub fn from_code(code: u16) -> Self {
        Self::ALL.into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Unexpected)
    }
}

impl Retry {
    /// Returns the frozen number of this status.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// Returns the status with that number; a number nobody knows is [`Retry::Never`].
    pub fn from_code(code: u16) -> Self {
        [Self::Never, Self::Safe, Self::Ambiguous, Self::Exhausted]
            .into_iter()
            .find(|retry| retry.code() == code)
            .unwrap_or(Self::Never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_frozen_and_round_trip() {
        for (index, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(kind.code()), index + 1);
            assert_eq!(ErrorKind::from_code(kind.code()), kind);
        }
        assert_eq!(ErrorKind::from_code(999), ErrorKind::Unexpected);
        assert_eq!(Retry::from_code(Retry::Ambiguous.code()), Retry::Ambiguous);
    }

    #[test]
    fn display_names_the_context() {
        let error = Error::invalid_input("unknown field \"usr\"").with_context("line", 7).with_context("column", 2);
        assert_eq!(error.to_string(), "unknown field \"usr\" (line: 7, column: 2)");
    }
}
