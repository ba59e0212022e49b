//! Memories made of lines.

use polymnia::IdSource as _;
use polymnia::{Error, Memory, Namespace, Record, Result, Timestamp, UuidV7};

use super::lines::{Line, MAX_LINE};
use super::other_namespace;

/// Is a line that can be stored.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The number of the line, from 1.
    pub(crate) line: u64,
    pub(crate) namespace: Namespace,
    pub(crate) memory: Memory,
}

/// Is a line that can't, and why.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The number of the line, from 1.
    pub(crate) line: u64,
    pub(crate) error: Error,
    /// The line as it was, unless it is too long; bytes that are no UTF-8 replaced.
    pub(crate) text: Option<String>,
}

/// Says which namespace a line goes to.
#[derive(Clone, Debug)]
pub(crate) enum NamespaceRule {
    /// Its own; this one if it has none.
    Own(Namespace),
    /// This one; a line of another is an error.
    Only(Namespace),
    /// This one, whatever the line says.
    Into(Namespace),
}

impl NamespaceRule {
    /// Returns the namespace of a line that has none.
    pub(crate) fn default(&self) -> &Namespace {
        match self {
            Self::Own(namespace) | Self::Only(namespace) | Self::Into(namespace) => namespace,
        }
    }

    fn apply(&self, line: Option<Namespace>) -> Result<Namespace> {
        match (self, line) {
            (Self::Own(_), Some(line)) => Ok(line),
            (Self::Only(asked), Some(line)) if line != *asked => Err(other_namespace(&line, asked)),
            (Self::Own(namespace) | Self::Only(namespace) | Self::Into(namespace), _) => Ok(namespace.clone()),
        }
    }
}

/// Makes a memory of a line.
pub(crate) fn parse(line: &Line<'_>, rule: &NamespaceRule) -> std::result::Result<Entry, Fault> {
    let number = line.number;
    read(line, rule).map_err(|error| Fault {
        line: number,
        error: with_line(&error, number),
        text: line.bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
    })
}

fn read(line: &Line<'_>, rule: &NamespaceRule) -> Result<Entry> {
    let Some(bytes) = line.bytes else {
        return Err(Error::invalid_input(format!("the line is longer than {MAX_LINE} bytes: expected at most that")));
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let column = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).chars().count() + 1;
        Error::invalid_input("the line is not valid UTF-8: expected UTF-8 text").with_context("column", column)
    })?;
    let mut record = Record::parse(text)?;
    let namespace = rule.apply(record.namespace.take())?;
    let memory = record.into_memory(Timestamp::now(), || UuidV7.next_id());
    Ok(Entry { line: line.number, namespace, memory })
}

/// Returns the error with the line in front of its other facts.
pub(crate) fn with_line(error: &Error, line: u64) -> Error {
    rebuild(error, |rebuilt| rebuilt.with_context("line", line))
}

/// Returns the error with facts in front of its others, and without the place in the batch, which says nothing to a user.
pub(crate) fn rebuild(error: &Error, add: impl FnOnce(Error) -> Error) -> Error {
    let mut rebuilt = add(Error::new(error.kind(), error.message()).with_retry(error.retry()));
    for (key, value) in error.context().filter(|(key, _)| *key != "mutation") {
        rebuilt = rebuilt.with_context(key.to_owned(), value);
    }
    if let Some(operation) = error.operation() {
        rebuilt = rebuilt.with_operation(operation.to_owned());
    }
    match error.hint() {
        Some(hint) => rebuilt.with_hint(hint),
        None => rebuilt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(text: &str) -> Namespace {
        Namespace::new(text).unwrap()
    }

    fn parsed(text: &str, rule: &NamespaceRule) -> std::result::Result<Entry, Fault> {
        parse(&Line { number: 7, bytes: Some(text.as_bytes()) }, rule)
    }

    #[test]
    fn the_rule_says_where_a_line_goes() {
        let (with, without) = (r#"{"content":"a","namespace":"n"}"#, r#"{"content":"a"}"#);
        for (rule, of_with, of_without) in [
            (NamespaceRule::Own(namespace("m")), Some("n"), "m"),
            (NamespaceRule::Only(namespace("m")), None, "m"),
            (NamespaceRule::Only(namespace("n")), Some("n"), "n"),
            (NamespaceRule::Into(namespace("m")), Some("m"), "m"),
        ] {
            let found = parsed(with, &rule).ok().map(|entry| entry.namespace);
            assert_eq!(found.as_ref().map(Namespace::as_str), of_with, "{rule:?}");
            assert_eq!(parsed(without, &rule).unwrap().namespace.as_str(), of_without, "{rule:?}");
        }
    }

    #[test]
    fn faults_name_the_line_first() {
        let rule = NamespaceRule::Own(namespace("m"));
        let fault = parsed(r#"{"content":"a","usr":1}"#, &rule).unwrap_err();
        assert!(fault.error.to_string().ends_with("(line: 7, column: 22)"), "{}", fault.error);
        let fault = parse(&Line { number: 7, bytes: Some(b"{\"\xc3\xa9\xff\"}") }, &rule).unwrap_err();
        assert!(fault.error.to_string().ends_with("(line: 7, column: 4)"), "{}", fault.error);
        let fault = parse(&Line { number: 7, bytes: None }, &rule).unwrap_err();
        assert!(fault.text.is_none());
    }
}
