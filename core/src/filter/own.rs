//! Conditions that begin with one of a memory's own fields.

use super::{FieldTest, Filter, Is, Prefix, Real, Relation, TextField, TimeField};
use crate::{Result, Timestamp};

/// # A memory's own fields
///
/// ```
/// use polymnia::{Filter, Timestamp};
///
/// let since: Timestamp = "2026-03-01".parse()?;
/// let filter = Filter::user().eq("mara").and(Filter::importance().gte(0.8)?).and(Filter::created().gte(since));
/// assert_eq!(
///     filter.to_json().as_str(),
///     r#"{"$and": [{"$user": "mara"}, {"$importance": {"$gte": 0.8}}, {"$created_at": {"$gte": "2026-03-01T00:00:00Z"}}]}"#
/// );
/// # Ok::<(), polymnia::Error>(())
/// ```
impl Filter {
    /// Begins a condition on `user_id`.
    pub fn user() -> TextBuilder {
        TextBuilder(TextField::User)
    }

    /// Begins a condition on `agent_id`.
    pub fn agent() -> TextBuilder {
        TextBuilder(TextField::Agent)
    }

    /// Begins a condition on `thread_id`.
    pub fn thread() -> TextBuilder {
        TextBuilder(TextField::Thread)
    }

    /// Begins a condition on `tier`.
    pub fn tier() -> TextBuilder {
        TextBuilder(TextField::Tier)
    }

    /// Begins a condition on `importance`.
    pub fn importance() -> ImportanceBuilder {
        ImportanceBuilder(())
    }

    /// Begins a condition on `created_at`.
    pub fn created() -> TimeBuilder {
        TimeBuilder(TimeField::Created)
    }

    /// Begins a condition on `updated_at`.
    pub fn updated() -> TimeBuilder {
        TimeBuilder(TimeField::Updated)
    }

    /// Begins a condition on `expires_at`. Memories that have expired are never selected, whatever is asked.
    pub fn expires() -> TimeBuilder {
        TimeBuilder(TimeField::Expires)
    }
}

/// Is a condition on a field that holds text, of which the test is not known yet. Texts compare by bytes.
///
/// A text that holds NUL makes a filter that [`check`](Filter::check) refuses.
#[derive(Clone, Copy, Debug)]
pub struct TextBuilder(TextField);

impl TextBuilder {
    /// The field is not absent.
    pub fn exists(self) -> Filter {
        self.test(Is::Present)
    }

    /// The field is this text.
    pub fn eq(self, text: impl AsRef<str>) -> Filter {
        self.test(Is::Eq(text.as_ref().to_owned()))
    }

    /// The field is absent, or another text.
    pub fn ne(self, text: impl AsRef<str>) -> Filter {
        self.eq(text).not()
    }

    /// The field is greater than this text.
    pub fn gt(self, bound: impl AsRef<str>) -> Filter {
        self.compare(Relation::Greater, bound.as_ref())
    }

    /// The field is this text, or greater.
    pub fn gte(self, bound: impl AsRef<str>) -> Filter {
        self.compare(Relation::GreaterOrEqual, bound.as_ref())
    }

    /// The field is less than this text.
    pub fn lt(self, bound: impl AsRef<str>) -> Filter {
        self.compare(Relation::Less, bound.as_ref())
    }

    /// The field is this text, or less.
    pub fn lte(self, bound: impl AsRef<str>) -> Filter {
        self.compare(Relation::LessOrEqual, bound.as_ref())
    }

    /// The field is one of these texts.
    pub fn is_in<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T>) -> Filter {
        self.test(Is::In(texts.into_iter().map(|text| text.as_ref().to_owned()).collect()))
    }

    /// The field is absent, or none of these texts.
    pub fn not_in<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T>) -> Filter {
        self.is_in(texts).not()
    }

    /// The field begins with this text.
    ///
    /// # Errors
    ///
    /// As [`Prefix::new`].
    pub fn prefix(self, prefix: impl Into<String>) -> Result<Filter> {
        Ok(Filter::Field(FieldTest::Prefix(self.0, Prefix::new(prefix)?)))
    }

    fn compare(self, relation: Relation, bound: &str) -> Filter {
        self.test(Is::Compare(relation, bound.to_owned()))
    }

    fn test(self, is: Is<String>) -> Filter {
        Filter::Field(FieldTest::Text(self.0, is))
    }
}

/// Is a condition on `importance`, of which the test is not known yet. Numbers compare as floats.
#[derive(Clone, Copy, Debug)]
pub struct ImportanceBuilder(());

impl ImportanceBuilder {
    /// The importance is this number.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn eq(self, number: f64) -> Result<Filter> {
        Ok(self.test(Is::Eq(Real::new(number)?)))
    }

    /// The importance is not this number.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn ne(self, number: f64) -> Result<Filter> {
        Ok(self.eq(number)?.not())
    }

    /// The importance is greater than this number.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn gt(self, bound: f64) -> Result<Filter> {
        self.compare(Relation::Greater, bound)
    }

    /// The importance is this number, or greater.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn gte(self, bound: f64) -> Result<Filter> {
        self.compare(Relation::GreaterOrEqual, bound)
    }

    /// The importance is less than this number.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn lt(self, bound: f64) -> Result<Filter> {
        self.compare(Relation::Less, bound)
    }

    /// The importance is this number, or less.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn lte(self, bound: f64) -> Result<Filter> {
        self.compare(Relation::LessOrEqual, bound)
    }

    /// The importance is one of these numbers.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn is_in(self, numbers: impl IntoIterator<Item = f64>) -> Result<Filter> {
        let numbers: Result<Vec<Real>> = numbers.into_iter().map(Real::new).collect();
        Ok(self.test(Is::In(numbers?)))
    }

    /// The importance is none of these numbers.
    ///
    /// # Errors
    ///
    /// As [`Real::new`].
    pub fn not_in(self, numbers: impl IntoIterator<Item = f64>) -> Result<Filter> {
        Ok(self.is_in(numbers)?.not())
    }

    fn compare(self, relation: Relation, bound: f64) -> Result<Filter> {
        Ok(self.test(Is::Compare(relation, Real::new(bound)?)))
    }

    fn test(self, is: Is<Real>) -> Filter {
        let Self(()) = self;
        Filter::Field(FieldTest::Importance(is))
    }
}

/// Is a condition on a field that holds a time, of which the test is not known yet. Times compare by the microsecond.
#[derive(Clone, Copy, Debug)]
pub struct TimeBuilder(TimeField);

impl TimeBuilder {
    /// The field is not absent.
    pub fn exists(self) -> Filter {
        self.test(Is::Present)
    }

    /// The field is this time.
    pub fn eq(self, time: Timestamp) -> Filter {
        self.test(Is::Eq(time))
    }

    /// The field is absent, or another time.
    pub fn ne(self, time: Timestamp) -> Filter {
        self.eq(time).not()
    }

    /// The field is after this time.
    pub fn gt(self, bound: Timestamp) -> Filter {
        self.compare(Relation::Greater, bound)
    }

    /// The field is this time, or after it.
    pub fn gte(self, bound: Timestamp) -> Filter {
        self.compare(Relation::GreaterOrEqual, bound)
    }

    /// The field is before this time.
    pub fn lt(self, bound: Timestamp) -> Filter {
        self.compare(Relation::Less, bound)
    }

    /// The field is this time, or before it.
    pub fn lte(self, bound: Timestamp) -> Filter {
        self.compare(Relation::LessOrEqual, bound)
    }

    /// The field is one of these times.
    pub fn is_in(self, times: impl IntoIterator<Item = Timestamp>) -> Filter {
        self.test(Is::In(times.into_iter().collect()))
    }

    /// The field is absent, or none of these times.
    pub fn not_in(self, times: impl IntoIterator<Item = Timestamp>) -> Filter {
        self.is_in(times).not()
    }

    fn compare(self, relation: Relation, bound: Timestamp) -> Filter {
        self.test(Is::Compare(relation, bound))
    }

    fn test(self, is: Is<Timestamp>) -> Filter {
        Filter::Field(FieldTest::Time(self.0, is))
    }
}
