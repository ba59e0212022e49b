//! Filters as JSON.

mod parse;
mod print;
mod words;

#[cfg(test)]
mod tests;

use super::Filter;
use crate::{Json, Result};

impl Filter {
    /// Reads a filter from its JSON form.
    ///
    /// A filter is an object whose members must all hold; `{}` selects every memory.
    ///
    /// | member | selects memories |
    /// |---|---|
    /// | `"key": value` | whose metadata has an equal value at the key; `value` is anything but an object |
    /// | `"key": {"$gte": 9, …}` | whose value at the key passes all these operators |
    /// | `"key": {"other": …}` | one step deeper: the same, of the path `key`, `other` |
    /// | `"$path": ["items", 0, "price"]` | beside operators only: whose value at this path passes them |
    /// | `"$contains": JSON` | whose metadata contains the JSON, as PostgreSQL's `@>` has it |
    /// | `"$user"`, `"$agent"`, `"$thread"`, `"$tier"`: string or operators | whose own field passes |
    /// | `"$importance"`: number or operators | the same |
    /// | `"$created_at"`, `"$updated_at"`, `"$expires_at"`: RFC 3339 or operators | the same |
    /// | `"$and": [filter, …]` | that every one of the filters selects; at least one |
    /// | `"$or": [filter, …]` | that one of the filters selects; at least one |
    /// | `"$not": filter` | that the filter does not select |
    ///
    /// A key of the metadata that begins with `$` is written with one `$` more: `{"$$eq": 1}` asks for the key `$eq`. Any other
    /// word with a single `$` is an error. Inside of values, of `$contains` and of `$path`, nothing is escaped: JSON there is what
    /// it is.
    ///
    /// # Operators
    ///
    /// Every operator but `$ne`, `$nin`, `$not` and `$exists` with `false` is false of a value that is missing, and of one of
    /// another type than it looks at; nothing is converted, and nothing fails. Those four are the opposites of another one, so
    /// they are true of both.
    ///
    /// | operator | needs | holds for |
    /// |---|---|---|
    /// | `$eq` | JSON | an equal value: numbers by value (`1` is `1.0`), strings by bytes, objects whatever the order of their keys, arrays in theirs |
    /// | `$ne` | JSON | what `$eq` does not hold for |
    /// | `$gt` `$gte` `$lt` `$lte` | number or string | numbers, by exact value, if a number is given; strings, by bytes, if a string is |
    /// | `$in` | list | a value equal to one of these |
    /// | `$nin` | list | what `$in` does not hold for |
    /// | `$exists` | `true` or `false` | a value of any kind, `null` included, or none |
    /// | `$prefix` | string | a string that begins with these bytes |
    /// | `$any` | list | an array with an element equal to one of these; for an empty list, none |
    /// | `$all` | list | an array with an equal element for each of these; for an empty list, every array |
    /// | `$size` | whole number, or `$eq` `$gt` `$gte` `$lt` `$lte` of one | an array of so many elements |
    /// | `$contains` | JSON | a value that contains this one, as if the root were asked for the same below these keys; not behind an index |
    /// | `$not` | operators | what these operators, all together, do not hold for |
    ///
    /// A field of the memory takes `$eq`, `$ne`, the comparisons, `$in`, `$nin`, `$exists` and `$not`, and a text `$prefix`
    /// as well. A number for `$importance` is read as a float, and one past the range of floats as infinite. `null` is no value of a field: `{"$user": {"$exists": false}}`
    /// asks for memories of no user.
    ///
    /// # Where it differs
    ///
    /// Who knows MongoDB, LangGraph or Chroma should know:
    ///
    /// - A list is equal to the whole array, in its order: `{"tags": "a"}` is false of `["a"]`, and `$eq` and `$in` never look
    ///   at elements. `$any` and `$all` do.
    /// - A path leads through objects only, never into every element of an array, and a key is never an index. `$path` takes
    ///   indexes, typed as numbers; `a.b` is one key.
    /// - An object below a key that holds no operators is not compared as a whole: its members are conditions of their own. An
    ///   object to be equal to is written with `$eq`.
    /// - `null` is a value: `{"a": null}` is false where there is no `a`. `$exists` asks for that.
    /// - Numbers and strings are never compared with each other, and there is no order of booleans, lists and objects.
    /// - An unknown operator and a repeated key are errors; there are no patterns and no scripts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a text that is not JSON or not a filter, for a key that
    /// stands twice in one object of a filter, and past the [limits](Self::check), which are watched while reading. The context has the `line` and the `column`,
    /// both from 1, the column in characters. The message names words with a `$`, never a value or a key of the metadata.
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Filter;
    ///
    /// let filter = Filter::parse(r#"{
    ///     "$user": "mara",
    ///     "kind": "preference",
    ///     "tags": {"$any": ["calls", "mail"]},
    ///     "customer": {"score": {"$gte": 9, "$lt": 10}, "name": {"$prefix": "M"}},
    ///     "$or": [{"$importance": {"$gt": 0.8}}, {"$created_at": {"$gte": "2026-03-01T00:00:00Z"}}],
    ///     "$not": {"archived": true}
    /// }"#)?;
    /// let score = || Filter::path(["customer", "score"]);
    /// assert_eq!(filter, Filter::And(vec![
    ///     Filter::user().eq("mara"),
    ///     Filter::path(["kind"])?.eq("preference")?,
    ///     Filter::path(["tags"])?.any(["calls", "mail"])?,
    ///     score()?.gte(9)?,
    ///     score()?.lt(10)?,
    ///     Filter::path(["customer", "name"])?.prefix("M")?,
    ///     Filter::importance().gt(0.8)?.or(Filter::created().gte("2026-03-01".parse()?)),
    ///     Filter::path(["archived"])?.eq(true)?.not(),
    /// ]));
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    ///
    /// What is missing, and what is of another type:
    ///
    /// ```
    /// use polymnia::Filter;
    /// use polymnia::filter::FilterMatcher;
    ///
    /// let selects = |filter: &str, metadata: &str| {
    ///     let matcher = FilterMatcher::new(&Filter::parse(filter)?)?;
    ///     Ok::<bool, polymnia::Error>(matcher.matches(metadata.as_bytes()))
    /// };
    /// assert!(selects(r#"{"a": {"$gte": 9}}"#, r#"{"a": 9.50}"#)?);
    /// assert!(!selects(r#"{"a": {"$gte": 9}}"#, r#"{"a": "9.50"}"#)?);
    /// assert!(!selects(r#"{"a": {"$gte": 9}}"#, "{}")?);
    /// assert!(selects(r#"{"a": {"$not": {"$gte": 9}}}"#, r#"{"a": "9.50"}"#)?);
    /// assert!(selects(r#"{"a": {"$ne": 9}}"#, "{}")?);
    /// assert!(!selects(r#"{"a": null}"#, "{}")?);
    /// assert!(!selects(r#"{"a": 1}"#, r#"{"a": [1]}"#)?);
    /// assert!(selects(r#"{"a": {"$any": [1]}}"#, r#"{"a": [1.0, 2]}"#)?);
    /// assert!(selects(r#"{"a": {"$size": {"$gte": 2}}}"#, r#"{"a": [1, 2]}"#)?);
    /// assert!(selects(r#"{"$path": ["a", 0], "$eq": 1}"#, r#"{"a": [1]}"#)?);
    /// assert!(!selects(r#"{"$path": ["a", 0], "$eq": 1}"#, r#"{"a": {"0": 1}}"#)?);
    /// assert!(selects(r#"{"$$ref": "x"}"#, r#"{"$ref": "x"}"#)?);
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    ///
    /// Errors point at the place:
    ///
    /// ```
    /// use polymnia::Filter;
    ///
    /// let error = Filter::parse("{\"a\": 1,\n \"score\": {\"$gtee\": 9}}").unwrap_err();
    /// assert_eq!(error.message(), "unknown operator `$gtee`: did you mean `$gte`?");
    /// assert_eq!((error.context_value("line"), error.context_value("column")), (Some("2"), Some("12")));
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        parse::parse(text).map_err(|wrong| wrong.into_error(text))
    }

    /// Returns the JSON form, in canonical form, which [`parse`](Self::parse) reads back to an equal filter.
    ///
    /// Two filters have no form of their own: an [`And`](Self::And) of none reads back as [`All`](Self::All), and an
    /// [`Or`](Self::Or) of none, written `{"$not": {}}`, as the opposite of `All`. The same filter gives the same text in every version:
    /// cursors depend on it.
    ///
    /// Nothing is refused here. The form of a filter past the [limits](Self::check) can't be read back, and may be nested
    /// deeper, or be longer, than [`Json::parse`] takes; that of a filter within them may be, too, if the JSON in it is large or
    /// deep, and `parse` reads it all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use polymnia::Filter;
    ///
    /// let filter = Filter::path(["customer", "score"])?.gte(9)?;
    /// assert_eq!(filter.to_json().as_str(), r#"{"customer": {"score": {"$gte": 9}}}"#);
    /// assert_eq!(Filter::parse(filter.to_json().as_str())?, filter);
    /// # Ok::<(), polymnia::Error>(())
    /// ```
    pub fn to_json(&self) -> Json {
        Json::from_stored(print::print(self))
    }
}
