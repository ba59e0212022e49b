//! What `CREATE TABLE` says beyond the catalog's pragmas: names of constraints, checks, collations, generated values.
//!
//! SQLite keeps the statement and has accepted it, so this reads what is right and passes over what it doesn't know.

use polymnia::schema::text::{Token, split_at_commas};

use crate::schema::catalog::unquoted;
use crate::schema::normal::{expression, group, name, text};

/// Is what a statement says of a table.
#[derive(Debug, Default)]
pub(super) struct Created {
    pub(super) columns: Vec<Column>,
    pub(super) constraints: Vec<Constraint>,
}

/// Is what a statement says of a column, but for its constraints.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) collation: Option<String>,
    pub(super) generated: Option<String>,
    pub(super) autoincrement: bool,
    /// Whether its primary key is in descending order, for then it is not the rowid.
    pub(super) descending_key: bool,
}

/// Is a constraint.
#[derive(Debug)]
pub(super) struct Constraint {
    pub(super) name: Option<String>,
    pub(super) rule: Rule,
    pub(super) on_conflict: Option<String>,
}

/// Says what a constraint demands.
#[derive(Debug)]
pub(super) enum Rule {
    PrimaryKey(Vec<String>),
    Unique(Vec<String>),
    Check(String),
    ForeignKey { columns: Vec<String>, reference: Reference },
}

/// Is where a foreign key leads.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) table: String,
    /// Without them, the primary key is meant.
    pub(super) columns: Vec<String>,
    pub(super) on_delete: Option<String>,
    pub(super) on_update: Option<String>,
    pub(super) deferrable: Option<String>,
}

/// Reads the tokens of a `CREATE TABLE`.
pub(super) fn read(tokens: &[Token<'_>]) -> Created {
    let mut created = Created::default();
    let Some(start) = tokens.iter().position(|token| token.is_symbol("(")) else { return created };
    let end = start + group(&tokens[start..]);
    for item in split_at_commas(&tokens[start + 1..end.saturating_sub(1).max(start + 1)]) {
        let mut reader = Reader { rest: item };
        if !reader.begins_constraint() {
            let column = reader.column(&mut created.constraints);
            created.columns.push(column);
        }
        // A comma between constraints of a table may be missing.
        while let Some(constraint) = reader.table_constraint() {
            created.constraints.push(constraint);
        }
    }
    created
}

struct Reader<'a, 's> {
    rest: &'a [Token<'s>],
}

impl<'a, 's> Reader<'a, 's> {
    fn begins_constraint(&self) -> bool {
        const WORDS: [&str; 5] = ["constraint", "primary", "unique", "check", "foreign"];
        self.rest.first().is_some_and(|token| WORDS.iter().any(|word| token.is(word)))
    }

    fn column(&mut self, constraints: &mut Vec<Constraint>) -> Column {
        let mut column = Column { name: self.name().unwrap_or_default(), ..Column::default() };
        let mut named = None;
        while let Some(token) = self.rest.first() {
            let before = constraints.len();
            if self.take("constraint") {
                named = self.name();
                continue;
            }
            let own = || vec![name(&column.name.to_ascii_lowercase())];
            if self.take("primary") {
                self.take("key");
                let columns = own();
                column.descending_key = self.take("desc");
                self.take("asc");
                let on_conflict = self.on_conflict();
                column.autoincrement = self.take("autoincrement");
                constraints.push(Constraint { name: None, rule: Rule::PrimaryKey(columns), on_conflict });
            } else if self.take("unique") {
                let rule = Rule::Unique(own());
                constraints.push(Constraint { name: None, rule, on_conflict: self.on_conflict() });
            } else if self.take("check") {
                let rule = Rule::Check(expression(self.group()));
                constraints.push(Constraint { name: None, rule, on_conflict: self.on_conflict() });
            } else if token.is("references") {
                let rule = Rule::ForeignKey { columns: own(), reference: self.reference() };
                constraints.push(Constraint { name: None, rule, on_conflict: None });
            } else if self.take("default") {
                self.default();
            } else if self.take("collate") {
                column.collation = self.name().map(|name| name.to_ascii_lowercase());
            } else if self.take("generated") {
                self.take("always");
            } else if self.take("as") {
                let expression = expression(self.group());
                let how = if self.take("stored") { "stored" } else { "virtual" };
                self.take("virtual");
                column.generated = Some(format!("{expression} {how}"));
            } else if self.take("not") || self.take("null") {
                // NOT NULL is in the catalog; its name says nothing that the column's does not.
                if self.take("null") || !self.begins_constraint() {
                    self.on_conflict();
                }
                named = None;
            } else if token.is_symbol("(") {
                self.group();
            } else {
                self.rest = &self.rest[1..];
            }
            if constraints.len() > before {
                constraints[before].name = named.take();
            }
        }
        column
    }

    fn table_constraint(&mut self) -> Option<Constraint> {
        let mut name = None;
        while let Some(token) = self.rest.first() {
            if self.take("constraint") {
                name = self.name();
                continue;
            }
            let rule = if self.take("primary") {
                self.take("key");
                Rule::PrimaryKey(self.columns())
            } else if self.take("unique") {
                Rule::Unique(self.columns())
            } else if self.take("check") {
                Rule::Check(expression(self.group()))
            } else if self.take("foreign") {
                self.take("key");
                let columns = self.columns();
                Rule::ForeignKey { columns, reference: self.reference() }
            } else if token.is_symbol("(") {
                self.group();
                continue;
            } else {
                self.rest = &self.rest[1..];
                continue;
            };
            let on_conflict = self.on_conflict();
            return Some(Constraint { name, rule, on_conflict });
        }
        None
    }

    fn reference(&mut self) -> Reference {
        let mut reference = Reference::default();
        if !self.take("references") {
            return reference;
        }
        reference.table = self.name().unwrap_or_default();
        reference.columns = self.columns();
        loop {
            if self.take("on") {
                let deletes = self.take("delete");
                if !deletes && !self.take("update") {
                    return reference;
                }
                let action = self.action();
                let place = if deletes { &mut reference.on_delete } else { &mut reference.on_update };
                *place = Some(action).filter(|action| action != "no action");
            } else if self.take("match") {
                self.name();
            } else if self.rest.len() > 1 && self.rest[0].is("not") && self.rest[1].is("deferrable") {
                self.rest = &self.rest[1..];
                self.deferrable();
            } else if self.rest.first().is_some_and(|token| token.is("deferrable")) {
                reference.deferrable = Some(self.deferrable());
            } else {
                return reference;
            }
        }
    }

    /// `SET NULL`, `SET DEFAULT`, `NO ACTION`, `CASCADE`, `RESTRICT`.
    fn action(&mut self) -> String {
        let words = if self.rest.first().is_some_and(|token| token.is("set") || token.is("no")) { 2 } else { 1 };
        let (action, rest) = self.rest.split_at(words.min(self.rest.len()));
        self.rest = rest;
        text(action)
    }

    fn deferrable(&mut self) -> String {
        self.take("deferrable");
        if self.take("initially") && self.take("deferred") {
            return "initially deferred".to_owned();
        }
        self.take("immediate");
        "initially immediate".to_owned()
    }

    fn default(&mut self) {
        if self.rest.first().is_some_and(|token| token.is_symbol("(")) {
            self.group();
            return;
        }
        let sign = self.rest.first().is_some_and(|token| token.is_symbol("-") || token.is_symbol("+"));
        self.rest = &self.rest[(1 + usize::from(sign)).min(self.rest.len())..];
    }

    fn on_conflict(&mut self) -> Option<String> {
        if !(self.rest.len() > 2 && self.rest[0].is("on") && self.rest[1].is("conflict")) {
            return None;
        }
        let action = text(&self.rest[2..3]);
        self.rest = &self.rest[3..];
        Some(action).filter(|action| action != "abort")
    }

    /// The columns in parentheses, without their quotes where they need none.
    fn columns(&mut self) -> Vec<String> {
        if self.rest.first().is_none_or(|token| !token.is_symbol("(")) {
            return Vec::new();
        }
        let group = self.group();
        let inner = &group[1..group.len().saturating_sub(1).max(1)];
        split_at_commas(inner).into_iter().map(super::index::column).collect()
    }

    fn group(&mut self) -> &'a [Token<'s>] {
        let (group, rest) = self.rest.split_at(group(self.rest));
        self.rest = rest;
        group
    }

    fn name(&mut self) -> Option<String> {
        let (token, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(unquoted(token))
    }

    fn take(&mut self, word: &str) -> bool {
        match self.rest.split_first() {
            Some((token, rest)) if token.is(word) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}
