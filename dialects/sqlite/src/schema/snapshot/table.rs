//! Tables, with their columns and constraints.

use polymnia::Result;
use polymnia::schema::{ObjectKind, ObjectName, Snapshot};

use super::create::{self, Created, Reference, Rule};
use super::{object, trigger};
use crate::connection::Connection;
use crate::schema::catalog::{Table, unquoted};
use crate::schema::normal::{expression, name, text, words};
use crate::schema::sql;
use crate::statement::Value;

/// Is a column as `pragma_table_xinfo` lists it.
struct Listed {
    name: String,
    declared: String,
    not_null: bool,
    default: Option<String>,
    in_key: bool,
    hidden: i64,
}

/// Adds a table with its columns and constraints. `statement` made it.
pub(super) fn read(connection: &mut Connection, table: &Table, statement: &str, snapshot: &mut Snapshot) -> Result<()> {
    let created = create::read(&words(statement));
    let shown = name(&table.name);
    let options: Vec<&str> = [(table.strict, "strict"), (table.without_rowid, "without rowid")]
        .into_iter()
        .filter(|o| o.0)
        .map(|o| o.1)
        .collect();
    let options = Some(options.join(", ")).filter(|options| !options.is_empty());
    snapshot.0.insert(ObjectName::of(ObjectKind::Table, &shown), object(&table.name, [("options", options)]));
    let columns = columns(connection, &table.name)?;
    let rowid = rowid(table, &columns, &created);
    for column in &columns {
        let said = created.columns.iter().find(|said| said.name.eq_ignore_ascii_case(&column.name));
        let is_rowid = rowid == Some(column.name.as_str());
        let identity = match said {
            _ if !is_rowid => None,
            Some(said) if said.autoincrement => Some("autoincrement"),
            _ => Some("rowid"),
        };
        let of = object(
            &table.name,
            [
                ("type", Some(text(&words(&column.declared)))),
                ("nullable", Some((!column.not_null && !is_rowid).to_string())),
                ("default", column.default.as_deref().map(|default| expression(&words(default)))),
                ("generated", said.and_then(|said| said.generated.clone())),
                ("identity", identity.map(str::to_owned)),
                ("collation", said.and_then(|said| said.collation.clone()).filter(|collation| collation != "binary")),
            ],
        );
        snapshot.0.insert(ObjectName::within(&shown, ObjectKind::Column, &column.name), of);
    }
    constraints(table, &shown, created, snapshot);
    Ok(())
}

/// Adds a table of a module with its columns.
pub(super) fn read_virtual(
    connection: &mut Connection,
    table: &Table,
    statement: &str,
    snapshot: &mut Snapshot,
) -> Result<()> {
    let tokens = words(statement);
    let using = trigger::name_end(&tokens, "table");
    let module = tokens.get(using + 1).map(|token| unquoted(token).to_ascii_lowercase());
    let open = tokens.get(using + 2).filter(|token| token.is_symbol("("));
    let arguments = open.map(|open| {
        let inner = &statement[open.end()..];
        inner.rfind(')').map_or(inner, |end| &inner[..end]).trim().to_owned()
    });
    let shown = name(&table.name);
    let of = object(&table.name, [("module", module), ("arguments", arguments)]);
    snapshot.0.insert(ObjectName::of(ObjectKind::Table, &shown), of);
    // Hidden columns are the module's own.
    for column in columns(connection, &table.name)?.into_iter().filter(|column| column.hidden != 1) {
        let of = object(
            &table.name,
            [("type", Some(text(&words(&column.declared)))), ("nullable", Some((!column.not_null).to_string()))],
        );
        snapshot.0.insert(ObjectName::within(&shown, ObjectKind::Column, &column.name), of);
    }
    Ok(())
}

fn columns(connection: &mut Connection, table: &str) -> Result<Vec<Listed>> {
    let query = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)";
    sql::rows(connection, query, &[Value::Text(table)], |row| Listed {
        name: row.text(0).to_owned(),
        declared: row.text(1).to_owned(),
        not_null: row.integer(2) == 1,
        default: sql::optional_text(row, 3),
        in_key: row.integer(4) > 0,
        hidden: row.integer(5),
    })
}

/// Returns the column that is another name of the rowid: the only one of the primary key, of type `INTEGER`.
fn rowid<'a>(table: &Table, columns: &'a [Listed], created: &Created) -> Option<&'a str> {
    let mut key = columns.iter().filter(|column| column.in_key);
    let (Some(only), None) = (key.next(), key.next()) else { return None };
    let said = created.columns.iter().find(|said| said.name.eq_ignore_ascii_case(&only.name));
    let is_rowid = !table.without_rowid
        && only.declared.eq_ignore_ascii_case("integer")
        && said.is_none_or(|said| !said.descending_key);
    is_rowid.then_some(only.name.as_str())
}

fn constraints(table: &Table, shown: &str, created: Created, snapshot: &mut Snapshot) {
    for create::Constraint { name: given, rule, on_conflict } in created.constraints {
        let unnamed = match &rule {
            Rule::PrimaryKey(_) => "(primary key)".to_owned(),
            Rule::Unique(columns) => format!("(unique {})", columns.join(", ")),
            Rule::ForeignKey { columns, .. } => format!("(foreign key {})", columns.join(", ")),
            Rule::Check(expression) => format!("(check {expression})"),
        };
        let of = match rule {
            Rule::PrimaryKey(columns) => object(
                &table.name,
                [
                    ("type", Some("primary key".to_owned())),
                    ("columns", Some(columns.join(", "))),
                    ("on_conflict", on_conflict),
                ],
            ),
            Rule::Unique(columns) => object(
                &table.name,
                [
                    ("type", Some("unique".to_owned())),
                    ("columns", Some(columns.join(", "))),
                    ("on_conflict", on_conflict),
                ],
            ),
            Rule::Check(expression) => object(
                &table.name,
                [("type", Some("check".to_owned())), ("expression", Some(expression)), ("on_conflict", on_conflict)],
            ),
            Rule::ForeignKey { columns, reference } => {
                let references = references(&reference);
                let Reference { on_delete, on_update, deferrable, .. } = reference;
                object(
                    &table.name,
                    [
                        ("type", Some("foreign key".to_owned())),
                        ("columns", Some(columns.join(", "))),
                        ("references", Some(references)),
                        ("on_delete", on_delete),
                        ("on_update", on_update),
                        ("deferrable", deferrable),
                    ],
                )
            }
        };
        // SQLite allows one name, or none, for several.
        let mut within = given.unwrap_or(unnamed);
        while snapshot.0.contains_key(&ObjectName::within(shown, ObjectKind::Constraint, &within)) {
            within.push('\'');
        }
        snapshot.0.insert(ObjectName::within(shown, ObjectKind::Constraint, within), of);
    }
}

fn references(reference: &Reference) -> String {
    let table = name(&reference.table);
    if reference.columns.is_empty() { table } else { format!("{table} ({})", reference.columns.join(", ")) }
}
