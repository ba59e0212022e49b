//! Histories that are not sound: each has its exit code, and the database stays untouched.

use polymnia_tests::migrate::{Kind, Output, SHOP, SHOP_HEAD, Shop};

const IN_TRANSACTION: &str = "run_in_transaction = true\n";

#[test]
fn an_edited_script_is_refused_with_a_difference() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade", SHOP[3]]).expect(0);
        shop.application.edit(SHOP[1], "up.sql", |text| text.replace("DEFAULT 0", "DEFAULT 1"));
        for verb in [&["check"][..], &["status", "--exit-code"], &["upgrade"], &["upgrade", "--plan"]] {
            let refused = untouched(&shop, verb, 4);
            let told = format!("{}{}", refused.out, refused.err);
            assert!(told.contains(SHOP[1]), "{verb:?}: {told}");
            if verb[0] != "upgrade" {
                assert!(told.contains("DEFAULT 0") && told.contains("DEFAULT 1"), "{verb:?}: no difference in {told}");
            }
        }
        // Whoever knows that it is the same accepts it.
        shop.migrate(&["repair"]).expect(0);
        shop.migrate(&["upgrade"]).expect(0);
        shop.migrate(&["check"]).expect(0);
    }
}

#[test]
fn an_edit_of_comments_white_space_or_line_ends_passes() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade"]).expect(0);
        for version in SHOP {
            shop.application.edit(version, "up.sql", |text| {
                // White space in the body of a function is part of a string.
                let text = if text.contains("$$") { text.to_owned() } else { text.replace("  ", "\t ") };
                format!("-- Said differently.\n/* And so. */\n{text}").replace('\n', "\r\n")
            });
        }
        untouched(&shop, &["check"], 0);
        untouched(&shop, &["status", "--exit-code"], 0);
        shop.migrate(&["upgrade"]).expect(0);
    }
}

#[test]
fn a_duplicate_version_is_refused() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade", SHOP[2]]).expect(0);
        shop.application.add(&format!("{}_again", SHOP[3]), "SELECT 1;\n", "SELECT 1;\n", IN_TRANSACTION);
        untouched(&shop, &["upgrade"], 5).tells("duplicate_version").tells(SHOP[3]);
        untouched(&shop, &["check"], 5);
    }
}

#[test]
fn a_version_below_an_applied_one_is_refused() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade"]).expect(0);
        let late = "shop20260102000250";
        shop.application.add(&format!("{late}_late"), "SELECT 1;\n", "SELECT 1;\n", IN_TRANSACTION);
        untouched(&shop, &["upgrade"], 5).tells("out_of_order").tells(late);
        untouched(&shop, &["check"], 5);
        untouched(&shop, &["status", "--exit-code"], 5);
        untouched(&shop, &["status"], 0);
    }
}

#[test]
fn two_heads_are_refused_until_they_are_merged() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade"]).expect(0);
        let metadata = format!("{IN_TRANSACTION}parents = [\"{SHOP_HEAD}\"]\n");
        let [mine, yours] = ["shop20260103000100", "shop20260103000200"];
        shop.application.add(
            &format!("{mine}_mine"),
            "CREATE TABLE mine (id INTEGER);\n",
            "DROP TABLE mine;\n",
            &metadata,
        );
        shop.application.add(
            &format!("{yours}_yours"),
            "CREATE TABLE yours (id INTEGER);\n",
            "DROP TABLE yours;\n",
            &metadata,
        );
        untouched(&shop, &["upgrade"], 5).tells("several_heads").tells(mine).tells(yours);
        untouched(&shop, &["check"], 5);
        let heads = untouched(&shop, &["heads"], 0);
        assert!(heads.out.contains(mine) && heads.out.contains(yours), "{heads:?}");
        untouched(&shop, &["merge", "heads", "-m", "mine and yours"], 0);
        shop.migrate(&["upgrade"]).expect(0);
        shop.migrate(&["check"]).expect(0);
        let current = shop.migrate(&["current", "--format", "json"]).expect(0);
        assert!(!current.out.contains(mine) && !current.out.contains(yours), "the merge is the head: {}", current.out);
        let schema = if kind == Kind::Postgres { "public." } else { "" };
        assert!(
            ["mine", "yours"].iter().all(|table| shop.database.has(&format!("{schema}{table}"))),
            "where names lead"
        );
    }
}

#[test]
fn an_unknown_target_is_refused() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade", SHOP[1]]).expect(0);
        for target in ["20990101000000", "shop2099", "shop", "2026"] {
            untouched(&shop, &["upgrade", target], 5).tells("unknown_target");
            untouched(&shop, &["downgrade", target], 5).tells("unknown_target");
        }
        // One that is not applied can't be gone back to.
        untouched(&shop, &["downgrade", SHOP[3]], 5);
        for target in ["", "base", "-1", "Head", "x'y"] {
            untouched(&shop, &["upgrade", target], 2);
        }
    }
}

#[test]
fn an_unknown_parent_is_refused() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade"]).expect(0);
        let metadata = format!("{IN_TRANSACTION}parents = [\"shop20250101000000\"]\n");
        shop.application.add("shop20260103000100_lost", "SELECT 1;\n", "SELECT 1;\n", &metadata);
        untouched(&shop, &["upgrade"], 5).tells("unknown_parent").tells("shop20250101000000");
    }
}

#[test]
fn malformed_files_are_refused() {
    let wrong: &[(&str, &str, &str, &str)] = &[
        ("SELECT 1;\n", "SELECT 1;\n", "", "run_in_transaction"),
        ("SELECT 1;\n", "SELECT 1;\n", "run_in_transaction = maybe\n", "metadata.toml"),
        ("SELECT 1;\n", "SELECT 1;\n", "run_in_transaction = true\nrun_in_transation = true\n", "run_in_transation"),
        ("-- nothing\n", "SELECT 1;\n", IN_TRANSACTION, "noop"),
        ("BEGIN;\nSELECT 1;\nCOMMIT;\n", "SELECT 1;\n", IN_TRANSACTION, "BEGIN"),
        ("-- polymnia:batch 10\nUPDATE customers SET points = 1;\n", "SELECT 1;\n", IN_TRANSACTION, "batch"),
    ];
    for kind in Kind::BOTH {
        for (up, down, metadata, told) in wrong {
            let shop = Shop::fresh(kind);
            shop.migrate(&["upgrade", SHOP[1]]).expect(0);
            shop.application.add("shop20260103000100_wrong", up, down, metadata);
            let refused = untouched(&shop, &["upgrade"], 4).tells("malformed").tells("shop20260103000100_wrong");
            assert!(refused.err.contains(told), "{told:?} is not told: {}", refused.err);
        }
    }
}

/// A database that has a version which this build doesn't know: what that one says is allowed is allowed.
#[test]
fn a_newer_database_is_as_open_as_it_says() {
    for kind in Kind::BOTH {
        for (level, reads, writes) in [("full", 0, 0), ("read_only", 0, 5), ("none", 5, 5)] {
            let shop = Shop::fresh(kind);
            let metadata = format!("{IN_TRANSACTION}compatibility = \"{level}\"\n");
            let newest = "shop20260103000100";
            shop.application.add(
                &format!("{newest}_newest"),
                "CREATE TABLE newest (id INTEGER);\n",
                "DROP TABLE newest;\n",
                &metadata,
            );
            shop.migrate(&["upgrade"]).expect(0);
            shop.application.remove(newest);
            let refused = untouched(&shop, &["upgrade"], 5).tells("newer_database").tells(newest);
            assert!(!refused.err.contains("reset"), "{}", refused.err);
            untouched(&shop, &["check"], 5);
            untouched(&shop, &["status"], 0);
            untouched(&shop, &["history"], 0);
            // The program brings no version of the shop: all of them are unknown to a plain call, and say "full".
            let count = shop.database.run(&["count"]);
            assert_eq!(count.code, reads, "{level}: {count:?}");
            let add = shop.database.run(&["add", "x"]);
            assert_eq!(add.code, writes, "{level}: {add:?}");
            // The older build goes back by the stored script.
            shop.migrate(&["downgrade", SHOP_HEAD, "--use-stored-down", "--allow-destructive"]).expect(0);
            assert!(!shop.database.has("newest"));
            shop.migrate(&["check"]).expect(0);
            shop.database.run(&["add", "x"]).expect(0);
        }
    }
}

#[test]
fn only_the_newest_is_taken_back_alone() {
    for kind in Kind::BOTH {
        let shop = Shop::fresh(kind);
        shop.migrate(&["upgrade"]).expect(0);
        untouched(&shop, &["downgrade", "--only", SHOP[2]], 5).tells("not_newest").tells(SHOP[3]);
        shop.migrate(&["downgrade", "--only", SHOP_HEAD, "--allow-destructive"]).expect(0);
        assert_eq!(shop.database.applied().last().unwrap(), SHOP[4]);
    }
}

#[test]
fn what_destroys_rows_is_refused_without_its_flag() {
    for kind in Kind::BOTH {
        let shop = Shop::open(kind, 3);
        shop.migrate(&["upgrade"]).expect(0);
        untouched(&shop, &["downgrade", "base"], 10).tells("destructive").tells("--allow-destructive");
        untouched(&shop, &["downgrade", "base", "--plan"], 0);
        shop.migrate(&["downgrade", "base", "--allow-destructive"]).expect(0).tells("backup");
        assert!(shop.database.applied().is_empty());
    }
}

/// Runs a verb of `migrate` and fails unless it ends with the code and leaves the database as it was.
#[track_caller]
fn untouched(shop: &Shop, arguments: &[&str], code: i32) -> Output {
    let before = shop.database.everything();
    let output = shop.migrate(arguments);
    assert_eq!(output.code, code, "{arguments:?} on {}: {}\n{}", shop.kind().name(), output.out, output.err);
    assert_eq!(shop.database.everything(), before, "{arguments:?} changed something");
    output
}
