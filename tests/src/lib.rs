//! What the tests of this workspace share: a PostgreSQL server that comes by itself, our dialects as fixtures of the
//! [suite](polymnia_conformance), natively and as plugins, the command line, schemas to migrate.
//!
//! | variable | what it sets for the tests of this crate |
//! |---|---|
//! | `POLYMNIA_TEST_SEED` | where random numbers begin; a failing test prints its own |
//! | `POLYMNIA_DIFFERENTIAL_ROUNDS` | how many rounds of random operations all dialects are compared in |
//! | `POLYMNIA_CONTAINMENT_PAIRS` | how many pairs of JSON are compared with a live PostgreSQL |
//! | `POLYMNIA_FILTER_PAIRS` | how many pairs of a document and a filter are compared on all dialects and with a live PostgreSQL |
//! | `POLYMNIA_FOREIGN_ROUNDS` | how many rounds of writes by another program are compared with a recount |
//! | `POLYMNIA_CRASH_ROUNDS` | how often a process that writes in every way is killed |
//! | `POLYMNIA_KILL_ROUNDS` | how many imports are killed midway |
//! | `POLYMNIA_MIGRATE_ROUNDS` | how often ten processes migrate at once, and how many migrations are killed by chance |
//! | `POLYMNIA_MIGRATE_MEMORIES` | how many memories a table has that is migrated while others write it |
//! | `POLYMNIA_TEST_ALEMBIC`, `POLYMNIA_TEST_PRISMA`, `POLYMNIA_TEST_DIESEL` | other migration tools: `.ci/migration-tools` sets them |
//! | `POLYMNIA_LOCOMO_DIR` | a folder with real conversations, `conv-*.memories.jsonl` |
//! | `POLYMNIA_WRITE_SNAPSHOTS` | `1`: write `schema.json` beside the scripts of each version, instead of comparing with it |
//! | `POLYMNIA_TEST_CLI` | the program `polymnia`, instead of building it |
//! | `POLYMNIA_TEST_PLUGINS` | a folder with our plugins, instead of building them |
//! | `POLYMNIA_PLUGIN_SECONDS` | how long many threads use one plugin |
//!
//! What chooses the PostgreSQL server stands in [`server`].

pub mod cargo;
pub mod cli;
pub mod databases;
pub mod migrate;
pub mod plugins;
pub mod server;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/filters.md")]
struct Filters;
