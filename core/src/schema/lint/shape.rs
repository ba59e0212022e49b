//! What a statement does, as far as rules ask: its shape. What isn't known is [`Shape::Other`].

use crate::schema::lint::alter::{Action, alter_table};
use crate::schema::lint::cursor::Cursor;
use crate::schema::lint::name::{Name, name_of};
use crate::schema::lint::table::{Table, create_table};
use crate::schema::text::{Syntax, Token, TokenKind};

/// Is what a statement does.
#[derive(Debug)]
pub(super) enum Shape<'t, 'a> {
    CreateTable(Table<'t, 'a>),
    CreateIndex(Index<'t, 'a>),
    /// `what` is the words for it: `trigger`, `materialized view`.
    Create {
        what: String,
        name: Option<Name>,
        body: &'t [Token<'a>],
    },
    AlterTable {
        table: Name,
        actions: Vec<Action<'t, 'a>>,
    },
    AddEnumValue {
        value: &'t str,
    },
    /// Something other than a table, column or constraint is renamed.
    Rename {
        what: &'static str,
        name: Name,
    },
    DropTable {
        names: Vec<Name>,
        cascade: bool,
    },
    DropIndex {
        names: Vec<Name>,
        concurrently: bool,
        cascade: bool,
    },
    Drop {
        what: String,
        names: Vec<Name>,
        cascade: bool,
    },
    Truncate {
        tables: Vec<Name>,
    },
    Update {
        table: Option<Name>,
        condition: bool,
    },
    Delete {
        table: Option<Name>,
        condition: bool,
    },
    /// `INSERT`, `MERGE`, `COPY`: what only adds, or is seldom in a migration.
    Write {
        what: &'static str,
    },
    Select,
    Lock {
        tables: Vec<Name>,
    },
    /// Writes the whole of a table anew: `VACUUM FULL`, `CLUSTER`.
    Rewrite {
        what: &'static str,
        table: Option<Name>,
    },
    Reindex {
        concurrently: bool,
    },
    Refresh {
        view: Option<Name>,
        concurrently: bool,
    },
    Set {
        name: String,
        local: bool,
    },
    Do,
    Pragma {
        name: String,
    },
    Other,
}

/// Is an index that is made.
#[derive(Debug)]
pub(super) struct Index<'t, 'a> {
    pub(super) name: Option<Name>,
    pub(super) table: Name,
    pub(super) unique: bool,
    pub(super) concurrently: bool,
    pub(super) if_not_exists: bool,
    /// Its columns, where they are columns and not expressions.
    pub(super) columns: Vec<String>,
    /// All that stands behind the table.
    pub(super) body: &'t [Token<'a>],
}

impl Shape<'_, '_> {
    /// Returns whether it is an `ALTER TABLE` that drops a constraint or a column of a name.
    pub(super) fn drops_part(&self, part: &str) -> bool {
        let Self::AlterTable { actions, .. } = self else { return false };
        actions.iter().any(|action| {
            matches!(action, Action::DropConstraint { name, .. } | Action::DropColumn { name, .. } if name == part)
        })
    }
}

/// Returns what a statement does. Its tokens are without comments and without the `;` at the end.
pub(super) fn shape<'t, 'a>(tokens: &'t [Token<'a>], syntax: Syntax) -> Shape<'t, 'a> {
    let mut cursor = Cursor::new(tokens, syntax);
    read(&mut cursor).unwrap_or(Shape::Other)
}

fn read<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Option<Shape<'t, 'a>> {
    const STATEMENTS: [&str; 25] = [
        "CREATE", "ALTER", "DROP", "TRUNCATE", "WITH", "UPDATE", "DELETE", "INSERT", "REPLACE", "MERGE", "COPY",
        "SELECT", "VALUES", "LOCK", "VACUUM", "CLUSTER", "REINDEX", "REFRESH", "SET", "RESET", "DO", "PRAGMA", "TABLE",
        "CALL", "PERFORM",
    ];
    Some(match cursor.eat_any(&STATEMENTS)? {
        "CREATE" => create(cursor)?,
        "ALTER" => alter(cursor)?,
        "DROP" => drop(cursor),
        "TRUNCATE" => {
            cursor.eat("TABLE");
            cursor.eat("ONLY");
            Shape::Truncate { tables: cursor.names() }
        }
        "WITH" => {
            cursor.until(&["UPDATE", "DELETE", "INSERT", "SELECT", "MERGE"]);
            return read(cursor);
        }
        "UPDATE" => {
            if cursor.eat("OR") {
                cursor.next();
            }
            cursor.eat("ONLY");
            Shape::Update { table: cursor.name(), condition: cursor.has("WHERE") }
        }
        "DELETE" => {
            cursor.eat("FROM");
            cursor.eat("ONLY");
            Shape::Delete { table: cursor.name(), condition: cursor.has("WHERE") }
        }
        word @ ("INSERT" | "REPLACE" | "MERGE" | "COPY") => Shape::Write { what: word },
        "SELECT" | "VALUES" | "CALL" => Shape::Select,
        "LOCK" => {
            cursor.eat("TABLE");
            cursor.eat("ONLY");
            Shape::Lock { tables: cursor.names() }
        }
        "VACUUM" => vacuum(cursor)?,
        "CLUSTER" => Shape::Rewrite { what: "CLUSTER", table: cursor.name() },
        "REINDEX" => Shape::Reindex { concurrently: cursor.left.iter().any(|token| token.is("CONCURRENTLY")) },
        "REFRESH" => {
            cursor.eat("MATERIALIZED VIEW");
            let concurrently = cursor.eat("CONCURRENTLY");
            Shape::Refresh { view: cursor.name(), concurrently }
        }
        "SET" => {
            let local = cursor.eat("LOCAL");
            cursor.eat("SESSION");
            Shape::Set { name: cursor.name()?.to_string(), local }
        }
        "DO" => Shape::Do,
        "PRAGMA" => Shape::Pragma { name: cursor.name()?.last().to_owned() },
        _ => return None,
    })
}

fn create<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Option<Shape<'t, 'a>> {
    cursor.eat("OR REPLACE");
    let mut words = Vec::new();
    let mut unique = false;
    let mut temporary = false;
    while let Some(word) =
        cursor.eat_any(&["TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", "CONSTRAINT", "RECURSIVE"])
    {
        unique |= word == "UNIQUE";
        temporary |= word.starts_with("TEMP");
    }
    while let Some(word) = cursor.eat_any(&["MATERIALIZED", "VIRTUAL", "FOREIGN", "EVENT"]) {
        words.push(word.to_lowercase());
    }
    let what = cursor.word()?;
    let concurrently = what == "index" && cursor.eat("CONCURRENTLY");
    let if_not_exists = cursor.eat("IF NOT EXISTS");
    match what.as_str() {
        "table" if words.is_empty() || words == ["virtual"] => {
            create_table(cursor, if_not_exists, temporary).map(Shape::CreateTable)
        }
        "index" => {
            let name = if cursor.at("ON") { None } else { cursor.name() };
            if !cursor.eat("ON") {
                return None;
            }
            cursor.eat("ONLY");
            let table = cursor.name()?;
            let name = name.map(|name| {
                Name::new(name.qualifier().or(table.qualifier()).map(str::to_owned), name.last().to_owned())
            });
            let body = cursor.left;
            cursor.until(&["(", "WHERE"]);
            let mut columns = Cursor::new(body, cursor.syntax);
            while !columns.left.is_empty() && !columns.at_symbol("(") {
                columns.next();
            }
            let columns = columns.columns();
            Some(Shape::CreateIndex(Index { name, table, unique, concurrently, if_not_exists, columns, body }))
        }
        _ => {
            words.push(what);
            let name = cursor.name();
            Some(Shape::Create { what: words.join(" "), name, body: cursor.left })
        }
    }
}

fn alter<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Option<Shape<'t, 'a>> {
    cursor.eat_any(&["FOREIGN", "MATERIALIZED"]);
    let what = cursor.eat_any(&["TABLE", "INDEX", "TYPE", "VIEW", "SEQUENCE", "SCHEMA", "FUNCTION"])?;
    cursor.eat("IF EXISTS");
    cursor.eat("ONLY");
    let name = cursor.name()?;
    if what == "TABLE" {
        return Some(Shape::AlterTable { actions: alter_table(cursor), table: name });
    }
    if what == "TYPE" && cursor.eat("ADD VALUE") {
        cursor.eat("IF NOT EXISTS");
        return Some(Shape::AddEnumValue { value: cursor.next().filter(|token| token.kind == TokenKind::Text)?.text });
    }
    if what == "INDEX" && cursor.has("SET TABLESPACE") {
        return Some(Shape::Rewrite { what: "ALTER INDEX SET TABLESPACE", table: None });
    }
    if matches!(what, "VIEW" | "TYPE" | "SCHEMA" | "FUNCTION") && (cursor.has("RENAME") || cursor.has("SET SCHEMA")) {
        return Some(Shape::Rename { what, name });
    }
    None
}

fn drop<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Shape<'t, 'a> {
    let mut words = Vec::new();
    while let Some(word) = cursor.eat_any(&["MATERIALIZED", "FOREIGN", "EVENT", "OWNED"]) {
        words.push(word.to_lowercase());
    }
    words.extend(cursor.word());
    let concurrently = cursor.eat("CONCURRENTLY");
    cursor.eat("IF EXISTS");
    let names = cursor.names();
    let cascade = cursor.has("CASCADE");
    match words.join(" ").as_str() {
        "table" | "foreign table" => Shape::DropTable { names, cascade },
        "index" => Shape::DropIndex { names, concurrently, cascade },
        what => Shape::Drop { what: what.to_owned(), names, cascade },
    }
}

fn vacuum<'t, 'a>(cursor: &mut Cursor<'t, 'a>) -> Option<Shape<'t, 'a>> {
    let full = match cursor.group() {
        Some(options) => options.iter().any(|token| token.is("FULL")),
        None => cursor.eat("FULL"),
    };
    while cursor.eat_any(&["FREEZE", "VERBOSE", "ANALYZE"]).is_some() {}
    full.then(|| Shape::Rewrite { what: "VACUUM FULL", table: cursor.name() })
}

/// Returns whether tokens name something as a word of its own.
pub(super) fn mentions(tokens: &[Token<'_>], name: &str, syntax: Syntax) -> bool {
    tokens.iter().any(|token| token.is_name() && name_of(token, syntax) == name)
}
