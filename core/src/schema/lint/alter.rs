//! What `ALTER TABLE` does.

use crate::schema::lint::cursor::Cursor;
use crate::schema::lint::table::{Column, Constraint, column, table_constraint, type_name};
use crate::schema::text::Token;
use crate::schema::text::split_at_commas;

/// Is one thing that an `ALTER TABLE` does.
#[derive(Debug)]
pub(super) enum Action<'t, 'a> {
    AddColumn {
        column: Column<'t, 'a>,
        if_not_exists: bool,
    },
    DropColumn {
        name: String,
        cascade: bool,
    },
    ChangeType {
        column: String,
        ty: String,
        using: bool,
    },
    SetNotNull {
        column: String,
    },
    AddConstraint(Constraint<'t, 'a>),
    ValidateConstraint {
        name: String,
    },
    DropConstraint {
        name: String,
        cascade: bool,
    },
    RenameTable {
        to: String,
    },
    RenameColumn {
        from: String,
    },
    RenameConstraint,
    MoveToSchema,
    /// Writes the table anew.
    Rewrite {
        what: &'static str,
    },
    AttachPartition,
    DetachPartition {
        concurrently: bool,
    },
    DisableTrigger,
    Other,
}

/// Reads the actions of an `ALTER TABLE`, from behind the table's name.
pub(super) fn alter_table<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Vec<Action<'t, 'a>> {
    cursor.eat_symbol("*");
    let parts: Vec<&'t [Token<'a>]> = split_at_commas(cursor.left);
    parts.into_iter().map(|part| action(&mut Cursor::new(part, cursor.syntax)).unwrap_or(Action::Other)).collect()
}

fn action<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Option<Action<'t, 'a>> {
    const ACTIONS: [&str; 9] = ["ADD", "DROP", "ALTER", "VALIDATE", "RENAME", "SET", "ATTACH", "DETACH", "DISABLE"];
    Some(match cursor.eat_any(&ACTIONS)? {
        "ADD" => {
            let column_word = cursor.eat("COLUMN");
            let if_not_exists = cursor.eat("IF NOT EXISTS");
            let mut ahead = *cursor;
            match if column_word { None } else { table_constraint(&mut ahead) } {
                Some(constraint) => Action::AddConstraint(constraint),
                None => Action::AddColumn { column: column(cursor)?, if_not_exists },
            }
        }
        "DROP" => {
            let constraint = cursor.eat("CONSTRAINT");
            cursor.eat("COLUMN");
            cursor.eat("IF EXISTS");
            let name = cursor.word()?;
            let cascade = cursor.has("CASCADE");
            if constraint { Action::DropConstraint { name, cascade } } else { Action::DropColumn { name, cascade } }
        }
        "ALTER" => alter_column(cursor)?,
        "VALIDATE" => {
            cursor.eat("CONSTRAINT");
            Action::ValidateConstraint { name: cursor.word()? }
        }
        "RENAME" => {
            if cursor.eat("TO") {
                Action::RenameTable { to: cursor.word()? }
            } else if cursor.eat("CONSTRAINT") {
                Action::RenameConstraint
            } else {
                cursor.eat("COLUMN");
                Action::RenameColumn { from: cursor.word()? }
            }
        }
        "SET" if cursor.at("SCHEMA") => Action::MoveToSchema,
        "SET" if cursor.at("TABLESPACE") => Action::Rewrite { what: "SET TABLESPACE" },
        "SET" if cursor.at("LOGGED") => Action::Rewrite { what: "SET LOGGED" },
        "SET" if cursor.at("UNLOGGED") => Action::Rewrite { what: "SET UNLOGGED" },
        "SET" if cursor.at("ACCESS") => Action::Rewrite { what: "SET ACCESS METHOD" },
        "ATTACH" => Action::AttachPartition,
        "DETACH" => Action::DetachPartition { concurrently: cursor.has("CONCURRENTLY") || cursor.has("FINALIZE") },
        "DISABLE" if cursor.at("TRIGGER") => Action::DisableTrigger,
        _ => return None,
    })
}

fn alter_column<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Option<Action<'t, 'a>> {
    if cursor.eat("CONSTRAINT") {
        return None;
    }
    cursor.eat("COLUMN");
    let name = cursor.word()?;
    if cursor.eat("SET NOT NULL") {
        return Some(Action::SetNotNull { column: name });
    }
    if cursor.eat("SET DATA TYPE") || cursor.eat("TYPE") {
        let ty = type_name(cursor.until(&["COLLATE", "USING"]));
        return Some(Action::ChangeType { column: name, ty, using: cursor.has("USING") || cursor.has("COLLATE") });
    }
    None
}
