//! The table from paths to the shapes that have them.

use std::collections::HashSet;
use std::ops::ControlFlow;

use polymnia::Result;

use crate::connection::Connection;
use crate::statement::{Value, statements};

statements! {
    Add = "INSERT OR IGNORE INTO polymnia_shapes (path, shape) VALUES (?, ?)";
    Has = "SELECT 1 FROM polymnia_shapes WHERE path = ? AND shape = ?";
}

/// Collects the shapes that a transaction uses and the database does not know yet.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    /// Shapes that this transaction has looked up.
    known: HashSet<i64>,
    /// Pairs of path and shape to be added.
    new: Vec<(i32, i64)>,
}

impl Shapes {
    /// How many shapes are remembered, and how many pairs may wait.
    const MAX: usize = 1 << 18;

    /// Makes sure that a shape with these paths, sorted, is known.
    pub(super) fn push(&mut self, connection: &mut Connection, shape: i64, paths: &[i32]) -> Result<()> {
        // The rows of a shape are written together and removed from the first path on: where that is, all are.
        let Some(first) = paths.first() else { return Ok(()) };
        if self.known.len() >= Self::MAX {
            self.known.clear();
        }
        if self.known.insert(shape) && !has(connection, *first, shape)? {
            self.new.extend(paths.iter().map(|path| (*path, shape)));
        }
        Ok(())
    }

    /// Adds what is missing of a shape.
    pub(super) fn mend(connection: &mut Connection, shape: i64, paths: &[i32]) -> Result<()> {
        let new = paths.iter().map(|path| (*path, shape)).collect();
        Self { known: HashSet::new(), new }.flush(connection)
    }

    pub(super) fn is_full(&self) -> bool {
        self.new.len() >= Self::MAX
    }

    pub(super) fn flush(&mut self, connection: &mut Connection) -> Result<()> {
        self.new.sort_unstable();
        connection.run_each::<Add, 2>(
            self.new.iter().map(|(path, shape)| [Value::Integer((*path).into()), Value::Integer(*shape)]),
        )?;
        self.new.clear();
        Ok(())
    }
}

/// Returns whether the table has a path of a shape.
pub(super) fn has(connection: &mut Connection, path: i32, shape: i64) -> Result<bool> {
    let mut found = false;
    connection.visit::<Has>(&[Value::Integer(path.into()), Value::Integer(shape)], |_| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}
