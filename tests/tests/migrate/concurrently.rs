//! Indexes built without locks that fail half-way.

use polymnia_tests::migrate::{Kind, SHOP, SHOP_HEAD, Shop};

#[test]
fn a_unique_violation_is_never_called_success() {
    let shop = Shop::open(Kind::Postgres, 50);
    shop.database.execute("UPDATE public.customers SET email = 'c1@example.com' WHERE id = 2");
    for _ in 0..2 {
        let failed = shop.migrate(&["upgrade"]).expect(8).tells("customers_by_email").tells("partly_applied");
        assert!(!failed.err.contains("c1@example.com"), "no value of a row shows: {}", failed.err);
        assert_eq!(shop.database.applied().last().unwrap(), SHOP[2]);
        shop.migrate(&["check"]).expect(5).tells("unfinished");
        // Whether the index is left invalid or removed: nothing that is there is one that queries could be told to trust.
        let valid =
            "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('public.customers_by_email') AND indisvalid";
        assert_eq!(shop.database.number(valid), 0);
    }
    let doctor = shop.database.run(&["doctor"]);
    assert!(format!("{}{}", doctor.out, doctor.err).contains("customers_by_email"), "{doctor:?}");
    shop.database.execute("UPDATE public.customers SET email = 'c2@example.com' WHERE id = 2");
    shop.migrate(&["upgrade"]).expect(0);
    assert_eq!(shop.database.applied().last().unwrap(), SHOP_HEAD);
    shop.assert_whole(50);
}

#[test]
fn repair_removes_an_index_that_is_not_valid() {
    let shop = Shop::open(Kind::Postgres, 50);
    shop.database.execute("UPDATE public.customers SET email = 'c1@example.com' WHERE id = 2");
    shop.migrate(&["upgrade"]).expect(8);
    shop.migrate(&["repair"]).expect(0);
    let there = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(shop.database.number(there), 0);
    shop.database.execute("UPDATE public.customers SET email = 'c2@example.com' WHERE id = 2");
    shop.migrate(&["upgrade"]).expect(0);
    shop.assert_whole(50);
}

/// An index of that name that another program left invalid is not taken for ours.
#[test]
fn an_invalid_index_of_another_program_is_built_again() {
    let shop = Shop::open(Kind::Postgres, 50);
    shop.migrate(&["upgrade", SHOP[2]]).expect(0);
    shop.database.execute("UPDATE public.customers SET email = 'c1@example.com' WHERE id = 2");
    let mut connection = shop.database.postgres();
    let build = "CREATE UNIQUE INDEX CONCURRENTLY customers_by_email ON public.customers (email)";
    diesel::connection::SimpleConnection::batch_execute(&mut connection, build).unwrap_err();
    shop.database.execute("UPDATE public.customers SET email = 'c2@example.com' WHERE id = 2");
    shop.application.edit(SHOP[3], "up.sql", |text| {
        text.replace("CONCURRENTLY customers", "CONCURRENTLY IF NOT EXISTS customers")
            .replace("CREATE UNIQUE INDEX customers", "CREATE UNIQUE INDEX IF NOT EXISTS customers")
    });
    shop.migrate(&["upgrade"]).expect(0);
    let valid =
        "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('public.customers_by_email') AND indisvalid";
    assert_eq!(shop.database.number(valid), 1);
}

#[test]
fn a_unique_violation_in_a_transaction_leaves_nothing() {
    let shop = Shop::open(Kind::Sqlite, 50);
    shop.migrate(&["upgrade", SHOP[2]]).expect(0);
    shop.database.execute("UPDATE customers SET email = 'c1@example.com' WHERE id = 2");
    let before = shop.database.schema();
    let failed = shop.migrate(&["upgrade"]).expect(7).tells("rolled_back").tells("up.sql:2:1");
    assert!(!failed.err.contains("c1@example.com"), "no value of a row shows: {}", failed.err);
    assert_eq!(shop.database.schema(), before);
    assert_eq!(shop.database.applied().last().unwrap(), SHOP[2]);
}
