//! Tables that fit their width.

use std::io;

use comfy_table::{Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row, Width};

use super::{Out, one_line};

/// Is a column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Takes what its texts need, up to so many characters.
    Text(&'static str, usize),
    /// As [`Text`](Self::Text), for numbers.
    Number(&'static str),
    /// Takes what the others leave; longer texts are cut.
    Rest(&'static str),
}

/// Is a table: columns and rows.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    indent: usize,
    header: bool,
    lines: usize,
}

impl Table {
    /// Returns a table without rows.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new(), indent: 0, header: true, lines: 1 }
    }

    /// Moves the table to the right.
    pub(crate) fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// Leaves the names of the columns out.
    pub(crate) fn without_header(mut self) -> Self {
        self.header = false;
        self
    }

    /// Lets each row take so many lines before it is cut.
    pub(crate) fn with_lines(mut self, lines: usize) -> Self {
        self.lines = lines;
        self
    }

    /// Adds a row: one text a column.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    /// Writes the table.
    pub(crate) fn print(self, out: &mut Out) -> io::Result<()> {
        let width = out.width() - self.indent;
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        table.force_no_tty();
        if out.paint().is_on() {
            table.enforce_styling();
        }
        if self.header {
            let names = self.columns.iter().map(|column| Cell::new(column.name()).add_attribute(Attribute::Bold));
            table.set_header(Row::from(names.collect::<Vec<_>>()));
        }
        for cells in &self.rows {
            let cells =
                self.columns.iter().zip(cells).map(|(column, text)| Cell::new(column.fit(text, width * self.lines)));
            let mut row = Row::from(cells.collect::<Vec<_>>());
            row.max_height(self.lines);
            table.add_row(row);
        }
        for (index, column) in self.columns.iter().enumerate() {
            let Some(target) = table.column_mut(index) else { continue };
            target.set_padding((0, 2));
            match column {
                Column::Text(..) => _ = target.set_constraint(ColumnConstraint::ContentWidth),
                Column::Number(_) => {
                    target.set_constraint(ColumnConstraint::ContentWidth);
                    target.set_cell_alignment(CellAlignment::Right);
                }
                Column::Rest(_) => _ = target.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(12))),
            }
        }
        for line in table.lines() {
            out.line(format!("{:1$}{2}", "", self.indent, line.trim_end()))?;
        }
        Ok(())
    }
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Text(name, _) | Self::Number(name) | Self::Rest(name) => name,
        }
    }

    /// Cuts by characters what can't fit by far, so that a megabyte of text is not laid out to be thrown away.
    fn fit(self, text: &str, width: usize) -> String {
        match self {
            Self::Text(_, max) => one_line(text, max),
            Self::Number(_) => text.to_owned(),
            Self::Rest(_) => one_line(text, width),
        }
    }
}
