//! Steps made ready to run: their statements, and how each is run.

use crate::schema::text::{Batch, Directive, Statement, Syntax, place, statements};
use crate::schema::{Begin, Plan, SchemaFault, Step, TxMode, Way};
use crate::{Error, Result};

/// Is a step with its script read.
#[derive(Debug)]
pub(super) struct Job<'p> {
    pub(super) step: &'p Step,
    pub(super) parts: Vec<Part<'p>>,
    pub(super) mode: Mode,
}

/// Says what is one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The whole step.
    Step(Begin),
    /// Each statement that can be in one.
    Statement,
}

/// Is one statement of a step.
#[derive(Debug)]
pub(super) struct Part<'p> {
    pub(super) statement: Statement<'p>,
    pub(super) how: How<'p>,
}

/// Says how a statement is run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum How<'p> {
    /// As it is, in a transaction.
    Plain,
    /// As it is, outside of one.
    Alone,
    /// So many rows at a time, a transaction each.
    Batches(u32, Batch<'p>),
    /// Not at all: what it does comes with the transaction.
    Left,
}

impl<'p> Job<'p> {
    /// Reads the scripts of a plan.
    ///
    /// # Errors
    ///
    /// The fault [`Malformed`](SchemaFault::Malformed) for what the engine can't run as it stands.
    pub(super) fn read(plan: &'p Plan, syntax: Syntax, tx_mode: TxMode) -> Result<Vec<Self>> {
        plan.steps.iter().map(|step| Self::of(step, syntax, tx_mode)).collect()
    }

    fn of(step: &'p Step, syntax: Syntax, tx_mode: TxMode) -> Result<Self> {
        let metadata = &step.script.metadata;
        // What was begun statement by statement goes on so, whatever its metadata says now.
        let mode = if metadata.rebuild && syntax == Syntax::Sqlite && !step.resumes {
            Mode::Step(Begin::Rebuild)
        } else if !metadata.run_in_transaction || tx_mode == TxMode::None || step.resumes {
            Mode::Statement
        } else {
            Mode::Step(Begin::Plain)
        };
        let mut job = Self { step, parts: Vec::new(), mode };
        for statement in statements(job.text(), syntax) {
            let how = job.how(&statement, syntax)?;
            job.parts.push(Part { statement, how });
        }
        Ok(job)
    }

    fn how(&self, statement: &Statement<'p>, syntax: Syntax) -> Result<How<'p>> {
        let malformed = |message: String| {
            let error = SchemaFault::Malformed.error(message).with_context("version", &self.step.version);
            Err(error.with_context("place", self.place(Some(statement.offset))))
        };
        if let Some(word) = statement.transaction_word() {
            return malformed(format!("{word} can't stand in a migration: the engine begins and ends transactions"));
        }
        if self.mode == Mode::Step(Begin::Rebuild) {
            let left = statement.foreign_keys_pragma().is_some();
            return Ok(if left { How::Left } else { How::Plain });
        }
        // Within a transaction it does nothing, and gone on with, it would have been set by the run before: DROP TABLE would
        // then take the rows of other tables with it.
        if syntax == Syntax::Sqlite && statement.foreign_keys_pragma().is_some() {
            return malformed(
                "PRAGMA foreign_keys can stand in a rebuild only: `rebuild = true` in metadata.toml".to_owned(),
            );
        }
        if self.mode != Mode::Statement {
            return Ok(How::Plain);
        }
        let rows = statement.directives.iter().find_map(|directive| match directive {
            Directive::Batch { rows } => Some(*rows),
            _ => None,
        });
        match rows {
            Some(rows) => match statement.batch(syntax) {
                Ok(batch) => Ok(How::Batches(rows, batch)),
                Err(why) => malformed(why),
            },
            None if statement.stands_alone(syntax) => {
                if statement.creates_index().is_none() && statement.creates_index_on().is_some() {
                    return malformed(
                        "an index that is built concurrently needs a name, by which a run that goes on finds it"
                            .to_owned(),
                    );
                }
                Ok(How::Alone)
            }
            None => Ok(How::Plain),
        }
    }

    /// Returns the script that is run.
    pub(super) fn text(&self) -> &'p str {
        match self.step.direction {
            Way::Up => &self.step.script.up,
            Way::Down => &self.step.script.down,
        }
    }

    /// Returns how many statements there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// Returns `3 statements`.
    pub(super) fn size(&self) -> String {
        let count = self.len();
        format!("{count} statement{}", if count == 1 { "" } else { "s" })
    }

    /// Returns `migration 20261121000100_memories`.
    pub(super) fn title(&self) -> String {
        let Step { version, name, .. } = self.step;
        if name.is_empty() { format!("migration {version}") } else { format!("migration {version}_{name}") }
    }

    /// Returns the file, and the place in it: `migrations/sqlite/20261121000100_memories/up.sql:4:1`.
    pub(super) fn place(&self, offset: Option<usize>) -> String {
        let script = &self.step.script;
        let folder = if script.folder.is_empty() { script.version.as_str() } else { &script.folder };
        let file = match self.step.direction {
            Way::Up => "up.sql",
            Way::Down => "down.sql",
        };
        match offset {
            None => format!("{folder}/{file}"),
            Some(offset) => {
                let (line, column) = place(self.text(), offset.min(self.text().len()));
                format!("{folder}/{file}:{line}:{column}")
            }
        }
    }
}

/// Refuses what can't be part of one transaction for everything.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the version.
pub(super) fn refuse_in_one_transaction(jobs: &[Job<'_>], pooled: bool) -> Result<()> {
    let Some(job) = jobs.iter().find(|job| job.mode != Mode::Step(Begin::Plain)) else {
        return Ok(());
    };
    let version = &job.step.version;
    let error = if pooled {
        Error::invalid_input(format!("{} can't run in one transaction, and a pooler gives nothing else", job.title()))
            .with_hint("give a URL that leads to the server itself: `--migrate-url URL`")
    } else {
        Error::invalid_input(format!("{} can't share one transaction with others", job.title()))
            .with_hint("run without `--tx-mode all`")
    };
    Err(error.with_context("version", version).with_context("place", job.place(None)))
}
