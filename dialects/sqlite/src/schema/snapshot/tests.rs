//! Snapshots of schemas, written in many ways.

use std::collections::BTreeSet;

use polymnia::Call;
use polymnia::spi::SchemaEngine as _;

use super::*;
use crate::schema::tests::{engine_with, now};

fn snapshot(script: &str) -> Snapshot {
    engine_with(script).snapshot(&Call::at(now())).unwrap()
}

fn lines(script: &str) -> Vec<String> {
    snapshot(script).to_string().lines().map(str::to_owned).collect()
}

#[test]
fn every_kind_of_object_is_read() {
    let script = "
        CREATE TABLE polymnia_a (
            rid INTEGER PRIMARY KEY AUTOINCREMENT, -- the row
            name TEXT NOT NULL DEFAULT ('x') COLLATE NOCASE CONSTRAINT a_name UNIQUE ON CONFLICT IGNORE,
            n INT DEFAULT -1 CHECK (n < 10),
            twice INTEGER GENERATED ALWAYS AS (n * 2) STORED,
            CONSTRAINT a_range CHECK ((LENGTH(name)<= 20)) UNIQUE (n, \"name\")
        ) STRICT;
        CREATE TABLE child (
            a VARCHAR (20), b INTEGER REFERENCES polymnia_a ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
            PRIMARY KEY (a, b),
            CONSTRAINT child_a FOREIGN KEY (a) REFERENCES polymnia_a (name) ON UPDATE SET NULL ON DELETE NO ACTION
        ) WITHOUT ROWID;
        CREATE UNIQUE INDEX polymnia_a_n ON polymnia_a (n DESC, lower ( name ), name COLLATE BINARY ASC) WHERE n IS NOT NULL;
        CREATE TRIGGER polymnia_a_t AFTER UPDATE OF n, name ON polymnia_a WHEN (new.n > 1)
        BEGIN UPDATE polymnia_a SET n = CASE WHEN 1 THEN 2 END; END;
        CREATE TRIGGER \"update\" DELETE ON child FOR EACH ROW BEGIN SELECT 1; END;
        CREATE VIEW v (x) AS SELECT a FROM child;
        CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'porter');
        CREATE TABLE \"my table\" (\"my column\" TEXT, PRIMARY KEY (\"my column\"));
    ";
    assert_eq!(lines(script).join("\n"), "\
table \"my table\":
column \"my table\" my column: nullable=true type=text
constraint \"my table\" (primary key): columns=\\\"my column\\\" type=primary key
table child: options=without rowid
column child a: nullable=false type=varchar(20)
column child b: nullable=false type=integer
constraint child (foreign key b): columns=b deferrable=initially deferred on_delete=cascade references=polymnia_a type=foreign key
constraint child (primary key): columns=a, b type=primary key
constraint child child_a: columns=a on_update=set null references=polymnia_a (name) type=foreign key
trigger child update: definition=select 1; events=delete timing=before
table polymnia_a: options=strict
column polymnia_a n: default=-1 nullable=true type=int
column polymnia_a name: collation=nocase default=\\'x\\' nullable=false type=text
column polymnia_a rid: identity=autoincrement nullable=false type=integer
column polymnia_a twice: generated=n * 2 stored nullable=true type=integer
constraint polymnia_a (check n < 10): expression=n < 10 type=check
constraint polymnia_a (primary key): columns=rid type=primary key
constraint polymnia_a (unique n, name): columns=n, name type=unique
constraint polymnia_a a_name: columns=name on_conflict=ignore type=unique
constraint polymnia_a a_range: expression=length(name) <= 20 type=check
index polymnia_a polymnia_a_n: columns=n desc, (lower(name)), name collate binary method=btree unique=true where=n is not null
trigger polymnia_a polymnia_a_t: definition=update polymnia_a set n = case when 1 then 2 end; events=update of n, name timing=after when=new.n > 1
view v: definition=(x) as select a from child
table words: arguments=text, tokenize = \\'porter\\' module=fts5
column words text: nullable=true type=");
}

#[test]
fn ours_is_told_by_the_name() {
    let snapshot = snapshot(
        "CREATE TABLE polymnia_x (a TEXT, CONSTRAINT c CHECK (a <> '')); CREATE TABLE y (a TEXT);
         CREATE INDEX theirs ON polymnia_x (a); CREATE INDEX polymnia_i ON polymnia_x (a);",
    );
    let ours = |ours| -> Vec<String> { snapshot.part(ours).0.keys().map(ToString::to_string).collect() };
    assert_eq!(
        ours(true),
        ["table polymnia_x", "column polymnia_x a", "constraint polymnia_x c", "index polymnia_x polymnia_i"]
    );
    assert_eq!(ours(false), ["index polymnia_x theirs", "table y", "column y a"]);
}

#[test]
fn comments_case_space_and_quotes_make_no_difference() {
    let one =
        snapshot("CREATE TABLE t (a TEXT NOT NULL, CONSTRAINT c CHECK (a IN ('x','y'))); CREATE INDEX i ON t(a);");
    let other = snapshot(
        "create table \"t\"([a] text not null -- why
         ,constraint c check((`A`  in('x' , 'y'))));create index if not exists main.i on t ( \"a\" ASC )",
    );
    assert_eq!(one.to_string(), other.to_string());
    assert_eq!(one.fingerprint(), other.fingerprint());
}

#[test]
fn altered_tables_are_as_if_made_so() {
    let altered = snapshot(
        "CREATE TABLE p (a INTEGER, b TEXT); CREATE INDEX i ON p (b) WHERE b > ''; ALTER TABLE p RENAME TO t;
         ALTER TABLE t RENAME COLUMN b TO c; ALTER TABLE t ADD COLUMN d INTEGER NOT NULL DEFAULT 0 CHECK (d >= 0)",
    );
    let made = snapshot(
        "CREATE TABLE t (a INTEGER, c TEXT, d INTEGER NOT NULL DEFAULT 0 CHECK (d >= 0)); CREATE INDEX i ON t (c) WHERE c > ''",
    );
    assert_eq!(altered.to_string(), made.to_string());
}

#[test]
fn only_a_key_of_one_integer_is_the_rowid() {
    for (column, expected) in [
        ("INTEGER PRIMARY KEY", "identity=rowid nullable=false"),
        ("INTEGER PRIMARY KEY DESC", "nullable=true"),
        ("INT PRIMARY KEY", "nullable=true"),
        ("INTEGER, PRIMARY KEY (a)", "identity=rowid nullable=false"),
        ("INTEGER, b, PRIMARY KEY (a, b)", "nullable=true"),
    ] {
        let lines = lines(&format!("CREATE TABLE t (a {column})"));
        let of_a = lines.iter().find(|line| line.starts_with("column t a:")).unwrap();
        assert!(of_a.starts_with(&format!("column t a: {expected}")), "{column}: {of_a}");
    }
}

/// Writes a statement otherwise, with the same meaning: other white space, comments, case, quotes.
fn rewritten(statement: &str, choices: &mut fastrand::Rng) -> String {
    use polymnia::schema::text::{Syntax, TokenKind, tokens};

    let mut written = String::new();
    for token in tokens(statement, Syntax::Sqlite).filter(|token| !token.is_comment()) {
        written.push_str(choices.choice([" ", "\n\t", " /* ; ' */ ", " -- \"why\"\n", "  "]).unwrap());
        match token.kind {
            TokenKind::Word if choices.bool() => written.push_str(&token.text.to_ascii_uppercase()),
            TokenKind::Name => {
                let name = crate::schema::catalog::unquoted(&token);
                let quoted = [format!("\"{name}\""), format!("`{name}`"), format!("[{name}]")];
                written.push_str(choices.choice(&quoted).unwrap());
            }
            _ => written.push_str(token.text),
        }
    }
    written
}

#[test]
fn our_schema_written_in_any_way_is_our_schema() {
    let engine = engine_with("");
    engine.migrate(&Call::at(now())).unwrap();
    let expected = engine.snapshot(&Call::at(now())).unwrap();
    let kept = engine.with(&Call::at(now()), crate::engine::Limit::Unlimited, |connection| {
        sql::texts(
            connection,
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name LIKE 'polymnia_%' AND name NOT IN \
             ('polymnia_migrations', 'polymnia_migration_log') ORDER BY type = 'trigger', type = 'index'",
            &[],
        )
    });
    let kept = kept.unwrap();
    assert!(kept.len() > 10);
    for seed in 0..40 {
        let mut choices = fastrand::Rng::with_seed(seed);
        let script: Vec<String> = kept.iter().map(|statement| rewritten(statement, &mut choices)).collect();
        // Names of tables and columns are told as they are written; everything else has one form.
        let found = snapshot(&script.join(";\n"));
        let lower = |snapshot: &Snapshot| -> BTreeSet<String> {
            snapshot.to_string().to_lowercase().lines().map(str::to_owned).collect()
        };
        assert_eq!(lower(&found), lower(&expected), "seed {seed}");
    }
}

proptest::proptest! {
    /// SQLite has accepted what is read, in a grammar that may grow.
    #[test]
    fn any_text_is_read(words in proptest::collection::vec(proptest::sample::select(vec![
        "create", "table", "index", "trigger", "view", "virtual", "using", "unique", "on", "if", "not", "exists", "a", "b", "(", ")",
        ",", ".", "'x'", "\"y\"", "1", "-", "constraint", "primary", "key", "check", "default", "references", "foreign", "conflict",
        "null", "collate", "generated", "always", "as", "stored", "begin", "end", ";", "when", "where", "desc", "update", "of",
        "set", "no", "action", "deferrable", "initially", "deferred", "match", "[", "-- x\n", "/*",
    ]), 0..40)) {
        let text = words.join(" ");
        let tokens = normal::words(&text);
        create::read(&tokens);
        index::attributes(&text);
        trigger::attributes(&text);
        trigger::view(&text);
        normal::expression(&tokens);
    }
}
