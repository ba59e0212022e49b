//! What is dangerous on every dialect.

use crate::schema::lint::alter::Action;
use crate::schema::lint::name::Name;
use crate::schema::lint::rule;
use crate::schema::lint::script::{Found, Step};
use crate::schema::lint::shape::Shape;
use crate::schema::lint::table::{Column, Kind};
use crate::schema::lint::uses;
use crate::schema::text::Syntax;

pub(super) fn check(step: &Step<'_, '_>, found: &mut Found) {
    if let Some(word) = step.statement.transaction_word() {
        found.report(&rule::TRANSACTION_CONTROL, format!("{} stands in the script", word.to_uppercase()));
    }
    let pragma = matches!(step.shape, Shape::Pragma { .. });
    if step.in_transaction() && !pragma && step.statement.stands_alone(step.syntax) {
        let first: Vec<&str> = step.tokens.iter().take(2).map(|token| token.text).collect();
        let concurrently = step.tokens.iter().any(|token| token.is("CONCURRENTLY"));
        let what = if concurrently { " … CONCURRENTLY" } else { "" };
        found.report(&rule::NEEDS_NO_TRANSACTION, format!("{}{what} stands in a transaction", first.join(" ")));
    }
    match step.shape {
        Shape::CreateTable(table) => {
            found.report_if(table.from_query, &rule::CREATE_TABLE_AS, || format!("makes {} by a query", table.name));
            found.report_if(table.if_not_exists, &rule::IF_NOT_EXISTS, || {
                format!("makes {} unless it is there", table.name)
            });
        }
        // Of PostgreSQL's, something worse is said.
        Shape::CreateIndex(index) if index.if_not_exists && step.syntax == Syntax::Sqlite => {
            found.report(&rule::IF_NOT_EXISTS, format!("makes an index of {} unless it is there", index.table));
        }
        Shape::AlterTable { table, actions } => {
            for action in actions {
                alter(step, table, action, found);
            }
        }
        Shape::Rename { what, name } if step.up() => {
            found.report(&rule::RENAME_TABLE, format!("renames the {} {name}", what.to_lowercase()));
        }
        Shape::DropTable { names, cascade } => {
            for name in names.iter().filter(|name| step.world.is_old(name) && !made_anew(step, name)) {
                found.report_if(step.up(), &rule::DROP_TABLE, || format!("drops the table {name}"));
            }
            drop_cascade(*cascade, names, found);
        }
        Shape::Drop { what, names, cascade } => {
            let schema = matches!(what.as_str(), "schema" | "database" | "owned");
            found.report_if(schema && step.up(), &rule::DROP_SCHEMA, || format!("drops the {what} {}", listed(names)));
            drop_cascade(*cascade, names, found);
        }
        Shape::DropIndex { names, cascade, .. } => drop_cascade(*cascade, names, found),
        Shape::Delete { table: Some(table), condition } if step.world.is_old(table) => {
            if !condition {
                found.report(&rule::DELETE_ALL_ROWS, format!("deletes every row of {table}"));
            } else if !step.batched() {
                found.report(&rule::UNBATCHED_CHANGE, format!("deletes rows of {table} in one transaction"));
            }
        }
        Shape::Update { table: Some(table), condition } if step.world.is_old(table) && !step.batched() => {
            if *condition {
                found.report(&rule::UNBATCHED_CHANGE, format!("changes rows of {table} in one transaction"));
            } else {
                found.report(&rule::UPDATE_ALL_ROWS, format!("changes every row of {table} in one transaction"));
            }
        }
        Shape::Select => {
            if let Some(function) = with_effect(step) {
                found.report(&rule::SELECT_WITH_EFFECTS, format!("calls {function}"));
            }
        }
        _ => {}
    }
}

fn alter(step: &Step<'_, '_>, table: &Name, action: &Action<'_, '_>, found: &mut Found) {
    let old = step.world.is_old(table);
    match action {
        Action::AddColumn { column, if_not_exists } => {
            found.report_if(old && lacks_value(column), &rule::ADD_COLUMN_NOT_NULL, || {
                format!("adds {} NOT NULL to {table} without a default", column.name)
            });
            found.report_if(*if_not_exists, &rule::IF_NOT_EXISTS, || {
                format!("adds {} to {table} unless it is there", column.name)
            });
        }
        Action::DropColumn { name, cascade } => {
            found.report_if(old && step.up(), &rule::DROP_COLUMN, || format!("drops {name} of {table}"));
            // SQLite refuses it either way; PostgreSQL drops it all, which is right where the column is taken back.
            if step.up() || step.syntax == Syntax::Sqlite {
                let mut users = uses::of_column(step.world, table, name);
                users.retain(|user| !step.shape.drops_part(&user.name));
                found.report_if(!users.is_empty(), &rule::DROP_USED_COLUMN, || {
                    format!("drops {name} of {table}, which is used by {}", uses::listed(&users))
                });
            }
            found.report_if(*cascade, &rule::DROP_CASCADE, || format!("drops {name} of {table} with CASCADE"));
        }
        Action::DropConstraint { cascade: true, .. } => {
            found.report(&rule::DROP_CASCADE, format!("drops a constraint of {table} with CASCADE"));
        }
        Action::RenameTable { to } if old && step.up() && !step.world.dropped_table(to) => {
            found.report(&rule::RENAME_TABLE, format!("renames {table} to {to}"));
        }
        Action::MoveToSchema if old && step.up() => {
            found.report(&rule::RENAME_TABLE, format!("moves {table} to another schema"));
        }
        Action::RenameColumn { from } if old && step.up() => {
            found.report(&rule::RENAME_COLUMN, format!("renames {from} of {table}"));
        }
        _ => {}
    }
}

/// Returns whether a later statement gives a new table the name of one that is dropped: SQLite's way to change a table.
fn made_anew(step: &Step<'_, '_>, name: &Name) -> bool {
    step.syntax == Syntax::Sqlite
        && step.all[step.index..].iter().any(|shape| {
            matches!(shape, Shape::AlterTable { actions, .. }
                if matches!(&actions[..], [Action::RenameTable { to }] if to == name.last()))
        })
}

/// Returns whether a column must have a value and there is none for the rows that are there.
fn lacks_value(column: &Column<'_, '_>) -> bool {
    let made = column.generated.is_some() || column.identity || column.ty.contains("serial");
    let key = column.constraints.iter().any(|constraint| constraint.kind == Kind::PrimaryKey);
    (column.not_null || key) && column.defaults_to_null() && !made
}

fn drop_cascade(cascade: bool, names: &[Name], found: &mut Found) {
    found.report_if(cascade, &rule::DROP_CASCADE, || format!("drops {} with CASCADE", listed(names)));
}

fn listed(names: &[Name]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns the function that a query calls for its effect.
fn with_effect(step: &Step<'_, '_>) -> Option<String> {
    const EFFECTS: [&str; 13] = [
        "setval",
        "nextval",
        "set_config",
        "pg_sleep",
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_advisory_lock",
        "pg_try_advisory_lock",
        "pg_notify",
        "dblink_exec",
        "pg_reload_conf",
        "load_extension",
        "writefile",
    ];
    let mut calls = crate::schema::lint::cursor::calls(step.tokens).map(|name| name.text.to_lowercase());
    calls.find(|name| EFFECTS.contains(&name.as_str()) || name.starts_with("lo_"))
}
