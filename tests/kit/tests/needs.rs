//! The table of cases says of each what it needs: no less and no more.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use polymnia_conformance::runner::{self, CaseResult, Verdict};
use polymnia_conformance::suite::{CASES, Case, Need};
use polymnia_conformance::{Database, Oracle};

#[test]
fn an_engine_that_has_what_a_case_needs_and_no_more_passes_it() {
    let needs: BTreeSet<Vec<Need>> = CASES.iter().map(|case| case.needs.to_vec()).collect();
    for needs in needs {
        let results = run(CASES.iter().filter(|case| case.needs == needs), &needs);
        assert_eq!(failures(&results), "", "with {needs:?} alone");
        if needs.is_empty() {
            let refusals = results.iter().filter(|result| result.case.unless.is_some());
            assert!(refusals.clone().count() >= 6 && refusals.clone().all(|result| result.verdict == Verdict::Passed));
        }
    }
}

#[test]
fn an_engine_that_lacks_one_thing_that_a_case_needs_fails_it() {
    // Without these, a case takes minutes, or its fixture is another.
    let tried = Need::ALL.into_iter().filter(|need| !matches!(need, Need::Interruption | Need::Options));
    for need in tried {
        let others: Vec<Need> = Need::ALL.into_iter().filter(|other| *other != need).collect();
        let asked_all_the_same = CASES.iter().filter(|case| case.needs.contains(&need)).map(|case| {
            let mut case = *case;
            case.needs = &[];
            &*Box::leak(Box::new(case))
        });
        for result in run(asked_all_the_same, &others) {
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

/// Runs cases on an oracle that claims that and no more.
fn run(cases: impl IntoIterator<Item = &'static Case>, claims: &[Need]) -> Vec<CaseResult> {
    let lacks = Need::ALL.into_iter().filter(|need| !claims.contains(need));
    let oracle = || lacks.clone().fold(Oracle::default(), Oracle::without);
    runner::run(cases, || Ok(Box::new(oracle()) as Box<dyn Database>), |_| ()).unwrap()
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
