//! A run as a script for the `sqlite3` shell.
//!
//! The shell stops at the first error, and what is open then is rolled back when it exits. Lines that begin with a dot are the
//! shell's own only where no statement is open, and no text of others begins a line here.

use std::fmt::Write as _;

use polymnia::schema::text::{Syntax, tokens};
use polymnia::schema::{Begin, Entry, LogEntry, ScriptPart, Version};
use polymnia::{Error, ErrorKind, Result};

use super::{ledger, quote};
use crate::statement::Value;

/// Creates diesel's ledger, as diesel does.
const CREATE_DIESELS: &str = "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
       version VARCHAR(50) PRIMARY KEY NOT NULL,
       run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
)";

/// The table whose check fails where the script must not go on. It is temporary and never committed.
const GUARD: &str = "polymnia_guard";

/// Writes the parts of a run.
pub(super) fn write(parts: &[ScriptPart<'_>]) -> Result<String> {
    let mut script = Script::default();
    script.line(".bail on");
    script.line(".timeout 60000");
    script.line("PRAGMA foreign_keys = ON;");
    for part in parts {
        match part {
            ScriptPart::Comment(text) => script.comment(text),
            ScriptPart::Guard(versions) => script.guard(versions),
            ScriptPart::Prepare => script.prepare(),
            ScriptPart::Begin(how) => script.begin(*how),
            ScriptPart::Statement(statement) => script.statement(statement),
            ScriptPart::Record(entry) => script.record(entry)?,
            ScriptPart::Forget(version) => script.forget(version),
            ScriptPart::Log(line) => script.log(line)?,
            ScriptPart::Commit => script.commit(),
        }
    }
    Ok(script.text)
}

#[derive(Default)]
struct Script {
    text: String,
    /// The transaction that is open.
    open: Option<Begin>,
}

impl Script {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, text: &str) {
        self.text.push('\n');
        for line in text.split(['\n', '\r']) {
            self.line(format!("-- {line}").trim_end());
        }
    }

    /// Refuses a database with other versions. What it makes to find out is rolled back.
    fn guard(&mut self, versions: &[&Version]) {
        let mut versions: Vec<&str> = versions.iter().map(|version| version.as_str()).collect();
        versions.sort_unstable();
        let found = "SELECT coalesce(group_concat(version, ' '), '') FROM (SELECT version FROM __diesel_schema_migrations \
                     ORDER BY version)";
        self.comment("Stops here unless exactly the versions that this script was written for are applied.");
        self.line("BEGIN IMMEDIATE;");
        self.line(&format!("{CREATE_DIESELS};"));
        self.check(
            "the database is not at the version that this script was written for",
            &format!("({found}) = {}", quote::text(&versions.join(" "))),
        );
        self.line("ROLLBACK;");
    }

    fn prepare(&mut self) {
        self.comment("What migrations are recorded in.");
        self.together(|script| {
            for statement in [CREATE_DIESELS, ledger::CREATE_OURS, ledger::CREATE_LOG] {
                script.line(&format!("{statement};"));
            }
        });
    }

    fn begin(&mut self, how: Begin) {
        self.text.push('\n');
        if how == Begin::Rebuild {
            self.line("PRAGMA foreign_keys = OFF;");
        }
        self.line("BEGIN IMMEDIATE;");
        self.open = Some(how);
    }

    fn commit(&mut self) {
        let rebuilds = self.open.take() == Some(Begin::Rebuild);
        if rebuilds {
            self.check(
                "a foreign key leads nowhere after the table was made anew",
                "NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check)",
            );
            self.line(&format!("DROP TABLE temp.{GUARD};"));
        }
        self.line("COMMIT;");
        if rebuilds {
            self.line("PRAGMA foreign_keys = ON;");
        }
    }

    /// Stops the script unless a condition is true, with the reason in the error. Within a transaction.
    fn check(&mut self, reason: &str, condition: &str) {
        self.line(&format!(
            "CREATE TEMP TABLE {GUARD} (holds INTEGER, CONSTRAINT {} CHECK (holds));",
            quote::name(reason)
        ));
        self.line(&format!("INSERT INTO temp.{GUARD} (holds) SELECT {condition};"));
    }

    fn statement(&mut self, statement: &str) {
        self.text.push('\n');
        let statement = shielded(statement.trim());
        let last = tokens(&statement, Syntax::Sqlite).filter(|token| !token.is_comment()).last();
        let ended = last.is_some_and(|token| token.is_symbol(";"));
        self.line(&statement);
        // On a line of its own, as a comment may stand at the end.
        if !ended {
            self.line(";");
        }
    }

    fn record(&mut self, entry: &Entry) -> Result<()> {
        let parents = ledger::parents_json(&entry.parents);
        let delta = entry.delta.as_ref().map(ledger::delta_json);
        let values = literals(&ledger::values(entry, &parents, delta.as_deref())?)?;
        let version = quote::text(entry.version.as_str());
        let ours = format!("INSERT OR REPLACE INTO {} ({})\nVALUES ({values});", ledger::OURS, ledger::COLUMNS);
        let diesels = if ledger::stands_in_diesels(entry) {
            format!("INSERT INTO {} (version) VALUES ({version}) ON CONFLICT DO NOTHING;", ledger::DIESEL)
        } else {
            format!("DELETE FROM {} WHERE version = {version};", ledger::DIESEL)
        };
        self.together(|script| {
            script.line(&ours);
            script.line(&diesels);
        });
        Ok(())
    }

    fn forget(&mut self, version: &Version) {
        let version = quote::text(version.as_str());
        self.together(|script| {
            for table in [ledger::OURS, ledger::DIESEL] {
                script.line(&format!("DELETE FROM {table} WHERE version = {version};"));
            }
        });
    }

    fn log(&mut self, line: &LogEntry) -> Result<()> {
        let values = literals(&ledger::log_values(line))?;
        self.line(&format!("INSERT INTO {} ({})\nVALUES ({values});", ledger::LOG_TABLE, ledger::LOG_COLUMNS));
        Ok(())
    }

    /// Writes statements in the transaction that is open, or in one of their own.
    fn together(&mut self, body: impl FnOnce(&mut Self)) {
        let alone = self.open.is_none();
        if alone {
            self.line("BEGIN IMMEDIATE;");
        }
        body(self);
        if alone {
            self.line("COMMIT;");
        }
    }
}

fn literals(values: &[Value<'_>]) -> Result<String> {
    let mut written = String::new();
    for value in values {
        let literal = match value {
            Value::Null => quote::optional_text(None),
            Value::Text(text) => quote::text(text),
            Value::Integer(number) => quote::integer(*number),
            Value::Blob(_) | Value::Real(_) => {
                return Err(Error::new(ErrorKind::Unexpected, "the ledgers hold texts and integers only"));
            }
        };
        let comma = if written.is_empty() { "" } else { ", " };
        write!(written, "{comma}{literal}").expect("a String takes it");
    }
    Ok(written)
}

/// Returns a statement none of whose lines begins with `go` or `/`, which the shell may take for the end of the statement.
/// Comments before these go.
fn shielded(statement: &str) -> String {
    let mut written = String::with_capacity(statement.len());
    let (mut copied, mut before) = (0, 0);
    for token in tokens(statement, Syntax::Sqlite).filter(|token| !token.is_comment()) {
        let ends = token.is("go") || token.is_symbol("/");
        if ends && statement[before..token.offset].contains('\n') {
            written.push_str(&statement[copied..before]);
            written.push(' ');
            copied = token.offset;
        }
        before = token.end();
    }
    written.push_str(&statement[copied..]);
    written
}

#[cfg(test)]
mod tests;
