//! What `search` and `explain` take.

use clap::Args;
use polymnia::{Cursor, Query, Result};

use super::{OrderName, SelectionArgs};
use crate::failure::OfOption as _;

/// The filter language in a few lines.
macro_rules! filter_language {
    () => {
        "\
The filter language: {\"key\": value} or {\"key\": {\"$operator\": value}}, nested as the metadata is.
  operators     $eq $ne $gt $gte $lt $lte $in $nin $exists $prefix $any $all $size $contains $not
  of filters    $and [..]  $or [..]  $not {..}; members of one object must all hold
  of the whole  $contains JSON, as --where has it; $path [\"items\", 0, \"price\"] to go into lists
  own fields    $user $agent $thread $tier $importance $created_at $updated_at $expires_at
A key that itself begins with $ is written with $$."
    };
}

/// `search`
#[derive(Debug, Args)]
#[command(after_help = concat!("\
Examples:
  polymnia search --user mara --where '{\"kind\":\"preference\"}'
  polymnia search --where '{\"order\":{\"status\":\"shipped\"}}' --since 7d --order created-asc
  polymnia search --filter '{\"session\":{\"$gte\":9},\"tags\":{\"$any\":[\"fix\",\"oven\"]}}'
  polymnia search --tier long_term --all --format ndjson > long-term.ndjson

", filter_language!()))]
pub(crate) struct SearchArgs {
    /// All of them, page by page: --limit at a time, or 1000
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) query: QueryArgs,
}

/// `explain`
#[derive(Debug, Args)]
#[command(after_help = "\
It runs the search and tells how it was answered instead of what was found; with -v the SQL, too.

Examples:
  polymnia explain --user mara --where '{\"kind\":\"preference\"}'
  polymnia explain --filter '{\"session\":{\"$gte\":9}}' --order updated-desc -v")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) query: QueryArgs,
}

/// What a search takes.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// How many memories, 1 to 10000 [default: 10]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u32>,
    /// Go on after the page that gave this cursor
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Which come first
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = OrderName::CreatedDesc)]
    pub(crate) order: OrderName,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

impl QueryArgs {
    /// Returns the query, each value checked.
    pub(crate) fn query(&self, default_limit: u32) -> Result<Query> {
        let query = Query::new(self.selection.selection()?)
            .with_order(self.order.order())
            .with_limit(self.limit.unwrap_or(default_limit))
            .of_option("--limit")?;
        Ok(match &self.cursor {
            Some(text) => query.with_cursor(text.parse::<Cursor>().of_option("--cursor")?),
            None => query,
        })
    }
}
