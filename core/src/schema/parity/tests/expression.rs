//! Forms of expressions.

use crate::schema::parity::expression::{form, forms};
use crate::schema::text::Syntax;

#[test]
fn what_dialects_write_differently_has_one_form() {
    for (sqlite, postgres) in [
        (
            "importance BETWEEN 0.0 AND 1.0",
            "(importance >= (0.0)::double precision) AND (importance <= (1.0)::double precision)",
        ),
        ("op IN ('w', 'd')", "op = ANY (ARRAY['w'::text, 'd'::text])"),
        ("op IN ('w', 'd')", "(op)::text = ANY ((ARRAY['w'::character varying, 'd'::character varying])::text[])"),
        ("op NOT IN ('w', 'd')", "op <> ALL (ARRAY['w'::text, 'd'::text])"),
        ("revision >= 1", "(revision >= 1)"),
        ("expires_at IS NOT NULL", "(expires_at IS NOT NULL)"),
        ("a != b OR NOT c", "((a <> b) OR (NOT c))"),
        ("a IS NOT b", "(a IS DISTINCT FROM b)"),
        ("a IS b", "(a IS NOT DISTINCT FROM b)"),
        ("a = 1 AND (b = 2 AND c = 3)", "((c = 3) AND (a = 1)) AND (b = 2)"),
        ("CAST(a AS TEXT) = 'x'", "((a)::character varying(20))::text = 'x'::text"),
        ("a + b * -2", "(a + (b * '-2'::integer))"),
        ("a > -0.5", "(a > '-0.5'::numeric)"),
        ("\"order\" > 0", "(\"order\" > 0)"),
        ("lower(a) = b", "(lower(a) = (b COLLATE \"C\"))"),
        ("current_timestamp", "now()"),
        ("done = 1", "(done = true)"),
        ("CASE WHEN a THEN 1 ELSE 2 END > 0", "(CASE WHEN a THEN 1 ELSE 2 END > 0)"),
    ] {
        assert_eq!(form(sqlite, Syntax::Sqlite), form(postgres, Syntax::Postgres), "{sqlite} / {postgres}");
    }
}

#[test]
fn what_means_something_else_has_another_form() {
    for (one, other) in [
        ("a < 1", "a <= 1"),
        ("a = 1 OR b = 2 AND c = 3", "(a = 1 OR b = 2) AND c = 3"),
        ("a IN ('w', 'd')", "a IN ('w')"),
        ("NOT a = 1", "a = 1"),
        ("a - b - c", "a - (b - c)"),
        ("a IS NULL", "a IS NOT NULL"),
        ("a = 'X'", "a = 'x'"),
        ("a = \"A\"", "a = \"a\""),
        ("a = 1.5", "a = 15"),
        ("a = 10", "a = 1"),
        ("f(a, b)", "f(b, a)"),
    ] {
        for syntax in [Syntax::Sqlite, Syntax::Postgres] {
            assert_ne!(form(one, syntax), form(other, syntax), "{one} / {other}");
        }
    }
}

#[test]
fn what_cannot_be_read_stays_as_it_is() {
    for text in ["", "a = (", "a b c", "= 1", "a ~ ANY ('{b}'::text[])", "CASE", "a IN", "x'00' ||"] {
        form(text, Syntax::Postgres);
        forms(text, Syntax::Sqlite);
    }
    assert_eq!(form("a b  c", Syntax::Sqlite), "a b c");
    for deep in ["(", "NOT ", "- ", "f(", "a = (", "CASE WHEN ", "CAST("] {
        form(&deep.repeat(100_000), Syntax::Postgres);
    }
}

#[test]
fn columns_of_an_index_keep_their_order() {
    assert_eq!(
        forms("namespace, created_at DESC NULLS LAST, (lower(a)), id", Syntax::Sqlite),
        ["namespace", "created_at desc", "(lower a)", "id"]
    );
    assert_eq!(forms("a text_pattern_ops", Syntax::Postgres), ["a text_pattern_ops"]);
}
