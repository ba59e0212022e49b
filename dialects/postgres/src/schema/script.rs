//! A run as a script for `psql`.

use std::fmt::Write as _;
use std::time::Duration;

use diesel::migration::CREATE_MIGRATIONS_TABLE;
use polymnia::Result;
use polymnia::schema::{Begin, ScriptPart, SessionOptions, Version};

use super::{ledger, lock, statement};
use crate::quote::literal;

/// What `psql` is told first. The settings of whoever runs it may be others.
///
/// The lock is tried once: a script that waited for it would be a transaction that CREATE INDEX CONCURRENTLY waits for.
const START: &str = "\
\\set ON_ERROR_STOP on
\\set AUTOCOMMIT on
\\set ON_ERROR_ROLLBACK off
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
SET standard_conforming_strings = on;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
";

/// Writes the script.
pub(super) fn write(parts: &[ScriptPart<'_>]) -> Result<String> {
    let SessionOptions { lock_wait, lock_timeout } = SessionOptions::default();
    let mut script = Script { text: START.to_owned(), lock_timeout, open: false };
    script.set_lock_timeout(lock_timeout);
    script.block(&format!(
        "IF NOT pg_try_advisory_lock({}) THEN\n    RAISE EXCEPTION 'another process is migrating this database';\nEND IF;",
        lock::LOCK
    ));
    for part in parts {
        match part {
            ScriptPart::Comment(text) => {
                for line in text.lines() {
                    script.line(&format!("-- {line}"));
                }
            }
            ScriptPart::Guard(versions) => script.guard(versions),
            ScriptPart::Prepare => script.prepare(),
            ScriptPart::Begin(Begin::Plain | Begin::Rebuild) => {
                script.open = true;
                script.line("BEGIN;");
            }
            ScriptPart::Statement(text) => script.statement(text, lock_wait),
            ScriptPart::Record(entry) => {
                let [before, after] = ledger::RECORD;
                let end = if ledger::is_applied(entry) { ledger::WITH_DIESEL } else { ledger::WITHOUT_DIESEL };
                script.line(&format!("{before}{}{after}{end};", literal(&ledger::to_json(entry)?)));
            }
            ScriptPart::Forget(version) => {
                let [before, between] = ledger::FORGET;
                let version = literal(version.as_str());
                script.line(&format!("{before}{version}{between}{version};"));
            }
            ScriptPart::Log(line) => {
                let [before, after] = ledger::ADD_LINE;
                script.line(&format!("{before}{}{after};", literal(&ledger::to_json(line)?)));
            }
            ScriptPart::Commit => {
                script.open = false;
                script.line("COMMIT;");
            }
        }
    }
    script.block(&format!("PERFORM pg_advisory_unlock({});", lock::LOCK));
    Ok(script.text)
}

struct Script {
    text: String,
    /// How long statements wait for locks from here on.
    lock_timeout: Duration,
    /// Whether a transaction is open.
    open: bool,
}

impl Script {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a block of PL/pgSQL.
    fn block(&mut self, body: &str) {
        self.line(&format!("DO $polymnia$ BEGIN\n{body}\nEND $polymnia$;"));
    }

    /// Refuses a database at other versions.
    fn guard(&mut self, versions: &[&Version]) {
        let mut sorted: Vec<&str> = versions.iter().map(|version| version.as_str()).collect();
        sorted.sort_unstable();
        let expected = literal(&sorted.join(" "));
        self.line(&format!(
            "DO $polymnia$ DECLARE found text := ''; BEGIN\n\
             IF EXISTS (SELECT FROM pg_tables WHERE schemaname = 'polymnia' AND tablename = '__diesel_schema_migrations') THEN\n    \
             EXECUTE $query$SELECT coalesce(string_agg(version, ' ' ORDER BY version COLLATE \"C\"), '') \
             FROM polymnia.__diesel_schema_migrations$query$ INTO found;\nEND IF;\nIF found <> {expected} THEN\n    \
             RAISE EXCEPTION 'this script is for a database at other versions'\n    \
             USING DETAIL = format('expected: %s; found: %s', {expected}, found),\n    \
             HINT = 'nothing was changed: run `polymnia migrate upgrade --sql` again, on this database';\nEND IF;\n\
             END $polymnia$;"
        ));
    }

    /// Makes the schema and the ledgers.
    fn prepare(&mut self) {
        self.block(&format!(
            "IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'polymnia') THEN\n    {};\nEND IF;",
            ledger::CREATE_SCHEMA
        ));
        // diesel names no schema.
        let diesel =
            CREATE_MIGRATIONS_TABLE.replacen("__diesel_schema_migrations", "polymnia.__diesel_schema_migrations", 1);
        self.line(&format!("{};", diesel.trim().trim_end_matches(';')));
        for create in [ledger::CREATE_ENTRIES, ledger::CREATE_LOG] {
            self.line(&format!("{};", create.replacen("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)));
        }
    }

    fn statement(&mut self, text: &str, lock_wait: Duration) {
        let usual = self.lock_timeout;
        let patient = !self.open && statement::is_patient(text);
        if patient {
            self.set_lock_timeout(lock_wait);
        }
        let text = text.trim_end();
        self.line(text);
        // What looks like the end may stand in a comment.
        if !text.ends_with(';') || text.lines().next_back().is_some_and(|line| line.contains("--")) {
            self.line(";");
        }
        if patient {
            self.set_lock_timeout(usual);
        }
    }

    fn set_lock_timeout(&mut self, wait: Duration) {
        writeln!(self.text, "SET lock_timeout = '{}ms';", wait.as_millis()).expect("a String takes it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_whole() {
        let version: Version = "20261121000100".parse().unwrap();
        let script = write(&[
            ScriptPart::Guard(vec![]),
            ScriptPart::Comment("one\ntwo"),
            ScriptPart::Begin(Begin::Plain),
            ScriptPart::Statement("CREATE TABLE a (b text); -- no;"),
            ScriptPart::Forget(&version),
            ScriptPart::Commit,
            ScriptPart::Statement("CREATE INDEX CONCURRENTLY i ON a (b)"),
        ])
        .unwrap();
        let after = script.split_once("-- one\n").unwrap().1;
        assert_eq!(
            after,
            "-- two\nBEGIN;\nCREATE TABLE a (b text); -- no;\n;\nWITH entry AS (DELETE FROM polymnia.migrations WHERE version = \
             E'20261121000100') DELETE FROM polymnia.__diesel_schema_migrations WHERE version = E'20261121000100';\nCOMMIT;\n\
             SET lock_timeout = '60000ms';\nCREATE INDEX CONCURRENTLY i ON a (b)\n;\nSET lock_timeout = '2000ms';\n\
             DO $polymnia$ BEGIN\nPERFORM pg_advisory_unlock(8101813523445606753);\nEND $polymnia$;\n"
        );
        assert!(script.starts_with("\\set ON_ERROR_STOP on\n"));
    }
}
