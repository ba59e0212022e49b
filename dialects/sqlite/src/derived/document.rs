//! What is derived from one document.

use polymnia::filter::{DocumentTerms, IndexValue, NamespaceTerms};

use super::declared::Declared;

/// Is what is derived from one document. Reused, it allocates next to nothing.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The terms of its postings, sorted, each once.
    pub(super) postings: Vec<i32>,
    /// The values that declared indexes hold of it, in their order; empty if there are none.
    values: Vec<Option<IndexValue>>,
    terms: DocumentTerms,
    has_shape: bool,
}

impl Document {
    /// Reads a document. Of what is no JSON object, which only another program stores, nothing is derived but that it is not
    /// canonical. Returns whether it is one.
    pub(super) fn read(&mut self, metadata: &[u8], terms: &NamespaceTerms, declared: &[Declared]) -> bool {
        self.clear();
        self.has_shape = terms.read(metadata, &mut self.terms);
        if self.has_shape {
            self.postings.extend_from_slice(&self.terms.leaves);
            self.push(posting_of_shape(self.terms.shape));
            self.values.extend(declared.iter().map(|index| index.value(metadata)));
        }
        if !self.terms.is_canonical {
            self.push(terms.uncanonical());
        }
        self.has_shape
    }

    /// Adds a term, which by chance may be that of a leaf as well.
    fn push(&mut self, term: i32) {
        if let Err(at) = self.postings.binary_search(&term) {
            self.postings.insert(at, term);
        }
    }

    /// Makes it one of which nothing is derived.
    pub(super) fn clear(&mut self) {
        self.postings.clear();
        self.values.clear();
        self.has_shape = false;
    }

    /// Returns the value that the declared index at this place holds of it.
    pub(super) fn value(&self, at: usize) -> Option<&IndexValue> {
        self.values.get(at)?.as_ref()
    }

    /// Returns the shape and the terms of its paths, sorted; none for what is no document.
    pub(super) fn shape(&self) -> Option<(i64, &[i32])> {
        self.has_shape.then_some((self.terms.shape, &*self.terms.paths))
    }
}

/// Returns the term of the postings of a shape: its lower half.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is meant")]
pub(super) fn posting_of_shape(shape: i64) -> i32 {
    shape as i32
}
