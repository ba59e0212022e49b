//! Databases that another tool migrated: recognised by its ledger, compared, taken over, and left as they were apart from that.

use polymnia_tests::migrate::{Database, Kind};

/// The first versions of ours: what the other tool made.
const MADE: [&str; 2] = ["20261121000100", "20261121000200"];

#[test]
fn ledgers_of_other_tools_are_named() {
    for kind in Kind::BOTH {
        let mut seen = 0;
        for (tool, version, script) in ledgers(kind) {
            let database = Database::fresh(kind);
            database.execute(&script);
            let before = database.everything();
            let status = database.run(&["migrate", "status", "--format", "json"]).expect(0).json();
            let foreign = status["foreign"].as_array().unwrap();
            assert_eq!(foreign.len(), 1, "{tool} on {}: {status}", kind.name());
            assert_eq!(foreign[0]["tool"], tool.as_str(), "{status}");
            assert_eq!(foreign[0]["version"], version.as_str(), "{status}");
            assert_eq!(database.everything(), before);
            // It stands beside ours and stays as it is.
            database.run(&["init"]).expect(0);
            let after = database.everything();
            let kept = |line: &&String| line.starts_with("sqlite_sequence") || after.contains(line);
            let lost: Vec<&String> = before.iter().filter(|line| !kept(line)).collect();
            assert!(lost.is_empty(), "{tool} on {}: {lost:#?}", kind.name());
            seen += 1;
        }
        assert!(seen >= 10, "{seen} ledgers of {}", kind.name());
    }
}

/// Tables of ours that another tool made, and no ledger of ours: nothing happens until they were compared.
#[test]
fn tables_of_ours_that_another_tool_made_are_compared_and_taken_over() {
    for kind in Kind::BOTH {
        for (tool, _, script) in ledgers(kind).into_iter().filter(|(tool, ..)| tool == "alembic" || tool == "prisma") {
            let database = Database::fresh(kind);
            database.execute(&script);
            made_by_another(&database);
            let before = database.everything();
            for arguments in [&["migrate", "upgrade"][..], &["init"]] {
                let refused = database.run(arguments).expect(5).tells("not_adopted").tells("polymnia migrate baseline");
                assert!(refused.err.contains(&tool), "{}", refused.err);
                assert_eq!(database.everything(), before);
            }
            // It is not at the newest version: what lacks is told.
            let refused = database.run(&["migrate", "baseline"]).expect(4).tells("drift");
            assert!(refused.err.contains("changes"), "{}", refused.err);
            assert_eq!(database.everything(), before);
            database.run(&["migrate", "baseline", "--at", MADE[1]]).expect(0);
            assert_eq!(database.applied(), MADE);
            database.run(&["migrate", "upgrade"]).expect(0);
            database.run(&["migrate", "check"]).expect(0);
            database.run(&["schema", "validate"]).expect(0);
            database.run(&["add", "x"]).expect(0);
            let ledger = before.iter().filter(|line| line.contains("alembic_version") || line.contains("_prisma"));
            let after = database.everything();
            assert!(ledger.clone().count() > 1 && ledger.into_iter().all(|line| after.contains(line)), "{tool}");
        }
    }
}

/// One column of another type is enough.
#[test]
fn a_database_that_differs_is_refused_with_the_difference() {
    for kind in Kind::BOTH {
        for (change, told) in match kind {
            Kind::Sqlite => [
                ("DROP INDEX polymnia_memories_created", "polymnia_memories_created"),
                ("ALTER TABLE polymnia_memories ADD COLUMN mood TEXT", "mood"),
                ("DROP TRIGGER polymnia_memories_foreign_write", "polymnia_memories_foreign_write"),
            ],
            Kind::Postgres => [
                ("DROP INDEX polymnia.memories_created", "memories_created"),
                ("ALTER TABLE polymnia.memories ALTER COLUMN importance TYPE numeric", "importance"),
                (
                    "ALTER TABLE polymnia.memories DROP CONSTRAINT memories_importance_range",
                    "memories_importance_range",
                ),
            ],
        } {
            let database = Database::fresh(kind);
            made_by_another(&database);
            database.execute(change);
            let before = database.everything();
            let refused = database.run(&["migrate", "baseline", "--at", MADE[1]]).expect(4).tells("drift").tells(told);
            assert_eq!(database.everything(), before, "{}", refused.err);
        }
    }
}

/// What an application keeps in diesel's ledger in the same file is neither ours nor newer than we.
#[test]
fn an_application_of_diesel_shares_the_ledger_of_sqlite() {
    let database = Database::fresh(Kind::Sqlite);
    database.execute(
        "CREATE TABLE __diesel_schema_migrations (
             version VARCHAR(50) PRIMARY KEY NOT NULL,
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
         );
         INSERT INTO __diesel_schema_migrations (version) VALUES ('20240101000000'), ('00000000000000')",
    );
    database.run(&["migrate", "status"]).expect(0);
    database.run(&["init"]).expect(0);
    database.run(&["add", "x"]).expect(0);
    assert_eq!(database.number("SELECT count(*) FROM __diesel_schema_migrations WHERE version < '2025'"), 2);
}

/// Makes the tables of our first versions, without a ledger of ours.
fn made_by_another(database: &Database) {
    let scripts = match database.kind() {
        Kind::Sqlite => polymnia_migrations::sqlite(),
        Kind::Postgres => {
            database.execute("CREATE SCHEMA polymnia");
            polymnia_migrations::postgres()
        }
    };
    for script in scripts.iter().filter(|script| MADE.contains(&script.version)) {
        database.execute(script.up);
    }
}

/// Returns the recorded ledgers: the tool, its newest version, and the script that makes it.
fn ledgers(kind: Kind) -> Vec<(String, String, String)> {
    let path = format!("{}/fixtures/foreign/ledgers/{}.sql", env!("CARGO_MANIFEST_DIR"), kind.name());
    let text = std::fs::read_to_string(path).unwrap();
    let ledger = |paragraph: &str| {
        let (heading, script) = paragraph.strip_prefix("-- ").unwrap().split_once('\n').unwrap();
        let (tool, version) = heading.split_once(' ').unwrap();
        (tool.to_owned(), version.to_owned(), script.to_owned())
    };
    // The first paragraph is about the file.
    text.split("\n\n").skip(1).map(ledger).collect()
}
