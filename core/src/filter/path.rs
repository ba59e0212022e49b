//! Paths into metadata, and conditions that begin with one.

use std::fmt;
use std::str::FromStr;

use super::{Bound, Filter, Prefix, Relation, SizeTest, Test, finite};
use crate::{Error, Json, Result};

/// Leads to a value in metadata: from the root, by keys of objects and indexes of arrays.
///
/// Steps are typed: a key never indexes an array, and an index never matches the key `"0"`. Any text without NUL is a key:
/// `a.b`, `a b`, `$eq`, `%` and the empty text are keys like others.
///
/// # Examples
///
/// ```
/// use polymnia::Path;
/// use polymnia::filter::Step;
///
/// let path = Path::new(["customer", "score"])?;
/// assert_eq!(path, "customer.score".parse()?);
/// let first = Path::new([Step::from("items"), Step::from(0), Step::from("price")])?;
/// assert_eq!(first, r#"["items", 0, "price"]"#.parse()?);
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

/// Is one step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Into an object, to the value of this key.
    Key(String),
    /// Into an array, to this element, from 0.
    Index(u32),
}

impl Path {
    /// The greatest number of steps: as deep as metadata may be nested.
    pub const MAX_STEPS: usize = Json::MAX_DEPTH;
    /// The greatest index: what PostgreSQL's arrays of `jsonb` are asked by.
    pub const MAX_INDEX: u32 = i32::MAX.cast_unsigned();

    /// Returns the path of these steps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for no step, for more than 128, for a key that holds NUL
    /// (JSON here has none), and for an index above 2,147,483,647.
    pub fn new<S: Into<Step>>(steps: impl IntoIterator<Item = S>) -> Result<Self> {
        let steps: Vec<Step> = steps.into_iter().map(Into::into).collect();
        if steps.is_empty() || steps.len() > Self::MAX_STEPS {
            let message = format!("a path of {} steps: expected 1 to {}", steps.len(), Self::MAX_STEPS);
            return Err(Error::invalid_input(message));
        }
        for (number, step) in (1..).zip(&steps) {
            match step {
                Step::Key(key) if key.contains('\0') => {
                    let message = format!("step {number} of a path holds NUL: expected a key without it");
                    return Err(Error::invalid_input(message));
                }
                Step::Index(index) if *index > Self::MAX_INDEX => {
                    let message =
                        format!("step {number} of a path is the index {index}: expected at most {}", Self::MAX_INDEX);
                    return Err(Error::invalid_input(message));
                }
                _ => {}
            }
        }
        Ok(Self(steps))
    }

    /// Returns the steps, at least one.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns the object that has this value at the path, and nothing else.
    pub(super) fn around(&self, value: &Json) -> Result<Json> {
        let mut text = String::new();
        for step in &self.0 {
            let Step::Key(key) = step else {
                return Err(Error::invalid_input("containment behind an index: expected a path of keys")
                    .with_hint("containment does not look at positions; ask for the whole list"));
            };
            text.push('{');
            text.push_str(&serde_json::Value::from(key.as_str()).to_string());
            text.push(':');
        }
        text.push_str(value.as_str());
        text.extend(self.0.iter().map(|_| '}'));
        Json::parse(&text).map_err(|_| {
            let (depth, bytes) = (Json::MAX_DEPTH, Json::MAX_BYTES);
            Error::invalid_input(format!(
                "what is to be contained is too large with the keys around it: expected JSON nested at most {depth} deep, \
                 of at most {bytes} bytes"
            ))
        })
    }
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Step {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<u32> for Step {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

impl FromStr for Path {
    type Err = Error;

    /// Reads keys with dots between them, or the JSON list that [`Display`](fmt::Display) writes, which can hold any key and
    /// indexes too.
    fn from_str(text: &str) -> Result<Self> {
        if !text.starts_with('[') {
            return Self::new(text.split('.'));
        }
        let expected = || Error::invalid_input("path is malformed: expected a JSON list of keys and indexes");
        let steps: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|_| expected())?;
        let steps: Option<Vec<Step>> = steps
            .into_iter()
            .map(|step| match step {
                serde_json::Value::String(key) => Some(Step::Key(key)),
                serde_json::Value::Number(index) => index.as_u64()?.try_into().ok().map(Step::Index),
                _ => None,
            })
            .collect();
        Self::new(steps.ok_or_else(expected)?)
    }
}

impl fmt::Display for Path {
    /// Writes a JSON list: `["customer", "score"]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (number, step) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            match step {
                Step::Key(key) => f.write_str(&serde_json::Value::from(key.as_str()).to_string())?,
                Step::Index(index) => write!(f, "{index}")?,
            }
        }
        f.write_str("]")
    }
}

/// Is a condition on metadata of which the path is known and the test is not.
///
/// Values are anything that serializes to JSON, [`Json`] itself with its numbers exact. NaN and the infinities are refused:
/// in JSON they would be `null`.
#[derive(Clone, Debug)]
pub struct PathBuilder {
    path: Path,
}

impl PathBuilder {
    pub(super) fn new(path: Path) -> Self {
        Self { path }
    }

    /// The value is there, `null` included.
    pub fn exists(self) -> Filter {
        self.test(Test::Exists)
    }

    /// The value equals this one: numbers by value, objects whatever the order of their keys, arrays in theirs.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`], and for floats that are no numbers.
    pub fn eq(self, value: impl serde::Serialize) -> Result<Filter> {
        Ok(self.test(Test::Eq(finite::json(&value)?)))
    }

    /// The value is missing or does not equal this one.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`], and for floats that are no numbers.
    pub fn ne(self, value: impl serde::Serialize) -> Result<Filter> {
        Ok(self.eq(value)?.not())
    }

    /// The value is greater than this number or string.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`], and for a float that is no number.
    pub fn gt(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::Greater, &bound)
    }

    /// The value is this number or string, or greater.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`], and for a float that is no number.
    pub fn gte(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::GreaterOrEqual, &bound)
    }

    /// The value is less than this number or string.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`], and for a float that is no number.
    pub fn lt(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::Less, &bound)
    }

    /// The value is this number or string, or less.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`], and for a float that is no number.
    pub fn lte(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::LessOrEqual, &bound)
    }

    /// The value equals one of these.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`], and for floats that are no numbers.
    pub fn is_in<V: serde::Serialize>(self, values: impl IntoIterator<Item = V>) -> Result<Filter> {
        Ok(self.test(Test::In(all_json(values)?)))
    }

    /// The value is missing or equals none of these.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`], and for floats that are no numbers.
    pub fn not_in<V: serde::Serialize>(self, values: impl IntoIterator<Item = V>) -> Result<Filter> {
        Ok(self.is_in(values)?.not())
    }

    /// The value is a string that begins with this text.
    ///
    /// # Errors
    ///
    /// As [`Prefix::new`].
    pub fn prefix(self, prefix: impl Into<String>) -> Result<Filter> {
        Ok(self.test(Test::Prefix(Prefix::new(prefix)?)))
    }

    /// The value is an array with an element that equals one of these.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`], and for floats that are no numbers.
    pub fn any<V: serde::Serialize>(self, values: impl IntoIterator<Item = V>) -> Result<Filter> {
        Ok(self.test(Test::Any(all_json(values)?)))
    }

    /// The value is an array that has an equal element for each of these.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`], and for floats that are no numbers.
    pub fn all<V: serde::Serialize>(self, values: impl IntoIterator<Item = V>) -> Result<Filter> {
        Ok(self.test(Test::All(all_json(values)?)))
    }

    /// The value contains this one, as PostgreSQL's `jsonb @> jsonb` means it when the root is asked for the same at this path.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`], for floats that are no numbers, for a path with an index, and where the value and the
    /// keys around it are past the limits of [`Json`].
    pub fn contains(self, value: impl serde::Serialize) -> Result<Filter> {
        self.path.around(&finite::json(&value)?).map(Filter::Contains)
    }

    /// The value is an array whose number of elements passes the test.
    pub fn size(self, size: SizeTest) -> Filter {
        self.test(Test::Size(size))
    }

    fn compare(self, relation: Relation, bound: &impl serde::Serialize) -> Result<Filter> {
        let bound = Bound::new(finite::json(bound)?)?;
        Ok(self.test(Test::Compare(relation, bound)))
    }

    fn test(self, test: Test) -> Filter {
        Filter::Metadata { path: self.path, test }
    }
}

fn all_json<V: serde::Serialize>(values: impl IntoIterator<Item = V>) -> Result<Vec<Json>> {
    values.into_iter().map(|value| finite::json(&value)).collect()
}
