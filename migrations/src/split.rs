//! Cuts a script into statements.

/// Returns the statements of a script, each with its `;`, comments before it included.
///
/// Knows quoted texts and names, dollar quotes, line comments and nested block comments, and the bodies of SQLite's
/// triggers. What follows the last `;` is a statement unless it is only white space and comments.
///
/// # Examples
///
/// ```
/// let script = "CREATE TABLE a (b text DEFAULT ';'); -- one; two\nDROP TABLE a;";
/// assert_eq!(polymnia_migrations::statements(script).count(), 2);
/// ```
pub fn statements(script: &str) -> impl Iterator<Item = &str> {
    let mut rest = script;
    std::iter::from_fn(move || {
        let (statement, after) = next(rest)?;
        rest = after;
        Some(statement.trim())
    })
}

fn next(script: &str) -> Option<(&str, &str)> {
    let bytes = script.as_bytes();
    let mut at = 0;
    let mut words = Words::default();
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => {
                at = after_quoted(bytes, at, quote);
                words.other();
            }
            b'-' if bytes[at..].starts_with(b"--") => at = after(script, at, "\n"),
            b'/' if bytes[at..].starts_with(b"/*") => at = after_comment(bytes, at),
            b'$' => {
                at = after_dollar_quoted(script, at);
                words.other();
            }
            b';' if words.depth == 0 => {
                let (statement, after) = script.split_at(at + 1);
                return Some((statement, after));
            }
            byte if is_word(byte) => {
                let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
                words.word(&script[at..end]);
                at = end;
            }
            byte => {
                if !byte.is_ascii_whitespace() {
                    words.other();
                }
                at += 1;
            }
        }
    }
    words.any.then_some((script, ""))
}

/// Follows just enough of the words to know the body of a trigger: `CREATE [TEMP] TRIGGER … BEGIN … END`.
#[derive(Default)]
struct Words {
    /// Whether anything but comments was met.
    any: bool,
    create: bool,
    trigger: bool,
    /// How many `BEGIN` and `CASE` are open in a trigger.
    depth: usize,
}

impl Words {
    fn word(&mut self, word: &str) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if !self.any {
            self.create = is("CREATE");
        } else if self.create && !self.trigger {
            // EXECUTE FUNCTION is PostgreSQL's trigger, which has no body: it has no BEGIN either.
            self.trigger = is("TRIGGER");
            self.create = self.trigger || is("TEMP") || is("TEMPORARY") || is("OR") || is("REPLACE");
        } else if self.trigger && (is("BEGIN") || (self.depth > 0 && is("CASE"))) {
            self.depth += 1;
        } else if self.depth > 0 && is("END") {
            self.depth -= 1;
        }
        self.any = true;
    }

    fn other(&mut self) {
        self.any = true;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn after(script: &str, at: usize, end: &str) -> usize {
    script[at..].find(end).map_or(script.len(), |found| at + found + end.len())
}

/// A doubled quote stands for itself: it reads as two quoted texts side by side.
fn after_quoted(bytes: &[u8], at: usize, quote: u8) -> usize {
    let start = at + 1;
    bytes[start..].iter().position(|byte| *byte == quote).map_or(bytes.len(), |found| start + found + 1)
}

fn after_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn after_dollar_quoted(script: &str, at: usize) -> usize {
    let name_end =
        script[at + 1..].bytes().position(|byte| !is_word(byte)).map_or(script.len(), |found| at + 1 + found);
    let digit_first = script.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    if digit_first || script.as_bytes().get(name_end) != Some(&b'$') {
        return at + 1;
    }
    let tag = &script[at..=name_end];
    after(script, name_end + 1, tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(script: &str) -> Vec<&str> {
        statements(script).collect()
    }

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        assert_eq!(split("a ';' b; c \"x;\"\"y\";"), ["a ';' b;", "c \"x;\"\"y\";"]);
        assert_eq!(split("a -- ; no\n; b;"), ["a -- ; no\n;", "b;"]);
        assert_eq!(split("a /* ; /* ; */ ; */ b; c"), ["a /* ; /* ; */ ; */ b;", "c"]);
        assert_eq!(split("DO $x$ BEGIN; END $$ ; $x$; SELECT $1;"), ["DO $x$ BEGIN; END $$ ; $x$;", "SELECT $1;"]);
    }

    #[test]
    fn comments_alone_are_no_statement() {
        assert_eq!(split(" \n -- nothing; here\n /* ; */"), Vec::<&str>::new());
        assert_eq!(split("a; -- end"), ["a;"]);
    }

    #[test]
    fn a_trigger_is_one_statement() {
        let trigger =
            "CREATE TEMP TRIGGER t AFTER UPDATE ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM a; END;";
        assert_eq!(split(&format!("{trigger} DROP TABLE a;")), [trigger, "DROP TABLE a;"]);
        assert_eq!(split("CREATE TABLE begin (a); b;"), ["CREATE TABLE begin (a); ".trim(), "b;"]);
    }

    #[test]
    fn what_never_ends_is_one_statement() {
        for script in ["a '; b", "a /* ; b", "a $q$ ; b", "CREATE TRIGGER t BEGIN a; b"] {
            assert_eq!(split(script).len(), 1, "{script}");
        }
    }
}
