//! Expressions of two dialects in one form, so that they can be compared.
//!
//! Parentheses, casts, and what each dialect prefers to write come out the same: `importance BETWEEN 0.0 AND 1.0` and
//! `(importance >= (0.0)::double precision) AND (importance <= (1.0)::double precision)`.

use crate::schema::text::{Syntax, Token, TokenKind, tokens};

/// Returns the form of an expression. What can't be read is its tokens, one space between them.
pub(super) fn form(text: &str, syntax: Syntax) -> String {
    let tokens: Vec<Token<'_>> = tokens(text, syntax).filter(|token| !token.is_comment()).collect();
    let mut parser = Parser { left: &tokens, depth: 0 };
    match parser.expression(0) {
        Some(node) if parser.left.is_empty() => node.to_string(),
        _ => tokens.iter().map(|token| token.text).collect::<Vec<_>>().join(" "),
    }
}

/// Returns the forms of expressions with commas between them, each with whether it goes down.
pub(super) fn forms(text: &str, syntax: Syntax) -> Vec<String> {
    let tokens: Vec<Token<'_>> = tokens(text, syntax).filter(|token| !token.is_comment()).collect();
    let mut parser = Parser { left: &tokens, depth: 0 };
    let mut forms = Vec::new();
    while !parser.left.is_empty() {
        let mut form = parser.expression(0).map_or_else(String::new, |node| node.to_string());
        while let Some(token) = parser.next() {
            match token.text.to_lowercase().as_str() {
                "," => break,
                // Where NULLs come is the dialect's own, and no query of a page depends on it.
                "asc" | "nulls" | "first" | "last" => {}
                word => {
                    form.push(' ');
                    form.push_str(word);
                }
            }
        }
        forms.push(form);
    }
    forms
}

/// Is an expression: what stands alone, or an operator or function and what it is applied to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Leaf(String),
    Apply(String, Vec<Node>),
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Leaf(text) => f.write_str(text),
            Self::Apply(operator, operands) => {
                write!(f, "({operator}")?;
                operands.iter().try_for_each(|operand| write!(f, " {operand}"))?;
                f.write_str(")")
            }
        }
    }
}

impl Node {
    fn two(operator: &str, left: Self, right: Self) -> Self {
        // What is joined by AND or OR has no order and no groups.
        if matches!(operator, "and" | "or") {
            let mut operands = Vec::new();
            for side in [left, right] {
                match side {
                    Self::Apply(same, inner) if same == operator => operands.extend(inner),
                    other => operands.push(other),
                }
            }
            operands.sort_by_cached_key(Self::to_string);
            return Self::Apply(operator.to_owned(), operands);
        }
        Self::Apply(operator.to_owned(), vec![left, right])
    }

    fn not(inner: Self) -> Self {
        Self::Apply("not".to_owned(), vec![inner])
    }
}

struct Parser<'t, 'a> {
    left: &'t [Token<'a>],
    /// How many expressions are open.
    depth: u16,
}

/// How deep expressions are read; nobody writes them deeper.
const MAX_DEPTH: u16 = 128;

/// How strongly AND binds; what stands between the bounds of BETWEEN binds more strongly.
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const OTHER: u8 = 5;
const ADD: u8 = 6;
const MULTIPLY: u8 = 7;
const SIGN: u8 = 8;

impl<'t, 'a> Parser<'t, 'a> {
    fn at(&self, word: &str) -> bool {
        self.left.first().is_some_and(|token| token.is(word) || token.is_symbol(word))
    }

    fn eat(&mut self, words: &str) -> bool {
        let start = self.left;
        for word in words.split(' ') {
            if !self.at(word) {
                self.left = start;
                return false;
            }
            self.next();
        }
        true
    }

    fn next(&mut self) -> Option<&'t Token<'a>> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        Some(first)
    }

    /// Reads an expression whose operators bind at least this strongly.
    fn expression(&mut self, least: u8) -> Option<Node> {
        self.depth += 1;
        let node = if self.depth > MAX_DEPTH { None } else { self.expression_here(least) };
        self.depth -= 1;
        node
    }

    fn expression_here(&mut self, least: u8) -> Option<Node> {
        let mut left = if self.eat("NOT") {
            Node::not(self.expression(NOT)?)
        } else if self.eat("-") {
            match self.expression(SIGN)? {
                Node::Leaf(number) if number.starts_with(|c: char| c.is_ascii_digit()) => {
                    Node::Leaf(format!("-{number}"))
                }
                other => Node::Apply("-".to_owned(), vec![other]),
            }
        } else if self.eat("+") {
            self.expression(SIGN)?
        } else {
            self.operand()?
        };
        while let Some(binds) = self.binding().filter(|binds| *binds >= least) {
            left = self.apply(left, binds)?;
        }
        Some(left)
    }

    /// Reads an operator and what stands right of it.
    fn apply(&mut self, left: Node, binds: u8) -> Option<Node> {
        if self.eat("::") {
            let ty = self.type_name();
            return Some(cast(left, &ty));
        }
        if binds == COMPARE {
            return self.comparison(left);
        }
        if self.eat("COLLATE") {
            return self.name().map(|name| match name.to_lowercase().as_str() {
                // By bytes, as everything is.
                "c" | "binary" => left,
                name => Node::two("collate", left, Node::Leaf(name.to_owned())),
            });
        }
        let operator = self.next()?.text.to_lowercase();
        let right = self.expression(binds + 1)?;
        Some(Node::two(&operator, left, right))
    }

    fn binding(&self) -> Option<u8> {
        const COMPARISONS: [&str; 15] =
            ["=", "==", "<>", "!=", "<", "<=", ">", ">=", "IS", "IN", "BETWEEN", "NOT", "ISNULL", "NOTNULL", "LIKE"];
        let first = self.left.first()?;
        let is = |words: &[&str]| words.iter().any(|word| first.is(word) || first.is_symbol(word));
        Some(if is(&["OR"]) {
            1
        } else if is(&["AND"]) {
            AND
        } else if is(&COMPARISONS) {
            COMPARE
        } else if is(&["+", "-"]) {
            ADD
        } else if is(&["*", "/", "%"]) {
            MULTIPLY
        } else if is(&["COLLATE", "::"]) {
            SIGN
        } else if first.kind == TokenKind::Symbol && !is(&[",", ")", "]", "(", "[", ";", "."]) {
            OTHER
        } else {
            return None;
        })
    }

    fn comparison(&mut self, left: Node) -> Option<Node> {
        let negated = self.eat("NOT");
        if self.eat("NOTNULL") || (negated && self.eat("NULL")) {
            return Some(Node::not(Node::two("is", left, Node::Leaf("null".to_owned()))));
        }
        if self.eat("ISNULL") {
            return Some(Node::two("is", left, Node::Leaf("null".to_owned())));
        }
        if self.eat("IS") {
            let not = self.eat("NOT");
            let distinct = self.eat("DISTINCT FROM");
            let same = Node::two("is", left, self.expression(OTHER)?);
            return Some(if not == distinct { same } else { Node::not(same) });
        }
        let node = if self.eat("BETWEEN") {
            let low = self.expression(OTHER)?;
            if !self.eat("AND") {
                return None;
            }
            let high = self.expression(OTHER)?;
            Node::two("and", Node::two(">=", left.clone(), low), Node::two("<=", left, high))
        } else if self.eat("IN") {
            one_of(left, self.list("(", ")")?)
        } else if self.eat("LIKE") {
            Node::two("like", left, self.expression(OTHER)?)
        } else {
            self.relation(left)?
        };
        Some(if negated { Node::not(node) } else { node })
    }

    /// Reads a comparison by a sign: also those that PostgreSQL makes of IN, `= ANY (ARRAY[…])`.
    fn relation(&mut self, left: Node) -> Option<Node> {
        let sign = match self.next()?.text {
            "==" => "=",
            "!=" => "<>",
            sign => sign,
        };
        for (of, word, negated) in [("=", "ANY", false), ("<>", "ALL", true)] {
            if sign == of && self.eat(word) {
                if !self.eat("(") {
                    return None;
                }
                let parentheses = self.eat("(");
                if !self.eat("ARRAY") {
                    return None;
                }
                let among = one_of(left, self.list("[", "]")?);
                if parentheses && !self.eat(")") {
                    return None;
                }
                if self.eat("::") {
                    self.type_name();
                }
                return self.eat(")").then(|| if negated { Node::not(among) } else { among });
            }
        }
        Some(Node::two(sign, left, self.expression(OTHER)?))
    }

    fn operand(&mut self) -> Option<Node> {
        if self.at("(") {
            let mut inner = self.list("(", ")")?;
            return if inner.len() == 1 { inner.pop() } else { Some(Node::Apply("row".to_owned(), inner)) };
        }
        let token = *self.left.first()?;
        match token.kind {
            TokenKind::Number => {
                self.next();
                Some(Node::Leaf(number(token.text)))
            }
            TokenKind::Text => {
                self.next();
                Some(Node::Leaf(token.text.to_owned()))
            }
            TokenKind::Word if token.is("CASE") => self.case(),
            TokenKind::Word if token.is("CAST") => {
                self.next();
                self.eat("(");
                let inner = self.expression(0)?;
                self.eat("AS");
                self.type_name();
                self.eat(")").then_some(inner)
            }
            TokenKind::Word if token.is("ARRAY") => {
                self.next();
                Some(Node::Apply("array".to_owned(), self.list("[", "]")?))
            }
            TokenKind::Word | TokenKind::Name => {
                let name = self.name()?;
                if self.at("(") {
                    return Some(call(&name, self.list("(", ")")?));
                }
                Some(Node::Leaf(word(&token, name)))
            }
            _ => None,
        }
    }

    fn case(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        self.next();
        while !self.eat("END") {
            for word in ["WHEN", "THEN", "ELSE"] {
                self.eat(word);
            }
            parts.push(self.expression(0)?);
        }
        Some(Node::Apply("case".to_owned(), parts))
    }

    /// Reads expressions with commas between them, in brackets.
    fn list(&mut self, open: &str, close: &str) -> Option<Vec<Node>> {
        let mut nodes = Vec::new();
        if !self.eat(open) {
            return None;
        }
        while !self.eat(close) {
            if self.eat("*") {
                nodes.push(Node::Leaf("*".to_owned()));
            } else {
                nodes.push(self.expression(0)?);
            }
            if !self.eat(",") && !self.at(close) {
                return None;
            }
        }
        Some(nodes)
    }

    /// Reads a name, of which the last part counts: columns are of the one table there is, functions of the catalog.
    fn name(&mut self) -> Option<String> {
        let mut last = self.next().filter(|token| token.is_name())?;
        while self.at(".") {
            self.next();
            last = self.next().filter(|token| token.is_name())?;
        }
        Some(last.text.trim_matches(['"', '`', '[', ']']).to_owned())
    }

    /// Takes the name of a type, and returns its first word.
    fn type_name(&mut self) -> String {
        let name = self.name().unwrap_or_default();
        for rest in ["varying", "precision"] {
            self.eat(rest);
        }
        let _ = self.at("(") && self.list("(", ")").is_some();
        let _ = self.eat("with time zone") || self.eat("without time zone");
        while self.eat("[") {
            while self.next().is_some_and(|token| !token.is_symbol("]")) {}
        }
        name
    }
}

fn one_of(left: Node, list: Vec<Node>) -> Node {
    Node::Apply("in".to_owned(), std::iter::once(left).chain(list).collect())
}

/// A type says nothing of a value, but that PostgreSQL writes a number below 0 as a text of it: `'-2'::integer`.
fn cast(value: Node, ty: &str) -> Node {
    const NUMBERS: [&str; 6] = ["integer", "bigint", "smallint", "numeric", "real", "double"];
    match &value {
        Node::Leaf(text) if NUMBERS.contains(&ty) => {
            let inner = text.trim_matches('\'');
            Node::Leaf(if inner.len() < text.len() { number(inner) } else { text.clone() })
        }
        _ => value,
    }
}

fn call(name: &str, arguments: Vec<Node>) -> Node {
    let name = name.to_lowercase();
    if name == "now" && arguments.is_empty() {
        return Node::Leaf("current_timestamp".to_owned());
    }
    Node::Apply(name, arguments)
}

fn word(token: &Token<'_>, name: String) -> String {
    if token.kind == TokenKind::Name {
        return name;
    }
    match name.to_lowercase().as_str() {
        // SQLite keeps truth as a number.
        "true" => "1".to_owned(),
        "false" => "0".to_owned(),
        word => word.to_owned(),
    }
}

/// Writes a number without what doesn't count: `0.0` is `0`.
fn number(text: &str) -> String {
    if !text.contains('.') || text.contains(['e', 'E', 'x', 'X']) {
        return text.to_lowercase();
    }
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}
