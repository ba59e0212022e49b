//! Rows of bound values, as statements read them.

use polymnia::{RelatedThreads, Timestamp};

use super::ChangeCapture;
use crate::sql::{Bind, Statement, pg_time};

/// Returns a column's value, or its values as an array if there are several rows.
pub(super) fn column<'a, R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Bind<'a>
where
    Bind<'a>: From<T> + From<Vec<T>>,
{
    match rows {
        [row] => value(row).into(),
        rows => rows.iter().map(value).collect::<Vec<T>>().into(),
    }
}

/// Adds the rows as `(VALUES (...))` or, if there are several, as `unnest(...)`, which for one row takes twice the time.
///
/// The text of the statement is the same for any number of rows above one, so it is prepared once.
pub(super) fn push_rows<'a, Columns>(
    statement: &mut Statement<'a, Columns>,
    rows: usize,
    columns: impl IntoIterator<Item = Bind<'a>>,
) {
    statement.text(if rows == 1 { "(VALUES (" } else { "unnest(" });
    for (index, column) in columns.into_iter().enumerate() {
        if index > 0 {
            statement.text(", ");
        }
        statement.bind(column);
    }
    statement.text(if rows == 1 { ")) AS n " } else { ") AS n " });
}

/// Adds the condition that nobody records changes, if that is a condition; `word` is `WHERE` or `AND`.
pub(super) fn push_capture<Columns>(
    statement: &mut Statement<'_, Columns>,
    word: &'static str,
    capture: ChangeCapture,
) {
    match capture {
        ChangeCapture::Handled => {}
        ChangeCapture::MustBeOff => {
            statement
                .text(word)
                .text(" NOT EXISTS (SELECT FROM polymnia.settings WHERE name = 'change_capture' AND value = 'on')");
        }
    }
}

/// Returns an optional time as it is bound.
pub(super) fn maybe_time(time: Option<Timestamp>) -> Option<diesel::pg::data_types::PgTimestamp> {
    time.map(pg_time)
}

/// Returns the threads as the text of an array, since arrays of arrays can't be unnested into rows.
pub(super) fn array_text(threads: &RelatedThreads) -> String {
    let mut text = String::from("{");
    for (index, thread) in threads.as_slice().iter().enumerate() {
        text.push_str(if index == 0 { "\"" } else { ",\"" });
        for c in thread.as_str().chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_quoted() {
        let threads = ["NULL", "a\"b", "c\\d", "{e,f}", " "].map(|text| text.parse().unwrap());
        let threads = RelatedThreads::new(threads).unwrap();
        assert_eq!(array_text(&threads), r#"{" ","NULL","a\"b","c\\d","{e,f}"}"#);
        assert_eq!(array_text(&RelatedThreads::default()), "{}");
    }

    #[test]
    fn the_text_does_not_depend_on_the_number_of_rows() {
        let text = |rows: &[i64]| {
            let mut statement: Statement<'_> = Statement::new("SELECT FROM ");
            push_rows(&mut statement, rows.len(), [column(rows, |row| *row), column(rows, |row| *row > 1)]);
            format!("{statement:?}")
        };
        assert_eq!(text(&[1]), "SELECT FROM (VALUES ($1, $2)) AS n ");
        assert_eq!(text(&[1, 2]), "SELECT FROM unnest($1, $2) AS n ");
        assert_eq!(text(&[1, 2]), text(&[1, 2, 3]));
    }
}
