//! The ledgers of other migration tools.

use diesel::sql_types::{Array, Bool, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use polymnia::schema::ForeignLedger;

use crate::error::Fault;
use crate::quote;
use crate::session::Session;
use crate::sql::Statement;

/// Is how a tool's ledger is known, and where its newest version stands.
struct Tool {
    name: &'static str,
    table: &'static str,
    /// Columns that its table has, the version first.
    columns: &'static [&'static str],
    /// A condition on the rows that count, if not all do.
    counts: Option<&'static str>,
    /// What the newest row is last by, if not by the version.
    order: Option<&'static str>,
}

/// The tools, the more particular first.
const TOOLS: [Tool; 10] = [
    Tool::new("alembic", "alembic_version", &["version_num"]),
    Tool::new("prisma", "_prisma_migrations", &["migration_name", "finished_at", "rolled_back_at"])
        .counting("finished_at IS NOT NULL AND rolled_back_at IS NULL"),
    Tool::new("sqlx", "_sqlx_migrations", &["version", "success"]).counting("success"),
    Tool::new("refinery", "refinery_schema_history", &["version", "applied_on"]),
    Tool::new("flyway", "flyway_schema_history", &["version", "installed_rank", "success"])
        .counting("success AND version IS NOT NULL")
        .by("installed_rank"),
    Tool::new("goose", "goose_db_version", &["version_id", "is_applied", "id"]).counting("is_applied").by("id"),
    Tool::new("golang-migrate", "schema_migrations", &["version", "dirty"]),
    Tool::new("drizzle", "__drizzle_migrations", &["created_at", "hash"]),
    Tool::new("diesel", "__diesel_schema_migrations", &["version", "run_on"]),
    // Beside ar_internal_metadata, which is looked for apart.
    Tool::new(RAILS, "schema_migrations", &["version"]),
];
const RAILS: &str = "rails";
/// What Rails has beside its ledger.
const RAILS_METADATA: &str = "ar_internal_metadata";

/// What a ledger that nobody knows may be called.
const UNKNOWN_NAMES: &str = "^_*((schema|db|database)_?(version|versions|migration|migrations|history|info|changes|changelog|log)\
     |(.*_)?migrations?|migrations?_(history|versions?|log|lock)|databasechangelog|sequelizemeta)$";
/// The column that may hold its versions, the likeliest first.
const UNKNOWN_COLUMNS: [&str; 7] =
    ["version", "version_num", "version_id", "migration", "migration_name", "filename", "script"];
/// Columns that many a table has: its versions only beside one of the others, which tell when something was applied.
const PLAIN_COLUMNS: [&str; 2] = ["name", "id"];
const APPLIED_COLUMNS: [&str; 9] = [
    "applied",
    "applied_at",
    "applied_on",
    "batch",
    "executed_at",
    "installed_on",
    "migration_time",
    "run_on",
    "timestamp",
];

impl Tool {
    const fn new(name: &'static str, table: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, table, columns, counts: None, order: None }
    }

    const fn counting(self, condition: &'static str) -> Self {
        Self { counts: Some(condition), ..self }
    }

    const fn by(self, column: &'static str) -> Self {
        Self { order: Some(column), ..self }
    }

    fn fits(&self, table: &Table, tables: &[Table]) -> bool {
        let beside = |name: &str| tables.iter().any(|other| other.schema == table.schema && other.name == name);
        table.name == self.table
            && self.columns.iter().all(|column| table.has(column))
            && (self.name != RAILS || beside(RAILS_METADATA))
    }
}

struct Table {
    shown: String,
    schema: String,
    name: String,
    columns: Vec<String>,
    readable: bool,
}

impl Table {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|other| other == column)
    }

    /// Returns the column that may hold versions, if this may be a ledger at all.
    fn versions(&self) -> Option<&'static str> {
        let first = |columns: &[&'static str]| columns.iter().copied().find(|column| self.has(column));
        let plain = || first(&APPLIED_COLUMNS).and_then(|_| first(&PLAIN_COLUMNS));
        first(&UNKNOWN_COLUMNS).or_else(plain)
    }
}

#[derive(QueryableByName)]
struct Newest {
    #[diesel(sql_type = Nullable<Text>)]
    version: Option<String>,
}

/// Finds them, in any schema but ours.
pub(super) fn find(session: &mut Session) -> Result<Vec<ForeignLedger>, Fault> {
    let tables = tables(session)?;
    let mut ledgers = Vec::new();
    for table in tables.iter().filter(|table| table.name != RAILS_METADATA) {
        let (tool, column, counts, order) = match TOOLS.iter().find(|tool| tool.fits(table, &tables)) {
            Some(tool) => (tool.name, tool.columns[0], tool.counts, tool.order),
            None => match table.versions() {
                Some(column) => ("unknown", column, None, None),
                None => continue,
            },
        };
        let version = if table.readable {
            let text = quote::newest([&table.schema, &table.name], column, counts, order.unwrap_or(column));
            let newest: Vec<Newest> = sql_query(text).load(&mut session.connection)?;
            newest.into_iter().next().and_then(|newest| newest.version)
        } else {
            None
        };
        ledgers.push(ForeignLedger { tool: tool.to_owned(), table: table.shown.clone(), version });
    }
    Ok(ledgers)
}

fn tables(session: &mut Session) -> Result<Vec<Table>, Fault> {
    let mut statement = Statement::<(Text, Text, Text, Array<Text>, Bool)>::new(
        "SELECT format('%I.%I', schema.nspname, one.relname), schema.nspname::text, one.relname::text, \
         ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute \
         WHERE attrelid = one.oid AND attnum > 0 AND NOT attisdropped), \
         has_schema_privilege(schema.oid, 'USAGE') AND has_table_privilege(one.oid, 'SELECT') \
         FROM pg_catalog.pg_class AS one JOIN pg_catalog.pg_namespace AS schema ON schema.oid = one.relnamespace \
         WHERE one.relkind IN ('r', 'p') AND schema.nspname !~ '^pg_' \
         AND schema.nspname NOT IN ('information_schema', 'polymnia') AND (one.relname = ANY (",
    );
    let known = TOOLS.iter().map(|tool| tool.table).chain([RAILS_METADATA]).collect::<Vec<_>>();
    statement.bind(known).text(") OR one.relname ~* ").bind(UNKNOWN_NAMES).text(") ORDER BY 1").plan_each_time();
    let rows: Vec<(String, String, String, Vec<String>, bool)> = session.load(statement)?;
    let table = |(shown, schema, name, columns, readable)| Table { shown, schema, name, columns, readable };
    Ok(rows.into_iter().map(table).collect())
}
