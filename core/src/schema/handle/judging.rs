//! What the schema is, what it should be, and how the database is.

use super::Schema;
use crate::schema::history::History;
use crate::schema::{Health, Ledger, SchemaInfo, Snapshot, Validation, Version, baseline, expected, info, validate};
use crate::spi::SchemaEngine;
use crate::{Call, Result};

impl Schema {
    /// Compares the live schema with what the applied migrations make, and tries what it promises.
    ///
    /// # Errors
    ///
    /// None of its own: what is wrong is the answer.
    pub fn validate(&self) -> Result<Validation> {
        self.read("validate", |engine, call| {
            let build = |versions: &[Version]| expected::built(engine, call, &self.sources, versions);
            validate::validate(engine, call, &self.sources, build)
        })
    }

    /// Reads the live schema.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn dump(&self) -> Result<Snapshot> {
        self.read("dump", SchemaEngine::snapshot)
    }

    /// Returns what the migrations up to a version make, the newest unless given. Where that isn't written down, they are run
    /// on a database that goes away.
    ///
    /// # Errors
    ///
    /// The fault [`UnknownTarget`](crate::schema::SchemaFault::UnknownTarget), and as
    /// [`SchemaEngine::scratch`](crate::spi::SchemaEngine::scratch).
    pub fn expected(&self, at: Option<&str>) -> Result<Snapshot> {
        self.read("expected", |engine, call| {
            let ledger = Ledger::default();
            let history = History::new(&self.sources, &ledger);
            let versions = match at {
                Some(written) => history.with_ancestors(&[history.find(written)?]),
                None => history.with_ancestors(&history.heads()),
            };
            self.schema_of(engine, call, &history, &versions)
        })
    }

    /// Describes how the database is, for those who operate it.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn health(&self) -> Result<Health> {
        self.read("health", |engine, call| {
            let health = engine.health(call)?;
            let ledger = engine.ledger(call)?;
            Ok(info::with_advice(health, &History::new(&self.sources, &ledger)))
        })
    }

    /// Describes the database: dialect, version, whether its schema is valid, what is pending, its tables.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn database_info(&self) -> Result<SchemaInfo> {
        let database = self.store.admin().info()?;
        let status = self.status()?;
        let valid = self.validate()?.valid;
        let tables = self.read("database info", SchemaEngine::health)?.tables;
        Ok(info::info(database, status, valid, tables))
    }

    /// Returns what versions make: as it is written down, or else by running them on a database that goes away.
    pub(super) fn schema_of(
        &self,
        engine: &dyn SchemaEngine,
        call: &Call,
        history: &History<'_>,
        versions: &[Version],
    ) -> Result<Snapshot> {
        match baseline::written(history, versions) {
            Some(schema) => Ok(schema),
            None => expected::built(engine, call, &self.sources, versions),
        }
    }
}
