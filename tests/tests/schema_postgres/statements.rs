//! Statements of their own kind: half-made indexes, batches, rows that lead nowhere.

use super::*;

#[test]
fn half_made_indexes_are_found_and_dropped() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    database
        .sql(
            "CREATE SCHEMA shop; CREATE TABLE shop.t (a int, b int); INSERT INTO shop.t VALUES (1, 1), (1, 2);
             CREATE INDEX ok ON shop.t (a)",
        )
        .unwrap();
    let failed = session.execute(&call(), "CREATE UNIQUE INDEX CONCURRENTLY \"Twice\" ON shop.t (a)").unwrap_err();
    assert_eq!(failed.error.message(), "could not create unique index \"Twice\"");
    assert_eq!(session.invalid_indexes(&call()).unwrap(), ["shop.\"Twice\""]);
    for (name, there) in
        [("ok", true), ("OK", true), ("shop.ok", true), ("public.ok", false), ("\"Twice\"", false), ("none", false)]
    {
        assert_eq!(session.has_index(&call(), name).unwrap(), there, "{name}");
    }
    session.drop_invalid_index(&call(), "ok").unwrap();
    assert!(session.has_index(&call(), "ok").unwrap(), "what is valid stays");
    session.drop_invalid_index(&call(), "shop.\"Twice\"").unwrap();
    assert_eq!(session.invalid_indexes(&call()).unwrap(), Vec::<String>::new());
}

#[test]
fn a_statement_goes_through_a_table_in_batches() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    database
        .sql(
            "CREATE TABLE t (n text COLLATE \"C\", at timestamptz, id int, done int DEFAULT 0, PRIMARY KEY (n, at, id));
             INSERT INTO t SELECT 'n''' || i % 3, timestamptz '2026-01-01' + i * interval '1.000001 second', i
             FROM generate_series(1, 100) AS i",
        )
        .unwrap();
    let statement = "UPDATE t AS x SET done = done + 1 WHERE id > 10 OR id < 3 -- all but some\n";
    let condition = statement.find("id >").unwrap()..statement.len();
    let (mut after, mut looked_at, mut changed, mut batches, mut totals) = (None::<String>, 0, 0, 0, Vec::new());
    loop {
        let request = BatchRequest {
            statement,
            table: "t",
            alias: "x",
            condition: BatchCondition::Within(condition.clone()),
            after: after.as_deref(),
            rows: 30,
        };
        session.begin(&call(), Begin::Plain).unwrap();
        let done = session.batch(&call(), &request).unwrap();
        session.commit(&call()).unwrap();
        looked_at += done.looked_at;
        changed += done.changed;
        totals.extend(done.total);
        let Some(key) = done.key else { break };
        after = Some(key);
        batches += 1;
    }
    assert_eq!((looked_at, changed, batches, totals), (100, 92, 4, vec![100]));
    assert_eq!(begin_and(&mut *session, "DELETE FROM t WHERE done = 1").unwrap(), 92);

    let request = BatchRequest {
        statement: "DELETE FROM u",
        table: "u",
        alias: "u",
        condition: BatchCondition::At("DELETE FROM u".len()),
        after: None,
        rows: 30,
    };
    database.sql("CREATE TABLE u (a int)").unwrap();
    let failed = session.batch(&call(), &request).unwrap_err();
    assert!(failed.error.message().contains("no primary key"), "{:?}", failed.error);
    database.sql("ALTER TABLE u ADD PRIMARY KEY (a); INSERT INTO u VALUES (1)").unwrap();
    assert_eq!(session.batch(&call(), &request).unwrap().changed, 1);
    let wrong =
        BatchRequest { statement: "DELETE FROM u WHERE c = 1", condition: BatchCondition::Within(20..25), ..request };
    assert_eq!(session.batch(&call(), &wrong).unwrap().key, None, "nothing is left, so nothing is run");
    database.sql("INSERT INTO u VALUES (1)").unwrap();
    assert_eq!(session.batch(&call(), &wrong).unwrap_err().offset, Some(20));
}

#[test]
fn rows_that_lead_nowhere_are_found() {
    let database = server::shared().create_database();
    let engine = open(&database.url());
    let mut session = session(&*engine);
    database
        .sql(
            "CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE child (x int, y int);
             INSERT INTO parent VALUES (1, 1); INSERT INTO child VALUES (1, 1), (1, 2), (NULL, 2);
             ALTER TABLE child ADD CONSTRAINT k FOREIGN KEY (x, y) REFERENCES parent NOT VALID",
        )
        .unwrap();
    let orphans = session.orphans(&call()).unwrap();
    let shown: Vec<_> = orphans.iter().map(|one| (one.table.as_str(), one.parent.as_str(), one.rows)).collect();
    assert_eq!(shown, [("public.child", "public.parent", 1)]);
    database.sql("DELETE FROM child WHERE y = 2 AND x = 1; ALTER TABLE child VALIDATE CONSTRAINT k").unwrap();
    assert_eq!(session.orphans(&call()).unwrap(), []);
}
