//! What is dangerous on PostgreSQL: mostly what waits, makes others wait, or reads and writes a whole table meanwhile.

use crate::schema::lint::alter::Action;
use crate::schema::lint::cursor::calls;
use crate::schema::lint::name::Name;
use crate::schema::lint::rule;
use crate::schema::lint::script::{Found, Step};
use crate::schema::lint::shape::Shape;
use crate::schema::lint::table::{Column, Constraint, Kind};
use crate::schema::lint::widening::widens;
use crate::schema::text::TokenKind;

pub(super) fn check(step: &Step<'_, '_>, found: &mut Found) {
    let old = |table: &Name| step.world.is_old(table);
    match step.shape {
        Shape::CreateIndex(index) => {
            let name = index.name.as_ref().map_or_else(|| "an index".to_owned(), ToString::to_string);
            let blocks = !index.concurrently && old(&index.table);
            found.report_if(blocks, &rule::CREATE_INDEX_BLOCKS_WRITES, || format!("indexes {} by {name}", index.table));
            found.report_if(index.if_not_exists, &rule::INDEX_IF_NOT_EXISTS, || {
                format!("makes {name} unless it is there")
            });
        }
        Shape::DropIndex { names, concurrently: false, .. } => {
            for name in names.iter().filter(|name| !step.world.made_index(name)) {
                found.report(&rule::DROP_INDEX_BLOCKS, format!("drops the index {name}"));
            }
        }
        Shape::Reindex { concurrently: false } => found.report(&rule::REINDEX_BLOCKS, "builds indexes anew"),
        Shape::Refresh { view, concurrently: false } => {
            found.report(&rule::REFRESH_BLOCKS, format!("makes {} anew", shown(view.as_ref(), "a view")));
        }
        Shape::Rewrite { what, table } => {
            let table = shown(table.as_ref(), "every table");
            found.report(&rule::REWRITES_TABLE, format!("{what} of {table}"));
        }
        Shape::Truncate { tables } => {
            for table in tables.iter().filter(|table| old(table)) {
                found.report(&rule::TRUNCATE, format!("empties {table}"));
            }
        }
        Shape::Lock { tables } => {
            for table in tables.iter().filter(|table| old(table)) {
                found.report(&rule::LOCK_TABLE, format!("locks {table}"));
            }
        }
        Shape::Set { name, local } => {
            found.report_if(!local, &rule::SESSION_SETTING, || format!("sets {name} for the session"));
            found.report_if(name == "session_replication_role", &rule::DISABLE_TRIGGER, || {
                "switches triggers off for the session".to_owned()
            });
        }
        Shape::Do => found.report(&rule::OPAQUE_BLOCK, "runs a DO block"),
        Shape::AlterTable { table, actions } => {
            for action in actions {
                alter(step, table, action, found);
            }
        }
        _ => {}
    }
    new_enum_value(step, found);
}

fn alter(step: &Step<'_, '_>, table: &Name, action: &Action<'_, '_>, found: &mut Found) {
    if let Action::ValidateConstraint { name } = action {
        let same = step.in_transaction() && step.world.added_not_valid(name);
        found.report_if(same, &rule::VALIDATE_IN_SAME_TRANSACTION, || format!("validates {name} of {table}"));
    }
    if step.world.is_new(table) {
        return;
    }
    match action {
        Action::AddColumn { column, .. } => add_column(table, column, found),
        Action::ChangeType { column, ty, using } => {
            let free = !using && step.world.column(table, column, "type").is_some_and(|old| widens(old, ty));
            found.report_if(!free, &rule::ALTER_COLUMN_TYPE, || format!("makes {column} of {table} {ty}"));
        }
        Action::SetNotNull { column } => {
            let checked = step.world.is_checked_not_null(table, column);
            found.report_if(!checked, &rule::SET_NOT_NULL_SCANS, || format!("sets {column} of {table} NOT NULL"));
        }
        Action::AddConstraint(constraint) => add_constraint(table, constraint, found),
        Action::Rewrite { what } => found.report(&rule::REWRITES_TABLE, format!("{what} of {table}")),
        Action::AttachPartition => {
            found.report(&rule::ATTACH_PARTITION_SCANS, format!("attaches a partition to {table}"));
        }
        Action::DetachPartition { concurrently: false } => {
            found.report(&rule::DETACH_PARTITION_BLOCKS, format!("detaches a partition of {table}"));
        }
        Action::DisableTrigger => found.report(&rule::DISABLE_TRIGGER, format!("switches triggers of {table} off")),
        _ => {}
    }
}

fn add_column(table: &Name, column: &Column<'_, '_>, found: &mut Found) {
    let name = &column.name;
    let reason = if column.identity {
        Some("an identity".to_owned())
    } else if column.ty.contains("serial") {
        Some(column.ty.clone())
    } else if column.generated.is_some() && column.stored {
        Some("a stored expression".to_owned())
    } else {
        let mut volatile = calls(column.default.unwrap_or_default()).filter(|call| may_be_volatile(call.text));
        volatile.next().map(|call| format!("the default {}(), which may be volatile", call.text))
    };
    if let Some(reason) = reason {
        found.report(&rule::ADD_COLUMN_REWRITES, format!("adds {name} to {table} with {reason}"));
    }
    for constraint in &column.constraints {
        add_constraint(table, constraint, found);
    }
}

fn add_constraint(table: &Name, constraint: &Constraint<'_, '_>, found: &mut Found) {
    let name = constraint.name.as_deref().unwrap_or("a constraint without a name");
    match constraint.kind {
        Kind::Check | Kind::ForeignKey | Kind::NotNull => {
            found.report_if(!constraint.not_valid, &rule::CONSTRAINT_SCANS, || format!("adds {name} to {table}"));
        }
        Kind::PrimaryKey | Kind::Unique | Kind::Exclude => {
            found.report_if(!constraint.using_index, &rule::KEY_BUILDS_INDEX, || format!("adds {name} to {table}"));
        }
    }
}

fn new_enum_value(step: &Step<'_, '_>, found: &mut Found) {
    if !step.in_transaction() || matches!(step.shape, Shape::AddEnumValue { .. }) {
        return;
    }
    let used =
        step.tokens.iter().find(|token| token.kind == TokenKind::Text && step.world.added_enum_value(token.text));
    if let Some(value) = used {
        found.report(&rule::NEW_ENUM_VALUE_USED, format!("uses {}, which the same script adds", value.text));
    }
}

fn shown(name: Option<&Name>, otherwise: &str) -> String {
    name.map_or_else(|| otherwise.to_owned(), ToString::to_string)
}

/// Functions not known to be stable or immutable may be volatile: such a default is computed for every row.
fn may_be_volatile(function: &str) -> bool {
    const STEADY: [&str; 36] = [
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "current_timestamp",
        "localtimestamp",
        "current_time",
        "localtime",
        "current_setting",
        "current_schema",
        "lower",
        "upper",
        "md5",
        "sha256",
        "length",
        "coalesce",
        "nullif",
        "greatest",
        "least",
        "concat",
        "format",
        "repeat",
        "to_jsonb",
        "jsonb_build_object",
        "jsonb_build_array",
        "json_build_object",
        "json_build_array",
        "make_interval",
        "make_date",
        "make_timestamptz",
        "to_timestamp",
        "date_trunc",
        "to_tsvector",
        "decode",
        "encode",
        "abs",
        "round",
    ];
    const TYPES: [&str; 13] = [
        "varchar",
        "char",
        "character",
        "varying",
        "numeric",
        "decimal",
        "bit",
        "timestamp",
        "timestamptz",
        "time",
        "timetz",
        "interval",
        "float",
    ];
    let function = function.to_lowercase();
    !STEADY.contains(&function.as_str()) && !TYPES.contains(&function.as_str())
}
