//! What a migration may not be.

use crate::Error;
use crate::schema::folder::{at, malformed};
use crate::schema::text::{Directive, Statement, Syntax, directive_faults, noop_reason, statements};
use crate::schema::{Metadata, SchemaFault, Script};

/// Returns what is wrong with the parents that the metadata names.
pub(super) fn check_parents(script: &Script, metadata: &str) -> Vec<Error> {
    let parents = &script.metadata.parents;
    let offset = metadata.find("parents").unwrap_or(0);
    let fault = |message: String| {
        malformed(message, at(&script.folder, "metadata.toml", metadata, offset))
            .with_context("version", &script.version)
    };
    let mut faults = Vec::new();
    for (index, parent) in parents.iter().enumerate() {
        if parents[..index].contains(parent) {
            faults.push(fault(format!("the parent {parent} stands there twice")));
        }
        if parent.prefix() == script.version.prefix() && *parent >= script.version {
            faults.push(fault(format!("the parent {parent} is not older than {}", script.version)));
        }
    }
    faults
}

/// Returns what is wrong with the scripts of a migration.
pub(super) fn check_scripts(script: &Script, syntax: Syntax) -> Vec<Error> {
    let mut faults = Vec::new();
    for (file, text) in [("up.sql", &script.up), ("down.sql", &script.down)] {
        Check { script, syntax, file, text, faults: &mut faults }.all();
    }
    faults
}

/// Is the check of one file.
struct Check<'a> {
    script: &'a Script,
    syntax: Syntax,
    file: &'a str,
    text: &'a str,
    faults: &'a mut Vec<Error>,
}

impl Check<'_> {
    fn all(mut self) {
        // To PostgreSQL the mark is a part of the first word, and the C interfaces of both end a text at a NUL.
        for (character, name) in [('\u{feff}', "byte order mark"), ('\0', "NUL character")] {
            if let Some(offset) = self.text.find(character) {
                self.fault(offset, format!("the script holds a {name}"));
            }
        }
        for fault in directive_faults(self.text, self.syntax) {
            self.fault(fault.offset, fault.message);
        }
        let statements = statements(self.text, self.syntax);
        if statements.is_empty() && noop_reason(self.text).is_none() {
            // Of a noop without a reason that much is told already.
            if directive_faults(self.text, self.syntax).is_empty() {
                let message = "the script has no statement: expected one, or `-- polymnia:noop REASON`";
                self.fault(0, message.to_owned());
            }
            return;
        }
        for (index, statement) in statements.iter().enumerate() {
            let number = format!("{} of {}", index + 1, statements.len());
            self.statement(statement, &number);
        }
        if self.syntax == Syntax::Sqlite {
            self.rebuild(&statements);
        }
    }

    fn statement(&mut self, statement: &Statement<'_>, number: &str) {
        let Metadata { run_in_transaction, .. } = self.script.metadata;
        let mut wrong = Vec::new();
        if let Some(word) = statement.transaction_word() {
            wrong.push(format!("{word} stands in the script: expected run_in_transaction in metadata.toml to say it"));
        }
        // The other pragmas either work in a transaction or say that they don't.
        let pragma = self.syntax == Syntax::Sqlite
            && statement.text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("PRAGMA"));
        let silent = pragma && statement.foreign_keys_pragma().is_none();
        if run_in_transaction && statement.stands_alone(self.syntax) && !silent {
            wrong.push("the statement can't be in a transaction: expected run_in_transaction = false".to_owned());
        }
        let batches = statement.directives.iter().filter(|directive| matches!(directive, Directive::Batch { .. }));
        match batches.count() {
            0 => {}
            _ if run_in_transaction => {
                wrong.push("batches are transactions of their own: expected run_in_transaction = false".to_owned());
            }
            1 => {
                if let Err(message) = statement.batch(self.syntax) {
                    wrong.push(message);
                }
            }
            _ => wrong.push("the statement has two directives batch: expected one".to_owned()),
        }
        for message in wrong {
            let fault = self.malformed(statement.offset, message).with_context("statement", number);
            self.faults.push(fault);
        }
    }

    /// A table made anew needs foreign keys off: DROP TABLE would delete the rows of its children.
    fn rebuild(&mut self, statements: &[Statement<'_>]) {
        let Metadata { run_in_transaction, rebuild, .. } = self.script.metadata;
        let pragmas = statements.iter().enumerate().filter(|(_, statement)| statement.foreign_keys_pragma().is_some());
        if !rebuild {
            if !run_in_transaction {
                for (_, pragma) in pragmas {
                    self.fault(pragma.offset, "foreign keys are switched: expected rebuild = true".to_owned());
                }
            }
            return;
        }
        if run_in_transaction {
            let message = "foreign keys can't be switched off in a transaction: expected run_in_transaction = false";
            self.fault(0, message.to_owned());
        }
        let (Some(first), Some(last)) = (statements.first(), statements.last()) else { return };
        if first.foreign_keys_pragma() != Some(false) {
            let message = "a rebuild begins with another statement: expected `PRAGMA foreign_keys = OFF;`";
            self.fault(first.offset, message.to_owned());
        }
        if last.foreign_keys_pragma() != Some(true) {
            let message = "a rebuild ends with another statement: expected `PRAGMA foreign_keys = ON;`";
            self.fault(last.offset, message.to_owned());
        }
        for (index, statement) in statements.iter().enumerate() {
            let outer = index == 0 || index + 1 == statements.len();
            let alone = statement.stands_alone(self.syntax);
            if !outer && alone {
                let message = "a rebuild is one transaction between its two pragmas: this statement can't be in it";
                self.fault(statement.offset, message.to_owned());
            }
            if statement.directives.iter().any(|directive| matches!(directive, Directive::Batch { .. })) {
                self.fault(statement.offset, "a rebuild is one transaction: batches can't be in it".to_owned());
            }
        }
    }

    fn fault(&mut self, offset: usize, message: String) {
        let fault = self.malformed(offset, message);
        self.faults.push(fault);
    }

    fn malformed(&self, offset: usize, message: String) -> Error {
        SchemaFault::Malformed
            .error(message)
            .with_context("version", &self.script.version)
            .with_context("place", at(&self.script.folder, self.file, self.text, offset))
    }
}
