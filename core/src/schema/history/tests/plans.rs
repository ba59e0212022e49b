//! What is planned where nothing is wrong.

use super::*;
use crate::schema::{BackupMode, TxMode, Way};

#[test]
fn an_application_comes_after_ours_whatever_its_date() {
    let sources = [plain(&["1", "2"]), plain(&["shop0", "shop3"])];
    let plan = up(&sources, &Ledger::default(), &Target::Head).unwrap();
    assert_eq!(steps(&plan), versions(&["1", "2", "shop0", "shop3"]));
    assert_eq!((plan.from, plan.to), (None, Some(version("shop3"))));
    let plan = up(&sources, &Ledger::default(), &to("shop0")).unwrap();
    assert_eq!(steps(&plan), versions(&["1", "2", "shop0"]), "its first version needs all of ours");
}

#[test]
fn a_new_version_of_ours_may_come_below_an_application() {
    let before = [plain(&["1"]), plain(&["shop0"])];
    let ledger = ran(&before, &["1", "shop0"]);
    let after = [plain(&["1", "2"]), plain(&["shop0", "shop3"])];
    let plan = up(&after, &ledger, &Target::Head).unwrap();
    assert_eq!(steps(&plan), versions(&["2", "shop3"]));
    // The diesel CLI recorded it, so nobody knows upon what it was built.
    let by_diesel = Ledger { entries: None, ..ledger };
    assert_eq!(steps(&up(&after, &by_diesel, &Target::Head).unwrap()), versions(&["2", "shop3"]));
}

#[test]
fn targets_up() {
    let sources = [plain(&["1", "2", "3", "4"])];
    let ledger = ran(&sources, &["1"]);
    assert_eq!(steps(&up(&sources, &ledger, &to("3")).unwrap()), versions(&["2", "3"]));
    assert_eq!(steps(&up(&sources, &ledger, &Target::Steps(1)).unwrap()), versions(&["2"]));
    assert_eq!(steps(&up(&sources, &ledger, &to("1")).unwrap()), []);
    let past = up(&sources, &ledger, &Target::Steps(4)).unwrap_err();
    assert_eq!(fault(&past), Some(SchemaFault::UnknownTarget));
    assert_eq!(past.message(), "+4 goes past the newest migration: 3 are to be applied");
    assert!(up(&sources, &ledger, &Target::Base).is_err());
}

#[test]
fn targets_down() {
    let sources = [plain(&["1", "2", "3"]), plain(&["shop1"])];
    let ledger = ran(&sources, &["1", "2", "3", "shop1"]);
    let plan = down(&sources, &ledger, &to("1")).unwrap();
    assert_eq!(steps(&plan), versions(&["shop1", "3", "2"]), "what is built upon it goes, the last first");
    assert_eq!((plan.from, plan.to), (Some(version("shop1")), Some(version("1"))));
    assert!(plan.steps.iter().all(|step| step.direction == Way::Down));
    assert_eq!(steps(&down(&sources, &ledger, &Target::Steps(2)).unwrap()), versions(&["shop1", "3"]));
    assert_eq!(steps(&down(&sources, &ledger, &Target::Base).unwrap()).len(), 4);
    assert_eq!(steps(&down(&sources, &ledger, &to("shop1")).unwrap()), []);
    assert_eq!(fault(&down(&sources, &ledger, &Target::Steps(5)).unwrap_err()), Some(SchemaFault::UnknownTarget));
    let one = ran(&sources, &["1"]);
    let error = down(&sources, &one, &to("2")).unwrap_err();
    assert_eq!(error.message(), format!("version {} is not applied: a downgrade leads to one that is", version("2")));
}

#[test]
fn going_back_with_ours_leaves_an_application_that_needs_no_more() {
    let before = [plain(&["1"]), plain(&["shop1"])];
    let mut ledger = ran(&before, &["1", "shop1"]);
    let sources = [plain(&["1", "2"]), plain(&["shop1", "shop2"])];
    add(&mut ledger, &sources, &version("2"), State::Applied);
    assert_eq!(steps(&down(&sources, &ledger, &to("1")).unwrap()), versions(&["2"]));
    assert_eq!(History::new(&sources, &ledger).current(), versions(&["2", "shop1"]), "the newest of each");
    assert_eq!(History::new(&sources, &ledger).newest(), Some(version("2")), "the last of all");
    let alone = History::new(&sources, &ledger).plan_revert(version("1").as_str(), &RunOptions::default());
    assert_eq!(fault(&alone.unwrap_err()), Some(SchemaFault::NotNewest), "the application needs it");
}

#[test]
fn a_beginning_must_be_the_only_one() {
    let sources = [plain(&["10", "11", "20"])];
    let history = Ledger::default();
    let history = History::new(&sources, &history);
    assert_eq!(history.find("2026112100002").unwrap(), version("20"));
    let several = history.find("2026112100001").unwrap_err();
    assert_eq!(several.message(), "2 versions begin with \"2026112100001\": 20261121000010, 20261121000011");
    for none in ["", "9", "20261121000012"] {
        assert_eq!(fault(&history.find(none).unwrap_err()), Some(SchemaFault::UnknownTarget), "{none:?}");
    }
}

#[test]
fn branches_go_up_through_their_merge_and_down_from_it() {
    let merged = [source(vec![script("1"), upon("2", &["1"]), upon("3", &["1"]), upon("4", &["2", "3"])])];
    let plan = up(&merged, &Ledger::default(), &Target::Head).unwrap();
    assert_eq!(steps(&plan), versions(&["1", "2", "3", "4"]));
    // The branch 3 alone: 2 isn't part of it.
    assert_eq!(steps(&up(&merged, &Ledger::default(), &to("3")).unwrap()), versions(&["1", "3"]));
    let ledger = ran(&merged, &["1", "3", "2", "4"]);
    assert_eq!(steps(&down(&merged, &ledger, &to("2")).unwrap()), versions(&["4"]));
    assert_eq!(steps(&down(&merged, &ledger, &Target::Base).unwrap()), versions(&["4", "2", "3", "1"]));
    let history = History::new(&merged, &ledger);
    assert_eq!(history.current(), versions(&["4"]));
    let back = history.plan_revert(version("3").as_str(), &RunOptions::default()).unwrap_err();
    assert_eq!(fault(&back), Some(SchemaFault::NotNewest));
    assert!(back.message().ends_with("20261121000004 is built upon it"), "{back}");
}

#[test]
fn a_branch_that_nothing_stands_on_is_taken_back_alone() {
    let sources = [source(vec![script("1"), upon("2", &["1"]), upon("3", &["1"]), upon("4", &["2", "3"])])];
    let ledger = ran(&sources, &["1", "2", "3"]);
    let history = History::new(&sources, &ledger);
    let plan = history.plan_revert(version("2").as_str(), &RunOptions::default()).unwrap();
    assert_eq!(steps(&plan), versions(&["2"]));
    assert_eq!(plan.to, Some(version("3")));
}

#[test]
fn what_stopped_half_way_goes_on() {
    let sources = [plain(&["1", "2", "3"])];
    let mut ledger = ran(&sources, &["1"]);
    add(&mut ledger, &sources, &version("2"), State::Failed);
    let plan = up(&sources, &ledger, &Target::Head).unwrap();
    assert_eq!(steps(&plan), versions(&["2", "3"]));
    assert_eq!(plan.steps.iter().map(|step| step.resumes).collect::<Vec<_>>(), [true, false]);
    assert_eq!(plan.from, Some(version("1")));
    let other_way = down(&sources, &ledger, &Target::Steps(1)).unwrap_err();
    assert_eq!(fault(&other_way), Some(SchemaFault::Unfinished));
    assert!(other_way.hint().unwrap().starts_with("run `polymnia migrate upgrade`"), "{other_way:?}");
    assert_eq!(fault(&up(&sources, &ledger, &to("1")).unwrap_err()), Some(SchemaFault::Unfinished));
}

#[test]
fn a_half_way_downgrade_goes_on_by_the_script_as_it_was_mended() {
    let mut sources = [plain(&["1", "2"])];
    let mut ledger = ran(&sources, &["1", "2"]);
    add(&mut ledger, &sources, &version("2"), State::Reverting);
    "DROP TABLE something_else;".clone_into(&mut sources[0].scripts[1].down);
    let plan = down(&sources, &ledger, &Target::Steps(1)).unwrap();
    assert!(plan.steps[0].resumes);
    assert_eq!(plan.steps[0].script.down, "DROP TABLE something_else;");
    let stored = RunOptions { use_stored_down: true, ..RunOptions::default() };
    let plan = History::new(&sources, &ledger).plan_down(&Target::Steps(1), &stored).unwrap();
    assert!(plan.steps[0].script.down.starts_with("DROP TABLE t_"));
    let other_way = up(&sources, &ledger, &Target::Head).unwrap_err();
    assert_eq!(fault(&other_way), Some(SchemaFault::Unfinished));
    let hint = format!("run `polymnia migrate downgrade {}`", version("1"));
    assert!(other_way.hint().unwrap().starts_with(&hint), "{other_way:?}");
    assert_eq!(fault(&down(&sources, &ledger, &to("2")).unwrap_err()), Some(SchemaFault::Unfinished));
}

#[test]
fn one_transaction_for_all_takes_only_what_can_be_in_one() {
    let mut sources = [plain(&["1", "2"])];
    let all = RunOptions { tx_mode: TxMode::All, ..RunOptions::default() };
    let ledger = Ledger::default();
    assert!(History::new(&sources, &ledger).plan_up(&Target::Head, &all).is_ok());
    sources[0].scripts[1].metadata.run_in_transaction = false;
    let error = History::new(&sources, &ledger).plan_up(&Target::Head, &all).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    assert_eq!(error.context_value("version"), Some(version("2").as_str()));
    let plan = up(&sources, &ledger, &Target::Head).unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.transactional).collect::<Vec<_>>(), [true, false]);
    sources[0].scripts[1].metadata.rebuild = true;
    assert!(up(&sources, &ledger, &Target::Head).unwrap().steps[1].transactional, "a rebuild is one transaction");
}

#[test]
fn what_destroys_is_told_and_backed_up() {
    let sources = [plain(&["1"])];
    let ledger = ran(&sources, &["1"]);
    let plan = down(&sources, &ledger, &Target::Base).unwrap();
    assert!(plan.backup);
    assert_eq!(plan.steps[0].destroys.len(), 1, "{:?}", plan.steps[0].destroys);
    assert!(!up(&sources, &Ledger::default(), &Target::Head).unwrap().backup);
    let always = RunOptions { backup: BackupMode::Always, ..RunOptions::default() };
    assert!(History::new(&sources, &Ledger::default()).plan_up(&Target::Head, &always).unwrap().backup);
    assert!(!History::new(&sources, &ledger).plan_up(&Target::Head, &always).unwrap().backup, "nothing is to be done");
}

#[test]
fn a_stamp_says_exactly_what_is_applied() {
    let sources = [plain(&["1", "2", "3"]), plain(&["shop1"])];
    let ledger = ran(&sources, &["1", "2", "3"]);
    let history = History::new(&sources, &ledger);
    let wanted = |target: &Target| history.up_to(target).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(wanted(&to("2")), versions(&["1", "2"]));
    assert_eq!(wanted(&to("shop1")), versions(&["1", "2", "3", "shop1"]));
    assert_eq!(wanted(&Target::Base), []);
    assert_eq!(wanted(&Target::Steps(1)), versions(&["1", "2", "3", "shop1"]));
}

#[test]
fn what_is_being_taken_back_goes_before_newer_branches() {
    let sources = [source(vec![script("1"), upon("2", &["1"]), upon("3", &["1"]), upon("4", &["2", "3"])])];
    let mut ledger = ran(&sources, &["1", "2", "3"]);
    add(&mut ledger, &sources, &version("2"), State::Reverting);
    ledger.entries.as_mut().unwrap().iter_mut().for_each(|entry| {
        if entry.version == version("2") {
            entry.position = 2;
        }
    });
    assert_eq!(steps(&down(&sources, &ledger, &Target::Steps(1)).unwrap()), versions(&["2"]));
    assert_eq!(steps(&down(&sources, &ledger, &Target::Base).unwrap()), versions(&["2", "3", "1"]));
}

#[test]
fn a_parent_of_another_source_is_still_the_newest_of_its_own() {
    let sources = [plain(&["1", "2"]), source(vec![upon("shop1", &["1"]), upon("shop2", &["shop1", "2"])])];
    let ledger = ran(&sources, &["1", "2", "shop1", "shop2"]);
    let history = History::new(&sources, &ledger);
    assert_eq!((history.current(), history.heads()), (versions(&["2", "shop2"]), versions(&["2", "shop2"])));
    // Named, it is needed: taking it back takes the application's with it.
    assert_eq!(steps(&down(&sources, &ledger, &to("1")).unwrap()), versions(&["shop2", "2"]));
    let below = ran(&sources, &["1", "shop1"]);
    assert_eq!(steps(&up(&sources, &below, &to("shop2")).unwrap()), versions(&["2", "shop2"]));
    let mut without = ran(&sources, &["1", "shop1", "shop2"]);
    without.entries = None;
    assert_eq!(fault(&up(&sources, &without, &Target::Head).unwrap_err()), Some(SchemaFault::OutOfOrder));
}
