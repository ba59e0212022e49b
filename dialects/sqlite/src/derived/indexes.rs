//! Declaring indexes and dropping them.

use std::ops::ControlFlow;

use polymnia::spi::refusal;
use polymnia::{IndexDeclaration, IndexName, IndexStatus, Namespace, Result};

use super::declared::{self, Entry};
use super::hasher;
use crate::LOG;
use crate::connection::Connection;
use crate::statement::{Value, fixed, statements};

statements! {
    All = "SELECT name, number, path, kind, ready FROM polymnia_indexes ORDER BY name";
    Count = "SELECT count(*) FROM polymnia_index_entries WHERE number = ?";
    /// Numbers are never given again: whoever has read a declaration finds nothing else under its number.
    NextNumber =
        "INSERT INTO polymnia_settings (name, value) VALUES ('index_number', '1') ",
        "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1";
    Declare =
        "INSERT INTO polymnia_indexes (name, number, path, kind, ready) ",
        "SELECT ?, CAST(value AS INTEGER), ?, ?, 0 FROM polymnia_settings WHERE name = 'index_number'";
    Ready = "UPDATE polymnia_indexes SET ready = 1 WHERE number = ?";
    NotReady = "UPDATE polymnia_indexes SET ready = 0 WHERE number = ?";
    Rows =
        "SELECT rid, namespace, metadata FROM polymnia_memories ",
        "WHERE rid > ? AND indexed_revision = revision ORDER BY rid LIMIT 10000";
    RemoveSome =
        "DELETE FROM polymnia_index_entries WHERE number = ? AND (space, value, rid) <= ",
        "(SELECT space, value, rid FROM polymnia_index_entries WHERE number = ? ",
        "ORDER BY space, value, rid LIMIT 1 OFFSET 50000)";
    RemoveAll = "DELETE FROM polymnia_index_entries WHERE number = ?";
    Undeclare = "DELETE FROM polymnia_indexes WHERE number = ?";
}

/// Is a row of the declarations.
struct Stored {
    name: String,
    number: i64,
    path: String,
    kind: String,
    ready: bool,
}

/// Lists the declared indexes by name.
pub(crate) fn indexes(connection: &mut Connection) -> Result<Vec<IndexStatus>> {
    connection.read(|connection| {
        let mut found = Vec::new();
        for Stored { name, number, path, kind, ready } in all(connection)? {
            let (Ok(name), Ok(path), Ok(kind)) = (name.parse(), path.parse(), kind.parse()) else {
                log::warn!(target: LOG, "the declaration of index number {number} can't be read: it is not listed");
                continue;
            };
            let mut entries = 0;
            connection.visit::<Count>(&[Value::Integer(number)], |row| {
                entries = row.integer(0);
                ControlFlow::Continue(())
            })?;
            let declaration = IndexDeclaration { name, path, kind };
            found.push(IndexStatus { declaration, ready, entries: Some(entries.unsigned_abs()) });
        }
        Ok(found)
    })
}

/// Declares an index and fills it, in transactions of bounded size: from the first on, writes keep it.
pub(crate) fn create(connection: &mut Connection, declaration: &IndexDeclaration) -> Result<()> {
    let Some(number) = connection.write(|connection| declare(connection, declaration))? else { return Ok(()) };
    let mut after = 0;
    while let Some(last) = connection.write(|connection| fill(connection, number, after))? {
        after = last;
    }
    Ok(())
}

/// Removes an index and returns whether it was there.
pub(crate) fn drop(connection: &mut Connection, name: &IndexName) -> Result<bool> {
    let number = connection.write(|connection| {
        let number = all(connection)?.into_iter().find(|index| index.name == name.as_str()).map(|index| index.number);
        if let Some(number) = number {
            connection.execute(fixed::<NotReady, 1>([Value::Integer(number)]))?;
        }
        Ok(number)
    })?;
    let Some(number) = number.map(Value::Integer) else { return Ok(false) };
    while connection.write(|connection| connection.execute(fixed::<RemoveSome, 2>([number, number])))? > 0 {}
    // Writes have kept it so far, so the rest goes with the declaration.
    connection.write(|connection| {
        connection.execute(fixed::<RemoveAll, 1>([number]))?;
        Ok(connection.execute(fixed::<Undeclare, 1>([number]))? == 1)
    })
}

fn all(connection: &mut Connection) -> Result<Vec<Stored>> {
    let mut found = Vec::new();
    connection.visit::<All>(&[], |row| {
        let text = |at| row.text(at).to_owned();
        found.push(Stored {
            name: text(0),
            number: row.integer(1),
            path: text(2),
            kind: text(3),
            ready: row.integer(4) == 1,
        });
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Writes a declaration and returns the number of the index that is to be filled; none if it is ready.
fn declare(connection: &mut Connection, declaration: &IndexDeclaration) -> Result<Option<i64>> {
    let IndexDeclaration { name, path, kind } = declaration;
    let stored = all(connection)?;
    let (path, kind) = (path.to_string(), kind.as_str());
    if let Some(same) = stored.iter().find(|index| index.name == name.as_str()) {
        if same.path != path || same.kind != kind {
            return Err(refusal::index_name_taken(name));
        }
        return Ok((!same.ready).then_some(same.number));
    }
    if let Some(other) = stored.iter().find(|index| index.path == path && index.kind == kind) {
        return Err(refusal::index_exists(&IndexName::new(&*other.name)?));
    }
    if stored.len() >= IndexDeclaration::MAX {
        return Err(refusal::too_many_indexes());
    }
    connection.execute(fixed::<NextNumber, 0>([]))?;
    connection.execute(fixed::<Declare, 3>([Value::Text(name.as_str()), Value::Text(&path), Value::Text(kind)]))?;
    Ok(all(connection)?.into_iter().find(|index| index.name == name.as_str()).map(|index| index.number))
}

/// Enters the level rows after one into an index, and returns the last of them. After the last of all the index is ready, and
/// none is returned.
fn fill(connection: &mut Connection, number: i64, after: i64) -> Result<Option<i64>> {
    let declared = declared::list(connection)?;
    let Some(index) = declared.iter().find(|index| index.number == number && !index.ready) else { return Ok(None) };
    let mut last = None;
    // Without a hasher no row is level, and whatever makes them level enters them.
    if let Some(hasher) = hasher::read(connection)?.cloned() {
        let mut entries = Vec::new();
        let mut namespace: Option<(Namespace, i32)> = None;
        connection.visit::<Rows>(&[Value::Integer(after)], |row| {
            let rid = row.integer(0);
            last = Some(rid);
            let space = match &namespace {
                Some((entered, space)) if entered.as_str() == row.text(1) => *space,
                _ => {
                    let entered = Namespace::from_stored(row.text(1).to_owned());
                    let space = hasher.namespace(&entered).space();
                    namespace = Some((entered, space));
                    space
                }
            };
            entries.extend(index.value(row.bytes(2)).map(|value| Entry { number, space, value, rid }));
            ControlFlow::Continue(())
        })?;
        declared::add(connection, &mut entries)?;
    }
    if last.is_none() {
        connection.execute(fixed::<Ready, 1>([Value::Integer(number)]))?;
    }
    Ok(last)
}
