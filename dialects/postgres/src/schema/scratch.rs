//! Databases of their own, to try things in.

use std::process::Stdio;

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Bool, Text};
use polymnia::{Call, Error, ErrorKind, Result};

use super::program::{Programs, Running};
use crate::config::{Config, Sessions};
use crate::connector::establish;
use crate::engine::PgEngine;
use crate::error::Fault;
use crate::quote;
use crate::session::Session;
use crate::sql::Statement;

/// What stands before the random part of a name.
const PREFIX: &str = "polymnia_scratch_";

/// Is a database that ends with this value.
pub(crate) struct Scratch {
    /// How to connect to the database it was made from.
    origin: Config,
    name: String,
}

/// Is what making one takes.
#[derive(Debug)]
pub(super) struct Plan {
    may: bool,
    role: String,
    /// The locale, if it is the C library's.
    locale: Option<[String; 2]>,
}

/// Asks the server what making one takes.
pub(super) fn plan(session: &mut Session) -> Result<Plan, Fault> {
    let mut statement = Statement::<(Bool, Text, Bool, Text, Text)>::new(
        "SELECT role.rolcreatedb OR role.rolsuper, role.rolname::text, one.datlocprovider = 'c', one.datcollate, one.datctype \
         FROM pg_catalog.pg_database AS one JOIN pg_catalog.pg_roles AS role ON role.rolname = current_user \
         WHERE one.datname = current_database()",
    );
    statement.plan_each_time();
    let (may, role, is_libc, collate, ctype): (bool, String, bool, String, String) = session.load_one(statement)?;
    Ok(Plan { may, role, locale: is_libc.then_some([collate, ctype]) })
}

/// Makes one, empty or a copy, and opens it.
pub(super) fn open(config: &Config, server: u32, call: &Call, plan: &Plan, copy: bool) -> Result<PgEngine> {
    if config.sessions == Sessions::Shared {
        let message = "a database to try things in can't be had through a connection pooler";
        return Err(
            Error::new(ErrorKind::Unsupported, message).with_hint("name the server itself with `--migrate-url`")
        );
    }
    if !plan.may {
        let message = format!("the role {} may not create a database to try things in", plan.role);
        return Err(Error::new(ErrorKind::PermissionDenied, message)
            .with_hint("as an administrator: ALTER ROLE <role> CREATEDB; or try it on a server of your own"));
    }
    // Before anything is made.
    let programs = if copy { Some(Programs::find(server)?) } else { None };
    let name = format!("{PREFIX}{}", uuid::Uuid::now_v7().simple());
    let locale = plan.locale.as_ref().map(|[collate, ctype]| [collate.as_str(), ctype.as_str()]);
    administer(config, &quote::create_database(&name, locale))?;
    let scratch = Scratch {
        origin: config.with("dbname", config.value("dbname").or(config.value("user")).unwrap_or("postgres")),
        name,
    };
    let target = config.with("dbname", &scratch.name);
    if let Some(programs) = programs {
        fill(&programs, config, &target, call)?;
    }
    PgEngine::over(target, Some(scratch))
}

/// Copies the database. Owners, rights and comments stay behind: they may be others' to give.
fn fill(programs: &Programs, from: &Config, to: &Config, call: &Call) -> Result<()> {
    let mut dump = Running::start(programs.connecting("pg_dump", from)?.arg("--format=custom").stdout(Stdio::piped()))?;
    let Some(dumped) = dump.output() else {
        return Err(Error::new(ErrorKind::Unexpected, "pg_dump has no output"));
    };
    let mut restore = programs.connecting("pg_restore", to)?;
    restore.args(["--no-owner", "--no-privileges", "--no-comments", "--exit-on-error"]);
    let restore = Running::start(restore.stdin(dumped).stdout(Stdio::null()))?;
    // The first of the two to fail tells more: the other only finds its pipe closed.
    let restored = restore.finish(call, Some(to));
    let dumped = dump.finish(call, Some(from));
    match (dumped, restored) {
        (Ok(()), restored) => restored,
        (Err(_), Err(restored)) if restored.kind() != ErrorKind::Corrupt => Err(restored),
        (Err(dumped), _) => Err(dumped),
    }
}

/// Lists those that nobody is connected to: what made them was killed.
pub(super) fn left_over(session: &mut Session) -> Result<Vec<String>, Fault> {
    let mut statement = Statement::<Text>::new(
        "SELECT one.datname::text FROM pg_catalog.pg_database AS one WHERE starts_with(one.datname::text, ",
    );
    statement
        .bind(PREFIX)
        .text(
            ") AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS who WHERE who.datid = one.oid) ORDER BY one.datname",
        )
        .plan_each_time();
    session.load(statement)
}

/// Runs a statement that can't be in a transaction, on a connection of its own.
fn administer(config: &Config, statement: &str) -> Result<()> {
    let mut connection = establish(config, &config.conninfo())?;
    // A copy of a large template takes longer than the statement timeout.
    connection
        .batch_execute("SET statement_timeout = 0")
        .and_then(|()| diesel::sql_query(statement).execute(&mut connection))
        .map(drop)
        .map_err(|error| {
            let server = config.scrub(crate::error::first_line(&error.to_string()));
            Error::new(ErrorKind::Unavailable, "a database to try things in could not be made or removed")
                .with_context("server", server)
        })
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = administer(&self.origin, &quote::drop_database(&self.name)) {
            log::warn!("the database {} is left over: {error}", self.name);
        }
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("name", &self.name).finish_non_exhaustive()
    }
}
