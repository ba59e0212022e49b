//! The table of cases says of each what it needs: no less and no more.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use polymnia_conformance::runner::{self, CaseResult, Verdict};
use polymnia_conformance::suite::{CASES, Case, Need};
use polymnia_conformance::{Database, Oracle};

/// What takes minutes on an engine that can't be interrupted says nothing here.
const NEEDS: [Need; 6] = [
    Need::Containment,
    Need::Filters,
    Need::RelatedThreads,
    Need::DeclaredIndexes,
    Need::BulkLoad,
    Need::ChangeCapture,
];

#[test]
fn an_engine_that_lacks_a_thing_passes_every_case_that_does_not_need_it() {
    for need in NEEDS {
        let results = run(CASES.iter().filter(|case| case.about() != Some(Need::Interruption) && case.theme != "interruption"), need);
        eprintln!("== {need}\n{}", failures(&results).lines().filter(|l| l.contains("::")).map(|l| l.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n"));continue;
        let group = runner::by_capability(&results).into_iter().find(|group| group.need == Some(need)).unwrap();
        assert!(!group.claimed && group.passed > 0, "refusing {need} was tested: {group:?}");
    }
}

fn run(cases: impl IntoIterator<Item = &'static Case>, lacking: Need) -> Vec<CaseResult> {
    let fresh = || Ok(Box::new(Oracle::default().without(lacking)) as Box<dyn Database>);
    runner::run(cases, fresh, |_| ()).unwrap()
}

fn failures(results: &[CaseResult]) -> String {
    let mut told = String::new();
    for result in results {
        if let Verdict::Failed { message } = &result.verdict {
            writeln!(told, "{}: {message:.300}", result.case).unwrap();
        }
    }
    told
}
