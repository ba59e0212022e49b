//! `plugin verify`

mod progress;
mod report;

use std::time::Instant;

use polymnia::spi::Dialect;
use polymnia::{ConnectionString, Error, ErrorKind, OpenOptions, Registry, Result};
use polymnia_conformance::runner::{self, CaseResult};
use polymnia_conformance::suite::{CASES, Case};
use polymnia_conformance::{Database, ScratchDatabase};
use polymnia_plugin::message::Description;

use self::progress::Progress;
use self::report::{Report, Subject};
use crate::args::VerifyArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure, OfOption as _, Outcome};
use crate::interrupt;
use crate::output::plural;
use crate::plugins;

/// Judges a plugin by the suite that every dialect passes, and prints what it passed, by capability.
pub(super) fn run(context: &mut Context, args: &VerifyArgs) -> Outcome {
    let cases = chosen(args)?;
    let plugin = plugins::load(context, &args.path)?;
    let url = ConnectionString::from(args.url.clone());
    let began = Instant::now();
    // Of this plugin alone, so that a URL of another dialect is refused.
    let registry = Registry::new().try_with(plugin)?;
    let results = judge(context, registry.dialect_for(&url)?, &url, &cases)?;
    let Description { name, version, .. } = plugin.description();
    let subject = Subject { name, version, path: plugin.path(), url: &url };
    let report = Report::new(&subject, &results, began.elapsed());
    report.print(context)?;
    context.out.flush()?;
    // After the databases were removed.
    interrupt::check()?;
    if report.failed == 0 { Ok(Exit::Ok) } else { Err(failed(&report)) }
}

/// Returns the cases that the options choose.
fn chosen(args: &VerifyArgs) -> Result<Vec<&'static Case>> {
    let themes = || CASES.iter().map(|case| case.theme);
    if let Some(unknown) = args.theme.iter().find(|theme| themes().all(|known| known != **theme)) {
        let mut known: Vec<&str> = themes().collect();
        known.dedup();
        let message = format!("there is no theme {unknown:?}: expected {}", known.join(", "));
        return Err(Error::invalid_input(message)).of_option("--theme");
    }
    let of_theme = |case: &Case| args.theme.is_empty() || args.theme.iter().any(|theme| theme == case.theme);
    let named = |case: &Case| {
        let name = case.to_string();
        args.filter.is_empty() || args.filter.iter().any(|text| name.contains(text))
    };
    let cases: Vec<&Case> = CASES.iter().filter(|case| of_theme(case) && named(case)).collect();
    if cases.is_empty() {
        return Err(Error::invalid_input("no case has that in its name")).of_option("--filter");
    }
    Ok(cases)
}

/// Runs the cases, each on an empty database of its own, until one ends after Ctrl-C.
fn judge(
    context: &mut Context,
    dialect: &dyn Dialect,
    url: &ConnectionString,
    cases: &[&'static Case],
) -> Result<Vec<CaseResult>> {
    // Databases that were made are to be removed: the case ends first.
    let _in_flight = interrupt::in_flight();
    let options = options(context, url);
    let hint = "name one that is there: it is left as it is";
    context.refuse_missing(dialect, &options).map_err(|error| error.with_hint(hint))?;
    let base = dialect.open(&options)?;
    let fresh = || {
        let database: Box<dyn Database> = Box::new(ScratchDatabase::new(&*base, &options)?);
        Ok(database)
    };
    let mut progress = Progress::new(context, cases.len());
    let goes_on = |_: &&'static Case| !interrupt::is_set();
    let results =
        runner::run(cases.iter().copied().take_while(goes_on), fresh, |result| progress.tell(context, result))?;
    drop(progress);
    Ok(results)
}

/// Returns how the base is opened. The suite has patience of its own.
fn options(context: &Context, url: &ConnectionString) -> OpenOptions {
    let options = OpenOptions::new(url.clone());
    match context.settings.timeout {
        Some(timeout) => options.with_statement_timeout(timeout).with_connect_timeout(timeout),
        None => options,
    }
}

fn failed(report: &Report<'_>) -> Failure {
    let of = plural(report.passed + report.failed, "case", "cases");
    let message = format!("dialect {} fails {} of {of}", report.dialect, report.failed);
    let error = Error::new(ErrorKind::Plugin, message);
    Failure::new(Exit::Unsound, error.with_hint("`--filter THEME::CASE` runs one of them alone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(filter: &[&str], theme: &[&str]) -> Result<Vec<String>> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let args = VerifyArgs { path: "p".into(), url: "u".to_owned(), filter: owned(filter), theme: owned(theme) };
        Ok(chosen(&args)?.into_iter().map(ToString::to_string).collect())
    }

    #[test]
    fn cases_are_chosen_by_theme_and_name() {
        assert_eq!(names(&[], &[]).unwrap().len(), CASES.len());
        assert_eq!(names(&["put::counts_revisions"], &[]).unwrap(), ["put::counts_revisions"]);
        let of_put = names(&[], &["put"]).unwrap();
        assert!(of_put.len() > 5 && of_put.iter().all(|name| name.starts_with("put::")), "{of_put:?}");
        let expecting = names(&["expecting"], &["put", "update"]).unwrap();
        assert!(expecting.iter().all(|name| name.contains("expecting")), "{expecting:?}");
        assert!(expecting.iter().any(|name| name.starts_with("update::")), "{expecting:?}");
        let error = names(&[], &["pot"]).unwrap_err();
        assert!(error.message().contains("round_trip, put, "), "{error}");
        assert_eq!(error.context_value("option"), Some("--theme"));
        assert_eq!(names(&["no such"], &[]).unwrap_err().context_value("option"), Some("--filter"));
    }
}
