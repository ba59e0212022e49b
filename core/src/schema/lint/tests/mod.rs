//! Each rule on statements that it is about, and on some that look like it.

mod every;
mod on_postgres;
mod on_sqlite;
mod ours;

use std::collections::BTreeMap;

use super::*;
use crate::schema::{Compatibility, Delta, Metadata, Object, ObjectKind, ObjectName, Version};

/// Is a rule, scripts that it finds something in, and scripts that it doesn't.
///
/// Marks stand on the first line: `-- bare` (not in a transaction), `-- rebuild`, `-- down` (the script takes back), `-- known`
/// (the schema before is [`known`]).
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

fn script(text: &str, own: bool) -> Script {
    let marks: Vec<&str> =
        text.lines().next().and_then(|line| line.strip_prefix("-- ")).unwrap_or_default().split(' ').collect();
    let marked = |mark: &str| marks.contains(&mark);
    let (up, down) = if marked("down") { ("", text) } else { (text, "") };
    Script {
        version: Version::new(if own { "20261121000100" } else { "shop20261121000100" }).unwrap(),
        name: "case".to_owned(),
        up: up.to_owned(),
        down: down.to_owned(),
        metadata: Metadata {
            run_in_transaction: !marked("bare") && !marked("rebuild"),
            parents: Vec::new(),
            compatibility: Compatibility::Full,
            rebuild: marked("rebuild"),
            apart: BTreeMap::new(),
        },
        // Nothing is changed by it: what is known before is known after.
        delta: Some(Delta::default()),
        folder: "migrations/case".to_owned(),
    }
}

/// `orders` with a `customer` that leads to `customers`, and things that use its columns.
fn known() -> Snapshot {
    let object = |attributes: &[(&str, &str)]| Object {
        ours: false,
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    let within = |kind, name: &str| ObjectName::within("shop.orders", kind, name);
    Snapshot(BTreeMap::from([
        (ObjectName::of(ObjectKind::Table, "shop.customers"), object(&[])),
        (ObjectName::within("shop.customers", ObjectKind::Column, "id"), object(&[("type", "bigint")])),
        (ObjectName::of(ObjectKind::Table, "shop.orders"), object(&[])),
        (within(ObjectKind::Column, "note"), object(&[("type", "character varying(20)")])),
        (within(ObjectKind::Column, "unused"), object(&[("type", "text")])),
        (within(ObjectKind::Column, "checked"), object(&[("type", "text")])),
        (within(ObjectKind::Column, "twice"), object(&[("type", "bigint"), ("generated", "price * 2 stored")])),
        (
            within(ObjectKind::Constraint, "orders_customer"),
            object(&[("type", "foreign key"), ("columns", "customer"), ("references", "shop.customers (id)")]),
        ),
        (within(ObjectKind::Constraint, "orders_checked"), object(&[("expression", "checked IS NOT NULL")])),
        (within(ObjectKind::Index, "orders_note"), object(&[("columns", "note, id"), ("method", "btree")])),
        (within(ObjectKind::Trigger, "orders_seen"), object(&[("events", "update of seen"), ("definition", "")])),
        (
            ObjectName::of(ObjectKind::View, "shop.open_orders"),
            object(&[("definition", "SELECT state FROM shop.orders WHERE state = 'open'")]),
        ),
    ]))
}

fn found(text: &str, syntax: Syntax, own: bool) -> Vec<Finding> {
    let schema = known();
    let known = text.lines().next().is_some_and(|line| line.starts_with("--") && line.contains("known"));
    lint_script(&script(text, own), syntax, known.then_some(&schema))
}

fn run(cases: &[Case], syntax: Syntax, own: bool) {
    for (rule, fires, quiet) in cases {
        assert!(Rule::named(rule).is_some(), "{rule}");
        assert!(!fires.is_empty() && !quiet.is_empty(), "{rule} needs both");
        for text in *fires {
            let findings = found(text, syntax, own);
            assert!(findings.iter().any(|finding| finding.rule == *rule), "{rule} in {text}: {findings:?}");
        }
        for text in *quiet {
            let findings = found(text, syntax, own);
            assert!(!findings.iter().any(|finding| finding.rule == *rule), "no {rule} in {text}: {findings:?}");
        }
    }
}

#[test]
fn rules_of_every_dialect() {
    run(every::CASES, Syntax::Postgres, false);
    run(every::CASES, Syntax::Sqlite, false);
}

#[test]
fn rules_of_postgres() {
    run(on_postgres::CASES, Syntax::Postgres, false);
}

#[test]
fn rules_of_sqlite() {
    run(on_sqlite::CASES, Syntax::Sqlite, false);
}

#[test]
fn rules_of_our_own() {
    run(ours::OWN_POSTGRES, Syntax::Postgres, true);
    run(ours::OWN_SQLITE, Syntax::Sqlite, true);
    for (rule, fires, _) in ours::OWN_POSTGRES {
        for text in *fires {
            let theirs = found(text, Syntax::Postgres, false);
            assert!(!theirs.iter().any(|finding| finding.group == Group::Own), "{rule} is ours alone: {theirs:?}");
        }
    }
}

#[test]
fn every_rule_is_tried() {
    let tried = [every::CASES, on_postgres::CASES, on_sqlite::CASES, ours::OWN_POSTGRES, ours::OWN_SQLITE].concat();
    for rule in RULES {
        assert!(tried.iter().any(|(name, ..)| *name == rule.name), "{} has no case", rule.name);
    }
}

#[test]
fn a_rebuild_done_right_is_no_danger() {
    assert_eq!(found(on_sqlite::REBUILD, Syntax::Sqlite, false), []);
}

#[test]
fn the_guide_lists_every_rule_as_it_is() {
    let guide = include_str!("../../../../../docs/migrations/lint.md");
    for Rule { name, severity, why, instead, .. } in RULES {
        let severity = format!("{severity:?}").to_lowercase();
        assert!(guide.contains(&format!("| `{name}` | {severity} | {why} | {instead} |\n")), "{name}");
    }
    assert_eq!(guide.matches("\n| `").count(), RULES.len(), "and no other");
}

#[test]
fn a_finding_says_where_and_what_to_do() {
    let text = "-- about\nALTER TABLE shop.orders ADD COLUMN a text;\n\n-- more\n  DROP TABLE\n  shop.orders;";
    let findings = found(text, Syntax::Postgres, false);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = &findings[0];
    assert_eq!((finding.rule, finding.severity), ("drop_table", Severity::Error));
    assert_eq!((&*finding.place, &*finding.statement), ("migrations/case/up.sql:5:3", "2 of 2"));
    assert_eq!(finding.sql, "DROP TABLE");
    assert!(finding.message.starts_with("drops the table shop.orders: "), "{}", finding.message);
    assert!(finding.instead.contains("polymnia:allow drop_table"), "{}", finding.instead);
}

#[test]
fn an_ignore_holds_for_its_statement_and_rule_alone() {
    let names =
        |text: &str| found(text, Syntax::Postgres, false).iter().map(|finding| finding.rule).collect::<Vec<_>>();
    let allowed = "-- polymnia:allow drop_table nobody uses it since 2.0\nDROP TABLE a;";
    assert_eq!(names(allowed), Vec::<&str>::new());
    assert_eq!(names(&format!("{allowed}\nDROP TABLE b;")), ["drop_table"]);
    assert_eq!(names("-- polymnia:allow truncate why\nDROP TABLE a;"), ["drop_table", "allow_unused"]);
    assert_eq!(names("-- polymnia:allow drop_table\nDROP TABLE a;"), ["directive", "drop_table"], "a reason is needed");
    assert_eq!(
        names("-- polymnia:allow allow_unused why\n-- polymnia:allow truncate why\nSELECT 1;"),
        ["allow_unknown", "allow_unused"],
        "there is no way around the rules about ignores"
    );
}

#[test]
fn a_used_column_names_what_uses_it() {
    let users = |column: &str| {
        let text = format!("-- known\nALTER TABLE shop.orders DROP COLUMN {column};");
        let findings = found(&text, Syntax::Postgres, false);
        findings.into_iter().find(|finding| finding.rule == "drop_used_column").map(|finding| finding.message)
    };
    for (column, user) in [
        ("note", "index shop.orders orders_note"),
        ("customer", "constraint shop.orders orders_customer"),
        ("checked", "constraint shop.orders orders_checked"),
        ("seen", "trigger shop.orders orders_seen"),
        ("state", "view shop.open_orders"),
        ("price", "column shop.orders twice"),
    ] {
        let message = users(column).unwrap_or_default();
        assert!(message.contains(&format!("is used by {user}: ")), "{column}: {message}");
    }
    assert_eq!(users("unused"), None);
    let parent = found("-- known\nALTER TABLE shop.customers DROP COLUMN id;", Syntax::Postgres, false);
    assert!(
        parent.iter().any(|finding| finding.message.contains("constraint shop.orders orders_customer")),
        "{parent:?}"
    );
}

#[test]
fn the_schema_before_is_what_the_versions_before_make() {
    let mut first = script("CREATE TABLE shop.orders (id bigint);", false);
    first.delta = Some(Delta(known().0.into_iter().map(|(name, object)| (name, Some(object))).collect()));
    let mut second = script("ALTER TABLE shop.orders DROP COLUMN note;", false);
    second.version = Version::new("shop20261121000200").unwrap();
    let mut source = Source { prefix: "shop".to_owned(), dialect: "postgres".to_owned(), scripts: vec![first, second] };
    let names = |source: &Source| lint(source).iter().map(|finding| finding.rule).collect::<Vec<_>>();
    assert_eq!(names(&source), ["drop_column", "drop_used_column"]);
    source.scripts[0].delta = None;
    assert_eq!(names(&source), ["drop_column"], "what isn't known isn't said");
}

#[test]
fn any_text_is_read() {
    for text in [
        "",
        ";",
        "CREATE",
        "CREATE TABLE",
        "CREATE TABLE a",
        "CREATE TABLE a (",
        "CREATE TABLE a (b",
        "CREATE TABLE a ()",
        "ALTER TABLE a ADD",
        "ALTER TABLE a ADD COLUMN",
        "CREATE INDEX",
        "CREATE INDEX ON a",
        "CREATE INDEX ON a (",
        "DROP",
        "WITH",
        "WITH a AS (",
        "VACUUM (",
        "PRAGMA",
        "SET",
        ")",
        "CREATE TABLE a (b text DEFAULT)",
        "CREATE TABLE a (CONSTRAINT)",
        "CREATE VIRTUAL TABLE a USING",
        "ALTER TABLE",
        "UPDATE",
        "DELETE FROM",
        "\u{1f600}",
        "CREATE TABLE \u{e9} (\u{1f600} text)",
    ] {
        for syntax in [Syntax::Postgres, Syntax::Sqlite] {
            for own in [true, false] {
                found(text, syntax, own);
                found(&format!("-- rebuild known\n{text}"), syntax, own);
                found(&format!("-- down known\n{text}"), syntax, own);
            }
        }
    }
}

/// Cuts every script of the cases before and within every token, and takes the token out.
#[test]
fn no_piece_of_a_script_is_too_short() {
    let all = [every::CASES, on_postgres::CASES, on_sqlite::CASES, ours::OWN_POSTGRES, ours::OWN_SQLITE].concat();
    for text in all.iter().flat_map(|(_, fires, quiet)| fires.iter().chain(*quiet)) {
        for syntax in [Syntax::Postgres, Syntax::Sqlite] {
            for token in crate::schema::text::tokens(text, syntax) {
                found(&text[..token.offset], syntax, true);
                found(&text[..text.ceil_char_boundary(token.offset + 1)], syntax, true);
                found(&format!("{}{}", &text[..token.offset], &text[token.end()..]), syntax, true);
            }
        }
    }
}
