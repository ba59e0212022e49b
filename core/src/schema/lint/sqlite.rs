//! What is dangerous on SQLite: mostly what `ALTER TABLE` can't do, and what foreign keys do to a table that is made anew.

use crate::schema::lint::alter::Action;
use crate::schema::lint::cursor::Cursor;
use crate::schema::lint::name::Name;
use crate::schema::lint::rule;
use crate::schema::lint::script::{Found, Step};
use crate::schema::lint::shape::Shape;
use crate::schema::lint::stock;
use crate::schema::lint::table::{Column, Kind, Table};
use crate::schema::lint::uses;
use crate::schema::text::{Token, TokenKind};

pub(super) fn check(step: &Step<'_, '_>, found: &mut Found) {
    rebuild_pragmas(step, found);
    match step.shape {
        Shape::Pragma { name } => pragma(step, name, found),
        Shape::CreateTable(table) => table_is_stock(table, found),
        Shape::CreateIndex(index) => {
            let mut body = Cursor::new(index.body, step.syntax);
            let columns = body.group().unwrap_or_default();
            is_stock(columns, found);
            is_stock(body.left, found);
        }
        Shape::Create { what, body, .. } if matches!(what.as_str(), "trigger" | "view") => is_stock(body, found),
        Shape::DropTable { names, .. } => {
            for name in names {
                drop_table(step, name, found);
            }
        }
        Shape::AlterTable { table, actions } => {
            for action in actions {
                alter(step, table, action, found);
            }
        }
        _ => {}
    }
}

fn alter(step: &Step<'_, '_>, table: &Name, action: &Action<'_, '_>, found: &mut Found) {
    match action {
        Action::AddColumn { column, .. } if step.world.is_old(table) => {
            if let Some(reason) = refused(column) {
                found.report(&rule::ADD_COLUMN_REFUSED, format!("adds {} to {table} {reason}", column.name));
            }
            column_is_stock(column, found);
        }
        Action::AddColumn { column, .. } => column_is_stock(column, found),
        Action::RenameTable { to } if step.world.dropped_table(to) => {
            found.report_if(!step.script.metadata.rebuild, &rule::REBUILD_WITHOUT_FLAG, || {
                format!("makes the table {to} anew")
            });
            let to = Name::new(None, to.clone());
            let lost: Vec<_> =
                uses::beside(step.world, &to).into_iter().filter(|name| !made_again(step, &name.name)).collect();
            found.report_if(!lost.is_empty(), &rule::REBUILD_LOSES, || {
                format!("makes the table {to} anew without {}", uses::listed(&lost))
            });
        }
        _ => {}
    }
    if let Action::RenameTable { .. } = action
        && step.world.is_old(table)
        && step.all.iter().any(|shape| matches!(shape, Shape::CreateTable(made) if made.name.meets(table)))
    {
        found.report(&rule::REBUILD_RENAMES_OLD, format!("renames {table} away and makes it anew"));
    }
}

/// Returns whether a later statement makes an index or a trigger of a name.
fn made_again(step: &Step<'_, '_>, name: &str) -> bool {
    step.all[step.index..].iter().any(|shape| match shape {
        Shape::CreateIndex(index) => index.name.as_ref().is_some_and(|made| made.last() == name),
        Shape::Create { what, name: Some(made), .. } => what == "trigger" && made.last() == name,
        _ => false,
    })
}

fn drop_table(step: &Step<'_, '_>, table: &Name, found: &mut Found) {
    if step.script.metadata.rebuild || step.world.is_new(table) || step.world.renamed_table(table) {
        return;
    }
    let children = uses::leading_to(step.world, table);
    if !children.is_empty() {
        found.report(
            &rule::DROP_TABLE_DELETES_CHILDREN,
            format!("drops {table}, which is pointed at by {}", uses::listed(&children)),
        );
    } else if step.world.before.is_none() && step.up() {
        found.report(&rule::DROP_TABLE_DELETES_CHILDREN, format!("drops {table}, and what points at it isn't known"));
    }
}

/// Says what SQLite refuses of a column that is added.
fn refused(column: &Column<'_, '_>) -> Option<&'static str> {
    let kinds = |kind| column.constraints.iter().any(|constraint| constraint.kind == kind);
    if kinds(Kind::PrimaryKey) {
        Some("as PRIMARY KEY")
    } else if kinds(Kind::Unique) {
        Some("as UNIQUE")
    } else if kinds(Kind::ForeignKey) && !column.defaults_to_null() {
        Some("with a foreign key and a default")
    } else if column.generated.is_some() && column.stored {
        Some("as a stored expression")
    } else if !column.defaults_to_null() && column.default.is_some_and(|default| !is_constant(default)) {
        Some("with a default that isn't constant")
    } else {
        None
    }
}

/// A default in parentheses is an expression to SQLite, whatever stands in it; a time is none that is constant.
fn is_constant(default: &[Token<'_>]) -> bool {
    const TIMES: [&str; 3] = ["CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"];
    default.first().is_none_or(|first| !first.is_symbol("(") && !TIMES.iter().any(|word| first.is(word)))
}

fn pragma(step: &Step<'_, '_>, name: &str, found: &mut Found) {
    const IN_TRANSACTION: [&str; 8] = [
        "user_version",
        "application_id",
        "defer_foreign_keys",
        "foreign_key_check",
        "integrity_check",
        "quick_check",
        "optimize",
        "incremental_vacuum",
    ];
    if name == "writable_schema" {
        found.report(&rule::WRITABLE_SCHEMA, "lets the schema be written by hand");
        return;
    }
    let rebuild = step.script.metadata.rebuild;
    let around = rebuild && (step.index == 0 || step.is_last()) && name == "foreign_keys";
    let inside = step.in_transaction() || (rebuild && !around);
    found.report_if(inside && !IN_TRANSACTION.contains(&name), &rule::PRAGMA_IN_TRANSACTION, || {
        format!("PRAGMA {name} stands in a transaction")
    });
}

fn rebuild_pragmas(step: &Step<'_, '_>, found: &mut Found) {
    if !step.script.metadata.rebuild {
        return;
    }
    let pragma = step.statement.foreign_keys_pragma();
    let what = if step.index == 0 && step.in_transaction() {
        "makes a table anew in a transaction of the tool"
    } else if step.index == 0 && pragma != Some(false) {
        "makes a table anew and doesn't begin with foreign keys off"
    } else if step.is_last() && pragma != Some(true) {
        "makes a table anew and doesn't end with foreign keys on"
    } else {
        return;
    };
    found.report(&rule::REBUILD_PRAGMAS, what);
}

fn table_is_stock(table: &Table<'_, '_>, found: &mut Found) {
    if let Some((module, arguments)) = &table.module {
        for what in stock::of_module(module, arguments) {
            found.report(&rule::FUNCTION_NOT_STOCK, format!("{} needs {what}", table.name));
        }
    }
    for column in &table.columns {
        column_is_stock(column, found);
    }
    for constraint in &table.constraints {
        is_stock(constraint.expression, found);
    }
}

fn column_is_stock(column: &Column<'_, '_>, found: &mut Found) {
    for expression in [column.default, column.generated].into_iter().flatten() {
        is_stock(expression, found);
    }
    for constraint in &column.constraints {
        is_stock(constraint.expression, found);
    }
    if let Some(collation) = column.collation.as_deref().filter(|name| !stock::is_collation(name)) {
        found.report(&rule::FUNCTION_NOT_STOCK, format!("the schema needs the collation {collation}"));
    }
}

fn is_stock(tokens: &[Token<'_>], found: &mut Found) {
    for function in stock::calls_of_others(tokens) {
        found.report(&rule::FUNCTION_NOT_STOCK, format!("the schema needs the function {function}"));
    }
    for pair in tokens.windows(2).filter(|pair| pair[0].is("COLLATE") && pair[1].kind == TokenKind::Word) {
        let collation = pair[1].text.to_lowercase();
        found.report_if(!stock::is_collation(&collation), &rule::FUNCTION_NOT_STOCK, || {
            format!("the schema needs the collation {collation}")
        });
    }
}
