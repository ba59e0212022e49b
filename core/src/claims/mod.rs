//! Which files the databases of this process are in, and whose code has them open.
//!
//! The locks of POSIX belong to a process: when any descriptor of a file is closed, all locks of the process on it are gone.
//! One copy of an embedded database knows its own descriptors and closes none too early. Two copies in one process, such as
//! one in the program and one in a plugin, know nothing of each other and lose what was committed. So a file has one owner
//! at a time, and whoever comes second is refused before anything is opened.
//!
//! Nothing here opens a file, for closing it again would be the harm itself: files are told apart by `stat`.

mod file;
mod table;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use self::file::File;
use self::table::TABLE;
use crate::spi::{Dialect, Library};
use crate::{Error, ErrorKind, OpenOptions, Result};

/// Is the right of a dialect to have the files of a database open, for as long as this lives.
///
/// It belongs behind the connections of an engine, so that they are closed before it goes.
#[derive(Debug)]
pub struct Claim {
    /// Which entry of the table it is; none if there are no files.
    number: Option<u64>,
}

/// Opens a database under a claim to its files.
///
/// Each [`Dialect::open`] opens through this, and whatever may hold a file of the database open keeps a clone of the claim.
/// [`Registry`](crate::Registry) does so, too, for those that don't. The same code may claim a file often, other code only
/// once all of these claims are gone.
///
/// # Errors
///
/// [`ErrorKind::Config`] if a file is open in this process through other code, and as [`Dialect::claims`] and `open`.
pub fn claiming<T>(
    dialect: &dyn Dialect,
    options: &OpenOptions,
    open: impl FnOnce(&Arc<Claim>) -> Result<T>,
) -> Result<T> {
    let name = |error: Error| error.with_operation("connect");
    let files: Vec<File> = dialect.claims(options).map_err(name)?.into_iter().map(File::new).collect();
    let claim = match TABLE.add(Owner::of(dialect), files) {
        Ok(number) => Arc::new(Claim { number }),
        Err(taken) => return Err(name(taken.for_dialect(dialect))),
    };
    let opened = open(&claim).map_err(name)?;
    // What was not there before has a node by now, which stays the same when the file is renamed.
    claim.settle();
    Ok(opened)
}

/// Claims a file that is read as a backup.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if a database of this process is in it.
pub(crate) fn claim_backup(path: &Path) -> Result<Claim> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    TABLE.add(Owner::Reader, vec![File::new(absolute)]).map(|number| Claim { number }).map_err(|_| {
        let message = format!("{:?} is a database in use: expected a backup", path.display().to_string());
        Error::invalid_input(message).with_hint("make a backup of it by `polymnia backup create`")
    })
}

impl Claim {
    fn settle(&self) {
        if let Some(number) = self.number {
            TABLE.settle(number);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            TABLE.remove(number);
        }
    }
}

/// Says whose code has a file open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A dialect's.
    Dialect {
        /// Its name.
        name: String,
        /// The library it came from.
        library: Option<Library>,
    },
    /// Whoever reads a backup, which nobody locks.
    Reader,
}

impl Owner {
    pub(crate) fn of(dialect: &dyn Dialect) -> Self {
        Self::Dialect { name: dialect.name().to_owned(), library: dialect.library().cloned() }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialect { name, library: None } => write!(f, "the built-in dialect {name}"),
            Self::Dialect { name, library: Some(library) } => write!(f, "plugin {name} ({})", library.path.display()),
            Self::Reader => f.write_str("a backup that is being read"),
        }
    }
}

/// Says which file is whose.
#[derive(Debug)]
pub(crate) struct Taken {
    path: std::path::PathBuf,
    owner: Owner,
}

impl Taken {
    #[cold]
    fn for_dialect(self, dialect: &dyn Dialect) -> Error {
        let Self { path, owner } = self;
        let name = dialect.name();
        let path = path.display();
        if owner == Owner::Reader {
            let message = format!("{name} file {path} is being read as a backup in this process");
            return Error::new(ErrorKind::Config, message).with_hint("open it once that is done");
        }
        let message = format!(
            "{name} file {path} is already open in this process through {owner}: two copies of {name} in one process on one \
             file lose data"
        );
        Error::new(ErrorKind::Config, message)
            .with_context("refused", Owner::of(dialect))
            .with_hint("open it through the same one, or in another process")
    }
}
