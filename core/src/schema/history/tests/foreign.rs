//! What other tools did.

use super::*;

#[test]
fn what_diesel_applied_and_took_back_is_seen() {
    let sources = [plain(&["1", "2", "3"])];
    let mut ledger = ran(&sources, &["1", "2"]);
    let rows = ledger.diesel.as_mut().unwrap();
    rows.remove(version("2").as_str());
    rows.insert(version("3").to_string());
    let history = History::new(&sources, &ledger);
    assert_eq!(history.to_adopt(), versions(&["3"]));
    assert_eq!(history.to_forget(), versions(&["2"]));
    assert!(!history.is_applied(&version("2")) && history.is_applied(&version("3")));
    assert_eq!(history.next_position(), 3);
}

#[test]
fn a_database_of_diesel_alone_is_complete() {
    let sources = [plain(&["1", "2"])];
    let ledger = Ledger { entries: None, ..ran(&sources, &["1", "2"]) };
    let history = History::new(&sources, &ledger);
    assert_eq!(history.to_adopt(), versions(&["1", "2"]));
    assert_eq!(history.pending(), []);
    assert!(history.findings().is_empty());
}

#[test]
fn what_ours_left_half_done_and_diesel_completed_is_adopted() {
    let sources = [plain(&["1", "2"])];
    let mut ledger = ran(&sources, &["1"]);
    add(&mut ledger, &sources, &version("2"), State::Failed);
    ledger.diesel.as_mut().unwrap().insert(version("2").to_string());
    let history = History::new(&sources, &ledger);
    assert_eq!(history.unfinished(), []);
    assert_eq!(history.to_adopt(), versions(&["2"]));
}

#[test]
fn an_applications_own_use_of_diesel_is_left_alone() {
    let sources = [plain(&["1", "2"])];
    let mut ledger = ran(&sources, &["1"]);
    let rows = ledger.diesel.as_mut().unwrap();
    rows.extend(["00000000000000".to_owned(), "20200102030405".to_owned(), "20200102".to_owned()]);
    let history = History::new(&sources, &ledger);
    assert!(history.findings().is_empty() && history.to_adopt().is_empty() && history.unknown().is_empty());
    assert_eq!(history.access(), Compatibility::Full);
    assert_eq!(history.strange(), Some("20200102030405"));
    assert_eq!(steps(&up(&sources, &ledger, &Target::Head).unwrap()), versions(&["2"]));
    assert_eq!(steps(&down(&sources, &ledger, &Target::Base).unwrap()), versions(&["1"]));
}

#[test]
fn a_lost_ledger_of_diesel_takes_nothing_back() {
    let sources = [plain(&["1", "2"])];
    let ledger = Ledger { diesel: None, ..ran(&sources, &["1", "2"]) };
    let history = History::new(&sources, &ledger);
    assert_eq!((history.to_adopt(), history.to_forget()), (&[][..], &[][..]));
    for error in
        [up(&sources, &ledger, &Target::Head).unwrap_err(), down(&sources, &ledger, &Target::Base).unwrap_err()]
    {
        assert_eq!(fault(&error), Some(SchemaFault::NotAdopted));
    }
}

#[test]
fn an_adopted_application_stands_upon_what_is_applied() {
    let sources = [plain(&["1", "2"]), plain(&["shop1"])];
    let ledger = Ledger { entries: None, ..ran(&sources, &["1", "shop1"]) };
    let history = History::new(&sources, &ledger);
    assert_eq!(history.parents(&version("shop1")), versions(&["1"]), "2 came later");
    assert_eq!(history.parents(&version("2")), versions(&["1"]));
}

#[test]
fn what_was_adopted_unknown_is_not_changed_once_it_is_known() {
    let sources = [plain(&["1", "2"])];
    let mut ledger = ran(&sources, &["1", "2"]);
    let entry = ledger.entries.as_mut().unwrap().last_mut().unwrap();
    entry.checksum = String::new();
    entry.checksum_raw = String::new();
    entry.up = None;
    assert_eq!(History::new(&sources, &ledger).changed(), []);
}
