//! As much of CDDL (RFC 8610) as `docs/plugins/wire.cddl` is written in, and whether an item is what it says.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use ciborium::Value;

/// Is a grammar, and which of its parts something was found for.
#[derive(Debug)]
pub(crate) struct Grammar {
    text: String,
    rules: BTreeMap<String, Type>,
    seen: RefCell<BTreeSet<usize>>,
    parts: BTreeMap<usize, usize>,
}

/// Is a choice: each alternative with a number of its own.
type Type = Vec<(usize, Form)>;

#[derive(Debug)]
enum Form {
    Rule(String),
    Number(i128),
    Range(i128, i128),
    /// A type of the prelude, with the least and the greatest size.
    Prelude(String, Option<(i128, i128)>),
    List(Vec<Entry>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
struct Entry {
    number: usize,
    least: usize,
    most: usize,
    /// In maps: a number, or a type for `=>`.
    key: Option<Type>,
    value: Type,
}

const PRELUDE: [&str; 9] = ["uint", "int", "tstr", "bstr", "bool", "null", "float64", "nint", "any"];

impl Grammar {
    /// Reads a grammar.
    pub(crate) fn parse(text: &str) -> Self {
        let mut grammar =
            Self { text: text.to_owned(), rules: BTreeMap::new(), seen: RefCell::default(), parts: BTreeMap::new() };
        let mut parser = Parser { tokens: tokens(text), at: 0, parts: BTreeMap::new(), next_part: 0 };
        while parser.at < parser.tokens.len() {
            let name = parser.word();
            parser.expect("=");
            let form = parser.alternatives();
            assert!(grammar.rules.insert(name.clone(), form).is_none(), "{name} stands twice");
        }
        grammar.parts = parser.parts;
        grammar
    }

    /// Returns whether there is a rule of that name.
    pub(crate) fn has(&self, rule: &str) -> bool {
        self.rules.contains_key(rule)
    }

    /// Checks that the item is what the rule says, and returns how many parts of the grammar were seen for the first time.
    pub(crate) fn check(&self, rule: &str, item: &[u8]) -> Result<usize, String> {
        let value: Value = ciborium::from_reader(item).map_err(|error| error.to_string())?;
        let mut seen = BTreeSet::new();
        if !self.is_rule(rule, &value, &mut seen) {
            return Err(format!("{value:?} is no {rule}"));
        }
        let mut all = self.seen.borrow_mut();
        let before = all.len();
        all.extend(seen);
        Ok(all.len() - before)
    }

    /// Returns the lines of parts that nothing was found for.
    pub(crate) fn unseen(&self) -> Vec<&str> {
        let seen = self.seen.borrow();
        let lines: BTreeSet<usize> =
            self.parts.iter().filter(|(part, _)| !seen.contains(part)).map(|(_, line)| *line).collect();
        let all: Vec<&str> = self.text.lines().collect();
        lines.into_iter().map(|line| all[line]).collect()
    }

    fn is_rule(&self, name: &str, value: &Value, seen: &mut BTreeSet<usize>) -> bool {
        let form = self.rules.get(name).unwrap_or_else(|| panic!("there is no rule {name}"));
        self.is(form, value, seen)
    }

    fn is(&self, form: &Type, value: &Value, seen: &mut BTreeSet<usize>) -> bool {
        form.iter().any(|(part, form)| {
            // What an alternative that fails has seen does not count.
            let mut tried = BTreeSet::from([*part]);
            let holds = self.is_form(form, value, &mut tried);
            if holds {
                seen.append(&mut tried);
            }
            holds
        })
    }

    fn is_form(&self, form: &Form, value: &Value, seen: &mut BTreeSet<usize>) -> bool {
        match (form, value) {
            (Form::Rule(name), value) => self.is_rule(name, value, seen),
            (Form::Number(wanted), Value::Integer(number)) => i128::from(*number) == *wanted,
            (Form::Range(least, most), Value::Integer(number)) => (*least..=*most).contains(&i128::from(*number)),
            (Form::Prelude(name, size), value) => {
                let found = match value {
                    Value::Integer(number) if i128::from(*number) >= 0 => &["uint", "int"][..],
                    Value::Integer(_) => &["nint", "int"],
                    Value::Text(_) => &["tstr"],
                    Value::Bytes(_) => &["bstr"],
                    Value::Bool(_) => &["bool"],
                    Value::Null => &["null"],
                    Value::Float(_) => &["float64"],
                    _ => &[],
                };
                let len = match value {
                    Value::Text(text) => text.len(),
                    Value::Bytes(bytes) => bytes.len(),
                    _ => 0,
                };
                let fits = size.is_none_or(|(least, most)| (least..=most).contains(&(len as i128)));
                (name == "any" || found.contains(&name.as_str())) && fits
            }
            (Form::List(entries), Value::Array(items)) => {
                let mut items = items.iter().peekable();
                entries.iter().all(|entry| {
                    let mut count = 0;
                    while count < entry.most && items.peek().is_some_and(|item| self.is(&entry.value, item, seen)) {
                        seen.insert(entry.number);
                        items.next();
                        count += 1;
                    }
                    count >= entry.least
                }) && items.next().is_none()
            }
            (Form::Map(entries), Value::Map(members)) => {
                let mut found = vec![0; entries.len()];
                let known = members.iter().all(|(key, value)| {
                    let at = entries.iter().position(|entry| {
                        self.is(entry.key.as_ref().expect("members of maps have keys"), key, seen)
                            && self.is(&entry.value, value, seen)
                    });
                    at.is_some_and(|at| {
                        seen.insert(entries[at].number);
                        found[at] += 1;
                        true
                    })
                });
                known && entries.iter().zip(found).all(|(entry, found)| (entry.least..=entry.most).contains(&found))
            }
            _ => false,
        }
    }
}

fn tokens(text: &str) -> Vec<(String, usize)> {
    let mut tokens = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut rest = line.split(';').next().unwrap_or_default();
        while let Some(first) = rest.trim_start().chars().next() {
            rest = rest.trim_start();
            let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let len = match first {
                _ if rest.starts_with("=>") || rest.starts_with("..") => 2,
                _ if rest.starts_with(".size") => 5,
                first if word(first) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            tokens.push((rest[..len].to_owned(), number));
            rest = &rest[len..];
        }
    }
    tokens
}

struct Parser {
    tokens: Vec<(String, usize)>,
    at: usize,
    parts: BTreeMap<usize, usize>,
    next_part: usize,
}

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", |(token, _)| token)
    }

    fn line(&self) -> usize {
        self.tokens[self.at.min(self.tokens.len() - 1)].1
    }

    fn word(&mut self) -> String {
        self.at += 1;
        self.tokens[self.at - 1].0.clone()
    }

    fn is_next(&mut self, token: &str) -> bool {
        let next = self.peek() == token;
        self.at += usize::from(next);
        next
    }

    fn expect(&mut self, token: &str) {
        assert!(self.is_next(token), "line {}: {:?} stands where {token:?} belongs", self.line() + 1, self.peek());
    }

    fn part(&mut self) -> usize {
        self.next_part += 1;
        self.parts.insert(self.next_part, self.line());
        self.next_part
    }

    fn alternatives(&mut self) -> Type {
        let mut all = vec![(self.part(), self.form())];
        while self.is_next("/") {
            all.push((self.part(), self.form()));
        }
        all
    }

    fn form(&mut self) -> Form {
        if self.is_next("[") {
            return Form::List(self.entries("]"));
        }
        if self.is_next("{") {
            return Form::Map(self.entries("}"));
        }
        let word = self.word();
        let Ok(number) = word.parse::<i128>() else {
            let size = self.is_next(".size").then(|| {
                let within = self.is_next("(");
                let form = self.form();
                if within {
                    self.expect(")");
                }
                match form {
                    Form::Number(size) => (size, size),
                    Form::Range(least, most) => (least, most),
                    other => panic!("{other:?} is no size"),
                }
            });
            return if PRELUDE.contains(&word.as_str()) { Form::Prelude(word, size) } else { Form::Rule(word) }
                .sized(size);
        };
        if self.is_next("..") {
            return Form::Range(number, self.word().parse().expect("a number ends a range"));
        }
        Form::Number(number)
    }

    fn entries(&mut self, end: &str) -> Vec<Entry> {
        let mut entries = Vec::new();
        while !self.is_next(end) {
            let number = self.part();
            let (least, most) = self.occurrence();
            let mut value = self.alternatives();
            let mut key = None;
            if self.is_next("=>") {
                key = Some(std::mem::replace(&mut value, self.alternatives()));
            } else if self.is_next(":") {
                let label = std::mem::replace(&mut value, self.alternatives());
                // A label of a list's item is a name for readers, of which no item is made.
                if end == "}" {
                    key = Some(label);
                } else {
                    for (part, _) in &label {
                        self.parts.remove(part);
                    }
                }
            }
            entries.push(Entry { number, least, most, key, value });
            self.is_next(",");
        }
        entries
    }

    fn occurrence(&mut self) -> (usize, usize) {
        if self.is_next("?") {
            return (0, 1);
        }
        if self.is_next("+") {
            return (1, usize::MAX);
        }
        if self.is_next("*") {
            return (0, usize::MAX);
        }
        let is_number = self.peek().starts_with(|c: char| c.is_ascii_digit());
        if is_number && self.tokens.get(self.at + 1).is_some_and(|(token, _)| token == "*") {
            let least = self.word().parse().expect("a number begins an occurrence");
            self.expect("*");
            return (least, self.word().parse().expect("a number ends an occurrence"));
        }
        (1, 1)
    }
}

impl Form {
    fn sized(self, size: Option<(i128, i128)>) -> Self {
        assert!(size.is_none() || matches!(self, Self::Prelude(..)), "only types of the prelude have sizes here");
        self
    }
}
