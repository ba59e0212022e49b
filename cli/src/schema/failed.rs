//! How a verb of the schema failed, for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::failure::Failure;
use crate::output::Versioned;

/// Is the last line of `--format ndjson` where there is no result: what the error says to people on standard error.
#[derive(Debug, Serialize)]
pub(crate) struct Failed<'a> {
    event: &'static str,
    exit_code: u8,
    message: &'a str,
    hint: Option<&'a str>,
    /// `code`, `version`, `place`, `statement`, `state`, `backup` and what else there is.
    #[serde(flatten)]
    facts: BTreeMap<&'a str, &'a str>,
}

impl<'a> Failed<'a> {
    /// Returns the line; none if there is nothing to say.
    pub(crate) fn of(failure: &'a Failure) -> Option<Versioned<Self>> {
        let error = failure.error()?;
        let own = ["event", "exit_code", "message", "hint"];
        let facts = error.context().filter(|(name, _)| !own.contains(name)).collect();
        let exit_code = failure.exit as u8;
        Some(Versioned::new(Self { event: "failed", exit_code, message: error.message(), hint: error.hint(), facts }))
    }
}

#[cfg(test)]
mod tests {
    use polymnia::schema::SchemaFault;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn programs_get_what_people_get() {
        let error = SchemaFault::RolledBack.error("m").with_context("place", "up.sql:2:1").with_hint("h");
        let line = serde_json::to_value(Failed::of(&error.into()).unwrap()).unwrap();
        let expected = serde_json::json!({
            "schema_version": 1, "event": "failed", "exit_code": 7, "message": "m", "hint": "h", "code": "rolled_back",
            "place": "up.sql:2:1"
        });
        assert_eq!(line, expected);
        assert!(Failed::of(&Failure::silent(Exit::Pending)).is_none());
    }
}
