//! What is wrong with a history, and what it forbids.

use super::*;

fn faults(sources: &[Source], ledger: &Ledger) -> Vec<SchemaFault> {
    History::new(sources, ledger).findings().iter().map(|finding| finding.fault).collect()
}

/// Checks that an upgrade is refused by that fault, and says so in these words.
fn refused(sources: &[Source], ledger: &Ledger, wanted: SchemaFault, words: &str) {
    let error = up(sources, ledger, &Target::Head).unwrap_err();
    assert_eq!(fault(&error), Some(wanted), "{error}");
    assert!(error.message().contains(words), "{error}");
    assert!(error.hint().is_some(), "{error}");
    assert!(error.context_value("version").is_some(), "{error}");
}

#[test]
fn a_history_in_order_has_no_problem() {
    let sources = [plain(&["1", "2"]), plain(&["shop1"])];
    for applied in [&[][..], &["1"], &["1", "2", "shop1"]] {
        assert_eq!(faults(&sources, &ran(&sources, applied)), []);
    }
    assert_eq!(faults(&sources, &Ledger::default()), []);
}

#[test]
fn a_version_below_an_applied_one_is_out_of_order() {
    let sources = [plain(&["1", "2", "3"])];
    let ledger = ran(&[plain(&["1", "3"])], &["1", "3"]);
    let words = "version 20261121000002 is not applied, but 20261121000003, which is built upon it, is";
    refused(&sources, &ledger, SchemaFault::OutOfOrder, words);
    // Declared, it is a branch of its own, whose end makes it a second head.
    let declared = [source(vec![script("1"), script("2"), upon("3", &["1"])])];
    assert_eq!(faults(&declared, &ledger), [SchemaFault::SeveralHeads]);
}

#[test]
fn two_heads_are_named() {
    let sources = [source(vec![script("1"), upon("2", &["1"]), upon("3", &["1"])])];
    let words = "2 versions are the newest: 20261121000002, 20261121000003";
    refused(&sources, &Ledger::default(), SchemaFault::SeveralHeads, words);
    // They don't keep anybody from going back.
    assert!(down(&sources, &ran(&sources, &["1", "2"]), &Target::Base).is_ok());
}

#[test]
fn heads_are_of_a_source_each() {
    let sources = [plain(&["1"]), plain(&["shop1"]), plain(&["till1"])];
    assert_eq!(faults(&sources, &Ledger::default()), []);
    assert_eq!(History::new(&sources, &Ledger::default()).heads(), versions(&["1", "shop1", "till1"]));
}

#[test]
fn a_version_twice_is_named_with_its_folders() {
    let mut other = script("1");
    "migrations/sqlite/20261121000001_other".clone_into(&mut other.folder);
    let sources = [source(vec![script("1"), other])];
    let words = "migrations/sqlite/20261121000001_table and migrations/sqlite/20261121000001_other";
    refused(&sources, &Ledger::default(), SchemaFault::Duplicate, words);
}

#[test]
fn a_parent_that_nobody_knows_and_a_circle() {
    let sources = [source(vec![script("1"), upon("2", &["7"])])];
    refused(&sources, &Ledger::default(), SchemaFault::UnknownParent, "20261121000007");
    let sources = [source(vec![upon("1", &["2"]), upon("2", &["1"])])];
    refused(&sources, &Ledger::default(), SchemaFault::Malformed, "20261121000001, 20261121000002");
    assert_eq!(fault(&down(&sources, &Ledger::default(), &Target::Base).unwrap_err()), Some(SchemaFault::Malformed));
}

#[test]
fn a_newer_database_is_named() {
    let newer = [plain(&["1", "2"])];
    let older = [plain(&["1"])];
    let ledger = ran(&newer, &["1", "2"]);
    refused(&older, &ledger, SchemaFault::Newer, "20261121000002, applied by polymnia ");
    let hint = |ledger: &Ledger| up(&older, ledger, &Target::Head).unwrap_err().hint().unwrap().to_owned();
    assert!(hint(&ledger).ends_with("`polymnia migrate downgrade 20261121000001 --use-stored-down`"));
    assert!(!hint(&Ledger { entries: None, ..ledger.clone() }).contains("stored"), "nothing is");
    let history = History::new(&older, &ledger);
    assert_eq!((history.current(), history.unknown()), (versions(&["2"]), versions(&["2"])));
    assert_eq!(history.access(), Compatibility::Full, "as its entry says");
}

#[test]
fn the_least_compatible_unknown_version_decides() {
    let older = [plain(&["1"])];
    let mut newer = [plain(&["1", "2", "3"])];
    for (level, expected) in [
        (Compatibility::ReadOnly, Compatibility::ReadOnly),
        (Compatibility::None, Compatibility::None),
        (Compatibility::Full, Compatibility::Full),
    ] {
        newer[0].scripts[1].metadata.compatibility = level;
        let ledger = ran(&newer, &["1", "2", "3"]);
        assert_eq!(History::new(&older, &ledger).access(), expected);
        assert_eq!(History::new(&newer, &ledger).access(), Compatibility::Full, "who knows them may do all");
    }
    let by_diesel = Ledger { entries: None, ..ran(&newer, &["1", "2", "3"]) };
    assert_eq!(History::new(&older, &by_diesel).access(), Compatibility::ReadOnly);
}

#[test]
fn an_application_that_is_not_there_makes_nothing_newer() {
    let all = [plain(&["1"]), plain(&["shop1"])];
    let ledger = ran(&all, &["1", "shop1"]);
    let alone = [plain(&["1", "2"])];
    assert_eq!(steps(&up(&alone, &ledger, &Target::Head).unwrap()), versions(&["2"]));
    assert_eq!(History::new(&alone, &ledger).unknown(), versions(&["shop1"]));
}

#[test]
fn an_older_build_goes_back_by_stored_scripts() {
    let newer = [plain(&["1", "2"])];
    let older = [plain(&["1"])];
    let ledger = ran(&newer, &["1", "2"]);
    let refused = down(&older, &ledger, &to("1")).unwrap_err();
    assert_eq!(fault(&refused), Some(SchemaFault::Newer));
    let stored = RunOptions { use_stored_down: true, ..RunOptions::default() };
    let history = History::new(&older, &ledger);
    let plan = history.plan_down(&to("1"), &stored).unwrap();
    assert_eq!(plan.steps[0].script.down, newer[0].scripts[1].down);
    let nothing_stored = Ledger { entries: None, ..ledger.clone() };
    let refused = History::new(&older, &nothing_stored).plan_down(&to("1"), &stored).unwrap_err();
    assert_eq!(fault(&refused), Some(SchemaFault::NoDown));
}

#[test]
fn a_changed_script_is_shown_and_comments_are_no_change() {
    let mut sources = [plain(&["1", "2"])];
    let ledger = ran(&sources, &["1"]);
    let as_applied = sources[0].scripts[0].up.clone();
    sources[0].scripts[0].up = format!("-- what for\r\n{}\r\n", as_applied.replace(' ', "\r\n  "));
    assert_eq!(History::new(&sources, &ledger).changed(), []);
    sources[0].scripts[0].up = as_applied.replace("a integer", "a text");
    let error = up(&sources, &ledger, &Target::Head).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::ScriptChanged));
    let diff = error.context_value("diff").unwrap();
    assert!(diff.contains("a integer") && diff.contains("a text"), "{diff}");
    assert_eq!(error.context_value("place"), Some("migrations/sqlite/20261121000001_table/up.sql"));
    // Its down script may fit the new text only; the stored one fits what was applied.
    let refused = down(&sources, &ledger, &Target::Base).unwrap_err();
    assert_eq!(fault(&refused), Some(SchemaFault::ScriptChanged));
    let stored = RunOptions { use_stored_down: true, ..RunOptions::default() };
    assert!(History::new(&sources, &ledger).plan_down(&Target::Base, &stored).is_ok());
}

#[test]
fn a_version_without_a_way_back_is_named() {
    let mut sources = [plain(&["1", "2"])];
    "-- there is no way back\n".clone_into(&mut sources[0].scripts[1].down);
    let ledger = ran(&sources, &["1", "2"]);
    let error = down(&sources, &ledger, &Target::Base).unwrap_err();
    assert_eq!(fault(&error), Some(SchemaFault::NoDown));
    assert_eq!(error.context_value("version"), Some(version("2").as_str()));
    "-- polymnia:noop the table stays\n".clone_into(&mut sources[0].scripts[1].down);
    assert_eq!(down(&sources, &ledger, &Target::Base).unwrap().steps[0].statements, 0);
}
