//! Schemas side by side.

mod expression;

use super::*;
use crate::schema::{Compatibility, Delta, Metadata, Object, ObjectKind};

type Objects<'a> = &'a [(ObjectKind, &'a str, &'a str)];

use ObjectKind::{Column, Constraint, Index, Table, Trigger, View};

/// Makes an object of `key=value; key=value`.
fn object(attributes: &str) -> Object {
    let pairs = attributes.split("; ").filter_map(|pair| pair.split_once('='));
    Object { ours: true, attributes: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() }
}

/// Makes a source of one version a list, of objects in the table `name` of the dialect.
fn source(dialect: &str, table: &str, versions: &[Objects<'_>], apart: &[&str]) -> Source {
    let script = |(index, objects): (usize, &Objects<'_>)| Script {
        version: Version::new(format!("2026112100010{index}")).unwrap(),
        name: "v".to_owned(),
        up: String::new(),
        down: String::new(),
        metadata: Metadata {
            run_in_transaction: true,
            parents: Vec::new(),
            compatibility: Compatibility::Full,
            rebuild: false,
            apart: if index == 0 {
                apart.iter().map(|name| ((*name).to_owned(), "why".to_owned())).collect()
            } else {
                [].into()
            },
        },
        delta: Some(Delta(
            objects
                .iter()
                .map(|(kind, name, attributes)| {
                    let name = match kind {
                        Table => ObjectName::of(Table, format!("{table}{name}")),
                        View => ObjectName::of(View, *name),
                        _ => ObjectName::within(table, *kind, *name),
                    };
                    (name, (*attributes != "gone").then(|| object(attributes)))
                })
                .collect(),
        )),
        folder: format!("migrations/{dialect}/{index}"),
    };
    Source {
        prefix: String::new(),
        dialect: dialect.to_owned(),
        scripts: versions.iter().enumerate().map(script).collect(),
    }
}

fn diverge(sqlite: &[Objects<'_>], postgres: &[Objects<'_>]) -> Vec<String> {
    let divergences =
        parity(&source("sqlite", "polymnia_t", sqlite, &[]), &source("postgres", "polymnia.t", postgres, &[])).unwrap();
    divergences
        .iter()
        .map(|found| format!("{} {}: {}", &found.version.as_str()[13..], found.object, found.what))
        .collect()
}

fn same(sqlite: Objects<'_>, postgres: Objects<'_>) {
    let table: &[(ObjectKind, &str, &str)] = &[(Table, "", "")];
    assert_eq!(
        diverge(&[&[table, sqlite].concat()], &[&[table, postgres].concat()]),
        Vec::<String>::new(),
        "{sqlite:?}"
    );
}

fn differ(sqlite: Objects<'_>, postgres: Objects<'_>, expected: &str) {
    let table: &[(ObjectKind, &str, &str)] = &[(Table, "", "")];
    assert_eq!(diverge(&[&[table, sqlite].concat()], &[&[table, postgres].concat()]), [expected]);
}

#[test]
fn columns() {
    same(&[(Column, "a", "type=text; nullable=false")], &[(Column, "a", "type=jsonb; nullable=false")]);
    same(
        &[(Column, "a", "type=text; nullable=false; default='[]'")],
        &[(Column, "a", "type=text[]; nullable=false; default='{}'::text[]; collation=C")],
    );
    same(&[(Column, "a", "type=integer; default=0")], &[(Column, "a", "type=bigint; default='0'::bigint")]);
    same(&[(Column, "a", "type=integer; identity=autoincrement")], &[(Column, "a", "type=bigint; identity=always")]);
    same(
        &[(Column, "a", "type=integer; generated=b + 1 stored")],
        &[(Column, "a", "type=bigint; generated=(b + 1) stored")],
    );
    differ(&[(Column, "a", "type=text")], &[(Column, "a", "type=bigint")], "0 column t a: type");
    differ(
        &[(Column, "a", "type=text; nullable=true")],
        &[(Column, "a", "type=text; nullable=false")],
        "0 column t a: nullable",
    );
    differ(&[(Column, "a", "type=text; default='x'")], &[(Column, "a", "type=text")], "0 column t a: default");
    differ(
        &[(Column, "a", "type=integer")],
        &[(Column, "a", "type=bigint; identity=always")],
        "0 column t a: identity",
    );
    differ(&[(Column, "a", "type=text; collation=nocase")], &[(Column, "a", "type=text")], "0 column t a: collation");
    differ(&[(Column, "a", "type=text")], &[], "0 column t a: missing in postgres");
    differ(&[], &[(Column, "a", "type=text")], "0 column t a: missing in sqlite");
}

#[test]
fn constraints() {
    same(
        &[(Constraint, "c", "type=check; expression=op IN ('w', 'd')")],
        &[(Constraint, "c", "type=check; expression=op = ANY (ARRAY['w'::text, 'd'::text])")],
    );
    same(
        &[(Column, "id", "type=blob"), (Constraint, "id_length", "type=check; expression=length(id) = 16")],
        &[(Column, "id", "type=uuid")],
    );
    differ(
        &[(Column, "id", "type=blob"), (Constraint, "id_length", "type=check; expression=length(id) = 17")],
        &[(Column, "id", "type=uuid")],
        "0 constraint t id_length: missing in postgres",
    );
    same(
        &[(Constraint, "(unique a, b)", "type=unique; columns=a, b")],
        &[(Constraint, "t_a_b_key", "type=unique; columns=a, b")],
    );
    differ(
        &[(Constraint, "k", "type=unique; columns=a, b")],
        &[(Constraint, "k", "type=unique; columns=b, a")],
        "0 constraint t k: columns",
    );
    differ(
        &[(Constraint, "k", "type=unique; columns=a")],
        &[(Constraint, "k", "type=primary key; columns=a")],
        "0 constraint t k: type",
    );
    same(
        &[(Constraint, "f", "type=foreign key; columns=a; references=polymnia_u (b); on_delete=cascade")],
        &[(
            Constraint,
            "f",
            "type=foreign key; columns=a; references=polymnia.u (b); on_delete=cascade; on_update=no action",
        )],
    );
    differ(
        &[(Constraint, "f", "type=foreign key; columns=a; references=polymnia_u (b)")],
        &[(Constraint, "f", "type=foreign key; columns=a; references=polymnia.u (b); on_delete=cascade")],
        "0 constraint t f: on_delete",
    );
    differ(
        &[(Constraint, "f", "type=foreign key; columns=a; references=polymnia_u (b)")],
        &[(Constraint, "f", "type=foreign key; columns=a; references=polymnia.v (b)")],
        "0 constraint t f: references",
    );
    differ(
        &[(Constraint, "c", "type=check; expression=a > 0")],
        &[(Constraint, "c", "type=check; expression=(a >= 0)")],
        "0 constraint t c: expression",
    );
}

#[test]
fn indexes_triggers_and_views() {
    same(
        &[(Index, "polymnia_i", "columns=a, b desc; method=btree; where=a IS NOT NULL")],
        &[(Index, "i", "columns=a, b DESC; method=btree; where=(a IS NOT NULL); unique=false")],
    );
    differ(
        &[(Index, "polymnia_i", "columns=a, b; method=btree")],
        &[(Index, "i", "columns=b, a; method=btree")],
        "0 index t i: columns",
    );
    differ(
        &[(Index, "polymnia_i", "columns=a; method=btree")],
        &[(Index, "i", "columns=a; method=btree; where=(a > 0)")],
        "0 index t i: where",
    );
    differ(
        &[(Index, "polymnia_i", "columns=a; method=btree; unique=true")],
        &[(Index, "i", "columns=a; method=btree")],
        "0 index t i: unique",
    );
    differ(&[], &[(Index, "i", "columns=a; method=gin")], "0 index t i: missing in sqlite");
    differ(&[(Trigger, "polymnia_x", "timing=after")], &[], "0 trigger t x: missing in postgres");
    differ(&[(View, "polymnia_v", "")], &[], "0 view v: missing in postgres");
    same(&[(View, "polymnia_v", "definition=SELECT 1")], &[(View, "polymnia.v", "definition=SELECT 1;")]);
}

#[test]
fn searched_texts() {
    let vector: Objects<'_> = &[(Column, "words", "type=tsvector"), (Index, "i", "columns=words; method=gin")];
    same(&[(Table, "_texts", "module=fts5")], vector);
    differ(&[], vector, "0 text search of t: missing in sqlite");
    differ(&[(Table, "_texts", "module=fts5")], &[], "0 text search of t: missing in postgres");
}

#[test]
fn what_is_set_apart_is_left_out() {
    let sqlite: Objects<'_> = &[
        (Table, "", ""),
        (Column, "rid", "type=integer; identity=autoincrement"),
        (Constraint, "(primary key)", "type=primary key; columns=rid"),
        (Constraint, "k", "type=unique; columns=a"),
        (Table, "_derived", ""),
    ];
    let postgres: Objects<'_> = &[(Table, "", ""), (Constraint, "k", "type=primary key; columns=a")];
    let second = source("postgres", "polymnia.t", &[postgres], &[]);
    let apart = ["column polymnia_t rid", "constraint polymnia_t (primary key)", "table polymnia_t_derived"];
    let first = source("sqlite", "polymnia_t", &[sqlite], &apart);
    assert_eq!(parity(&first, &second).unwrap(), []);
    assert_eq!(parity(&second, &first).unwrap(), []);
    for left in 0..apart.len() {
        let without: Vec<&str> =
            apart.iter().enumerate().filter(|(at, _)| *at != left).map(|(_, name)| *name).collect();
        let first = source("sqlite", "polymnia_t", &[sqlite], &without);
        assert_ne!(parity(&first, &second).unwrap(), [], "{} is not said to be apart", apart[left]);
    }
}

#[test]
fn the_first_version_that_diverges_is_named() {
    let table: Objects<'_> = &[(Table, "", ""), (Column, "a", "type=text")];
    let second: Objects<'_> = &[(Column, "b", "type=text")];
    let gone: Objects<'_> = &[(Column, "a", "gone")];
    assert_eq!(diverge(&[table, second, gone], &[table, second, gone]), Vec::<String>::new());
    assert_eq!(
        diverge(&[table, second, gone], &[table, gone, second]),
        ["1 column t a: missing in postgres", "1 column t b: missing in postgres"]
    );
    assert_eq!(diverge(&[table, second], &[table]), ["1 version 20261121000101: missing in postgres"]);
}

#[test]
fn what_is_not_written_down_is_an_error() {
    let table: Objects<'_> = &[(Table, "", "")];
    let whole = source("postgres", "polymnia.t", &[table], &[]);
    let mut without = source("sqlite", "polymnia_t", &[table], &[]);
    without.scripts[0].delta = None;
    let error = parity(&without, &whole).unwrap_err();
    assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Malformed));
    assert!(error.to_string().contains("migrations/sqlite/0"), "{error}");
    let hint = "run `polymnia schema dump --delta 20261121000100 > migrations/sqlite/0/schema.json`";
    assert_eq!(error.hint(), Some(hint));
    for name in ["column polymnia_t rid", "nothing"] {
        let error = parity(&source("sqlite", "polymnia_t", &[table], &[name]), &whole).unwrap_err();
        assert_eq!(SchemaFault::of(&error), Some(SchemaFault::Malformed), "{name}");
    }
}
