//! What every build of SQLite has: functions, collations, modules.

use crate::schema::lint::cursor::calls;
use crate::schema::text::Token;

/// Functions of the core, of dates, of aggregates, of windows and of JSON. Those of mathematics are an option of the build.
const FUNCTIONS: [&str; 128] = [
    "abs",
    "avg",
    "cast",
    "changes",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "cume_dist",
    "date",
    "datetime",
    "dense_rank",
    "first_value",
    "format",
    "glob",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_insert",
    "json_array_length",
    "json_each",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_pretty",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_array",
    "jsonb_array_insert",
    "jsonb_each",
    "jsonb_extract",
    "jsonb_group_array",
    "jsonb_group_object",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_patch",
    "jsonb_remove",
    "jsonb_replace",
    "jsonb_set",
    "jsonb_tree",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "lower",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "printf",
    "quote",
    "raise",
    "random",
    "randomblob",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sqlite_compileoption_get",
    "sqlite_compileoption_used",
    "sqlite_source_id",
    "sqlite_version",
    "strftime",
    "string_agg",
    "subtype",
    "substr",
    "substring",
    "sum",
    "time",
    "timediff",
    "total",
    "total_changes",
    "trim",
    "typeof",
    "unhex",
    "unicode",
    "unistr",
    "unistr_quote",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
    "bm25",
    "highlight",
    "snippet",
    "fts5",
    "rtreecheck",
    "match",
    "regexp_none",
    "varchar",
    "numeric",
    "decimal",
    "character",
    "nchar",
    "nvarchar",
    "text",
    "integer",
    "blob",
    "real",
    "current_time",
    "current_date",
];

/// Returns the functions that tokens call and that not every build has.
pub(super) fn calls_of_others(tokens: &[Token<'_>]) -> Vec<String> {
    // What stands behind these words and before a `(` is a table with its columns, or a type.
    const NAMES: [&str; 7] = ["INTO", "REFERENCES", "WITH", "AS", "TABLE", "OF", "ON"];
    let named: Vec<usize> =
        tokens.windows(2).filter(|pair| NAMES.iter().any(|word| pair[0].is(word))).map(|pair| pair[1].offset).collect();
    let mut others: Vec<String> = calls(tokens)
        .filter(|call| !named.contains(&call.offset))
        .map(|call| call.text.trim_matches(['"', '`', '[', ']']).to_lowercase())
        .filter(|name| !FUNCTIONS.contains(&name.as_str()))
        .collect();
    others.dedup();
    others
}

pub(super) fn is_collation(name: &str) -> bool {
    ["binary", "nocase", "rtrim"].iter().any(|stock| name.eq_ignore_ascii_case(stock))
}

/// Returns what a virtual table needs that not every build has: its module, its tokenizer.
pub(super) fn of_module(module: &str, arguments: &[Token<'_>]) -> Vec<String> {
    const TOKENIZERS: [&str; 4] = ["unicode61", "ascii", "porter", "trigram"];
    if !["fts5", "rtree"].contains(&module) {
        return vec![format!("the module {module}")];
    }
    let Some(at) = arguments.windows(2).position(|pair| pair[0].is("tokenize") && pair[1].is_symbol("=")) else {
        return Vec::new();
    };
    let said = arguments.get(at + 2).map_or("", |token| token.text.trim_matches(['\'', '"']));
    let tokenizer = said.split_whitespace().next().unwrap_or_default();
    if TOKENIZERS.contains(&tokenizer) { Vec::new() } else { vec![format!("the tokenizer {tokenizer}")] }
}
