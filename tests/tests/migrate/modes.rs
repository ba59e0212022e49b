//! What shares a transaction, and runs on a copy.

use polymnia_tests::migrate::{Kind, SHOP, SHOP_HEAD, Shop};

const IN_TRANSACTION: &str = "run_in_transaction = true\n";

#[test]
fn all_in_one_transaction_is_all_or_nothing() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        for version in &SHOP[2..] {
            shop.application.remove(version);
        }
        let last = "shop20260103000100";
        let broken = "CREATE TABLE twice (id INTEGER);\n\nCREATE TABLE twice (id INTEGER);\n";
        shop.application.add(&format!("{last}_twice"), broken, "DROP TABLE twice;\n", IN_TRANSACTION);
        shop.database.run(&["init"]).expect(0);
        let before = shop.database.schema();
        let failed = shop.migrate(&["upgrade", "--tx-mode", "all"]).expect(7).tells("rolled_back");
        assert!(failed.err.contains(last) && failed.err.contains("up.sql:3:1"), "{}", failed.err);
        assert!(failed.err.contains("2 of 2"), "{}", failed.err);
        assert_eq!(shop.database.schema(), before);
        // One by one, those before it stay.
        shop.migrate(&["upgrade"]).expect(7);
        assert_eq!(shop.database.applied().last().unwrap(), SHOP[1]);
        shop.application.edit(last, "up.sql", |text| text.split_once("\n\n").unwrap().0.to_owned());
        shop.migrate(&["upgrade", "--tx-mode", "all"]).expect(0);
        assert_eq!(shop.database.applied().last().unwrap(), last);
    }
}

#[test]
fn what_cannot_share_a_transaction_is_named() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        let before = shop.database.everything();
        shop.migrate(&["upgrade", "--tx-mode", "all"]).expect(2).tells(SHOP[2]);
        assert_eq!(shop.database.everything(), before);
    }
}

#[test]
fn without_transactions_each_statement_stays() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        let last = "shop20260103000100";
        let broken = "CREATE TABLE once (id INTEGER);\n\nINSERT INTO nowhere VALUES (1);\n";
        shop.application.add(&format!("{last}_once"), broken, "DROP TABLE once;\n", IN_TRANSACTION);
        shop.migrate(&["upgrade", SHOP_HEAD]).expect(0);
        shop.migrate(&["upgrade", "--tx-mode", "none"]).expect(8).tells("partly_applied").tells("2 of 2");
        assert_eq!(shop.database.number("SELECT count(*) FROM once"), 0, "the first statement stays");
        shop.application.edit(last, "up.sql", |text| text.replace("nowhere", "once"));
        shop.migrate(&["upgrade"]).expect(0);
        assert_eq!(shop.database.number("SELECT count(*) FROM once"), 1);
        shop.assert_whole(3);
    }
}

#[test]
fn a_rehearsal_leaves_no_trace() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 50);
        let before = shop.database.everything();
        let rehearsed = shop.migrate(&["upgrade", "--rehearse", "--format", "json"]).expect(0).json();
        assert_eq!(rehearsed["steps"].as_array().map(Vec::len), Some(SHOP.len() - 1), "{rehearsed}");
        assert_eq!(shop.database.everything(), before);
        if kind == Kind::Postgres {
            let copies = "SELECT count(*) FROM pg_database WHERE datname LIKE '%' || current_database() || '_%'
                          AND datname <> current_database()";
            assert_eq!(shop.database.number(copies), 0, "the copy is gone");
        }
        // What would fail there fails here, and is told.
        shop.database.execute("UPDATE customers SET email = 'c1@example.com' WHERE id = 2");
        let failed = shop.migrate(&["upgrade", "--rehearse"]);
        assert!([7, 8].contains(&failed.code), "{failed:?}");
        assert!(failed.err.contains(SHOP[3]), "{}", failed.err);
        assert_eq!(shop.database.applied().last().unwrap(), SHOP[0]);
    }
}
