//! A table that SQLite has to make anew, with child tables that cascade.

use polymnia_tests::migrate::{Kind, SHOP, Shop};

#[test]
fn child_rows_stay() {
    let shop = Shop::open(Kind::Sqlite, 300);
    shop.migrate(&["upgrade", SHOP[3]]).expect(0);
    shop.database.execute("INSERT INTO vouchers (code, customer_id) VALUES ('a', 7)");
    let counts = counts(&shop);
    shop.migrate(&["upgrade", SHOP[4]]).expect(0);
    assert_eq!(self::counts(&shop), counts);
    assert_eq!(shop.database.number("SELECT customer_id FROM vouchers"), 7);
    // The children still belong to it.
    shop.database.execute("DELETE FROM customers WHERE id = 7");
    assert_eq!(shop.database.number("SELECT count(*) FROM orders"), 598);
    assert_eq!(shop.database.number("SELECT count(*) FROM vouchers WHERE customer_id IS NULL"), 1);
    // And back.
    let counts = self::counts(&shop);
    shop.migrate(&["downgrade", "-1", "--allow-destructive"]).expect(0);
    assert_eq!(self::counts(&shop), counts);
}

#[test]
fn a_rebuild_that_loses_an_end_of_a_reference_is_rolled_back() {
    let shop = Shop::open(Kind::Sqlite, 300);
    shop.migrate(&["upgrade", SHOP[3]]).expect(0);
    // As many rows, and one of them with a key that no order knows.
    shop.application.edit(SHOP[4], "up.sql", |text| {
        text.replace("SELECT id, email", "SELECT CASE id WHEN 7 THEN 7000 ELSE id END, email")
            .replace("CHECK (name <> '')", "CHECK (name <> '' AND name <> 'x')")
    });
    refused(&shop, "orders");
}

#[test]
fn a_rebuild_that_loses_rows_is_rolled_back() {
    let shop = Shop::open(Kind::Sqlite, 300);
    shop.migrate(&["upgrade", SHOP[3]]).expect(0);
    shop.database.execute("DELETE FROM orders WHERE customer_id = 7");
    shop.application.edit(SHOP[4], "up.sql", |text| {
        text.replace("points FROM customers", "points FROM customers WHERE id <> 7")
            .replace("CHECK (name <> '')", "CHECK (name <> '' AND name <> 'x')")
    });
    refused(&shop, "customers");
}

#[test]
fn a_rebuild_that_fails_half_way_is_rolled_back() {
    let shop = Shop::open(Kind::Sqlite, 300);
    shop.migrate(&["upgrade", SHOP[3]]).expect(0);
    shop.database.execute("UPDATE customers SET name = '' WHERE id = 300");
    refused(&shop, "customers_name_said");
}

/// Fails unless the next version of SQLite is refused, telling of a name, and nothing is changed.
#[track_caller]
fn refused(shop: &Shop, name: &str) {
    let (schema, counts, applied) = (shop.database.schema(), counts(shop), shop.database.applied());
    shop.migrate(&["upgrade"]).expect(7).tells(name).tells("rolled_back");
    assert_eq!(shop.database.schema(), schema);
    assert_eq!(self::counts(shop), counts);
    assert_eq!(shop.database.applied(), applied);
    assert_eq!(shop.database.number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

fn counts(shop: &Shop) -> Vec<i64> {
    let count = |table: &&str| shop.database.number(&format!("SELECT count(*) FROM {table}"));
    ["customers", "orders", "order_items", "vouchers"].iter().map(count).collect()
}
