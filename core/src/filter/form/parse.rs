//! From the JSON form to a filter.

mod operators;

use std::collections::HashSet;

use super::words::{self, AND, CONTAINS, Field, JOINING, NOT, OR, Operator, PATH, word_or_key};
use crate::filter::limits::{Tally, check_depth};
use crate::filter::{Filter, Path, Step, Test};
use crate::json::{Kind, Read, Reader, Wrong};
use crate::{Error, Json};

/// Reads a filter from a text that holds nothing else.
pub(super) fn parse(text: &str) -> Read<Filter> {
    let mut parser = Parser { reader: Reader::new(text)?, tally: Tally::default() };
    let start = parser.reader.at();
    let filter = parser.filter(0)?;
    parser.reader.end()?;
    // All limits are watched on the way but the depth that implied ANDs add.
    filter.check().map_err(|error| at(start, &error))?;
    Ok(filter)
}

struct Parser<'a> {
    reader: Reader<'a>,
    tally: Tally,
}

/// What an operator asks about.
#[derive(Clone, Copy)]
enum Subject<'p> {
    /// The value at these steps, at least one.
    Metadata(&'p [Step]),
    Field(Field),
}

/// What the members of an object below a key are: the first one tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    Operators,
    Keys,
}

/// The keys of an object so far.
#[derive(Default)]
struct Keys(HashSet<String>);

impl<'a> Parser<'a> {
    /// Reads a filter at the cursor.
    fn filter(&mut self, depth: usize) -> Read<Filter> {
        let start = self.reader.at();
        self.expect(Kind::Object, "a filter needs to be an object")?;
        if let Some(path) = self.reader.find(PATH, &Operator::EVERY.map(Operator::word)) {
            return self.path_filter(path, depth);
        }
        let mut found = Vec::new();
        let mut keys = Keys::default();
        let mut more = self.reader.open(Kind::Object)?;
        while more {
            let start = self.reader.at();
            let member = self.key(&mut keys)?;
            match word_or_key(&member) {
                Err(key) => self.below(&mut vec![Step::from(key)], depth, &mut found)?,
                Ok(word) => self.root_word(word, start, depth, &mut found)?,
            }
            more = self.reader.next(Kind::Object)?;
        }
        if found.is_empty() {
            self.count(&Filter::All, start)?;
        }
        Ok(joined(found))
    }

    /// Reads the value of a word at the root of a filter.
    fn root_word(&mut self, word: &str, start: usize, depth: usize, found: &mut Vec<Filter>) -> Read<()> {
        match word {
            AND => found.push(Filter::And(self.filters(word, start, depth)?)),
            OR => found.push(Filter::Or(self.filters(word, start, depth)?)),
            NOT => {
                check_depth(depth + 1).map_err(|error| at(start, &error))?;
                found.push(Filter::Not(Box::new(self.filter(depth + 1)?)));
            }
            CONTAINS => {
                let needle = self.reader.value()?;
                self.push(Filter::Contains(needle), start, found)?;
            }
            PATH => return Err(not_beside_path(start)),
            _ => match Field::of(word) {
                Some(field) => self.field(field, depth, found)?,
                None if Operator::of(word).is_some() => {
                    return Err(Wrong::new(
                        start,
                        format!("`{word}` at the root of a filter: expected it below a key"),
                    )
                    .with_hint(format!("write {{\"key\": {{\"{word}\": …}}}}, or put `{PATH}` beside it")));
                }
                None => {
                    let fields = Field::EVERY.map(Field::word).into_iter();
                    let known = JOINING.into_iter().chain(fields);
                    let operators = Operator::EVERY.map(Operator::word).into_iter();
                    return Err(unknown(word, start, known.clone(), known.chain(operators)));
                }
            },
        }
        Ok(())
    }

    /// Reads a list of filters, at least one.
    fn filters(&mut self, word: &str, start: usize, depth: usize) -> Read<Vec<Filter>> {
        check_depth(depth + 1).map_err(|error| at(start, &error))?;
        let list = self.reader.at();
        self.expect(Kind::Array, &format!("`{word}` needs a list of filters"))?;
        let mut filters = Vec::new();
        let mut more = self.reader.open(Kind::Array)?;
        if !more {
            return Err(Wrong::new(list, format!("`{word}` of an empty list: expected at least one filter")));
        }
        while more {
            filters.push(self.filter(depth + 1)?);
            more = self.reader.next(Kind::Array)?;
        }
        Ok(filters)
    }

    /// Reads an object with `$path`, whose value is where `path` stands, and operators.
    fn path_filter(&mut self, path: Reader<'a>, depth: usize) -> Read<Filter> {
        let start = self.reader.at();
        let steps = Parser { reader: path, tally: Tally::default() }.steps()?;
        let mut found = Vec::new();
        let mut keys = Keys::default();
        let mut more = self.reader.open(Kind::Object)?;
        while more {
            let start = self.reader.at();
            let member = self.key(&mut keys)?;
            match word_or_key(&member) {
                Ok(PATH) => {
                    self.steps()?;
                }
                Ok(word) if Operator::of(word).is_some() || !is_root_word(word) => {
                    self.operator(word, start, Subject::Metadata(&steps), depth, &mut found)?;
                }
                _ => {
                    return Err(not_beside_path(start));
                }
            }
            more = self.reader.next(Kind::Object)?;
        }
        if found.is_empty() {
            return Err(Wrong::new(start, format!("`{PATH}` without an operator: expected one beside it"))
                .with_hint("`$exists` asks for a value of any kind"));
        }
        Ok(joined(found))
    }

    /// Reads the list of a `$path`.
    fn steps(&mut self) -> Read<Vec<Step>> {
        let start = self.reader.at();
        self.expect(Kind::Array, &format!("`{PATH}` needs a list of keys and indexes"))?;
        let mut steps = Vec::new();
        let mut more = self.reader.open(Kind::Array)?;
        while more {
            let at = self.reader.at();
            if self.reader.kind()? == Kind::String {
                steps.push(Step::Key(self.reader.string()?));
            } else {
                let index = whole(&self.reader.value()?).filter(|index| *index <= Path::MAX_INDEX);
                steps.push(Step::Index(index.ok_or_else(|| {
                    let limit = Path::MAX_INDEX;
                    Wrong::new(
                        at,
                        format!("a step of `{PATH}` needs to be a string or a whole number from 0 to {limit}"),
                    )
                })?));
            }
            if steps.len() > Path::MAX_STEPS {
                return Err(Wrong::new(at, format!("a path of too many steps: expected at most {}", Path::MAX_STEPS)));
            }
            more = self.reader.next(Kind::Array)?;
        }
        if steps.is_empty() {
            return Err(Wrong::new(start, format!("`{PATH}` of an empty list: expected at least one key")));
        }
        Ok(steps)
    }

    /// Reads what stands below a key of the metadata: a value to equal, operators, or an object of keys.
    fn below(&mut self, path: &mut Vec<Step>, depth: usize, found: &mut Vec<Filter>) -> Read<()> {
        let start = self.reader.at();
        if self.reader.kind()? != Kind::Object {
            let value = self.reader.value()?;
            return self.test(path, Test::Eq(value), start, found);
        }
        let mut keys = Keys::default();
        let mut below = None;
        let mut more = self.reader.open(Kind::Object)?;
        if !more {
            return Err(Wrong::new(start, "an empty object below a key: expected operators or keys")
                .with_hint("{\"$eq\": {}} asks for an empty object, {\"$contains\": {}} for any object"));
        }
        while more {
            let start = self.reader.at();
            let member = self.key(&mut keys)?;
            let part = word_or_key(&member);
            let this = if part.is_ok() { Below::Operators } else { Below::Keys };
            if *below.get_or_insert(this) != this {
                return Err(Wrong::new(start, "operators and keys in one object: expected only the one or the other")
                    .with_hint("{\"$eq\": {…}} asks for an object; a key that begins with `$` is written with `$$`"));
            }
            match part {
                Ok(word) => self.operator(word, start, Subject::Metadata(path), depth, found)?,
                Err(key) => {
                    if path.len() == Path::MAX_STEPS {
                        let message = format!("a path of too many keys: expected at most {}", Path::MAX_STEPS);
                        return Err(Wrong::new(start, message));
                    }
                    path.push(Step::from(key));
                    self.below(path, depth, found)?;
                    path.pop();
                }
            }
            more = self.reader.next(Kind::Object)?;
        }
        Ok(())
    }

    /// Reads what stands below a field: a value to equal, or operators.
    fn field(&mut self, field: Field, depth: usize, found: &mut Vec<Filter>) -> Read<()> {
        if self.reader.kind()? == Kind::Object {
            return self.operators(Subject::Field(field), field.word(), depth, found);
        }
        self.field_operator(Operator::Eq, field.word(), field, found)
    }

    /// Reads an object of operators, at least one.
    fn operators(&mut self, subject: Subject<'_>, word: &str, depth: usize, found: &mut Vec<Filter>) -> Read<()> {
        let start = self.reader.at();
        self.expect(Kind::Object, &format!("`{word}` needs an object of operators"))?;
        let mut keys = Keys::default();
        let mut more = self.reader.open(Kind::Object)?;
        if !more {
            return Err(Wrong::new(start, format!("`{word}` of an empty object: expected at least one operator")));
        }
        while more {
            let start = self.reader.at();
            let member = self.key(&mut keys)?;
            let Ok(operator) = word_or_key(&member) else {
                return Err(Wrong::new(start, format!("a key in the object of `{word}`: expected operators only")));
            };
            self.operator(operator, start, subject, depth, found)?;
            more = self.reader.next(Kind::Object)?;
        }
        Ok(())
    }

    /// Reads the value of an operator.
    fn operator(
        &mut self,
        word: &str,
        start: usize,
        subject: Subject<'_>,
        depth: usize,
        found: &mut Vec<Filter>,
    ) -> Read<()> {
        let Some(operator) = Operator::of(word) else {
            if is_root_word(word) {
                let message = format!("`{word}` in place of an operator: expected it at the root of a filter");
                return Err(Wrong::new(start, message));
            }
            let known = Operator::EVERY.map(Operator::word).into_iter();
            return Err(unknown(word, start, known.clone(), known));
        };
        if operator == Operator::Not {
            check_depth(depth + 1).map_err(|error| at(start, &error))?;
            let mut inner = Vec::new();
            self.operators(subject, word, depth + 1, &mut inner)?;
            found.push(Filter::Not(Box::new(joined(inner))));
            return Ok(());
        }
        match subject {
            Subject::Metadata(path) => self.metadata_operator(operator, start, path, found),
            Subject::Field(field) if operator.fits(field) => self.field_operator(operator, word, field, found),
            Subject::Field(field) => {
                let fitting = Operator::EVERY.into_iter().filter(|operator| operator.fits(field)).map(Operator::word);
                let message = format!(
                    "`{word}` of `{}`, which is {}: expected one of {}",
                    field.word(),
                    field.expected(),
                    words::list(fitting)
                );
                Err(Wrong::new(start, message))
            }
        }
    }

    /// Reads a key, which must not be one of those so far: the last of two alike wins elsewhere, and here a condition would
    /// be gone.
    fn key(&mut self, keys: &mut Keys) -> Read<String> {
        let start = self.reader.at();
        let key = self.reader.key()?;
        if keys.0.insert(key.clone()) {
            return Ok(key);
        }
        let word = word_or_key(&key).ok().and_then(words::shown);
        Err(Wrong::new(
            start,
            match word {
                Some(word) => format!("`{word}` stands twice in one object: expected it once"),
                None => "a key stands twice in one object: expected each once".to_owned(),
            },
        )
        .with_hint(format!("join conditions on one thing with `{AND}`")))
    }

    fn expect(&self, kind: Kind, need: &str) -> Read<()> {
        let found = self.reader.kind()?;
        if found == kind { Ok(()) } else { Err(Wrong::new(self.reader.at(), format!("{need}: found {}", name(found)))) }
    }

    fn test(&mut self, path: &[Step], test: Test, start: usize, found: &mut Vec<Filter>) -> Read<()> {
        let path = Path::new(path.iter().cloned()).map_err(|error| at(start, &error))?;
        self.push(Filter::Metadata { path, test }, start, found)
    }

    fn push(&mut self, filter: Filter, start: usize, found: &mut Vec<Filter>) -> Read<()> {
        self.count(&filter, start)?;
        found.push(filter);
        Ok(())
    }

    fn count(&mut self, condition: &Filter, start: usize) -> Read<()> {
        self.tally.add(condition).map_err(|error| at(start, &error))
    }
}

/// Returns the filter that all of these make.
fn joined(mut filters: Vec<Filter>) -> Filter {
    match filters.len() {
        0 => Filter::All,
        1 => filters.remove(0),
        _ => Filter::And(filters),
    }
}

/// Returns a number that is whole and not negative, however many zeros stand behind its point.
fn whole(number: &Json) -> Option<u32> {
    let text = number.as_str();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok()).flatten()
}

#[cold]
fn not_beside_path(at: usize) -> Wrong {
    Wrong::new(at, format!("only operators can stand beside `{PATH}`"))
        .with_hint(format!("join this and the object with `{PATH}` by `{AND}`"))
}

fn is_root_word(word: &str) -> bool {
    JOINING.contains(&word) || Field::of(word).is_some()
}

#[cold]
fn unknown(
    word: &str,
    at: usize,
    expected: impl Iterator<Item = &'static str>,
    known: impl Iterator<Item = &'static str> + Clone,
) -> Wrong {
    let named = words::shown(word).map_or("unknown operator".to_owned(), |word| format!("unknown operator `{word}`"));
    let message = match words::closest(word, known) {
        Some(closest) => format!("{named}: did you mean `{closest}`?"),
        None => format!("{named}: expected one of {}", words::list(expected)),
    };
    Wrong::new(at, message).with_hint("a key that begins with `$` is written with `$$`")
}

/// Puts an error that knows no place at one.
#[cold]
fn at(place: usize, error: &Error) -> Wrong {
    let wrong = Wrong::new(place, error.message());
    match error.hint() {
        Some(hint) => wrong.with_hint(hint),
        None => wrong,
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "a list",
        Kind::Object => "an object",
    }
}
