//! The ledgers of other migration tools, told by their tables and columns.

use polymnia::Result;
use polymnia::schema::ForeignLedger;

use super::catalog::{self, Kind};
use super::{quote, sql};
use crate::connection::Connection;
use crate::statement::Value;

/// Is what a ledger of a tool looks like.
struct Known {
    tool: &'static str,
    table: &'static str,
    /// Columns by which it is told from tables that happen to have its name.
    columns: &'static [&'static str],
    /// What follows `SELECT CAST(` … `AS TEXT) FROM` the table: the version and the newest row.
    version: &'static str,
    newest: &'static str,
}

const KNOWN: [Known; 13] = [
    Known {
        tool: "alembic",
        table: "alembic_version",
        columns: &["version_num"],
        version: "version_num",
        newest: "ORDER BY version_num DESC",
    },
    Known {
        tool: "prisma",
        table: "_prisma_migrations",
        columns: &["migration_name", "finished_at", "rolled_back_at"],
        version: "migration_name",
        newest: "WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name DESC",
    },
    Known {
        tool: "sqlx",
        table: "_sqlx_migrations",
        columns: &["version", "description", "success"],
        version: "version",
        newest: "WHERE success ORDER BY version DESC",
    },
    Known {
        tool: "refinery",
        table: "refinery_schema_history",
        columns: &["version", "applied_on"],
        version: "version",
        newest: "ORDER BY version DESC",
    },
    Known {
        tool: "flyway",
        table: "flyway_schema_history",
        columns: &["installed_rank", "version", "success"],
        version: "version",
        newest: "WHERE version IS NOT NULL AND success ORDER BY installed_rank DESC",
    },
    Known {
        tool: "goose",
        table: "goose_db_version",
        columns: &["version_id", "is_applied"],
        version: "version_id",
        newest: "WHERE is_applied ORDER BY version_id DESC",
    },
    Known {
        tool: "golang-migrate",
        table: "schema_migrations",
        columns: &["version", "dirty"],
        version: "version",
        newest: "ORDER BY version DESC",
    },
    Known {
        tool: "drizzle",
        table: "__drizzle_migrations",
        columns: &["hash", "created_at"],
        version: "created_at",
        newest: "ORDER BY created_at DESC",
    },
    // Of no tool that we name, but of one that many have.
    Known {
        tool: "unknown",
        table: "django_migrations",
        columns: &["app", "name", "applied"],
        version: "app || '.' || name",
        newest: "ORDER BY id DESC",
    },
    Known {
        tool: "unknown",
        table: "knex_migrations",
        columns: &["name", "batch"],
        version: "name",
        newest: "ORDER BY id DESC",
    },
    Known {
        tool: "unknown",
        table: "SequelizeMeta",
        columns: &["name"],
        version: "name",
        newest: "ORDER BY name DESC",
    },
    Known {
        tool: "unknown",
        table: "yoyo_migrations",
        columns: &["migration_id"],
        version: "migration_id",
        newest: "ORDER BY migration_id DESC",
    },
    Known {
        tool: "unknown",
        table: "_yoyo_migration",
        columns: &["migration_id"],
        version: "migration_id",
        newest: "ORDER BY migration_id DESC",
    },
];

/// What the names of hand-written ledgers end with, of which each may stand alone.
const ENDINGS: [&str; 10] = [
    "schema_migrations",
    "schema_migration",
    "schema_version",
    "schema_versions",
    "schema_history",
    "migration_history",
    "migrations_history",
    "migration_version",
    "migrations",
    "db_version",
];

/// The columns in which hand-written ledgers have their versions, the likeliest first.
const VERSIONS: [&str; 9] =
    ["version", "version_num", "version_id", "migration_id", "migration", "migration_name", "name", "filename", "id"];

/// Finds the ledgers of other tools.
pub(super) fn find(connection: &mut Connection) -> Result<Vec<ForeignLedger>> {
    let tables: Vec<String> = catalog::tables(connection)?
        .into_iter()
        .filter(|table| table.kind == Kind::Table && !super::snapshot::is_ours(&table.name))
        .map(|table| table.name)
        .collect();
    let has = |name: &str| tables.iter().any(|table| table.eq_ignore_ascii_case(name));
    let rails = has("ar_internal_metadata");
    let mut found = Vec::new();
    for table in &tables {
        let columns = columns(connection, table)?;
        let known = KNOWN.iter().find(|known| {
            known.table.eq_ignore_ascii_case(table)
                && known.columns.iter().all(|wanted| columns.iter().any(|column| column == wanted))
        });
        let (tool, version) = match known {
            Some(known) => (known.tool, newest(connection, table, known.version, known.newest)?),
            None if is_ledger(table) => {
                let rails = rails && table.eq_ignore_ascii_case("schema_migrations");
                let tool = if rails { "rails" } else { "unknown" };
                let Some(column) = VERSIONS.iter().find(|version| columns.iter().any(|column| column == *version))
                else {
                    continue;
                };
                (tool, newest(connection, table, column, &format!("ORDER BY {column} DESC"))?)
            }
            None => continue,
        };
        found.push(ForeignLedger { tool: tool.to_owned(), table: table.clone(), version });
    }
    Ok(found)
}

/// Returns whether the name is one that hand-written ledgers have.
fn is_ledger(table: &str) -> bool {
    let name = table.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| name.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

fn columns(connection: &mut Connection, table: &str) -> Result<Vec<String>> {
    sql::texts(connection, "SELECT lower(name) FROM pragma_table_info(?)", &[Value::Text(table)])
}

/// Returns the version of the newest row. `version` and `order` are of this file.
fn newest(connection: &mut Connection, table: &str, version: &str, order: &str) -> Result<Option<String>> {
    let query = format!("SELECT CAST({version} AS TEXT) FROM main.{} {order} LIMIT 1", quote::name(table));
    let rows = sql::rows(connection, &query, &[], |row| sql::optional_text(row, 0))?;
    Ok(rows.into_iter().next().flatten())
}

#[cfg(test)]
mod tests {
    use polymnia::spi::SchemaEngine as _;

    use crate::schema::tests::{call, engine_with};

    fn found(script: &str) -> Vec<(String, String, Option<String>)> {
        let ledgers = engine_with(script).foreign_ledgers(&call()).unwrap();
        ledgers.into_iter().map(|ledger| (ledger.tool, ledger.table, ledger.version)).collect()
    }

    #[test]
    fn every_tool_is_told() {
        for (tool, table, script, version) in [
            ("alembic", "alembic_version", "(version_num VARCHAR(32) NOT NULL); INSERT INTO alembic_version VALUES ('ab12')", "ab12"),
            (
                "prisma",
                "_prisma_migrations",
                "(id TEXT, migration_name TEXT, finished_at DATETIME, rolled_back_at DATETIME);
                 INSERT INTO _prisma_migrations VALUES (1, '2024_a', 1, NULL), (2, '2025_b', NULL, NULL), (3, '2026_c', 1, 1)",
                "2024_a",
            ),
            (
                "sqlx",
                "_sqlx_migrations",
                "(version BIGINT, description TEXT, success BOOLEAN); INSERT INTO _sqlx_migrations VALUES (9, '', 1), (10, '', 1), (11, '', 0)",
                "10",
            ),
            ("refinery", "refinery_schema_history", "(version INT, name, applied_on, checksum); INSERT INTO refinery_schema_history VALUES (9, 0, 0, 0), (10, 0, 0, 0)", "10"),
            (
                "flyway",
                "flyway_schema_history",
                "(installed_rank INT, version TEXT, success BOOLEAN); INSERT INTO flyway_schema_history VALUES (1, '9', 1), (2, '10', 1), (3, NULL, 1)",
                "10",
            ),
            ("goose", "goose_db_version", "(id INTEGER PRIMARY KEY, version_id INT, is_applied INT); INSERT INTO goose_db_version VALUES (1, 0, 1), (2, 3, 1), (3, 4, 0)", "3"),
            ("golang-migrate", "schema_migrations", "(version UINT64, dirty BOOL); INSERT INTO schema_migrations VALUES (7, 0)", "7"),
            ("rails", "schema_migrations", "(version VARCHAR PRIMARY KEY); CREATE TABLE ar_internal_metadata (key, value); INSERT INTO schema_migrations VALUES ('20240101')", "20240101"),
            ("drizzle", "__drizzle_migrations", "(id INTEGER PRIMARY KEY, hash TEXT, created_at NUMERIC); INSERT INTO __drizzle_migrations VALUES (1, 'x', 1767225720000), (2, 'y', 1)", "1767225720000"),
            ("unknown", "schema_migrations", "(version TEXT); INSERT INTO schema_migrations VALUES ('3'), ('2')", "3"),
            ("unknown", "App_Schema_Version", "(Version INT); INSERT INTO app_schema_version VALUES (9), (10)", "10"),
            ("unknown", "migrations", "(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO migrations VALUES (1, 'b'), (2, 'a')", "b"),
        ] {
            let script = format!("CREATE TABLE {table} {script}");
            assert_eq!(found(&script), [(tool.to_owned(), table.to_owned(), Some(version.to_owned()))], "{script}");
        }
    }

    #[test]
    fn what_is_no_ledger_is_none() {
        for script in [
            "",
            "CREATE TABLE birdmigrations (name TEXT)",
            "CREATE TABLE migrations (weight INT)",
            "CREATE TABLE polymnia_migrations (version TEXT)",
            "CREATE TABLE __diesel_schema_migrations (version TEXT)",
            "CREATE VIEW schema_migrations AS SELECT 1 AS version",
        ] {
            assert_eq!(found(script), [], "{script}");
        }
    }

    #[test]
    fn an_empty_ledger_has_no_version() {
        let script = "CREATE TABLE alembic_version (version_num TEXT)";
        assert_eq!(found(script), [("alembic".to_owned(), "alembic_version".to_owned(), None)]);
    }
}
