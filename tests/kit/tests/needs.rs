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
        let results = run(quick(), need);
        assert_eq!(failures(&results), "", "without {need}");
        let group = runner::by_capability(&results).into_iter().find(|group| group.need == Some(need)).unwrap();
        assert!(!group.claimed && group.passed > 0, "refusing {need} was tested: {group:?}");
    }
}

#[test]
fn a_case_that_names_a_need_fails_without_it() {
    for need in NEEDS {
        let asked_all_the_same = quick().filter(|case| case.needs.contains(&need)).map(|case| {
            let mut case = *case;
            case.needs = &[];
            &*Box::leak(Box::new(case))
        });
        for result in run(asked_all_the_same, need) {
            assert!(matches!(result.verdict, Verdict::Failed { .. }), "{} passes without {need}", result.case);
        }
    }
}

#[test]
fn a_run_tells_what_failed_and_where() {
    let mut wrong = *Case::find("put", "counts_revisions").unwrap();
    let mut elsewhere = wrong;
    wrong.run = |_| assert_eq!(1 + 1, 3, "sums");
    elsewhere.run = |_| std::thread::spawn(|| panic!("in a thread")).join().unwrap();
    let cases: [&'static Case; 3] = [Box::leak(Box::new(wrong)), Box::leak(Box::new(elsewhere)), &CASES[0]];
    let mut told = Vec::new();
    let results = runner::run(
        cases,
        || Ok(Box::new(Oracle::default()) as Box<dyn Database>),
        |result| {
            told.push(result.verdict.clone());
        },
    );
    let results = results.unwrap();
    assert_eq!(told, results.iter().map(|result| result.verdict.clone()).collect::<Vec<_>>());
    for (result, expected) in results.iter().zip(["sums", "in a thread"]) {
        let Verdict::Failed { message } = &result.verdict else { panic!("{result:?}") };
        assert!(message.contains("needs.rs:") && message.contains(expected), "{message}");
    }
    assert_eq!(results[2].verdict, Verdict::Passed);
    let [group] = runner::by_capability(&results)[..] else { panic!("no capability is meant") };
    assert_eq!((group.need, group.claimed, group.passed, group.failed), (None, true, 1, 2));
}

/// Returns the cases that need no engine that can be interrupted, and no minutes.
fn quick() -> impl Iterator<Item = &'static Case> {
    CASES.iter().filter(|case| !case.needs.contains(&Need::Interruption))
}

fn run(cases: impl IntoIterator<Item = &'static Case>, lacking: Need) -> Vec<CaseResult> {
    runner::run(cases, || Ok(oracle(lacking)), |r| if r.took.as_millis()>500 {println!("{} {:?}", r.case, r.took)}).unwrap()
}

fn oracle(lacking: Need) -> Box<dyn Database> {
    Box::new(Oracle::default().without(lacking))
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
