//! Cuts a script into statements.

use crate::schema::text::directive::{Directive, parse_comment};
use crate::schema::text::{Syntax, Token, tokens};

/// Is one statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The statement with its `;`, without the comments before it.
    pub text: &'a str,
    /// Where it begins in the script, in bytes.
    pub offset: usize,
    /// What the comments before it say to the engine.
    pub directives: Vec<Directive<'a>>,
}

/// Returns the statements of a script.
///
/// Between them is nothing but white space, comments and semicolons that end nothing. What follows the last `;` is a
/// statement as well. The body of a SQLite trigger and of a PostgreSQL function (`BEGIN ATOMIC`) belongs to its statement.
///
/// # Examples
///
/// ```
/// use polymnia::schema::text::{Syntax, statements};
///
/// let script = "CREATE TABLE a (b text DEFAULT ';'); -- one; two\nDROP TABLE a;";
/// assert_eq!(statements(script, Syntax::Sqlite)[1].text, "DROP TABLE a;");
/// ```
pub fn statements(script: &str, syntax: Syntax) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut directives = Vec::new();
    let mut open: Option<Open> = None;
    for token in tokens(script, syntax) {
        if token.is_comment() {
            if open.is_none() {
                directives.extend(parse_comment(&token).and_then(Result::ok));
            }
            continue;
        }
        if open.is_none() && token.is_symbol(";") {
            continue;
        }
        let statement = open.get_or_insert_with(|| Open::new(token.offset, syntax));
        statement.end = token.end();
        if statement.ends_with(&token) {
            let (start, end) = (statement.start, statement.end);
            found.push(Statement {
                text: &script[start..end],
                offset: start,
                directives: std::mem::take(&mut directives),
            });
            open = None;
        }
    }
    if let Some(Open { start, end, .. }) = open {
        found.push(Statement { text: &script[start..end], offset: start, directives });
    }
    found
}

/// Is a statement whose end was not met yet.
struct Open {
    start: usize,
    end: usize,
    syntax: Syntax,
    body: Body,
    /// Tokens so far that may tell whether it has a body.
    heading: Heading,
    /// The brackets that are open.
    brackets: usize,
}

/// Follows the beginning of a statement: `CREATE TEMP TRIGGER`, `CREATE OR REPLACE FUNCTION`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    Start,
    Create,
    /// A body may follow.
    WithBody,
    /// None can.
    Plain,
}

/// Follows a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    None,
    /// SQLite: how much of `; END ;` was met, which ends a trigger and can't be anywhere else in it.
    Trigger(Ending),
    /// PostgreSQL: `BEGIN` was met, of which `ATOMIC` would make a body.
    Begun,
    /// PostgreSQL: how many `BEGIN ATOMIC` and `CASE` are open.
    Atomic(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    None,
    Semicolon,
    End,
}

impl Open {
    fn new(start: usize, syntax: Syntax) -> Self {
        Self { start, end: start, syntax, body: Body::None, heading: Heading::Start, brackets: 0 }
    }

    /// Takes the next token, and returns whether the statement ends with it.
    fn ends_with(&mut self, token: &Token<'_>) -> bool {
        match self.syntax {
            Syntax::Sqlite => self.ends_on_sqlite(token),
            Syntax::Postgres => self.ends_on_postgres(token),
        }
    }

    fn ends_on_sqlite(&mut self, token: &Token<'_>) -> bool {
        let ends = token.is_symbol(";");
        if let Body::Trigger(ending) = self.body {
            let next = match ending {
                Ending::End if ends => return true,
                Ending::Semicolon if token.is("END") => Ending::End,
                _ if ends => Ending::Semicolon,
                _ => Ending::None,
            };
            self.body = Body::Trigger(next);
            return false;
        }
        self.read_heading(token);
        if self.heading == Heading::WithBody {
            self.body = Body::Trigger(Ending::None);
        }
        ends
    }

    fn ends_on_postgres(&mut self, token: &Token<'_>) -> bool {
        if token.is_symbol("(") {
            self.brackets += 1;
        } else if token.is_symbol(")") {
            self.brackets = self.brackets.saturating_sub(1);
        }
        self.read_heading(token);
        if self.heading == Heading::WithBody {
            self.body = match self.body {
                Body::Begun if token.is("ATOMIC") => Body::Atomic(1),
                Body::Atomic(depth) if token.is("CASE") => Body::Atomic(depth + 1),
                Body::Atomic(1) if token.is("END") => Body::None,
                Body::Atomic(depth) if token.is("END") => Body::Atomic(depth - 1),
                Body::Atomic(depth) => Body::Atomic(depth),
                _ if token.is("BEGIN") => Body::Begun,
                _ => Body::None,
            };
        }
        // A rule has its statements in brackets.
        token.is_symbol(";") && self.brackets == 0 && !matches!(self.body, Body::Atomic(_))
    }

    fn read_heading(&mut self, token: &Token<'_>) {
        let any = |words: &[&str]| words.iter().any(|word| token.is(word));
        let (between, bodies): (&[&str], &[&str]) = match self.syntax {
            Syntax::Sqlite => (&["TEMP", "TEMPORARY"], &["TRIGGER"]),
            Syntax::Postgres => (&["OR", "REPLACE"], &["FUNCTION", "PROCEDURE"]),
        };
        self.heading = match self.heading {
            Heading::Start if any(&["EXPLAIN", "QUERY", "PLAN"]) && self.syntax == Syntax::Sqlite => Heading::Start,
            Heading::Start if any(&["CREATE"]) => Heading::Create,
            Heading::Create if any(between) => Heading::Create,
            Heading::Create if any(bodies) => Heading::WithBody,
            Heading::WithBody => Heading::WithBody,
            _ => Heading::Plain,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(script: &str, syntax: Syntax) -> Vec<&str> {
        statements(script, syntax).into_iter().map(|statement| statement.text).collect()
    }

    fn both(script: &str) -> Vec<&str> {
        let found = split(script, Syntax::Sqlite);
        assert_eq!(found, split(script, Syntax::Postgres), "{script}");
        found
    }

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        assert_eq!(both("a ';' b; c \"x;\"\"y\";"), ["a ';' b;", "c \"x;\"\"y\";"]);
        assert_eq!(both("a -- ; no\n; b;"), ["a -- ; no\n;", "b;"]);
        assert_eq!(both("a '\\'; b;"), ["a '\\';", "b;"]);
        assert_eq!(split("a [;] `;`; b", Syntax::Sqlite), ["a [;] `;`;", "b"]);
        assert_eq!(split("a[1]; b ` ;", Syntax::Postgres), ["a[1];", "b ` ;"]);
        assert_eq!(
            split("DO $x$ BEGIN; END $$ ; $x$; SELECT $1; a$b$;", Syntax::Postgres),
            ["DO $x$ BEGIN; END $$ ; $x$;", "SELECT $1;", "a$b$;"]
        );
        assert_eq!(split("a E'\\';' U&'\\';", Syntax::Postgres), ["a E'\\';' U&'\\';"]);
    }

    #[test]
    fn comments_nest_on_postgres_alone() {
        let script = "a /* ; /* ; */ ; */ b; c";
        assert_eq!(split(script, Syntax::Postgres), ["a /* ; /* ; */ ; */ b;", "c"]);
        assert_eq!(split(script, Syntax::Sqlite), ["a /* ; /* ; */ ;", "*/ b;", "c"]);
    }

    #[test]
    fn a_carriage_return_ends_a_comment_on_postgres_alone() {
        assert_eq!(split("a -- b\r; c;", Syntax::Postgres), ["a -- b\r;", "c;"]);
        assert_eq!(split("a -- b\r; c;", Syntax::Sqlite), ["a"]);
    }

    #[test]
    fn comments_and_semicolons_alone_are_no_statement() {
        assert_eq!(both(" \n -- nothing; here\n /* ; */ ;; "), Vec::<&str>::new());
        assert_eq!(both("-- before\na; -- end"), ["a;"]);
        assert_eq!(both("a -- end"), ["a"]);
        assert_eq!(statements(" -- x\n a;", Syntax::Sqlite)[0].offset, 7);
    }

    #[test]
    fn a_trigger_is_one_statement() {
        let trigger =
            "CREATE TEMP TRIGGER t AFTER UPDATE ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM end; END;";
        assert_eq!(split(&format!("{trigger} DROP TABLE a;"), Syntax::Sqlite), [trigger, "DROP TABLE a;"]);
        assert_eq!(both("CREATE TABLE begin (a); b;"), ["CREATE TABLE begin (a);", "b;"]);
        assert_eq!(both("DROP TRIGGER t; b;"), ["DROP TRIGGER t;", "b;"]);
        let commented = "CREATE TRIGGER t AFTER UPDATE ON begin BEGIN DELETE FROM a; -- x\n END /* y */ ;";
        assert_eq!(split(&format!("{commented} b;"), Syntax::Sqlite), [commented, "b;"]);
        // PostgreSQL's has no body.
        let plain = "CREATE TRIGGER t AFTER UPDATE ON a EXECUTE FUNCTION f();";
        assert_eq!(split(&format!("{plain} b;"), Syntax::Postgres), [plain, "b;"]);
    }

    #[test]
    fn an_atomic_function_is_one_statement() {
        let function = "CREATE OR REPLACE FUNCTION f(begin int) RETURNS int BEGIN ATOMIC SELECT CASE a WHEN 1 THEN 2 END; SELECT 3; END;";
        assert_eq!(split(&format!("{function} b;"), Syntax::Postgres), [function, "b;"]);
        let rule = "CREATE RULE r AS ON DELETE TO a DO ALSO (DELETE FROM b; DELETE FROM c);";
        assert_eq!(split(&format!("{rule} b;"), Syntax::Postgres), [rule, "b;"]);
        assert_eq!(
            split("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'a'; BEGIN; END;", Syntax::Postgres).len(),
            3
        );
    }

    #[test]
    fn what_never_ends_is_one_statement() {
        for script in ["a '; b", "a \"; b", "CREATE TRIGGER t BEGIN a; b"] {
            assert_eq!(split(script, Syntax::Sqlite).len(), 1, "{script}");
        }
        for script in ["a '; b", "a $q$ ; b", "CREATE FUNCTION f() BEGIN ATOMIC a; b", "a (; b"] {
            assert_eq!(split(script, Syntax::Postgres).len(), 1, "{script}");
        }
    }
}
