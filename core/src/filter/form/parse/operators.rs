//! What operators need, and what they make of it.

use super::{Keys, Parser, at, name, whole};
use crate::filter::form::words::{self, Field, Operator};
use crate::filter::limits::too_many;
use crate::filter::{Bound, FieldTest, Filter, Is, Path, Prefix, Real, SizeTest, Step, Test};
use crate::json::{Kind, Read, Wrong};
use crate::{Json, Timestamp};

impl Parser<'_> {
    pub(super) fn metadata_operator(
        &mut self,
        operator: Operator,
        start: usize,
        path: &[Step],
        found: &mut Vec<Filter>,
    ) -> Read<()> {
        let word = operator.word();
        let value_at = self.reader.at();
        let (test, not) = match operator {
            Operator::Eq => (Test::Eq(self.reader.value()?), false),
            Operator::Ne => (Test::Eq(self.reader.value()?), true),
            Operator::In => (Test::In(self.values(word)?), false),
            Operator::Nin => (Test::In(self.values(word)?), true),
            Operator::Any => (Test::Any(self.values(word)?), false),
            Operator::All => (Test::All(self.values(word)?), false),
            Operator::Exists => (Test::Exists, !self.boolean(word)?),
            Operator::Prefix => (Test::Prefix(self.prefix(word)?), false),
            Operator::Compare(relation) => {
                let kind = self.reader.kind()?;
                let bound = Bound::new(self.reader.value()?).map_err(|_| {
                    Wrong::new(value_at, format!("`{word}` needs a number or a string: found {}", name(kind)))
                })?;
                (Test::Compare(relation, bound), false)
            }
            Operator::Size => return self.size(path, found),
            Operator::Contains => {
                let needle = self.nested_needle(path)?;
                return self.push(Filter::Contains(needle), start, found);
            }
            Operator::Not => unreachable!("`operator` has read it"),
        };
        self.test(path, test, start, found)?;
        if not {
            negate_last(found);
        }
        Ok(())
    }

    pub(super) fn field_operator(
        &mut self,
        operator: Operator,
        word: &str,
        field: Field,
        found: &mut Vec<Filter>,
    ) -> Read<()> {
        let start = self.reader.at();
        let (test, not) = match (operator, field) {
            (Operator::Prefix, Field::Text(field)) => (FieldTest::Prefix(field, self.prefix(word)?), false),
            (_, Field::Text(text)) => {
                let (is, not) = self.is(operator, word, |parser| parser.field_string(word, field))?;
                (FieldTest::Text(text, is), not)
            }
            (_, Field::Importance) => {
                let (is, not) = self.is(operator, word, |parser| parser.field_number(word, field))?;
                (FieldTest::Importance(is), not)
            }
            (_, Field::Time(time)) => {
                let (is, not) = self.is(operator, word, |parser| parser.field_time(word, field))?;
                (FieldTest::Time(time, is), not)
            }
        };
        self.push(Filter::Field(test), start, found)?;
        if not {
            negate_last(found);
        }
        Ok(())
    }

    /// Reads what a field must be, or must not be, with `read` for each value.
    fn is<T>(&mut self, operator: Operator, word: &str, read: impl Fn(&mut Self) -> Read<T>) -> Read<(Is<T>, bool)> {
        Ok(match operator {
            Operator::Eq => (Is::Eq(read(self)?), false),
            Operator::Ne => (Is::Eq(read(self)?), true),
            Operator::In => (Is::In(self.list(word, read)?), false),
            Operator::Nin => (Is::In(self.list(word, read)?), true),
            Operator::Compare(relation) => (Is::Compare(relation, read(self)?), false),
            Operator::Exists => (Is::Present, !self.boolean(word)?),
            Operator::Prefix | Operator::Any | Operator::All | Operator::Size | Operator::Contains | Operator::Not => {
                unreachable!("`{word}` does not fit a field")
            }
        })
    }

    /// Reads a size, or operators on it.
    fn size(&mut self, path: &[Step], found: &mut Vec<Filter>) -> Read<()> {
        let word = Operator::Size.word();
        let start = self.reader.at();
        if self.reader.kind()? != Kind::Object {
            let size = self.whole_number(word)?;
            return self.test(path, Test::Size(SizeTest::Is(size)), start, found);
        }
        let mut keys = Keys::default();
        let mut more = self.reader.open(Kind::Object)?;
        if !more {
            return Err(Wrong::new(start, format!("`{word}` of an empty object: expected at least one operator")));
        }
        while more {
            let start = self.reader.at();
            let member = self.key(&mut keys)?;
            let test = match Operator::of(&member) {
                Some(Operator::Eq) => SizeTest::Is(self.whole_number("$eq")?),
                Some(Operator::Compare(relation)) => {
                    SizeTest::Compare(relation, self.whole_number(words::comparison(relation))?)
                }
                _ => {
                    let message = match words::shown(&member) {
                        Some(shown) if shown.starts_with('$') => format!("`{shown}` in the object of `{word}`"),
                        _ => format!("a key in the object of `{word}`"),
                    };
                    let fitting = ["$eq", "$gt", "$gte", "$lt", "$lte"].into_iter();
                    return Err(Wrong::new(start, format!("{message}: expected one of {}", words::list(fitting))));
                }
            };
            self.test(path, Test::Size(test), start, found)?;
            more = self.reader.next(Kind::Object)?;
        }
        Ok(())
    }

    /// Reads what the value at a path must contain, and returns it as what the root must contain.
    fn nested_needle(&mut self, path: &[Step]) -> Read<Json> {
        let start = self.reader.at();
        let value = self.reader.value()?;
        let path = Path::new(path.iter().cloned()).map_err(|error| at(start, &error))?;
        path.around(&value).map_err(|error| at(start, &error))
    }

    fn field_string(&mut self, word: &str, field: Field) -> Read<String> {
        self.expect_field(Kind::String, word, field)?;
        self.reader.string()
    }

    fn field_number(&mut self, word: &str, field: Field) -> Read<Real> {
        let start = self.reader.at();
        self.expect_field(Kind::Number, word, field)?;
        let number = self.reader.value()?.as_str().parse().map(Real::new);
        match number {
            Ok(Ok(number)) => Ok(number),
            _ => Err(Wrong::new(start, format!("`{word}` of a number that can't be read"))),
        }
    }

    fn field_time(&mut self, word: &str, field: Field) -> Read<Timestamp> {
        let start = self.reader.at();
        self.expect_field(Kind::String, word, field)?;
        Timestamp::parse(&self.reader.string()?).map_err(|_| {
            let message = format!("`{word}` of a text that is no time: expected {}", field.expected());
            Wrong::new(start, message)
        })
    }

    fn expect_field(&self, kind: Kind, word: &str, field: Field) -> Read<()> {
        let found = self.reader.kind()?;
        if found == kind {
            return Ok(());
        }
        let message = format!("`{word}` needs {}: found {}", field.expected(), name(found));
        let wrong = Wrong::new(self.reader.at(), message);
        Err(match found {
            Kind::Null => wrong.with_hint(format!("{{\"{}\": {{\"$exists\": false}}}} asks for none", field.word())),
            Kind::Array => {
                wrong.with_hint(format!("{{\"{}\": {{\"$in\": […]}}}} asks for one of several", field.word()))
            }
            _ => wrong,
        })
    }

    fn prefix(&mut self, word: &str) -> Read<Prefix> {
        let start = self.reader.at();
        self.expect(Kind::String, &format!("`{word}` needs a string"))?;
        Prefix::new(self.reader.string()?).map_err(|error| at(start, &error))
    }

    fn boolean(&mut self, word: &str) -> Read<bool> {
        self.expect(Kind::Bool, &format!("`{word}` needs `true` or `false`"))?;
        Ok(self.reader.value()?.as_str() == "true")
    }

    fn whole_number(&mut self, word: &str) -> Read<u32> {
        let start = self.reader.at();
        self.expect(Kind::Number, &format!("`{word}` needs a whole number"))?;
        whole(&self.reader.value()?)
            .ok_or_else(|| Wrong::new(start, format!("`{word}` needs a whole number from 0 to {}", u32::MAX)))
    }

    fn values(&mut self, word: &str) -> Read<Vec<Json>> {
        self.list(word, |parser| parser.reader.value())
    }

    fn list<T>(&mut self, word: &str, read: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.expect(Kind::Array, &format!("`{word}` needs a list"))?;
        let mut list = Vec::new();
        let mut more = self.reader.open(Kind::Array)?;
        while more {
            if list.len() == Filter::MAX_PARTS {
                return Err(at(self.reader.at(), &too_many(Filter::MAX_PARTS + 1)));
            }
            list.push(read(self)?);
            more = self.reader.next(Kind::Array)?;
        }
        Ok(list)
    }
}

fn negate_last(found: &mut Vec<Filter>) {
    if let Some(last) = found.pop() {
        found.push(Filter::Not(Box::new(last)));
    }
}
