//! Paths into metadata, and conditions that begin with one.

use std::fmt;
use std::str::FromStr;

use super::{Bound, Filter, Prefix, Relation, SizeTest, Test};
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
/// Values are anything that serializes to JSON.
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
    /// As [`Json::from_serialize`].
    pub fn eq(self, value: impl serde::Serialize) -> Result<Filter> {
        Ok(self.test(Test::Eq(Json::from_serialize(&value)?)))
    }

    /// The value is missing or does not equal this one.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`].
    pub fn ne(self, value: impl serde::Serialize) -> Result<Filter> {
        Ok(self.eq(value)?.not())
    }

    /// The value is greater than this number or string.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`].
    pub fn gt(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::Greater, &bound)
    }

    /// The value is this number or string, or greater.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`].
    pub fn gte(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::GreaterOrEqual, &bound)
    }

    /// The value is less than this number or string.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`].
    pub fn lt(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::Less, &bound)
    }

    /// The value is this number or string, or less.
    ///
    /// # Errors
    ///
    /// As [`Bound::new`].
    pub fn lte(self, bound: impl serde::Serialize) -> Result<Filter> {
        self.compare(Relation::LessOrEqual, &bound)
    }

    /// The value equals one of these.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`].
    pub fn is_in<V: serde::Serialize>(self, values: impl IntoIterator<Item = V>) -> Result<Filter> {
        Ok(self.test(Test::In(all_json(values)?)))
    }

    /// The value is missing or equals none of these.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`].
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
    /// As [`Json::from_serialize`].
    pub fn any<V: serde::Serialize>(self, values: impl IntoIterator<Item = V>) -> Result<Filter> {
        Ok(self.test(Test::Any(all_json(values)?)))
    }

    /// The value is an array that has an equal element for each of these.
    ///
    /// # Errors
    ///
    /// As [`Json::from_serialize`].
    pub fn all<V: serde::Serialize>(self, values: impl IntoIterator<Item = V>) -> Result<Filter> {
        Ok(self.test(Test::All(all_json(values)?)))
    }

    /// The value is an array whose number of elements passes the test.
    pub fn size(self, size: SizeTest) -> Filter {
        self.test(Test::Size(size))
    }

    fn compare(self, relation: Relation, bound: &impl serde::Serialize) -> Result<Filter> {
        let bound = Bound::new(Json::from_serialize(bound)?)?;
        Ok(self.test(Test::Compare(relation, bound)))
    }

    fn test(self, test: Test) -> Filter {
        Filter::Metadata { path: self.path, test }
    }
}

fn all_json<V: serde::Serialize>(values: impl IntoIterator<Item = V>) -> Result<Vec<Json>> {
    values.into_iter().map(|value| Json::from_serialize(&value)).collect()
}
