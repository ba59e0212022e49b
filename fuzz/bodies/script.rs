//! Any text as the script of a migration.

use polymnia::schema::BatchCondition;
use polymnia::schema::text::{
    Syntax, checksums, destructions, diff, directive_faults, noop_reason, place, statements, tokens,
};

/// Cuts the text as each syntax does. Tokens and statements must stand where they say, nothing but comments, white space and
/// semicolons between them; a statement alone is itself; line ends leave the checksum alone.
pub(crate) fn run(data: &[u8]) {
    let Ok(script) = std::str::from_utf8(data) else { return };
    for syntax in [Syntax::Sqlite, Syntax::Postgres] {
        cut(script, syntax);
        destructions(script, syntax);
        for fault in directive_faults(script, syntax) {
            assert!(!fault.message.contains(char::is_control), "the message has control characters");
            assert!(place(script, fault.offset).0 <= script.split('\n').count(), "a line of the text");
        }
        if !script.contains('\r') {
            let (one, other) = (checksums(script, syntax), checksums(&script.replace('\n', "\r\n"), syntax));
            assert_eq!(one.normalized, other.normalized);
        }
    }
    if noop_reason(script).is_some() {
        assert!(
            directive_faults(script, Syntax::Sqlite).iter().all(|fault| !fault.message.contains("with statements"))
        );
        assert!(destructions(script, Syntax::Sqlite).is_empty());
    }
    assert_eq!(diff(script, &script.replace('\n', "\r\n").replace("\r\r\n", "\r\n")), "");
}

fn cut(script: &str, syntax: Syntax) {
    let mut end = 0;
    for token in tokens(script, syntax) {
        assert!(!token.text.is_empty() && script[token.offset..token.end()] == *token.text);
        assert!(script[end..token.offset].chars().all(is_space), "white space between tokens");
        end = token.end();
    }
    assert!(script[end..].chars().all(is_space), "white space behind the last token");

    let found = statements(script, syntax);
    let mut end = 0;
    for statement in &found {
        assert_eq!(&script[statement.offset..statement.offset + statement.text.len()], statement.text);
        lost_nothing(&script[end..statement.offset], syntax);
        end = statement.offset + statement.text.len();
        statement.stands_alone(syntax);
        statement.destroys(syntax);
        statement.creates_index();
        statement.creates_index_on();
        statement.drops_index();
        statement.foreign_keys_pragma();
        statement.transaction_word();
        if let Ok(batch) = statement.batch(syntax) {
            match batch.condition {
                BatchCondition::Within(range) => {
                    assert!(statement.text.get(range).is_some_and(|text| !text.is_empty()));
                }
                BatchCondition::At(at) => assert!(statement.text.is_char_boundary(at)),
            }
        }
    }
    lost_nothing(&script[end..], syntax);
    let texts: Vec<&str> = found.iter().map(|statement| statement.text).collect();
    let joined = texts.join("\n");
    let again: Vec<&str> = statements(&joined, syntax).iter().map(|statement| statement.text).collect();
    assert_eq!(again, texts);
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

fn lost_nothing(between: &str, syntax: Syntax) {
    assert!(
        tokens(between, syntax).all(|token| token.is_comment() || token.is_symbol(";")),
        "only comments are left out"
    );
}
