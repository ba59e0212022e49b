//! What came of the suite.

use std::io;
use std::path::Path;
use std::time::Duration;

use polymnia::ConnectionString;
use polymnia_conformance::runner::{CaseResult, Group, Verdict, by_capability};
use serde::Serialize;

use crate::args::Format;
use crate::context::Context;
use crate::output::{Column, Table, block, duration, plural};

/// What the cases that every dialect has to pass are grouped as.
const EVERYTHING: &str = "every dialect";

/// Is what was judged.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) path: &'a Path,
    pub(super) url: &'a ConnectionString,
}

/// Is what came of the suite.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    pub(super) dialect: &'a str,
    version: &'a str,
    path: String,
    database_url: String,
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Cases that need what the dialect doesn't claim.
    not_claimed: u64,
    millis: u64,
    capabilities: Vec<OfCapability>,
    failures: Vec<CaseLine<'a>>,
}

#[derive(Debug, Serialize)]
struct OfCapability {
    capability: &'static str,
    claimed: bool,
    passed: usize,
    failed: usize,
}

/// Is how one case went.
#[derive(Debug, Serialize)]
pub(super) struct CaseLine<'a> {
    event: &'static str,
    case: String,
    verdict: &'static str,
    /// What was wrong, and where in the suite that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// What is not claimed, or claimed, so that there was nothing to check.
    #[serde(skip_serializing_if = "Option::is_none")]
    capability: Option<&'static str>,
    millis: u64,
}

impl<'a> CaseLine<'a> {
    /// Returns how a case went.
    pub(super) fn of(result: &'a CaseResult) -> Self {
        let (verdict, message, capability) = match &result.verdict {
            Verdict::Passed => ("passed", None, None),
            Verdict::Failed { message } => ("failed", Some(message.as_str()), None),
            Verdict::NotClaimed(need) => ("not_claimed", None, Some(need.as_str())),
            Verdict::Claimed(need) => ("claimed", None, Some(need.as_str())),
        };
        Self { event: "case", case: result.case.to_string(), verdict, message, capability, millis: millis(result.took) }
    }

    /// Returns whether the dialect failed it.
    pub(super) fn is_failure(&self) -> bool {
        self.verdict == "failed"
    }
}

impl<'a> Report<'a> {
    /// Sums results up.
    pub(super) fn new(subject: &Subject<'a>, results: &'a [CaseResult], took: Duration) -> Self {
        let count = |is: fn(&Verdict) -> bool| results.iter().filter(|result| is(&result.verdict)).count() as u64;
        let of = |Group { need, claimed, passed, failed }: Group| OfCapability {
            capability: need.map_or(EVERYTHING, |need| need.as_str()),
            claimed,
            passed,
            failed,
        };
        Self {
            dialect: subject.name,
            version: subject.version,
            path: subject.path.display().to_string(),
            database_url: subject.url.to_string(),
            passed: count(|verdict| *verdict == Verdict::Passed),
            failed: count(|verdict| matches!(verdict, Verdict::Failed { .. })),
            not_claimed: count(|verdict| matches!(verdict, Verdict::NotClaimed(_))),
            millis: millis(took),
            capabilities: by_capability(results).into_iter().map(of).collect(),
            failures: results.iter().map(CaseLine::of).filter(CaseLine::is_failure).collect(),
        }
    }

    /// Prints it.
    pub(super) fn print(&self, context: &mut Context) -> io::Result<()> {
        if context.format != Format::Table {
            return context.out.document(self);
        }
        let out = &mut context.out;
        let paint = out.paint();
        for CaseLine { case, message, .. } in &self.failures {
            out.line(format!("{} {case}", paint.error("failed:")))?;
            for line in block(message.unwrap_or_default()).lines() {
                out.line(format!("  {line}"))?;
            }
        }
        if !self.failures.is_empty() {
            out.line("")?;
        }
        let mut table = Table::new([
            Column::Text("capability", 40),
            Column::Number("passed"),
            Column::Number("failed"),
            Column::Rest("claimed"),
        ]);
        for OfCapability { capability, claimed, passed, failed } in &self.capabilities {
            let claimed = match (claimed, passed + failed) {
                (true, _) => "yes",
                (false, 0) => "no: not checked",
                (false, _) => "no: only that it is refused was checked",
            };
            table.row([(*capability).to_owned(), passed.to_string(), failed.to_string(), claimed.to_owned()]);
        }
        table.print(out)?;
        out.line("")?;
        let took = duration(Duration::from_millis(self.millis));
        let passed = plural(self.passed, "case", "cases");
        let line = format!("{} {} passes {passed} and fails {}, in {took}", self.dialect, self.version, self.failed);
        let line = match self.not_claimed {
            0 => line,
            not_claimed => format!("{line}; {not_claimed} of what it does not claim were left out"),
        };
        out.line(line)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use polymnia_conformance::suite::{CASES, Need};

    use super::*;

    #[test]
    fn failures_are_told_with_their_place() {
        let result = |at: usize, verdict| CaseResult { case: &CASES[at], verdict, took: Duration::from_millis(7) };
        let failed = Verdict::Failed { message: "put.rs:12: left is not right".to_owned() };
        let results = [result(0, Verdict::Passed), result(1, failed), result(2, Verdict::NotClaimed(Need::Filters))];
        let url = ConnectionString::from("acme://ann:secret@h/d");
        let subject = Subject { name: "acme", version: "2.1", path: Path::new("/acme.so"), url: &url };
        let report = Report::new(&subject, &results, Duration::from_secs(1));
        let told = serde_json::to_value(&report).unwrap();
        assert_eq!((report.passed, report.failed, &told["not_claimed"]), (1, 1, &1.into()));
        assert_eq!(told["database_url"], "acme://ann:***@h/d");
        let failure = &told["failures"][0];
        assert_eq!((failure["case"].as_str(), failure["millis"].as_u64()), (Some(&*CASES[1].to_string()), Some(7)));
        assert_eq!(failure["message"], "put.rs:12: left is not right");
        assert_eq!(told["failures"].as_array().unwrap().len(), 1);
        assert_eq!(told["capabilities"][0]["capability"], EVERYTHING);
    }
}
