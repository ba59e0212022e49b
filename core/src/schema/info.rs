//! A database described as a whole.

use serde::Serialize;

use crate::DatabaseInfo;
use crate::schema::history::History;
use crate::schema::{Compatibility, Health, State, Status, TableHealth, Version};

/// Describes a database with its schema and its tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaInfo {
    /// The dialect's name.
    pub dialect: String,
    /// The version of the server, or of the library for an embedded database.
    pub server_version: String,
    /// The version of the schema: the newest applied migrations; none if the schema is not initialised.
    pub versions: Vec<Version>,
    /// The newest versions this build knows.
    pub heads: Vec<Version>,
    /// Whether the schema is what the applied migrations make, and nothing is wrong with them.
    pub valid: bool,
    /// What is to be applied, in order.
    pub pending: Vec<Version>,
    /// What this build may do with the database.
    pub access: Compatibility,
    /// Tables with their sizes, largest first.
    pub tables: Vec<TableHealth>,
    /// The server and the connections to it.
    pub database: DatabaseInfo,
}

/// Puts together what was read.
pub(super) fn info(database: DatabaseInfo, status: Status, valid: bool, tables: Vec<TableHealth>) -> SchemaInfo {
    SchemaInfo {
        dialect: database.dialect.clone(),
        server_version: database.server_version.clone(),
        versions: status.current,
        heads: status.heads,
        valid,
        pending: status.pending,
        access: status.access,
        tables,
        database,
    }
}

/// Adds what the history says is worth a look.
pub(super) fn with_advice(mut health: Health, history: &History<'_>) -> Health {
    for version in history.unfinished() {
        let finding = history.unfinished_finding(&version);
        health.advice.push(format!("{}: {}", finding.message, finding.hint));
    }
    let invalid = health.indexes.iter().filter(|index| !index.valid);
    let running = |entry: &crate::schema::Entry| matches!(entry.state, State::Running);
    let building = history.unfinished().iter().any(|version| history.entry(version).is_some_and(running));
    let invalid: Vec<String> = invalid.map(|index| index.name.clone()).collect();
    if !invalid.is_empty() && !building {
        health.advice.push(format!("no query can use {}: run `polymnia migrate repair`", invalid.join(", ")));
    }
    health
}
