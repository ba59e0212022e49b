//! What holds for any script.

use proptest::prelude::*;

use crate::schema::BatchCondition;
use crate::schema::text::{
    Statement, Syntax, checksums, destructions, directive_faults, noop_reason, place, statements, tokens,
};

/// Pieces that mean something to the lexer, and anything else.
fn script() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(";".to_owned()),
        prop::sample::select(vec![
            "'",
            "\"",
            "`",
            "[",
            "]",
            "(",
            ")",
            "$",
            "$$",
            "$a$",
            "--",
            "/*",
            "*/",
            "\\",
            "\n",
            "\r",
            "\r\n",
            " ",
            "E'",
            "U&'",
            "x'",
            "CREATE ",
            "TRIGGER ",
            "TEMP ",
            "FUNCTION ",
            "BEGIN ",
            "ATOMIC ",
            "CASE ",
            "END",
            "DROP ",
            "TABLE ",
            "UPDATE ",
            "SET ",
            "WHERE ",
            "DELETE FROM ",
            "DO ",
            "WITH ",
            "ALTER TABLE ",
            "PRAGMA ",
            "foreign_keys",
            "=",
            "-",
            "1e",
            "0x",
            ".",
            ",",
            "\n-- polymnia:batch 10\n",
            "\n-- polymnia:",
            "ä",
            "INDEX ",
            "ON ",
            "TRUNCATE ",
            "REPLACE INTO "
        ])
        .prop_map(str::to_owned),
        "[a-z0-9_]{1,3}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn syntax() -> impl Strategy<Value = Syntax> {
    prop::sample::select(vec![Syntax::Sqlite, Syntax::Postgres])
}

/// The tokens of a script that are neither comments nor semicolons that end nothing.
fn kept(script: &str, syntax: Syntax) -> Vec<&str> {
    let cut = statements(script, syntax);
    tokens(script, syntax)
        .filter(|token| !token.is_comment())
        .filter(|token| {
            let within = |statement: &Statement<'_>| {
                (statement.offset..statement.offset + statement.text.len()).contains(&token.offset)
            };
            !token.is_symbol(";") || cut.iter().any(within)
        })
        .map(|token| token.text)
        .collect()
}

/// What may stand between two tokens without meaning anything.
fn separators() -> impl Strategy<Value = Vec<&'static str>> {
    let separator =
        prop::sample::select(vec![" ", "\n", "\r\n", "\t", " -- why\r\n", " /* 'why */ ", "\n-- polymnia:allow a b\n"]);
    prop::collection::vec(separator, 1..20)
}

/// The tokens of a script but for comments, written down anew.
fn rewritten(script: &str, syntax: Syntax, separators: &[&str], left_out: Option<usize>) -> (String, usize) {
    let tokens: Vec<&str> =
        tokens(script, syntax).filter(|token| !token.is_comment()).map(|token| token.text).collect();
    let kept = tokens.iter().enumerate().filter(|(index, _)| Some(*index) != left_out);
    let written = kept.zip(separators.iter().cycle()).map(|((_, token), separator)| format!("{separator}{token}"));
    (written.collect(), tokens.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn tokens_cover_the_script(script in script(), syntax in syntax()) {
        let mut end = 0;
        for token in tokens(&script, syntax) {
            prop_assert!(!token.text.is_empty());
            prop_assert_eq!(&script[token.offset..token.end()], token.text);
            prop_assert!(script[end..token.offset].bytes().all(|byte| byte.is_ascii_whitespace() || byte == 0x0b));
            end = token.end();
        }
        prop_assert!(script[end..].bytes().all(|byte| byte.is_ascii_whitespace() || byte == 0x0b));
    }

    #[test]
    fn nothing_but_comments_and_space_is_lost(script in script(), syntax in syntax()) {
        let mut end = 0;
        let mut parts = Vec::new();
        for statement in statements(&script, syntax) {
            prop_assert!(statement.offset >= end);
            prop_assert_eq!(&script[statement.offset..statement.offset + statement.text.len()], statement.text);
            end = statement.offset + statement.text.len();
            let significant = tokens(statement.text, syntax).filter(|token| !token.is_comment());
            parts.extend(significant.map(|token| token.text));
        }
        prop_assert_eq!(parts, kept(&script, syntax));
    }

    #[test]
    fn a_statement_alone_is_itself(script in script(), syntax in syntax()) {
        for statement in statements(&script, syntax) {
            let again = statements(statement.text, syntax);
            prop_assert_eq!(again.iter().map(|again| again.text).collect::<Vec<_>>(), [statement.text]);
        }
    }

    #[test]
    fn what_stands_between_tokens_leaves_the_checksum(script in script(), syntax in syntax(), separators in separators()) {
        let plain = rewritten(&script, syntax, &[" "], None).0;
        let other = rewritten(&script, syntax, &separators, None).0;
        let (one, another) = (checksums(&plain, syntax), checksums(&other, syntax));
        prop_assert_eq!(&one.normalized, &another.normalized, "{:?} / {:?}", &plain, &other);
        prop_assert_eq!(one.raw == another.raw, plain == other);
        if tokens(&script, syntax).all(|token| !token.text.contains("polymnia:")) {
            prop_assert_eq!(checksums(&script, syntax).normalized, one.normalized);
        }
    }

    #[test]
    fn a_token_less_changes_the_checksum(script in script(), syntax in syntax(), at in any::<prop::sample::Index>()) {
        let (whole, tokens) = rewritten(&script, syntax, &[" "], None);
        if tokens > 0 {
            let (less, _) = rewritten(&script, syntax, &[" "], Some(at.index(tokens)));
            prop_assert_ne!(checksums(&whole, syntax).normalized, checksums(&less, syntax).normalized);
        }
    }

    #[test]
    fn whatever_is_asked_is_answered(script in script(), syntax in syntax()) {
        for statement in statements(&script, syntax) {
            let _ = (statement.stands_alone(syntax), statement.destroys(syntax), statement.creates_index());
            let _ = (statement.drops_index(), statement.foreign_keys_pragma(), statement.transaction_word());
            let _ = statement.creates_index_on();
            if let Ok(batch) = statement.batch(syntax) {
                match batch.condition {
                    BatchCondition::Within(range) => prop_assert!(statement.text.get(range).is_some()),
                    BatchCondition::At(at) => prop_assert!(statement.text.is_char_boundary(at)),
                }
            }
        }
        let _ = destructions(&script, syntax);
        let _ = directive_faults(&script, syntax);
        let _ = noop_reason(&script);
        for offset in 0..=script.len() + 1 {
            let _ = place(&script, offset);
        }
    }
}
