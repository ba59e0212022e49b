//! Polymnia on PostgreSQL 15 and later: diesel over a libpq that is built in.
//!
//! ```no_run
//! use polymnia::Registry;
//!
//! let registry = Registry::new().with(polymnia_postgres::Postgres);
//! let store = registry.open("postgres://ann@db.example.com/app")?;
//! store.migrate()?;
//! # Ok::<(), polymnia::Error>(())
//! ```
//!
//! # Connection strings
//!
//! URLs and keywords, as libpq takes them:
//!
//! ```text
//! postgres://ann:secret@db.example.com:5433/app?sslmode=verify-full&sslrootcert=system
//! postgres://ann@one.example.com,two.example.com/app?target_session_attrs=read-write
//! postgres:///app?host=/var/run/postgresql
//! host=/var/run/postgresql dbname=app password='two words'
//! ```
//!
//! Beside libpq's parameters there are those of [`OpenOptions`] (`pool_*`, `statement_timeout`, `connect_timeout`) and
//! `prepared_statements=on|off`. A parameter that nobody knows is refused by name. libpq's environment variables hold where
//! the connection string says nothing.
//!
//! - **Poolers.** `prepared_statements=off` is for a pooler that gives out server sessions by the transaction (pgbouncer
//!   before 1.21): no statement is prepared, no option is sent at start-up (such poolers refuse them), and each operation is a
//!   transaction that sets its own limits. It costs two round trips an operation. Migrating through one works, as one
//!   transaction; backups and rehearsals need the server itself.
//! - **TLS** takes the feature `tls`, which builds OpenSSL; without it, asking for encryption is an error.
//!   `sslrootcert=system` means the file of the system's certificates, or that of the variable `SSL_CERT_FILE`.
//! - **Time.** `statement_timeout` is set on the server when a connection is opened. It ends an operation's statements, each
//!   by itself. A deadline or a cancel token of the call's own is minded by a thread that asks the server, over a connection
//!   of its own, to cancel.
//! - **Lost servers** are noticed by TCP within a minute, unless `keepalives*` and `tcp_user_timeout` say otherwise.
//!
//! # Backups
//!
//! Backups are made by `pg_dump`, of the whole database, and restored by `pg_restore` and `psql`. They are looked for in `PATH`
//! and where systems put them; those not older than the server, and as little newer as can be, are taken.
//! `POLYMNIA_PG_BIN` names the folder of others.
//!
//! The database's encoding must be UTF8. Everything stands in the schema `polymnia`, whatever the search path.

mod admin;
mod canceller;
mod config;
mod connector;
mod conninfo;
mod declared;
mod engine;
mod error;
mod explain;
mod filter_sql;
mod page;
mod probe;
mod quote;
mod read;
mod route;
mod row;
mod sample;
mod schema;
mod session;
mod sql;
mod startup;
mod tls;
mod upkeep;
mod watchdog;
mod write;

// For its build: OpenSSL is linked in through it.
#[cfg(feature = "tls")]
use openssl_sys as _;
// For its build: libpq is linked in through it.
use pq_sys as _;

use std::path::PathBuf;
use std::sync::Arc;

use polymnia::schema::Source;
use polymnia::spi::{Dialect, Engine, Library};
use polymnia::{ConnectionString, OpenOptions, Result};

/// Opens PostgreSQL databases: `postgres://`, `postgresql://`, and libpq's keywords.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn url_schemes(&self) -> &[&str] {
        &["postgres", "postgresql"]
    }

    fn recognizes(&self, text: &ConnectionString) -> bool {
        config::Config::recognizes(text)
    }

    fn library(&self) -> Option<&Library> {
        None
    }

    fn source(&self) -> Result<Source> {
        Ok(polymnia_migrations::postgres_source())
    }

    fn claims(&self, options: &OpenOptions) -> Result<Vec<PathBuf>> {
        config::Config::read(options).map_err(|error| error.with_operation("connect"))?;
        Ok(Vec::new())
    }

    fn open(&self, options: &OpenOptions) -> Result<Arc<dyn Engine>> {
        let engine = engine::PgEngine::open(options).map_err(|error| error.with_operation("connect"))?;
        Ok(Arc::new(engine))
    }
}
