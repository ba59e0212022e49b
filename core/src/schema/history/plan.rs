//! What leads from what is to what is wanted.

use super::History;
use super::findings::Finding;
use crate::schema::text::{self, statements};
use crate::schema::{
    BackupMode, Entry, Metadata, Plan, RunOptions, SchemaFault, Script, Step, Target, TxMode, Version, Way,
};
use crate::{Error, Result};

impl History<'_> {
    /// Plans an upgrade.
    ///
    /// # Errors
    ///
    /// What [`findings`](Self::findings) says is wrong, the faults [`ScriptChanged`](SchemaFault::ScriptChanged),
    /// [`Unfinished`](SchemaFault::Unfinished) and [`UnknownTarget`](SchemaFault::UnknownTarget), and
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a target or a transaction mode that can't be.
    pub(crate) fn plan_up(&self, target: &Target, options: &RunOptions) -> Result<Plan> {
        if let Some(finding) = self.findings().first() {
            return Err(finding.error());
        }
        if let Some(changed) = self.changed().first() {
            return Err(changed_error(changed));
        }
        let versions = self.upward(target)?;
        self.check_unfinished(&versions)?;
        self.plan(versions.iter().map(|version| self.step_up(version, options)).collect(), options)
    }

    /// Plans to apply everything that is pending, whatever is wrong with it.
    pub(crate) fn plan_all(&self, options: &RunOptions) -> Result<Plan> {
        self.plan(self.pending().iter().map(|version| self.step_up(version, options)).collect(), options)
    }

    /// Plans a downgrade. Versions that this build doesn't know go down by the scripts that the ledger keeps, if the options say
    /// so.
    ///
    /// # Errors
    ///
    /// The faults [`UnknownTarget`](SchemaFault::UnknownTarget), [`Unfinished`](SchemaFault::Unfinished),
    /// [`Newer`](SchemaFault::Newer), [`NoDown`](SchemaFault::NoDown) and [`ScriptChanged`](SchemaFault::ScriptChanged), and
    /// what is so wrong that no order can be told.
    pub(crate) fn plan_down(&self, target: &Target, options: &RunOptions) -> Result<Plan> {
        self.check_order()?;
        let versions = self.downward(target)?;
        self.plan_back(&versions, options)
    }

    /// Plans to take back one version.
    ///
    /// # Errors
    ///
    /// As [`plan_down`](Self::plan_down), and the fault [`NotNewest`](SchemaFault::NotNewest) if applied versions are built upon
    /// it.
    pub(crate) fn plan_revert(&self, written: &str, options: &RunOptions) -> Result<Plan> {
        self.check_order()?;
        let version = self.find(written)?;
        if !self.is_applied(&version) {
            let message = format!("version {version} is not applied: there is nothing to take back");
            return Err(SchemaFault::UnknownTarget.error(message).with_context("version", version));
        }
        let above = self.above(&version);
        let above: Vec<&Version> = above.iter().filter(|version| self.is_applied(version)).collect();
        if !above.is_empty() {
            let message = format!("version {version} can't be taken back alone: {}", super::findings::upon(&above));
            return Err(SchemaFault::NotNewest.error(message).with_context("version", &version).with_hint(format!(
                "run `polymnia migrate downgrade {}` to take those back, too",
                self.below(&version)
            )));
        }
        self.plan_back(&[version], options)
    }

    fn plan_back(&self, versions: &[Version], options: &RunOptions) -> Result<Plan> {
        self.check_unfinished(versions)?;
        let step = |version: &Version| self.step_down(version, options);
        self.plan(versions.iter().map(step).collect::<Result<_>>()?, options)
    }

    fn plan(&self, steps: Vec<Step>, options: &RunOptions) -> Result<Plan> {
        if options.tx_mode == TxMode::All
            && let Some(alone) = steps.iter().find(|step| !step.script.metadata.run_in_transaction)
        {
            let message =
                format!("version {} can't share a transaction with others: its metadata says so", alone.version);
            return Err(Error::invalid_input(message)
                .with_context("version", &alone.version)
                .with_hint("run it with `--tx-mode file`"));
        }
        let mut applied = self.applied();
        let from = applied.last().cloned();
        for step in &steps {
            match step.direction {
                Way::Up => applied.push(step.version.clone()),
                Way::Down => applied.retain(|version| *version != step.version),
            }
        }
        let backup = match options.backup {
            BackupMode::Always => !steps.is_empty(),
            BackupMode::Auto => steps.iter().any(|step| !step.destroys.is_empty()),
            BackupMode::Never => false,
        };
        Ok(Plan { from, to: applied.pop(), steps, backup })
    }

    fn step_up(&self, version: &Version, options: &RunOptions) -> Step {
        let node = &self.nodes[version];
        let script = node.script.expect("only what the build knows is pending");
        // Whether the statements that are done are still the same is judged statement by statement, when it runs.
        self.step(script.clone(), Way::Up, node.stopped(), options)
    }

    fn step_down(&self, version: &Version, options: &RunOptions) -> Result<Step> {
        let node = &self.nodes[version];
        let reverting = self.is_reverting(version);
        let script = match (node.script, node.entry) {
            // It goes on. A statement that failed may have been mended; those that are done must be the same.
            (Some(script), _) if reverting && !options.use_stored_down => script.clone(),
            (script, Some(entry)) if reverting => stored(script, entry, self.dialect()),
            (_, Some(entry)) if options.use_stored_down && entry.down.is_some() => {
                stored(node.script, entry, self.dialect())
            }
            (Some(script), _) => {
                if let Some(changed) = self.change(version) {
                    return Err(changed_error(&changed).with_hint(format!(
                        "its down script may not fit what was applied: take the stored one by `--use-stored-down`, or accept \
                         the script by `polymnia migrate repair`, having looked at {}",
                        changed.folder
                    )));
                }
                script.clone()
            }
            (None, Some(entry)) if entry.down.is_some() => {
                let message =
                    format!("version {version} is not known to this build, which takes it back by a stored script");
                return Err(SchemaFault::Newer
                    .error(message)
                    .with_context("version", version)
                    .with_hint("use the build that applied it, or allow the stored script by `--use-stored-down`"));
            }
            _ => return Err(no_down(version)),
        };
        if statements(&script.down, self.syntax()).is_empty() && text::noop_reason(&script.down).is_none() {
            return Err(no_down(version));
        }
        Ok(self.step(script, Way::Down, reverting, options))
    }

    fn step(&self, script: Script, direction: Way, resumes: bool, options: &RunOptions) -> Step {
        let syntax = self.syntax();
        let text = match direction {
            Way::Up => &script.up,
            Way::Down => &script.down,
        };
        let statements = statements(text, syntax).len();
        let in_one = if script.metadata.rebuild && syntax == text::Syntax::Sqlite {
            true // The engine puts all of a rebuild into one transaction.
        } else {
            script.metadata.run_in_transaction && options.tx_mode != TxMode::None
        };
        Step {
            version: script.version.clone(),
            name: script.name.clone(),
            direction,
            statements: u32::try_from(statements).unwrap_or(u32::MAX),
            transactional: in_one,
            destroys: text::destructions(text, syntax),
            resumes,
            script,
        }
    }

    /// Refuses to leave a migration half-done while others run. One that goes the other way is never among the versions.
    fn check_unfinished(&self, versions: &[Version]) -> Result<()> {
        match self.unfinished().iter().find(|version| !versions.contains(version)) {
            Some(left) => Err(self.unfinished_finding(left).error()),
            None => Ok(()),
        }
    }

    /// Refuses to record anything while a migration is half-done: that is for `resolve` to say.
    pub(crate) fn check_finished(&self) -> Result<()> {
        self.check_unfinished(&[])
    }

    /// Says what a migration that stopped half-way waits for.
    pub(crate) fn unfinished_finding(&self, version: &Version) -> Finding {
        let node = &self.nodes[version];
        let entry = node.entry.expect("what is unfinished is recorded");
        let (doing, go_on) = if node.stopped() {
            ("applying", "run `polymnia migrate upgrade` to go on".to_owned())
        } else {
            ("taking back", format!("run `polymnia migrate downgrade {}` to go on", self.below(version)))
        };
        Finding {
            fault: SchemaFault::Unfinished,
            versions: vec![version.clone()],
            message: format!(
                "{doing} version {version} stopped after statement {} of {}",
                entry.done, entry.statements
            ),
            hint: format!(
                "{go_on}, or mend it by hand and run `polymnia migrate resolve {version} --applied` or `--rolled-back`"
            ),
        }
    }

    /// Refuses what leaves no order to go by.
    pub(crate) fn check_order(&self) -> Result<()> {
        let hopeless =
            |fault| matches!(fault, SchemaFault::NotAdopted | SchemaFault::Malformed | SchemaFault::Duplicate);
        match self.findings().iter().find(|finding| hopeless(finding.fault)) {
            Some(finding) => Err(finding.error()),
            None => Ok(()),
        }
    }

    /// Returns what to write to go below a version: one of its parents, or `base`.
    fn below(&self, version: &Version) -> String {
        let parents = self.parents(version);
        parents.iter().rfind(|parent| self.is_applied(parent)).map_or_else(|| "base".to_owned(), ToString::to_string)
    }
}

/// Returns the error for an applied script that has changed since.
pub(super) fn changed_error(changed: &crate::schema::ChangedScript) -> Error {
    let version = &changed.version;
    SchemaFault::ScriptChanged
        .error(format!("the script of version {version} is not the one that was applied"))
        .with_context("version", version)
        .with_context("place", format!("{}/up.sql", changed.folder))
        .with_context("diff", &changed.diff)
        .with_hint("put it back as it was and write a new migration, or accept it by `polymnia migrate repair`")
}

fn no_down(version: &Version) -> Error {
    SchemaFault::NoDown
        .error(format!("there is no script that takes back version {version}"))
        .with_context("version", version)
        .with_hint("restore a backup from before it: `polymnia backup restore PATH`")
}

/// Returns the script that the ledger keeps.
fn stored(known: Option<&Script>, entry: &Entry, dialect: &str) -> Script {
    Script {
        version: entry.version.clone(),
        name: entry.name.clone(),
        up: entry.up.clone().unwrap_or_default(),
        down: entry.down.clone().unwrap_or_default(),
        metadata: Metadata {
            run_in_transaction: entry.run_in_transaction,
            parents: entry.parents.clone(),
            compatibility: entry.compatibility,
            rebuild: entry.rebuild,
            apart: std::collections::BTreeMap::new(),
        },
        delta: entry.delta.clone(),
        folder: known.map_or_else(|| format!("ledger/{dialect}/{}", entry.version), |script| script.folder.clone()),
    }
}
