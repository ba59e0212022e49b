//! How large a filter may be.

use super::{FieldTest, Filter, Is, Path, Step, Test};
use crate::{Error, Json, Result};

impl Filter {
    /// How many of [`And`](Self::And), [`Or`](Self::Or) and [`Not`](Self::Not) may be nested in one another.
    pub const MAX_DEPTH: usize = 32;
    /// How many conditions a filter may have. One that names several values counts as many as those.
    pub const MAX_PARTS: usize = 1_000;
    /// How many bytes the JSON (as canonical text), the texts and the keys of a filter may take together: 1 MiB.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Checks the limits, and that a text to compare a field with holds no NUL. The store does so for every filter it is
    /// given.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) naming the limit and how far the filter got.
    pub fn check(&self) -> Result<()> {
        let mut tally = Tally::default();
        // A list of what is left instead of recursion: this is where the depth is found out.
        let mut left = vec![(self, 0)];
        while let Some((filter, depth)) = left.pop() {
            match filter {
                Self::And(filters) | Self::Or(filters) if !filters.is_empty() => {
                    check_depth(depth + 1)?;
                    if filters.len() > Self::MAX_PARTS {
                        return Err(too_many(filters.len()));
                    }
                    left.extend(filters.iter().map(|filter| (filter, depth + 1)));
                }
                Self::Not(inner) => {
                    check_depth(depth + 1)?;
                    left.push((inner, depth + 1));
                }
                condition => tally.add(condition)?,
            }
        }
        Ok(())
    }
}

/// Checks how many filters are nested in one another.
pub(super) fn check_depth(depth: usize) -> Result<()> {
    if depth > Filter::MAX_DEPTH {
        let message = format!("filters are nested more than {0} deep: expected at most {0}", Filter::MAX_DEPTH);
        return Err(Error::invalid_input(message));
    }
    Ok(())
}

/// Adds up the conditions of a filter.
#[derive(Debug, Default)]
pub(super) struct Tally {
    parts: usize,
    bytes: usize,
}

impl Tally {
    /// Adds a filter that holds no other one.
    pub(super) fn add(&mut self, condition: &Filter) -> Result<()> {
        let (values, bytes) = match condition {
            Filter::All | Filter::And(_) | Filter::Or(_) | Filter::Not(_) => (1, 0),
            Filter::Contains(needle) => (1, needle.as_str().len()),
            Filter::Metadata { path, test } => {
                let (values, bytes) = of_test(test);
                (values, bytes + of_path(path))
            }
            Filter::Field(test) => of_field(test)?,
        };
        self.parts = self.parts.saturating_add(values.max(1));
        self.bytes = self.bytes.saturating_add(bytes);
        if self.parts > Filter::MAX_PARTS {
            return Err(too_many(self.parts));
        }
        if self.bytes > Filter::MAX_BYTES {
            let message = format!(
                "the values and keys of a filter take {} bytes: expected at most {}",
                self.bytes,
                Filter::MAX_BYTES
            );
            return Err(Error::invalid_input(message));
        }
        Ok(())
    }
}

/// Returns the error for a filter of so many conditions and values, or more.
pub(super) fn too_many(parts: usize) -> Error {
    let limit = Filter::MAX_PARTS;
    Error::invalid_input(format!("a filter of {parts} conditions and values or more: expected at most {limit}"))
}

fn of_path(path: &Path) -> usize {
    let bytes = path.steps().iter().map(|step| match step {
        Step::Key(key) => key.len(),
        Step::Index(_) => size_of::<u32>(),
    });
    bytes.sum()
}

/// Returns how many values a test names, and their bytes.
fn of_test(test: &Test) -> (usize, usize) {
    match test {
        Test::Exists | Test::Size(_) => (1, 0),
        Test::Eq(value) => (1, value.as_str().len()),
        Test::In(values) | Test::Any(values) | Test::All(values) => {
            (values.len(), values.iter().map(|value: &Json| value.as_str().len()).sum())
        }
        Test::Compare(_, bound) => (1, bound.as_json().as_str().len()),
        Test::Prefix(prefix) => (1, prefix.as_str().len()),
    }
}

fn of_field(test: &FieldTest) -> Result<(usize, usize)> {
    match test {
        FieldTest::Text(_, is) => {
            let texts = values_of(is);
            if texts.iter().any(|text| text.contains('\0')) {
                return Err(Error::invalid_input(
                    "a text to compare a field with holds NUL: expected a text without it, for no field holds it",
                ));
            }
            Ok((texts.len(), texts.iter().map(String::len).sum()))
        }
        FieldTest::Prefix(_, prefix) => Ok((1, prefix.as_str().len())),
        FieldTest::Importance(is) => Ok((values_of(is).len(), 0)),
        FieldTest::Time(_, is) => Ok((values_of(is).len(), 0)),
    }
}

fn values_of<T>(is: &Is<T>) -> &[T] {
    match is {
        Is::Present => &[],
        Is::Eq(value) | Is::Compare(_, value) => std::slice::from_ref(value),
        Is::In(values) => values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(filter: &Filter) -> String {
        let error = filter.check().expect_err("the filter is past a limit");
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        error.message().to_owned()
    }

    fn eq(value: usize) -> Filter {
        Filter::path(["a"]).unwrap().eq(value).unwrap()
    }

    #[test]
    fn depth_counts_what_holds_others() {
        let nested = |depth| (0..depth).fold(Filter::All, |inner, _| Filter::Not(Box::new(inner)));
        assert!(nested(Filter::MAX_DEPTH).check().is_ok());
        let too_deep = "filters are nested more than 32 deep: expected at most 32";
        assert_eq!(message(&nested(Filter::MAX_DEPTH + 1)), too_deep);
        assert_eq!(message(&Filter::And(vec![Filter::Or(vec![nested(Filter::MAX_DEPTH - 1)])])), too_deep);
        // Far past it, nothing but the error happens.
        let far = nested(5_000);
        assert_eq!(message(&far), too_deep);
        assert_eq!(far.to_json().as_str().len(), 2 + 5_000 * r#"{"$not": }"#.len());
    }

    #[test]
    fn parts_count_conditions_and_values() {
        assert!(Filter::Or((0..1_000).map(eq).collect()).check().is_ok());
        let too_many = "a filter of 1001 conditions and values or more: expected at most 1000";
        assert_eq!(message(&Filter::Or((0..1_001).map(eq).collect())), too_many);
        assert!(Filter::path(["a"]).unwrap().is_in(0..1_000).unwrap().check().is_ok());
        assert_eq!(message(&Filter::path(["a"]).unwrap().is_in(0..1_001).unwrap()), too_many);
        assert_eq!(message(&Filter::path(["a"]).unwrap().any(0..1_000).unwrap().and(Filter::All)), too_many);
        assert_eq!(message(&Filter::user().is_in(vec!["m"; 1_001])), too_many);
        assert_eq!(message(&Filter::Not(Box::new(Filter::And(vec![Filter::Or(Vec::new()); 1_001])))), too_many);
    }

    #[test]
    fn bytes_count_texts_json_and_keys() {
        let half = "x".repeat(Filter::MAX_BYTES / 2);
        let filter = |rest: &str| Filter::path([half.as_str()]).unwrap().prefix(format!("{half}{rest}")).unwrap();
        assert!(filter("").check().is_ok());
        assert_eq!(
            message(&filter("y")),
            "the values and keys of a filter take 1048577 bytes: expected at most 1048576"
        );
        let json = Json::from_serialize(&half).unwrap();
        assert!(message(&Filter::Contains(json.clone()).or(Filter::Contains(json))).starts_with("the values and keys"));
        assert!(message(&Filter::tier().is_in([&half, &half, &half])).starts_with("the values and keys"));
    }

    #[test]
    fn a_text_with_nul_is_refused() {
        for filter in [Filter::user().eq("a\0"), Filter::thread().is_in(["a", "\0"]), Filter::tier().lt("\0").not()] {
            assert!(message(&filter).starts_with("a text to compare a field with holds NUL"));
            // It prints all the same, as a form that nothing reads.
            assert!(Filter::parse(filter.to_json().as_str()).is_err());
        }
    }
}
