//! Reads one script of a migration, statement by statement.

use crate::schema::lint::rule::{self, Group, Rule};
use crate::schema::lint::shape::{Shape, shape};
use crate::schema::lint::world::World;
use crate::schema::lint::{Finding, both, own, postgres, sqlite};
use crate::schema::text::{self, Directive, Statement, Syntax, Token};
use crate::schema::{Script, Snapshot, Way};

/// Is a statement under the eyes of the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'s, 'a> {
    pub(super) shape: &'s Shape<'s, 'a>,
    pub(super) tokens: &'s [Token<'a>],
    pub(super) statement: &'s Statement<'a>,
    pub(super) world: &'s World<'s>,
    pub(super) script: &'s Script,
    /// Which of the two scripts: taking back destroys what was made, and nothing is said of that.
    pub(super) way: Way,
    pub(super) syntax: Syntax,
    /// Its place among the statements.
    pub(super) index: usize,
    /// The shapes of all statements of the script.
    pub(super) all: &'s [Shape<'s, 'a>],
}

impl Step<'_, '_> {
    /// Returns whether the statement and those around it share a transaction.
    pub(super) fn in_transaction(&self) -> bool {
        self.script.metadata.run_in_transaction
    }

    pub(super) fn up(&self) -> bool {
        self.way == Way::Up
    }

    pub(super) fn batched(&self) -> bool {
        self.statement.directives.iter().any(|directive| matches!(directive, Directive::Batch { .. }))
    }

    pub(super) fn is_last(&self) -> bool {
        self.index + 1 == self.all.len()
    }
}

/// Takes what the rules find in one statement.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<(&'static Rule, String)>);

impl Found {
    /// Takes one finding: what the statement does, as the beginning of a sentence.
    pub(super) fn report(&mut self, rule: &'static Rule, what: impl Into<String>) {
        self.0.push((rule, what.into()));
    }

    pub(super) fn report_if(&mut self, is_so: bool, rule: &'static Rule, what: impl FnOnce() -> String) {
        if is_so {
            self.report(rule, what());
        }
    }
}

/// Looks at the script of one direction, in the light of the schema before it.
pub(super) fn lint_direction(script: &Script, way: Way, syntax: Syntax, before: Option<&Snapshot>) -> Vec<Finding> {
    let (text, file) = match way {
        Way::Up => (&script.up, "up.sql"),
        Way::Down => (&script.down, "down.sql"),
    };
    let place = |offset: usize| {
        let (line, column) = text::place(text, offset);
        format!("{}/{file}:{line}:{column}", script.folder)
    };
    let statements = text::statements(text, syntax);
    let tokens: Vec<Vec<Token<'_>>> = statements.iter().map(|statement| meaningful(text, statement, syntax)).collect();
    let shapes: Vec<Shape<'_, '_>> = tokens.iter().map(|tokens| shape(tokens, syntax)).collect();
    let mut world = World::new(before, syntax);
    let mut findings: Vec<Finding> = text::directive_faults(text, syntax)
        .into_iter()
        .map(|fault| finding(&rule::DIRECTIVE, &fault.message, place(fault.offset), String::new(), ""))
        .collect();
    for (index, statement) in statements.iter().enumerate() {
        let step = Step {
            shape: &shapes[index],
            tokens: &tokens[index],
            statement,
            world: &world,
            script,
            way,
            syntax,
            index,
            all: &shapes,
        };
        let mut found = Found::default();
        check(&step, &mut found);
        allow(statement, &mut found);
        let number = format!("{} of {}", index + 1, statements.len());
        findings.extend(
            found
                .0
                .into_iter()
                .map(|(rule, what)| finding(rule, &what, place(statement.offset), number.clone(), statement.text)),
        );
        world.note(&shapes[index]);
    }
    findings
}

fn check(step: &Step<'_, '_>, found: &mut Found) {
    both::check(step, found);
    match step.syntax {
        Syntax::Sqlite => sqlite::check(step, found),
        Syntax::Postgres => postgres::check(step, found),
    }
    if step.script.version.prefix().is_empty() {
        own::check(step, found);
    }
}

/// Takes out what the comments before the statement allow, and finds those that allow nothing.
fn allow(statement: &Statement<'_>, found: &mut Found) {
    for directive in &statement.directives {
        let Directive::Allow { rule: name, .. } = directive else { continue };
        let Some(rule) = Rule::named(name).filter(|rule| !ABOUT_COMMENTS.contains(rule)) else {
            found.report(&rule::ALLOW_UNKNOWN, format!("there is no rule {name:?} to allow"));
            continue;
        };
        let before = found.0.len();
        found.0.retain(|(other, _)| other.name != rule.name);
        found.report_if(found.0.len() == before, &rule::ALLOW_UNUSED, || {
            format!("the statement is nothing that {name} is about")
        });
    }
}

/// The rules about comments themselves, which no comment allows.
const ABOUT_COMMENTS: [Rule; 3] = [rule::DIRECTIVE, rule::ALLOW_UNKNOWN, rule::ALLOW_UNUSED];

/// Returns the tokens of a statement without comments and without the `;` at its end, placed in the script.
fn meaningful<'a>(text: &'a str, statement: &Statement<'a>, syntax: Syntax) -> Vec<Token<'a>> {
    let mut tokens: Vec<Token<'a>> = text::tokens(&text[statement.offset..], syntax)
        .take_while(|token| token.offset < statement.text.len())
        .filter(|token| !token.is_comment())
        .collect();
    tokens.pop_if(|last| last.is_symbol(";"));
    tokens
}

fn finding(rule: &'static Rule, what: &str, place: String, statement: String, sql: &str) -> Finding {
    Finding {
        rule: rule.name,
        group: rule.group,
        severity: rule.severity,
        message: if rule.group == Group::Every && rule.why.is_empty() {
            what.to_owned()
        } else {
            format!("{what}: {}", rule.why)
        },
        instead: rule.instead.to_owned(),
        place,
        statement,
        sql: sql.lines().next().unwrap_or_default().trim_end().to_owned(),
    }
}
