//! What our own migrations keep to, so that they do the same on every dialect, and on a distributed engine.

use crate::schema::lint::alter::Action;
use crate::schema::lint::cursor::calls;
use crate::schema::lint::name::Name;
use crate::schema::lint::rule;
use crate::schema::lint::script::{Found, Step};
use crate::schema::lint::shape::Shape;
use crate::schema::lint::table::{Column, Constraint, Kind, Table};
use crate::schema::text::Syntax;

/// The longest name of a constraint, in bytes: a distributed engine adds a shard's number to it.
const MAX_NAME_BYTES: usize = 50;

pub(super) fn check(step: &Step<'_, '_>, found: &mut Found) {
    let postgres = step.syntax == Syntax::Postgres;
    match step.shape {
        Shape::CreateTable(table) => {
            named(step, &table.name, found);
            create_table(step, table, found);
        }
        Shape::CreateIndex(index) => {
            if let Some(name) = &index.name {
                named(step, name, found);
                name_fits(Some(name.last()), &index.table, found);
            }
            let keyless = index.unique && step.world.is_tenant(&index.table) && !index.columns.iter().any(is_namespace);
            found.report_if(postgres && keyless, &rule::OWN_KEY, || {
                format!("makes a unique index of {} without namespace", index.table)
            });
        }
        Shape::Create { what, name, .. } => {
            if let Some(name) = name.as_ref().filter(|_| !matches!(what.as_str(), "schema" | "extension")) {
                named(step, name, found);
            }
            match what.as_str() {
                "trigger" | "rule" | "event trigger" if postgres => {
                    found.report(&rule::OWN_TRIGGER, format!("makes a {what}"));
                }
                "function" | "procedure" | "aggregate" => found.report(&rule::OWN_FUNCTION, format!("makes a {what}")),
                _ => {}
            }
        }
        Shape::Do => found.report(&rule::OWN_FUNCTION, "runs a DO block"),
        Shape::AlterTable { table, actions } => {
            let column_with_constraint = |action: &Action<'_, '_>| matches!(action, Action::AddColumn { column, .. } if !column.constraints.is_empty());
            let several = actions.len() > 1 || actions.iter().any(column_with_constraint);
            found.report_if(postgres && several, &rule::OWN_ONE_CHANGE, || format!("changes {table} in several ways"));
            for action in actions {
                alter(step, table, action, found);
            }
        }
        Shape::Update { .. } | Shape::Delete { .. } | Shape::Write { .. } if postgres => volatile(step, found),
        _ => {}
    }
}

fn create_table(step: &Step<'_, '_>, table: &Table<'_, '_>, found: &mut Found) {
    let name = &table.name;
    let ordinary = table.module.is_none() && !table.temporary && !table.partition;
    if step.syntax == Syntax::Sqlite {
        found.report_if(ordinary && !table.strict, &rule::OWN_STRICT, || format!("makes {name} without STRICT"));
    }
    for column in &table.columns {
        column_fits(step, name, column, found);
    }
    for constraint in all_constraints(table) {
        constraint_fits(step, name, constraint, found);
    }
    if step.syntax == Syntax::Postgres && ordinary {
        keys(table, found);
    }
}

/// Every table has a primary key; one with a namespace has it there, first, and in every other key.
fn keys(table: &Table<'_, '_>, found: &mut Found) {
    let name = &table.name;
    let primary = all_constraints(table).find(|constraint| constraint.kind == Kind::PrimaryKey);
    let Some(primary) = primary else {
        found.report(&rule::OWN_KEY, format!("makes {name} without a primary key"));
        return;
    };
    let Some(namespace) = table.columns.iter().find(|column| is_namespace(&column.name)) else { return };
    let first = primary.columns.first().is_some_and(is_namespace);
    found.report_if(!first || !namespace.not_null, &rule::OWN_KEY, || {
        format!("makes {name} whose primary key doesn't begin with a namespace that is NOT NULL")
    });
}

fn alter(step: &Step<'_, '_>, table: &Name, action: &Action<'_, '_>, found: &mut Found) {
    match action {
        Action::AddColumn { column, .. } => {
            column_fits(step, table, column, found);
            let serial = column.identity && step.syntax == Syntax::Postgres;
            found.report_if(serial, &rule::OWN_SERIAL, || format!("adds the identity {} to {table}", column.name));
            for constraint in &column.constraints {
                constraint_fits(step, table, constraint, found);
            }
        }
        Action::AddConstraint(constraint) => constraint_fits(step, table, constraint, found),
        Action::RenameConstraint if step.syntax == Syntax::Postgres => {
            found.report(&rule::OWN_RENAME_CONSTRAINT, format!("renames a constraint of {table}"));
        }
        _ => {}
    }
}

fn column_fits(step: &Step<'_, '_>, table: &Name, column: &Column<'_, '_>, found: &mut Found) {
    if step.syntax == Syntax::Sqlite {
        return;
    }
    let name = &column.name;
    let text = ["text", "varchar", "character", "char", "citext"].iter().any(|ty| {
        column.ty.strip_prefix(ty).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    found.report_if(text && column.collation.as_deref() != Some("C"), &rule::OWN_COLLATION, || {
        format!("{name} of {table} has the database's collation")
    });
    found.report_if(column.ty.contains("serial"), &rule::OWN_SERIAL, || format!("{name} of {table} is {}", column.ty));
}

fn constraint_fits(step: &Step<'_, '_>, table: &Name, constraint: &Constraint<'_, '_>, found: &mut Found) {
    let postgres = step.syntax == Syntax::Postgres;
    // An INTEGER PRIMARY KEY of SQLite is the row's number, and nothing that can be violated.
    let rowid = !postgres && constraint.kind == Kind::PrimaryKey && constraint.columns.len() == 1;
    if !(rowid && constraint.name.is_none()) {
        name_fits(constraint.name.as_deref(), table, found);
    }
    found.report_if(constraint.kind == Kind::Exclude, &rule::OWN_TRIGGER, || {
        format!("adds an exclusion constraint to {table}")
    });
    let tenant = || {
        let made = matches!(step.shape, Shape::CreateTable(made) if made.columns.iter().any(|c| is_namespace(&c.name)));
        made || step.world.is_tenant(table)
    };
    let has_namespace = constraint.columns.iter().any(is_namespace);
    match constraint.kind {
        Kind::Unique if postgres && tenant() && !has_namespace && !constraint.using_index => {
            found.report(&rule::OWN_KEY, format!("a unique constraint of {table} is without namespace"));
        }
        Kind::ForeignKey => {
            let action = constraint.on_delete.is_none_or(|action| matches!(action, "CASCADE" | "NO ACTION"));
            found.report_if(!has_namespace || !action, &rule::OWN_FOREIGN_KEY, || {
                format!("a foreign key of {table} is not from namespace to namespace")
            });
        }
        _ => {}
    }
}

fn name_fits(name: Option<&str>, table: &Name, found: &mut Found) {
    match name {
        None => found.report(&rule::OWN_CONSTRAINT_NAME, format!("a constraint of {table} has no name")),
        Some(name) => found.report_if(name.len() > MAX_NAME_BYTES, &rule::OWN_CONSTRAINT_NAME, || {
            format!("{name} has {} bytes", name.len())
        }),
    }
}

fn named(step: &Step<'_, '_>, name: &Name, found: &mut Found) {
    let fits = match step.syntax {
        Syntax::Sqlite => name.last().starts_with("polymnia_"),
        Syntax::Postgres => name.qualifier() == Some("polymnia"),
    };
    found.report_if(!fits, &rule::OWN_NAME, || format!("makes {name}"));
}

fn volatile(step: &Step<'_, '_>, found: &mut Found) {
    const VOLATILE: [&str; 9] = [
        "now",
        "random",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "gen_random_uuid",
        "uuidv7",
        "nextval",
        "timeofday",
    ];
    const WORDS: [&str; 4] = ["current_timestamp", "localtimestamp", "current_date", "ctid"];
    let merge = matches!(step.shape, Shape::Write { what: "MERGE" });
    let call = calls(step.tokens).find(|call| VOLATILE.iter().any(|name| call.is(name)));
    let word = step.tokens.iter().find(|token| WORDS.iter().any(|word| token.is(word)));
    if let Some(token) = call.or(word) {
        found.report(&rule::OWN_VOLATILE, format!("writes by {}", token.text));
    } else if merge {
        found.report(&rule::OWN_VOLATILE, "writes by MERGE");
    }
}

fn all_constraints<'x, 't, 'a>(table: &'x Table<'t, 'a>) -> impl Iterator<Item = &'x Constraint<'t, 'a>> {
    table.constraints.iter().chain(table.columns.iter().flat_map(|column| &column.constraints))
}

fn is_namespace(name: &String) -> bool {
    name == "namespace"
}
