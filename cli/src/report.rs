//! What is printed when a run does not end well.

use polymnia::{Error, ErrorKind};

use crate::args::{Cli, Format};
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::output::{Paint, block, excerpt, tell};

/// Says what failed, on which value, and what to do next.
pub(crate) fn report(failure: &Failure, cli: &Cli, paint: Paint) {
    let Some(error) = failure.error() else { return };
    tell(&format!("{} {}\n", paint.error("error:"), what(error)));
    for [name, value] in facts(error) {
        tell(&format!("  {}  {value}\n", paint.dim(&name)));
    }
    if let (Format::Table, Some([line, mark])) = (cli.global.format, place(error, cli)) {
        tell(&format!("  {}\n  {}\n", paint.command(&line), paint.error(&mark)));
    }
    let hint = error.hint().or(match failure.exit {
        Exit::Busy => Some("try again, or give it more time with --timeout"),
        _ => None,
    });
    if let Some(hint) = hint {
        tell(&format!("{} {}\n", paint.command("hint:"), block(hint)));
    }
}

/// Returns the message. The facts of an error of the schema stand below it, those of others behind it.
fn what(error: &Error) -> String {
    if is_of_schema(error) {
        return block(error.message());
    }
    // What an operation says of its end by Ctrl-C, the user knows.
    let interrupted = interrupt::is_set() && error.operation().is_some() && error.kind() == ErrorKind::Cancelled;
    if interrupted { "interrupted".to_owned() } else { block(&error.to_string()) }
}

/// Returns the facts of an error of the schema with their names, aligned.
fn facts(error: &Error) -> Vec<[String; 2]> {
    if !is_of_schema(error) {
        return Vec::new();
    }
    let width = error.context().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let indented = |value: &str| block(value.trim_end()).replace('\n', &format!("\n{:1$}", "", width + 4));
    error.context().map(|(name, value)| [format!("{name:width$}"), indented(value)]).collect()
}

/// An error of the schema has a code, or says in what state it leaves the database.
fn is_of_schema(error: &Error) -> bool {
    error.context_value("code").is_some() || error.context_value("state").is_some()
}

/// Returns the line of a condition that the error is about, and a mark below its place.
fn place(error: &Error, cli: &Cli) -> Option<[String; 2]> {
    let number = |key| error.context_value(key)?.parse().ok();
    let text = cli.command.condition(error.context_value("option")?)?;
    excerpt(text, number("line")?, number("column")?)
}

#[cfg(test)]
mod tests {
    use polymnia::schema::SchemaFault;

    use super::*;

    #[test]
    fn facts_of_the_schema_stand_below_the_message() {
        let error = SchemaFault::PartlyApplied
            .error("statement 2 fails")
            .with_context("place", "m/up.sql:4:1")
            .with_context("diff", "-a\n+b\n");
        assert_eq!(what(&error), "statement 2 fails");
        let facts: Vec<String> = facts(&error).iter().map(|fact| fact.join("  ")).collect();
        assert_eq!(facts, ["code   partly_applied", "place  m/up.sql:4:1", "diff   -a\n         +b"]);
        let other = Error::invalid_input("m").with_context("line", 7);
        assert_eq!((what(&other).as_str(), super::facts(&other).len()), ("m (line: 7)", 0));
    }
}
