//! Pages of memories.

use std::fmt;

use polymnia::filter::Path;
use polymnia::spi::Rows;
use polymnia::{IndexKind, Namespace, Query, Result, Timestamp};

use crate::error::Fault;
use crate::filter_sql::{self, Hints, Tenants};
use crate::route::{self, Route, WINDOWS};
use crate::row::{MemoryColumns, MemoryRow, MemoryTextColumns, columns};
use crate::sample::Sample;
use crate::session::Session;
use crate::sql::Statement;

/// Up to this many rows are read without asking for their size first: 2 MiB each at most.
const UNMEASURED: u32 = 32;

/// The end of a page's statement, by the query's limit: one row more, to know whether there are further ones.
///
/// In the text, for the planner must know it: with a bound limit it expects a tenth of all rows, finds the plan for any
/// values dearer than one made for these, and plans each execution anew.
const LIMITS: [&str; UNMEASURED as usize + 1] = [
    " LIMIT 1",
    " LIMIT 2",
    " LIMIT 3",
    " LIMIT 4",
    " LIMIT 5",
    " LIMIT 6",
    " LIMIT 7",
    " LIMIT 8",
    " LIMIT 9",
    " LIMIT 10",
    " LIMIT 11",
    " LIMIT 12",
    " LIMIT 13",
    " LIMIT 14",
    " LIMIT 15",
    " LIMIT 16",
    " LIMIT 17",
    " LIMIT 18",
    " LIMIT 19",
    " LIMIT 20",
    " LIMIT 21",
    " LIMIT 22",
    " LIMIT 23",
    " LIMIT 24",
    " LIMIT 25",
    " LIMIT 26",
    " LIMIT 27",
    " LIMIT 28",
    " LIMIT 29",
    " LIMIT 30",
    " LIMIT 31",
    " LIMIT 32",
    " LIMIT 33",
];

/// Is a page to be read, and what is known for finding it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageOf<'a> {
    pub(crate) now: Timestamp,
    pub(crate) namespace: &'a Namespace,
    pub(crate) query: &'a Query,
    /// Declared indexes that may serve the filter.
    pub(crate) declared: &'a [(Path, IndexKind)],
    pub(crate) sample: Option<&'a Sample>,
}

/// Reads a page.
pub(crate) fn query(session: &mut Session, page: PageOf<'_>) -> Result<Rows, Fault> {
    let (route, _) = page.route();
    let rows = read(session, page, route)?;
    if rows.more || !route.leaves_out() {
        return Ok(rows);
    }
    page.misjudged();
    read(session, page, Route::Index)
}

fn read(session: &mut Session, page: PageOf<'_>, route: Route) -> Result<Rows, Fault> {
    let rows: Vec<MemoryRow> = match page.statement(route)? {
        PageStatement::Plain(statement) => session.load(statement)?,
        PageStatement::Measured(statement) => session.load(statement)?,
    };
    let mut found = Rows::default();
    let mut bytes = 0;
    for row in rows {
        let wanted = usize::try_from(page.query.limit()).expect("10,000 fits");
        if found.memories.len() == wanted || bytes > Rows::MAX_BYTES {
            found.more = true;
            break;
        }
        let memory = row.into_memory()?;
        bytes += memory.content.as_str().len() + memory.metadata.as_str().len();
        found.memories.push(memory);
    }
    Ok(found)
}

/// Is the statement for a page, by what it returns.
pub(crate) enum PageStatement<'a> {
    /// The rows as they are.
    Plain(Statement<'a, MemoryColumns>),
    /// As many rows as fit into a page.
    Measured(Statement<'a, MemoryTextColumns>),
}

impl fmt::Debug for PageStatement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(statement) => statement.fmt(f),
            Self::Measured(statement) => statement.fmt(f),
        }
    }
}

impl<'a> PageOf<'a> {
    /// Returns how to find it, and how many memories will be looked at, if that is known.
    pub(crate) fn route(self) -> (Route, Option<u64>) {
        route::choose(self.namespace, self.query, !self.declared.is_empty(), self.sample)
    }

    /// Returns whether the index on metadata is asked for the namespace as well.
    fn tenants(self) -> Tenants {
        Tenants::of(self.namespace, &self.query.selection, self.sample)
    }

    /// Notes that the route was not a good one.
    pub(crate) fn misjudged(self) {
        if let Some(sample) = self.sample {
            sample.misjudge(self.namespace, &self.query.selection);
        }
    }

    /// Returns the statement that reads it by this route.
    pub(crate) fn statement(self, route: Route) -> Result<PageStatement<'a>> {
        let limit = self.query.limit();
        if limit > UNMEASURED {
            return Ok(PageStatement::Measured(self.measured(route)?));
        }
        let mut statement = Statement::new(concat!("SELECT ", columns!(), " FROM "));
        self.push(&mut statement, route)?;
        statement.text(LIMITS[limit as usize]);
        if !self.is_one_plan(route) {
            statement.plan_each_time();
        }
        statement.check()?;
        Ok(PageStatement::Plain(statement))
    }

    /// Returns whether the best plan is the same for all values, and there is one text for them.
    fn is_one_plan(self, route: Route) -> bool {
        match route {
            Route::Free => filter_sql::is_served(self.query),
            Route::Walk | Route::Window(_) | Route::Index => {
                let plain =
                    Query::new(polymnia::Selection { filter: polymnia::Filter::All, ..self.query.selection.clone() })
                        .with_order(self.query.order);
                filter_sql::is_one_needle(&self.query.selection.filter) && filter_sql::is_served(&plain)
            }
        }
    }

    /// Returns the statement for a page that may grow too large: the server adds up sizes, and sends what fits into
    /// [`Rows::MAX_BYTES`], the memory that doesn't, and one that tells that there are more.
    ///
    /// The page is cut out first, so that only its rows are measured.
    fn measured(self, route: Route) -> Result<Statement<'a, MemoryTextColumns>> {
        let order = filter_sql::order(self.query.order)?;
        let mut statement =
            Statement::new(concat!("SELECT ", columns!(), " FROM (SELECT *, coalesce(sum(bytes) OVER ("));
        statement.text(order).text(concat!(
            " ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING), 0) AS bytes_before \
             FROM (SELECT *, octet_length(content) + octet_length(metadata) AS bytes \
             FROM (SELECT id, user_id, agent_id, thread_id, tier, content, metadata::text, importance, related_threads, \
             revision, created_at, updated_at, expires_at FROM (SELECT ",
            columns!(),
            " FROM "
        ));
        self.push(&mut statement, route)?;
        statement.text(" LIMIT ").bind(i64::from(self.query.limit()) + 1);
        // OFFSET 0 keeps the text from being made twice: for its length, and to be sent.
        statement.text(") AS page OFFSET 0) AS printed) AS sized) AS summed WHERE bytes_before <= ");
        statement.bind(i64::try_from(Rows::MAX_BYTES).expect("16 MiB fits")).text(order);
        statement.plan_each_time().check()?;
        Ok(statement)
    }

    /// Adds everything from the table to the order.
    fn push<Columns>(self, statement: &mut Statement<'a, Columns>, route: Route) -> Result<()> {
        let Self { now, namespace, query, declared, sample: _ } = self;
        let filter = &query.selection.filter;
        let fenced = concat!("(SELECT ", columns!(), " FROM polymnia.memories");
        statement.text(match route {
            Route::Free | Route::Walk => "polymnia.memories",
            Route::Window(_) | Route::Index => fenced,
        });
        filter_sql::push_fields(statement, namespace, now, &query.selection);
        match route {
            Route::Free => filter_sql::push_filter(statement, namespace, filter, Hints::All(declared), self.tenants())?,
            Route::Walk => filter_sql::push_hidden_filter(statement, filter)?,
            Route::Window(_) => filter_sql::push_own_conditions(statement, filter)?,
            Route::Index => filter_sql::push_filter(statement, namespace, filter, Hints::All(&[]), self.tenants())?,
        }
        filter_sql::push_cursor(statement, query)?;
        match route {
            Route::Free | Route::Walk => {}
            Route::Window(window) => {
                filter_sql::push_order(statement, query)?;
                statement.text(WINDOWS[window].1).text(") AS near");
                filter_sql::push_metadata_conditions(statement, filter)?;
            }
            // OFFSET 0 hides the limit, and with it what the server thinks of walking in order.
            Route::Index => {
                statement.text(" OFFSET 0) AS found");
            }
        }
        filter_sql::push_order(statement, query)
    }
}

#[cfg(test)]
mod tests {
    use polymnia::{Filter, Json, Selection};

    use super::*;

    fn text(limit: u32, filter: Filter, route: Route) -> String {
        let namespace = Namespace::new("secret").unwrap();
        let query = Query::new(Selection::default().with_filter(filter)).with_limit(limit).unwrap();
        let now = Timestamp::from_micros(0).unwrap();
        let page = PageOf { now, namespace: &namespace, query: &query, declared: &[], sample: None };
        format!("{:?}", page.statement(route).unwrap())
    }

    #[test]
    fn a_large_page_is_cut_out_then_measured() {
        let columns = columns!();
        assert_eq!(
            text(100, Filter::All, Route::Free),
            format!(
                "SELECT {columns} FROM (SELECT *, coalesce(sum(bytes) OVER ( ORDER BY created_at DESC, id DESC ROWS BETWEEN \
                 UNBOUNDED PRECEDING AND 2 PRECEDING), 0) AS bytes_before FROM (SELECT *, octet_length(content) + \
                 octet_length(metadata) AS bytes FROM (SELECT id, user_id, agent_id, thread_id, tier, content, \
                 metadata::text, importance, related_threads, revision, created_at, updated_at, expires_at FROM (SELECT \
                 {columns} FROM polymnia.memories WHERE namespace = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER \
                 BY created_at DESC, id DESC LIMIT $3) AS page OFFSET 0) AS printed) AS sized) AS summed WHERE \
                 bytes_before <= $4 ORDER BY created_at DESC, id DESC"
            )
        );
    }

    #[test]
    fn each_route_leaves_the_server_no_choice() {
        let columns = columns!();
        let base = "polymnia.memories WHERE namespace = $1 AND (expires_at IS NULL OR expires_at > $2)";
        let order = "ORDER BY created_at DESC, id DESC";
        let filter = || Filter::Contains(Json::parse(r#"{"secret": 1}"#).unwrap());
        assert_eq!(
            text(10, filter(), Route::Walk),
            format!(
                "SELECT {columns} FROM {base} AND CASE WHEN metadata @> $3 THEN true ELSE false END {order} LIMIT 11"
            )
        );
        assert_eq!(
            text(10, filter(), Route::Window(0)),
            format!(
                "SELECT {columns} FROM (SELECT {columns} FROM {base} {order} LIMIT 256) AS near WHERE true AND \
                 metadata @> $3 {order} LIMIT 11"
            )
        );
        assert_eq!(
            text(10, filter(), Route::Index),
            format!(
                "SELECT {columns} FROM (SELECT {columns} FROM {base} AND metadata @> $3 AND ARRAY[namespace] @> ARRAY[$4] \
                 OFFSET 0) AS found {order} LIMIT 11"
            )
        );
    }
}
