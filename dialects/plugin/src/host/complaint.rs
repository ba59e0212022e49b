//! The errors that are about a plugin rather than from one.

use std::fmt::{self, Display};
use std::path::Path;

use polymnia::{Error, ErrorKind, Retry};

use super::Loaded;
use crate::abi::{FEATURE_CONTAINMENT, FEATURE_FILTERS, FEATURE_RELATED_THREADS};
use crate::operation::{self, Operation};

/// Is a plugin as messages name it: `plugin sqlite (/usr/lib/libx.so)`, or by its path until its name is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    /// Its name, once it told.
    pub(crate) name: Option<&'a str>,
    /// Where it came from.
    pub(crate) path: &'a Path,
}

impl Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "plugin {name} ({})", self.path.display()),
            None => write!(f, "plugin {}", self.path.display()),
        }
    }
}

impl Loaded {
    /// Returns how messages name the plugin.
    pub(crate) fn who(&self) -> Who<'_> {
        Who { name: Some(&self.description.name), path: &self.library.path }
    }
}

/// Is what was asked of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    name: &'static str,
    /// Whether something may have been written by the time the answer turns out to be nonsense.
    writes: bool,
}

impl Asked {
    /// Its description.
    pub(crate) const DESCRIBE: Self = Self { name: "describe", writes: false };
    /// To open a database.
    pub(crate) const OPEN: Self = Self { name: "open", writes: false };
    /// To close a handle.
    pub(crate) const CLOSE: Self = Self { name: "close", writes: false };

    /// An operation.
    pub(crate) const fn operation<O: Operation>() -> Self {
        Self { name: O::NAME, writes: writes(O::CODE) }
    }

    const fn retry(self) -> Retry {
        if self.writes { Retry::Ambiguous } else { Retry::Never }
    }
}

/// Returns whether an operation may write. One that isn't known here may.
const fn writes(code: u32) -> bool {
    use operation::{
        Changes, CheckHealth, Claims, Count, Explain, FindLockHolder, ForeignLedgers, Get, Indexes, Info, Migrations,
        More, Namespaces, Nothing, OpenSession, Ping, Probes, Query, ReadLedger, ReadLog, ReadSnapshot, Recognizes,
        Scratch, SessionBegin, SessionHasIndex, SessionInvalidIndexes, SessionLedger, SessionOrphans, SessionRollback,
        SessionRowCounts, SessionSnapshot, Stats, Verify, VerifyBackup, WriteScript,
    };
    macro_rules! any {
        ($($reads:ident),*) => { $(code == $reads::CODE)||* };
    }
    !any!(
        Nothing,
        Recognizes,
        Claims,
        Migrations,
        Get,
        Query,
        More,
        Count,
        Explain,
        Stats,
        Ping,
        Info,
        Namespaces,
        Verify,
        Indexes,
        Changes,
        ReadLedger,
        ReadLog,
        ReadSnapshot,
        ForeignLedgers,
        OpenSession,
        FindLockHolder,
        WriteScript,
        Probes,
        CheckHealth,
        VerifyBackup,
        Scratch,
        SessionLedger,
        SessionSnapshot,
        SessionBegin,
        SessionRollback,
        SessionInvalidIndexes,
        SessionHasIndex,
        SessionRowCounts,
        SessionOrphans
    )
}

/// Returns the error for an answer that can't be one.
#[cold]
pub(crate) fn nonsense(who: Who<'_>, asked: Asked, what: impl Display) -> Error {
    let message = format!("{who} answered nonsense to {}: {what}", asked.name);
    Error::new(ErrorKind::Plugin, message).with_retry(asked.retry())
}

/// Returns the error for what the plugin can't do, with its own reason if it gave one.
#[cold]
pub(crate) fn unsupported(who: Who<'_>, asked: Asked, reason: Option<&Error>) -> Error {
    let message = match reason {
        None => format!("{who} does not support {}", asked.name),
        Some(reason) => format!("{who} does not support {}: {}", asked.name, reason.message()),
    };
    Error::new(ErrorKind::Unsupported, message)
}

/// Returns the error for a request that needs features the plugin didn't name, as bits.
#[cold]
pub(crate) fn features(who: Who<'_>, asked: Asked, lacking: u64) -> Error {
    const KNOWN: [(u64, &str); 3] = [
        (FEATURE_CONTAINMENT, "containment"),
        (FEATURE_FILTERS, "filters beyond containment"),
        (FEATURE_RELATED_THREADS, "conditions on related threads"),
    ];
    let known = KNOWN.iter().filter(|(bit, _)| lacking & bit != 0).map(|(_, name)| (*name).to_owned());
    let rest = lacking & !KNOWN.iter().fold(0, |all, (bit, _)| all | bit);
    let rest = (rest != 0).then(|| format!("features {rest:#x}"));
    let lacking: Vec<String> = known.chain(rest).collect();
    let message = format!("{who} does not support {} in {}", lacking.join(", "), asked.name);
    Error::new(ErrorKind::Unsupported, message)
}

/// Returns what is told of a panic from then on, given the plugin's own error.
#[cold]
pub(crate) fn last_words(who: Who<'_>, asked: Asked, reason: Option<&Error>) -> String {
    match reason {
        Some(reason) => format!("{who} {}; it is not used again", reason.message()),
        None => format!("{who} panicked in {}; it is not used again", asked.name),
    }
}

/// Returns the error for a plugin that panicked in this call.
#[cold]
pub(crate) fn panicked(last_words: &str, asked: Asked) -> Error {
    poisoned(last_words).with_retry(asked.retry())
}

/// Returns the error for a plugin that panicked before: nothing was asked of it.
#[cold]
pub(crate) fn poisoned(last_words: &str) -> Error {
    Error::new(ErrorKind::Plugin, last_words).with_hint("restart the process")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_write_is_known_of_every_operation() {
        let writing: Vec<&str> =
            operation::ALL.iter().filter(|(code, _)| writes(*code)).map(|(_, name)| *name).collect();
        let expected = [
            "Apply",
            "Load",
            "DeleteMatching",
            "RenameNamespace",
            "DeleteNamespace",
            "Sweep",
            "Analyze",
            "Optimize",
            "CreateIndex",
            "DropIndex",
            "SetChangeCapture",
            "EndLockHolder",
            "Backup",
            "Restore",
            "SessionPrepare",
            "SessionCommit",
            "SessionExecute",
            "SessionBatch",
            "SessionRecord",
            "SessionForget",
            "SessionLog",
            "SessionDismantle",
            "SessionDropInvalidIndex",
        ];
        assert_eq!(writing, expected);
        assert!(writes(127));
    }

    #[test]
    fn what_is_lacking_is_told_in_words() {
        let who = Who { name: Some("fake"), path: Path::new("/f.so") };
        let told = |bits| features(who, Asked::operation::<operation::Query>(), bits).to_string();
        assert_eq!(told(FEATURE_CONTAINMENT), "plugin fake (/f.so) does not support containment in Query");
        assert_eq!(
            told(FEATURE_FILTERS | FEATURE_RELATED_THREADS | 1 << 40),
            "plugin fake (/f.so) does not support filters beyond containment, conditions on related threads, features \
             0x10000000000 in Query"
        );
    }
}
